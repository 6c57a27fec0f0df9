"""The people sink against the strict simulator: what is written, what never is, and that it comes to rest."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from groundswell.component import Delivered, Rejected, Retry, Skipped
from groundswell.connectors.action_network.collections import COLLECTIONS
from groundswell.connectors.action_network.hal import id_at, id_of, link_of
from groundswell.connectors.action_network.people import person_of
from groundswell.connectors.action_network.simulator.faults import ANSWER_LOST, UNAVAILABLE
from groundswell.connectors.action_network.simulator.server import simulator
from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.action_network.statuses import for_known, for_newcomer
from groundswell.record import Action, Person, Record
from tests.connectors.action_network.writing import CALLER, QuickClock, Writing, found, writing

STRICT = Behaviour(calls_per_s=None)
"""As hard on a client as it may be, but for the rate."""
PROMPT = msgspec.structs.replace(STRICT, index_lag_s=(0.0, 0.0))
"""Lists show at once what was written: for tests that look at lists."""
SINK = "action_network.people"


def status(person: dict[str, Any], entries: str) -> str:
    return str(person[entries][0]["status"])


async def test_somebody_new_is_made_and_not_subscribed_unless_they_said_so() -> None:
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server, writing(server, SINK) as crm:
        assert await crm.person(first_name="Rosa", email="rosa@example.org", zip="97201") == Delivered()
        assert await crm.person(email="sam@example.org", email_opt_in=True) == Delivered()
        assert await crm.person(email="ada@example.org", email_opt_in=False) == Delivered()
    assert status(found(server, "rosa@example.org"), "email_addresses") == "unsubscribed"
    assert status(found(server, "sam@example.org"), "email_addresses") == "subscribed"
    assert status(found(server, "ada@example.org"), "email_addresses") == "unsubscribed"
    assert found(server, "rosa@example.org")["postal_addresses"][0]["country"] == "US"


async def test_the_same_again_costs_one_look_and_writes_nothing() -> None:
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server, writing(server, SINK) as crm:
        fields: dict[str, Any] = {
            "first_name": "Rosa",
            "email": "rosa@example.org",
            "phone": "+15035550144",
            "state": "Oregon",
        }
        assert await crm.person(**fields) == Delivered()
        before = found(server, "rosa@example.org")["modified_date"]
        server.control.reset_counts()
        assert await crm.person(**fields) == Skipped("unchanged")
        assert server.counts.by_call == {"GET people/*": 1}
        assert found(server, "rosa@example.org")["modified_date"] == before


async def test_only_what_differs_is_sent_and_what_is_unknown_stays() -> None:
    async with simulator(clock=QuickClock(), people=3, behaviour=STRICT) as server, writing(server, SINK) as crm:
        uuid = server.control.uuids()[0]
        before = server.control.person(uuid)
        assert await crm.person(last_name="Quill", ids={"action_network": uuid}) == Delivered()
        after = server.control.person(uuid)
    assert after["family_name"] == "Quill"
    for name in ("given_name", "email_addresses", "postal_addresses", "custom_fields"):
        assert after.get(name) == before.get(name)


async def test_nobody_is_subscribed_again_by_a_yes_that_may_be_old() -> None:
    async with simulator(clock=QuickClock(), people=3, behaviour=STRICT) as server, writing(server, SINK) as crm:
        uuid = server.control.uuids()[0]
        server.control.edit(uuid, email_status="unsubscribed")
        assert await crm.person(ids={"action_network": uuid}, email_opt_in=True) == Skipped("unchanged")
        server.control.edit(uuid, email_status="bouncing")
        assert await crm.person(ids={"action_network": uuid}, email_opt_in=True) == Skipped("unchanged")
        assert status(server.control.person(uuid), "email_addresses") == "bouncing"


async def test_a_no_is_always_written_and_a_yes_where_it_is_asked_for() -> None:
    async with (
        simulator(clock=QuickClock(), people=3, behaviour=STRICT) as server,
        writing(server, SINK, resubscribe=["email"]) as crm,
    ):
        uuid = server.control.uuids()[0]
        server.control.edit(uuid, email_status="subscribed")
        assert await crm.person(ids={"action_network": uuid}, email_opt_in=False) == Delivered()
        assert status(server.control.person(uuid), "email_addresses") == "unsubscribed"
        assert await crm.person(ids={"action_network": uuid}, email_opt_in=True) == Delivered()
        assert status(server.control.person(uuid), "email_addresses") == "subscribed"


async def test_a_new_number_is_subscribed_only_with_a_yes() -> None:
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server, writing(server, SINK) as crm:
        assert await crm.person(email="rosa@example.org", phone="+15035550144") == Delivered()
        assert await crm.person(email="sam@example.org", phone="+15035550145", sms_opt_in=True) == Delivered()
    assert status(found(server, "rosa@example.org"), "phone_numbers") == "unsubscribed"
    assert status(found(server, "sam@example.org"), "phone_numbers") == "subscribed"


async def test_people_with_nothing_but_a_number_are_written_too() -> None:
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server, writing(server, SINK) as crm:
        assert await crm.person(first_name="Rosa", phone="+15035550144") == Delivered()
        assert await crm.person(last_name="Quill", phone="+15035550144") == Delivered()
        assert server.control.people == 1


async def test_a_number_does_not_hop_between_members_of_a_family() -> None:
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server, writing(server, SINK) as crm:
        assert await crm.person(email="rosa@example.org", phone="+15035550144") == Delivered()
        for _ in range(2):
            assert await crm.person(email="sam@example.org", first_name="Sam", phone="+15035550144") in (
                Delivered(),
                Skipped("unchanged"),
            )
    assert found(server, "rosa@example.org")["phone_numbers"][0]["number"] == "15035550144"
    assert found(server, "sam@example.org")["phone_numbers"][0].get("number") is None


async def test_it_may_be_moved_where_that_is_asked_for() -> None:
    async with (
        simulator(clock=QuickClock(), behaviour=STRICT) as server,
        writing(server, SINK, on_taken_phone="move") as crm,
    ):
        await crm.person(email="rosa@example.org", phone="+15035550144")
        await crm.person(email="sam@example.org", phone="+15035550144")
    assert found(server, "sam@example.org")["phone_numbers"][0]["number"] == "15035550144"


async def test_an_email_address_somebody_else_has_is_reported_and_the_rest_is_written() -> None:
    async with simulator(clock=QuickClock(), people=3, behaviour=STRICT) as server, writing(server, SINK) as crm:
        first, second = server.control.uuids()[:2]
        taken = server.control.person(first)["email_addresses"][0]["address"]
        outcome = await crm.person(ids={"action_network": second}, email=taken, first_name="Zora")
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "email_taken"
        assert taken not in outcome.message
        assert server.control.person(second)["given_name"] == "Zora"


async def test_only_the_fields_that_are_ours_are_compared_and_written() -> None:
    async with (
        simulator(clock=QuickClock(), people=3, behaviour=STRICT) as server,
        writing(server, SINK, fields=["first_name"]) as crm,
    ):
        uuid = server.control.uuids()[0]
        before = server.control.person(uuid)
        assert await crm.person(ids={"action_network": uuid}, last_name="Quill", zip="10001") == Skipped("unchanged")
        assert await crm.person(ids={"action_network": uuid}, first_name="Zora", last_name="Quill") == Delivered()
        assert server.control.person(uuid)["family_name"] == before["family_name"]


async def test_tags_are_made_given_and_taken_off() -> None:
    async with simulator(clock=QuickClock(), people=3, behaviour=PROMPT) as server:
        uuid = server.control.uuids()[0]
        action = Action(type="signature", tags=["volunteer", "brand new"])
        record = Record("x:1", "action", "crm", person=Person(ids={"action_network": uuid}), action=action)
        async with writing(server, SINK, add_tags=["from crm"]) as crm:
            assert await crm.deliver(record) == Delivered()
            assert await crm.deliver(record) == Skipped("unchanged")
            assert await _tags(crm, uuid) >= {"volunteer", "brand new", "from crm"}
        async with writing(server, SINK, remove_tags=["volunteer"], record_tags=False) as crm:
            assert await crm.deliver(record) == Delivered()
            assert await crm.deliver(record) == Skipped("unchanged")
            assert "volunteer" not in await _tags(crm, uuid)
        async with writing(server, SINK, add_tags=["never made"], make_tags=False, record_tags=False) as crm:
            assert await crm.deliver(record) == Skipped("unchanged")


async def test_a_custom_field_that_does_not_stay_is_told_once_by_name() -> None:
    async with simulator(clock=QuickClock(), people=3, behaviour=STRICT) as server, writing(server, SINK) as crm:
        first, second = server.control.uuids()[:2]
        with capture_logs() as lines:
            for uuid in (first, second):
                assert await crm.person(ids={"action_network": uuid}, custom={"Nobody made this": "x"}) == Delivered()
        assert [line["why"] for line in lines if line["event"] == "person_written_in_part"] == [
            "the custom field 'Nobody made this' did not stay"
        ]


async def test_an_answer_that_was_lost_is_no_second_person() -> None:
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server, writing(server, SINK) as crm:
        server.faults.plan(ANSWER_LOST, method="POST")
        fields: dict[str, Any] = {"email": "rosa@example.org", "first_name": "Rosa"}
        assert isinstance(await crm.person(**fields), Retry)
        assert await crm.person(**fields) in (Delivered(), Skipped("unchanged"))
        assert server.control.people == 1


async def test_when_they_are_away_it_is_tried_again() -> None:
    async with simulator(clock=QuickClock(), people=1, behaviour=STRICT) as server, writing(server, SINK) as crm:
        server.faults.plan(UNAVAILABLE, method="PUT")
        uuid = server.control.uuids()[0]
        outcome = await crm.person(ids={"action_network": uuid}, first_name="Zora")
        assert isinstance(outcome, Retry)
        assert await crm.person(ids={"action_network": uuid}, first_name="Zora") == Delivered()


async def test_somebody_merged_away_is_found_by_their_address() -> None:
    async with simulator(clock=QuickClock(), people=3, behaviour=STRICT) as server, writing(server, SINK) as crm:
        kept, lost = server.control.uuids()[:2]
        email = server.control.person(kept)["email_addresses"][0]["address"]
        server.control.merge(kept, lost)
        assert await crm.person(ids={"action_network": lost}, email=email, first_name="Zora") == Delivered()
        assert server.control.person(kept)["given_name"] == "Zora"


async def test_an_address_with_an_apostrophe_cannot_be_asked_for_and_nobody_is_subscribed_by_that() -> None:
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server, writing(server, SINK) as crm:
        assert await crm.person(email="o'brien@example.org", first_name="Nora") in (Delivered(), Skipped("unchanged"))
        assert status(found(server, "o'brien@example.org"), "email_addresses") == "unsubscribed"
        server.control.edit(server.world.people.now.by_email("o'brien@example.org").uuid, email_status="subscribed")  # type: ignore[union-attr]
        await crm.person(email="o'brien@example.org", first_name="Norah")
        assert status(found(server, "o'brien@example.org"), "email_addresses") == "subscribed"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Record("x:1", "person", "crm"), "no_person"),
        (Record("x:1", "person", "crm", person=Person(first_name="Rosa")), "no_identity"),
        (Record("x:1", "person", "crm", person=Person(ids={"action_network": "gone"})), "unknown_person"),
    ],
)
async def test_what_cannot_be_written_says_why(record: Record, reason: str) -> None:
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server, writing(server, SINK) as crm:
        outcome = await crm.deliver(record)
        assert isinstance(outcome, Rejected)
        assert outcome.reason == reason


TEXT = st.text(st.characters(categories=("L", "Nd", "Zs"), include_characters="-."), min_size=1, max_size=12).map(
    lambda text: " ".join(text.split())
)
PERSON = st.fixed_dictionaries(
    {},
    optional={
        "first_name": TEXT,
        "last_name": TEXT,
        "address1": TEXT,
        "city": st.sampled_from(["Portland", "portland ", "Nowhere at all", "Toronto", "São Paulo"]),
        "state": st.sampled_from(["OR", "Oregon", "oregon", "ON", "Bavaria", "XX"]),
        "zip": st.sampled_from(["97201", "97201-1234", "M5V 2T6", "80331", "x"]),
        "country": st.sampled_from(["US", "us", "CA", "DE"]),
        "language": st.sampled_from(["en", "es", "EN", "zz"]),
        "phone": st.sampled_from(["+15035550144", "+442071838750"]),
        "email_opt_in": st.booleans(),
        "sms_opt_in": st.booleans(),
        "custom": st.dictionaries(st.sampled_from(["is_member", "Shirt size", "nobody made it"]), TEXT | st.booleans()),
    },
)


@given(st.lists(PERSON, min_size=1, max_size=3))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_it_comes_to_rest_whatever_they_make_of_what_was_written(states: list[dict[str, Any]]) -> None:
    """What they show afterwards is written back to them: that must end, or two systems would talk for ever."""
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server, writing(server, SINK) as crm:
        for state in states:
            await crm.person(email="rosa@example.org", **state)
        crm.restart()
        for _ in range(2):
            theirs = found(server, "rosa@example.org")
            record = Record("an:1", "person", "crm", person=person_of(theirs, id_of(theirs), False))
            assert await crm.deliver(record) == Skipped("unchanged")


@given(st.sampled_from([True, False, "maybe"]), st.sampled_from(["subscribed", "unsubscribed", "bouncing", None]))
def test_no_rule_makes_a_yes_of_what_is_not_one(opt_in: Any, theirs: str | None) -> None:
    if opt_in is not True:
        assert for_known(opt_in, theirs, may_return=True) != "subscribed"
        assert for_newcomer(opt_in, "unsubscribed") == "unsubscribed"
    if theirs == "bouncing":
        assert for_known(opt_in, theirs, may_return=True) is None


async def _tags(crm: Writing, uuid: str) -> set[str]:
    names: dict[str | None, str] = {}
    async for page in crm.client.pages(CALLER, COLLECTIONS["tags"]):
        names |= {id_of(tag): tag["name"] for tag in page.resources}
    tags: set[str] = set()
    async for page in crm.client.pages(CALLER, COLLECTIONS["taggings"], under=("people", uuid)):
        tags |= {names[id_at(link_of(tagging, "osdi:tag"))] for tagging in page.resources}
    return tags
