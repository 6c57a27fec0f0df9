"""Starts the components (sinks first), keeps them running, changes them on reload, and drains them at the end."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, Final, TypeVar

import anyio
import structlog
from anyio.abc import TaskGroup
from msgspec import Struct

from groundswell.clock import Clock, milliseconds
from groundswell.component import Account, Batch, Emit
from groundswell.config.model import Component, Config, account_of
from groundswell.errors import ConfigError, NotFoundError, Problem, RequestError, StoreError
from groundswell.http.certificate import live_certificate
from groundswell.http.server import Bounds, Routes, WebhookServer
from groundswell.logs import without_text
from groundswell.metrics import Metrics, Sample
from groundswell.runtime.accept import Accept
from groundswell.runtime.backfill import Backfills
from groundswell.runtime.build import Builder
from groundswell.runtime.delivery import SinkRunner
from groundswell.runtime.intake import SourceRunner, own_running
from groundswell.runtime.patience import QUEUE_MAX, Patience
from groundswell.runtime.plan import Plan
from groundswell.runtime.processor import Processor
from groundswell.runtime.tail import Tail
from groundswell.runtime.taps import Taps
from groundswell.runtime.task import CLOSE_S, Task
from groundswell.store.brought import Bringing
from groundswell.store.inbox import InboxEntry
from groundswell.store.outbox import Pending
from groundswell.store.store import Store

STOP_S: Final = 10.0
"""How long a sink that is being replaced may take over what is under way."""
_APPLIED_AT_ONCE: Final = {"keep", "drain"}

B = TypeVar("B")

log = structlog.get_logger()


class Changes(Struct, frozen=True):
    """What a reload did."""

    started: list[str]
    stopped: list[str]
    restarted: list[str]
    unchanged: list[str]
    needs_restart: list[str]
    """Settings that only a restart of the daemon applies."""


class Supervisor:
    """The running pipeline of one configuration."""

    def __init__(
        self, config: Config, store: Store, clock: Clock, random: Random, metrics: Metrics, builder: Builder
    ) -> None:
        self.config = config
        self._store = store
        self._clock = clock
        self._random = random
        self._metrics = metrics
        self._builder = builder
        self._parts: dict[str, Any] = {}
        """Built sources, transforms and sinks, by name."""
        self.accounts: dict[str, Account] = {}
        """Built accounts, by name."""
        self.taps = Taps()
        self._running: dict[str, Task] = {}
        self._started_with = config
        self._paused: set[str] = set()
        self._tasks: TaskGroup
        self.sinks: dict[str, SinkRunner] = {}
        self.running_sources: dict[str, SourceRunner] = {}
        self.backfills: Backfills
        self.patience = Patience(clock, self._unprocessed, self._queues_of)
        self.accept: Accept
        self.processor: Processor
        self.inbox: Tail[InboxEntry]
        self.webhooks: WebhookServer
        self.is_started = False

    # ---- start ----

    async def start(self, tasks: TaskGroup) -> None:
        """Start everything in `tasks`, sinks first, the listener last. Raises OSError when its address is taken."""
        self._tasks = tasks
        bounds = self._queue_bounds()
        self.inbox = Tail(
            self._store.arrivals_after,
            lambda entry: len(entry.arrival.raw),
            position=await self._store.position(),
            committed=await self._store.last_accepted(),
            **bounds,
        )
        self.accept = Accept(self._store, self._clock, self._metrics, self.inbox, **bounds)
        self.accounts = {name: self._builder.account(account) for name, account in self.config.accounts.items()}
        self._parts = {
            name: self._builder.build(described, self.accounts) for name, described in self.config.components.items()
        }
        self._paused = await self._store.paused()
        await self._start_sinks(self.config.of_role("sink"))
        self.processor = Processor(
            self._store, self._clock, self._metrics, self.inbox, self._plan(self.config), self._dispatch, self.taps
        )
        tasks.start_soon(self.processor.run)
        for name in self.config.of_role("source"):
            self._start_source(name)
        self.backfills = Backfills(
            self._store,
            self._clock,
            self._random,
            self._metrics,
            tasks=tasks,
            emitter=self._backfill_emitter,
            is_paused=lambda name: name in self._paused or not self._is_connected(name),
        )
        await self.backfills.go_on(self.sources)
        self.webhooks = self._new_listener(self.config, self._routes(self.config))
        await self.webhooks.start(tasks)
        self.is_started = True

    def _queue_bounds(self) -> dict[str, int]:
        daemon = self._started_with.daemon
        return {"records_max": daemon.queue_records_max, "bytes_max": daemon.queue_bytes_max}

    def _plan(self, config: Config) -> Plan:
        sources = {name: self._parts[name] for name in config.of_role("source")}
        transforms = {name: self._parts[name] for name in config.of_role("transform")}
        return Plan(config, sources, transforms)

    async def _start_sinks(self, components: dict[str, Component]) -> None:
        await self._store.meet_sinks(list(components))  # and what those stopped before had to write is on disk
        backlogs = await self._store.backlogs()
        for name, component in components.items():
            runner = SinkRunner(
                name,
                self._parts[name],
                component.settings,
                store=self._store,
                clock=self._clock,
                random=self._random,
                metrics=self._metrics,
                taps=self.taps,
                backlog=backlogs.get(name),
                **self._queue_bounds(),
            )
            runner.gate.is_connected = self._is_connected(name)
            if name in self._paused:
                runner.pause()
            self.sinks[name] = runner
            self._running[name] = task = Task()
            await self._tasks.start(task.run, runner)

    def _start_source(self, name: str) -> None:
        source = self._parts[name]
        if hasattr(source, "run"):
            emit = self.accept.emitter(name)
            work = own_running(name, source, self._store)
            # Who is pushed to accepts on: that needs no account.
            is_connected = self._is_connected(name) or hasattr(source, "arrivals")
            runner = SourceRunner(name, work, emit, self._clock, self._random, self._metrics, is_connected=is_connected)
            if name in self._paused:
                runner.pause()
            self.running_sources[name] = runner
            self._running[name] = task = Task()
            self._tasks.start_soon(task.run, runner)

    def _is_connected(self, name: str) -> bool:
        """Whether a component has the account it needs."""
        account = account_of(self.config.components[name])
        return account is None or self.config.accounts[account].settings is not None

    def _backfill_emitter(self, name: str, number: int, resends: bool) -> Emit:
        emit = self.accept.emitter(
            name, lambda: Bringing(number, resends, self.processor.plan.sinks_addressed_by(name))
        )

        async def emit_and_tell(batch: Batch) -> None:
            await emit(batch)
            self.processor.look_for_what_was_brought()

        return self.patience.emitter(name, emit_and_tell)

    async def _unprocessed(self) -> int:
        """Records that are accepted, or being accepted, and not in the outbox yet."""
        again = await self._store.again_waiting()
        if self.inbox.is_behind:
            return QUEUE_MAX  # or more: nobody has counted them
        return again + self.accept.records + len(self.inbox) + self.processor.in_hand

    def _queues_of(self, source: str) -> dict[str, int]:
        """What waits at each sink behind a source."""
        behind = self.processor.plan.sinks_behind(source)
        return {name: self.sinks[name].waiting for name in behind if name in self.sinks}

    def _new_listener(self, config: Config, routes: Routes) -> WebhookServer:
        webhooks = config.webhooks
        certificate = live_certificate("webhooks", webhooks.certificate, webhooks.key, self._clock)
        listener = WebhookServer(
            webhooks.listen, _bounds_of(config), self.accept, self._clock, self._metrics.answered, certificate
        )
        listener.routes = routes
        return listener

    def _routes(self, config: Config) -> Routes:
        sources = {name: self._parts[name] for name in config.of_role("source")}
        return {source.path: (name, source) for name, source in sources.items() if hasattr(source, "arrivals")}

    def _dispatch(self, pending: Sequence[Pending]) -> None:
        """Hand deliveries just committed to their sinks."""
        by_sink: dict[str, list[Pending]] = {}
        for entry in pending:
            by_sink.setdefault(entry.sink, []).append(entry)
        for name, entries in by_sink.items():
            self.sinks[name].offer(entries)

    # ---- reload ----

    async def reload(self, config: Config) -> Changes:
        """Go over to another configuration, touching only what changed. What waits in the queues stays.

        Raises:
            ConfigError: a component cannot be built; nothing was changed.
            OSError: the new [webhooks] address cannot be listened on; nothing was changed.
        """
        old = self.config
        gone = set(old.components) - set(config.components)
        new = set(config.components) - set(old.components)
        changed = {n for n in config.components if n in old.components and not _is_same(n, old, config)}
        accounts = self._accounts_of(config)
        built = {name: self._build(name, config, accounts) for name in config.components if name in new | changed}
        previous, listener = self.webhooks, await self._listener_of(config)
        async with self.processor.lock:
            async with anyio.create_task_group() as stopping:
                for name in gone | changed:
                    stopping.start_soon(self._stop, name)
            self._parts |= built
            self.accounts = accounts
            self.config = config
            await self._start_sinks({name: sink for name, sink in config.of_role("sink").items() if name in built})
            # All at one moment: what a source takes in is processed by a plan that knows it.
            self.processor.plan = self._plan(config)
            listener.routes = previous.routes = self._routes(config)
            listener.bounds = _bounds_of(config)
            if listener.certificate is not None:
                listener.certificate.use(config.webhooks.certificate, config.webhooks.key)
            self.webhooks = listener
            await self.backfills.go_on(self.sources)
        for name in config.of_role("source"):
            if name in built:
                self._start_source(name)
        if listener is not previous:
            await previous.stop()
        return Changes(
            started=sorted(new),
            stopped=sorted(gone),
            restarted=sorted(changed),
            unchanged=sorted(set(config.components) - new - changed),
            needs_restart=_needs_restart(self._started_with, config, listener),
        )

    def _accounts_of(self, config: Config) -> dict[str, Account]:
        """What did not change stays: its limiter remembers the calls made."""
        return {
            name: self.accounts[name]
            if account == self.config.accounts.get(name)
            else _built(f"accounts.{name}", config, partial(self._builder.account, account))
            for name, account in config.accounts.items()
        }

    def _build(self, name: str, config: Config, accounts: Mapping[str, Account]) -> Any:
        described = config.components[name]
        return _built(f"{described.role}s.{name}", config, partial(self._builder.build, described, accounts))

    async def _listener_of(self, config: Config) -> WebhookServer:
        """The listener this configuration wants: the one there is, unless the address is another."""
        if config.webhooks.listen == self.config.webhooks.listen:
            return self.webhooks
        listener = self._new_listener(config, self.webhooks.routes)
        await listener.start(self._tasks)
        return listener

    async def _stop(self, name: str) -> None:
        runner = self.sinks.pop(name, None)
        if runner is not None:
            with anyio.move_on_after(STOP_S):
                await runner.stop()
        await self.backfills.stop(name)
        self.running_sources.pop(name, None)
        task = self._running.pop(name, None)
        if task is not None:
            await task.stop()
        part = self._parts.pop(name)
        if runner is not None:
            await part.aclose()

    # ---- the end ----

    async def drain(self) -> None:
        """Refuse what comes, process and deliver what is here. Cancel it when there is no more time."""
        self.accept.is_draining = True
        for name in self.running_sources:
            self._running[name].cancel()
        self.backfills.drain()
        for sink in self.sinks.values():
            sink.hurry()
        while not self._is_drained():
            await self._clock.sleep(0.02)

    def _is_drained(self) -> bool:
        if self.accept.records or len(self.inbox) or self.inbox.is_behind or self.processor.in_hand:
            return False
        return all(sink.is_idle for sink in self.sinks.values())

    async def close(self) -> None:
        """Stop listening, let what is at the sinks be settled, let go of everything."""
        await self.webhooks.stop()
        with anyio.move_on_after(CLOSE_S):
            async with anyio.create_task_group() as stopping:
                for runner in self.sinks.values():
                    stopping.start_soon(runner.stop)
        async with anyio.create_task_group() as stopping:
            stopping.start_soon(self.backfills.close)
            for task in self._running.values():
                stopping.start_soon(task.stop)
        for runner in self.sinks.values():
            await runner.sink.aclose()

    # ---- asked by operators ----

    async def pause(self, name: str) -> None:
        """Stop a sink or a running source until `resume`, over restarts too. Raises NotFoundError."""
        runner = self._pausable(name)
        await self._store.pause(name, milliseconds(self._clock.now()))
        self._paused.add(name)
        runner.pause()
        self.backfills.pause(name)

    async def resume(self, name: str) -> None:
        """Let it go on. Also tries at once what is waiting for a later try. Raises NotFoundError."""
        runner = self._pausable(name)
        await self._store.resume(name)
        self._paused.discard(name)
        runner.resume()
        if self._is_connected(name):
            self.backfills.resume(name)

    def poll(self, name: str) -> bool:
        """Have a polling source look now. False: it is looking already. Raises NotFoundError, RequestError."""
        runner = self.running_sources.get(name)
        if runner is None or not hasattr(source := self._parts[name], "look_now"):
            raise NotFoundError(f'nothing that goes and looks is called "{name}"')
        if runner.state == "paused":
            raise RequestError(f"{name} is paused; `groundswell resume {name}` lets it go on, and look")
        if runner.state == "not_connected":
            raise RequestError(f"the account of {name} is not connected; `groundswell accounts` says why")
        if runner.state == "finished":
            raise RequestError(f"{name} has read all there is, and is finished")
        if not runner.is_trying:  # it failed, and would be tried again later
            runner.resume()
            return True
        return bool(source.look_now())

    def _pausable(self, name: str) -> SinkRunner | SourceRunner:
        runner = self.sinks.get(name) or self.running_sources.get(name)
        if runner is None:
            names = ", ".join([*self.sinks, *self.running_sources])
            raise NotFoundError(f'nothing that can be paused is called "{name}"; there is {names}')
        return runner

    @property
    def sources(self) -> dict[str, Any]:
        """The sources, by name."""
        return {name: self._parts[name] for name in self.config.of_role("source")}

    def states(self) -> dict[str, str]:
        """The state of every component."""
        states = dict.fromkeys(self.config.components, "running")
        states |= {name: runner.gate.state for name, runner in self.sinks.items()}
        states |= {name: runner.state for name, runner in self.running_sources.items()}
        states |= {name: "off" for name, source in self.sources.items() if not getattr(source, "is_enabled", True)}
        return states

    def not_ready(self) -> list[str]:
        """Why nothing is accepted now; empty when all is well."""
        if not self.is_started:
            return ["starting"]
        reasons = []
        if self.accept.is_draining:
            reasons.append("stopping")
        if self.accept.no_room is not None:
            reasons.append(self.accept.no_room)
        try:
            self._store.check()
        except StoreError:
            reasons.append("the state file failed")  # why, the log says: this is for everybody
        return reasons

    def samples(self) -> Iterable[Sample]:
        """The gauges that can be read without asking the disk."""
        yield "groundswell_up", (), 0.0 if self.not_ready() else 1.0
        for name, state in self.states().items():
            yield "groundswell_component_state", (name, state), 1.0
        yield "groundswell_queue_records", ("accept",), self.accept.records
        yield "groundswell_queue_bytes", ("accept",), self.accept.bytes
        yield "groundswell_queue_records", ("inbox",), len(self.inbox) + self.processor.in_hand
        yield "groundswell_queue_bytes", ("inbox",), self.inbox.bytes
        now = self._clock.now()
        for name, source in self.running_sources.items():
            yield "groundswell_source_failing_seconds", (name,), source.failing_s(now)
        for name, runner in self.sinks.items():
            yield "groundswell_queue_records", (name,), len(runner.tail) + runner.lanes.records
            yield "groundswell_queue_bytes", (name,), runner.tail.bytes + runner.lanes.bytes
            yield "groundswell_sink_waiting_records", (name,), runner.waiting


def _built(path: str, config: Config, build: Callable[[], B]) -> B:
    """What `build` makes; that it cannot is the configuration's problem, so that a reload changes nothing."""
    try:
        return build()
    except Exception as exc:
        name = path.partition(".")[2]
        log.error("component_defect", component=name, exception=without_text(exc), then="the reload is refused")
        problem = f"cannot be built ({type(exc).__name__}); this is a defect, please report it"
        raise ConfigError([Problem(config.files[0].name, path, problem)]) from exc


def _is_same(name: str, old: Config, new: Config) -> bool:
    """Whether a component can stay as it is. Where its records come from is the plan's business, not its own."""
    before, after = old.components[name], new.components[name]
    account = account_of(after)
    if account is not None and old.accounts.get(account) != new.accounts.get(account):
        return False
    if (before.role, before.type, before.directory) != (after.role, after.type, after.directory):
        return False
    if not hasattr(before.settings, "inputs"):
        return bool(before.settings == after.settings)
    return bool(before.settings.model_copy(update={"inputs": after.settings.inputs}) == after.settings)


def _bounds_of(config: Config) -> Bounds:
    settings = config.webhooks
    return Bounds(
        body_max=settings.body_max,
        bodies_max=config.daemon.queue_bytes_max,
        body_timeout_s=settings.body_timeout.total_seconds(),
        connections_max=settings.connections_max,
    )


def _needs_restart(old: Config, new: Config, listener: WebhookServer) -> list[str]:
    fields = [field for field in type(new.daemon).model_fields if field not in _APPLIED_AT_ONCE]
    changed = [f"daemon.{f}" for f in fields if getattr(old.daemon, f) != getattr(new.daemon, f)]
    served = [("webhooks.certificate", (listener.certificate is None) != (new.webhooks.certificate is None))]
    served += [("ops.listen", old.ops.listen != new.ops.listen)]
    served += [("ops.certificate", (old.ops.certificate is None) != (new.ops.certificate is None))]
    return [*changed, *(name for name, has_changed in served if has_changed)]
