"""Calls that are made side by side."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

T = TypeVar("T")


async def abreast(work: Callable[[T], Awaitable[None]], of: Iterable[T], at_once: int) -> None:
    """Do the work for each of these, so many at once; return when all are done.

    Raises:
        Exception: the first that any of them raised, as it was; the others were stopped.
    """
    left = iter(of)
    failed: list[Exception] = []

    async def worker(scope: anyio.CancelScope) -> None:
        for one in left:
            try:
                await work(one)
            except Exception as exc:  # whatever it is, it is raised again below, without a group around it
                failed.append(exc)
                scope.cancel()
                return

    async with anyio.create_task_group() as tasks:
        for _ in range(at_once):
            tasks.start_soon(worker, tasks.cancel_scope)
    if failed:
        raise failed[0]
