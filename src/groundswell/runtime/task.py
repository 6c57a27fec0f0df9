"""A runner under way, which can be stopped for itself."""

from typing import Final, Protocol

import anyio
from anyio.abc import TaskStatus

CLOSE_S: Final = 1.0
"""How long what is stopped may take to let go."""


class Runner(Protocol):
    """What has something to do until it is cancelled."""

    async def run(self) -> None: ...


class Task:
    """A runner under way."""

    def __init__(self) -> None:
        self._scope = anyio.CancelScope()
        self._ended = anyio.Event()

    async def run(self, runner: Runner, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        try:
            with self._scope:
                task_status.started()
                await runner.run()
        finally:
            self._ended.set()

    def cancel(self) -> None:
        self._scope.cancel()

    async def stop(self) -> None:
        """Return when it has ended, or could long have done so."""
        self._scope.cancel()
        with anyio.move_on_after(CLOSE_S):
            await self._ended.wait()
