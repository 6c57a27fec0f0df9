"""kill -9 while a poller reads ActionKit users who change under it, over a bad network: all arrive, as they end up.

Two thousand users here; `make soak` does the same with a hundred thousand, and says what it cost.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import anyio
import msgspec
import pytest
from msgspec import Struct

from groundswell.clock import SystemClock
from groundswell.connectors.actionkit.polling.marks import Mark, read_marks
from groundswell.connectors.actionkit.simulator.faults import TOO_MANY, FaultRates
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from tests.faults.process import Process

USERS = int(os.environ.get("SOAK_USERS", "2000"))
KILLS = max(2, USERS // 10_000)
"""While everybody is read for the first time. Once more afterwards, while changes are."""
HAPPENING_PER_S = 20
HANDFUL = 5
WITHIN_S = 60 + USERS / 50
PIPELINE = """
[accounts.crm]
type = "actionkit"
host = "{host}"
username = "{user}"
password = "{password}"
rate = "9000/min"

[sources.users]
type = "actionkit.poll"
account = "crm"
collections = ["users"]
every = "1s"
overlap = "0s"

[sinks.archive]
type = "jsonl"
inputs = ["users"]
path = "users.jsonl"
rotate = "8GiB"
"""
BEHAVIOUR = Behaviour(latency_s=0.005, retry_after_s=1.0)
"""So that calls are under way when it is killed; and a 429 that does not say for how long holds for a minute."""
RATES = FaultRates(too_many=0.005, server_error=0.005, server_error_page=0.005, unavailable=0.005, dropped=0.005)


@pytest.mark.slow
@pytest.mark.timeout(2 * WITHIN_S)
async def test_every_user_arrives_as_they_are_in_the_end_whatever_was_killed_and_lost_meanwhile(tmp_path: Path) -> None:
    random = Random(20261121)
    async with simulator(users=USERS, behaviour=BEHAVIOUR, rates=RATES) as server, AsyncExitStack() as in_the_end:
        server.faults.plan(TOO_MANY, path="user/", after=5)
        text = PIPELINE.format(host=server.root, user=server.user, password=server.password)
        process = Process(tmp_path, text)
        in_the_end.callback(process.kill)
        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_be_lively, server)
            for number in range(KILLS):
                at = (number + random.uniform(0.2, 0.8)) * USERS / KILLS
                await process.start()
                await _marked(process, lambda mark, at=at: mark.seen >= at or mark.to is not None)
                await anyio.sleep(random.uniform(0.0, 0.05))
                process.kill()
                assert _mark(process).to is None, "killed too late: everybody had been read"
            await process.start()
            await _marked(process, lambda mark: mark.to is not None)
            first = Cost.until_now(server, began)
            await anyio.sleep(random.uniform(0.0, 0.3))
            process.kill()
            tasks.cancel_scope.cancel()
        calm_at = SystemClock().now()
        await process.start()
        quiet_from = await _marked(process, lambda mark: mark.goal is None and (mark.to or 0) > calm_at)
        # It rests for a while after each round, which is when to count.
        whole = Cost.until_now(server, began)
        server.control.fail()
        await _marked(process, lambda mark: mark.goal is None and mark.to != quiet_from.to)
        quiet = Cost.until_now(server, began).by_call - whole.by_call
        await process.drained(WITHIN_S)
        assert await process.stop() == 0

        told = dict(_told(tmp_path / "users.jsonl"))
        there = {str(number) for number in server.control.user_ids}
        wrong = [number for number in there if told.get(number) != _as_they_are(server, int(number))]
    assert wrong == []
    assert told.keys() == there
    assert len(there) > USERS
    assert whole.faults.keys() >= {"429", "500"}
    assert 0 < quiet.total() <= HANDFUL, quiet
    accepted, different = process.rows("SELECT count(*), count(DISTINCT id) FROM inbox")[0]
    assert accepted == different
    assert process.rows("SELECT count(*) FROM dead_letters") == [(0,)]
    print(  # noqa: T201 # for whoever runs it for the numbers
        f"\n{len(there):,} users in {accepted:,} states. Killed {KILLS} times until all were read for the first time, "
        f"after {first}; once more, and all exact, after {whole}. A quiet round: {dict(quiet)}"
    )


class Cost(Struct, frozen=True):
    """What it took so far, as the simulator counts."""

    seconds: float
    calls: int
    refused: int
    most_at_once: int
    by_call: Counter[str]
    faults: Counter[str]

    @classmethod
    def until_now(cls, server: Server, began: float) -> "Cost":
        counts = server.counts
        return cls(
            anyio.current_time() - began,
            counts.calls,
            counts.refused,
            counts.most_at_once,
            counts.by_call.copy(),
            counts.faults.copy(),
        )

    def __str__(self) -> str:
        return (
            f"{self.seconds:.0f} s and {self.calls:,} calls (at most {self.most_at_once} at once, {self.refused} "
            f"refused for that, made to fail: {', '.join(f'{n} {word}' for word, n in self.faults.items())})"
        )


def _told(file: Path) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """By their number, as they arrived; the last is how they were then."""
    with file.open("rb") as lines:
        for line in lines:
            person = msgspec.json.decode(line)["person"]
            custom = person.get("custom", {})
            phones = custom.get("mobile_phone", [])
            yield (
                person["ids"]["actionkit"],
                (
                    person["email"],
                    person["first_name"] or "",
                    person["last_name"] or "",
                    custom.get("favorite_color", ""),
                    sorted([phones] if isinstance(phones, str) else phones),
                ),
            )


def _as_they_are(server: Server, number: int) -> tuple[Any, ...]:
    user = server.control.user(number)
    phones = server.control.rows("SELECT phone FROM core_phone WHERE user_id = ? AND type = 'mobile'", number)
    return (
        user["email"],
        user["first_name"],
        user["last_name"],
        user["fields"].get("favorite_color", ""),
        sorted(row["phone"] for row in phones),
    )


async def _be_lively(server: Server) -> None:
    while True:
        server.control.happen(2)
        await anyio.sleep(2 / HAPPENING_PER_S)


async def _marked(process: Process, fits: Callable[[Mark], bool]) -> Mark:
    """What the cursor says of users, once it says this."""
    with anyio.fail_after(WITHIN_S):
        while not fits(mark := _mark(process)):
            process.check()
            await anyio.sleep(0.01)
    return mark


def _mark(process: Process) -> Mark:
    rows = process.rows("SELECT cursor FROM cursors WHERE source = 'users'")
    marks = read_marks(str(rows[0][0]) if rows else None)
    assert marks is not None
    return marks.mark("user")
