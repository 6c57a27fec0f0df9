"""Backfills: a source asked for a time that is past, beside its own running, from where it was until all is there."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Any

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

Emitter = Callable[[str, int], Emit]
"""What a backfill hands its batches to: by the name of its source and its number."""

log = structlog.get_logger()


def can_backfill(source: Any) -> bool:
    """Whether a source can be asked for a time that is past."""
    return hasattr(source, "backfill")


class Backfills:
    """The backfills under way, at most one for each source.

    `begin`, `go_on`, `cancel` and `stop` are not for use by two at a time, nor while a reload exchanges sources.
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
        self.runners: dict[str, SourceRunner] = {}
        """By source; those that ended since the start too."""

    async def begin(self, name: str, source: BackfillingSource, asked: History) -> None:
        """Begin a new one. Raises RequestError when the source has one under way."""
        since, until = milliseconds(asked.since), milliseconds(asked.until)
        new = NewBackfill(name, asked.collections, since, until, milliseconds(self._clock.now()))
        number = await self._store.begin_backfill(new)
        self._start(name, number, source)
        log.info("backfill_began", component=name, collections=list(asked.collections))

    async def go_on(self, sources: Mapping[str, Any]) -> None:
        """Go on with every one that is not done and does not run. What cannot go on with these sources is cancelled."""
        for backfill in await self._store.backfills():
            name = backfill.source
            if backfill.state != "running" or name in self._running:
                continue
            why = _why_not(backfill, sources.get(name))
            if why is None:
                self._start(name, backfill.id, sources[name])
                continue
            with suppress(StoreFullError):  # then it is cancelled the next time; what is here must start all the same
                await self._store.end_backfill(self._ended(backfill.id, "cancelled", why))
            log.warning("backfill_cancelled", component=name, why=why, then="what it brought stays")

    async def cancel(self, name: str) -> None:
        """Stop one for good. Raises NotFoundError when none of this source is under way."""
        backfill = await self._store.backfill(name)
        if backfill is None or backfill.state != "running":
            raise NotFoundError(f"no backfill of {name} is under way")
        if not await self._store.end_backfill(self._ended(backfill.id, "cancelled")):
            raise NotFoundError(f"no backfill of {name} is under way any more: it has just ended")
        await self.stop(name)
        log.info("backfill_cancelled", component=name, why="asked for", then="what it brought stays")

    async def stop(self, name: str) -> None:
        """Stop one for now: `go_on` goes on where it was."""
        self.runners.pop(name, None)
        task = self._running.pop(name, None)
        if task is not None:
            await task.stop()

    def pause(self, name: str) -> None:
        if name in self.runners:
            self.runners[name].pause()

    def resume(self, name: str) -> None:
        if name in self.runners:
            self.runners[name].resume()

    def drain(self) -> None:
        """Bring nothing more."""
        for task in self._running.values():
            task.cancel()

    async def close(self) -> None:
        async with anyio.create_task_group() as stopping:
            for name in list(self._running):
                stopping.start_soon(self.stop, name)

    def _start(self, name: str, number: int, source: BackfillingSource) -> None:
        work, emit = self._work(name, number, source), self._emitter(name, number)
        runner = SourceRunner(name, work, emit, self._clock, self._random, self._metrics, is_backfill=True)
        if self._is_paused(name):
            runner.pause()
        self.runners[name] = runner
        self._running[name] = task = Task()
        self._tasks.start_soon(task.run, runner)

    def _work(self, name: str, number: int, source: BackfillingSource) -> Work:
        async def work(emit: Emit) -> None:
            backfill = await self._store.backfill(name)
            if backfill is None or backfill.id != number or backfill.state != "running":
                return  # it had ended when we were stopped, and nobody was told
            asked = History(backfill.collections, backfill.since / 1000, backfill.until / 1000)
            try:
                await source.backfill(asked, backfill.cursor, emit)
            except RequestError as exc:
                await self._end(number, "failed", str(exc))
                log.warning("backfill_failed", component=name, error=str(exc), then="what it brought stays")
            else:
                await self._end(number, "finished")
                log.info("backfill_finished", component=name)

        return work

    async def _end(self, number: int, state: End, why: str | None = None) -> None:
        await persist(self._clock, lambda: self._store.end_backfill(self._ended(number, state, why)))

    def _ended(self, number: int, state: End, why: str | None = None) -> BackfillEnded:
        return BackfillEnded(number, state, milliseconds(self._clock.now()), why)


def _why_not(backfill: Backfill, source: Any) -> str | None:
    """Why one cannot go on with the configuration in force."""
    if source is None:
        return "the configuration no longer has its source"
    if not can_backfill(source):
        return "its source can no longer be asked for a time that is past"
    gone = [name for name in backfill.collections if name not in source.collections]
    return f"its source no longer looks for {', '.join(gone)}" if gone else None
