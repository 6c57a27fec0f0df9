"""Forgetting what is old, in steps small enough that nobody waits for them, and giving the room back."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from groundswell.store.ids import Ids

ROWS_PER_STEP: Final = 500
PAGES_PER_STEP: Final = 100
FREE_PAGES_KEPT: Final = 512
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


class Retention:
    """Used by the writer's thread."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def purge(self, connection: sqlite3.Connection, steps: Sequence[Purge]) -> list[Purged]:
        """Take one step each, and hand some free pages back to the file system."""
        results = [_step(connection, step, self._ids) for step in steps]
        free: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
        given_back = min(free - FREE_PAGES_KEPT, PAGES_PER_STEP)
        if given_back > 0:
            connection.execute(f"PRAGMA incremental_vacuum({given_back})").fetchall()
        if given_back == PAGES_PER_STEP:
            only_give_back = Purge(steps[-1].before, _PAST_ALL, _PAST_ALL)
            return [Purged(done.rows, done.next or only_give_back) for done in results]
        return results


def _step(connection: sqlite3.Connection, step: Purge, ids: Ids) -> Purged:
    old, inbox_after = _old(
        connection,
        "SELECT seq, received_at < :before AND seq <= (SELECT seq FROM progress WHERE name = 'processor') "
        "AND seq < (SELECT max(seq) FROM inbox) "
        "AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE inbox_seq = inbox.seq AND stage = 'process') "
        "AND NOT EXISTS (SELECT 1 FROM replays WHERE replays.seq = inbox.seq) "
        "AND NOT EXISTS (SELECT 1 FROM brought WHERE brought.seq = inbox.seq), received_at >= :before, id "
        "FROM inbox WHERE seq > :after ORDER BY seq LIMIT :rows",
        step.before,
        step.inbox_after,
    )
    connection.executemany("DELETE FROM inbox WHERE seq = ?", [(seq,) for seq, _ in old])
    ids.forget(connection, [(record_id, seq) for seq, record_id in old])
    settled, deliveries_after = _old(
        connection,
        "SELECT seq, settled_at < :before AND seq < (SELECT max(seq) FROM deliveries), settled_at >= :before, outcome "
        "FROM deliveries WHERE seq > :after ORDER BY seq LIMIT :rows",
        step.before,
        step.deliveries_after,
    )
    connection.executemany("DELETE FROM deliveries WHERE seq = ?", [(seq,) for seq, _ in settled])
    if inbox_after is None and deliveries_after is None:
        return Purged(len(old) + len(settled), None)
    following = Purge(
        step.before,
        _PAST_ALL if inbox_after is None else inbox_after,
        _PAST_ALL if deliveries_after is None else deliveries_after,
    )
    return Purged(len(old) + len(settled), following)


def _old(
    connection: sqlite3.Connection, look: str, before: int, after: int
) -> tuple[list[tuple[int, str]], int | None]:
    """The old rows among the next few, and where to look on (None: the rest is too young)."""
    found = connection.execute(look, {"before": before, "after": after, "rows": ROWS_PER_STEP}).fetchall()
    old = [(seq, name) for seq, is_old, _, name in found if is_old]
    if len(found) < ROWS_PER_STEP or all(is_young for _, _, is_young, _ in found):
        return old, None
    return old, found[-1][0]
