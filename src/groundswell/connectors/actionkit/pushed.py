"""What a push says, and the record of it: pure functions.

`{"type", "timestamp", "action", "user"}` are the keys that one receiver was seen to read (C). What is inside `action`
and `user` is taken to be as in the API (I); nothing rests on any of it being there but the number of the action.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from groundswell.connectors.actionkit.times import stamp_of
from groundswell.connectors.actionkit.uris import id_at, thing_at
from groundswell.errors import RecordError
from groundswell.record import Action, Page, Person, Record, Text

Push = dict[str, Any]

ACTION_TYPES: Final[Mapping[str, str]] = {
    "signup": "signup",
    "petition": "signature",
    "survey": "survey_response",
    "letter": "letter",
    "lte": "letter",
    "call": "call",
    "eventsignup": "rsvp",
    "donation": "donation",
}
"""Their word, in small letters, as ours. Others are kept: "unsubscribe", "eventcreate", "import"."""
_OPT_IN: Final[Mapping[str, bool]] = {"subscribed": True, "unsubscribed": False, "blocked": False}
""""never" (imported without being asked) and "bounced" say nothing of what somebody wants (D)."""
_REFERRER: Final = ("akid", "mailing", "referring_mailing", "referring_user", "link")


def action_id_of(push: Push) -> str | None:
    """Their number of the action; None where none is found."""
    action = push.get("action")
    if not isinstance(action, dict):
        return None
    return _number(action.get("id")) or _digits(id_at(action.get("resource_uri")))


def arrival_id(push: Push) -> str:
    """The id of the record this becomes; of one that nobody numbered, made from its content."""
    number = action_id_of(push)
    if number is not None:
        return f"actionkit:action/{number}"
    content = msgspec.json.encode(push, order="deterministic")
    return f"actionkit:push/sha256-{hashlib.sha256(content).hexdigest()[:32]}"


def user_id_of(push: Push) -> str | None:
    """Their number of who did it, wherever it stands."""
    user, action = push.get("user"), push.get("action")
    found = _number(user.get("id")) or _digits(id_at(user.get("resource_uri"))) if isinstance(user, dict) else None
    found = found or _digits(id_at(user))
    if found is None and isinstance(action, dict):
        found = _digits(id_at(action.get("user"))) or _number(action.get("user"))
    return found


def says_who(push: Push) -> bool:
    """Whether somebody can be reached with what is in the push alone."""
    user = push.get("user")
    return isinstance(user, dict) and (isinstance(user.get("email"), str) or _phone_of(user) is not UNSET)


def record_of(push: Push, record_id: str, source: str) -> Record:
    """The record of one push, as it came or with what was read anew in it.

    Raises:
        RecordError: there is no action in it.
    """
    action = push.get("action")
    if not isinstance(action, dict) or action_id_of(push) is None:
        raise RecordError(
            "actionkit: reading a push: no action with a number in it; its shape is not one we know", "unknown_push"
        )
    occurred_at = stamp_of(action.get("created_at")) or stamp_of(push.get("timestamp"))
    return Record(
        id=record_id,
        kind="action",
        source=source,
        occurred_at=occurred_at or UNSET,
        person=_person_of(push),
        action=_action_of(action),
        raw=push,
    )


def _person_of(push: Push) -> Person | UnsetType:
    user, number = push.get("user"), user_id_of(push)
    ids = {} if number is None else {"actionkit": number}
    if not isinstance(user, dict):
        return Person(ids=ids) if ids else UNSET
    status = user.get("subscription_status")
    return Person(
        first_name=_text(user, "first_name"),
        last_name=_text(user, "last_name"),
        email=_text(user, "email"),
        phone=_phone_of(user),
        address1=_text(user, "address1"),
        address2=_text(user, "address2"),
        city=_text(user, "city"),
        state=_text(user, "state", "region"),
        zip=_text(user, "zip", "postal"),
        country=_text(user, "country"),
        email_opt_in=_OPT_IN.get(status, UNSET) if isinstance(status, str) else UNSET,
        custom=_fields(user),
        ids=ids,
    )


def _action_of(action: dict[str, Any]) -> Action:
    kind = action.get("type")
    word = kind.lower() if isinstance(kind, str) else ""
    return Action(
        type=ACTION_TYPES.get(word, word or UNSET),
        page=_page_of(action.get("page")),
        fields=_fields(action),
        source_code=_text(action, "source") or UNSET,
        referrer={name: action[name] for name in _REFERRER if action.get(name)},
    )


def _page_of(page: Any) -> Page | UnsetType:
    """From its address, `/rest/v1/petitionpage/10/`; a whole page may ride along, as far as anybody knows."""
    if isinstance(page, dict):
        number = _number(page.get("id")) or _digits(id_at(page.get("resource_uri")))
        return Page(id=number or UNSET, title=_text(page, "title"), type=_text(page, "type"), url=_text(page, "url"))
    thing = thing_at(page)
    if thing is None:
        number = _number(page)
        return UNSET if number is None else Page(id=number)
    word = thing.type.removesuffix("page")
    return Page(id=thing.id, type=word or UNSET)


def _phone_of(user: dict[str, Any]) -> str | UnsetType:
    """The mobile one, else the first. In the API they are addresses (W), which say no number."""
    phones = user.get("phones")
    known = [one for one in phones if isinstance(one, dict)] if isinstance(phones, list) else []
    known.sort(key=lambda one: one.get("type") != "mobile")
    numbers = [one.get("phone") or one.get("normalized_phone") for one in known]
    return next((number for number in numbers if isinstance(number, str) and number.strip()), UNSET)


def _text(entry: dict[str, Any], *names: str) -> Text:
    """The first of these that says something. "" is known to be empty: a user is always shown whole (W)."""
    found = [entry[name] for name in names if isinstance(entry.get(name), str)]
    return next((value for value in found if value.strip()), None) if found else UNSET


def _fields(entry: dict[str, Any]) -> dict[str, Any]:
    """Their own fields: strings, or lists of them (W). Those that are empty say nothing."""
    fields = entry.get("fields")
    if not isinstance(fields, dict):
        return {}
    return {name: value for name, value in fields.items() if value not in ("", None, [])}


def _number(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    return _digits(value)


def _digits(value: Any) -> str | None:
    return value if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 20 else None
