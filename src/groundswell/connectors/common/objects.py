"""Plain JSON objects: how each gets an id, and how it becomes a record. What `http.webhook` and `jsonl` share.

Two formats. "record": the object is a record as groundswell itself writes it, and keeps its id, so that one daemon can
feed another. "json": any object; it gets an id here, and `map_fields` picks the fields out of `raw`.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Struct
from pydantic import AfterValidator, Field, model_validator

from groundswell.component import Arrival
from groundswell.errors import RecordError
from groundswell.record import Kind, Record, utc_stamp
from groundswell.settings import Settings

DEPTH_MAX: Final = 64
"""Objects and lists inside one another. Deeper is refused before anything has to walk it."""
RECORD_ID_CHARACTERS_MAX: Final = 512

_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/=~-]{0,199}")
"""What may stand in an id as it is. Anything else (an email address, a name, a phone number with its "+") is hashed:
ids are shown in logs and sent in headers."""
_RECORD_ID: Final = re.compile(r"[^\s\x00-\x1f\x7f]+")
_PERSONAL: Final = re.compile(
    r"(.*[_ -])?(e-?mail|phone|mobile|cell|(first|last|full|given|family)?[_ -]?name)([_ -]?(address|number))?",
    re.IGNORECASE,
)


def _check_id_field(text: str) -> str:
    field_getter(text)
    if _PERSONAL.fullmatch(text.rpartition(".")[2].strip('"')):
        raise ValueError(
            "looks personal, and ids are shown in logs; name a number or code of the sender's, or leave the line out: "
            "the id is then made from the whole content"
        )
    return text


def _check_field(text: str) -> str:
    field_getter(text)
    return text


class ObjectSettings(Settings):
    """How objects are read."""

    format: Literal["json", "record"] = Field(
        "json",
        description='What an object is. "record": a record as groundswell writes it, which keeps its id. "json": '
        "anything; `map_fields` reads it at `raw`.",
    )
    id_field: Annotated[str, AfterValidator(_check_id_field)] | None = Field(
        None,
        description='Format "json": which field numbers the objects, such as "order.id". Two with one id are one '
        "record. Without it the id is made from the content.",
    )
    version_field: Annotated[str, AfterValidator(_check_field)] | None = Field(
        None,
        description='Format "json", kind "person": which field changes with every edit, such as "updated_at". Without '
        "it a person who is changed and changed back looks like one seen before.",
    )
    kind: Kind = Field("action", description='Format "json": what an object is about: something done, a person, ...')

    @model_validator(mode="after")
    def _fit_together(self) -> "ObjectSettings":
        given = self.model_fields_set & {"id_field", "version_field", "kind"}
        if self.format == "record" and given:
            raise ValueError(f'{" and ".join(sorted(given))} goes with format = "json"; a record needs none')
        if self.version_field is not None and (self.kind != "person" or self.id_field is None):
            raise ValueError('version_field needs id_field and kind = "person"')
        return self


class Objects:
    """Makes the arrivals and records of one source."""

    def __init__(self, source: str, settings: ObjectSettings) -> None:
        self._source = source
        self._settings = settings
        self._id_of = field_getter(settings.id_field) if settings.id_field else None
        self._version_of = field_getter(settings.version_field) if settings.version_field else None

    def arrival(self, raw: bytes, seen: dict[str, Any], given_id: str | None = None) -> Arrival:
        """The arrival of one object. `given_id` is what the sender calls the message, if it has a name outside of it.

        Raises:
            RecordError: nothing to make the id from, reason "no_id".
        """
        if self._settings.format == "record":
            return Arrival(_record_id(seen), raw, seen)
        return Arrival(self._json_id(raw, seen, given_id), raw, seen)

    def read(self, arrival: Arrival) -> Record:
        """The record of one arrival. Raises RecordError."""
        seen = parse_object(arrival.raw) if arrival.seen is None else arrival.seen
        if self._settings.format == "json":
            return Record(id=arrival.id, kind=self._settings.kind, source=self._source, raw=seen)
        return self._canonical(arrival, seen)

    def _json_id(self, raw: bytes, seen: dict[str, Any], given_id: str | None) -> str:
        if self._id_of is None:
            return f"{self._source}:{_hashed(raw) if given_id is None else _in_id(given_id)}"
        value = _in_id(self._id_of(seen))
        if value is None:
            raise RecordError(
                f"it has no number or text at {self._settings.id_field} to make its id from (`id_field`)",
                reason="no_id",
            )
        return f"{self._source}:{value}{self._version(raw, seen)}"

    def _version(self, raw: bytes, seen: dict[str, Any]) -> str:
        """A person has states, and each is a record: a bare number would make every edit a duplicate of the first."""
        if self._settings.kind != "person":
            return ""
        digest = hashlib.sha256(raw).hexdigest()
        stamp = _in_id(self._version_of(seen)) if self._version_of else None
        return f"@{digest[:16]}" if stamp is None else f"@{stamp}.{digest[:4]}"

    def _canonical(self, arrival: Arrival, seen: dict[str, Any]) -> Record:
        _record_id(seen)
        try:
            record = msgspec.convert(seen, Record)
        except msgspec.ValidationError as exc:
            raise RecordError(f"it is not a record: {_without_values(str(exc))}") from None
        if b'""' in arrival.raw:
            record = _without_blanks(record)
        occurred_at = _moment(record.occurred_at) if isinstance(record.occurred_at, str) else record.occurred_at
        return msgspec.structs.replace(record, source=self._source, occurred_at=occurred_at, raw=seen)


_decode: Final = msgspec.json.Decoder().decode


def parse_object(raw: bytes, decode: Callable[[bytes], Any] = _decode) -> dict[str, Any]:
    """Parse one JSON object, strictly: UTF-8, no NaN, at most `DEPTH_MAX` deep. Of a key given twice the last counts.

    Args:
        decode: msgspec's decoder, where it has to make something else of numbers than a float.

    Raises:
        RecordError: it is not one; the message says why and where, without the content.
    """
    seen = parse(raw, decode=decode)
    if type(seen) is not dict:
        raise RecordError("it is not a JSON object")
    return seen


def parse(raw: bytes, type_: Any = Any, decode: Callable[[bytes], Any] = _decode) -> Any:
    """Parse JSON as strictly as `parse_object`, of whatever type."""
    try:
        seen = decode(raw) if type_ is Any else msgspec.json.decode(raw, type=type_)
    except UnicodeDecodeError:
        raise RecordError("it is not UTF-8") from None
    except RecursionError:
        raise RecordError(f"it is nested deeper than {DEPTH_MAX} levels") from None
    except msgspec.ValidationError as exc:  # "Number out of range", "Expected `array`, got `str`"
        raise RecordError(f"it is not as it should be: {exc}") from None
    except msgspec.DecodeError as exc:
        raise RecordError(f"it is not JSON: {exc}") from None
    # Nothing can be deeper than it has openings; only what has many is worth a walk. To split is quicker than to count.
    if len(raw.split(b"{", DEPTH_MAX)) + len(raw.split(b"[", DEPTH_MAX)) - 2 >= DEPTH_MAX and _is_too_deep(seen):
        raise RecordError(f"it is nested deeper than {DEPTH_MAX} levels")
    return seen


_STEP: Final = re.compile(r'"([^"]+)"|([^."]+)')


def field_getter(text: str) -> Callable[[Any], Any]:
    """What reads a dotted path (`order.id`, `lines.0."a.b"`) out of parsed JSON, answering None where there is nothing.

    Raises:
        ValueError: the text is not a path.
    """
    steps = []
    position = 0
    while True:
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(
                'is not a path; separate names by single dots, such as "order.id", and put a name that holds dots in '
                "double quotes, such as 'order.\"a.b\"'"
            )
        steps.append(match[1] or match[2])
        position = match.end()
        if position == len(text):
            break
        if text[position] != ".":
            raise ValueError(f"is not a path; there must be a dot before character {position + 1}")
        position += 1

    def get(found: Any) -> Any:
        for step in steps:
            if type(found) is dict:
                found = found.get(step)
            elif type(found) is list and step.isdecimal() and int(step) < len(found):
                found = found[int(step)]
            else:
                return None
        return found

    return get


def _is_too_deep(seen: Any) -> bool:
    level = [seen]
    for _ in range(DEPTH_MAX):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer if type(outer) is list else ())
            if type(inner) in (dict, list)
        ]
        if not level:
            return False
    return True


def _record_id(seen: dict[str, Any]) -> str:
    record_id = seen.get("id")
    if not isinstance(record_id, str) or not _RECORD_ID.fullmatch(record_id[: RECORD_ID_CHARACTERS_MAX + 1]):
        raise RecordError("it is not a record: its `id` must be text without spaces", reason="no_id")
    if len(record_id) > RECORD_ID_CHARACTERS_MAX:
        raise RecordError(f"its `id` is longer than {RECORD_ID_CHARACTERS_MAX} characters", reason="no_id")
    return record_id


def _in_id(value: Any) -> str | None:
    """A value as it stands in an id; None when no id can be made of it."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        return None
    return value if _PLAIN_ID.fullmatch(value) else _hashed(value.encode())


def _hashed(content: bytes) -> str:
    return f"sha256-{hashlib.sha256(content).hexdigest()[:32]}"


_HARMLESS: Final = re.compile(r"Expected `[^`]*`, got `[^`]*`|Object missing required field `[^`]*`")
_WHERE: Final = re.compile(r"`(\$[^`]*)`$")


def _without_values(words: str) -> str:
    """msgspec's words, if they hold nothing of the content; else only where it went wrong."""
    where = _WHERE.search(words)
    at = f" (at {where[1]})" if where else ""
    if harmless := _HARMLESS.match(words):
        return f"{harmless[0].replace('`', '')}{at}"
    if "unknown field" in words:
        return f"it has a field that records do not have{at}"
    return f"a value that cannot stand there{at}"


def _without_blanks(part: Any) -> Any:
    """The same record with None for every "": the sender wrote the field, and wrote nothing in it."""
    changes: dict[str, Any] = {}
    for field in part.__struct_fields__:
        value = getattr(part, field)
        if value == "":
            changes[field] = None
        elif field == "ids":
            changes[field] = {key: number for key, number in value.items() if number != ""}
        elif isinstance(value, Struct):
            changes[field] = _without_blanks(value)
        elif isinstance(value, dict):
            changes[field] = {key: None if inner == "" else inner for key, inner in value.items()}
    return msgspec.structs.replace(part, **changes)


def _moment(text: str) -> str:
    try:
        return utc_stamp(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise RecordError("it is not a record: its `occurred_at` is not a time such as 2026-05-02T11:00:09Z") from None
