"""Whether each account is connected, since when, and how its calls go: read off the components that use it."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

import msgspec
import structlog

from groundswell.clock import Clock, milliseconds
from groundswell.config.model import Config, account_of
from groundswell.errors import StoreFullError
from groundswell.runtime.connecting import NotConnected, completed
from groundswell.runtime.delivery import SinkRunner
from groundswell.runtime.intake import SourceRunner
from groundswell.runtime.supervisor import Supervisor
from groundswell.runtime.vault import Vault
from groundswell.store.connections import Cause, Observed, State
from groundswell.store.store import Store

LOOK_EVERY_S: Final = 1.0
GOOD_EVERY_MS: Final = 60_000
"""How much newer the last good call must be to be written down anew."""
_CAUSES: Final[dict[str, Cause]] = {
    "away": "temporary",
    "unavailable": "temporary",
    "remote": "temporary",
    "rejected": "temporary",
    "unauthorized": "credentials",
}
"""What troubles of sinks and sources say of their account. That it wants us to wait, and our defects, say nothing."""
Trouble = tuple[Cause, str]

log = structlog.get_logger()


class Connections:
    """The accounts of one daemon."""

    def __init__(self, store: Store, clock: Clock, vault: Vault) -> None:
        self._store = store
        self._clock = clock
        self.vault: Final = vault
        self.missing: dict[str, NotConnected] = {}
        """Those that are not connected, and why."""
        self._observed: dict[str, Observed] = {}
        self._kept: dict[str, Observed] = {}
        """As they are on disk."""

    async def load(self) -> None:
        """Take up what was known when the daemon ended."""
        self._kept = await self._store.observed()
        self._observed = dict(self._kept)

    async def complete(self, config: Config) -> Config:
        """The configuration with the credentials that were connected."""
        before = self.missing
        config, self.missing = completed(config, await self._store.connections(), self.vault)
        for name, reason in self.missing.items():
            if before.get(name) != reason:
                log.warning("account_not_connected", account=name, why=reason.why, then="what it is for waits")
        return config

    # ---- how calls go ----

    def look(self, supervisor: Supervisor) -> dict[str, Observed]:
        """How each account of the configuration in force is doing now."""
        found = {}
        for name, account in supervisor.config.accounts.items():
            good_at, is_connected = _good_at(supervisor, name), account.settings is not None
            found[name] = self._after(name, list(_troubles(supervisor, name)), good_at, is_connected=is_connected)
        self._observed |= found
        return found

    def began(self, name: str, *, is_good: bool) -> None:
        """It was connected just now. `is_good`: a call has shown that it works."""
        now = self._now()
        before = self._observed.get(name)
        good_at = now if is_good else None if before is None else before.good_at
        self._observed[name] = Observed(name, "connected", now, good_at)

    def went_well(self, name: str) -> None:
        """A call just did."""
        if (before := self._observed.get(name)) is not None:
            self._observed[name] = msgspec.structs.replace(before, good_at=self._now())

    def _after(self, name: str, troubles: Sequence[Trouble], good_at: int | None, *, is_connected: bool) -> Observed:
        now = self._now()
        before = self._observed.get(name) or Observed(name, "not_connected", now)
        after = msgspec.structs.replace(before, good_at=max(good_at or 0, before.good_at or 0) or None)
        if not is_connected:
            return _in_state(after, "not_connected", now)
        if troubles:
            cause, error = min(troubles)  # "credentials" come before "temporary"
            if (after.state, after.error, after.cause) != ("connection_error", error, cause):
                after = msgspec.structs.replace(after, error=error, error_at=now, cause=cause)
            return _in_state(after, "connection_error", now)
        is_over = (after.good_at or 0) >= (after.error_at or 0)
        # After a restart nothing is in trouble yet: what was before holds until a call goes well.
        return after if after.state == "connection_error" and not is_over else _in_state(after, "connected", now)

    # ---- what is kept ----

    async def watch(self, supervisor: Supervisor) -> None:
        """Write down what changes, until cancelled."""
        while True:
            await self.keep(supervisor)
            await self._clock.sleep(LOOK_EVERY_S)

    async def keep(self, supervisor: Supervisor, *, is_last: bool = False) -> None:
        """Write down what changed. Where the disk is full, later."""
        changed = [one for one in self.look(supervisor).values() if self._is_news(one, 1 if is_last else GOOD_EVERY_MS)]
        if changed:
            with suppress(StoreFullError):
                await self._store.observe(changed)
                self._kept |= {one.account: one for one in changed}

    def _is_news(self, one: Observed, good_every_ms: int) -> bool:
        kept = self._kept.get(one.account)
        if kept is None or msgspec.structs.replace(one, good_at=kept.good_at) != kept:
            return True
        return (one.good_at or 0) - (kept.good_at or 0) >= good_every_ms

    def _now(self) -> int:
        return milliseconds(self._clock.now())


def _in_state(observed: Observed, state: State, now: int) -> Observed:
    return observed if observed.state == state else msgspec.structs.replace(observed, state=state, since=now)


def _troubles(supervisor: Supervisor, account: str) -> Iterator[Trouble]:
    for runner in _runners(supervisor, account):
        where = runner.gate if isinstance(runner, SinkRunner) else runner
        if where.trouble in _CAUSES and where.last_error is not None:
            yield _CAUSES[where.trouble], where.last_error


def _good_at(supervisor: Supervisor, account: str) -> int | None:
    """When a call last went well (milliseconds since 1970), as far as those who use it know."""
    times = [runner.good_at for runner in _runners(supervisor, account) if runner.good_at is not None]
    return milliseconds(max(times)) if times else None


def _runners(supervisor: Supervisor, account: str) -> Iterator[SinkRunner | SourceRunner]:
    """Whatever calls it."""
    for name, component in supervisor.config.components.items():
        if account_of(component) == account:
            for runners in (supervisor.sinks, supervisor.running_sources, supervisor.backfills.runners):
                if name in runners:
                    yield runners[name]
