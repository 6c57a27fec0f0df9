"""What differs between vendors when one of their people is held against a member."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from groundswell.connectors.common.canonical import text_of
from groundswell.record import Person, Text


class Side(Struct, frozen=True):
    """One vendor."""

    vendor: str
    """As in `Person.ids`."""
    core: Sequence[str]
    """Canonical fields that their people have."""
    phones: Callable[[Person], Mapping[str, Sequence[str]]]
    """By type, as they were typed."""
    opt_in: Callable[[Person, str], Text]
    """Their word for `sms_opt_in`; the second argument is the custom field it stands in."""
    people: str
    """The collection of their people."""
    actions: Sequence[str]
    """Those of what people do."""
    poll: str
    """The type of source that reads them."""
    write: str
    """The type of sink that writes them."""
    named_as: Sequence[str]
    """How what they send names one of their people; {} is the number. Not as in the ids of records: by these what is
    sent again is known, also once somebody is forgotten."""


def _listed(value: object) -> Sequence[str]:
    """One number, or several."""
    several = value if isinstance(value, list) else [value]
    return [one for one in several if isinstance(one, str)]


def _actionkit_phones(person: Person) -> Mapping[str, Sequence[str]]:
    """The newest stands last."""
    types = ("mobile", "work", "home", "emergency")
    return {type_: _listed(person.custom.get(f"{type_}_phone"))[::-1] for type_ in types}


def _actionkit_opt_in(person: Person, field: str) -> Text:
    word = person.custom.get(field)
    return word if isinstance(word, str) else None if word is None else text_of(word)


def _network_phones(person: Person) -> Mapping[str, Sequence[str]]:
    return {"mobile": [person.phone]} if isinstance(person.phone, str) else {}


def _network_opt_in(person: Person, _: str) -> Text:
    if isinstance(person.sms_opt_in, bool):
        return "true" if person.sms_opt_in else "false"
    word = person.custom.get("phone_status")
    return word if isinstance(word, str) else None


_NAMES: Final = ("first_name", "last_name", "email", "address1", "city", "state", "zip", "country")
SIDES: Final[dict[str, Side]] = {
    "actionkit": Side(
        "actionkit",
        (*_NAMES, "address2"),
        _actionkit_phones,
        _actionkit_opt_in,
        people="users",
        actions=("actions",),
        poll="actionkit.poll",
        write="actionkit.sync",
        named_as=('"user":"/rest/v1/user/{}/"', '"user": "/rest/v1/user/{}/"'),
    ),
    "action_network": Side(
        "action_network",
        _NAMES,
        _network_phones,
        _network_opt_in,
        people="people",
        actions=("signatures", "attendances", "submissions", "outreaches", "responses"),
        poll="action_network.poll",
        write="action_network.sync",
        named_as=(),
    ),
}
"""By the type of the account."""
