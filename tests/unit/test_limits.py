"""The limiter: never more than N in any window as the other side counts them, and as many as that leaves."""

import heapq
import itertools
from random import Random

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.http.limits import MARGIN_S, UNDER_WAY_S, Limiter, Priority
from groundswell.settings import Rate, parse_rate
from tests.virtual_time import VirtualClock

FOUR_A_SECOND = Rate(calls=4, per_s=1.0)


class World:
    """Virtual time that runs by itself from one sleeper to the next."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._sleepers: list[tuple[float, int, anyio.Event]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        woken = anyio.Event()
        heapq.heappush(self._sleepers, (self.time + max(seconds, 0.0), next(self._numbers), woken))
        await woken.wait()

    async def run_until(self, time: float) -> None:
        while self.time < time:
            for _ in range(8):
                await anyio.lowlevel.checkpoint()
            if not self._sleepers:
                self.time = time
                return
            at, _, woken = heapq.heappop(self._sleepers)
            self.time = max(self.time, at)
            woken.set()


class Network:
    """Calls by way of a limiter, and when each of them arrived."""

    def __init__(self, world: World, limiter: Limiter, random: Random, ways_s: tuple[float, float]) -> None:
        self.world = world
        self.limiter = limiter
        self.arrivals: list[float] = []
        self._random = random
        self._ways_s = ways_s

    async def call(self, priority: Priority = Priority.LIVE, *, fails: bool = False) -> None:
        permit = await self.limiter.permit(priority)
        permit.start()
        try:
            await self.world.sleep(self._random.uniform(*self._ways_s))
            self.arrivals.append(self.world.time)
            await self.world.sleep(self._random.uniform(*self._ways_s))
            if not fails:
                permit.answered()
        finally:
            permit.over()

    async def call_for_ever(self) -> None:
        while True:
            await self.call()

    def most_in_a_window(self, window_s: float) -> int:
        times = sorted(self.arrivals)
        # A hundredth of a microsecond: what adding up floats makes of a second.
        return max(
            (sum(1 for one in times[n:] if one - first < window_s - 1e-8) for n, first in enumerate(times)), default=0
        )


async def flood(ways_s: tuple[float, float], seconds: float, seed: int, rate: Rate = FOUR_A_SECOND) -> Network:
    world = World()
    network = Network(world, Limiter(rate, world), Random(seed), ways_s)
    async with anyio.create_task_group() as tasks:
        for _ in range(3 * rate.calls):
            tasks.start_soon(network.call_for_ever)
        await world.run_until(world.time + seconds)
        tasks.cancel_scope.cancel()
    return network


@pytest.mark.parametrize(
    ("ways_s", "used"), [((0.0, 0.0002), 0.995), ((0.02, 0.03), 0.98), ((0.01, 0.04), 0.96), ((0.02, 0.08), 0.93)]
)
async def test_nearly_all_of_the_rate_is_used_and_never_more(ways_s: tuple[float, float], used: float) -> None:
    # Where the ways differ by J seconds, 4 / (1 + J) is all that can be had: 0.943 of it in the last case.
    network = await flood(ways_s, 200.0, seed=1)
    assert network.most_in_a_window(1.0) <= 4
    span_s = max(network.arrivals) - min(network.arrivals)
    assert (len(network.arrivals) - 1) / span_s >= 4 * used


@given(
    st.sampled_from(["4/s", "1/s", "10/5s", "30/s"]),
    st.floats(0, 0.3),
    st.floats(0, 0.3),
    st.integers(0, 2**32),
)
@settings(max_examples=40, deadline=None)
def test_no_window_holds_more_than_the_rate_whatever_the_network_does(
    rate: str, least_s: float, spread_s: float, seed: int
) -> None:
    parsed = parse_rate(rate)
    network = anyio.run(flood, (least_s, least_s + spread_s), 12.0, seed, parsed)
    assert network.most_in_a_window(parsed.per_s) <= parsed.calls


@given(
    st.lists(
        st.tuples(st.floats(0, 3), st.sampled_from(list(Priority)), st.sampled_from(["answer", "fail", "cancel"])),
        max_size=25,
    ),
    st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_failures_and_cancellations_lose_no_permit_and_let_no_window_overflow(
    calls: list[tuple[float, Priority, str]], seed: int
) -> None:
    async def play() -> Network:
        world = World()
        network = Network(world, Limiter(FOUR_A_SECOND, world), Random(seed), (0.0, 0.2))

        async def one(at_s: float, priority: Priority, how: str) -> None:
            await world.sleep(at_s)
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    if how == "cancel":
                        tasks.start_soon(cancel_later, scope)
                    await network.call(priority, fails=how == "fail")

        async def cancel_later(scope: anyio.CancelScope) -> None:
            await world.sleep(Random(seed).uniform(0, 2))
            scope.cancel()

        async with anyio.create_task_group() as tasks:
            for call in calls:
                tasks.start_soon(one, *call)
            await world.run_until(world.time + 60.0)
            assert network.limiter.waiting == 0
            network.arrivals_before = len(network.arrivals)  # type: ignore[attr-defined]
            # All four are there again.
            for _ in range(4):
                tasks.start_soon(network.call)
            await world.run_until(world.time + 0.5)
        return network

    network = anyio.run(play)
    assert network.most_in_a_window(1.0) <= 4
    assert len(network.arrivals) - network.arrivals_before == 4  # type: ignore[attr-defined]


async def test_live_deliveries_go_before_polls_and_polls_before_backfills() -> None:
    world = World()
    limiter = Limiter(Rate(calls=1, per_s=1.0), world)
    order: list[str] = []

    async def one(name: str, priority: Priority) -> None:
        permit = await limiter.permit(priority)
        order.append(name)
        permit.start()
        permit.answered()

    async with anyio.create_task_group() as tasks:
        for name, priority in (
            ("backfill", Priority.BACKFILL),
            ("poll 1", Priority.POLL),
            ("poll 2", Priority.POLL),
            ("live 1", Priority.LIVE),
            ("live 2", Priority.LIVE),
        ):
            tasks.start_soon(one, name, priority)
            await anyio.lowlevel.checkpoint()
        await world.run_until(world.time + 10)
    assert order == ["live 1", "live 2", "poll 1", "poll 2", "backfill"]


async def test_who_is_cancelled_while_next_lets_the_one_behind_go_on_time() -> None:
    world = World()
    limiter = Limiter(Rate(calls=1, per_s=1.0), world)
    went_at: list[float] = []

    async def wait() -> None:
        permit = await limiter.permit(Priority.LIVE)
        went_at.append(world.time)
        permit.start()
        permit.answered()

    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as first:
                first.start_soon(wait)
                await anyio.lowlevel.checkpoint()
                tasks.start_soon(wait)
                await anyio.lowlevel.checkpoint()
                scope.cancel()
        began = world.time
        await world.run_until(began + 5)
    assert went_at == [pytest.approx(1000.0 + UNDER_WAY_S + 1.0 + MARGIN_S)]


async def test_a_new_limiter_takes_the_window_before_it_for_used_up() -> None:
    network = await flood((0.0, 0.0), 1.49, seed=1)
    assert network.arrivals == []
    assert len((await flood((0.0, 0.0), 1.6, seed=1)).arrivals) == 4


async def test_long_windows_are_paced_evenly_so_that_a_restart_need_not_wait_for_one() -> None:
    network = await flood((0.0, 0.001), 130.0, seed=1, rate=Rate(calls=60, per_s=60.0))
    gaps = [after - before for before, after in itertools.pairwise(sorted(network.arrivals))]
    assert min(network.arrivals) < 1003
    assert min(gaps) > 0.99
    assert max(gaps) < 1.1


async def test_nobody_starts_while_the_other_side_wants_a_pause() -> None:
    clock = VirtualClock()
    limiter = Limiter(FOUR_A_SECOND, clock)
    await clock.advance(5)
    got: list[float] = []

    async def wait() -> None:
        await limiter.permit(Priority.LIVE)
        got.append(clock.monotonic())

    limiter.hold(30.0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await clock.settle()
        limiter.hold(10.0)  # shorter than what was asked before: no change
        await clock.advance(29.9)
        assert got == []
        await clock.advance(0.2)
        assert len(got) == 1


@pytest.mark.parametrize(("per_s", "held_s"), [(1.0, 1.0), (60.0, 5.0)])
async def test_a_pause_of_no_said_length_is_a_window_but_no_minute(per_s: float, held_s: float) -> None:
    # At 1000 a minute, one 429 ("too many simultaneous requests") stopped an account for a minute.
    clock = VirtualClock()
    limiter = Limiter(Rate(calls=1_000, per_s=per_s), clock)
    await clock.advance(120)
    got: list[float] = []

    async def wait() -> None:
        await limiter.permit(Priority.LIVE)
        got.append(clock.monotonic())

    limiter.hold(0.0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await clock.advance(held_s - 0.1)
        assert got == []
        await clock.advance(0.2)
        assert len(got) == 1


async def test_no_more_calls_are_under_way_at_once_than_is_allowed() -> None:
    world = World()
    limiter = Limiter(Rate(calls=100, per_s=1.0), world, at_once_max=3)
    now = most = 0

    async def call() -> None:
        nonlocal now, most
        permit = await limiter.permit(Priority.LIVE)
        permit.start()
        now += 1
        most = max(most, now)
        await world.sleep(0.05)
        now -= 1
        permit.answered()

    async with anyio.create_task_group() as tasks:
        for _ in range(30):
            tasks.start_soon(call)
        await world.run_until(world.time + 5)
    assert most == 3
    assert limiter.waiting == 0


async def test_a_permit_that_falls_due_while_it_is_looked_at_is_no_negative_sleep() -> None:
    class Drifting(VirtualClock):
        """Time passes with every look, as it does."""

        def monotonic(self) -> float:
            self._monotonic += 0.3
            return self._monotonic

        async def sleep(self, seconds: float) -> None:
            assert seconds >= 0
            await anyio.lowlevel.checkpoint()

    limiter = Limiter(FOUR_A_SECOND, Drifting())
    for _ in range(50):
        permit = await limiter.permit(Priority.LIVE)
        permit.start()
        permit.answered()


async def test_a_call_that_never_started_gives_its_permit_back_at_once_and_a_lost_one_after_a_window() -> None:
    clock = VirtualClock()
    limiter = Limiter(Rate(calls=1, per_s=1.0), clock)
    await clock.advance(5)
    (await limiter.permit(Priority.LIVE)).over()
    permit = await limiter.permit(Priority.LIVE)
    permit.start()
    permit.over()
    permit.answered()  # too late, and without effect
    got: list[bool] = []

    async def wait() -> None:
        await limiter.permit(Priority.LIVE)
        got.append(True)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await clock.settle()
        await clock.advance(0.99)
        assert got == []
        await clock.advance(0.02)
        assert got == [True]
