"""The ledger of money: which gifts, refunds and cancellations each sink has. It outlives the inbox and the log.

A sink goes by its name in the configuration. An id is kept as 12 bytes of a hash with the salt of the state file: among
ten million, the chance that any two share one is less than one in a thousand million millions.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final, Literal

import msgspec

from groundswell.store.stones import salt_of

MONEY: Final = frozenset({"donation", "refund", "cancellation"})
"""The kinds that must not be counted twice."""
Held = Literal["already_sent", "waits_already", "in_dead_letters"]
"""Why a delivery is not made: the sink has it, it is on its way there, or it waits for a person."""
IDS_PER_LOOK: Final = 128
_KINDS: Final = "kind IN ('donation', 'refund', 'cancellation')"
"""As in the partial indexes, word for word; otherwise SQLite cannot use them, and says so."""
_LIST: Final = "SELECT value FROM json_each(?)"
_IN_OUTBOX: Final = (
    f"SELECT sink, record_id FROM outbox INDEXED BY outbox_of_money WHERE {_KINDS} AND record_id IN ({_LIST})"
)
_IN_DEAD_LETTERS: Final = (
    "SELECT component, record_id FROM dead_letters INDEXED BY dead_letters_of_money "
    f"WHERE stage = 'deliver' AND {_KINDS} AND record_id IN ({_LIST})"
)


def key_of(record_id: str, salt: bytes) -> bytes:
    """What is kept of an id."""
    return blake2b(record_id.encode(), digest_size=12, key=salt).digest()


def note(connection: sqlite3.Connection, sent: Sequence[tuple[str, str]]) -> None:
    """The sink has this record: (sink, record id)."""
    if not sent:
        return
    _meet(connection, {sink for sink, _ in sent}, since=0)
    salt = salt_of(connection)
    connection.executemany(
        "INSERT OR IGNORE INTO sent (key, sink) SELECT ?, id FROM sinks WHERE name = ?",
        [(key_of(record_id, salt), sink) for sink, record_id in sent],
    )


def held_back(connection: sqlite3.Connection, addressed: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Held]:
    """Of these (sink, record id of money) those that are not to be delivered once more, each with the reason."""
    if not addressed:
        return {}
    record_ids = list(dict.fromkeys(record_id for _, record_id in addressed))
    listed = msgspec.json.encode(record_ids).decode()
    held: dict[tuple[str, str], Held] = {}
    for sink, record_id in connection.execute(_IN_DEAD_LETTERS, (listed,)):
        held[sink, record_id] = "in_dead_letters"
    for sink, record_id in connection.execute(_IN_OUTBOX, (listed,)):
        held[sink, record_id] = "waits_already"
    for sink, record_id in _in_ledger(connection, record_ids):
        held[sink, record_id] = "already_sent"
    wanted = set(addressed)
    return {key: why for key, why in held.items() if key in wanted}


def sinks_with(connection: sqlite3.Connection, record_ids: Sequence[str]) -> dict[str, set[str]]:
    """Which sinks have each of these, by the ledger."""
    found: dict[str, set[str]] = {}
    for sink, record_id in _in_ledger(connection, record_ids):
        found.setdefault(record_id, set()).add(sink)
    return found


def _in_ledger(connection: sqlite3.Connection, record_ids: Sequence[str]) -> Iterable[tuple[str, str]]:
    salt = salt_of(connection)
    ids = {key_of(record_id, salt): record_id for record_id in record_ids}
    keys = list(ids)
    for start in range(0, len(keys), IDS_PER_LOOK):
        some = keys[start : start + IDS_PER_LOOK]
        # Sizes are powers of two, so that the connection's statement cache holds every one of them.
        some += some[-1:] * ((1 << (len(some) - 1).bit_length()) - len(some))
        marks = ",".join("?" * len(some))
        for key, sink in connection.execute(
            f"SELECT key, name FROM sent JOIN sinks ON sinks.id = sent.sink WHERE key IN ({marks})", some
        ):
            yield sink, ids[key]


# ---- the sinks there are ----


def meet(connection: sqlite3.Connection, names: Sequence[Sequence[str]]) -> list[None]:
    """These sinks run now. Of one that is new, note which arrivals were processed without it."""
    position: int = connection.execute("SELECT seq FROM progress WHERE name = 'processor'").fetchone()[0]
    for some in names:
        _meet(connection, some, position)
    return [None] * len(names)


def since(connection: sqlite3.Connection, names: Iterable[str]) -> dict[str, int]:
    """The newest arrival that had been processed before each of these sinks was there."""
    listed = msgspec.json.encode(list(names)).decode()
    return dict(connection.execute(f"SELECT name, since FROM sinks WHERE name IN ({_LIST})", (listed,)).fetchall())


def _meet(connection: sqlite3.Connection, names: Iterable[str], since: int) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO sinks (name, since) VALUES (?, ?)", [(name, since) for name in sorted(names)]
    )
