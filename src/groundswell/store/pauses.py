"""Which components an operator has paused."""

import sqlite3
from collections.abc import Sequence


def pause(connection: sqlite3.Connection, components: Sequence[tuple[str, int]]) -> list[None]:
    """Note these as paused, each with the present time."""
    connection.executemany("INSERT OR IGNORE INTO paused (component, since) VALUES (?, ?)", components)
    return [None] * len(components)


def resume(connection: sqlite3.Connection, components: Sequence[str]) -> list[None]:
    """Note these as no longer paused."""
    connection.executemany("DELETE FROM paused WHERE component = ?", [(name,) for name in components])
    return [None] * len(components)
