"""Whose turn it is at one sink: deliveries about one person in order, different people side by side.

Pure bookkeeping, no I/O. A lane is free, busy (one turn of it is at the sink), held (its turn failed and waits to be
tried again), or loading (its bodies are being read back from disk). What stands behind a held turn is remembered by
number only, so a person whose delivery fails for a day costs a few bytes and blocks nobody else.
"""

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, takewhile
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from groundswell.component import Delivery
from groundswell.record import about_one, from_json, merged, to_json
from groundswell.store.outbox import Pending

PARKED_MAX: Final = 50_000
"""Numbers remembered of deliveries that stand behind a held one; beyond it nothing new is added for this sink."""
LOADED_OF_LANE_MAX: Final = 20
"""Deliveries of one lane read back from disk at a time."""
HELD_MS_MAX: Final = 86_400_000
"""A lane held for longer was held by a clock that has been set back since."""


class Turn(Struct, frozen=True):
    """What goes to the sink now for one lane: one delivery, made of one or more (coalesced) from the outbox."""

    lane: str
    pending: Sequence[Pending]
    delivery: Delivery

    @property
    def created_at(self) -> int:
        """When the oldest of them was made, milliseconds since 1970."""
        return self.pending[0].created_at


class _Lane:
    __slots__ = ("entries", "gave_way", "is_busy", "is_held", "is_loading", "parked")

    # Lists, though things are taken from their front: they are short, and there may be 50,000 lanes, each of which
    # would cost 1.2 KB as two empty deques.

    def __init__(self) -> None:
        self.entries: list[Pending] = []
        self.parked: list[int] = []
        self.gave_way: frozenset[int] = frozenset()
        """Of `entries`, those that stand at the end because they wait for others."""
        self.is_busy = False
        self.is_held = False
        self.is_loading = False


class Lanes:
    """The deliveries of one sink that are in memory, and the numbers of those held back."""

    def __init__(self, records_max: int, bytes_max: int) -> None:
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._lanes: dict[str, _Lane] = {}
        self._ready: deque[str] = deque()
        self._held: list[tuple[int, str]] = []
        self._to_load: deque[str] = deque()
        self._loading: list[tuple[str, list[int]]] = []
        self.records = 0
        """Deliveries in memory, those at the sink included."""
        self.bytes = 0
        self.parked = 0

    @property
    def ready(self) -> int:
        """Lanes with something to deliver now."""
        return len(self._ready)

    @property
    def room(self) -> int:
        """How many more deliveries may be added."""
        return 0 if self.parked >= PARKED_MAX else self.room_to_load

    @property
    def room_to_load(self) -> int:
        """How many more deliveries may be in memory."""
        return self._records_max - self.records if self.bytes_room > 0 else 0

    @property
    def bytes_room(self) -> int:
        """How many more bytes may be in memory; the last delivery may be larger."""
        return self._bytes_max - self.bytes

    @property
    def wants_loading(self) -> bool:
        return bool(self._to_load)

    @property
    def next_due(self) -> int | None:
        """When the next held lane may go on, milliseconds since 1970."""
        return self._held[0][0] if self._held else None

    def add(self, entries: Iterable[Pending], now: int) -> None:
        """Take deliveries in, in order."""
        for entry in entries:
            name = entry.delivery.lane
            lane = self._lanes.get(name)
            if lane is None:
                lane = self._lanes[name] = _Lane()
                if entry.next_attempt_at > now:
                    self._hold(name, lane, [entry.seq], min(entry.next_attempt_at, now + HELD_MS_MAX))
                    continue
            if lane.is_held or lane.is_loading or lane.parked:
                lane.parked.append(entry.seq)
                self.parked += 1
                continue
            self._count(entry, 1)
            lane.entries.append(entry)
            if not lane.is_busy and len(lane.entries) == 1:
                self._ready.append(name)

    def take(self, count: int) -> list[Turn]:
        """At most `count` turns, each of another lane; those lanes are busy until settled, held or put back."""
        turns: list[Turn] = []
        while self._ready and len(turns) < count:
            name = self._ready.popleft()
            lane = self._lanes[name]
            lane.is_busy = True
            first = lane.entries.pop(0)
            if first.delivery.kind != "person" or not lane.entries:
                turns.append(Turn(name, (first,), first.delivery))
            else:
                turns.append(_coalesced(name, first, lane.entries))
        return turns

    def settled(self, turn: Turn) -> None:
        """This turn is done, whatever became of it: the next of its lane may go."""
        for entry in turn.pending:
            self._count(entry, -1)
        lane = self._lanes[turn.lane]
        lane.is_busy = False
        if lane.gave_way:
            lane.gave_way = lane.gave_way.difference(entry.seq for entry in turn.pending)
        self._go_on(turn.lane, lane)

    def put_back(self, turn: Turn) -> None:
        """This turn did not happen; it stays first of its lane."""
        lane = self._lanes[turn.lane]
        lane.is_busy = False
        lane.entries[:0] = turn.pending
        self._ready.appendleft(turn.lane)

    def held(self, turn: Turn, until: int) -> None:
        """This turn failed for now: the lane waits until then; its bodies leave the memory."""
        lane = self._lanes[turn.lane]
        lane.is_busy = False
        self._hold(turn.lane, lane, [entry.seq for entry in (*turn.pending, *lane.entries)], until)
        for entry in (*turn.pending, *lane.entries):
            self._count(entry, -1)
        lane.entries.clear()

    def gave_way(self, turn: Turn) -> bool:
        """This turn failed for now, and waits for what may stand behind it in its lane: that goes first, and then it.

        False: nothing stands there but what gave way itself. Then the lane has to be held.
        """
        lane, own = self._lanes[turn.lane], [entry.seq for entry in turn.pending]
        gave_way = lane.gave_way.union(own)
        if all(entry.seq in gave_way for entry in lane.entries):
            return False
        lane.gave_way = gave_way
        lane.is_busy = False
        lane.entries += [_tried(entry, turn.delivery.attempts + 1) for entry in turn.pending]
        self._ready.append(turn.lane)
        return True

    def release_due(self, now: int) -> None:
        """Let held lanes whose time has come be loaded again."""
        while self._held and self._held[0][0] <= now:
            _, name = heapq.heappop(self._held)
            self._lanes[name].is_held = False
            self._to_load.append(name)

    def release_all(self) -> None:
        """Let every held lane go on now."""
        self.release_due(2**62)

    def loading(self, count: int) -> list[int]:
        """The numbers of at most `count` deliveries to read back now; give what was found to `loaded`."""
        seqs: list[int] = []
        while self._to_load and len(seqs) < count:
            name = self._to_load.popleft()
            lane = self._lanes[name]
            lane.is_loading = True
            asked = lane.parked[: min(LOADED_OF_LANE_MAX, count - len(seqs))]
            del lane.parked[: len(asked)]
            self.parked -= len(asked)
            self._loading.append((name, asked))
            seqs += asked
        return seqs

    def loaded(self, entries: Sequence[Pending]) -> int:
        """What was read back, in order, in answer to one `loading`. What comes after its last is asked for anew.

        Returns how many of those asked for are no longer there.
        """
        for entry in entries:
            self._count(entry, 1)
            self._lanes[entry.delivery.lane].entries.append(entry)
        last = entries[-1].seq if entries else 2**63
        missing = -len(entries)
        for name, asked in self._loading:
            lane = self._lanes[name]
            lane.is_loading = False
            beyond = [seq for seq in asked if seq > last]
            missing += len(asked) - len(beyond)
            self._park_first(lane, beyond)
            self._go_on(name, lane)
        self._loading.clear()
        return missing

    def drop(self, seqs: Collection[int]) -> int:
        """Deliver none of these that are in memory and not at the sink. Returns how many that were."""
        dropped = 0
        for name, lane in list(self._lanes.items()):
            kept = [entry for entry in lane.entries if entry.seq not in seqs]
            if len(kept) == len(lane.entries):
                continue
            for entry in lane.entries:
                if entry.seq in seqs:
                    self._count(entry, -1)
            dropped += len(lane.entries) - len(kept)
            lane.entries = kept
            if not kept and name in self._ready:
                self._ready.remove(name)
                self._go_on(name, lane)
        return dropped

    def _hold(self, name: str, lane: _Lane, seqs: Sequence[int], until: int) -> None:
        lane.is_held = True
        lane.gave_way = frozenset()
        self._park_first(lane, seqs)
        heapq.heappush(self._held, (until, name))

    def _park_first(self, lane: _Lane, seqs: Sequence[int]) -> None:
        lane.parked[:0] = seqs
        self.parked += len(seqs)

    def _go_on(self, name: str, lane: _Lane) -> None:
        if lane.entries:
            self._ready.append(name)
        elif lane.parked:
            self._to_load.append(name)
        else:
            del self._lanes[name]

    def _count(self, entry: Pending, sign: int) -> None:
        self.records += sign
        self.bytes += sign * len(entry.delivery.body)


def _tried(entry: Pending, attempts: int) -> Pending:
    return replace(entry, delivery=replace(entry.delivery, attempts=attempts))


def _coalesced(name: str, first: Pending, waiting: list[Pending]) -> Turn:
    """All that is known of a person by now, as one delivery."""
    alike = takewhile(lambda entry: entry.delivery.kind == "person", chain((first,), waiting))
    records = about_one(from_json(entry.delivery.body) for entry in alike)
    if len(records) == 1:
        return Turn(name, (first,), first.delivery)
    taken = [first, *waiting[: len(records) - 1]]
    del waiting[: len(records) - 1]
    last = taken[-1].delivery
    body = to_json(merged(records))
    attempts = max(entry.delivery.attempts for entry in taken)
    return Turn(name, taken, Delivery(last.record_id, last.kind, last.lane, body, attempts))
