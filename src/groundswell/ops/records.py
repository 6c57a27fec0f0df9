"""Records and their way, as operators ask about them."""

from typing import Final

from msgspec import Raw

from groundswell.clock import Clock
from groundswell.ops.letters import is_json, letter_of
from groundswell.ops.messages import AskRecord, RecordTrace, Seen, Settled, Waiting, moment
from groundswell.ops.record_messages import ListRecords, RecordListed, Records
from groundswell.store.dead_letters import Selection
from groundswell.store.records import RecordQuery, RecordRow
from groundswell.store.store import Store

LOOK_S: Final = 0.05
"""So long at most it is looked on for a list, in looks of some milliseconds each."""


class RecordsDesk:
    """Answers what is asked about records."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def list_records(self, asked: ListRecords) -> Records:
        rows: list[RecordRow] = []
        times: list[int] = []
        looked_at, before = 0, asked.before
        until = self._clock.monotonic() + LOOK_S
        while True:
            query = RecordQuery(asked.source, asked.sink, asked.state, before, asked.limit - len(rows))
            page = await self._store.records(query)
            rows += page.rows
            looked_at += page.looked_at
            times += page.times or ()
            if page.next_before is None or len(rows) == asked.limit or self._clock.monotonic() >= until:
                break
            before = page.next_before
        return Records(
            [
                RecordListed(row.number, row.record_id, row.source, row.kind, moment(row.received_at), row.state)
                for row in rows
            ],
            page.next_before,
            looked_at,
            moment(max(times)) if times else None,
            moment(min(times)) if times else None,
        )

    async def record(self, asked: AskRecord) -> RecordTrace:
        trace = await self._store.trace(asked.id)
        dead = await self._store.dead_list(Selection(ids=trace.dead), len(trace.dead)) if trace.dead else []
        return RecordTrace(
            id=trace.record_id,
            source=trace.source,
            received_at=moment(trace.received_at),
            is_processed=trace.is_processed,
            waiting=[
                Waiting(sink, attempts, moment(at) if at else None, moment(made_at))
                for sink, attempts, at, made_at in trace.waiting
            ],
            settled=[
                Settled(sink, outcome, note, attempts, moment(at), moment(made_at))
                for sink, outcome, note, attempts, at, made_at in trace.settled
            ],
            dead_letters=[letter_of(row) for row in dead],
            body=Raw(trace.raw) if is_json(trace.raw) else Raw(b"null"),
            sightings=[Seen(source, moment(at)) for source, at in trace.sightings],
        )
