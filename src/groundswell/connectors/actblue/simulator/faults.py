"""What goes wrong on purpose: by chance, or for the very next call of a kind."""

from collections.abc import Callable
from random import Random
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace


class Fault(Struct, frozen=True):
    """One way to treat a call other than properly."""

    word: str
    """What it is called in the counts."""
    status: int | None = None
    """None: what it would have been."""
    is_html: bool = False
    """A page, as a proxy or a load balancer answers."""
    delay_s: float = 0.0
    is_cut: bool = False
    """The connection ends before the answer is whole."""
    is_done: bool = False
    """Whether what was asked for happens all the same."""
    export: Literal["failed", "null_url"] | None = None
    """How the export that is asked for turns out."""


TOO_MANY: Final = Fault("429", status=429)
SERVER_ERROR: Final = Fault("500", status=500)
BAD_GATEWAY: Final = Fault("502 html", status=502, is_html=True)
UNAVAILABLE: Final = Fault("503 html", status=503, is_html=True)
DROPPED: Final = Fault("dropped", is_cut=True)
"""The call never got anywhere."""
CUT: Final = Fault("cut", is_cut=True, is_done=True)
"""It did; the answer, or half of the file, is missing."""
SLOW: Final = Fault("slow", delay_s=5.0, is_done=True)
EXPORT_FAILED: Final = Fault("export failed", is_done=True, export="failed")
EXPORT_NULL_URL: Final = Fault("export without address", is_done=True, export="null_url")


class FaultRates(Struct, frozen=True, forbid_unknown_fields=True):
    """Shares, 0 to 1, of the calls and downloads that meet each fault; of the exports; and of the webhooks."""

    too_many: float = 0.0
    server_error: float = 0.0
    bad_gateway: float = 0.0
    unavailable: float = 0.0
    dropped: float = 0.0
    cut: float = 0.0
    slow: float = 0.0
    slow_s: float = 5.0
    export_failed: float = 0.0
    export_null_url: float = 0.0
    webhook_lost: float = 0.0
    """Never sent."""
    webhook_twice: float = 0.0
    """Sent again though it was answered well."""
    webhook_late: float = 0.0
    """Sent after those that come after it."""
    webhook_late_s: float = 3600.0
    """By up to how much."""
    webhook_ahead: float = 0.0
    """Of refunds and cancellations: sent before the contribution they are about."""
    webhook_again: float = 0.0
    """Sent once more after all the others, as a backfill does."""


class _Planned(Struct):
    fault: Fault
    times: int
    fits: Callable[[str, str], bool]


class Faults:
    """Which fault the next call meets."""

    def __init__(self, random: Random, rates: FaultRates | None = None) -> None:
        self.rates = rates or FaultRates()
        self._random = random
        self._planned: list[_Planned] = []

    def plan(self, fault: Fault, *, times: int = 1, method: str = "", path: str = "", after: int = 0) -> None:
        """Let the next calls with this method, and this in their path, meet the fault. "" fits all.

        Args:
            path: "/csvs" for those that make an export, "/csvs/" for those that ask how it is, "/exports/" downloads.
            after: So many calls that fit go through first.
        """
        passed = 0

        def fits(called: str, at: str) -> bool:
            nonlocal passed
            if method not in ("", called) or path not in at:
                return False
            passed += 1
            return passed > after

        self._planned.append(_Planned(fault, times, fits))

    def next(self, method: str, path: str) -> Fault | None:
        for planned in self._planned:
            if planned.fits(method, path):
                planned.times -= 1
                if planned.times <= 0:
                    self._planned.remove(planned)
                return planned.fault
        return self._by_chance(makes_export=method == "POST")

    def happens(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _by_chance(self, *, makes_export: bool) -> Fault | None:
        rates = self.rates
        chances = [
            (rates.too_many, TOO_MANY),
            (rates.server_error, SERVER_ERROR),
            (rates.bad_gateway, BAD_GATEWAY),
            (rates.unavailable, UNAVAILABLE),
            (rates.dropped, DROPPED),
            (rates.cut, CUT),
            (rates.slow, replace(SLOW, delay_s=rates.slow_s)),
        ]
        if makes_export:
            chances += [(rates.export_failed, EXPORT_FAILED), (rates.export_null_url, EXPORT_NULL_URL)]
        drawn = self._random.random()
        for chance, fault in chances:
            drawn -= chance
            if drawn < 0:
                return fault
        return None
