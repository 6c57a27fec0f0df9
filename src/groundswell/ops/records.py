"""Records and their way, as operators ask about them."""

from msgspec import Raw

from groundswell.ops.letters import is_json, letter_of
from groundswell.ops.messages import AskRecord, RecordTrace, Seen, Settled, Waiting, moment
from groundswell.ops.record_messages import ListRecords, RecordListed, Records
from groundswell.store.dead_letters import Selection
from groundswell.store.records import RecordQuery
from groundswell.store.store import Store


class RecordsDesk:
    """Answers what is asked about records."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list_records(self, asked: ListRecords) -> Records:
        query = RecordQuery(asked.source, asked.sink, asked.state, asked.before, asked.limit)
        found = await self._store.records(query)
        listed = [
            RecordListed(row.number, row.record_id, row.source, row.kind, moment(row.received_at), row.state)
            for row in found.rows
        ]
        return Records(listed, found.next_before)

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
