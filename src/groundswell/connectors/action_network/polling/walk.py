"""Reading the pages of one window so that nobody is missed, although pages shift while they are read.

**Backwards.** The window is closed: its end is a minute past, so nobody comes into it any more (their index lags by
seconds [L]; `poll.py` looks again a little further back, for when it lags longer). People leave it, whenever they are
changed, and everybody behind them moves up, towards page 1. Read forwards, that carries people from a page not read
yet to one that was. Read from the last page to the first, it only shows somebody twice.

**How we know that it was complete.** People are unordered [D], and nobody promises that they keep their places. So a
walk is believed for its count, not for its order. When the last page, L, is read, the page behind it is empty; so the
window holds exactly N = 25 (L - 1) + (those on page L) people at that moment. Nobody comes in later: whoever is seen on
any page is one of these N. If N different ones were seen in the end, they are all of them, in whatever order they
stood, and whoever left or changed places meanwhile. If fewer were seen, something moved: somebody was seen twice
instead of somebody else, who has left (and will be found in a later window) or was missed. Which of the two cannot be
told, so the walk counts for nothing and the window is read again in halves, which are read faster and are less likely
to be disturbed. A window of one page is read in one call, and always complete.

A window of a single second cannot be halved, and an upload may change thousands of people in one [I]. It is walked
until a walk is complete as above, or, when people keep leaving it, until two walks in a row have shown nobody new. The
second is no proof: each walk would have to miss the same person. After WALKS_MAX walks it is an error.

**The end is an empty page**, never a missing `next`, a total, or a page that is not full [D, L]. It is looked for
around where it is expected. A page that was read before the page behind it was found to be empty is read again, as
somebody may have moved up into it; not so when it had room left.
"""

from collections.abc import Sequence
from typing import Final

from groundswell.connectors.action_network.client import PAGES_MAX as PAGES_OF_ANYTHING_MAX
from groundswell.connectors.action_network.client import PER_PAGE_MAX
from groundswell.connectors.action_network.hal import Resource
from groundswell.connectors.action_network.polling.reading import Ask, Verdict, key_of
from groundswell.connectors.action_network.polling.windows import PAGES_MAX
from groundswell.errors import UnavailableError

WALKS_MAX: Final = 12
QUIET_WALKS: Final = 2
_GALLOP: Final = 4


class Walk:
    """The pages of one window, backwards; of a single second, as often as it takes."""

    def __init__(
        self,
        what: str,
        expected: int | None = None,
        *,
        pages_max: int | None = PAGES_MAX,
        is_deep_likely: bool = False,
    ) -> None:
        """Begin at its end.

        Args:
            what: Who reads what, to begin messages with: "people: reading people".
            expected: How many pages it probably has; None when nobody knows.
            pages_max: With more it is "too deep"; None for what must be read however deep it is.
            is_deep_likely: Whether to look for that first.
        """
        self.verdict: Verdict = "complete"
        self._what = what
        self._pages_max = pages_max
        self._taken: set[str] = set()
        self._walks = self._quiet_walks = 0
        first = [pages_max + 1] if pages_max is not None and is_deep_likely else []
        self._descent = _Descent(what, [*first, *_around(expected)], pages_max)

    @property
    def records(self) -> int:
        return len(self._taken)

    @property
    def pages(self) -> int:
        return self._descent.last

    async def read(self, ask: Ask) -> Sequence[Resource] | None:
        while True:
            page = await self._descent.page(ask)
            if page is None:
                if self._is_over():
                    return None
                continue
            taken = self._taken
            fresh = [resource for resource, key in zip(page, self._descent.keys, strict=True) if key not in taken]
            if fresh:
                return fresh
            self.took()

    def took(self) -> None:
        self._taken |= self._descent.took(self._taken)

    def _is_over(self) -> bool:
        """Whether all is read, or never will be like this; if not, another walk is begun."""
        descent = self._descent
        if descent.is_too_deep:
            self.verdict = "too deep"
            return True
        if descent.is_complete:
            self.verdict = "complete"
            return True
        if self._pages_max is not None:
            self.verdict = "disturbed"
            return True
        self._walks += 1
        self._quiet_walks = 0 if descent.has_news else self._quiet_walks + 1
        if self._quiet_walks == QUIET_WALKS:
            self.verdict = "complete"
            return True
        self._descent = _Descent(self._what, _around(descent.last), None)
        if self._walks == WALKS_MAX:
            self._walks = 0
            raise UnavailableError(
                f"{self._what}: what was changed in one second keeps changing places, and was still incomplete after "
                f"{WALKS_MAX} walks; it will be tried again"
            )
        return False


class _Descent:
    """One walk: find the last page, then go down to the first."""

    def __init__(self, what: str, guesses: list[int], pages_max: int | None) -> None:
        """`guesses`: which pages to look at first, while the end is looked for."""
        self.is_too_deep = False
        self.has_news = False
        """Whether somebody was seen who was not taken in an earlier walk."""
        self.last = 0
        """The last page that holds anybody."""
        self._what = what
        self._pages_max = pages_max
        self._guesses = guesses
        self._step = 1
        self._looking_at: int | None = None
        self._filled = 0
        """The highest page that was seen to hold something; 0: none yet."""
        self._empty: int | None = None
        """The lowest page that was seen to be empty."""
        self._page: Sequence[Resource] | None = None
        """At hand, and not taken yet."""
        self.keys: list[str] = []
        """Of those on it."""
        self._next: int | None = None
        """Its number, or that of the next to ask for; None while the end is looked for."""
        self._seen: set[str] = set()
        self._on_last = 0
        self._longest = 0

    @property
    def is_complete(self) -> bool:
        """Whether as many were seen as there were when the last page was read: see above."""
        return len(self._seen) == self._longest * max(self.last - 1, 0) + self._on_last

    async def page(self, ask: Ask) -> Sequence[Resource] | None:
        """The next page, the same until it was taken; None behind the first, or when it is too deep."""
        if self._next is None:
            await self._look_for_end(ask)
            if self._next is None:
                return None
        if self._page is None and self._next > 0:
            self._have(await ask(self._next))
        return self._page

    def took(self, taken_before: set[str]) -> set[str]:
        """The keys of those on the page."""
        assert self._page is not None
        assert self._next is not None
        if self._page and not self._seen:
            self.last, self._on_last = self._next, len(self._page)
        self._longest = max(self._longest, len(self._page))
        keys = set(self.keys)
        self.has_news |= not keys <= taken_before
        self._seen |= keys
        self._page = None
        self._next -= 1
        return keys

    async def _look_for_end(self, ask: Ask) -> None:
        """Find the last page, and have it at hand if it need not be asked for again."""
        kept: Sequence[Resource] | None = None
        while self._empty != self._filled + 1:
            if self._looking_at is None:
                self._looking_at = self._guess()
            number = self._looking_at
            page = await ask(number)
            self._looking_at = None
            if not page:
                self._empty = number
            elif self._pages_max is not None and number > self._pages_max:
                self.is_too_deep = True
                return
            else:
                self._filled = number
                has_room = len(page) < PER_PAGE_MAX
                if has_room:  # the last, in all likelihood
                    self._guesses = [number + 1]
                kept = page if has_room or self._empty == number + 1 else None
        if kept is not None:
            self._have(kept)
        self._next = self._filled

    def _have(self, page: Sequence[Resource]) -> None:
        self._page = page
        self.keys = [key_of(resource) for resource in page]

    def _guess(self) -> int:
        """Which page to look at: as was guessed, then further and further away, then half-way between."""
        while self._guesses:
            number = self._guesses.pop(0)
            if self._filled < number and (self._empty is None or number < self._empty):
                return number
        if self._empty is not None and self._filled > 0:
            return (self._filled + self._empty) // 2
        step, self._step = self._step, self._step * _GALLOP
        if self._empty is not None:
            return max(self._empty - step, 1)
        number = self._filled + step
        if number > PAGES_OF_ANYTHING_MAX:
            raise UnavailableError(f"{self._what}: more than {PAGES_OF_ANYTHING_MAX} pages; it will be tried again")
        return number if self._pages_max is None else min(number, self._pages_max + 1)


def _around(expected: int | None) -> list[int]:
    """Behind what is probably the last page, then at it."""
    return [expected + 1, expected] if expected else [1]
