"""The time between two looks: waited for, or ended by an operator, and nothing else."""

import anyio

from groundswell.connectors.common.rest import Rest
from tests.virtual_time import VirtualClock


async def test_a_rest_lasts_as_long_as_it_is_told() -> None:
    clock = VirtualClock()
    rest = Rest(clock)
    woken: list[float] = []

    async def look() -> None:
        await rest.take(600.0)
        woken.append(clock.monotonic())

    began = clock.monotonic()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look)
        await clock.settle()
        await clock.advance(599.0)
        assert woken == []
        await clock.advance(1.0)
    assert woken == [began + 600.0]
    assert not rest.end(), "nobody rests any more"


async def test_a_rest_that_is_ended_is_over_and_the_next_lasts_again() -> None:
    clock = VirtualClock()
    rest = Rest(clock)
    looks: list[float] = []

    async def look() -> None:
        for _ in range(2):
            await rest.take(600.0)
            looks.append(clock.monotonic())

    began = clock.monotonic()
    assert not rest.end(), "nobody rests yet"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look)
        await clock.settle()
        await clock.advance(10.0)
        assert rest.end()
        await clock.settle()
        assert looks == [began + 10.0]
        await clock.advance(600.0)
    assert looks == [began + 10.0, began + 610.0]


async def test_a_source_that_is_stopped_while_it_rests_does_not_rest_afterwards() -> None:
    clock = VirtualClock()
    rest = Rest(clock)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(rest.take, 600.0)
        await clock.settle()
        tasks.cancel_scope.cancel()
    assert not rest.end()
