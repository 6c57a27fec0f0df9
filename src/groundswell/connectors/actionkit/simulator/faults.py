"""What goes wrong on purpose: by chance, or for the very next call of a kind."""

from collections.abc import Callable
from random import Random
from typing import Final

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


TOO_MANY: Final = Fault("429", status=429)
SERVER_ERROR: Final = Fault("500", status=500)
SERVER_ERROR_PAGE: Final = Fault("500 html", status=500, is_html=True)
SERVER_ERROR_DONE: Final = Fault("500 after it was done", status=500, is_done=True)
UNAVAILABLE: Final = Fault("503", status=503, is_html=True)
DROPPED: Final = Fault("dropped", is_cut=True)
"""The call never got anywhere."""
ANSWER_LOST: Final = Fault("answer lost", is_cut=True, is_done=True)
"""It did, and only the answer is missing."""
SLOW: Final = Fault("slow", delay_s=5.0, is_done=True)


class FaultRates(Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of the calls, 0 to 1, that meet each fault; and of the pushes."""

    too_many: float = 0.0
    server_error: float = 0.0
    server_error_page: float = 0.0
    server_error_done: float = 0.0
    unavailable: float = 0.0
    dropped: float = 0.0
    answer_lost: float = 0.0
    slow: float = 0.0
    slow_s: float = 5.0
    push_lost: float = 0.0
    """Never sent."""
    push_twice: float = 0.0
    """Sent again though it was answered 200."""
    push_late: float = 0.0
    """Overtaken by those that come after it."""
    push_late_s: float = 5.0


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
        """Let the next calls with this method, and this in their path and query, meet the fault. "" fits all.

        Args:
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
        return self._by_chance()

    def happens(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _by_chance(self) -> Fault | None:
        rates = self.rates
        chances = (
            (rates.too_many, TOO_MANY),
            (rates.server_error, SERVER_ERROR),
            (rates.server_error_page, SERVER_ERROR_PAGE),
            (rates.server_error_done, SERVER_ERROR_DONE),
            (rates.unavailable, UNAVAILABLE),
            (rates.dropped, DROPPED),
            (rates.answer_lost, ANSWER_LOST),
            (rates.slow, replace(SLOW, delay_s=rates.slow_s)),
        )
        drawn = self._random.random()
        for chance, fault in chances:
            drawn -= chance
            if drawn < 0:
                return fault
        return None
