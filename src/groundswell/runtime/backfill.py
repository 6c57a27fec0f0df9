"""Backfills: a source asked for a time that is past, beside its own running, from where it was until all is there."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Any, Final

import anyio
import structlog
from anyio.abc import TaskGroup

from groundswell.clock import Clock, milliseconds
from groundswell.component import BackfillingSource, Emit, History
from groundswell.errors import NotFoundError, RequestError, StoreFullError
from groundswell.metrics import Metrics
from groundswell.runtime.intake import SourceRunner, Work
from groundswell.runtime.persist import persist
from groundswell.runtime.task import Task
from groundswell.store.backfills import Backfill, BackfillEnded, End, NewBackfill
from groundswell.store.store import Store

Emitter = Callable[[str, int, bool], Emit]
"""What a backfill hands its batches to: by the name of its source, its number, and whether it sends all of it again."""
LOOK_EVERY_S: Final = 0.05
"""How often one that has brought everything looks whether all of it is processed."""

log = structlog.get_logger()


def can_subscribe(source: Any) -> bool:
    """Whether a source knows what to do with a yes to email."""
    return bool(getattr(source, "can_subscribe", False))


def can_backfill(source: Any) -> bool:
    """Whether a source can be asked for a time that is past."""
    return hasattr(source, "backfill")


class Backfills:
    """The backfills under way, at most one for each source.

    `begin`, `go_on`, `cancel`, `rest`, `go_on_with` and `stop` are not for use by two at a time, nor while a reload
    exchanges sources.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        random: Random,
        metrics: Metrics,
        *,
        tasks: TaskGroup,
        emitter: Emitter,
        is_paused: Callable[[str], bool],
    ) -> None:
        """`is_paused` says of a source whether an operator has paused it."""
        self._store = store
        self._clock = clock
        self._random = random
        self._metrics = metrics
        self._tasks = tasks
        self._emitter = emitter
        self._is_paused = is_paused
        self._running: dict[str, Task] = {}
        self._resting: set[str] = set()
        """Sources whose backfill is paused by itself."""
        self.runners: dict[str, SourceRunner] = {}
        """By source; those that ended since the start too."""

    async def begin(self, name: str, source: BackfillingSource, asked: History, *, resends: bool) -> None:
        """Begin a new one: to each sink what it has not been sent, or everything again.

        Raises:
            RequestError: the source has one under way.
        """
        since, until = milliseconds(asked.since), milliseconds(asked.until)
        at = milliseconds(self._clock.now())
        new = NewBackfill(name, asked.collections, since, until, at, resends, asked.subscribes)
        number = await self._store.begin_backfill(new)
        self._start(name, number, source, resends=resends)
        log.info("backfill_began", component=name, collections=list(asked.collections), resends=resends)

    async def go_on(self, sources: Mapping[str, Any]) -> None:
        """Go on with every one that is not done and does not run. What cannot go on with these sources is cancelled."""
        self._tasks.start_soon(self._forget_resent)
        for backfill in await self._store.backfills():
            name = backfill.asked.source
            if backfill.state != "running" or name in self._running:
                continue
            why = _why_not(backfill, sources.get(name))
            if why is None:
                (self._resting.add if backfill.is_paused else self._resting.discard)(name)
                self._start(name, backfill.id, sources[name], resends=backfill.asked.resends)
                continue
            with suppress(StoreFullError):  # then it is cancelled the next time; what is here must start all the same
                await self._store.end_backfill(self._ended(backfill.id, "cancelled", why))
            log.warning("backfill_cancelled", component=name, why=why, then="what it brought stays")

    async def cancel(self, name: str) -> None:
        """Stop one for good. Raises NotFoundError when none of this source is under way."""
        number = await self._under_way(name)
        if not await self._store.end_backfill(self._ended(number, "cancelled")):
            raise _just_ended(name)
        await self.stop(name)
        self._resting.discard(name)
        self._tasks.start_soon(self._forget_resent)
        log.info("backfill_cancelled", component=name, why="asked for", then="what it brought stays")

    async def rest(self, name: str) -> None:
        """Hold one where it is, over restarts too; the source's own running goes on. Raises NotFoundError."""
        if not await self._store.pause_backfill(await self._under_way(name), is_paused=True):
            raise _just_ended(name)
        self._resting.add(name)
        self.pause(name)
        log.info("backfill_paused", component=name)

    async def go_on_with(self, name: str) -> None:
        """Let it go on, now; where its source is paused, once that goes on. Raises NotFoundError."""
        if not await self._store.pause_backfill(await self._under_way(name), is_paused=False):
            raise _just_ended(name)
        self._resting.discard(name)
        if not self._is_paused(name):
            self.resume(name)
        log.info("backfill_resumed", component=name)

    async def _under_way(self, name: str) -> int:
        backfill = await self._store.backfill(name)
        if backfill is None or backfill.state != "running":
            raise NotFoundError(f"no backfill of {name} is under way")
        return backfill.id

    async def stop(self, name: str) -> None:
        """Stop one for now: `go_on` goes on where it was."""
        self.runners.pop(name, None)
        task = self._running.pop(name, None)
        if task is not None:
            await task.stop()

    def pause(self, name: str) -> None:
        """Its source is paused."""
        if name in self.runners:
            self.runners[name].pause()

    def resume(self, name: str) -> None:
        """Its source goes on."""
        if name in self.runners and name not in self._resting:
            self.runners[name].resume()

    def drain(self) -> None:
        """Bring nothing more."""
        for task in self._running.values():
            task.cancel()

    async def close(self) -> None:
        async with anyio.create_task_group() as stopping:
            for name in list(self._running):
                stopping.start_soon(self.stop, name)

    def _start(self, name: str, number: int, source: BackfillingSource, *, resends: bool) -> None:
        work, emit = self._work(name, number, source), self._emitter(name, number, resends)
        runner = SourceRunner(name, work, emit, self._clock, self._random, self._metrics, is_backfill=True)
        if self._is_paused(name) or name in self._resting:
            runner.pause()
        self.runners[name] = runner
        self._running[name] = task = Task()
        self._tasks.start_soon(task.run, runner)

    def _work(self, name: str, number: int, source: BackfillingSource) -> Work:
        async def work(emit: Emit) -> None:
            backfill = await self._store.backfill(name)
            if backfill is None or backfill.id != number or backfill.state != "running":
                return  # it had ended when we were stopped, and nobody was told
            asked = backfill.asked
            history = History(asked.collections, asked.since / 1000, asked.until / 1000, asked.subscribes)
            try:
                await source.backfill(history, backfill.cursor, emit)
                # One that sends everything again after this one must not find anything still waiting to be sent once.
                while await self._store.brought_waiting(number):
                    await self._clock.sleep(LOOK_EVERY_S)
            except RequestError as exc:
                await self._end(number, "failed", str(exc))
                log.warning("backfill_failed", component=name, error=str(exc), then="what it brought stays")
            else:
                await self._end(number, "finished")
                log.info("backfill_finished", component=name)

        return work

    async def _end(self, number: int, state: End, why: str | None = None) -> None:
        await persist(self._clock, lambda: self._store.end_backfill(self._ended(number, state, why)))
        self._tasks.start_soon(self._forget_resent)

    async def _forget_resent(self) -> None:
        """In small steps; what is left of it when the daemon stops, the next one forgets."""
        with suppress(StoreFullError):
            while await self._store.forget_resent():
                pass

    def _ended(self, number: int, state: End, why: str | None = None) -> BackfillEnded:
        return BackfillEnded(number, state, milliseconds(self._clock.now()), why)


def _why_not(backfill: Backfill, source: Any) -> str | None:
    """Why one cannot go on with the configuration in force."""
    if source is None:
        return "the configuration no longer has its source"
    if not can_backfill(source):
        return "its source can no longer be asked for a time that is past"
    gone = [name for name in backfill.asked.collections if name not in source.collections]
    return f"its source no longer looks for {', '.join(gone)}" if gone else None


def _just_ended(name: str) -> NotFoundError:
    return NotFoundError(f"no backfill of {name} is under way any more: it has just ended")
