"""One running source, started again when it fails."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, Literal

import anyio
import structlog

from groundswell.clock import Clock
from groundswell.component import Batch, Emit, Progress, RunningSource
from groundswell.errors import StoreError, UnauthorizedError
from groundswell.logs import without_text
from groundswell.metrics import Metrics
from groundswell.runtime.retry import UNAUTHORIZED_PROBE_S, wait_s
from groundswell.store.store import Store

Halt = Literal["finished", "paused", "not_connected"]
"""Why a source does nothing, and is not to."""
State = Literal["running", "waiting", "unauthorized"] | Halt
STEADY_S: Final = 300.0
"""A source that ran so long without failing starts its count of failures anew."""

log = structlog.get_logger()


Work = Callable[[Emit], Awaitable[None]]
"""What a source does, from where it is to its end."""


def own_running(name: str, source: RunningSource, store: Store) -> Work:
    """A source's own `run`, from the cursor saved last."""

    async def work(emit: Emit) -> None:
        await source.run(await store.cursor(name), emit)
        log.info("source_finished", component=name)

    return work


class SourceRunner:
    """Has one source do its work, its own running or a backfill: again whenever it fails, until it is finished."""

    def __init__(
        self,
        name: str,
        work: Work,
        emit: Emit,
        clock: Clock,
        random: Random,
        metrics: Metrics,
        *,
        is_backfill: bool = False,
        is_connected: bool = True,
    ) -> None:
        """`is_connected`: False where its account is not connected, and so it does nothing."""
        self.name = name
        self._told = {"component": name, "work": "backfill"} if is_backfill else {"component": name}
        """Of whom the log speaks."""
        self._work = work
        self._emit = emit
        self._clock = clock
        self._random = random
        self._metrics = metrics
        self._resumed = anyio.Event()
        self._has_emitted = False
        """Since it was started last: then a failure is the first, not one more."""
        self._scope: anyio.CancelScope | None = None
        self._halt: Halt | None = None if is_connected else "not_connected"
        self.is_trying = False
        """Whether it is at its work now, and does not wait to begin again."""
        self.last_error: str | None = None
        self.failing_since: float | None = None
        """When it failed first of those times that it has failed since it was last well."""
        self.trouble: str | None = None
        """The reason of the last error, until it is well again: that it is tried once more is no sign of that."""
        self.good_at: float | None = None
        """When it was last well (seconds since 1970): it brought something, if only word that there was nothing new."""
        self.progress: Progress | None = None
        """As the latest batch has it: None when nothing long goes on."""

    @property
    def state(self) -> State:
        if self._halt is not None:
            return self._halt
        if self.trouble is None:
            return "running"
        return "unauthorized" if self.trouble == UnauthorizedError.reason else "waiting"

    def pause(self) -> None:
        """Stop it where it is; `resume` goes on from the cursor saved last."""
        if self._halt is not None:
            return  # when it is paused, it waits for the event there is
        self._halt = "paused"
        self.failing_since = None  # it does not read because somebody wants it so
        self._resumed = anyio.Event()
        if self._scope is not None:
            self._scope.cancel()

    def resume(self) -> None:
        """Go on, now. Nothing changes for one that is at its work."""
        if self._halt in ("finished", "not_connected") or (self._halt is None and self.is_trying):
            return
        if self._is_paused and self.trouble is not None:
            self.failing_since = self._clock.now()
        self._halt = None
        self._resumed.set()
        if self._scope is not None:
            self._scope.cancel()

    @property
    def _is_paused(self) -> bool:
        return self._halt == "paused"

    async def run(self) -> None:
        """Run until cancelled or finished."""
        failures = 0
        while self._halt not in ("finished", "not_connected"):
            while self._is_paused:
                await self._resumed.wait()
            began = self._clock.monotonic()
            with anyio.CancelScope() as self._scope:
                error = await self._run_once()
                if error is None:
                    return
                is_new = self._has_emitted or self._clock.monotonic() - began >= STEADY_S
                failures = 1 if is_new else failures + 1
                await self._clock.sleep(self._wait_s(error, failures))

    async def _run_once(self) -> Exception | None:
        """None: it is finished. Otherwise what stopped it."""
        self._has_emitted = False
        self.is_trying = True
        try:
            await self._work(self._emit_and_note)
        except StoreError:
            raise
        except Exception as exc:
            self._note(exc)
            return exc
        finally:
            self.is_trying = False
        self._halt = "finished"
        self.last_error = self.trouble = self.failing_since = None
        self.progress = None
        return None

    async def _emit_and_note(self, batch: Batch) -> None:
        await self._emit(batch)
        self._has_emitted = True
        self.progress = batch.progress
        self.good_at = self._clock.now()
        if self.last_error is not None:
            self.last_error = self.trouble = self.failing_since = None
            log.warning("source_came_back", **self._told)

    def _note(self, exc: Exception) -> None:
        is_new = self.trouble is None
        self.trouble = reason = getattr(exc, "reason", "defect")
        self._metrics.source_failed(self.name, reason)
        self.failing_since = self.failing_since or self._clock.now()
        if reason == "defect":
            self.last_error = f"{type(exc).__name__}; this is a defect, please report it"
            log.error(
                "source_defect", **self._told, exception=without_text(exc), then="started again from its saved cursor"
            )
            return
        self.last_error = str(exc)
        if is_new:
            log.warning("source_in_trouble", **self._told, error=self.last_error, then="tried again by itself")

    def failing_s(self, now: float) -> float:
        """For how long it has not been able to read; 0 when it is well, or is not to read."""
        return 0.0 if self.failing_since is None else max(0.0, now - self.failing_since)

    def _wait_s(self, error: Exception, failures: int) -> float:
        if isinstance(error, UnauthorizedError):
            return UNAUTHORIZED_PROBE_S
        return wait_s(failures, error, self._random)
