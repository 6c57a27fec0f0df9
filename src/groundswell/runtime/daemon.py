"""The daemon: opens the state file, starts the pipeline and the ops port, heeds signals, and ends well."""

import platform
import signal
from collections.abc import Callable
from random import Random
from typing import Final, Protocol

import anyio
import structlog
from anyio.abc import TaskStatus

from groundswell import __version__
from groundswell.clock import Clock
from groundswell.config.model import Config
from groundswell.errors import ConfigError, GroundswellError, Problem, StoreError
from groundswell.http.api_keys import VerifiedKeys
from groundswell.http.client import Client, new_session
from groundswell.metrics import Metrics
from groundswell.runtime.build import Builder
from groundswell.runtime.connecting import vault_of
from groundswell.runtime.connections import Connections
from groundswell.runtime.housekeeping import beat, forget_old, forget_old_audit, watch_room
from groundswell.runtime.rates import Rates, keep_rates
from groundswell.runtime.sd_notify import ServiceManager
from groundswell.runtime.since import Since
from groundswell.runtime.supervisor import Changes, Supervisor
from groundswell.store.store import Store

log = structlog.get_logger()


class OpsPort(Protocol):
    """What serves health, metrics and the API; handed in, for it is built on top of the daemon."""

    port: int | None
    """The port really listened on, once started."""

    async def start(self, daemon: "Daemon") -> None: ...
    def apply(self, config: Config) -> None:
        """Take over what changed, as far as that needs no restart."""

    async def stop(self) -> None: ...
    async def watch(self, daemon: "Daemon", http: Client) -> None:
        """Tell people when something needs them, for as long as the daemon runs."""
        ...


class Reloaded:
    """How the last reload went."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.changes: Changes | None = None
        self.error: str | None = None
        self.problems: list[Problem] = []
        """What is wrong with the configuration that was refused."""


class Daemon:
    """One running groundswell."""

    def __init__(
        self,
        config: Config,
        load: Callable[[], Config],
        *,
        clock: Clock,
        random: Random,
        ops: OpsPort,
        manager: ServiceManager,
    ) -> None:
        """`load` reads the configuration again, for a reload."""
        self._load = load
        self._clock = clock
        self._random = random
        self.ops = ops
        self._manager = manager
        self._stopping = anyio.Event()
        self.ended = anyio.Event()
        """Set once everything is drained and closed."""
        daemon = config.daemon
        state = config.directory / daemon.state
        self.clock = clock
        self.config = config
        self.metrics = Metrics()
        self.store = Store(state, size_max=daemon.state_max, disk_free_min=daemon.disk_free_min)
        self.connections = Connections(self.store, clock, vault_of(config))
        self.keys: VerifiedKeys
        self.supervisor: Supervisor
        self.started_at = clock.now()
        self.config_read_at = clock.now()
        """When the configuration in force was read."""
        self.reloaded = Reloaded(clock.now())
        self.rates = Rates(clock)
        self.since = Since()
        self._reloading = anyio.Lock()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Run until `stop` is called, then drain.

        Raises:
            StoreError: the state file cannot be used, or failed.
            OSError: an address cannot be listened on.
        """
        async with self.store, new_session() as session:
            http = Client(session, self._clock, self.metrics.http_seconds, self.metrics.http_waited)
            self.keys = VerifiedKeys(self._key_hash, self._clock)
            builder = Builder(self._clock, self._random, http, self.keys)
            await self.connections.load()
            config = await self.connections.complete(self.config)
            self.supervisor = Supervisor(config, self.store, self._clock, self._random, self.metrics, builder)
            try:
                async with anyio.create_task_group() as tasks:
                    await self.supervisor.start(tasks)
                    await self.ops.start(self)
                    self._announce()
                    tasks.start_soon(self.connections.watch, self.supervisor)
                    tasks.start_soon(watch_room, self.supervisor, self.store, self._clock)
                    tasks.start_soon(forget_old, self.store, self._clock, lambda: self.config.daemon.keep)
                    tasks.start_soon(forget_old_audit, self.store, self._clock, lambda: self.config.ops.audit_keep)
                    tasks.start_soon(
                        keep_rates, self.rates, self.since, self.supervisor, self.store, self.metrics, self.clock
                    )
                    tasks.start_soon(beat, self.supervisor, self.store, self._clock, self._manager.alive)
                    tasks.start_soon(self.ops.watch, self, http)
                    task_status.started()
                    await self._stopping.wait()
                    await self._drain()
                    tasks.cancel_scope.cancel()
            finally:
                await self._stop_listening()
        self.ended.set()

    async def _stop_listening(self) -> None:
        """Also when it ends by an error: nobody is to be answered by what is no longer there."""
        with anyio.CancelScope(shield=True):
            await self.ops.stop()
            if self.supervisor.is_started:
                await self.supervisor.webhooks.stop()

    async def _key_hash(self, account_id: str) -> str | None:
        for key in await self.store.keys():
            if key.account_id == account_id and key.revoked_at is None:
                return key.secret_hash
        return None

    def _announce(self) -> None:
        self.metrics.built(__version__, platform.python_version(), self.config.hash)
        self._manager.ready(f"accepting on {self.supervisor.webhooks.url()}")
        roles = {role: len(self.config.of_role(role)) for role in ("source", "transform", "sink")}
        log.info(
            "started",
            version=__version__,
            config=self.config.hash,
            webhooks=self.supervisor.webhooks.url(),
            ops=f"{self.config.ops.listen.host}:{self.ops.port}",
            sources=roles["source"],
            transforms=roles["transform"],
            sinks=roles["sink"],
        )

    # ---- asked from outside ----

    def stop(self) -> None:
        """Drain and end."""
        self._stopping.set()

    async def reload(self) -> Reloaded:
        """Read the configuration again; keep the one in force if it is wrong. One reload at a time."""
        async with self._reloading:
            return await self._reload()

    async def reconnect(self) -> None:
        """Go over to the accounts as they are connected now."""
        async with self._reloading:
            await self.supervisor.reload(await self.connections.complete(self.config))

    async def _reload(self) -> Reloaded:
        self._manager.reloading()
        reloaded = Reloaded(self._clock.now())
        try:
            config = self._load()
            reloaded.changes = await self.supervisor.reload(await self.connections.complete(config))
            self.config = config
            self.ops.apply(config)
            self.config_read_at = reloaded.at
            log.info("reloaded", config=config.hash, **_words(reloaded.changes))
        except ConfigError as exc:
            reloaded.error = str(exc)
            reloaded.problems = exc.problems
            for problem in exc.problems:
                log.error("reload_refused", file=problem.file, path=problem.path, problem=problem.message)
        except OSError as exc:
            reloaded.error = f"cannot listen there: {exc.strerror}"
            log.error("reload_refused", problem=reloaded.error)
        self.reloaded = reloaded
        self._announce_reload()
        return reloaded

    def _announce_reload(self) -> None:
        self.metrics.built(__version__, platform.python_version(), self.config.hash)
        self._manager.ready(f"accepting on {self.supervisor.webhooks.url()}")

    async def _drain(self) -> None:
        limit = self.config.daemon.drain.total_seconds()
        self._manager.stopping("draining")
        log.info("draining", at_most_s=limit)
        with anyio.move_on_after(limit) as scope:
            await self.supervisor.drain()
        await self.ops.stop()
        await self.supervisor.close()
        await self.connections.keep(self.supervisor, is_last=True)
        self.store.check()
        waiting = {name: sink.waiting for name, sink in self.supervisor.sinks.items() if sink.waiting}
        log.info("stopped", in_time=not scope.cancelled_caught, waiting_in_state_file=waiting or "nothing")


def _words(changes: Changes) -> dict[str, list[str]]:
    shown = {
        "started": changes.started,
        "stopped": changes.stopped,
        "restarted": changes.restarted,
        "needs_restart": changes.needs_restart,
    }
    return {word: names for word, names in shown.items() if names}


async def heed_signals(daemon: Daemon) -> None:
    """SIGTERM and SIGINT: drain and end; a second one ends at once. SIGHUP: reload."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        is_stopping = False
        async for received in signals:
            if received == signal.SIGHUP:
                await daemon.reload()
            elif is_stopping:
                raise SystemExit(1)
            else:
                is_stopping = True
                daemon.stop()


EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1


async def serve(daemon: Daemon) -> int:
    """Run a daemon with its signals. Returns the exit code."""
    code = EXIT_DONE
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(heed_signals, daemon)
            await daemon.run()
            tasks.cancel_scope.cancel()
    except* (StoreError, OSError) as group:
        for exc in _leaves(group):
            log.error("failed", error=_said(exc), then="ended; nothing more is accepted")
        code = EXIT_FAILED
    return code


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf for exc in group.exceptions for leaf in (_leaves(exc) if isinstance(exc, BaseExceptionGroup) else [exc])
    ]


def _said(exc: BaseException) -> str:
    if isinstance(exc, GroundswellError):
        return str(exc)
    return getattr(exc, "strerror", None) or type(exc).__name__
