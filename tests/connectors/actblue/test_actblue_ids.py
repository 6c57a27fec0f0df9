"""What is in a body of ActBlue's, and its ids: by `lineitemId`, whatever stands where."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.actblue.mapping import Rules, own_part, things_in
from tests.connectors.actblue.webhook_bodies import Body, cancellation, gift, lineitem, refund, without

OURS = Rules(entities=frozenset(("90210", "90211")))
MANAGING = Rules(entities=OURS.entities, managed_forms=True)

keys = st.text(max_size=8).map(lambda text: f"x_{text}")
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("body", "things"),
    [
        (gift(), [("actblue:contribution/990011223", "contribution")]),
        (refund(), [("actblue:refund/990011223", "refund")]),
        (cancellation(), [("actblue:cancellation/AB700000123", "cancellation")]),
        (gift(status="declined"), [("actblue:declined/990011223", "declined")]),
        (gift(status="pending"), [("actblue:pending/990011223", "pending")]),
        (gift(status="Approved "), [("actblue:contribution/990011223", "contribution")]),
        # One client looks for it beside the order number.
        (gift(refundedAt="2026-08-05T10:00:00-04:00"), [("actblue:refund/990011223", "refund")]),
        # A gift that was given back does not become a declined one, and a stopped series is no refund.
        (
            gift(lineitem(refundedAt="2026-08-05T10:00:00Z"), status="declined"),
            [("actblue:refund/990011223", "refund")],
        ),
        (
            gift(lineitem(refundedAt="2026-08-05T10:00:00Z"), cancelledAt="2026-11-02T18:20:00Z"),
            [("actblue:cancellation/AB700000123", "cancellation")],
        ),
        # The keys are there, and say that it did not happen.
        (refund(refundedAt=None), [("actblue:contribution/990011223", "contribution")]),
        (cancellation(cancelledAt=""), [("actblue:contribution/990011223", "contribution")]),
        (gift(lineitem("990011223")), [("actblue:contribution/990011223", "contribution")]),
        (without(gift(), "form", "donor"), [("actblue:contribution/990011223", "contribution")]),
        (without(gift(), "contribution"), [("actblue:contribution/990011223", "contribution")]),
        (
            {"contribution": {"orderNumber": "AB7", "cancelledAt": "now"}},
            [("actblue:cancellation/AB7", "cancellation")],
        ),
    ],
)
def test_timestamps_tell_what_it_is_and_lineitem_or_order_number_which(
    body: Body, things: list[tuple[str, str]]
) -> None:
    assert things_in(body) == things


def test_each_line_item_is_a_thing_wherever_it_stands() -> None:
    """Tandem forms have several entities in one body, both `sequence` 0; others put the history there, newest last."""
    body = gift(lineitem(1), lineitem(2, refundedAt="2026-08-05T10:00:00Z"), lineitem(3, entityId=5), lineitem(None))
    words = [word for _, word in things_in(body)]
    ids = [record_id for record_id, _ in things_in(body)]
    assert words == ["contribution", "refund", "contribution", "unknown"]
    assert ids[:3] == ["actblue:contribution/1", "actblue:refund/2", "actblue:contribution/3"]
    assert ids[3] == things_in(own_part(body, 3))[0][0]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"hello": "world"},
        gift() | {"lineitems": []},
        gift() | {"lineitems": None},
        gift() | {"lineitems": {"lineitemId": 5}},
        gift() | {"lineitems": [None]},
        gift() | {"lineitems": [["lineitemId", 5]]},
        gift(lineitem("null")),
        gift(lineitem(0)),
        gift(without(lineitem(), "lineitemId")),
        gift(status="chargeback"),
        gift(status=["approved"]),
        cancellation(orderNumber=None),
        cancellation(orderNumber="unknown"),
        cancellation(orderNumber="r.okafor@example.org"),
    ],
)
def test_what_is_not_understood_has_an_id_made_of_its_content(body: Body) -> None:
    ((record_id, word),) = things_in(body)
    ((other_id, _),) = things_in(body | {"marker": 1})
    assert word == "unknown"
    assert record_id.startswith("actblue:unknown/sha256-")
    assert record_id != other_id


# ---- whose money it is ----


@pytest.mark.parametrize(
    ("body", "rules", "word"),
    [
        (gift(), Rules(), "contribution"),
        (gift(lineitem(entityId=5)), Rules(), "contribution"),
        (gift(), OURS, "contribution"),
        (gift(lineitem(entityId="90211")), OURS, "contribution"),
        (gift(lineitem(entityId=5)), OURS, "not_ours"),
        (gift(lineitem(entityId=5)), MANAGING, "elsewhere"),
        (gift(lineitem(entityId=5), status="declined"), MANAGING, "not_ours"),
        (refund(entityId=5), OURS, "not_ours"),
        (refund(entityId=5), MANAGING, "not_ours"),
        (refund(), MANAGING, "refund"),
        (cancellation() | {"lineitems": [lineitem(entityId=5)]}, MANAGING, "not_ours"),
        (cancellation() | {"lineitems": [lineitem(entityId=5), lineitem(2)]}, MANAGING, "cancellation"),
        # Nobody knows whose it is: it is not thrown away.
        (cancellation() | {"lineitems": []}, OURS, "cancellation"),
        (gift(lineitem(entityId=None)), OURS, "contribution"),
    ],
)
def test_money_of_others_is_told_by_the_entity_of_the_line_item(body: Body, rules: Rules, word: str) -> None:
    ((record_id, found),) = things_in(body, rules)
    assert found == word
    assert (record_id == "") == (word == "not_ours")


def test_of_a_tandem_gift_each_entity_has_its_own() -> None:
    body = gift(lineitem(1, entityId=5), lineitem(2), lineitem(3, entityId=6))
    assert things_in(body, OURS) == [("", "not_ours"), ("actblue:contribution/2", "contribution"), ("", "not_ours")]
    assert [record_id for record_id, _ in things_in(body, MANAGING)] == [
        "actblue:elsewhere/1",
        "actblue:contribution/2",
        "actblue:elsewhere/3",
    ]


# ---- properties ----


def shuffled(part: Any, random_: random.Random) -> Any:
    """The same JSON with the keys of its objects in another order."""
    if isinstance(part, list):
        return [shuffled(one, random_) for one in part]
    if not isinstance(part, dict):
        return part
    names = sorted(part)
    random_.shuffle(names)
    return {name: shuffled(part[name], random_) for name in names}


bodies = st.sampled_from(
    [gift(), refund(), cancellation(), gift(status="pending"), gift(lineitem(1), lineitem(2)), gift(lineitem(None)), {}]
)


@given(bodies, st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_no_id(body: Body, random_: random.Random) -> None:
    assert things_in(shuffled(body, random_)) == things_in(body)


@given(bodies, st.dictionaries(keys, anything, max_size=3))
def test_keys_nobody_knows_change_no_id_of_what_is_understood(body: Body, more: Body) -> None:
    known = things_in(body)
    changed = body | more
    if "contribution" in body:
        changed["contribution"] = body["contribution"] | more
        changed["lineitems"] = [item | more for item in body["lineitems"]]
    assert [thing for thing, before in zip(things_in(changed), known, strict=True) if before[1] != "unknown"] == [
        thing for thing in known if thing[1] != "unknown"
    ]
