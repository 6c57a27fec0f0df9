"""Looking at the state file on a connection of its own, in a thread; nobody waits for it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

import anyio.to_thread

from groundswell.errors import StoreError
from groundswell.store.database import connect_to_read

CACHE_KB: Final = 4_000
"""It is gone after the look. A larger one is slower: a look over much then asks for new memory all the way."""

R = TypeVar("R")


async def look(path: Path, at: Callable[[sqlite3.Connection], R]) -> R:
    """What `at` finds, in one transaction."""

    def looked() -> R:
        with closing(connect_to_read(path)) as connection:
            connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
            connection.execute("BEGIN")
            return at(connection)

    try:
        return await anyio.to_thread.run_sync(looked)
    except sqlite3.Error as exc:
        raise StoreError(f"reading the state file {path} failed: {exc}") from exc
