"""All of a collection by rising number, page by page, so that nothing is passed over while it changes.

Where `id__gt` is allowed, each page is asked for as what comes after the last number seen. Elsewhere there are only
offsets, and every row that is deleted (or edited, and so leaves the window) before ours moves the rest towards us: the
next page by offset would begin too late. So a page begins with the last row of the one before it. If that row is not
there, rows have moved, and we go back until we meet what we have seen.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from groundswell.connectors.actionkit.client import LIMIT_MAX, PAGES_MAX, ActionKit, Resource
from groundswell.connectors.actionkit.transport import Caller, Query
from groundswell.errors import UnavailableError

Key = int | str


class Stretch(Struct, frozen=True):
    """The next ones in order, and where that leaves us."""

    objects: Sequence[Resource]
    at: Key
    seen: int
    total: int
    """How many there are, as far as the last answer says."""
    changed: Mapping[str, int | None] = {}
    """By number: when something beside it changed, in seconds since 1970."""


class Walk:
    """One way through one collection."""

    def __init__(self, client: ActionKit, caller: Caller, kind: str, *, key: str = "id", where: Query = ()) -> None:
        self._client = client
        self._caller = caller
        self._kind = kind
        self._key = key
        self._where = where

    async def after(self, at: Key | None = None, seen: int = 0) -> AsyncIterator[Stretch]:
        """Everything behind `at`. `seen` says about how many come before it.

        Raises:
            UnavailableError: numbers did not rise, or it had no end.
        """
        is_allowed = (await self._client.schema(self._caller, self._kind)).can_filter(self._key, "gt")
        way = self._by_key if is_allowed and self._key == "id" else self._by_offset
        async for stretch in way(at, seen):
            yield stretch

    async def _by_key(self, at: Key | None, seen: int) -> AsyncIterator[Stretch]:
        for _ in range(PAGES_MAX):
            where = [*self._where, (f"{self._key}__gt", str(at or 0))]
            page = await self._client.page(self._caller, self._kind, order_by=self._key, where=where)
            if not page.objects:
                return
            last = self._keys(page.objects)[-1]
            if at is not None and not _is_after(last, at):
                raise self._stuck(f"did not go on after number {at}")
            at, left, seen = last, page.total, seen + len(page.objects)
            yield Stretch(page.objects, at, seen, seen + max(left - len(page.objects), 0))
        raise self._stuck(f"had more than {PAGES_MAX} pages")

    async def _by_offset(self, at: Key | None, seen: int) -> AsyncIterator[Stretch]:
        offset, back = max(seen - 1, 0), 1
        for _ in range(PAGES_MAX):
            page = await self._client.page(
                self._caller, self._kind, order_by=self._key, where=self._where, offset=offset
            )
            fresh = self._fresh(page.objects, at, is_start=offset == 0)
            if fresh is None:
                offset, back = max(offset - back, 0), min(back * 4, LIMIT_MAX)
                continue
            back, end = 1, offset + len(page.objects)
            if fresh:
                at = self._keys(fresh)[-1]
                yield Stretch(fresh, at, end, page.total)
            if end >= page.total:
                return
            if end - 1 <= offset:
                raise self._stuck(f"said there are {page.total} and showed no more than {end}")
            offset = end - 1
        raise self._stuck(f"had more than {PAGES_MAX} pages")

    def _fresh(self, objects: Sequence[Resource], at: Key | None, *, is_start: bool) -> Sequence[Resource] | None:
        """Those behind `at`; None if some before them may be missing."""
        keys = self._keys(objects)
        if at is None:
            return objects
        if isinstance(at, int):
            if not is_start and (not keys or _is_after(keys[0], at)):
                return None
            return [one for one, key in zip(objects, keys, strict=True) if _is_after(key, at)]
        if at in keys:
            return objects[keys.index(at) + 1 :]
        return objects if is_start else None

    def _keys(self, objects: Sequence[Resource]) -> list[Key]:
        keys = [one.get(self._key) for one in objects]
        numbers = [key for key in keys if isinstance(key, int | str)]
        if len(numbers) < len(keys):
            raise self._stuck(f"showed some without {self._key}")
        if self._key == "id" and any(not _is_after(after, before) for before, after in pairwise(numbers)):
            raise self._stuck("showed them in no order")
        return numbers

    def _stuck(self, what: str) -> UnavailableError:
        return UnavailableError(
            f"{self._caller.component}: reading {self._kind}s: {self._client.host} {what}; stopped rather than take "
            "less for all, it will be tried again"
        )


def _is_after(key: Any, other: Any) -> bool:
    return isinstance(key, int) and isinstance(other, int) and key > other
