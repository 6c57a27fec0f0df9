"""What has to be done again and again: is there room, is everything alive, what is old enough to forget."""

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from groundswell.clock import Clock, milliseconds
from groundswell.errors import StoreFullError
from groundswell.runtime.supervisor import Supervisor
from groundswell.store.retention import Purge
from groundswell.store.store import Store

ROOM_EVERY_S: Final = 1.0
PURGE_EVERY_S: Final = 60.0
PURGE_STEP_PAUSE_S: Final = 0.05
BEAT_EVERY_S: Final = 1.0

log = structlog.get_logger()


async def watch_room(supervisor: Supervisor, store: Store, clock: Clock) -> None:
    """Refuse what comes while there is no room for it, and take it again when there is.

    Raises:
        StoreError: the state file was moved or deleted, or writing it has failed.
    """
    had_room = True
    while True:
        store.check()
        lacking = await store.lacks_room()
        why = lacking or supervisor.accept.no_room  # a commit may have found out first
        supervisor.accept.no_room = lacking
        if why is not None and had_room:
            log.error("no_room", why=why, then="webhooks are answered 503, sources wait; nothing accepted is lost")
        if why is None and not had_room:
            log.warning("room_again")
        had_room = why is None
        await clock.sleep(ROOM_EVERY_S)


async def forget_old(store: Store, clock: Clock, keep: Callable[[], timedelta]) -> None:
    """Purge what is older than `keep`, in small steps."""
    while True:
        await clock.sleep(PURGE_EVERY_S)
        step: Purge | None = Purge(milliseconds(clock.now() - keep().total_seconds()))
        rows = 0
        while step is not None:
            try:
                purged = await store.purge(step)
            except StoreFullError:
                break  # the room comes back another way; try again in a minute
            rows += purged.rows
            step = purged.next
            await clock.sleep(PURGE_STEP_PAUSE_S)
        if rows:
            log.info("forgot_old_records", rows=rows)


async def forget_old_audit(store: Store, clock: Clock, keep: Callable[[], timedelta]) -> None:
    """Forget who changed what, once that is older than `keep`, or more than is kept."""
    while True:
        await clock.sleep(PURGE_EVERY_S)
        with contextlib.suppress(StoreFullError):
            while await store.audit.purge(milliseconds(clock.now() - keep().total_seconds())):
                await clock.sleep(PURGE_STEP_PAUSE_S)


async def beat(supervisor: Supervisor, store: Store, clock: Clock, alive: Callable[[], None]) -> None:
    """Call `alive` for as long as real work gets done: the writer commits, and the processor moves when it has work."""
    beats, was_busy = -1, False
    while True:
        with contextlib.suppress(StoreFullError):  # no room is trouble, not death
            await store.ping()
        processor = supervisor.processor
        is_busy = len(supervisor.inbox) > 0 or supervisor.inbox.is_behind
        if not (is_busy and was_busy and processor.beats == beats and supervisor.accept.no_room is None):
            alive()
        beats, was_busy = processor.beats, is_busy
        await clock.sleep(BEAT_EVERY_S)
