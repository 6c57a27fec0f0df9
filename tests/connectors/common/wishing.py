"""What a sync asks of its sink, as deliveries: made the way the stage makes them."""

from collections.abc import Mapping, Sequence

from groundswell.component import Delivery
from groundswell.members.linked import Edit
from groundswell.members.member import Link, Member, Value
from groundswell.record import Record, lane_of, to_json
from groundswell.sync.records import create_record, write_record

MEMBER = 7
PHONE = "+15035550144"
Text = str | None


def update(
    vendor: str,
    remote_id: str,
    changes: Mapping[str, tuple[Text, Text]],
    *,
    awaited: Mapping[str, Sequence[Text]] | None = None,
    at: float = 0.0,
) -> Record:
    """Fields of somebody who is there: what was seen there last, and what is to be there."""
    others = awaited or {}
    edits = [
        Edit(field, "remote", before, after, "member_changed", tuple(others.get(field, ())))
        for field, (before, after) in changes.items()
    ]
    return write_record(Member(MEMBER, PHONE), Link("crm", remote_id, MEMBER, "synced"), vendor, edits, "crm", at)


def creation(values: Mapping[str, Text], *, consent: str = "unknown", phone: str = PHONE) -> Record:
    """Somebody who is to be made."""
    fields = {name: Value(value, 0.0, "test") for name, value in values.items()}
    member = Member(MEMBER, phone, fields, consent)  # type: ignore[arg-type]
    return create_record(member, "crm", values, "crm", 0.0)


def delivery_of(record: Record) -> Delivery:
    return Delivery(record.id, record.kind, lane_of(record), to_json(record))
