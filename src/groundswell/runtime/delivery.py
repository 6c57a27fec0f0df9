"""The third step: take a sink's deliveries from the outbox, hand them over, write down what became of them."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Final

import anyio
import structlog
from anyio.abc import TaskStatus
from msgspec import Struct

from groundswell.clock import Clock, milliseconds
from groundswell.component import Delivered, Delivery, Outcome, Rejected, Retry, Sink, Skipped, is_there_already
from groundswell.errors import RateLimitedError, RejectedError, RemoteError, UnauthorizedError, UnavailableError
from groundswell.logs import without_text
from groundswell.metrics import Metrics
from groundswell.runtime.gate import Gate
from groundswell.runtime.lanes import Lanes, Turn
from groundswell.runtime.persist import persist
from groundswell.runtime.retry import has_given_up, is_hopeless, wait_s
from groundswell.runtime.tail import Tail
from groundswell.runtime.taps import Fate, Passed, Taps, fate_of
from groundswell.settings import SinkSettings
from groundswell.store.dead_letters import DeadLetter
from groundswell.store.outbox import Pending, Settlement
from groundswell.store.sent import MONEY
from groundswell.store.store import SinkBacklog, Store

OWN_FAULTS_MAX: Final = 100_000
"""Lanes; beyond that all are forgotten, and get fewer tries."""
WINDOW_RECORDS_MIN: Final = 200
"""A sink looks at least so many deliveries ahead, so that one person's queue does not block the others."""
CLOCK_STEP_S: Final = 1.0
"""A calendar that goes back by more than this has been set."""

log = structlog.get_logger()


class SinkRunner:
    """Everything that runs for one sink: a feeder, and `concurrency` workers."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        settings: SinkSettings,
        *,
        store: Store,
        clock: Clock,
        random: Random,
        metrics: Metrics,
        taps: Taps,
        backlog: SinkBacklog | None,
        records_max: int,
        bytes_max: int,
    ) -> None:
        """`backlog` is what waits on disk from earlier."""
        self.name = name
        self.sink = sink
        self.settings = settings
        self._store = store
        self._clock = clock
        self._random = random
        self._own_faults: dict[str, int] = {}
        """Lane -> tries of what is first in it, since the start, that failed for reasons that may be its own."""
        self._metrics = metrics
        self._taps = taps
        self.gate = Gate(random)
        self.good_at: float | None = None
        """When the sink last answered as it should (seconds since 1970)."""
        self.tail: Tail[Pending] = Tail(
            lambda after, count, size: store.pending_after(name, after, count, size),
            lambda entry: len(entry.delivery.body),
            records_max=records_max,
            bytes_max=bytes_max,
            committed=backlog.oldest_seq if backlog is not None else 0,
        )
        window = max(WINDOW_RECORDS_MIN, 2 * settings.concurrency * settings.batch.records)
        self.lanes = Lanes(min(window, max(records_max, settings.batch.records)), bytes_max)
        self.waiting = backlog.records if backlog is not None else 0
        """Deliveries not settled, in memory and on disk."""
        self._idle: list[asyncio.Future[None]] = []
        self._feed = anyio.Event()
        self._stopped = anyio.Event()
        self.is_draining = False
        self.is_hurried = False
        self.in_flight = 0
        """Batches taken and not settled."""

    # ---- told by others ----

    def offer(self, entries: Sequence[Pending]) -> None:
        """Deliveries for this sink were committed."""
        self.waiting += len(entries)
        self.tail.offer(entries)
        self._go_on()

    def look_on_disk(self, more: int) -> None:
        """So many deliveries were committed which nobody offered (dead letters set going again)."""
        self.waiting += more
        self.tail.look_on_disk()
        self._feed.set()

    def drop(self, seqs: Collection[int]) -> None:
        """These have left the outbox. Those at the sink at this moment are beyond recall."""
        self.waiting -= self.tail.drop(seqs) + self.lanes.drop(seqs)
        self._go_on()

    def pause(self) -> None:
        """Deliver nothing more until `resume`; what waits is kept."""
        self.gate.is_paused = True

    def resume(self) -> None:
        """Go on, now."""
        self.gate.is_paused = False
        self.gate.probe_now()
        self.lanes.release_all()
        self._feed.set()
        self._wake(len(self._idle))

    @property
    def is_idle(self) -> bool:
        """Nothing is in flight, and nothing can be delivered now."""
        if self.in_flight:
            return False
        has_work = self.lanes.ready or len(self.tail) or self.tail.is_behind
        return not has_work or not self.gate.allows(self._clock.monotonic())

    # ---- the feeder and the workers ----

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Deliver until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._run_feeder)
            tasks.start_soon(self._run_timer)
            for _ in range(self.settings.concurrency):
                tasks.start_soon(self._run_worker)
            task_status.started()

    async def stop(self) -> None:
        """Take nothing more; return when what is at the sink has been settled."""
        self.is_draining = True
        self.hurry()
        while self.in_flight:
            if self._stopped.is_set():
                self._stopped = anyio.Event()
            await self._stopped.wait()

    def hurry(self) -> None:
        """Wait for no batch to fill any more."""
        self.is_hurried = True
        self._wake(len(self._idle))

    def _go_on(self) -> None:
        """Fill the lanes from memory, have the feeder fill them from disk, and wake workers for what is ready."""
        lanes = self.lanes
        # What may be loaded again has waited for longer than what is new.
        if not lanes.wants_loading and len(self.tail) and (room := lanes.room) > 0:
            lanes.add(self.tail.take_now(room, lanes.bytes_room), milliseconds(self._clock.now()))
        if lanes.wants_loading or self.tail.is_behind:
            self._feed.set()
        self._wake(-(-lanes.ready // self.settings.batch.records))
        self._count_anew()

    def _count_anew(self) -> None:
        """Where nothing is left, nothing waits: what was dropped while it was being read from disk may still count."""
        if not (self.lanes.records or self.lanes.parked or len(self.tail) or self.tail.is_behind):
            self.waiting = 0

    async def _run_feeder(self) -> None:
        """Keep the lanes filled from disk: first what waited and may go on, then what is new."""
        while True:
            self._feed = anyio.Event()
            if self.lanes.wants_loading and (room := self.lanes.room_to_load) > 0:
                seqs = self.lanes.loading(room)
                # What is no longer in the outbox was about somebody who was forgotten.
                self.waiting -= self.lanes.loaded(await self._store.pending_among(seqs, self.lanes.bytes_room))
            elif (room := self.lanes.room) > 0 and (len(self.tail) or self.tail.is_behind):
                entries = await self.tail.take(room, self.lanes.bytes_room)
                self.lanes.add(entries, milliseconds(self._clock.now()))
            else:
                self._count_anew()
                await self._feed.wait()
                continue
            self._wake(-(-self.lanes.ready // self.settings.batch.records))

    async def _run_timer(self) -> None:
        """Let held lanes go on when their time has come, and wake a worker when the gate opens."""
        offset = self._clock.now() - self._clock.monotonic()
        while True:
            now = self._clock.now()
            before, offset = offset, now - self._clock.monotonic()
            if before - offset > CLOCK_STEP_S:
                self.lanes.release_all()  # the clock was set back, and times written down before mean nothing now
            self.lanes.release_due(milliseconds(now))
            if self.lanes.wants_loading:
                self._feed.set()
            if self.gate.trouble is not None and self.lanes.ready:
                self._wake(1)
            await self._clock.sleep(self._until_next(now))

    def _until_next(self, now: float) -> float:
        due = self.lanes.next_due
        opens = self.gate.opens_in(self._clock.monotonic()) if self.gate.trouble and self.lanes.ready else None
        waits = [1.0, *([due / 1000 - now] if due else []), *([opens] if opens is not None else [])]
        return max(0.01, min(waits))

    def _wake(self, workers: int) -> None:
        while workers > 0 and self._idle:
            idle = self._idle.pop()
            if not idle.done():  # it was cancelled, perhaps
                idle.set_result(None)
                workers -= 1

    async def _run_worker(self) -> None:
        while True:
            turns = await self._next()
            try:
                await self._fill(turns)
                outcomes = await self._attempt(turns)
                await self._settle(turns, outcomes)
            finally:
                self.in_flight -= 1
                self._stopped.set()

    async def _next(self) -> list[Turn]:
        """Wait for something to deliver."""
        while not (turns := self._take(self.settings.batch.records)):
            await self._rest()
        self.in_flight += 1
        return turns

    async def _fill(self, turns: list[Turn]) -> None:
        """Wait a moment longer, if the batch should fill. A probe goes alone."""
        wait_s = self.settings.batch.wait.total_seconds()
        if not wait_s or self.gate.trouble is not None:
            return
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._cut_short, wait_s, tasks.cancel_scope)
            while len(turns) < self.settings.batch.records and not self.is_hurried:
                await self._rest()
                turns += self._take(self.settings.batch.records - len(turns))
            tasks.cancel_scope.cancel()
        turns += self._take(self.settings.batch.records - len(turns))  # what came as the time ran out

    async def _cut_short(self, after_s: float, scope: anyio.CancelScope) -> None:
        await self._clock.sleep(after_s)
        scope.cancel()

    def _take(self, count: int) -> list[Turn]:
        if self.is_draining:
            return []
        allowed = self.gate.allows(self._clock.monotonic())
        turns = self.lanes.take(min(count, allowed))
        if turns:
            self.gate.took()
        return turns

    async def _rest(self) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._idle.append(woken)
        try:
            await woken
        finally:
            if woken in self._idle:
                self._idle.remove(woken)

    async def _attempt(self, turns: Sequence[Turn]) -> list[Outcome]:
        """Hand over; where a batch is refused as a whole, its halves, down to the one that is at fault."""
        try:
            return await self._hand_over(turns)
        except RejectedError as exc:
            if len(turns) == 1:
                return [Rejected(exc.reason, str(exc))]
            half = len(turns) // 2
            outcomes = await self._attempt(turns[:half])
            if isinstance(outcomes[-1], Retry):  # it went away, or told us to wait
                return outcomes + [outcomes[-1]] * (len(turns) - half)
            return outcomes + await self._attempt(turns[half:])
        except RemoteError as exc:
            return [Retry(exc)] * len(turns)
        except Exception as exc:
            log.error("sink_defect", component=self.name, exception=without_text(exc), then="will be tried again")
            error = UnavailableError(f"{self.name} failed with {type(exc).__name__}; please report it")
            return [Retry(error)] * len(turns)

    async def _hand_over(self, turns: Sequence[Turn]) -> list[Outcome]:
        started = self._clock.monotonic()
        try:
            outcomes = list(await self.sink.deliver([turn.delivery for turn in turns]))
        finally:
            self._metrics.sink_seconds(self.name, self._clock.monotonic() - started)
        if len(outcomes) != len(turns) or not all(isinstance(outcome, Outcome) for outcome in outcomes):
            raise TypeError(f"{self.name}: deliver must answer with one outcome for each delivery")
        return outcomes

    async def _settle(self, turns: Sequence[Turn], outcomes: Sequence[Outcome]) -> None:
        """Write down what became of these turns; only then may their lanes go on."""
        ledger = _Ledger(self, milliseconds(self._clock.now()))
        for turn, outcome in zip(turns, outcomes, strict=True):
            ledger.enter(turn, outcome)
        self._tell_gate(outcomes)
        settlement = ledger.settlement()
        if settlement is not None:
            await persist(self._clock, lambda: self._store.settle(settlement))
        for turn in ledger.settled:
            self._own_faults.pop(turn.lane, None)
            self.waiting -= len(turn.pending)
            self.lanes.settled(turn)
        for turn, until, gives_way in ledger.held:
            if not (gives_way and self.lanes.gave_way(turn)):
                self.lanes.held(turn, until)
        for turn in ledger.returned:
            self.lanes.put_back(turn)
        ledger.count(self._metrics)
        if self._taps.are_open:
            self._taps.show(list(ledger.passed(turns, outcomes)))
        self._go_on()

    def _tell_gate(self, outcomes: Sequence[Outcome]) -> None:
        now = self._clock.monotonic()
        outcomes = [one for one in outcomes if not (isinstance(one, Retry) and one.is_its_own_matter)]
        if not outcomes:
            self.gate.learnt_nothing()
            return
        errors = [outcome.error for outcome in outcomes if isinstance(outcome, Retry)]
        # "Wait" and "I do not know you" are about all deliveries, also where some of the batch were taken.
        of_all = [error for error in errors if isinstance(error, RateLimitedError | UnauthorizedError)]
        if not of_all and len(errors) < len(outcomes):
            self.good_at = self._clock.now()
            if self.gate.succeeded(now):
                log.warning("sink_came_back", component=self.name)
            return
        error = (of_all or errors)[0]
        if self.gate.failed(error, now):
            log.warning(
                "sink_in_trouble",
                component=self.name,
                state=self.gate.state,
                error=str(error),
                then="deliveries wait in the state file; tried again by itself",
            )

    def own_faults(self, turn: Turn, error: Exception) -> int:
        """How many tries of what is first in this lane, this one too, failed for reasons that may be its own.

        An outage, a rate or a wait must not use up the few tries of what may break them. Nobody knows why those before
        the start failed, so it has all its tries again.
        """
        if isinstance(error, UnavailableError) and error.tries_max is not None:
            if len(self._own_faults) >= OWN_FAULTS_MAX:
                self._own_faults.clear()
            self._own_faults[turn.lane] = self._own_faults.get(turn.lane, 0) + 1
        return self._own_faults.get(turn.lane, 0)

    def retry_or_give_up(self, turn: Turn, error: Exception, now: int) -> int | None:
        """When this turn is due again (milliseconds), or None when it has been tried for long enough."""
        if has_given_up(turn.created_at, now, self.settings.give_up_after):
            return None
        return now + milliseconds(wait_s(turn.delivery.attempts + 1, error, self._random))


class _Ledger(Struct):
    """The outcomes of one batch, sorted into what to write and what to do."""

    runner: SinkRunner
    now: int
    delivered: list[int] = []
    coalesced: list[int] = []
    skipped: list[tuple[int, str]] = []
    retries: list[tuple[int, int, int]] = []
    dead: list[tuple[int, DeadLetter]] = []
    kinds: list[str] = []
    retry_reasons: list[str] = []
    settled: list[Turn] = []
    held: list[tuple[Turn, int, bool]] = []
    """With until when, and whether what stands behind it goes first."""
    returned: list[Turn] = []
    sent: list[tuple[str, str]] = []

    def enter(self, turn: Turn, outcome: Outcome) -> None:
        if isinstance(outcome, Retry):
            self._enter_retry(turn, outcome.error, gives_way=outcome.gives_way)
            return
        last = turn.pending[-1]
        self.settled.append(turn)
        if len(turn.pending) > 1:
            self.coalesced += [entry.seq for entry in turn.pending[:-1]]
        if isinstance(outcome, Delivered):
            self.delivered.append(last.seq)
            self.kinds.append(turn.delivery.kind)
        elif isinstance(outcome, Skipped):
            self.skipped.append((last.seq, outcome.reason))
        else:
            self._bury(turn, outcome.reason, outcome.message)
        if turn.delivery.kind in MONEY and (isinstance(outcome, Delivered) or is_there_already(outcome)):
            self.sent.append((self.runner.name, turn.delivery.record_id))

    def _enter_retry(self, turn: Turn, error: Exception, *, gives_way: bool) -> None:
        self.retry_reasons.append(getattr(error, "reason", "unavailable"))
        if isinstance(error, UnauthorizedError):
            self.returned.append(turn)  # nothing is wrong with the delivery: it does not age by this
            return
        tries = turn.delivery.attempts + 1
        if is_hopeless(self.runner.own_faults(turn, error), error):
            self._give_up(turn, f"tried {tries} times, the last time: {error}")
            return
        until = self.runner.retry_or_give_up(turn, error, self.now)
        if until is None:
            days = self.runner.settings.give_up_after / timedelta(days=1)
            self._give_up(turn, f"tried for {days:g} days ([give_up_after]), the last time: {error}")
            return
        self.held.append((turn, until, gives_way))
        self.retries += [(entry.seq, turn.delivery.attempts + 1, until) for entry in turn.pending]

    def _give_up(self, turn: Turn, message: str) -> None:
        self.settled.append(turn)
        self.coalesced += [entry.seq for entry in turn.pending[:-1]]
        self._bury(turn, "gave_up", message)

    def _bury(self, turn: Turn, reason: str, message: str) -> None:
        last, delivery = turn.pending[-1], turn.delivery
        letter = DeadLetter(
            stage="deliver",
            component=self.runner.name,
            reason=reason,
            message=message,
            inbox_seq=last.inbox_seq,
            record_id=delivery.record_id,
            kind=delivery.kind,
            lane=delivery.lane,
            body=delivery.body,
            attempts=delivery.attempts + 1,
            created_at=self.now,
        )
        self.dead.append((last.seq, letter))

    def settlement(self) -> Settlement | None:
        """What to write; None when nothing changed on disk."""
        if not self.settled and not self.held:
            return None
        return Settlement(
            self.now, self.delivered, self.skipped, self.coalesced, self.retries, self.dead, sent=self.sent
        )

    def passed(self, turns: Sequence[Turn], outcomes: Sequence[Outcome]) -> Iterator[Passed]:
        """What became of each turn, for those who look."""
        buried = {seq: letter.reason for seq, letter in self.dead}
        for turn, outcome in zip(turns, outcomes, strict=True):
            reason = buried.get(turn.pending[-1].seq)
            word, why = ("rejected", reason) if reason is not None else fate_of(outcome)
            if word != "retried":
                yield from (self._passed(entry.delivery, "coalesced") for entry in turn.pending[:-1])
            yield self._passed(turn.delivery, word, why)

    def _passed(self, delivery: Delivery, word: Fate, why: str | None = None) -> Passed:
        return Passed(self.now, self.runner.name, word, delivery, len(delivery.body), why)

    def count(self, metrics: Metrics) -> None:
        metrics.settled(
            self.runner.name,
            delivered=self.kinds,
            skipped=[reason for _, reason in self.skipped],
            coalesced=len(self.coalesced),
            retried=self.retry_reasons,
            dead=[letter.reason for _, letter in self.dead],
        )
