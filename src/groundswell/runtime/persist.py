"""Writes that must not be lost: when there is no room on disk, they wait for it."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from groundswell.clock import Clock
from groundswell.errors import StoreFullError

R = TypeVar("R")

NO_ROOM_WAIT_S: Final = 1.0
log = structlog.get_logger()


async def persist(clock: Clock, write: Callable[[], Awaitable[R]]) -> R:
    """Do `write`, again and again while the state file has no room. Raises StoreError when the file itself failed."""
    has_told = False
    while True:
        try:
            return await write()
        except StoreFullError as exc:
            if not has_told:
                log.error("state_file_has_no_room", error=str(exc), then="waiting; nothing accepted is lost")
                has_told = True
            await clock.sleep(NO_ROOM_WAIT_S)
