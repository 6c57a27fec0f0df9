"""The records sink against the strict simulator: what people did is there once, and nobody is subscribed by it."""

from typing import Any

import msgspec
import pytest

from groundswell.component import Delivered, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.action_network.mapping import arrival_id, record_of
from groundswell.connectors.action_network.simulator.faults import ANSWER_LOST, DROPPED, SERVER_ERROR
from groundswell.connectors.action_network.simulator.server import Server, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.record import Action, Donation, Kind, Person, Record
from tests.connectors.action_network.writing import QuickClock, found, writing

STRICT = Behaviour(calls_per_s=None)
SINK = "action_network.records"
PETITIONS: dict[str, Any] = {"collection": "petitions"}
TYPES = {
    "petitions": "signature",
    "events": "rsvp",
    "forms": "submission",
    "fundraising_pages": "donation",
    "advocacy_campaigns": "letter",
    "surveys": "survey_response",
}
RECORDS = {
    "petitions": "signatures",
    "events": "attendances",
    "forms": "submissions",
    "fundraising_pages": "donations",
    "advocacy_campaigns": "outreaches",
    "surveys": "responses",
}


def page(server: Server, collection: str, *, is_api_made: bool = False) -> str:
    return next(one.uuid for one in server.world.shelves.all(collection) if one.is_api_made == is_api_made)


def deed(collection: str, number: int = 1, **person: Any) -> Record:
    kind: Kind = "donation" if collection == "fundraising_pages" else "action"
    fields = {"comments": "Fix the crossing", "subject": "Please", "message": "Dear Senator"}
    return Record(
        id=f"crm:deed/{number}",
        kind=kind,
        source="crm",
        occurred_at="2026-05-02T11:00:09Z",
        person=Person(**({"email": "rosa@example.org", "first_name": "Rosa"} | person)),
        action=Action(type=TYPES[collection], fields=fields, tags=["volunteer"], source_code="may-email"),
        donation=Donation(amount="25.00", currency="USD") if kind == "donation" else msgspec.UNSET,
    )


def on_page(server: Server, collection: str, uuid: str) -> list[Any]:
    return list(server.world.shelves.all(collection, uuid, RECORDS[collection]))


@pytest.mark.parametrize("collection", TYPES)
async def test_what_somebody_did_is_recorded_on_the_page(collection: str) -> None:
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server:
        async with writing(server, SINK, collection=collection, make_page="From our CRM") as crm:
            assert await crm.deliver(deed(collection)) == Delivered()
        (made,) = [one for one in server.world.shelves.all(collection) if one.fields.get("title") == "From our CRM"]
        assert made.fields["origin_system"] == "groundswell"
        (record,) = on_page(server, collection, made.uuid)
        person = found(server, "rosa@example.org")
        assert f"action_network:{record.person}" in person["identifiers"]
        assert person["email_addresses"][0]["status"] == "unsubscribed"
        assert record.fields["action_network:referrer_data"]["source"] == "may-email"
        if collection == "fundraising_pages":
            assert record.fields["amount"] == "25.00"


async def test_a_page_is_made_once_whatever_gets_lost_and_however_often_the_daemon_starts() -> None:
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server:
        async with writing(server, SINK, collection="fundraising_pages", make_page="From our CRM") as crm:
            server.faults.plan(ANSWER_LOST, method="POST", path="fundraising_pages")
            assert isinstance(await crm.deliver(deed("fundraising_pages")), Retry)
            assert await crm.deliver(deed("fundraising_pages")) == Delivered()
            crm.restart()
            assert await crm.deliver(deed("fundraising_pages", 2)) == Delivered()
        assert len([one for one in server.world.shelves.all("fundraising_pages") if one.is_api_made]) == 1 + _api_made(
            server, "fundraising_pages"
        )


@pytest.mark.parametrize("taken", ["left out", "refused", "returns first", "moved"])
@pytest.mark.parametrize("collection", ["fundraising_pages", "advocacy_campaigns", "surveys"])
async def test_money_is_counted_once_though_the_answer_was_lost(collection: str, taken: Any) -> None:
    behaviour = msgspec.structs.replace(STRICT, identifier_taken=taken)
    async with simulator(clock=QuickClock(), behaviour=behaviour) as server:
        async with writing(server, SINK, collection=collection, make_page="From our CRM") as crm:
            assert await crm.deliver(deed(collection, 1)) == Delivered()
            server.faults.plan(ANSWER_LOST, method="POST", path=RECORDS[collection])
            assert isinstance(await crm.deliver(deed(collection, 2)), Retry)
            assert await crm.deliver(deed(collection, 2), attempts=1) == Skipped("already_there")
        assert len(on_page(server, collection, _made(server, collection))) == 2


async def test_money_is_counted_once_though_the_daemon_died_before_it_knew() -> None:
    """The daemon after it does not even know that it was tried."""
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server:
        async with writing(server, SINK, collection="fundraising_pages", make_page="From our CRM") as crm:
            server.faults.plan(ANSWER_LOST, method="POST", path="donations")
            assert isinstance(await crm.deliver(deed("fundraising_pages")), Retry)
            crm.restart()
            assert await crm.deliver(deed("fundraising_pages"), attempts=0) == Skipped("already_there")
        assert len(on_page(server, "fundraising_pages", _made(server, "fundraising_pages"))) == 1


async def test_what_never_arrived_is_sent_again() -> None:
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server:
        async with writing(server, SINK, collection="fundraising_pages", make_page="From our CRM") as crm:
            server.faults.plan(DROPPED, method="POST", path="donations")
            assert isinstance(await crm.deliver(deed("fundraising_pages")), Retry)
            assert await crm.deliver(deed("fundraising_pages"), attempts=1) == Delivered()
        assert len(on_page(server, "fundraising_pages", _made(server, "fundraising_pages"))) == 1


async def test_two_gifts_of_one_person_are_two() -> None:
    async with simulator(clock=QuickClock(), behaviour=STRICT) as server:
        async with writing(server, SINK, collection="fundraising_pages", make_page="From our CRM") as crm:
            assert await crm.deliver(deed("fundraising_pages", 1)) == Delivered()
            assert await crm.deliver(deed("fundraising_pages", 2)) == Delivered()
        assert len(on_page(server, "fundraising_pages", _made(server, "fundraising_pages"))) == 2


async def test_whoever_has_unsubscribed_stays_so_and_a_yes_subscribes_a_newcomer() -> None:
    async with simulator(people=3, clock=QuickClock(), behaviour=STRICT) as server:
        uuid = server.control.uuids()[0]
        server.control.edit(uuid, email_status="unsubscribed")
        async with writing(server, SINK, page=page(server, "petitions"), **PETITIONS) as crm:
            known = deed("petitions", email=msgspec.UNSET, ids={"action_network": uuid}, email_opt_in=True)
            assert await crm.deliver(known) == Delivered()
            assert await crm.deliver(deed("petitions", 2, email_opt_in=True)) == Delivered()
        assert server.control.person(uuid)["email_addresses"][0]["status"] == "unsubscribed"
        assert found(server, "rosa@example.org")["email_addresses"][0]["status"] == "subscribed"


async def test_a_200_that_says_nothing_is_a_failure() -> None:
    async with simulator(people=3, clock=QuickClock(), behaviour=STRICT) as server:
        ui_made = page(server, "fundraising_pages")
        async with writing(server, SINK, collection="fundraising_pages", page=ui_made) as crm:
            outcome = await crm.deliver(deed("fundraising_pages"))
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "empty_answer"
        assert "rosa" not in outcome.message


async def test_a_500_is_tried_again_a_few_times_only() -> None:
    async with simulator(people=3, clock=QuickClock(), behaviour=STRICT) as server:
        async with writing(server, SINK, page=page(server, "petitions"), **PETITIONS) as crm:
            server.faults.plan(SERVER_ERROR, method="POST", path="signatures")
            outcome = await crm.deliver(deed("petitions"))
        assert isinstance(outcome, Retry)
        assert getattr(outcome.error, "tries_max", None) == 5


async def test_what_comes_back_from_the_page_it_was_written_to_goes_no_further() -> None:
    async with simulator(people=3, clock=QuickClock(), behaviour=STRICT) as server:
        uuid = page(server, "petitions")
        async with writing(server, SINK, page=uuid, **PETITIONS) as crm:
            happened: list[Any] = []
            server.world.listeners.append(happened.extend)
            assert await crm.deliver(deed("petitions")) == Delivered()
            (made,) = [one for one in on_page(server, "petitions", uuid) if one.person == _number(server)]
            event = {"osdi:signature": {
                "identifiers": [f"action_network:{made.uuid}"],
                "person": {"email_addresses": [{"primary": True, "address": "rosa@example.org"}]},
                "_links": {
                    "osdi:petition": {"href": f"{server.base_url}petitions/{uuid}"},
                    "osdi:person": {"href": f"{server.base_url}people/{made.person}"},
                },
            }}  # fmt: skip
            echo = record_of(event, arrival_id(event), "webhook", False)
            assert await crm.deliver(echo) == Skipped("came_from_there")


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        (deed("events"), Skipped("not_for_this_page")),
        (Record("x:1", "person", "crm", person=Person(email="a@example.org")), Skipped("not_for_this_page")),
        (Record("x:1", "refund", "crm"), Skipped("not_for_this_page")),
    ],
)
async def test_what_does_not_belong_on_the_page_is_left_out(record: Record, outcome: Outcome) -> None:
    async with simulator(people=3, clock=QuickClock(), behaviour=STRICT) as server:
        uuid = page(server, "petitions")
        async with writing(server, SINK, page=uuid, **PETITIONS) as crm:
            assert await crm.deliver(record) == outcome


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Record("x:1", "action", "crm", action=Action(type="signature")), "no_person"),
        (deed("petitions", email=msgspec.UNSET), "no_identity"),
        (deed("petitions", email="o'brien@example.org"), "rejected"),
    ],
)
async def test_what_cannot_be_recorded_says_why(record: Record, reason: str) -> None:
    async with simulator(people=3, clock=QuickClock(), behaviour=STRICT) as server:
        async with writing(server, SINK, page=page(server, "petitions"), **PETITIONS) as crm:
            outcome = await crm.deliver(record)
        assert isinstance(outcome, Rejected)
        assert outcome.reason == reason


async def test_in_the_background_nobody_hears_what_became_of_it() -> None:
    async with simulator(people=3, clock=QuickClock(), behaviour=STRICT) as server:
        uuid = page(server, "petitions")
        async with writing(server, SINK, page=uuid, background=True, **PETITIONS) as crm:
            assert await crm.deliver(deed("petitions")) == Delivered()
            await server.world.clock.sleep(60)
            server.network.settle()
        assert [one for one in on_page(server, "petitions", uuid) if one.person == _number(server)]


async def test_page_and_make_page_exclude_each_other(tmp_path: Any) -> None:
    from pydantic import ValidationError

    from groundswell.connectors.action_network.records_sink import ActionNetworkRecordsSettings as Settings

    for pages in ({}, {"page": "a", "make_page": "b"}):
        with pytest.raises(ValidationError, match="either page or make_page"):
            Settings(type="action_network.records", inputs=["x"], account="a", collection="forms", **pages)


# ---- tags and lists ----


async def test_a_tag_is_put_on_people_who_are_there_and_taken_off() -> None:
    behaviour = msgspec.structs.replace(STRICT, index_lag_s=(0.0, 0.0))
    async with simulator(people=3, clock=QuickClock(), behaviour=behaviour) as server:
        uuid = server.control.uuids()[0]
        member = Record("x:1", "person", "crm", person=Person(ids={"action_network": uuid}))
        async with writing(server, "action_network.tags", tag="Canvasser") as crm:
            assert await crm.deliver(member) == Delivered()
            assert await crm.deliver(member) == Skipped("unchanged")
        async with writing(server, "action_network.tags", tag="Canvasser", mode="remove") as crm:
            assert await crm.deliver(member) == Delivered()
            crm.restart()
            assert await crm.deliver(member) == Skipped("unchanged")


@pytest.mark.parametrize(
    ("settings", "person", "reason"),
    [
        ({"tag": "Canvasser"}, {"email": "nobody@example.org"}, "unknown_person"),
        ({"tag": "Never made", "make_tags": False}, {"known": True}, "unknown_tag"),
    ],
)
async def test_a_tag_that_cannot_be_put_on_says_why(
    settings: dict[str, Any], person: dict[str, Any], reason: str
) -> None:
    async with simulator(people=3, clock=QuickClock(), behaviour=STRICT) as server:
        if person.pop("known", False):
            person = {"ids": {"action_network": server.control.uuids()[0]}}
        async with writing(server, "action_network.tags", **settings) as crm:
            outcome = await crm.person(**person)
        assert isinstance(outcome, Rejected)
        assert outcome.reason == reason


async def test_an_audience_is_one_list_though_the_answer_was_lost() -> None:
    behaviour = msgspec.structs.replace(STRICT, index_lag_s=(0.0, 0.0))
    async with simulator(people=40, clock=QuickClock(), behaviour=behaviour) as server:
        before = len(list(server.world.shelves.all("unique_id_lists")))
        async with writing(server, "action_network.unique_id_list", name="Turnout") as crm:
            deliveries = [_delivery(uuid) for uuid in server.control.uuids()]
            server.faults.plan(ANSWER_LOST, method="POST")
            with pytest.raises(Exception, match="tried again"):
                await crm.sink.deliver(deliveries)
            assert await crm.sink.deliver(deliveries) == [Skipped("already_there")] * 40
        lists = list(server.world.shelves.all("unique_id_lists"))
        assert len(lists) == before + 1
        (made,) = [one for one in lists if str(one.fields["name"]).startswith("Turnout 20")]
        assert made.fields["count"] == 40


def _delivery(uuid: str) -> Any:
    from groundswell.component import Delivery
    from groundswell.record import to_json

    record = Record(f"x:{uuid}", "person", "crm", person=Person(ids={"action_network": uuid}))
    return Delivery(record.id, "person", uuid, to_json(record))


def _made(server: Server, collection: str) -> str:
    return next(one.uuid for one in server.world.shelves.all(collection) if one.fields.get("title") == "From our CRM")


def _api_made(server: Server, collection: str) -> int:
    """Of those that were there from the start."""
    return sum(
        one.is_api_made and one.fields.get("title") != "From our CRM" for one in server.world.shelves.all(collection)
    )


def _number(server: Server) -> str:
    person = server.world.people.now.by_email("rosa@example.org")
    assert person is not None
    return person.uuid
