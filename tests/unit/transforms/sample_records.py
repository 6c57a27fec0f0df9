"""What the tests of the transforms share: ways to build a transform, a record as it comes in, and arbitrary records."""

import json
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import UNSET
from pydantic import ValidationError

from groundswell.clock import SystemClock
from groundswell.component import Context, Transform
from groundswell.record import KINDS, PERSON_FIELDS, Action, Donation, Page, Person, Record
from groundswell.transforms.dedupe_phone import DedupePhone, DedupePhoneSettings
from groundswell.transforms.filter import Filter, FilterSettings
from groundswell.transforms.map_fields import MapFields, MapFieldsSettings
from groundswell.transforms.normalise_opt_in import NormaliseOptIn, NormaliseOptInSettings
from groundswell.transforms.normalise_phone import NormalisePhone, NormalisePhoneSettings

TYPES: dict[str, tuple[Any, Any]] = {
    "map_fields": (MapFieldsSettings, MapFields),
    "normalise_phone": (NormalisePhoneSettings, NormalisePhone),
    "normalise_opt_in": (NormaliseOptInSettings, NormaliseOptIn),
    "filter": (FilterSettings, Filter),
    "dedupe_phone": (DedupePhoneSettings, DedupePhone),
}


class _NoKeys:
    async def is_valid(self, account_id: str, secret: str) -> bool:
        return False


def built(type_name: str, **settings: Any) -> Any:
    """A transform called "tidy", with these settings as TOML would give them."""
    model, transform = TYPES[type_name]
    no_session: Any = None
    context = Context("tidy", SystemClock(), Random(1), no_session, _NoKeys(), Path())
    return transform(model(type=type_name, **{"inputs": ["signups"], **settings}), context)


def problem_with(type_name: str, **settings: Any) -> tuple[tuple[Any, ...], str]:
    """Where and what the first problem of these settings is."""
    try:
        TYPES[type_name][0](type=type_name, inputs=["signups"], **settings)
    except ValidationError as error:
        first = error.errors()[0]
        return first["loc"], first["msg"].removeprefix("Value error, ")
    raise AssertionError("these settings are taken")


def applied(transform: Transform, record: Record) -> Record:
    """The record a transform lets through."""
    result = transform.apply(record)
    assert result is not None
    return result


def shown(record: Record) -> str:
    """All of a record as text, `raw` too: equal for records that are equal to the last type (1 is not true)."""
    return json.dumps(msgspec.to_builtins(record), sort_keys=True)


def signature(*, raw: Any = UNSET, **person: Any) -> Record:
    """A signature as Action Network's connector makes it; `person` changes what is known about Rosa."""
    known = {
        "first_name": "Rosa",
        "last_name": "Lee",
        "email": "rosa@example.org",
        "phone": "(503) 555-0144",
        "zip": "97201",
        "custom": {"Shirt size": "M"},
        "ids": {"action_network": "5a1f0c9e"},
    }
    return Record(
        id="action_network:signature/c2f0",
        kind="action",
        source="signups",
        occurred_at="2026-05-02T11:00:09Z",
        person=Person(**{**known, **person}),
        action=Action(
            type="signature",
            page=Page(id="77ab", title=None),
            fields={"comments": "Save the bees"},
            tags=["volunteer", "member"],
            source_code="may-email",
            referrer={"website": "https://example.org"},
        ),
        raw=raw,
    )


def person_of(record: Record) -> Person:
    assert isinstance(record.person, Person)
    return record.person


words = st.text(max_size=12)
numbers = st.integers() | st.floats(allow_nan=True, allow_infinity=True)
scalars = st.none() | st.booleans() | numbers | words
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=6
)
phones = st.text(alphabet="0123456789+-(). x٣８", max_size=16)
texts = st.sampled_from([UNSET, None, "Rosa", "OR"]) | words.filter(bool) | phones.filter(bool)
opt_ins = st.sampled_from([UNSET, None, True, False, "Yes", " OPT  out", "TBD", "1", " "]) | words.filter(bool)
NAMES = ["Shirt size", "a", "b", "c", "d", "phones", "Work phone", "unusable_phone", "x.y:z"]
tables = st.dictionaries(st.sampled_from(NAMES), json_values | phones, max_size=5)

people = st.builds(
    Person,
    **{name: opt_ins if name.endswith("opt_in") else texts for name in PERSON_FIELDS},
    custom=tables,
    ids=st.dictionaries(st.sampled_from(["action_network", "actionkit"]), words.filter(bool), max_size=2),
)
actions = st.builds(
    Action,
    type=texts,
    page=st.just(UNSET) | st.builds(Page, id=texts, title=texts),
    fields=tables,
    tags=st.lists(words.filter(bool), max_size=3),
    source_code=texts,
    referrer=tables,
)
donations = st.builds(
    Donation,
    amount=st.sampled_from([UNSET, None, "25.00", "x"]),
    recurring=st.sampled_from([UNSET, None, True, False]),
    refcodes=tables,
)
records = st.builds(
    Record,
    id=st.just("vendor:thing/1"),
    kind=st.sampled_from(KINDS),
    source=st.just("signups"),
    occurred_at=texts | st.just("2026-05-02T11:00:09Z"),
    person=people | st.just(UNSET),
    action=actions | st.just(UNSET),
    donation=donations | st.just(UNSET),
    raw=json_values | tables | st.just(UNSET),
)
"""Records of any JSON at all, and some that look like ours."""
