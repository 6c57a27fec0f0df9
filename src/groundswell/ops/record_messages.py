"""What operators may ask about records and dead letters beyond messages.py, and what they are told."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from groundswell.ops.messages import NUMBER_MAX, Moment, Name, Number
from groundswell.store.records import RecordState

RECORDS_MAX: Final = 200
"""Records in one answer."""
RECORD_TEXT_MAX: Final = 900_000
"""Bytes of a record that is mended. With what stands around it, it mostly fits into a body of 1 MiB."""


class ListRecords(Struct, frozen=True):
    """Which records to list, newest first: of a source, of those that went to a sink, in a state, or all."""

    source: Name | None = None
    sink: Name | None = None
    """Then `state` is what became of them there."""
    state: RecordState | None = None
    before: Number = NUMBER_MAX
    """Go on below this number."""
    limit: Annotated[int, Meta(ge=1, le=RECORDS_MAX)] = 50


class RecordListed(Struct, frozen=True):
    """One record, without what came."""

    number: int
    id: str
    source: str
    kind: str | None
    """null: it was not read yet, or nothing that is kept says it any more. `record` shows what came."""
    received_at: Moment
    state: RecordState


class Records(Struct, frozen=True):
    """Some of the newest records. With a filter, there may be few or none of a part though there are more behind."""

    records: list[RecordListed]
    next_before: int | None
    """Ask again with this as `before` for older ones; null when there are none."""
    looked_at: int = 0
    """Records that were held against what was asked. For some states only those are that may be in them."""
    looked_from: Moment | None = None
    """When the newest of those was accepted."""
    looked_back_to: Moment | None = None
    """And the oldest."""


class EditLetter(Struct, frozen=True):
    """What is to be delivered in the place of what a sink refused."""

    id: Number
    record: Annotated[str, Meta(min_length=1)]
    """The whole record as JSON text, with the id, kind and source it had; a body of 1 MiB bounds it."""


class LetterEdited(Struct, frozen=True):
    """A mended delivery that goes to its sink again."""

    id: int
    sink: str
    changed: list[str]
    """Which fields are not as they were, such as person.zip."""
    is_sink_gone: bool
    """Whether the configuration no longer has that sink; then the delivery waits."""
