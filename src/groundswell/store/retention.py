"""Forgetting what is old, in steps small enough that nobody waits for them, and giving the room back."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

ROWS_PER_STEP: Final = 500
PAGES_PER_STEP: Final = 200
FREE_PAGES_KEPT: Final = 1_024
"""So much room (4 MiB) stays in the file: it will be used again soon."""
_PAST_ALL: Final = 2**62


class Purge(Struct, frozen=True):
    """Forget what was settled before this time (milliseconds since 1970), looking on from these numbers."""

    before: int
    inbox_after: int = 0
    deliveries_after: int = 0


class Purged(Struct, frozen=True):
    """What one step did. `next` is the following step, or None when nothing old is left and the file is compact."""

    rows: int
    next: Purge | None


def purge(connection: sqlite3.Connection, steps: Sequence[Purge]) -> list[Purged]:
    """Take one step each, and hand some free pages back to the file system."""
    results = [_step(connection, step) for step in steps]
    free: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
    given_back = min(free - FREE_PAGES_KEPT, PAGES_PER_STEP)
    if given_back > 0:
        connection.execute(f"PRAGMA incremental_vacuum({given_back})").fetchall()
    if given_back == PAGES_PER_STEP:
        only_give_back = Purge(steps[-1].before, _PAST_ALL, _PAST_ALL)
        return [Purged(done.rows, done.next or only_give_back) for done in results]
    return results


def _step(connection: sqlite3.Connection, step: Purge) -> Purged:
    inbox_rows, inbox_after = _forget(
        connection,
        "SELECT seq, received_at < :before AND seq <= (SELECT seq FROM progress WHERE name = 'processor') "
        "AND seq < (SELECT max(seq) FROM inbox) "
        "AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE inbox_seq = inbox.seq AND stage = 'process') "
        "AND NOT EXISTS (SELECT 1 FROM replays WHERE replays.seq = inbox.seq), received_at >= :before "
        "FROM inbox WHERE seq > :after ORDER BY seq LIMIT :rows",
        "DELETE FROM inbox WHERE seq = ?",
        step.before,
        step.inbox_after,
    )
    log_rows, deliveries_after = _forget(
        connection,
        "SELECT seq, settled_at < :before AND seq < (SELECT max(seq) FROM deliveries), settled_at >= :before "
        "FROM deliveries WHERE seq > :after ORDER BY seq LIMIT :rows",
        "DELETE FROM deliveries WHERE seq = ?",
        step.before,
        step.deliveries_after,
    )
    if inbox_after is None and deliveries_after is None:
        return Purged(inbox_rows + log_rows, None)
    following = Purge(
        step.before,
        _PAST_ALL if inbox_after is None else inbox_after,
        _PAST_ALL if deliveries_after is None else deliveries_after,
    )
    return Purged(inbox_rows + log_rows, following)


def _forget(connection: sqlite3.Connection, look: str, delete: str, before: int, after: int) -> tuple[int, int | None]:
    """Delete the old rows among the next few. Returns how many, and where to look on (None: the rest is too young)."""
    found = connection.execute(look, {"before": before, "after": after, "rows": ROWS_PER_STEP}).fetchall()
    old = [(seq,) for seq, is_old, _ in found if is_old]
    connection.executemany(delete, old)
    if len(found) < ROWS_PER_STEP or all(is_young for _, _, is_young in found):
        return len(old), None
    return len(old), found[-1][0]
