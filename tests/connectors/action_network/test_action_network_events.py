"""The bodies the simulator makes: the same for the same seed, and with all that Action Network's have."""

from collections import Counter
from itertools import islice, pairwise
from typing import Any

import msgspec
import pytest

from groundswell.connectors.action_network.mapping import EVENT_TYPES, arrival_ids, record_of
from groundswell.connectors.action_network.simulator.events import Message, events, ids_of, upload_storm
from groundswell.record import Person, Record

ENVELOPE = {"action_network:sponsor", "idempotency_key"}


def bodies(messages: list[Message], name: str) -> list[dict[str, Any]]:
    return [event[name] for message in messages for event in message if name in event]


def records(messages: list[Message]) -> list[Record]:
    return [
        record_of(event, number, "signups", False)
        for message in messages
        for event, number in zip(message, arrival_ids(message), strict=True)
    ]


@pytest.fixture(scope="module")
def many() -> list[Message]:
    return list(events(1, count=3_000))


def test_the_same_seed_makes_the_same_messages_and_another_seed_others() -> None:
    assert list(events(7, count=200, twins=0.1)) == list(events(7, count=200, twins=0.1))
    assert list(events(7, count=200)) != list(events(8, count=200))


def test_there_are_exactly_as_many_events_as_asked_for() -> None:
    """Also where that cuts a batch of letters in two."""
    for count in range(80):
        assert sum(len(message) for message in events(2, count=count)) == count


def test_without_a_count_they_never_stop() -> None:
    assert len(list(islice(events(2), 5_000))) == 5_000


def test_all_eight_types_come_and_each_event_has_exactly_one(many: list[Message]) -> None:
    names = Counter(name for message in many for event in message for name in event.keys() - ENVELOPE)
    assert names.keys() == EVENT_TYPES.keys()
    assert names.total() == 3_000
    assert names.most_common(1)[0][0] == "osdi:signature"


def test_no_event_has_an_id_that_another_has(many: list[Message]) -> None:
    ids = [one for message in many for one in ids_of(message)]
    assert len(set(ids)) == len(ids)


def test_letters_come_several_at_once_with_one_key_or_several(many: list[Message]) -> None:
    batches = [message for message in many if len(message) > 1]
    assert {len(message) for message in batches} == {2, 3}
    assert {len({event["idempotency_key"] for event in message}) == 1 for message in batches} == {True, False}


def test_some_letters_were_never_finished_and_some_outreaches_are_calls(many: list[Message]) -> None:
    outreaches = bodies(many, "osdi:outreach")
    assert any("targets" not in body for body in outreaches)
    assert any("type" not in body for body in outreaches)
    assert any(body.get("type") == "phone" and "message" not in body for body in outreaches)


def test_uploads_and_actions_have_no_number_and_some_uploads_no_custom_fields(many: list[Message]) -> None:
    uploads, actions = bodies(many, "action_network:upload"), bodies(many, "action_network:action")
    assert not any("identifiers" in body or "self" in body["_links"] for body in uploads + actions)
    assert {"custom_fields" in body["person"] for body in uploads} == {True, False}
    assert not any("custom_fields" in body["person"] for body in actions)


def test_a_foreign_identifier_comes_before_theirs_at_times(many: list[Message]) -> None:
    signatures = bodies(many, "osdi:signature")
    assert {body["identifiers"][0].partition(":")[0] for body in signatures} == {"memberdb", "action_network"}


def test_people_are_partial_come_back_and_change(many: list[Message]) -> None:
    people = [body["person"] for body in bodies(many, "osdi:signature")]
    assert any("given_name" not in person for person in people)
    assert any("phone_numbers" not in person for person in people)
    assert any("number" not in entry for person in people for entry in person.get("phone_numbers", ()))
    families: dict[str, set[str]] = {}
    times: Counter[str] = Counter()
    for record in records(many):
        assert isinstance(record.person, Person)
        number = record.person.ids["action_network"]
        times[number] += 1
        if isinstance(record.person.last_name, str):
            families.setdefault(number, set()).add(record.person.last_name)
    assert times.most_common(1)[0][1] > 3
    assert any(len(names) > 1 for names in families.values())


def test_several_people_share_a_phone(many: list[Message]) -> None:
    owners: dict[str, set[str]] = {}
    for record in records(many):
        assert isinstance(record.person, Person)
        if isinstance(record.person.phone, str):
            owners.setdefault(record.person.phone, set()).add(record.person.ids["action_network"])
    assert any(len(people) > 1 for people in owners.values())
    assert sum(len(people) == 1 for people in owners.values()) > len(owners) / 2


def test_no_address_and_no_number_could_be_somebodys(many: list[Message]) -> None:
    for record in records(many):
        assert isinstance(record.person, Person)
        if isinstance(record.person.email, str):
            assert record.person.email.endswith("@example.org")
            assert record.person.email.isascii()
        if isinstance(record.person.phone, str):
            assert record.person.phone[5:10] == "55501"
            assert len(record.person.phone) == 12


def test_everybody_who_was_written_down_can_be_reached_somehow(many: list[Message]) -> None:
    for record in records(many):
        assert isinstance(record.person, Person)
        assert record.person.email or record.person.phone


def test_regions_are_written_out_as_in_their_webhooks(many: list[Message]) -> None:
    addresses = [one for body in bodies(many, "osdi:signature") for one in body["person"].get("postal_addresses", ())]
    assert any(len(address["region"]) > 2 for address in addresses)
    assert {len(record.person.state) for record in records(many) if record.person and record.person.state} == {2}


def test_a_second_webhook_sends_the_same_event_under_another_key() -> None:
    messages = list(events(9, count=600, twins=0.5))
    twins = [(first, second) for first, second in pairwise(messages) if _without_keys(first) == _without_keys(second)]
    assert len(twins) > 100
    assert all(first[0]["idempotency_key"] != second[0]["idempotency_key"] for first, second in twins)
    numbered = [first for first, _ in twins if "identifiers" in next(iter(first[0].values()))]
    assert all(ids_of(first) == ids_of(second) for first, second in twins if first in numbered)


def _without_keys(message: Message) -> list[dict[str, Any]]:
    return [{name: part for name, part in event.items() if name != "idempotency_key"} for event in message]


def test_an_uploaded_list_is_nothing_but_uploads() -> None:
    storm = list(upload_storm(1, 300))
    assert len(storm) == 300
    assert all("action_network:upload" in event for message in storm for event in message)


def test_an_uploaded_list_shares_no_id_with_the_events_of_the_same_seed(many: list[Message]) -> None:
    storm = {one for message in upload_storm(1, 3_000) for one in ids_of(message)}
    assert len(storm) == 3_000
    assert not storm & {one for message in many for one in ids_of(message)}


def test_a_message_is_about_as_large_as_theirs(many: list[Message]) -> None:
    sizes = sorted(len(msgspec.json.encode(message)) for message in many)
    assert 900 < sizes[len(sizes) // 2] < 1_800
