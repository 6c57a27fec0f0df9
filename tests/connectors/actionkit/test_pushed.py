"""What a push says of itself before it is kept: its id, and who it is about."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.actionkit.pushed import action_id_of, arrival_id, says_who, user_id_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "action", "user", "resource_uri", "phones", "email"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("action", "number"),
    [
        ({"id": 5001}, "5001"),
        ({"id": "5001"}, "5001"),
        ({"resource_uri": "/rest/v1/petitionaction/5001/"}, "5001"),
        ({"id": True}, None),
        ({"id": -1}, None),
        ({"id": "rosa@example.org"}, None),
        ({"id": "٥٠"}, None),
        ({}, None),
        ([], None),
        (5001, None),
    ],
)
def test_the_number_of_the_action_makes_the_id(action: Any, number: str | None) -> None:
    push = {"action": action}
    assert action_id_of(push) == number
    assert arrival_id(push).startswith(f"actionkit:action/{number}" if number else "actionkit:push/sha256-")


def test_a_push_without_a_number_has_one_id_whatever_the_order_of_its_keys() -> None:
    assert arrival_id({"a": 1, "b": {"c": 2, "d": 3}}) == arrival_id({"b": {"d": 3, "c": 2}, "a": 1})
    assert arrival_id({"a": 1}) != arrival_id({"a": 2})


@pytest.mark.parametrize(
    "push",
    [
        {"action": {"user": "/rest/v1/user/7001/"}, "user": {"id": 7002}},
        {"action": {"user": 7001}},
        {"action": {}, "user": {"id": 7001}},
        {"user": {"resource_uri": "/rest/v1/user/7001/"}},
        {"user": "/rest/v1/user/7001/"},
    ],
)
def test_who_did_it_stands_in_several_places(push: dict[str, Any]) -> None:
    assert user_id_of(push) == "7001"


def test_only_an_address_or_a_number_says_who() -> None:
    assert says_who({"user": {"email": "rosa@example.org"}})
    assert says_who({"user": {"phones": [{"type": "mobile", "phone": "503-555-0144"}]}})
    assert not says_who({"user": {"email": "", "phones": ["/rest/v1/phone/83/"], "first_name": "Rosa"}})
    assert not says_who({"user": "/rest/v1/user/7001/"})
    assert not says_who({})


@given(st.dictionaries(st.sampled_from(["action", "user", "type", "timestamp"]), JSON))
def test_any_push_has_an_id_that_can_be_shown(push: dict[str, Any]) -> None:
    record_id = arrival_id(push)
    assert record_id.isascii()
    assert len(record_id) < 100
    assert "@" not in record_id
    user_id_of(push)
    says_who(push)
