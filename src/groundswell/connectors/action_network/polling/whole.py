"""Lists that are read whole, because Action Network cannot filter them, or for their totals."""

from collections.abc import Sequence
from typing import Final

from groundswell.connectors.action_network.hal import Resource
from groundswell.connectors.action_network.polling.reading import Ask, Verdict, key_of
from groundswell.errors import UnavailableError

RECENT_MAX: Final = 50_000
"""How many of a pass are remembered, to see when one comes twice."""


class Pass:
    """All pages, forwards; once more when something came twice, for something has moved then.

    It is not certain to be complete: what goes while it is read pulls others forward, past the reader. Reading until
    two passes agree would be dear for long lists, so what one pass missed is left to the next.
    """

    verdict: Verdict = "complete"

    def __init__(self, what: str) -> None:
        """`what` is for messages: "people: reading tags"."""
        self._what = what
        self._number = 1
        self._page: Sequence[Resource] | None = None
        """At hand, and not taken yet."""
        self._before: list[str] = []
        """Keys of the page before."""
        self._recent: dict[str, None] = {}
        self._records = self._pages = 0
        self._has_moved = self._is_repeated = False

    @property
    def records(self) -> int:
        return self._records

    @property
    def pages(self) -> int:
        return self._pages

    async def read(self, ask: Ask) -> Sequence[Resource] | None:
        while self._page is None:
            page = await ask(self._number)
            if page and [key_of(resource) for resource in page] == self._before:
                raise UnavailableError(
                    f"{self._what}: page {self._number} is page {self._number - 1} again; stopped rather than read it "
                    "for ever, it will be tried again"
                )
            if page:
                self._page = page
            elif self._has_moved and not self._is_repeated:
                self._begin_again()
            else:
                return None
        return self._page

    def took(self) -> None:
        assert self._page is not None
        self._before = [key_of(resource) for resource in self._page]
        self._page = None
        self._has_moved |= any(key in self._recent for key in self._before)
        self._recent |= dict.fromkeys(self._before)
        while len(self._recent) > RECENT_MAX:
            del self._recent[next(iter(self._recent))]
        if not self._is_repeated:
            self._records += len(self._before)
            self._pages = self._number
        self._number += 1

    def _begin_again(self) -> None:
        self._is_repeated, self._number = True, 1
        self._before = []
        self._recent.clear()
