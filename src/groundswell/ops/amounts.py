"""Amounts as people say them: how long, how large, how far."""

from itertools import pairwise
from typing import Final

from groundswell.ops.messages import SourceProgress

_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def lasting(seconds: float) -> str:
    """How long something has lasted: "45s", "3m 5s", "2h 5m", "3d 4h"."""
    whole = max(0, int(seconds))
    for (unit, unit_s), (small, small_s) in pairwise(_UNITS):
        if whole >= unit_s:
            return f"{whole // unit_s}{unit} {whole % unit_s // small_s}{small}"
    return f"{whole}s"


def size(count: int) -> str:
    """Bytes for people: "12.3 MiB"."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def deliveries_waiting(count: int) -> str:
    """ "1 delivery waits", "2,000 deliveries wait"."""
    return "1 delivery waits" if count == 1 else f"{count:,} deliveries wait"


def progress_words(progress: SourceProgress) -> str:
    """ "people, 320,000 of about 1,000,000, about 2h 10m left"."""
    of_all = "" if progress.total is None else f" of about {progress.total:,}"
    left = "" if progress.left_s is None else f", about {lasting(progress.left_s)} left"
    return f"{progress.what}, {progress.done:,}{of_all}{left}"


def per_second(rate: float) -> str:
    """ "1,240/s", "3.5/s", "0.02/s", "0/s"."""
    digits = 0 if rate >= 100 or rate == 0 else 1 if rate >= 1 else 2
    return f"{rate:,.{digits}f}/s"


def measured(value: float, unit: str) -> str:
    """A value of a series (`RatesShown`) for people."""
    if unit == "records/s":
        return per_second(value)
    return lasting(value) if unit == "s" else f"{value:,.0f}"
