"""Calls that are made side by side."""

from collections.abc import Awaitable, Callable

import anyio


async def abreast(work: Callable[[], Awaitable[None]], times: int) -> None:
    """Run `work` so many times at once; return when all have ended.

    Raises:
        Exception: the first that any of them raised, as it was; the others were stopped.
    """
    failed: list[Exception] = []

    async def guarded(scope: anyio.CancelScope) -> None:
        try:
            await work()
        except Exception as exc:
            failed.append(exc)
            scope.cancel()

    async with anyio.create_task_group() as tasks:
        for _ in range(times):
            tasks.start_soon(guarded, tasks.cancel_scope)
    if failed:
        raise failed[0]
