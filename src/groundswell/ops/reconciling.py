"""What two sources both brought, as operators ask about it: a report over the state file, no network."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from groundswell.clock import Clock, milliseconds
from groundswell.component import Arrival
from groundswell.config.problems import meant, quoted
from groundswell.errors import NotFoundError, RequestError
from groundswell.ops.comparison import Asked, Comparison, Side
from groundswell.ops.extent import Extent, Span, newest_of
from groundswell.ops.messages import moment
from groundswell.ops.place import Outline, Part
from groundswell.ops.reconcile_messages import AskReconcile, BackfillSpan, KindCompared, Reconciled, SideSeen
from groundswell.record import Record
from groundswell.store.backfills import Backfill
from groundswell.store.store import Store

Sources = Callable[[], AbstractAsyncContextManager[Mapping[str, Any]]]
"""The sources, built, by name. Raises ConfigError."""
EVER: Final = 2**62


class ReconcileDesk:
    """Answers what is asked about two sources."""

    def __init__(self, store: Store, clock: Clock, outline: Callable[[], Outline], sources: Sources) -> None:
        self._store = store
        self._clock = clock
        self._outline = outline
        self._sources = sources

    async def reconcile(self, asked: AskReconcile) -> Reconciled:
        one, other = self._source(asked.one), self._source(asked.other)
        if one == other:
            raise RequestError(f"a source agrees with itself; name another beside {one.name}")
        since = -EVER if asked.since is None else milliseconds(asked.since.timestamp())
        until = EVER if asked.until is None else milliseconds(asked.until.timestamp())
        if since > until:
            raise RequestError("since is later than until; exchange them")
        what = Asked(asked.kind, Span(since, until), await self._store.sightings.noted_after(), asked.limit)
        told_by = milliseconds(self._clock.now()) - asked.lag_s * 1000
        async with self._sources() as sources:

            def read(source: str, arrival: Arrival) -> Record:
                record: Record = sources[source].read(arrival)
                return record

            comparison = Comparison(
                what,
                await self._extent(one, sources[one.name], told_by),
                await self._extent(other, sources[other.name], told_by),
                read,
            )
            last = await self._store.last_accepted()
            walk = self._store.sightings.walk
            await walk(one.name, other.name, last, comparison.look)
            await walk(one.name, other.name, last, comparison.judge, lone=True)
        kinds = comparison.compared()
        return Reconciled(
            await self._seen(one, "one", comparison, kinds),
            await self._seen(other, "other", comparison, kinds),
            kinds,
            comparison.unreadable,
        )

    def _source(self, name: str) -> Part:
        sources = {part.name: part for part in self._outline().parts.values() if part.role == "source"}
        if name not in sources:
            raise NotFoundError(f"nothing called {quoted(name)} is a source; {meant(name, sources)}")
        return sources[name]

    async def _extent(self, part: Part, source: Any, told_by: int) -> Extent:
        extent = Extent(hasattr(source, "arrivals"), told_by)
        backfill = await self._store.backfill(part.name)
        if backfill is not None and backfill.state != "finished":
            extent.unread = Span(backfill.asked.since, backfill.asked.until)
        elif backfill is not None and set(backfill.asked.collections) >= set(getattr(source, "collections", ())):
            extent.read = Span(backfill.asked.since, min(backfill.asked.until, backfill.asked.asked_at))
        return extent

    async def _seen(self, part: Part, side: Side, comparison: Comparison, kinds: list[KindCompared]) -> SideSeen:
        extent = comparison.extents[side]
        newest_at = newest_of(extent, comparison.kinds)
        cursor_at = await self._store.sightings.cursor_saved_at(part.name)
        lone = [kind.only_other if side == "one" else kind.only_one for kind in kinds]
        return SideSeen(
            source=part.name,
            type=part.type,
            is_told=extent.is_told,
            first_at=None if extent.first_at is None else moment(extent.first_at),
            newest_at=None if newest_at is None else moment(newest_at),
            cursor_at=None if cursor_at is None else moment(cursor_at),
            backfill=_span(await self._store.backfill(part.name)),
            lacks=sum(of_kind.missing for of_kind in lone),
            lacking=comparison.lacking[side],
        )


def _span(backfill: Backfill | None) -> BackfillSpan | None:
    if backfill is None:
        return None
    return BackfillSpan(moment(backfill.asked.since), moment(backfill.asked.until), backfill.state)
