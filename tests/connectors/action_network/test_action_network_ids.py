"""The id of what an event becomes: the same for the same thing however often and in whatever company it comes."""

import copy
from typing import Any

import pytest

from groundswell.connectors.action_network.mapping import arrival_id, arrival_ids
from groundswell.connectors.action_network.simulator.events import events, ids_of

API = "https://actionnetwork.org/api/v2"
KEY = "8f14e45fceea167a5a36dedd4bea2543"


def upload(person: str, key: str | None = KEY) -> dict[str, Any]:
    body = {"person": {}, "_links": {"osdi:person": {"href": f"{API}/people/{person}"}}}
    return {"action_network:upload": body} | ({} if key is None else {"idempotency_key": key})


def test_theirs_is_found_among_the_identifiers_of_several_systems() -> None:
    one = {"osdi:signature": {"identifiers": ["memberdb:17", "action_network:c2f0", "crm:9"]}}
    assert arrival_id(one) == "action_network:signature/c2f0"


@pytest.mark.parametrize("identifiers", [None, [], ["memberdb:17"], [17], "action_network:no", ["action_network:"]])
def test_without_theirs_the_address_of_the_event_has_it(identifiers: Any) -> None:
    links = {"self": {"href": f"{API}/petitions/77ab/signatures/c2f0"}}
    one = {"osdi:signature": {"identifiers": identifiers, "_links": links}, "idempotency_key": KEY}
    assert arrival_id(one) == "action_network:signature/c2f0"


def test_the_address_of_something_else_is_not_taken_for_the_events_own() -> None:
    one = {"osdi:signature": {"_links": {"self": {"href": f"{API}/people/5a1f"}}}, "idempotency_key": KEY}
    assert arrival_id(one) == f"action_network:signature/{KEY}"


def test_two_webhooks_that_report_one_signature_make_one_id() -> None:
    body = {"identifiers": ["action_network:c2f0"]}
    assert arrival_id({"osdi:signature": body, "idempotency_key": "a1"}) == arrival_id(
        {"osdi:signature": body, "idempotency_key": "b2"}
    )


def test_uploads_and_actions_are_known_by_their_key_alone() -> None:
    one = upload("5a1f")
    one["action_network:upload"]["identifiers"] = ["action_network:5a1f"]
    one["action_network:upload"]["_links"]["self"] = {"href": f"{API}/people/5a1f"}
    assert arrival_id(one) == f"action_network:upload/{KEY}"
    assert arrival_id({"action_network:action": {}, "idempotency_key": KEY}) == f"action_network:action/{KEY}"


def test_without_a_key_the_content_makes_the_id_whatever_the_order_of_its_parts() -> None:
    one, same = upload("5a1f", key=None), upload("5a1f", key=None)
    same["action_network:upload"] = dict(reversed(same["action_network:upload"].items()))
    assert arrival_id(one) == arrival_id(same)
    assert arrival_id(one) != arrival_id(upload("6b20", key=None))


@pytest.mark.parametrize("key", ["", "a b", "../../x", "k" * 101, 7, None, ["k"], "k\n"])
def test_a_key_that_could_not_stand_in_an_id_is_not_used(key: Any) -> None:
    one = upload("5a1f") | {"idempotency_key": key}
    assert arrival_id(one) == arrival_id(upload("5a1f", key=None))


def test_uploads_that_share_a_key_within_one_request_have_ids_of_their_own() -> None:
    together = [upload("5a1f"), upload("6b20"), upload("7c31", key="other")]
    first, second, third = arrival_ids(together)
    assert len({first, second, third}) == 3
    assert first.startswith(f"action_network:upload/{KEY}.")
    assert third == "action_network:upload/other"


def test_the_order_within_a_request_does_not_matter() -> None:
    together = [upload("5a1f"), upload("6b20")]
    assert arrival_ids(together[::-1]) == arrival_ids(together)[::-1]


def test_the_same_upload_twice_in_one_request_has_one_id() -> None:
    first, second = arrival_ids([upload("5a1f"), upload("5a1f")])
    assert first == second


def test_letters_that_share_a_key_keep_their_own_numbers() -> None:
    letters = [
        {"osdi:outreach": {"identifiers": [f"action_network:{number}"]}, "idempotency_key": KEY}
        for number in ("a1", "b2", "c3")
    ]
    assert arrival_ids(letters) == [f"action_network:outreach/{number}" for number in ("a1", "b2", "c3")]


def test_an_unknown_type_never_takes_the_id_of_a_known_one() -> None:
    body = {"identifiers": ["action_network:c2f0"]}
    assert arrival_id({"other:signature": body}) == "action_network:unknown/c2f0"
    assert arrival_id({"idempotency_key": KEY}) == f"action_network:unknown/{KEY}"
    assert arrival_id({}).startswith("action_network:unknown/")


def test_the_ids_are_those_the_simulator_gave_out() -> None:
    for message in events(11, count=400, twins=0.1):
        assert tuple(arrival_ids(message)) == ids_of(message)


def test_nothing_but_what_numbers_an_event_changes_its_id() -> None:
    for message in events(12, count=200):
        changed = copy.deepcopy(message)
        for event in changed:
            (name,) = event.keys() - {"action_network:sponsor", "idempotency_key"}
            event[name] |= {"modified_date": "2027-01-01T00:00:00Z", "person": None, "add_tags": 7}
            event["action_network:sponsor"] = None
        assert arrival_ids(changed) == arrival_ids(message)
