"""How accounts are shown: their state in words, who uses them, and what to do."""

from collections.abc import Iterator, Mapping
from typing import Final

from groundswell.clock import Clock, milliseconds
from groundswell.config.asked import asked_of
from groundswell.ops.account_messages import (
    AccountChange,
    AccountHistory,
    AccountSetting,
    AccountState,
    AccountStatus,
    AccountUse,
)
from groundswell.ops.place import AccountPart, Outline, Part
from groundswell.ops.values import Moment, moment
from groundswell.registry import REGISTRY
from groundswell.runtime.connecting import NotConnected
from groundswell.runtime.daemon import Daemon
from groundswell.store.backfills import Backfill
from groundswell.store.connections import Connection, Observed
from groundswell.store.store import Store


async def accounts_of(store: Store, clock: Clock, outline: Outline, daemon: Daemon | None) -> list[AccountStatus]:
    """Every account of the configuration, and those it no longer has that are still connected."""
    connections = await store.connections()
    observed = await store.observed() if daemon is None else daemon.connections.look(daemon.supervisor)
    backfills = await store.backfills()
    now = milliseconds(clock.now())
    shown = []
    for name, part in outline.logins.items():
        connection = connections.get(name)
        missing = _missing(name, part, connection, daemon)
        seen = _seen(observed.get(name) or Observed(name, "connected", now), missing, now)
        shown.append(
            AccountStatus(
                name=name,
                type=part.type,
                host=None if daemon is None or missing is not None else daemon.supervisor.accounts[name].host,
                state=seen.state,
                since=moment(seen.since) if name in observed else None,
                cause=seen.cause if seen.state == "connection_error" else None,
                last_good_at=None if seen.good_at is None else moment(seen.good_at),
                last_error=seen.error,
                last_error_at=None if seen.error_at is None else moment(seen.error_at),
                to_do=_to_do(name, part, seen, missing),
                connected_at=_connected_at(connection),
                can_connect=part.connects,
                settings=list(settings_asked(part)),
                uses=[_use(use, daemon) for use in map(outline.parts.__getitem__, part.uses)],
                sources=sorted(part.sources),
                history=[_history(backfill) for backfill in backfills if backfill.asked.source in part.sources],
            )
        )
    return [*shown, *_gone(outline, connections)]


def who(change: AccountChange) -> str:
    """By whom something was done, as far as anybody knows."""
    return change.name or _WAYS.get(change.way, "somebody")


_WAYS: Final = {
    "token": "somebody on its machine",
    "password": "somebody with the password",
    "code": "somebody with a one-time link",
    "proxy": "somebody the proxy let in",
    "command line": "somebody on its machine",
}


def needs_person(status: AccountStatus) -> bool:
    """Whether what is to be done must be done by somebody: it does not mend itself, and nobody meant it."""
    is_temporary = status.state == "connection_error" and status.cause == "temporary"
    return status.to_do is not None and not is_temporary


def _missing(name: str, part: AccountPart, connection: Connection | None, daemon: Daemon | None) -> NotConnected | None:
    """Why it is not connected; None when it is."""
    if daemon is not None:
        # While a reload is under way, it may have gone from there already.
        described = daemon.supervisor.config.accounts.get(name)
        if described is not None and described.settings is not None:
            return None
        return daemon.connections.missing.get(name, NotConnected("a reload is taking it away", is_wanted=True))
    if connection is not None and connection.disconnected_at is not None:
        return NotConnected("disconnected by an operator", is_wanted=True)
    if part.connects and (connection is None or connection.credentials is None):
        return NotConnected(f"no credentials yet; `groundswell connect {name}` asks for them")
    return None


def _seen(observed: Observed, missing: NotConnected | None, now: int) -> Observed:
    """While no daemon runs, what operators said counts before what was seen."""
    if (missing is None) == (observed.state != "not_connected"):
        return observed
    state: AccountState = "connected" if missing is None else "not_connected"
    return Observed(observed.account, state, now, observed.good_at, observed.error, observed.error_at, observed.cause)


def _to_do(name: str, part: AccountPart, seen: Observed, missing: NotConnected | None) -> str | None:
    if missing is not None:
        return None if missing.is_wanted else missing.why
    if seen.state != "connection_error":
        return None
    if seen.cause == "temporary":
        return "nothing: it clears itself, and what waits is kept; if it lasts, ask those who run it"
    mend = (
        f"`groundswell connect {name}` with the right credentials"
        if part.connects
        else "the right credentials in the configuration, then `groundswell reload`"
    )
    return f"it is refused, and what is for it waits: {mend}, or mend the setting that the last error names"


def settings_asked(part: AccountPart) -> Iterator[AccountSetting]:
    """What connecting an account asks for; nothing where its credentials stand in the configuration."""
    kind = REGISTRY.accounts.get(part.type)
    if part.connects and kind is not None:
        for asked in asked_of(kind.settings):
            yield AccountSetting(
                asked.name, asked.description, asked.is_secret, asked.is_required, asked.name in part.given
            )


def _use(part: Part, daemon: Daemon | None) -> AccountUse:
    source = None if daemon is None else daemon.supervisor.sources.get(part.name)
    return AccountUse(part.name, part.role, part.type, list(getattr(source, "collections", ())))


def _history(backfill: Backfill) -> AccountHistory:
    return AccountHistory(
        source=backfill.asked.source,
        state=backfill.state,
        since=moment(backfill.asked.since),
        until=moment(backfill.asked.until),
        asked_at=moment(backfill.asked.asked_at),
        records=backfill.records,
        ended_at=None if backfill.ended_at is None else moment(backfill.ended_at),
    )


def _gone(outline: Outline, connections: Mapping[str, Connection]) -> Iterator[AccountStatus]:
    for name, connection in connections.items():
        if name not in outline.logins and connection.credentials is not None:
            yield AccountStatus(
                name=name,
                type=None,
                host=None,
                state="not_connected",
                to_do="the configuration no longer has it, and its credentials are kept: put it back, or "
                f"`groundswell disconnect {name}` forgets them",
                connected_at=_connected_at(connection),
            )


def _connected_at(connection: Connection | None) -> Moment | None:
    return None if connection is None or connection.connected_at is None else moment(connection.connected_at)
