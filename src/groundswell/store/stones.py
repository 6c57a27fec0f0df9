"""What is left of people who were forgotten: hashes, so that an old record does not bring them back.

The salt keeps the hashes of two state files apart and ready-made tables useless. It is in the same file, so whoever
holds that can still try all phone numbers one after the other: a stone hides who it was, it does not seal it.
"""

import sqlite3
from collections.abc import Iterable
from hashlib import blake2b
from typing import Literal

Kind = Literal["phone", "email"]


def stone_of(word: str, salt: bytes) -> bytes:
    """What is kept of a phone or an email (in small letters) that is to be forgotten."""
    return blake2b(word.encode(), digest_size=16, key=salt).digest()


def leave(connection: sqlite3.Connection, kind: Kind, words: Iterable[str], at: int) -> None:
    """Leave a stone for each of these."""
    salt = salt_of(connection)
    connection.executemany(
        "INSERT INTO stones (hash, kind, at) VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE SET at = excluded.at",
        [(stone_of(word, salt), kind, at) for word in words],
    )


def forgotten_at(connection: sqlite3.Connection, word: str) -> int | None:
    """When somebody with this phone or email (in small letters) was forgotten; milliseconds since 1970."""
    row = connection.execute("SELECT at FROM stones WHERE hash = ?", (stone_of(word, salt_of(connection)),)).fetchone()
    return None if row is None else int(row[0])


def salt_of(connection: sqlite3.Connection) -> bytes:
    """Made with the state file."""
    salt: bytes = connection.execute("SELECT salt FROM salt").fetchone()[0]
    return salt
