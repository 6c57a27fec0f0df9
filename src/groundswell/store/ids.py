"""Which ids were accepted before: the newest in memory, the others in an index on disk.

Ids come in no order, so each would change another page of such an index: 8 KB to the log and again to the file for
every event, more than the event itself. So the newest wait in memory, sorted into slices of the keys; when there are
many, one slice goes to the index in one go, where its ids share pages. After a crash the newest are read from the
inbox again.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from groundswell.store import rows

NEWEST_MAX: Final = 8_192
"""Ids in memory, besides those of one batch; about 2 MB."""
_SLICE_BITS: Final = 4
_SLICES: Final = 1 << _SLICE_BITS
_INSERT: Final = "INSERT OR IGNORE INTO id_index (key, seq)"
_FIND: Final = "SELECT seq FROM id_index WHERE key IN (SELECT value FROM json_each(?))"

WITH_ID: Final = (
    "(inbox.seq > (SELECT seq FROM progress WHERE name = 'id_index') OR inbox.seq IN "
    "(SELECT id_index.seq FROM id_index WHERE key IN (SELECT value FROM json_each(?{keys})))) "
    "AND id IN (SELECT value FROM json_each(?{ids}))"
)
"""A condition on the inbox for some ids; `arguments` makes its arguments, and `keys` and `ids` say which they are."""


class Ids:
    """Used by the writer's thread only. What a transaction changes counts once it has `ended` with a commit."""

    def __init__(self) -> None:
        self._newest: list[dict[str, tuple[int, int]]] = [{} for _ in range(_SLICES)]
        """For each slice: id -> (key, number of its inbox entry)."""
        self._count = 0
        self._indexed_to = [0] * _SLICES
        """For each slice: its ids are in the index up to this inbox entry."""
        self._turn = 0
        self._added: dict[str, tuple[int, int]] = {}
        self._indexed: dict[int, int] = {}
        self._forgotten: list[str] = []

    def load(self, connection: sqlite3.Connection) -> None:
        """Read the newest back."""
        indexed_to = connection.execute("SELECT seq FROM progress WHERE name = 'id_index'").fetchone()[0]
        self._indexed_to = [indexed_to] * _SLICES
        self._added = {
            record_id: (key_of(record_id), seq)
            for record_id, seq in connection.execute("SELECT id, seq FROM inbox WHERE seq > ?", (indexed_to,))
        }
        self.ended(is_committed=True)

    def number(self, connection: sqlite3.Connection, record_ids: Sequence[str], last: int) -> list[int]:
        """A number for each id that is new, counting on from `last`; for one accepted before, minus its own."""
        self._index_some(connection, last)
        keys = [key_of(record_id) for record_id in record_ids]
        on_disk = self._on_disk(connection, keys)
        added, numbers = self._added, []
        for record_id, key in zip(record_ids, keys, strict=True):
            in_memory = added.get(record_id) or self._newest[_slice_of(key)].get(record_id)
            before = in_memory[1] if in_memory is not None else on_disk.get(record_id)
            if before is None:
                last += 1
                added[record_id] = (key, last)
            numbers.append(last if before is None else -before)
        return numbers

    def _on_disk(self, connection: sqlite3.Connection, keys: Sequence[int]) -> dict[str, int]:
        """The ids in the index that have one of these keys, and their numbers."""
        found = connection.execute(_FIND, (_json(keys),)).fetchall()
        if not found:
            return {}
        seqs = _json([seq for (seq,) in found])
        return dict(
            connection.execute("SELECT id, seq FROM inbox WHERE seq IN (SELECT value FROM json_each(?))", (seqs,))
        )

    def _index_some(self, connection: sqlite3.Connection, last: int) -> None:
        """Move slices to the index, until there is room in memory. Everything up to `last` is in a slice."""
        excess = self._count - NEWEST_MAX
        while excess >= 0:
            ids = self._newest[self._turn]
            rows.insert(connection, _INSERT, sorted(ids.values()))
            self._indexed[self._turn] = last
            excess -= len(ids)
            self._turn = (self._turn + 1) % _SLICES
        if self._indexed:
            indexed_to = min({**dict(enumerate(self._indexed_to)), **self._indexed}.values())
            connection.execute("UPDATE progress SET seq = ? WHERE name = 'id_index'", (indexed_to,))

    def forget(self, connection: sqlite3.Connection, entries: Iterable[tuple[str, int]]) -> None:
        """These (id, number) leave the inbox."""
        forgotten = [(record_id, key_of(record_id), seq) for record_id, seq in entries]
        connection.executemany(
            "DELETE FROM id_index WHERE key = ? AND seq = ?", [(key, seq) for _, key, seq in forgotten]
        )
        self._forgotten += [record_id for record_id, _, _ in forgotten]

    def ended(self, *, is_committed: bool) -> None:
        """The transaction was committed, or nothing of it counts."""
        if is_committed:
            for indexed, last in self._indexed.items():
                self._newest[indexed].clear()
                self._indexed_to[indexed] = last
            for record_id in self._forgotten:
                self._newest[_slice_of(key_of(record_id))].pop(record_id, None)
            for record_id, entry in self._added.items():
                self._newest[_slice_of(entry[0])][record_id] = entry
            if self._added or self._indexed or self._forgotten:
                self._count = sum(map(len, self._newest))
        elif self._indexed:
            self._turn = next(iter(self._indexed))
        self._added, self._indexed, self._forgotten = {}, {}, []


def key_of(record_id: str) -> int:
    """Where an id stands in the index: 64 bits of a hash, which different ids may share."""
    return int.from_bytes(blake2b(record_id.encode(), digest_size=8).digest(), "big", signed=True)


def arguments(record_ids: Sequence[str]) -> tuple[str, str]:
    """Keys and ids, as `WITH_ID` takes them."""
    return _json([key_of(record_id) for record_id in record_ids]), _json(record_ids)


def _slice_of(key: int) -> int:
    """Keys of one slice are neighbours in the index."""
    return key >> (64 - _SLICE_BITS) & (_SLICES - 1)


def _json(values: Sequence[int] | Sequence[str]) -> str:
    return msgspec.json.encode(values).decode()
