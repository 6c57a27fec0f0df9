"""What whoever taps without `--reveal` sees of a record: its shape, and nobody's data."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.ops.masking import ENTRIES_MAX, described, masked
from groundswell.record import Action, Donation, Group, Page, Person, Record

ROSA = Record(
    id="action_network:signature/5a1f0c9e-0001",
    kind="action",
    source="signups",
    occurred_at="2026-05-02T11:00:09Z",
    person=Person(
        first_name="Rosa",
        last_name=None,
        email="rosa@example.org",
        phone="+15035550144",
        zip="97201",
        sms_opt_in=True,
        email_opt_in="opt in",
        custom={"Shirt size": "M", "Pets": 2, "rosa@example.org": "x", "Kids": [{"name": "Zoe"}]},
        ids={"action_network": "5a1f0c9e", "other": "rosa@example.org"},
    ),
    action=Action(
        type="signature",
        page=Page(id="77ab", title="Save the river"),
        fields={"comments": "I live at 5 Elm St"},
        tags=["volunteer"],
        source_code="may-email",
    ),
    donation=Donation(amount="25.00", currency="USD", recurring=True, order_id="AB12", refcodes={"refcode": "rosa"}),
    group=Group(id="9", title="Friends of Rosa", type="list"),
)


def test_the_shape_is_kept_and_the_data_is_not() -> None:
    assert masked(ROSA) == {
        "id": "action_network:signature/5a1f0c9e-0001",
        "kind": "action",
        "source": "signups",
        "occurred_at": "2026-05-02T11:00:09Z",
        "person": {
            "first_name": "text(4)",
            "last_name": None,
            "email": "email(16)",
            "phone": "E.164(12)",
            "zip": "digits(5)",
            "sms_opt_in": True,
            "email_opt_in": "opt in",
            "custom": {
                "Shirt size": "text(1)",
                "Pets": "number",
                "email(16)": "text(1)",
                "Kids": [{"name": "text(3)"}],
            },
            "ids": {"action_network": "5a1f0c9e", "other": "email(16)"},
        },
        "action": {
            "type": "signature",
            "page": {"id": "77ab", "title": "text(14)"},
            "fields": {"comments": "text(18)"},
            "tags": ["text(9)"],
            "source_code": "text(9)",
        },
        "donation": {
            "amount": "25.00",
            "currency": "USD",
            "recurring": True,
            "order_id": "AB12",
            "refcodes": {"refcode": "text(4)"},
        },
        "group": {"id": "9", "title": "text(15)", "type": "list"},
    }


@pytest.mark.parametrize(
    "record",
    [
        Record(id="jsonl:people/rosa@example.org", kind="person", source="in1"),
        Record(id="+15035550144", kind="person", source="in1"),
        Record(id="Rosa Luz", kind="person", source="in1"),
        Record(id="1", kind="person", source="in1", occurred_at="when Rosa was here"),
        Record(id="1", kind="person", source="in1", person=Person(sms_opt_in="yes, Rosa said so")),
        Record(id="1", kind="action", source="in1", action=Action(type="Rosa Luz signed")),
        Record(id="1", kind="donation", source="in1", donation=Donation(amount="Rosa", order_id="Rosa Luz")),
    ],
)
def test_what_is_shown_elsewhere_is_described_where_it_is_not_what_it_should_be(record: Record) -> None:
    text = msgspec.json.encode(masked(record))
    assert b"Rosa" not in text
    assert b"rosa" not in text
    assert b"503555" not in text


CANARY = "Xq7Wz"
TEXTS = st.builds(lambda before, after: f"{before}{CANARY}{after}", st.text(max_size=5), st.text(max_size=5))
JSON = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=5), JSON, max_size=4)


@given(
    person=st.builds(
        Person,
        **dict.fromkeys(("first_name", "last_name", "email", "phone", "address1", "city", "zip", "language"), TEXTS),
        sms_opt_in=TEXTS.map(lambda text: f"{text} "),
        custom=OBJECTS,
    ),
    action=st.builds(
        Action, fields=OBJECTS, tags=st.lists(TEXTS), source_code=TEXTS, referrer=OBJECTS, sponsor=OBJECTS
    ),
    donation=st.builds(Donation, recipient=TEXTS, recipients=st.lists(OBJECTS), refcodes=OBJECTS, fields=OBJECTS),
    group=st.builds(Group, title=TEXTS, fields=OBJECTS),
)
def test_no_text_of_anybody_is_in_it(person: Person, action: Action, donation: Donation, group: Group) -> None:
    record = Record(
        id="x:y/1", kind="action", source="in1", person=person, action=action, donation=donation, group=group
    )
    assert CANARY.encode() not in msgspec.json.encode(masked(record))


@given(OBJECTS)
def test_what_is_large_or_deep_is_cut(value: dict[str, Any]) -> None:
    deep: Any = value
    for _ in range(1_000):
        deep = [deep]
    assert described(deep) == [[[[[[[["nested"]]]]]]]]
    assert len(described([value] * 1_000)) == ENTRIES_MAX + 1
    assert described({str(n): n for n in range(1_000)})["..."] == f"{1_000 - ENTRIES_MAX} more"
