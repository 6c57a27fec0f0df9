"""Reading all of a window, although the list changes while its pages are read.

A window is closed: it ends a minute ago, so nothing comes into it any more (what is changed gets the present time, and
the index lags by seconds [L]). Things only leave it, and then all that comes after them moves up. So pages are read
from the last to the first: what moves up goes from pages that were read to pages that were not, is seen twice, and
nothing is missed. Read from the first to the last, it would be the other way round.

That holds while the order stays the same, which nobody promises [D]. A change of order shows: whatever moves from the
pages not read to those that were, something else moves the other way, and is seen twice where a thing that left cannot
explain it. Then the window is cut, down to single pages, which come in one piece. A second with more than a page in it
cannot be cut: it is read again until the order stayed the same, or two readings in a row bring nothing new.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import Struct

from groundswell.connectors.action_network.client import PER_PAGE_MAX, TOP, ActionNetwork, Page, Place
from groundswell.connectors.action_network.collections import Collection
from groundswell.connectors.action_network.filters import modified_within
from groundswell.connectors.action_network.hal import Resource, id_of
from groundswell.connectors.action_network.transport import Caller
from groundswell.connectors.action_network.windows import Window
from groundswell.errors import UnavailableError

DEEP: Final = 20
"""Pages. What is deeper is cut before it is read."""
READINGS_MAX: Final = 10
"""Of a second that holds more than a page."""

Take = Callable[[Sequence[Resource]], Awaitable[None]]
"""Gets what was read, page by page; some of it maybe twice."""


class Found(Struct, frozen=True):
    """Everything in the window was handed over: so many different things."""

    number: int


class TooMuch(Struct, frozen=True):
    """The window must be cut into so many parts, and those read; it may hold about `number` things."""

    parts: int
    number: int


class Walk:
    """Reads the windows of one collection."""

    def __init__(self, client: ActionNetwork, caller: Caller, collection: Collection, under: Place = TOP) -> None:
        self._client = client
        self._caller = caller
        self._collection = collection
        self._under = under

    async def read(self, window: Window, expected: int, take: Take) -> Found | TooMuch:
        """Hand over everything in the window, at least once, if it is not too much for one go.

        Args:
            expected: How many there may be: a guess that saves calls.

        Raises:
            RemoteError: any page failed; then nothing is known about the window.
        """
        last = await self._find_last(window, min(DEEP, -(-expected // PER_PAGE_MAX)))
        if last > DEEP and window.length_s > 1:
            return TooMuch(-(-last // (DEEP - 5)), last * PER_PAGE_MAX)
        found, is_sure = await self._read_backwards(window, last, take)
        if is_sure:
            return Found(len(found))
        if window.length_s > 1:
            return TooMuch(2, len(found))
        return await self._read_until_quiet(window, found, take)

    async def _find_last(self, window: Window, guess: int) -> int:
        """A page after which there is none: the last, or one after it if fewer are there than guessed. Of a deep window
        only about how deep.

        The last page is read again afterwards: what is after it may have moved into it meanwhile.
        """
        held, empty = 0, guess + 1
        while page := (await self._page(window, empty)).resources:
            held, empty = empty, empty + 1 if len(page) < PER_PAGE_MAX else 4 * empty
        while held and empty - held > (1 if held <= DEEP or window.length_s == 1 else held // 8):
            middle = (held + empty) // 2
            if (await self._page(window, middle)).resources:
                held = middle
            else:
                empty = middle
        return empty - 1

    async def _read_backwards(self, window: Window, last: int, take: Take) -> tuple[set[str], bool]:
        """All pages from `last` to the first. Returns what was found, and whether nothing can have been missed."""
        seen: set[str] = set()
        is_sure = True
        after: list[str] = []
        number = last + 1
        while number > 1:
            number -= 1
            page = await self._page(window, number)
            if not page.resources:
                if last - number == 1:
                    number = await self._after_the_last(window, number)
                continue
            await take(page.resources)
            ids = [id_of(resource) or "" for resource in page.resources]
            twice = [one for one in ids if one in seen]
            if twice and not _has_moved_up(ids, after, len(twice)):
                is_sure = False
            if len(set(ids)) < len(ids):
                is_sure = False
            seen.update(ids)
            after = ids
        return seen, is_sure

    async def _after_the_last(self, window: Window, empty: int) -> int:
        """The first page that is empty, below one that is: fewer were there than was thought."""
        held = 0
        while empty - held > 1:
            middle = (empty + held) // 2
            if (await self._page(window, middle)).resources:
                held = middle
            else:
                empty = middle
        return empty

    async def _read_until_quiet(self, window: Window, found: set[str], take: Take) -> Found:
        quiet = 0
        for _ in range(READINGS_MAX):
            last = await self._find_last(window, max(1, -(-len(found) // PER_PAGE_MAX)))
            again, is_sure = await self._read_backwards(window, last, take)
            quiet = quiet + 1 if again <= found else 0
            found |= again
            if is_sure or quiet == 2:
                return Found(len(found))
        raise UnavailableError(
            f"{self._caller.component}: reading {self._collection.name}: {len(found)} were changed in one second, and "
            f"their order did not stay the same in {READINGS_MAX} readings; it will be tried again"
        )

    async def _page(self, window: Window, number: int) -> Page:
        where = modified_within(window.start, window.end)
        return await self._client.page(self._caller, self._collection, number, under=self._under, where=where)


def _has_moved_up(ids: list[str], after: list[str], number: int) -> bool:
    """Whether so many things left pages not read yet: then the last ones here are the first ones of the page after."""
    return number <= len(after) and ids[len(ids) - number :] == after[:number]
