"""The CSV API itself: making an export, asking how it is, and the address it can be downloaded from."""

import base64
import binascii
import hmac
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from random import Random
from typing import Any, Final, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import Struct

from groundswell.clock import Clock
from groundswell.connectors.actblue.simulator.behaviour import Behaviour
from groundswell.connectors.actblue.simulator.csv_rows import CsvType, Range, chunks
from groundswell.connectors.actblue.simulator.faults import Fault
from groundswell.connectors.actblue.simulator.ledger import Ledger
from groundswell.connectors.actblue.simulator.moments import EASTERN, months_later

CLIENT: Final = "5f0c7a52-0000-4000-8000-9a1bd37e6c20"
SECRET: Final = "simulator-secret"  # noqa: S105
_WINDOW_S: Final = 60.0
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_EXPORTS_MAX: Final = 1_000
"""Older ones are forgotten."""
_ADDRESSES_MAX: Final = 10_000

Json = dict[str, Any]


@dataclass(slots=True)
class Counts:
    """What came, in numbers, since the start or since they were last reset."""

    calls: int = 0
    """Of the API, whatever became of them; downloads are counted apart."""
    unauthorized: int = 0
    refused: int = 0
    """Answered 429 by the limit."""
    most_in_a_minute: int = 0
    """Calls that were let through within any sixty seconds."""
    exports: Counter[str] = field(default_factory=Counter)
    """Made, by type."""
    downloads: Counter[str] = field(default_factory=Counter)
    """"done", "expired", "unknown", "with login"."""
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def shown(self) -> Json:
        return {
            "calls": self.calls,
            "unauthorized": self.unauthorized,
            "refused": self.refused,
            "most_in_a_minute": self.most_in_a_minute,
            "exports": dict(self.exports),
            "downloads": dict(self.downloads),
            "statuses": {str(status): times for status, times in sorted(self.statuses.items())},
            "faults": dict(self.faults),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call is answered."""

    status: int
    body: Json


@dataclass(slots=True)
class Export:
    """One CSV that was asked for."""

    id: str
    asked: Range
    ready_at: float
    polls_left: int
    fate: Literal["failed", "null_url"] | None


class _Asked(Struct):
    csv_type: str
    date_range_start: str
    date_range_end: str


class CsvApi:
    """What it knows of its exports. Times pass on `clock`; nothing happens by itself."""

    def __init__(
        self, ledger: Ledger, clock: Clock, behaviour: Behaviour, random: Random, *, client: str, secret: str
    ) -> None:
        self.ledger = ledger
        self.behaviour = behaviour
        self.counts = Counts()
        self.as_of = ledger.until
        """What happened later is not known yet."""
        self.root = ""
        """Where the server is to be reached."""
        self.client, self.secret = client, secret
        self._clock = clock
        self._random = random
        self._exports: dict[str, Export] = {}
        self._addresses: dict[str, tuple[Export, float]] = {}
        """By signature, with the moment from which it is no longer good."""
        self._let_through: deque[float] = deque()
        self._counted: deque[float] = deque()

    def is_known(self, authorization: str | None) -> bool:
        """Whether a call has the right client and secret."""
        scheme, _, encoded = (authorization or "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(given, f"{self.client}:{self.secret}".encode())

    def is_in_time(self) -> bool:
        """Note a call, and say whether it is within the limit of any sixty seconds."""
        now, limit = self._clock.monotonic(), self.behaviour.calls_per_minute
        for window in (self._let_through, self._counted):
            while window and window[0] <= now - _WINDOW_S:
                window.popleft()
        is_allowed = limit is None or len(self._counted) < limit
        if is_allowed:
            self._let_through.append(now)
            self.counts.most_in_a_minute = max(self.counts.most_in_a_minute, len(self._let_through))
        else:
            self.counts.refused += 1
        if is_allowed or self.behaviour.refused_count:
            self._counted.append(now)
        return is_allowed

    def create(self, body: bytes, fault: Fault | None = None) -> Answer:
        """`POST /csvs`. Without the right range and type nothing is made."""
        try:
            asked = msgspec.json.decode(body, type=_Asked)
            csv_type = _csv_type(asked.csv_type)
            start, end = self._moment(asked.date_range_start), self._moment(asked.date_range_end)
            _check(start, end, self.behaviour.months_max)
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, OverflowError) as exc:
            return Answer(422, {"error": str(exc)})
        made = Export(
            id=str(UUID(int=self._random.getrandbits(128), version=4)),
            asked=Range(csv_type, start, end, self.as_of),
            ready_at=self._clock.monotonic() + self.behaviour.build_s,
            polls_left=self.behaviour.polls,
            fate=fault.export if fault is not None else None,
        )
        self._exports[made.id] = made
        if len(self._exports) > _EXPORTS_MAX:
            del self._exports[next(iter(self._exports))]
        self.counts.exports[csv_type] += 1
        return Answer(202, {"id": made.id})

    def status(self, export_id: str) -> Answer:
        """`GET /csvs/ID`. Once it is complete, each answer has an address of its own."""
        export = self._exports.get(export_id)
        if export is None:
            return Answer(404, {"error": "not found"})
        status, url = "in_progress", None
        if export.polls_left > 0 or self._clock.monotonic() < export.ready_at:
            export.polls_left -= 1
        elif export.fate == "failed":
            status = "failed"
        else:
            status, url = "complete", None if export.fate == "null_url" else self._address(export)
        return Answer(200, {"id": export.id, "status": status, "download_url": url})

    def download(self, signature: str, *, has_login: bool) -> Iterator[bytes] | Answer:
        """The file in pieces, or why not."""
        if has_login and self.behaviour.storage_refuses_logins:
            self.counts.downloads["with login"] += 1
            return Answer(400, {"Code": "InvalidArgument", "Message": "Only one auth mechanism allowed"})
        export, until = self._addresses.get(signature, (None, 0.0))
        if export is None or self._clock.monotonic() >= until:
            self.counts.downloads["unknown" if export is None else "expired"] += 1
            return Answer(403, {"Code": "AccessDenied", "Message": "Request has expired"})
        self.counts.downloads["done"] += 1
        return chunks(self.ledger, export.asked, self.behaviour, Random(f"columns {self.ledger.seed} {export.id}"))

    def _address(self, export: Export) -> str:
        signature = f"{self._random.getrandbits(256):064x}"
        self._addresses[signature] = (export, self._clock.monotonic() + self.behaviour.url_s)
        if len(self._addresses) > _ADDRESSES_MAX:
            del self._addresses[next(iter(self._addresses))]
        life_s = int(self.behaviour.url_s)
        return f"{self.root}/exports/{export.id}.csv?X-Amz-Expires={life_s}&X-Amz-Signature={signature}"

    def _moment(self, text: str) -> datetime:
        """Read a date or a whole ISO timestamp; raises ValueError."""
        if _MOMENT.fullmatch(text) is None:
            raise ValueError("a date is written as 2026-05-01 or 2026-05-01T00:00:00Z")
        read = datetime.fromisoformat(text)
        zone: tzinfo = EASTERN if self.behaviour.dates_in == "eastern" else UTC
        moment = read if read.tzinfo is not None else read.replace(tzinfo=zone)
        if self.behaviour.cuts_times:
            moment = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return moment.astimezone(UTC)


def _csv_type(text: str) -> CsvType:
    known: tuple[CsvType, ...] = get_args(CsvType)
    for one in known:
        if one == text:
            return one
    raise ValueError(f"csv_type is none of {', '.join(known)}")


def _check(start: datetime, end: datetime, months_max: int) -> None:
    if start >= end:
        raise ValueError("date_range_start must be before date_range_end")
    if end > months_later(start, months_max):
        raise ValueError(f"the date range must not be longer than {months_max} months")
