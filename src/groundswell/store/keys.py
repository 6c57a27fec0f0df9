"""API keys as they are kept: name, account id, and the scrypt hash of the secret."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from groundswell.errors import NotFoundError, RequestError

ALL: Final = "SELECT account_id, name, secret_hash, created_at, revoked_at FROM keys ORDER BY created_at, name"


class Key(Struct, frozen=True):
    """An API key. Times in milliseconds since 1970."""

    account_id: str
    name: str
    secret_hash: str
    created_at: int
    revoked_at: int | None = None


def create(connection: sqlite3.Connection, keys: Sequence[Key]) -> list[None]:
    """Keep new keys. The name of a revoked key may be used again."""
    for key in keys:
        connection.execute("DELETE FROM keys WHERE name = ? AND revoked_at IS NOT NULL", (key.name,))
        if connection.execute("SELECT 1 FROM keys WHERE name = ?", (key.name,)).fetchone():
            raise RequestError(f'there is a key named "{key.name}" already; revoke it first, or choose another name')
        connection.execute(
            "INSERT INTO keys (account_id, name, secret_hash, created_at) VALUES (?, ?, ?, ?)",
            (key.account_id, key.name, key.secret_hash, key.created_at),
        )
    return [None] * len(keys)


def revoke(connection: sqlite3.Connection, requests: Sequence[tuple[str, int]]) -> list[None]:
    """Revoke keys, each by (name or account id, present time)."""
    for name, at in requests:
        done = connection.execute(
            "UPDATE keys SET revoked_at = ? WHERE (name = ? OR account_id = ?) AND revoked_at IS NULL", (at, name, name)
        )
        if done.rowcount == 0:
            raise NotFoundError(f'there is no key "{name}" in force; `groundswell keys list` shows what there is')
    return [None] * len(requests)
