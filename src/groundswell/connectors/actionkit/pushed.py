"""What is in a push, as far as a receiver needs to know before it is kept. `mapping.py` makes the record.

`{"type", "timestamp", "action", "user"}` are the keys that one receiver was seen to read (C). What is inside `action`
and `user` is taken to be as in the API (I); nothing rests on any of it being there but the number of the action.
"""

import hashlib
import re
from typing import Any, Final

import msgspec

from groundswell.connectors.actionkit.mapping import OWN
from groundswell.connectors.actionkit.people import person_of
from groundswell.connectors.actionkit.uris import id_at

Push = dict[str, Any]

UNKNOWN: Final = f"{OWN}push/"
"""Begins the id of a push without the number of an action."""
_NUMBER: Final = re.compile(r"[0-9]{1,20}", re.ASCII)


def arrival_id(push: Push) -> str:
    """The id of the record this becomes: the poller gives the same to the same action."""
    number = action_id_of(push)
    if number is not None:
        return f"{OWN}action/{number}"
    content = msgspec.json.encode(push, order="deterministic")
    return f"{UNKNOWN}sha256-{hashlib.sha256(content).hexdigest()[:32]}"


def action_id_of(push: Push) -> str | None:
    """Their number of the action; None where there is none."""
    action = push.get("action")
    return _number_of(action) if isinstance(action, dict) else None


def user_id_of(push: Push) -> str | None:
    """Their number of who did it: the action says it (W), else the user that came along."""
    action = push.get("action")
    found = _number_of(action.get("user")) if isinstance(action, dict) else None
    return found or _number_of(push.get("user"))


def says_who(push: Push) -> bool:
    """Whether the push alone says how somebody can be reached."""
    person = person_of(push.get("user"))
    return isinstance(person.email, str) or isinstance(person.phone, str)


def _number_of(thing: Any) -> str | None:
    """Of a thing, of its address, or the number itself."""
    if isinstance(thing, dict):
        return _number_of(thing.get("id")) or _number_of(thing.get("resource_uri"))
    if isinstance(thing, bool) or not isinstance(thing, int | str):
        return None
    text = id_at(thing) or str(thing)
    return text if _NUMBER.fullmatch(text) else None
