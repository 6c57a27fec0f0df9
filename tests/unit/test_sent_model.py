"""Whatever happens in whatever order: each sink gets each gift once, and once more for each time it is sent again."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sending import Sending

GIFTS = [f"actblue:contribution/{number}" for number in range(6)]
SINKS_MAX = 3
OUTCOME = st.sampled_from(["delivered", "delivered", "already_there", "retry", "dead"])
OUTCOMES = st.lists(OUTCOME, min_size=1, max_size=4)
STEP = st.one_of(
    st.tuples(st.just("arrive"), st.lists(st.sampled_from(GIFTS), max_size=3)),
    st.tuples(st.just("bring"), st.tuples(st.integers(1, 3), st.booleans())),
    st.tuples(st.just("process"), st.tuples(st.integers(1, 4), st.lists(st.sampled_from(GIFTS), max_size=1))),
    st.tuples(st.just("deliver"), st.tuples(st.integers(0, SINKS_MAX - 1), OUTCOMES)),
    st.tuples(st.just("retry_dead"), st.none()),
    st.tuples(st.just("forget"), st.none()),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("add_sink"), st.none()),
)
STEPS = st.lists(STEP, max_size=25)
Steps = Sequence[tuple[str, object]]


class World(Sending):
    """With a backfill that is at some place of the gifts."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.number: int | None = None
        self.place = 0

    async def do(self, step: str, what: object, *, is_resending: bool = False) -> None:
        """What fails to be processed while it is sent again goes, once it is retried, to nobody who has it."""
        match step, what:
            case "arrive", [*ids]:
                await self.arrive(*map(str, ids))
            case "bring", (int(count), bool(has_cursor)):
                await self.bring_some(count, has_cursor=has_cursor)
            case "process", (int(count), [*failing]):
                await self.process(count, () if is_resending else [str(one) for one in failing])
            case "deliver", (int(place), [*outcomes]):
                await self.deliver(self.sinks[place % len(self.sinks)], *map(str, outcomes))
            case "retry_dead", _:
                await self.retry_dead()
            case "forget", _:
                await self.forget()
            case "restart", _:
                await self.restart()
                await self.go_on()
            case "add_sink", _:
                if not is_resending and len(self.sinks) < SINKS_MAX:
                    await self.add_sink(f"sink{len(self.sinks)}")

    async def bring_some(self, count: int, *, has_cursor: bool) -> None:
        """The next gifts of the backfill, which begins if there is none; a page may end without a cursor."""
        if self.number is None:
            self.number, self.place = await self.begin(), 0
        some = GIFTS[self.place : self.place + count]
        self.place += len(some)
        await self.bring(self.number, *some, cursor=str(self.place) if has_cursor else None)

    async def go_on(self) -> None:
        """After a restart: from the cursor that was saved."""
        backfill = await self.store.backfill("history")
        if self.number is not None and backfill is not None:
            self.place = int(backfill.cursor or "0")

    async def complete(self) -> None:
        """The backfill under way to its end, and everything delivered."""
        if self.number is not None:
            while self.place < len(GIFTS):
                await self.bring_some(2, has_cursor=True)
            await self.end(self.number)
            self.number = None
        await self.retry_dead()
        await self.deliver_all()


async def scenario(directory: Path, before: Steps, during: Sequence[Steps]) -> None:
    world = World(directory)
    await world.open()
    try:
        for step, what in before:
            await world.do(step, what)
            assert max(world.got.values(), default=0) <= 1
        await world.complete()
        for _ in range(2):
            await world.backfill(*GIFTS)
            assert world.times(*GIFTS) == [1] * len(world.sinks) * len(GIFTS)
        for times, steps in enumerate(during, 2):
            world.number, world.place = await world.begin(resends=True), 0
            for step, what in steps:
                await world.do(step, what, is_resending=True)
            await world.complete()
            assert world.times(*GIFTS) == [times] * len(world.sinks) * len(GIFTS)
        await world.backfill(*GIFTS)
        assert world.times(*GIFTS) == [1 + len(during)] * len(world.sinks) * len(GIFTS)
    finally:
        await world.store.close()


@settings(max_examples=60)
@given(before=STEPS, during=st.tuples(STEPS, STEPS))
def test_each_sink_gets_each_gift_once_and_once_more_for_each_time_it_is_sent_again(
    before: Steps, during: Sequence[Steps]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(scenario(Path(directory), before, during))
