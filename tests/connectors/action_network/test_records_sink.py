"""The records sink against the strict simulator: what is recorded, whom it never subscribes, what it leaves alone."""

import re
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ValidationError

from groundswell.component import Context, Delivered, Outcome, Rejected, Retry, Skipped
from groundswell.connectors import action_network
from groundswell.connectors.action_network.collections import COLLECTIONS
from groundswell.connectors.action_network.mapping import arrival_id, record_of
from groundswell.connectors.action_network.records_sink import ActionNetworkRecordsSettings
from groundswell.connectors.action_network.simulator.faults import TOO_MANY, UNAVAILABLE
from groundswell.connectors.action_network.writing.ours import is_ours
from groundswell.errors import NotYetError, UnauthorizedError, UnavailableError
from groundswell.record import Action, Donation, Page, Person, Record
from groundswell.transforms.filter import Filter, FilterSettings
from tests.connectors.action_network.recording import Recording, action, gift, page, page_number, recording, status
from tests.connectors.action_network.simulated import person_of

README = Path(action_network.__file__).with_name("README.md")
PETITION = {"collection": "petitions", "page": page("petitions")}
TAGGED = {**PETITION, "tags_from_record": True}
FUND = {"collection": "fundraising_pages", "page": page("fundraising_pages", is_api_made=True)}


def has_to_wait(outcome: Outcome) -> bool:
    return isinstance(outcome, Retry) and isinstance(outcome.error, NotYetError)


def signatures(crm: Recording) -> list[Any]:
    return crm.on(page_number(crm.server, "petitions"), "petitions", "signatures")


# ---- who is subscribed ----


async def test_somebody_who_said_yes_is_subscribed_with_one_call() -> None:
    async with recording(**PETITION) as crm:
        assert await crm.deliver(action(email="rosa@example.org", email_opt_in=True)) == Delivered()
        assert status(crm.person("rosa@example.org")) == "subscribed"
        assert crm.server.counts.by_call == {"POST petitions/*/signatures": 1}


async def test_somebody_new_who_did_not_say_is_there_as_unsubscribed_before_anything_is_recorded() -> None:
    async with recording(**PETITION) as crm:
        heard: list[tuple[str, object]] = []
        crm.server.world.listeners.append(
            lambda all_: heard.extend((one.event, one.person.email_status) for one in all_)
        )
        assert has_to_wait(await crm.deliver(action()))
        assert heard == []
        crm.settle()
        assert await crm.deliver(action()) == Delivered()
        assert heard == [("action_network:upload", "unsubscribed"), ("osdi:signature", "unsubscribed")]
        assert len(signatures(crm)) == 1


async def test_a_no_needs_no_second_look() -> None:
    async with recording(**PETITION) as crm:
        assert await crm.deliver(action(email="rosa@example.org", email_opt_in=False)) == Delivered()
        assert status(crm.person("rosa@example.org")) == "unsubscribed"


async def test_who_subscribed_a_moment_ago_and_is_not_found_yet_stays_subscribed() -> None:
    async with recording(**PETITION) as crm:
        rosa = {"person": person_of(email="rosa@example.org", status="subscribed")}
        await crm.client.post(crm.sink._caller, ("people",), rosa)
        assert has_to_wait(await crm.deliver(action()))
        crm.settle()
        assert await crm.deliver(action()) == Delivered()
        assert status(crm.person("rosa@example.org")) == "subscribed"
        assert len(signatures(crm)) == 1


@pytest.mark.parametrize("opt_in", [True, False, None])
@pytest.mark.parametrize("before", ["subscribed", "unsubscribed", "bouncing", "spam complaint"])
async def test_whoever_is_there_keeps_their_status_whatever_the_record_says(before: str, opt_in: bool | None) -> None:
    async with recording(people=3, **PETITION) as crm:
        uuid = crm.server.control.uuids()[0]
        crm.server.control.edit(uuid, email="rosa@example.org", email_status=before)
        crm.settle()
        said = {} if opt_in is None else {"email_opt_in": opt_in}
        assert await crm.deliver(action(email="Rosa@example.org", **said)) == Delivered()
        assert status(crm.server.control.person(uuid)) == before
        assert [one.person for one in signatures(crm)] == [uuid]


async def test_a_newcomer_with_nothing_but_a_number_is_made_without_an_email_to_subscribe() -> None:
    async with recording(**PETITION) as crm:
        assert await crm.deliver(action(phone="+15035550144", sms_opt_in=True)) == Delivered()
        (signature,) = signatures(crm)
        made = crm.server.control.person(signature.person)
    assert made["phone_numbers"][0] | {"primary": True} == {
        "primary": True,
        "number": "15035550144",
        "number_type": "Mobile",
        "status": "subscribed",
    }
    assert made.get("email_addresses", [{}])[0].get("status") != "subscribed"


async def test_a_number_that_was_stopped_is_not_started_again() -> None:
    async with recording(people=3, **PETITION) as crm:
        uuid = crm.server.control.uuids()[0]
        crm.server.control.edit(uuid, email="rosa@example.org", phone="15035550144", phone_status="unsubscribed")
        crm.settle()
        rosa = action(email="rosa@example.org", phone="+15035550144", email_opt_in=True, sms_opt_in=True)
        assert await crm.deliver(rosa) == Delivered()
        assert status(crm.server.control.person(uuid), "phone_numbers") == "unsubscribed"


@pytest.mark.parametrize("said", [{}, {"email_opt_in": True}])
async def test_a_stop_goes_over_to_the_number_that_comes_after_it(said: dict[str, Any]) -> None:
    async with recording(people=3, **PETITION) as crm:
        uuid = crm.server.control.uuids()[0]
        crm.server.control.edit(uuid, email="rosa@example.org", phone="15035550144", phone_status="unsubscribed")
        crm.settle()
        texts = {"phone": "+15035550188", "sms_opt_in": True}
        assert await crm.deliver(action(email="rosa@example.org", **texts, **said)) == Delivered()
        (entry,) = crm.server.control.person(uuid)["phone_numbers"]
        assert (entry["number"], entry["status"]) == ("15035550188", "unsubscribed")


async def test_a_number_is_not_taken_off_somebody_else() -> None:
    async with recording(people=3, **PETITION) as crm:
        uuid = crm.server.control.uuids()[0]
        crm.server.control.edit(uuid, email="rosa@example.org", phone="15035550144")
        crm.settle()
        sam = action(email="sam@example.org", phone="+15035550144", email_opt_in=True)
        assert await crm.deliver(sam) == Delivered()
        assert crm.server.control.person(uuid)["phone_numbers"][0]["number"] == "15035550144"
        assert crm.person("sam@example.org")["phone_numbers"][0].get("number") is None


async def test_an_address_that_is_new_on_somebody_known_by_number_makes_nobody_else() -> None:
    async with recording(people=3, **TAGGED) as crm:
        uuid = crm.server.control.uuids()[0]
        before = crm.server.control.person(uuid)
        record = action(email="other@example.org", ids={"action_network": uuid}, tags=["volunteer"])
        assert await crm.deliver(record) == Delivered()
        assert crm.server.control.people == 3
        assert [one.person for one in signatures(crm)] == [uuid]
        assert crm.server.control.person(uuid)["email_addresses"] == before["email_addresses"]
        tag = crm.server.control.add_tag("volunteer")
        assert [one.person for one in crm.on(tag, "tags", "taggings")] == [uuid]


@pytest.mark.parametrize(("said", "becomes"), [(True, "subscribed"), (False, "unsubscribed"), (None, "unsubscribed")])
async def test_an_address_no_filter_can_hold_is_recorded_all_the_same(said: bool | None, becomes: str) -> None:
    async with recording(**PETITION) as crm:
        opt_in = {} if said is None else {"email_opt_in": said}
        assert await crm.deliver(action(email="o'brien@example.org", **opt_in)) == Delivered()
        assert status(crm.person("o'brien@example.org")) == becomes
        assert len(signatures(crm)) == 1


@pytest.mark.parametrize(
    ("person", "tags", "calls"),
    [
        ({"email": "new@example.org", "email_opt_in": True}, [], 1),
        ({"email": "new@example.org", "email_opt_in": True, "phone": "+15035550188"}, [], 2),
        ({"email": "new@example.org", "email_opt_in": True, "phone": "+15035550188", "sms_opt_in": True}, [], 3),
        ({"phone": "+15035550188"}, [], 2),
        ({"email": "rosa@example.org"}, [], 2),
        ({"email": "rosa@example.org", "first_name": "Another"}, [], 3),
        ({"email": "rosa@example.org", "first_name": "Another"}, ["volunteer"], 3),
        ({"email": "new@example.org", "email_opt_in": False}, [], 3),
        ({"email": "new@example.org", "email_opt_in": False, "phone": "+15035550188"}, [], 4),
    ],
)
async def test_it_costs_as_many_calls_as_the_page_says(person: dict[str, Any], tags: list[str], calls: int) -> None:
    async with recording(people=3, **PETITION, add_tags=tags) as crm:
        crm.server.control.edit(crm.server.control.uuids()[0], email="rosa@example.org")
        crm.settle()
        assert await crm.deliver(action(**person)) == Delivered()
        counted = {call: times for call, times in crm.server.counts.by_call.items() if call != "GET tags"}
        assert sum(counted.values()) == calls, counted


# ---- what is recorded ----


async def test_a_signature_has_its_words_its_source_and_its_tags() -> None:
    async with recording(**TAGGED, add_tags=["imported"]) as crm:
        record = Record(
            id="crm:action/1",
            kind="action",
            source="crm",
            person=Person(email="rosa@example.org", email_opt_in=True, first_name="Rosa", zip="97201"),
            action=Action(
                type="signature",
                fields={"comments": "Fix the crossing"},
                tags=["volunteer"],
                source_code="may-email",
                referrer={"website": "https://example.org/act", "referrer": "theirs"},
            ),
        )
        assert await crm.deliver(record) == Delivered()
        (signature,) = signatures(crm)
        rosa = crm.person("rosa@example.org")
        assert signature.fields["comments"] == "Fix the crossing"
        assert signature.fields["action_network:referrer_data"] == {
            "source": "may-email",
            "website": "groundswell: https://example.org/act",
            "referrer": "group-riverside-action",
        }
        assert rosa["given_name"] == "Rosa"
        assert rosa["postal_addresses"][0]["country"] == "US"
        for name in ("imported", "volunteer"):
            tag = crm.server.control.add_tag(name)
            assert [one.person for one in crm.on(tag, "tags", "taggings")] == [signature.person]


async def test_tags_reach_newcomers_who_did_not_say_yes_too() -> None:
    async with recording(**TAGGED) as crm:
        crm.server.control.add_custom_field("Shirt size")
        record = action(email="rosa@example.org", email_opt_in=False, custom={"Shirt size": "M"}, tags=["volunteer"])
        assert await crm.deliver(record) == Delivered()
        tag = crm.server.control.add_tag("volunteer")
        assert len(crm.on(tag, "tags", "taggings")) == 1
        assert crm.person("rosa@example.org")["custom_fields"] == {"Shirt size": "M"}


async def test_somebody_who_is_there_is_written_by_number_and_only_what_differs() -> None:
    async with recording(people=3, **PETITION) as crm:
        uuid = crm.server.control.uuids()[0]
        crm.server.control.edit(uuid, email="rosa@example.org", given_name="Rosa", family_name="Quill")
        crm.settle()
        crm.server.control.reset_counts()
        assert await crm.deliver(action(email="rosa@example.org", first_name="Rosa")) == Delivered()
        assert crm.server.counts.by_call == {"GET people": 1, "POST petitions/*/signatures": 1}
        assert await crm.deliver(action(number=2, email="rosa@example.org", first_name="Rose")) == Delivered()
        assert crm.server.counts.by_call["PUT people/*"] == 1
        after = crm.server.control.person(uuid)
        assert (after["given_name"], after["family_name"]) == ("Rose", "Quill")


async def test_tags_of_somebody_who_is_there_come_with_the_record() -> None:
    async with recording(people=3, **PETITION, add_tags=["volunteer"]) as crm:
        uuid = crm.server.control.uuids()[0]
        crm.server.control.edit(uuid, email="rosa@example.org")
        crm.settle()
        assert await crm.deliver(action(email="rosa@example.org")) == Delivered()
        tag = crm.server.control.add_tag("volunteer")
        assert [one.person for one in crm.on(tag, "tags", "taggings")] == [uuid]
        assert not any("taggings" in call for call in crm.server.counts.by_call)


async def test_an_address_that_is_theirs_no_longer_makes_nobody() -> None:
    """Lists go on showing the old address for seconds, and the helper would make somebody of it, subscribed."""
    async with recording(people=3, **PETITION, add_tags=["volunteer"]) as crm:
        uuid = crm.server.control.uuids()[0]
        crm.server.control.edit(uuid, email="rosa@example.org")
        crm.settle()
        crm.server.control.edit(uuid, email="new@example.org")
        assert await crm.deliver(action(email="rosa@example.org")) == Delivered()
        assert crm.server.control.people == 3
        assert [one.person for one in signatures(crm)] == [uuid]
        tag = crm.server.control.add_tag("volunteer")
        assert [one.person for one in crm.on(tag, "tags", "taggings")] == [uuid]


@pytest.mark.parametrize("tags", [[], ["volunteer"]])
async def test_somebody_merged_away_a_moment_ago_is_looked_for_again(tags: list[str]) -> None:
    async with recording(people=3, **PETITION, add_tags=tags) as crm:
        kept, lost = crm.server.control.uuids()[:2]
        crm.server.control.edit(lost, email="rosa@example.org")
        crm.settle()
        crm.server.control.merge(kept, lost)
        outcome = await crm.deliver(action(email="rosa@example.org"))
        assert isinstance(outcome, Retry)
        assert "merged perhaps" in str(outcome.error)
        assert signatures(crm) == []


@pytest.mark.parametrize("said", [{}, {"email_opt_in": True}])
async def test_a_profile_is_left_alone_where_that_is_asked_for(said: dict[str, Any]) -> None:
    async with recording(people=3, **PETITION, update_people=False) as crm:
        uuid = crm.server.control.uuids()[0]
        crm.server.control.edit(uuid, email="rosa@example.org", given_name="Rosa")
        crm.settle()
        assert await crm.deliver(action(email="rosa@example.org", first_name="Rose", **said)) == Delivered()
        assert crm.server.control.person(uuid)["given_name"] == "Rosa"
        assert len(signatures(crm)) == 1


async def test_a_donation_has_its_day_its_recipients_and_its_period() -> None:
    async with recording(**FUND) as crm:
        record = gift()
        donation = Donation(
            amount="25.00",
            currency="USD",
            recurring=True,
            period="monthly",
            recipients=[{"display_name": "Riverside", "amount": "20"}, {"display_name": "Bail Fund", "amount": "5.0"}],
        )
        crm.settle()
        assert await crm.deliver(_with(record, donation)) == Delivered()
        number = page_number(crm.server, "fundraising_pages", is_api_made=True)
        (made,) = crm.on(number, "fundraising_pages", "donations")
    assert made.fields["amount"] == "25.00"
    assert [one["amount"] for one in made.fields["recipients"]] == ["20.00", "5.00"]
    assert made.fields["action_network:recurrence"] == {"recurring": True, "period": "Monthly"}
    assert made.created == 1_772_355_600


@pytest.mark.parametrize(
    ("collection", "type_", "records"),
    [
        ("petitions", "signature", "signatures"),
        ("events", "rsvp", "attendances"),
        ("forms", "signup", "submissions"),
        ("forms", "submission", "submissions"),
        ("advocacy_campaigns", "letter", "outreaches"),
        ("advocacy_campaigns", "call", "outreaches"),
        ("surveys", "survey_response", "responses"),
    ],
)
async def test_each_kind_of_page_takes_what_is_done_there(collection: str, type_: str, records: str) -> None:
    is_api_made = collection == "advocacy_campaigns"
    number = page(collection, is_api_made=is_api_made)
    async with recording(collection=collection, page=number) as crm:
        crm.settle()
        record = action(type_, email="rosa@example.org", email_opt_in=True)
        assert await crm.deliver(record) == Delivered()
        assert len(crm.on(number(crm.server), collection, records)) == 1
        assert await crm.deliver(gift()) == Skipped("does_not_fit")
        assert await crm.deliver(action("something else")) == Skipped("does_not_fit")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (gift(amount="none"), "bad_amount"),
        (gift(amount="-5"), "bad_amount"),
        (gift(first_name="Rosa"), "no_identity"),
        (gift(phone="none"), "no_identity"),
        (gift(ids={"action_network": "gone"}), "unknown_person"),
    ],
)
async def test_what_can_never_be_recorded_is_a_dead_letter_with_the_reason(record: Record, reason: str) -> None:
    async with recording(**FUND) as crm:
        crm.settle()
        outcome = await crm.deliver(record)
        assert isinstance(outcome, Rejected)
        assert outcome.reason == reason
        assert outcome.message.startswith("crm: ")


# ---- which page ----


async def test_records_go_to_the_page_for_where_they_were_done() -> None:
    def other(server: Any) -> dict[str, str]:
        return {"17": page_number(server, "petitions", is_api_made=True)}

    async with recording(collection="petitions", pages=other) as crm:
        rosa = {"email": "rosa@example.org", "email_opt_in": True}
        assert await crm.deliver(action(at="17", **rosa)) == Delivered()
        assert await crm.deliver(action(number=2, at="18", **rosa)) == Skipped("no_page")
        assert len(crm.on(other(crm.server)["17"], "petitions", "signatures")) == 1


async def test_a_page_that_is_not_there_pauses_the_sink_rather_than_spoil_its_queue() -> None:
    async with recording(collection="petitions", page="5a1f0c9e") as crm:
        outcome = await crm.deliver(action(email="rosa@example.org", email_opt_in=True))
        assert isinstance(outcome, Retry)
        assert isinstance(outcome.error, UnauthorizedError)
        assert "check `page`" in str(outcome.error)


async def test_one_of_several_pages_that_is_not_there_stops_only_what_goes_to_it() -> None:
    async with recording(collection="petitions", page=page("petitions"), pages={"17": "5a1f0c9e"}) as crm:
        rosa = {"email": "rosa@example.org", "email_opt_in": True}
        outcome = await crm.deliver(action(at="17", **rosa))
        assert isinstance(outcome, Rejected)
        assert await crm.deliver(action(number=2, at="18", **rosa)) == Delivered()


async def test_a_donation_to_a_page_made_in_their_ui_says_what_to_check() -> None:
    async with recording(collection="fundraising_pages", page=page("fundraising_pages")) as crm:
        crm.settle()
        outcome = await crm.deliver(gift())
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "empty_answer"
        assert "make_page" in outcome.message
        assert "rosa" not in outcome.message


# ---- other ways of writing ----


async def test_an_autoresponse_goes_out_only_where_it_is_asked_for() -> None:
    for is_on, count in ((False, 0), (True, 1)):
        async with recording(**PETITION, autoresponse=is_on) as crm:
            await crm.deliver(action(email="rosa@example.org", email_opt_in=True))
            assert crm.server.counts.autoresponses == count


async def test_background_requests_are_taken_and_done_later() -> None:
    async with recording(**PETITION, background=True) as crm:
        assert await crm.deliver(action(email="rosa@example.org", email_opt_in=True)) == Delivered()
        assert signatures(crm) == []
        crm.clock.skip(31)
        crm.server.network.settle()
        assert len(signatures(crm)) == 1


async def test_what_they_cannot_take_now_is_tried_again() -> None:
    async with recording(**PETITION) as crm:
        crm.server.faults.plan(UNAVAILABLE, method="POST")
        outcome = await crm.deliver(action(email="rosa@example.org", email_opt_in=True))
        assert isinstance(outcome, Retry)
        assert isinstance(outcome.error, UnavailableError)


async def test_told_to_wait_the_rest_of_a_batch_is_not_tried() -> None:
    async with recording(**PETITION) as crm:
        crm.server.faults.plan(TOO_MANY, method="POST")
        batch = [action(number=n, email=f"p{n}@example.org", email_opt_in=True) for n in range(3)]
        assert [type(one) for one in await crm.deliver_together(batch)] == [Retry] * 3
        assert crm.server.counts.calls == 1
        waiting = [action(number=n, email=f"q{n}@example.org") for n in range(2)]
        outcomes = await crm.deliver_together([*waiting, batch[0]])
        assert [has_to_wait(one) for one in outcomes] == [True, True, False]
        assert outcomes[2] == Delivered()


# ---- echoes ----


async def test_what_it_recorded_and_reads_back_is_not_recorded_again() -> None:
    async with recording(**FUND) as crm:
        crm.settle()
        for number in range(3):
            assert await crm.deliver(gift(number)) == Delivered()
        crm.settle()
        crm.server.control.reset_counts()
        read = await _read(crm, "donations", "osdi:donation")
        assert len(read) == 3
        assert {await crm.deliver(record) for record in read} == {Skipped("echo")}
        assert not any(call.startswith("POST") for call in crm.server.counts.by_call)


async def test_what_others_did_on_the_page_it_writes_to_is_there_already() -> None:
    async with recording(**PETITION, mark="another") as crm:
        petition = page_number(crm.server, "petitions")
        theirs = Record(
            id="action_network:signature/c2f0",
            kind="action",
            source="signups",
            person=Person(email="rosa@example.org", email_opt_in=True),
            action=Action(type="signature", page=Page(id=petition)),
        )
        assert await crm.deliver(theirs) == Skipped("already_there")
        elsewhere = Record(
            id="action_network:signature/c2f1",
            kind="action",
            source="signups",
            person=theirs.person,
            action=Action(type="signature", page=Page(id="another"), referrer={"website": "groundswell"}),
        )
        assert await crm.deliver(elsewhere) == Delivered()


async def test_records_made_here_can_be_told_from_others() -> None:
    async with recording(**FUND) as crm:
        crm.settle()
        await crm.deliver(gift())
        crm.settle()
        found = (await crm.client.page(crm.sink._caller, COLLECTIONS["donations"])).resources
        assert [is_ours(one) for one in found] == [True]
        assert [is_ours(one, "another") for one in found] == [False]
    assert is_ours({"identifiers": ["groundswell:1"]})
    assert not is_ours({"identifiers": ["groundswells:1"], "action_network:referrer_data": {"website": "groundswells"}})
    assert not is_ours({})


async def test_the_filter_on_the_page_keeps_echoes_from_others() -> None:
    (where,) = re.findall(r"^where  = (\[.*website.*\])$", README.read_text(), re.MULTILINE)
    conditions = tomllib.loads(f"where = {where}")["where"]
    settings = FilterSettings(type="filter", inputs=["signups"], where=conditions)
    passes = Filter(settings, cast("Context", None))
    for website, is_echo in (
        (None, False),
        ("groundswell", True),
        ("groundswell: https://example.org", True),
        ("groundswells", False),
        ("https://example.org/groundswell", False),
    ):
        referrer = {} if website is None else {"website": website}
        record = Record(id="x:1", kind="action", source="x", action=Action(type="signature", referrer=referrer))
        assert (passes.apply(record) is None) == is_echo, website


# ---- settings ----


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "no page to write to"),
        ({"page": "a1", "make_page": {"title": "Gifts"}}, "leave one out"),
        ({"page": "a/b"}, "pattern"),
        ({"pages": {"17": "a/b"}}, "no number"),
        ({"make_page": {"title": "The people's gifts"}}, "apostrophe"),
        ({"page": "a1", "background": True}, "count twice"),
        ({"page": "a1", "autoresponse": True}, "autoresponse"),
        ({"page": "a1", "settle": "1s"}, "greater than or equal to 5 seconds"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], problem: str) -> None:
    whole = {"type": "x", "inputs": ["x"], "account": "network", "collection": "fundraising_pages", **settings}
    with pytest.raises(ValidationError, match=problem):
        ActionNetworkRecordsSettings(**whole)


def _with(record: Record, donation: Donation) -> Record:
    return Record(
        id=record.id,
        kind="donation",
        source="crm",
        occurred_at=record.occurred_at,
        person=record.person,
        donation=donation,
    )


async def _read(crm: Recording, collection: str, event: str) -> list[Record]:
    """What comes back of a collection, as webhooks and polls have it."""
    found = await crm.client.page(crm.sink._caller, COLLECTIONS[collection])
    events: list[dict[str, Any]] = [{event: {**one, "person": {"given_name": "Rosa"}}} for one in found.resources]
    return [record_of(one, arrival_id(one), "actions", False) for one in events]
