"""Deliveries: one record and its whole way, or the newest ones."""

from typing import Final

from aiohttp import web

from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.messages import NUMBER_MAX, Nothing, RecordTrace
from groundswell.ops.operations import RECORD, RECORDS, STATUS
from groundswell.ops.pretty import pretty
from groundswell.ops.record_messages import ListRecords
from groundswell.ops.record_words import how_far, kind_of

STATES: Final = {
    "waiting": "to be processed, or for a sink",
    "dead": "with a dead letter",
    "dropped": "with a dead letter that was dropped",
    "delivered": "settled everywhere",
    "nowhere": "not meant for any sink",
}
"""What each state of a record means."""


async def show(visit: Visit) -> web.Response:
    asked = visit.asked(ListRecords)
    listed = await visit.ask(RECORDS, asked)
    components = (await visit.ask(STATUS, Nothing())).components
    is_first = asked.before == NUMBER_MAX
    trace: RecordTrace | None = visit.found.get(RECORD.name)
    return visit.page(
        "records.html",
        asked=asked,
        listed=listed,
        older=None if listed.next_before is None else visit.link(before=listed.next_before),
        is_first=is_first,
        how_far=how_far(listed, asked.limit, is_first=is_first, at=lambda at: f"{at:%Y-%m-%d %H:%M:%S} UTC"),
        kind_of=kind_of,
        sources=sorted((part.name, part.name) for part in components if part.role == "source"),
        sinks=sorted((part.name, part.name) for part in components if part.role in ("sink", None)),
        states=[(state, f"{state}: {words}") for state, words in STATES.items()],
        trace=trace,
        body=None if trace is None else pretty(bytes(trace.body)),
        may_find=visit.may(RECORD),
    )
