"""One round: everything that is due of every collection, window by window; the cursor moves when a window is whole."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Final

import structlog
from msgspec import Struct
from msgspec.structs import replace

from groundswell.clock import Clock
from groundswell.component import Batch, Cursor, Emit, Progress
from groundswell.connectors.actionkit.client import ActionKit, Resource
from groundswell.connectors.actionkit.polling.arrivals import arrivals_of
from groundswell.connectors.actionkit.polling.feeds import COLLECTIONS, Feed, Side
from groundswell.connectors.actionkit.polling.marks import Mark, Marks
from groundswell.connectors.actionkit.polling.reports import NoReportsError, changed_numbers
from groundswell.connectors.actionkit.polling.things import Things
from groundswell.connectors.actionkit.polling.walk import Stretch, Walk
from groundswell.connectors.actionkit.times import seconds_of, written
from groundswell.connectors.actionkit.transport import Caller, Query
from groundswell.connectors.actionkit.uris import id_at
from groundswell.errors import UnauthorizedError

SETTLED_S: Final = 5
"""Windows end this long ago: what is written in one transaction may show its time before it shows itself (I)."""
CLOCKS_S: Final = 60.0
"""So far our clock and theirs may differ without a word."""
BEGINNING: Final = 0
"""Before there was anything: 1970."""
WHOLE: Final = "whole"
WINDOW: Final = "window"
SQL: Final = "sql"
SIDE: Final = "side "

log = structlog.get_logger()


class Scope(Struct, frozen=True):
    """What is to be looked for, and how often."""

    since: int | None
    """None: everything there is."""
    until: int | None = None
    """Of a backfill. None: up to now, again and again."""
    overlap_s: int = 0
    every_s: int = 0
    full_every_s: int = 0
    reports: bool = True
    pages: tuple[str, ...] = ()
    """Actions only of these, by number or short name; none: of all."""


class Rounds:
    """Rounds, one after another. What a round remembers outlasts a call that fails, but not the process."""

    def __init__(
        self,
        client: ActionKit,
        caller: Caller,
        clock: Clock,
        collections: Sequence[str],
        scope: Scope,
        marks: Marks,
        cursor: Cursor | None,
        counts: Counter[str],
    ) -> None:
        """`cursor` is where the marks were read from; `counts` are the notes for `status`."""
        self.cursor = cursor
        """What was handed over last: whoever has another one must begin anew from it."""
        self._client = client
        self._caller = caller
        self._clock = clock
        self._scope = scope
        self._marks = marks
        self._things = Things(client, caller)
        self._feeds = [feed for name, feeds in COLLECTIONS.items() if name in collections for feed in feeds]
        self._left: list[Feed] = []
        """Of this round."""
        self._pages: set[str] = set()
        """Numbers of the pages whose actions are wanted."""
        self._goal = 0
        self._counts = counts
        self._do_clocks_differ = False
        self._refused_at: dict[str, int] = {}
        """By resource: the goal of the round in which a report about it was refused."""

    async def once(self, emit: Emit) -> None:
        """Hand over everything that is due, of all collections. After an error, called again, it goes on."""
        if not self._left:
            await self._client.schema(self._caller, self._feeds[0].resource)  # needed anyway; says their time
            self._pages = await self._numbers_of(self._scope.pages)
            self._left = list(self._feeds)
            self._goal = self._settled()
            self._things.forget()
        while self._left:
            if await self._take(emit, self._left[0]):
                self._left.pop(0)

    async def _numbers_of(self, pages: Sequence[str]) -> set[str]:
        """Raises UnauthorizedError, which stops the source, where a name is no page's."""
        numbers = {page for page in pages if page.isdigit()}
        for name in pages:
            if name.isdigit():
                continue
            page = await self._client.find(self._caller, "page", "name", name)
            if page is None or page.get("name") != name:
                raise UnauthorizedError(
                    f'{self._caller.component}: there is no page "{name}" at {self._client.host}; check `pages`'
                )
            numbers.add(str(page["id"]))
        return numbers

    async def _take(self, emit: Emit, feed: Feed) -> bool:
        """One collection; False if it has to be begun in another way."""
        due = await self._due(feed)
        if due is None:
            return True
        mark, steps = due
        began_at, before = self._clock.now(), mark.records
        for step in steps:
            if step != mark.step:
                mark = replace(mark, step=step, at=None, seen=0)
            try:
                async for stretch in self._read(feed, mark):
                    if feed.resource == "action" and self._pages:
                        wanted = [action for action in stretch.objects if id_at(action.get("page")) in self._pages]
                        stretch = replace(stretch, objects=wanted)
                    arrivals = await arrivals_of(feed.resource, stretch, self._things)
                    records = mark.records + len(arrivals) if self._shows(mark) else 0
                    mark = replace(mark, at=stretch.at, seen=stretch.seen, records=records)
                    progress = None
                    if self._shows(mark):
                        total = stretch.total if mark.is_whole else None
                        progress = Progress(feed.resource, records, total, began_at, before)
                    await self._save(emit, feed, Batch(arrivals, progress=progress), mark)
            except NoReportsError:
                self._report_refused(feed)
                return False
        await self._save(emit, feed, Batch(()), self._finished(mark))
        return True

    async def _save(self, emit: Emit, feed: Feed, batch: Batch, mark: Mark) -> None:
        marks = self._marks.with_mark(feed.resource, mark)
        cursor = marks.cursor
        await emit(replace(batch, cursor=cursor))
        self._marks, self.cursor = marks, cursor
        self._things.let_go()

    # ---- what is due ----

    async def _due(self, feed: Feed) -> tuple[Mark, list[str]] | None:
        """What is to be read now, in which steps, from where on; None if nothing is."""
        mark = self._marks.mark(feed.resource)
        if self._scope.until is not None and mark.to is not None:
            return None
        window = await self._steps(feed)
        if mark.goal is None:
            is_whole = self._is_whole_due(feed, mark, has_window=bool(window))
            if not is_whole and (not window or self._start(mark) >= self._goal):
                return None
            mark = replace(mark, goal=self._goal, since=self._start(mark), is_whole=is_whole, step="", at=None, seen=0)
        elif not mark.is_whole and not window:
            mark = replace(mark, is_whole=True, step="")
        steps = [WHOLE] if mark.is_whole else window
        if mark.step not in steps:
            mark = replace(mark, step=steps[0], at=None, seen=0)
        return mark, steps[steps.index(mark.step) :]

    async def _steps(self, feed: Feed) -> list[str]:
        """How to find what has changed in a time, by what their schema allows; [] if there is no way."""
        if feed.is_small:
            return []
        is_filtered = await self._can_filter(feed.resource, feed.stamp)
        by_report = self._takes_reports(feed)
        if not is_filtered and not by_report:
            return []
        steps = [WINDOW] if is_filtered else []
        sides = [side for side in feed.sides if await self._can_filter(side.resource, side.stamp)]
        if is_filtered and len(sides) == len(feed.sides):
            return [*steps, *(SIDE + side.resource for side in sides)]
        if by_report:
            return [*steps, SQL]
        return [*steps, *(SIDE + side.resource for side in sides)]

    async def _can_filter(self, resource: str, stamp: str) -> bool:
        schema = await self._client.schema(self._caller, resource)
        return schema.can_filter(stamp, "gte") and schema.can_filter(stamp, "lt")

    def _is_whole_due(self, feed: Feed, mark: Mark, *, has_window: bool) -> bool:
        if self._scope.until is not None:
            return not has_window
        if feed.is_small or (mark.to is None and (self._scope.since is None or not has_window)):
            return True
        if has_window and not feed.is_read_again:
            return False
        # A time that lies ahead was written down while the clock was wrong.
        return mark.full_to is None or not mark.full_to <= self._goal < mark.full_to + self._scope.full_every_s

    def _settled(self) -> int:
        """Everything changed before this moment shows by now: by their clock, which stamps it."""
        ours, theirs = self._clock.now(), self._client.their_now()
        if theirs is not None and abs(ours - theirs) > CLOCKS_S and not self._do_clocks_differ:
            self._do_clocks_differ = True
            log.warning(
                "clocks_differ",
                component=self._caller.component,
                host=self._client.host,
                ours_is_ahead_s=round(ours - theirs),
                then="theirs is gone by; set the clock of this machine",
            )
        now = int(ours if theirs is None else theirs) - SETTLED_S
        return now if self._scope.until is None else min(now, self._scope.until)

    def _start(self, mark: Mark) -> int:
        """Where a window begins. A mark that lies ahead was made while our clock was wrong."""
        since = self._scope.since or BEGINNING
        if mark.to is None:
            return since
        to = mark.to if mark.to <= self._goal else self._goal - max(self._scope.every_s, self._scope.full_every_s)
        return max(since, to - self._scope.overlap_s)

    def _finished(self, mark: Mark) -> Mark:
        full_to = mark.goal if mark.is_whole or mark.full_to is None else mark.full_to
        return Mark(to=mark.goal, full_to=full_to)

    def _shows(self, mark: Mark) -> bool:
        """Whether people are told how far it has come."""
        return mark.to is None

    def _takes_reports(self, feed: Feed) -> bool:
        """Whether to ask by report; one that was refused is asked for again after `full_every`."""
        if not self._scope.reports or not feed.table:
            return False
        refused_at = self._refused_at.get(feed.resource)
        return refused_at is None or 0 < self._scope.full_every_s <= self._goal - refused_at

    def _report_refused(self, feed: Feed) -> None:
        self._counts["reports_refused"] += 1
        if feed.resource not in self._refused_at:
            log.warning(
                "report_refused",
                component=self._caller.component,
                host=self._client.host,
                resource=feed.resource,
                then="what cannot be filtered is read whole every `full_every`; give the staff account the right to "
                'run reports, or write "reports = false"',
            )
        self._refused_at[feed.resource] = self._goal

    # ---- reading ----

    async def _read(self, feed: Feed, mark: Mark) -> AsyncIterator[Stretch]:
        """What one step finds from where it stands, some at a time."""
        if mark.step == WHOLE:
            async for stretch in self._walk(feed.resource, feed.key, ()).after(mark.at, mark.seen):
                wanted = [one for one in stretch.objects if self._is_asked_for(feed, one, mark)]
                yield replace(stretch, objects=wanted)
        elif mark.step == WINDOW:
            where = _within(feed.stamp, mark)
            async for stretch in self._walk(feed.resource, feed.key, where).after(mark.at, mark.seen):
                yield stretch
        elif mark.step == SQL:
            async for stretch in self._reported(feed, mark):
                yield stretch
        else:
            side = next(side for side in feed.sides if SIDE + side.resource == mark.step)
            async for stretch in self._beside(feed, side, mark):
                yield stretch

    def _walk(self, resource: str, key: str, where: Query) -> Walk:
        return Walk(self._client, self._caller, resource, key=key, where=where)

    async def _reported(self, feed: Feed, mark: Mark) -> AsyncIterator[Stretch]:
        is_filtered = await self._can_filter(feed.resource, feed.stamp)
        after = mark.at if isinstance(mark.at, int) else 0
        size = await self._things.at_a_time(feed.resource)
        async for found in changed_numbers(
            self._client, self._caller, feed, mark.since, mark.goal or 0, after, with_main=not is_filtered
        ):
            numbers = list(found)
            changed = {str(number): moment for number, moment in found.items()}
            for start in range(0, len(numbers), size):
                some = numbers[start : start + size]
                yield Stretch(await self._things.get(feed.resource, some), some[-1], 0, 0, changed)

    async def _beside(self, feed: Feed, side: Side, mark: Mark) -> AsyncIterator[Stretch]:
        """Those whose phones, fields, ... have changed."""
        async for stretch in self._walk(side.resource, "id", _within(side.stamp, mark)).after(mark.at, mark.seen):
            changed: dict[str, int | None] = {}
            for one in stretch.objects:
                owner = id_at(one.get(side.link))
                moment = seconds_of(one.get(side.stamp)) if side.is_change else None
                if owner is not None:
                    changed[owner] = max(changed.get(owner) or 0, moment or 0)
            yield replace(stretch, objects=await self._things.get(feed.resource, changed), changed=changed)

    def _is_asked_for(self, feed: Feed, thing: Resource, mark: Mark) -> bool:
        """Where the whole is read for want of a filter, or again: of this time, as far as it says.

        What was taken by an earlier round is left out, for the inbox forgets the ids of what is long past.
        """
        stamp = seconds_of(thing.get(feed.stamp))
        if feed.is_small or stamp is None:
            return True
        since = (self._scope.since or BEGINNING) if feed.is_read_again else mark.since
        if stamp < since:
            return False
        return self._scope.until is None or stamp < (mark.goal or 0)


def _within(stamp: str, mark: Mark) -> Query:
    return [(f"{stamp}__gte", written(mark.since)), (f"{stamp}__lt", written(mark.goal or 0))]
