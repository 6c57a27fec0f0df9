"""Two sources held against each other, arrival by arrival: first what both have, then what only one of them has."""

import re
from bisect import insort
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from msgspec import Struct, field

from groundswell.clock import milliseconds
from groundswell.component import Arrival
from groundswell.ops.extent import Extent, Span
from groundswell.ops.messages import moment
from groundswell.ops.reconcile_messages import KindCompared, Lacking, Lone, Money
from groundswell.record import Donation, Record
from groundswell.store.sightings import Sighting

Side = Literal["one", "other"]
Read = Callable[[str, Arrival], Record]
"""The record of an arrival that this source accepted. Raises whatever is in the way."""

_HAPPENED: Final = re.compile(r"[^/:]+:(?P<kind>[^/:@]+)/(?P<number>.+)", re.DOTALL)
_STATE: Final = re.compile(r"@(\d{4}-\d\d-\d\dT[^@/]*|[0-9a-f]{4,})$")
OTHERWISE: Final = "record"
"""The kind of what has no kind in its id."""
MONEY: Final = ("donation", "refund")
AMOUNT_DIGITS_MAX: Final = 15
"""Before the point. What is larger is no gift."""
NO_CURRENCY: Final = "unknown"


class Asked(Struct, frozen=True):
    """What is compared. Times in milliseconds since 1970."""

    kind: str | None
    span: Span
    noted_after: int
    """Of arrivals up to this number it is not known who else brought them."""
    limit: int


class Counted(Struct):
    """One kind."""

    both: int = 0
    one: Lone = field(default_factory=Lone)
    """Only the one brought it."""
    other: Lone = field(default_factory=Lone)
    sums: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    """(currency, which) -> sum; which is as in `Money`."""

    def add(self, thing: "_Thing", which: str) -> None:
        if thing.amount is not None:
            key = thing.currency or NO_CURRENCY, which
            self.sums[key] = self.sums.get(key, Decimal(0)) + thing.amount


class _Thing(Struct, frozen=True):
    """One arrival, as far as it is compared."""

    kind: str
    happened_at: int | None
    amount: Decimal | None = None
    currency: str | None = None


class Comparison:
    """`look` takes every arrival of the two, then `judge` those that only one of them brought."""

    def __init__(self, asked: Asked, one: Extent, other: Extent, read: Read) -> None:
        self._asked = asked
        self._read = read
        self.extents: dict[Side, Extent] = {"one": one, "other": other}
        self.kinds: dict[str, Counted] = {}
        self.lacking: dict[Side, list[Lacking]] = {"one": [], "other": []}
        """What each should have brought, the oldest of it."""
        self.unreadable = 0

    def look(self, seen: Sighting) -> None:
        """Count what both brought, and learn how far each has looked."""
        kind = kind_of(seen.record_id)
        if kind is None:
            return
        thing = self._thing(kind, seen)
        at = _at(thing, seen)
        if seen.one_at is not None:
            self.extents["one"].brought(kind, at, seen.one_at)
        if seen.other_at is not None:
            self.extents["other"].brought(kind, at, seen.other_at)
        if self._is_asked(kind, at):
            counted = self.kinds.setdefault(kind, Counted())
            self.unreadable += thing.happened_at is None
            counted.both += seen.one_at is not None and seen.other_at is not None
            if seen.one_at is not None:
                counted.add(thing, "one")
            if seen.other_at is not None:
                counted.add(thing, "other")

    def judge(self, seen: Sighting) -> None:
        """Say of something that only one of the two brought whether the other should have."""
        kind = kind_of(seen.record_id)
        if kind is None or kind not in self.kinds:
            return
        thing = self._thing(kind, seen)
        at = _at(thing, seen)
        if not self._is_asked(kind, at):
            return
        lacks: Side = "one" if seen.one_at is None else "other"
        counted = self.kinds[kind]
        lone = counted.other if lacks == "one" else counted.one
        lone.records += 1
        if not self.is_compared(kind):
            return
        verdict = "unread" if seen.seq <= self._asked.noted_after else self.extents[lacks].verdict(kind, at)
        match verdict:
            case "too_new":
                lone.too_new += 1
            case "unread":
                lone.unread += 1
            case "missing":
                lone.missing += 1
                counted.add(thing, f"missing_from_{lacks}")
                self._list(lacks, thing, seen)

    def is_compared(self, kind: str) -> bool:
        """Whether both sources bring such things, as far as anybody knows; or somebody says so."""
        return self._asked.kind == kind or all(kind in extent.newest for extent in self.extents.values())

    def compared(self) -> list[KindCompared]:
        """What came of it, by kind."""
        return [
            KindCompared(kind, self.is_compared(kind), counted.both, counted.one, counted.other, _money(counted))
            for kind, counted in sorted(self.kinds.items())
        ]

    def _is_asked(self, kind: str, at: int) -> bool:
        return self._asked.kind in (None, kind) and self._asked.span.holds(at)

    def _thing(self, kind: str, seen: Sighting) -> _Thing:
        try:
            record = self._read(seen.source, Arrival(seen.record_id, seen.raw))
        except Exception:
            # It became a dead letter, which says why. Here it is one more thing that a source brought.
            return _Thing(kind, None)
        gift = record.donation if record.kind in MONEY and isinstance(record.donation, Donation) else Donation()
        currency = gift.currency if isinstance(gift.currency, str) else None
        return _Thing(kind, _milliseconds(record.occurred_at), _decimal(gift.amount), currency)

    def _list(self, lacks: Side, thing: _Thing, seen: Sighting) -> None:
        listed = self.lacking[lacks]
        lacking = Lacking(
            seen.record_id,
            thing.kind,
            None if thing.happened_at is None else moment(thing.happened_at),
            moment(seen.accepted_at),
            seen.source,
            None if thing.amount is None else _shown(thing.amount),
            thing.currency,
        )
        insort(listed, lacking, key=_age)
        del listed[self._asked.limit :]


def kind_of(record_id: str) -> str | None:
    """What an id says a record is. None: a state of something, which two sources may well see at other moments."""
    found = _HAPPENED.fullmatch(record_id)
    if found is None:
        return OTHERWISE
    return None if _STATE.search(found["number"]) else found["kind"]


def _age(lacking: Lacking) -> tuple[datetime, str]:
    return lacking.happened_at or lacking.accepted_at, lacking.id


def _at(thing: _Thing, seen: Sighting) -> int:
    return seen.accepted_at if thing.happened_at is None else thing.happened_at


def _milliseconds(stamp: object) -> int | None:
    if not isinstance(stamp, str):
        return None
    try:
        found = datetime.fromisoformat(stamp).replace(microsecond=0)
        utc = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        return milliseconds(utc.timestamp())
    except (ValueError, OverflowError):
        return None


def _decimal(amount: object) -> Decimal | None:
    if not isinstance(amount, str):
        return None
    try:
        found = Decimal(amount)
    except InvalidOperation:
        return None
    return found if found.is_finite() and found.adjusted() < AMOUNT_DIGITS_MAX else None


def _money(counted: Counted) -> list[Money]:
    def total(currency: str, which: str) -> str:
        return _shown(counted.sums.get((currency, which), Decimal(0)))

    return [
        Money(currency, *(total(currency, which) for which in Money.__struct_fields__[1:]))
        for currency in sorted({currency for currency, _ in counted.sums})
    ]


def _shown(amount: Decimal) -> str:
    """To the cent."""
    return f"{amount:.2f}"
