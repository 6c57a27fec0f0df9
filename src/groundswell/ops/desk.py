"""The desk: everything an operator can ask or do, for the API and for the command line alike.

With a daemon behind it, what was changed on disk takes effect at once; without one, it does when the next one starts.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import anyio.to_thread

from groundswell.clock import Clock, milliseconds
from groundswell.config.model import Config
from groundswell.config.problems import able, closest, listing, quoted
from groundswell.errors import ConfigError, NotFoundError, NotNowError, RequestError
from groundswell.http.api_keys import new_key
from groundswell.ops.accounts import AccountsDesk
from groundswell.ops.auditing import audit_lines
from groundswell.ops.backfills import do_backfill, past_backfills
from groundswell.ops.config_messages import ConfigShown
from groundswell.ops.configuration import config_shown
from groundswell.ops.gauges import Gauges
from groundswell.ops.groups import GroupDesk
from groundswell.ops.letters import LettersDesk
from groundswell.ops.live_messages import AskRates, MetricsShown, Polled, RatesShown
from groundswell.ops.messages import (
    AskBackfill,
    AskReplay,
    AuditLines,
    Backfills,
    BackfillStatus,
    ComponentState,
    ConfigReloaded,
    KeyCreated,
    KeyListed,
    KeyRevoked,
    Keys,
    ListAudit,
    ListBackfills,
    LoginCode,
    NameComponent,
    NameKey,
    Nothing,
    Replayed,
    RevokeKey,
    Status,
    moment,
)
from groundswell.ops.metrics_shown import metrics_shown
from groundswell.ops.people import PeopleDesk
from groundswell.ops.place import Outline, Part, Place, outline_of
from groundswell.ops.rates import rates_of
from groundswell.ops.reconciling import ReconcileDesk
from groundswell.ops.records import RecordsDesk
from groundswell.ops.status import status_of
from groundswell.ops.syncs import SyncDesk
from groundswell.runtime.build import built
from groundswell.runtime.daemon import Daemon
from groundswell.store.inbox import Replay
from groundswell.store.keys import Key
from groundswell.store.store import Store

BATCH_WAIT_S: Final = 10.0
"""How long a change waits for the batch that is being processed."""
KEPT_FOR_EVER: Final = 2**62


class Desk:
    """Answers for one state file, and for the daemon that runs on it, if one does."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        place: Place | None,
        daemon: Daemon | None = None,
        new_code: Callable[[], LoginCode] | None = None,
        gauges: Gauges | None = None,
    ) -> None:
        """`place` says what there is where no daemon can; `new_code` and `gauges` come with a daemon."""
        assert place is not None or daemon is not None
        self._store = store
        self._clock = clock
        self._place = place
        self._daemon = daemon
        self._new_code = new_code
        self._gauges = gauges
        self.people = PeopleDesk(store, clock, self._outline, daemon, self._between_batches)
        self.groups = GroupDesk(store.people, self._outline)
        self.syncs = SyncDesk(store.people, clock, self._outline, self._config, daemon)
        self.letters = LettersDesk(store, clock, lambda: self._parts, daemon, self._between_batches)
        self.records = RecordsDesk(store, clock)
        self.sources = ReconcileDesk(store, clock, self._outline, self._sources)
        self.accounts = AccountsDesk(store, clock, self._outline, place, daemon)

    def _outline(self) -> Outline:
        if self._daemon is not None:
            return outline_of(self._daemon.config)
        assert self._place is not None
        return self._place.outline

    def _config(self) -> Config:
        """Raises ConfigError."""
        if self._daemon is not None:
            return self._daemon.config
        assert self._place is not None
        return self._place.config()

    @asynccontextmanager
    async def _sources(self) -> AsyncIterator[Mapping[str, Any]]:
        """The sources, built, so that they read what they once accepted."""
        if self._daemon is not None:
            yield self._daemon.supervisor.sources
            return
        assert self._place is not None
        config = self._place.config()
        async with built(config, config.of_role("source"), self._clock) as sources:
            yield sources

    @property
    def _parts(self) -> Mapping[str, Part]:
        return self._outline().parts

    def _now(self) -> int:
        return milliseconds(self._clock.now())

    async def status(self, _: Nothing) -> Status:
        return await status_of(self._store, self._clock, self._outline(), self._daemon)

    async def rates(self, asked: AskRates) -> RatesShown:
        """Only with a daemon."""
        assert self._daemon is not None
        return rates_of(self._part(asked.component), self._daemon.rates)

    async def metrics(self, _: Nothing) -> MetricsShown:
        """Only with a daemon."""
        assert self._daemon is not None
        assert self._gauges is not None
        await self._gauges.refresh()
        return metrics_shown(self._daemon.metrics)

    # ---- records ----

    async def replay(self, asked: AskReplay) -> Replayed:
        sources = [part.name for part in self._parts.values() if part.role == "source"]
        if asked.source not in sources:
            raise NotFoundError(
                f"nothing called {quoted(asked.source)} is a source; {_there_is(asked.source, sources)}"
            )
        if asked.since is None and asked.ids is None:
            raise RequestError("say from when on (since), or which records (ids): a replay delivers all of it again")
        since = 0 if asked.since is None else milliseconds(asked.since.timestamp())
        until = KEPT_FOR_EVER if asked.until is None else milliseconds(asked.until.timestamp())
        if since > until:
            raise RequestError("since is later than until; exchange them")
        found = await self._store.replay(Replay([asked.source], since, until, asked.ids))
        if self._daemon is not None and found:
            self._daemon.supervisor.processor.look_for_replays()
        return Replayed(found)

    async def backfill(self, asked: AskBackfill) -> BackfillStatus:
        """Only with a daemon."""
        assert self._daemon is not None
        part = self._outline().parts.get(asked.source)
        if part is not None and not asked.cancel:
            self.accounts.require_connected(part.name)
        async with self._between_batches():
            return await do_backfill(self._daemon, asked, self._clock.now())

    async def backfills(self, asked: ListBackfills) -> Backfills:
        return await past_backfills(self._store, self._daemon, asked, self._clock.now())

    # ---- API keys ----

    async def keys_list(self, _: Nothing) -> Keys:
        return Keys(
            [
                KeyListed(
                    name=key.name,
                    account_id=key.account_id,
                    created_at=moment(key.created_at),
                    revoked_at=None if key.revoked_at is None else moment(key.revoked_at),
                )
                for key in await self._store.keys()
            ]
        )

    async def keys_create(self, asked: NameKey) -> KeyCreated:
        made = await anyio.to_thread.run_sync(new_key)  # scrypt holds its thread for tens of milliseconds
        now = self._now()
        await self._store.create_key(Key(made.account_id, asked.name, made.secret_hash, now))
        self._forget_checked_keys()
        return KeyCreated(asked.name, made.account_id, made.secret, moment(now))

    async def keys_revoke(self, asked: RevokeKey) -> KeyRevoked:
        await self._store.revoke_key(asked.name, self._now())
        self._forget_checked_keys()
        return KeyRevoked(asked.name)

    def _forget_checked_keys(self) -> None:
        if self._daemon is not None:
            self._daemon.keys.clear()

    # ---- components, configuration ----

    async def pause(self, asked: NameComponent) -> ComponentState:
        part = self._pausable(asked.name)
        if self._daemon is None:
            await self._store.pause(part.name, self._now())
        else:
            await self._daemon.supervisor.pause(part.name)
        return self._state_of(part.name, "paused")

    async def resume(self, asked: NameComponent) -> ComponentState:
        part = self._pausable(asked.name)
        if self._daemon is None:
            await self._store.resume(part.name)
        else:
            await self._daemon.supervisor.resume(part.name)
        return self._state_of(part.name, "stopped")

    async def poll(self, asked: NameComponent) -> Polled:
        """Only with a daemon."""
        assert self._daemon is not None
        part = self._part(asked.name)
        if not part.can_poll:
            can = [other.name for other in self._parts.values() if other.can_poll]
            raise RequestError(
                f"{part.name} ({part.role}, {part.type}) cannot be told to look; {able(can, 'be told to')}"
            )
        return Polled(part.name, was_looking=not self._daemon.supervisor.poll(part.name))

    def _part(self, name: str) -> Part:
        parts = self._parts
        part = parts.get(name)
        if part is None:
            raise NotFoundError(f"nothing is called {quoted(name)}; {_there_is(name, list(parts))}")
        return part

    def _state_of(self, name: str, otherwise: str) -> ComponentState:
        states = {} if self._daemon is None else self._daemon.supervisor.states()
        return ComponentState(name, states.get(name, otherwise))

    def _pausable(self, name: str) -> Part:
        part = self._part(name)
        if not part.can_pause:
            can = [other.name for other in self._parts.values() if other.can_pause]
            raise RequestError(f"{name} ({part.role}, {part.type}) cannot be paused; {able(can, 'be paused')}")
        return part

    async def audit(self, asked: ListAudit) -> AuditLines:
        return await audit_lines(self._store.audit, asked)

    async def dashboard(self, _: Nothing) -> LoginCode:
        """Only with a daemon."""
        assert self._new_code is not None
        return self._new_code()

    async def config(self, _: Nothing) -> ConfigShown:
        """Only with a daemon."""
        assert self._daemon is not None
        return config_shown(self._daemon)

    async def reload(self, _: Nothing) -> ConfigReloaded:
        """Only with a daemon."""
        assert self._daemon is not None
        reloaded = await self._daemon.reload()
        if reloaded.problems:
            raise ConfigError(reloaded.problems)
        if reloaded.changes is None:
            raise RequestError(f"the configuration in force stays: {reloaded.error}")
        changes = reloaded.changes
        return ConfigReloaded(
            config=self._daemon.config.hash,
            started=changes.started,
            stopped=changes.stopped,
            restarted=changes.restarted,
            unchanged=changes.unchanged,
            needs_restart=changes.needs_restart,
        )

    @asynccontextmanager
    async def _between_batches(self) -> AsyncIterator[None]:
        """While inside, the processor commits nothing and no reload exchanges a sink. Raises NotNowError."""
        if self._daemon is None:
            yield
            return
        lock = self._daemon.supervisor.processor.lock
        with anyio.move_on_after(BATCH_WAIT_S) as scope:
            await lock.acquire()
        if scope.cancelled_caught:
            raise NotNowError("not now: the batch being processed takes long (is the disk full?); try again", 10)
        try:
            yield
        finally:
            lock.release()


def _there_is(name: str, known: list[str]) -> str:
    close = closest(name, known)
    return f"did you mean {quoted(close)}?" if close else f"there is {listing(known) or 'none'}"
