"""What polling reads becomes the records that webhooks make, and one record for each state of what has states."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import asdict, replace

from groundswell.component import Arrival
from groundswell.connectors.action_network.collections import COLLECTIONS
from groundswell.connectors.action_network.hal import id_of, person_id_of
from groundswell.connectors.action_network.mapping import arrival_ids, record_of
from groundswell.connectors.action_network.people import person_of
from groundswell.connectors.action_network.polling.polled import arrival_of, read_polled
from groundswell.connectors.action_network.simulator.control import Control
from groundswell.connectors.action_network.simulator.events import Message
from groundswell.connectors.action_network.simulator.hooks import Hooks
from groundswell.connectors.action_network.usual_people import usual_person_record
from groundswell.errors import RecordError
from groundswell.record import Action, Donation, Group, Person, Record, Unparsed, to_json
from tests.connectors.action_network.simulated import Desk, uuid_of

Json = dict[str, Any]

DESK = Desk(60, records=12, misspells_submission_person=True)
PEOPLE = DESK.listed("people")
PERSON_ID = "5a1f0c9e-3b7d-4e55-9a10-6c2f8e7b1d43"
API = "https://actionnetwork.org/api/v2"


def _sampled() -> dict[str, list[tuple[Json, Json | None]]]:
    """Of each collection what the simulator lists, each with what it is under."""
    found: dict[str, list[tuple[Json, Json | None]]] = {}
    for name, collection in COLLECTIONS.items():
        if collection.parent is None:
            found[name] = [(resource, None) for resource in DESK.listed(collection.path)]
            continue
        path = COLLECTIONS[collection.parent].path
        found[name] = [
            (resource, parent)
            for parent in DESK.listed(path)
            for resource in DESK.listed(f"{path}/{uuid_of(parent)}/{collection.path}")
        ]
    return found


SAMPLES = _sampled()


def _polled(name: str, resource: Json, **more: Json | None) -> Record:
    return read_polled(arrival_of(COLLECTIONS[name], resource, **more), "poll", False)


def _action(record: Record) -> Action:
    assert isinstance(record.action, Action)
    return record.action


def _person(record: Record) -> Person:
    assert isinstance(record.person, Person)
    return record.person


def _group(record: Record) -> Group:
    assert isinstance(record.group, Group)
    return record.group


def _known(struct: msgspec.Struct | msgspec.UnsetType) -> Json:
    """What it knows; custom fields each for itself."""
    assert isinstance(struct, msgspec.Struct)
    known = {name: value for name, value in asdict(struct).items() if value is not UNSET}
    return known | {f"custom.{name}": value for name, value in known.pop("custom", {}).items()}


# ---- what webhooks have, too ----


RECORDS = {
    "osdi:signature": "signatures",
    "osdi:attendance": "attendances",
    "osdi:submission": "submissions",
    "osdi:donation": "donations",
    "osdi:outreach": "outreaches",
    "action_network:response": "responses",
}


class Both:
    """What happens, as a webhook brings it and as the API has it in that moment."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.pairs: list[tuple[str, Record, Record]] = []
        """Collection, the webhook's record, the poller's."""
        Hooks(desk.world, desk.network.faults, self._hear)

    def _hear(self, message: Message) -> None:
        for event, pushed_id in zip(message, arrival_ids(message), strict=True):
            name = next((key for key in event if key in RECORDS), None)
            if name is None:
                continue
            resource = self._get(event[name]["_links"]["self"]["href"])
            page = self._get(event[name]["_links"]["self"]["href"].rsplit("/", 2)[0])
            person = self._get(event[name]["_links"]["osdi:person"]["href"])
            pushed = record_of(event, pushed_id, "poll", False)
            polled = _polled(RECORDS[name], resource, parent=page, person=person)
            self.pairs.append((RECORDS[name], pushed, polled))

    def _get(self, href: str) -> Json:
        return self.desk.get(href.removeprefix(f"{self.desk.world.api}/"))


@pytest.fixture(scope="module")
def both() -> Both:
    both = Both(Desk(40, misspells_submission_person=True))
    Control(both.desk.network, Random(5)).happen(500)
    assert {name for name, _, _ in both.pairs} == set(RECORDS.values())
    return both


def test_what_both_see_is_one_record_with_one_id(both: Both) -> None:
    for _, pushed, polled in both.pairs:
        assert polled.id == pushed.id
        assert (polled.kind, polled.source, polled.occurred_at) == (pushed.kind, pushed.source, pushed.occurred_at)
        assert polled.donation == pushed.donation


def test_what_both_see_is_the_same_action_on_the_same_page_but_for_the_tags_that_only_webhooks_have(both: Both) -> None:
    for _, pushed, polled in both.pairs:
        theirs, ours = _action(pushed), _action(polled)
        assert replace(ours, page=UNSET, tags=[]) == replace(theirs, page=UNSET, tags=[])
        assert replace(ours.page, title=UNSET) == theirs.page  # type: ignore[type-var]
        assert isinstance(ours.page, msgspec.Struct)
        assert isinstance(ours.page.title, str), "which webhooks do not have"


def test_what_a_webhook_knows_of_a_person_the_poller_knows_too(both: Both) -> None:
    knows_more = 0
    for _, pushed, polled in both.pairs:
        theirs, ours = _known(pushed.person), _known(polled.person)
        assert theirs.items() <= ours.items()
        knows_more += len(ours) > len(theirs)
    assert knows_more > len(both.pairs) / 3, "a webhook has only what was typed in"


def test_polling_makes_the_record_however_it_is_parsed(both: Both) -> None:
    quick = 0
    for _, _, polled in both.pairs:
        raw = polled.raw.seen if isinstance(polled.raw, Unparsed) else polled.raw
        quick += isinstance(polled.raw, Unparsed)
        assert replace(record_of(raw, polled.id, "poll", False), raw=UNSET) == replace(polled, raw=UNSET)
    assert quick > len(both.pairs) / 2, "the quick way is the usual one"


def test_donations_have_the_same_ids_on_their_page_and_among_all() -> None:
    of_pages = {
        arrival_of(COLLECTIONS["page_donations"], one, parent=page).id for one, page in SAMPLES["page_donations"]
    }
    of_all = {arrival_of(COLLECTIONS["donations"], one).id for one, _ in SAMPLES["donations"]}
    assert of_pages == of_all
    assert len(of_all) == len(SAMPLES["donations"]) > 30


def test_who_submitted_a_form_is_known_although_the_field_is_misspelt() -> None:
    submission, form = SAMPLES["submissions"][0]
    assert "action:person_id" in submission
    record = _polled("submissions", submission, parent=form)
    assert _person(record).ids == {"action_network": submission["action:person_id"]}
    assert _action(record).fields == {}
    linkless = submission | {"_links": {}}
    assert _person(_polled("submissions", linkless)).ids == {"action_network": submission["action:person_id"]}


def test_a_person_who_is_nowhere_to_be_found_is_a_number() -> None:
    for donation, page in SAMPLES["page_donations"]:
        record = _polled("page_donations", donation, parent=page, person=None)
        assert record.person == Person(ids={"action_network": str(person_id_of(donation))})
        assert isinstance(record.donation, Donation)


def test_a_record_says_more_of_its_page_only_if_it_was_found_on_it() -> None:
    signature, petition = SAMPLES["signatures"][0]
    assert petition is not None
    alone, found = _polled("signatures", signature), _polled("signatures", signature, parent=petition)
    of_a_person = _polled("signatures", signature, parent=PEOPLE[0] | {"name": "not a title"})
    assert _action(found).page.title == petition["title"]  # type: ignore[union-attr]
    assert _action(found).sponsor == {
        "title": "Riverside Action",
        "url": "https://actionnetwork.org/groups/riverside-action",
    }
    assert _action(alone).page == _action(of_a_person).page == replace(_action(found).page, title=UNSET)  # type: ignore[type-var]
    assert alone.id == found.id == of_a_person.id


def test_a_record_without_any_address_is_on_the_page_it_was_found_on() -> None:
    petition = {"identifiers": ["action_network:77ab"], "title": "Fix the crossing"}
    page = _action(_polled("signatures", {"identifiers": ["action_network:c2f0"]}, parent=petition)).page
    assert asdict(page) == {"id": "77ab", "title": "Fix the crossing", "type": "petition", "url": UNSET}  # type: ignore[arg-type]


def test_a_record_nobody_numbered_keeps_its_id_whatever_becomes_of_its_person() -> None:
    signature = {"created_date": "2026-05-02T11:00:09Z", "comments": "x"}
    first = arrival_of(COLLECTIONS["signatures"], signature, person=PEOPLE[0])
    again = arrival_of(COLLECTIONS["signatures"], signature, person=PEOPLE[1])
    assert first.id == again.id != arrival_of(COLLECTIONS["signatures"], signature | {"comments": "y"}).id


# ---- what has states ----

STATES = [name for name in COLLECTIONS if arrival_of(COLLECTIONS[name], SAMPLES[name][0][0]).id.count("@")]


def test_all_but_what_happens_once_has_states() -> None:
    once = {*RECORDS.values(), "page_donations", "taggings", "items"}
    assert set(STATES) == COLLECTIONS.keys() - once


@pytest.mark.parametrize("name", STATES)
def test_every_state_has_its_own_id_with_its_stamp_and_reading_it_again_is_no_new_one(name: str) -> None:
    seen: dict[str, str] = {}
    for resource, parent in SAMPLES[name]:
        arrival = arrival_of(COLLECTIONS[name], resource, parent=parent)
        assert arrival.id.startswith("action_network:")
        numbered, _, state = arrival.id.partition("@")
        assert numbered.rpartition("/")[2] == uuid_of(resource)
        stamp, _, digits = state.rpartition(".")
        assert stamp == resource["modified_date"]
        assert len(digits) >= 4
        int(digits, 16)
        seen[uuid_of(resource)] = arrival.id
        again = msgspec.json.decode(msgspec.json.encode(resource))
        assert arrival_of(COLLECTIONS[name], again, parent=parent) == arrival
    assert len(set(seen.values())) == len(seen)


def _id(name: str, resource: Json) -> str:
    return arrival_of(COLLECTIONS[name], resource).id


def test_a_person_who_changes_and_changes_back_is_three_records() -> None:
    rosa = PEOPLE[0] | {"given_name": "Rosa", "modified_date": "2026-05-02T11:00:09Z"}
    rose = rosa | {"given_name": "Rose", "modified_date": "2026-05-03T11:00:09Z"}
    back = rosa | {"modified_date": "2026-05-04T11:00:09Z"}
    assert len({_id("people", one) for one in (rosa, rose, back)}) == 3


def test_a_status_that_changes_without_the_date_moving_is_a_new_state() -> None:
    gone = msgspec.json.decode(msgspec.json.encode(PEOPLE[0]))
    gone["email_addresses"][0]["status"] = "unsubscribed"
    assert gone["modified_date"] == PEOPLE[0]["modified_date"]
    assert _id("people", gone) != _id("people", PEOPLE[0])
    assert _person(_polled("people", gone)).email_opt_in is False


def test_statistics_and_totals_that_move_are_a_new_state() -> None:
    message = next(one for one, _ in SAMPLES["messages"] if "statistics" in one)
    opened = message | {"statistics": message["statistics"] | {"opened": message["statistics"]["opened"] + 1}}
    assert _id("messages", opened) != _id("messages", message)
    petition, _ = SAMPLES["petitions"][0]
    assert _id("petitions", petition | {"total_signatures": 10**6}) != _id("petitions", petition)


@pytest.mark.parametrize("name", STATES)
def test_links_and_who_made_it_do_not_count_and_neither_does_the_order_of_identifiers(name: str) -> None:
    resource = SAMPLES[name][0][0] | {"identifiers": ["memberdb:1", f"action_network:{PERSON_ID}"]}
    moved = {"_links": {"self": {"href": f"{API}/elsewhere/{PERSON_ID}"}}, "_embedded": {"osdi:creator": PEOPLE[0]}}
    turned = {"identifiers": [f"action_network:{PERSON_ID}", "memberdb:1"]}
    assert _id(name, resource | moved | turned) == _id(name, resource)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_who_made_it_is_in_no_record(name: str) -> None:
    creator = {"given_name": "Avery", "email_addresses": [{"address": "avery@example.org"}]}
    embedded = SAMPLES[name][0][0] | {"_embedded": {"osdi:creator": creator}}
    arrival = arrival_of(COLLECTIONS[name], embedded, parent=embedded)
    assert b"avery@example.org" not in arrival.raw
    assert b"avery@example.org" not in to_json(read_polled(arrival, "poll", False))


def test_without_a_date_or_with_a_strange_one_the_content_tells_states_apart() -> None:
    person = {"identifiers": [f"action_network:{PERSON_ID}"], "given_name": "Rosa"}
    ids = [_id("people", person | more) for more in ({}, {"modified_date": None}, {"modified_date": "to day @ 5/1"})]
    assert len(set(ids)) == 3
    for one in ids:
        numbered, _, digits = one.partition("@")
        assert numbered == f"action_network:person/{PERSON_ID}"
        int(digits, 16)


def test_what_nobody_numbered_gets_an_id_from_its_content() -> None:
    person = {"given_name": "Rosa", "modified_date": "2026-05-02T11:00:09Z"}
    record = _polled("people", person)
    assert record.id == _polled("people", dict(reversed(person.items()))).id != _id("people", person | {"x": 1})
    assert "@" not in record.id
    assert _person(record) == Person(first_name="Rosa")


# ---- people ----


def test_a_person_is_read_whole_and_a_gap_is_unknown() -> None:
    resource = {
        "identifiers": ["memberdb:4471", f"action_network:{PERSON_ID}"],
        "created_date": "2023-02-11T09:15:04Z",
        "modified_date": "2026-05-02T11:00:09Z",
        "given_name": "Rosa",
        "email_addresses": [{"primary": True, "address": "rosa@example.org", "status": "bouncing"}],
        "phone_numbers": [{"primary": True, "number": "15035550144", "number_type": "Mobile", "status": "subscribed"}],
        "postal_addresses": [{"primary": True, "region": "OR", "postal_code": "97201", "country": "US"}],
        "custom_fields": {"Shirt size": "M", "age": ""},
        "_links": {"self": {"href": f"{API}/people/{PERSON_ID}"}},
    }
    record = _polled("people", resource)
    assert (record.kind, record.source, record.occurred_at) == ("person", "poll", "2026-05-02T11:00:09Z")
    assert record.action is record.group is record.donation is UNSET
    assert _known(record.person) == {
        "first_name": "Rosa",
        "email": "rosa@example.org",
        "phone": "+15035550144",
        "state": "OR",
        "zip": "97201",
        "country": "US",
        "sms_opt_in": True,
        "custom.Shirt size": "M",
        "custom.email_status": "bouncing",
        "ids": {"action_network": PERSON_ID},
    }


def test_everybody_in_the_simulator_is_read_the_quick_way_and_their_json_stays_at_hand() -> None:
    for resource in PEOPLE:
        record = _polled("people", resource)
        assert isinstance(record.raw, Unparsed)
        kept = {key: value for key, value in resource.items() if key != "_links"}
        assert record.raw.seen == kept | {"identifiers": sorted(kept["identifiers"])}
        assert record.person == person_of(resource, uuid_of(resource), False)


WHATEVER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
TEXTS = st.sampled_from(
    ["", " ", " Rosa ", "US", "us", "Oregon", "OR", "unsubscribed", "bouncing", "15035550144", "+1 5", "\u0661" * 11]
)


def _places(value: Any) -> list[Any]:
    """Every object and list inside, the value itself first."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(place for each in inner for place in _places(each))] if isinstance(value, dict | list) else []


def _changed(resource: Json, data: st.DataObject) -> Json:
    """A copy with a few things in it changed, taken out or put in."""
    resource = msgspec.json.decode(msgspec.json.encode(resource))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(_places(resource)))
        if isinstance(place, dict):
            key = data.draw(st.sampled_from([*place, "status", "primary", "number", "identifiers", "title"]))
            if key in place and data.draw(st.booleans()):
                del place[key]
            else:
                place[key] = data.draw(TEXTS | WHATEVER)
        elif place and data.draw(st.booleans()):
            place.pop(0)
        else:
            place.insert(data.draw(st.integers(0, len(place))), data.draw(TEXTS | WHATEVER))
    return resource


@settings(max_examples=500)
@given(resource=st.sampled_from(PEOPLE), unsubscribed=st.sampled_from([False, UNSET]), data=st.data())
def test_whatever_is_changed_in_a_person_the_quick_way_makes_the_slow_ways_person_or_none(
    resource: Json, unsubscribed: Any, data: st.DataObject
) -> None:
    resource = _changed(resource, data)
    number = id_of(resource)
    raw = msgspec.json.encode(resource)
    quick = usual_person_record(raw, "action_network:person/1@2", number, "poll", unsubscribed)
    if quick is not None:
        assert quick.person == person_of(resource, number, unsubscribed)
        assert quick.raw.seen == resource


# ---- pages, groups, members ----


def test_an_event_is_a_page_and_its_times_are_those_of_the_venue() -> None:
    event = next(one for one, _ in SAMPLES["events"] if one["start_date"] == "2026-06-06T10:00:00Z")
    record = _polled("events", event)
    assert record.kind == "page"
    assert record.occurred_at == event["modified_date"]
    action = _action(record)
    assert action.type is UNSET
    assert asdict(action.page) == {  # type: ignore[arg-type]
        "id": uuid_of(event),
        "title": event["title"],
        "type": "event",
        "url": event["browser_url"],
    }
    assert action.fields["start_date"] == "2026-06-06T10:00:00"
    assert action.fields["end_date"] == "2026-06-06T13:00:00"
    assert action.fields["location"] == event["location"]
    assert action.fields["total_accepted"] == event["total_accepted"]
    assert action.fields["created_date"] == event["created_date"], "which is UTC"
    assert action.sponsor == {"title": "Riverside Action", "url": "https://actionnetwork.org/groups/riverside-action"}
    assert record.raw["start_date"] == "2026-06-06T10:00:00Z", "as it came"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-06-06T10:00:00.000Z", "2026-06-06T10:00:00"),
        ("2026-06-06T10:00:00+00:00", "2026-06-06T10:00:00"),
        ("2026-06-06T10:00:00-07:00", "2026-06-06T10:00:00-07:00"),
        ("2026-06-06T10:00:00", "2026-06-06T10:00:00"),
        ("soon", "soon"),
        (5, 5),
    ],
)
def test_only_the_false_z_is_taken_off_the_time_of_an_event(sent: Any, kept: Any) -> None:
    assert _action(_polled("events", {"start_date": sent})).fields == {"start_date": kept}


def test_a_page_without_a_public_address_has_that_of_the_api() -> None:
    petition = next(one for one, _ in SAMPLES["petitions"] if "browser_url" not in one)
    page = _action(_polled("petitions", petition)).page
    assert page.url == petition["_links"]["self"]["href"]  # type: ignore[union-attr]


PAGES = {
    "petitions": "petition", "events": "event", "campaign_events": "event", "forms": "form",
    "fundraising_pages": "fundraising_page", "advocacy_campaigns": "advocacy_campaign", "surveys": "survey",
    "event_campaigns": "event_campaign", "campaigns": "campaign", "messages": "message", "wrappers": "wrapper",
}  # fmt: skip
GROUPS = {"tags": "tag", "lists": "list", "queries": "query", "unique_id_lists": "unique_id_list"}


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_every_kind_say_what_they_are(name: str) -> None:
    for resource, parent in SAMPLES[name]:
        record = _polled(name, resource, parent=parent)
        page = _action(record).page
        assert record.kind == "page"
        assert record.id.startswith(f"action_network:{PAGES[name]}/")
        assert page.type == PAGES[name]  # type: ignore[union-attr]
        assert page.title in (resource.get("title"), resource.get("subject"), resource.get("name"))  # type: ignore[union-attr]
        assert not {"_links", "_embedded", "identifiers"} & _action(record).fields.keys()


def test_a_message_is_a_page_with_its_statistics() -> None:
    message = next(one for one, _ in SAMPLES["messages"] if "statistics" in one)
    record = _polled("messages", message)
    assert _action(record).fields["statistics"] == message["statistics"]
    assert _action(record).page.title == message["subject"]  # type: ignore[union-attr]
    assert record.raw["_links"] == message["_links"], "where its wrapper and its recipients are"


@pytest.mark.parametrize("name", GROUPS)
def test_groups_of_every_kind_say_what_they_are(name: str) -> None:
    for resource, _ in SAMPLES[name]:
        record = _polled(name, resource)
        group = _group(record)
        assert record.kind == "group"
        assert record.id.startswith(f"action_network:{GROUPS[name]}/")
        assert (group.id, group.title, group.type) == (uuid_of(resource), resource["name"], GROUPS[name])
        assert group.fields["created_date"] == resource["created_date"]


def test_a_tagging_is_a_person_in_a_tag() -> None:
    tagging, tag = SAMPLES["taggings"][0]
    assert tag is not None
    who = DESK.get(f"people/{person_id_of(tagging)}")
    record = _polled("taggings", tagging, parent=tag, person=who)
    assert record.kind == "group_member"
    assert record.id == f"action_network:tagging/{uuid_of(tagging)}"
    assert record.occurred_at == tagging["created_date"]
    assert asdict(_group(record)) == {"id": uuid_of(tag), "title": tag["name"], "type": "tag", "fields": {}}
    assert record.person == person_of(who, uuid_of(who), False)
    alone = _polled("taggings", tagging)
    assert (alone.id, _group(alone).id) == (record.id, uuid_of(tag))
    assert alone.person == Person(ids={"action_network": uuid_of(who)})


def test_an_item_has_the_numbers_of_the_list_and_the_person_as_its_own_is_the_persons() -> None:
    assert len(SAMPLES["items"]) > 20
    for item, found in SAMPLES["items"]:
        assert found is not None
        record = _polled("items", item, parent=found)
        who = item["action_network:person_id"]
        assert record.id == f"action_network:item/{uuid_of(found)}.{who}"
        assert (_group(record).id, _group(record).type) == (uuid_of(found), "list")
        assert record.person == Person(ids={"action_network": who})
        assert arrival_of(COLLECTIONS["items"], item).id == record.id
    assert len({_id("items", item) for item, _ in SAMPLES["items"]}) == len(SAMPLES["items"])


TAGGING_HREF = f"{API}/tags/77ab/taggings/c2f0"


def test_a_tagging_says_its_group_by_its_own_address_if_nothing_else_does() -> None:
    links = {"self": {"href": TAGGING_HREF}, "osdi:person": {"href": f"{API}/people/{PERSON_ID}"}}
    record = _polled("taggings", {"_links": links})
    assert record.id == "action_network:tagging/c2f0"
    assert _group(record).id == "77ab"


@pytest.mark.parametrize(
    ("links", "reason"),
    [
        ({"self": {"href": TAGGING_HREF}}, "no_person"),
        ({"osdi:person": {"href": f"{API}/people/{PERSON_ID}"}}, "no_group"),
    ],
)
def test_half_a_pair_is_a_dead_letter(links: Json, reason: str) -> None:
    with pytest.raises(RecordError) as caught:
        _polled("taggings", {"_links": links})
    assert caught.value.reason == reason


# ---- whatever comes ----


@pytest.mark.parametrize("name", COLLECTIONS)
def test_the_record_has_the_arrivals_id_and_is_the_same_whenever_it_is_read(name: str) -> None:
    for resource, parent in SAMPLES[name]:
        before = msgspec.json.encode([resource, parent])
        arrival = arrival_of(COLLECTIONS[name], resource, parent=parent, person=PEOPLE[0])
        assert msgspec.json.encode([resource, parent]) == before
        assert arrival.seen is None
        kept = Arrival(arrival.id, bytes(arrival.raw))
        record = read_polled(kept, "poll", UNSET)
        assert record.id == arrival.id
        assert record == read_polled(kept, "poll", UNSET)
        assert b'""' not in to_json(record)


@settings(max_examples=400)
@given(name=st.sampled_from(list(COLLECTIONS)), data=st.data())
def test_whatever_comes_is_an_arrival_with_an_id_and_a_record_or_a_record_error(name: str, data: st.DataObject) -> None:
    sample, of = data.draw(st.sampled_from(SAMPLES[name]))
    if data.draw(st.booleans()):
        resource = _changed(sample, data)
    else:
        keys = st.sampled_from([*sample, "identifiers", "_links", "person", "modified_date"]) | st.text(max_size=3)
        resource = data.draw(st.dictionaries(keys, WHATEVER, max_size=4))
    parent = data.draw(
        st.none() | st.just(of) | st.dictionaries(st.sampled_from(["identifiers", "title", "name"]), WHATEVER)
    )
    person = data.draw(
        st.none() | st.sampled_from(PEOPLE) | st.dictionaries(st.sampled_from(list(PEOPLE[0])), WHATEVER)
    )
    arrival = arrival_of(COLLECTIONS[name], resource, parent=parent, person=person)
    assert arrival.id.startswith("action_network:")
    assert not set(arrival.id) & set(" \n\t\"'")
    keys_turned = dict(reversed(resource.items()))
    assert arrival_of(COLLECTIONS[name], keys_turned, parent=parent, person=person).id == arrival.id
    try:
        record = read_polled(arrival, "poll", False)
    except RecordError:
        return
    assert record.id == arrival.id
    assert to_json(record)


def test_what_is_nested_too_deep_or_has_an_id_of_something_else_is_a_dead_letter() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    with pytest.raises(RecordError):
        _polled("petitions", {"description": deep})
    with pytest.raises(RecordError):
        read_polled(Arrival("action_network:upload/1", b"{}"), "poll", False)
