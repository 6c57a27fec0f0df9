"""The usual request, of one event numbered by Action Network, understood without parsing all of it.

A webhook has to be answered quickly, and for the answer only the id matters: reading no more than that costs a third of
parsing the body. Whatever is the least unusual is left to the slow way in webhook.py, which decides alone; a property
test holds the two to the same answer.
"""

from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import astuple

from groundswell.connectors.action_network.mapping import EVENT_TYPES
from groundswell.connectors.action_network.people import WORD

PREFIX: Final = "action_network:"


class _Numbered(Struct):
    identifiers: list[str] = []


_EVENT_TYPES: Final = {name: each for name, each in EVENT_TYPES.items() if each.collection is not None}
_PREFIXES: Final = [f"{PREFIX}{each.word}/" for each in _EVENT_TYPES.values()]
_FIELDS: Final = [
    (each.word, _Numbered | UnsetType, msgspec.field(default=UNSET, name=name)) for name, each in _EVENT_TYPES.items()
]
_Event: Final = msgspec.defstruct("_Event", _FIELDS)
_decode: Final = msgspec.json.Decoder(list[_Event]).decode  # type: ignore[valid-type]


def usual_id(body: bytes) -> str | None:
    """The arrival id of the one event in this body, or None when it takes a closer look."""
    try:
        (event,) = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return None
    numbered = astuple(event)
    if numbered.count(UNSET) != len(numbered) - 1:
        return None
    for place, one in enumerate(numbered):
        if one is not UNSET:
            for identifier in one.identifiers:
                if identifier.startswith(PREFIX):
                    number = identifier[len(PREFIX) :]
                    return _PREFIXES[place] + number if WORD.fullmatch(number) else None
    return None
