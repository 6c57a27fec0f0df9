"""The usual request, of one event numbered by Action Network, understood without parsing all of it.

A webhook has to be answered quickly, and for the answer only the id matters: reading no more than that costs a third of
parsing the body. Whatever is the least unusual is left to the slow way in webhook.py, which decides alone; a property
test holds the two to the same answer.
"""

from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from groundswell.connectors.action_network.mapping import EVENT_TYPES
from groundswell.connectors.action_network.people import plain_word


class _Numbered(Struct):
    identifiers: list[str] | UnsetType = UNSET


_NAMES: Final = {event_type.word: name for name, event_type in EVENT_TYPES.items() if event_type.collection is not None}
_Event: Final = msgspec.defstruct(
    "_Event",
    [(word, _Numbered | UnsetType, msgspec.field(default=UNSET, name=name)) for word, name in _NAMES.items()],
)
_decoder: Final = msgspec.json.Decoder(list[_Event])  # type: ignore[valid-type]
_PREFIX: Final = "action_network:"


def usual_id(body: bytes) -> str | None:
    """The arrival id of the one event in this body, or None when it takes a closer look."""
    try:
        events = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if len(events) != 1:
        return None
    found = [(word, numbered) for word in _NAMES if (numbered := getattr(events[0], word)) is not UNSET]
    if len(found) != 1:
        return None
    word, numbered = found[0]
    if numbered.identifiers is UNSET or EVENT_TYPES[_NAMES[word]].collection is None:
        return None
    for identifier in numbered.identifiers:
        if identifier.startswith(_PREFIX):
            number = plain_word(identifier[len(_PREFIX) :])
            return None if number is None else f"{_PREFIX}{word}/{number}"
    return None
