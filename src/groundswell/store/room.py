"""How full the state file may be before the next step of a record has to wait, so that the steps after it never do."""

import sqlite3
from collections.abc import Iterable
from typing import Final

from groundswell.errors import StoreFullError
from groundswell.store.database import PAGE_BYTES

NEARLY: Final = 0.9
"""When so much of `state_max` is in use, nothing new is to be accepted; somebody looks every second."""
TO_ACCEPT: Final = 0.93
"""What comes in between two looks stops here: the rest is for processing it."""
TO_PROCESS: Final = 0.98
"""Deliveries are made up to here: the rest is for writing down what became of them, and that frees room."""
NEARLY_FULL: Final = "the state file is nearly as large as it may be ([daemon] state_max)"
_ROW_BYTES: Final = 200
"""What a row takes besides its body, in tables and indexes."""


def is_left(pages: int, free: int, size_max: int, share: float, more: int = 0) -> bool:
    """Whether no more than this share of the file is in use, with so many bytes more."""
    return (pages - free) * PAGE_BYTES + more <= share * size_max


def require(connection: sqlite3.Connection, size_max: int, share: float, bodies: Iterable[bytes]) -> None:
    """Raises StoreFullError unless no more than this share of the file is in use once rows with these bodies are in."""
    more = sum([len(body) + _ROW_BYTES for body in bodies])
    pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
    if is_left(pages, 0, size_max, share, more):
        return
    free: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
    if not is_left(pages, free, size_max, share, more):
        raise StoreFullError(NEARLY_FULL)
