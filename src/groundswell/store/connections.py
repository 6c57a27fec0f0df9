"""Accounts as they are kept: sealed credentials, whether an operator disconnected them, and how calls went last."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final, Literal

from msgspec import Struct

State = Literal["connected", "not_connected", "connection_error"]
Cause = Literal["temporary", "credentials"]

ALL: Final = "SELECT account, type, credentials, connected_at, disconnected_at FROM connections ORDER BY account"
STATES: Final = "SELECT account, state, since, good_at, error, error_at, cause FROM connection_states ORDER BY account"


class Connection(Struct, frozen=True):
    """What operators said of an account. Times in milliseconds since 1970."""

    account: str
    type: str
    """Of the account that was connected: credentials fit no other."""
    credentials: bytes | None
    """Sealed; None where they stand in the configuration, or where it is disconnected."""
    connected_at: int | None
    disconnected_at: int | None
    """None: it is not disconnected."""

    def __repr__(self) -> str:
        return f"Connection(account={self.account!r}, type={self.type!r})"


class Observed(Struct, frozen=True):
    """How calls to an account went last. Times in milliseconds since 1970."""

    account: str
    state: State
    since: int
    good_at: int | None = None
    """The last call that went well."""
    error: str | None = None
    """The last that did not; kept after it is over."""
    error_at: int | None = None
    cause: Cause | None = None
    """Of the error."""


def connect(connection: sqlite3.Connection, asked: Sequence[tuple[str, str, bytes | None, int]]) -> list[None]:
    """Note these as connected, each by (account, type, sealed credentials, present time)."""
    connection.executemany(
        "INSERT INTO connections (account, type, credentials, connected_at) VALUES (?, ?, ?, ?) ON CONFLICT (account) "
        "DO UPDATE SET type = excluded.type, credentials = excluded.credentials, connected_at = excluded.connected_at, "
        "disconnected_at = NULL",
        asked,
    )
    return [None] * len(asked)


def disconnect(connection: sqlite3.Connection, asked: Sequence[tuple[str, str, int]]) -> list[None]:
    """Note these as disconnected and forget their credentials, each by (account, type, present time)."""
    connection.executemany(
        "INSERT INTO connections (account, type, disconnected_at) VALUES (?, ?, ?) ON CONFLICT (account) "
        "DO UPDATE SET credentials = NULL, disconnected_at = coalesce(disconnected_at, excluded.disconnected_at)",
        asked,
    )
    return [None] * len(asked)


def forget(connection: sqlite3.Connection, accounts: Sequence[str]) -> list[None]:
    """Let go of accounts that the configuration no longer has."""
    for table in ("connections", "connection_states"):
        connection.executemany(f"DELETE FROM {table} WHERE account = ?", [(name,) for name in accounts])
    return [None] * len(accounts)


def observe(connection: sqlite3.Connection, observed: Sequence[Sequence[Observed]]) -> list[None]:
    """Note how calls went."""
    rows = [
        (one.account, one.state, one.since, one.good_at, one.error, one.error_at, one.cause)
        for some in observed
        for one in some
    ]
    connection.executemany(
        "INSERT OR REPLACE INTO connection_states (account, state, since, good_at, error, error_at, cause) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    return [None] * len(observed)


def connection_of(row: tuple[Any, ...]) -> Connection:
    return Connection(*row)


def observed_of(row: tuple[Any, ...]) -> Observed:
    return Observed(*row)
