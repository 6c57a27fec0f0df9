"""Times: UTC without saying so, "T" in JSON and a blank in SQL (W; D: "data is always saved in GMT")."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_ISO: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?)?")
_ZONE: Final = re.compile(r"\s*(Z|[+-]\d\d:?\d\d)$")
_AMERICAN: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})(?:\s+(\d{1,2}):(\d\d)(?::(\d\d))?)?")


def moment_at(seconds: float) -> datetime:
    """Naive, UTC."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def kept(moment: datetime, *, micros: bool = False) -> str:
    """As it stands in the tables."""
    return moment.isoformat(" ", "microseconds" if micros else "seconds")


def shown_time(text: str | None) -> str | None:
    """A time out of a table, in JSON."""
    return text.replace(" ", "T") if text else None


def parse_moment(text: str) -> datetime | None:
    """An ISO time, with a zone or without, or an American date; None when it is neither."""
    text = text.strip()
    zone = _ZONE.search(text) if len(text) > 10 else None
    bare = text[: zone.start()] if zone else text
    try:
        if iso := _ISO.fullmatch(bare):
            year, month, day, hour, minute, second, fraction = iso.groups(default="0")
            found = datetime(  # noqa: DTZ001 - theirs are without a zone
                int(year), int(month), int(day), int(hour), int(minute), int(second), int(fraction.ljust(6, "0"))
            )
            return found - _offset(zone[1]) if zone else found
        if american := _AMERICAN.fullmatch(bare):
            month, day, year, hour, minute, second = american.groups(default="0")
            full = int(year) + (2000 if len(year) == 2 else 0)
            return datetime(full, int(month), int(day), int(hour), int(minute), int(second))  # noqa: DTZ001
    except (ValueError, OverflowError):
        return None
    return None


def has_zone(text: str) -> bool:
    return len(text.strip()) > 10 and _ZONE.search(text.strip()) is not None


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta()
    digits = zone[1:].replace(":", "")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -size if zone[0] == "-" else size
