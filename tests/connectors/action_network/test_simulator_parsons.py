"""Parsons, as it comes from PyPI, works with the simulator as it does with Action Network: its habits and its bugs.

It reads pages until one is empty, takes the first key of `_embedded`, and never tries again.
"""

import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import pytest
import requests
from msgspec.structs import replace

from groundswell.connectors.action_network.simulator.faults import TOO_MANY
from groundswell.connectors.action_network.simulator.server import Server, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST, Behaviour
from tests.connectors.action_network.simulated import email_of, phone_of, uuid_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that installing it has changed
    from parsons.action_network import action_network as parsons

ROSA = "rosa@example.org"


class Parsons:
    """One Parsons client. It is called in a thread: it knows no asyncio."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parsons, "API_URL", server.base_url.rstrip("/"))
        self._client = parsons.ActionNetwork(server.key)

    async def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call one of its methods; a table comes back as a list of dicts."""
        call: Callable[..., Any] = getattr(self._client, method)
        answer = await anyio.to_thread.run_sync(lambda: call(*args, **kwargs))
        return [dict(row) for row in answer] if isinstance(answer, parsons.Table) else answer


@asynccontextmanager
async def using_parsons(
    monkeypatch: pytest.MonkeyPatch, people: int = 0, behaviour: Behaviour = FRIENDLIEST
) -> AsyncIterator[tuple[Server, Parsons]]:
    async with simulator(people=people, behaviour=behaviour) as server:
        yield server, Parsons(server, monkeypatch)


async def test_it_reads_every_person_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, people=130) as (server, call):
        people = await call("get_people")
        assert {uuid_of(person) for person in people} == set(server.control.uuids())
        assert len(people) == 130
        assert server.counts.by_call == {"GET people": 7}, "six pages with people and an empty one"
        assert len(await call("get_people", limit=40)) == 40
        page = await call("get_people", page=2, per_page=100)
        assert (page["page"], page["per_page"], len(page["_embedded"]["osdi:people"])) == (2, 25, 25)


async def test_it_filters_people(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, people=130) as (server, call):
        person = server.control.person(server.control.uuids()[60])
        found = await call("get_people", filter=f"email_address eq '{email_of(person)[0]}'")
        assert [uuid_of(one) for one in found] == [uuid_of(person)]
        later = await call("get_people", filter=f"modified_date gt '{person['modified_date']}'")
        assert 0 < len(later) < 70
        with pytest.raises(requests.HTTPError, match="Code: 400"):
            await call("get_people", filter="email eq 'x'")


async def test_it_adds_and_updates_a_person(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async with using_parsons(monkeypatch) as (server, call):
        server.control.add_tag("volunteer")
        with caplog.at_level("INFO", logger="parsons"):
            added = await call(
                "upsert_person",
                email_address=ROSA,
                given_name="Rosa",
                tags=["volunteer", "nobody made this"],
                languages_spoken=["es"],
                postal_addresses=[{"postal_code": "97201"}],
                mobile_number="(503) 555-0144",
                mobile_status="subscribed",
                age=31,
            )
        assert "successfully added" in caplog.text
        person = await call("get_person", uuid_of(added))
        assert email_of(person) == (ROSA, "subscribed")
        assert phone_of(person) == ("15035550144", "subscribed")
        assert (person["given_name"], person["languages_spoken"]) == ("Rosa", ["es"])
        assert person["custom_fields"] == {"age": "31"}
        assert person["postal_addresses"][0]["locality"] == "Portland"
        again = await call("upsert_person", email_address=[{"address": ROSA, "status": "unsubscribed"}])
        assert uuid_of(again) == uuid_of(added)
        assert email_of(again) == (ROSA, "unsubscribed")
        changed = await call("update_person", uuid_of(added), given_name="Rosalía")
        assert changed["given_name"] == "Rosalía"
        assert server.control.people == 1


async def test_its_background_processing_is_answered_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    # It sends `background_processing`, which is no parameter of theirs, and reads the answer.
    async with using_parsons(monkeypatch) as (_, call):
        added = await call("upsert_person", email_address=ROSA, background_processing=True)
        assert email_of(added)[0] == ROSA


async def test_somebody_unknown_is_an_error_with_their_words(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch) as (_, call):
        with pytest.raises(requests.HTTPError, match="Couldn't find person with id = nobody"):
            await call("get_person", "nobody")


async def test_it_makes_tags_and_tags_people(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch) as (_, call):
        before = await call("get_tags")
        tag = await call("add_tag", "Steward")
        assert uuid_of(await call("add_tag", "Steward")) == uuid_of(tag)
        assert [one["name"] for one in await call("get_tags")].count("Steward") == 1
        assert len(await call("get_tags")) == len(before) + 1
        person = await call("upsert_person", email_address=ROSA)
        payload = {"_links": {"osdi:person": {"href": f"https://actionnetwork.org/api/v2/people/{uuid_of(person)}"}}}
        tagging = await call("create_tagging", uuid_of(tag), payload)
        assert [uuid_of(one) for one in await call("get_taggings", uuid_of(tag))] == [uuid_of(tagging)]
        notice = await call("delete_tagging", uuid_of(tag), uuid_of(tagging))
        assert notice == {"notice": "This tagging was successfully deleted."}
        assert await call("get_taggings", uuid_of(tag)) == []


async def test_it_makes_events_and_reads_their_attendances(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, people=80) as (_, call):
        location = {"venue": "Library", "address_lines": ["801 Alder St"], "postal_code": "97201", "country": "US"}
        made = await call("create_event", "Canvass", start_date="2026-06-06 10:00:00", location=location)
        event = await call("get_event", made["event_id"])
        assert event["start_date"] == "2026-06-06T10:00:00Z"
        assert event["location"]["locality"] == "Portland"
        events = await call("get_events")
        assert made["event_id"] in {uuid_of(one) for one in events}
        full = next(one for one in events if one["total_accepted"])
        attendances = await call("get_event_attendances", uuid_of(full))
        assert len(attendances) == full["total_accepted"] == 60
        attendance = await call("get_event_attendance", uuid_of(full), uuid_of(attendances[0]))
        assert attendance["status"] == "accepted"
        mine = await call("get_person_attendances", attendance["action_network:person_id"])
        assert uuid_of(attendance) in {uuid_of(one) for one in mine}


async def test_it_reads_event_campaigns_and_their_events(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, people=30) as (_, call):
        (campaign,) = await call("get_event_campaigns")
        assert len(await call("get_event_campaign_events", uuid_of(campaign))) == campaign["total_events"] == 2


async def test_it_makes_petitions_and_changes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, people=30) as (_, call):
        petition = await call("create_petition", "Fix it", "<p>Now</p>", "We ask you", "The mayor")
        assert petition["target"] == [{"name": "The mayor"}]
        changed = await call(
            "update_petition", uuid_of(petition), "Fix it now", "<p>Now</p>", "We ask you", "The mayor"
        )
        assert changed["title"] == "Fix it now"
        petitions = await call("get_petitions")
        assert len(petitions) == 4
        signed = petitions[-1]
        signatures = await call("get_petition_signatures", uuid_of(signed))
        assert len(signatures) == signed["total_signatures"] == 30
        person = signatures[0]["action_network:person_id"]
        assert uuid_of(signatures[0]) in {uuid_of(one) for one in await call("get_person_signatures", person)}


async def test_it_makes_submissions_and_reads_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch) as (_, call):
        person = await call("upsert_person", email_address=ROSA)
        form = (await call("get_forms"))[0]
        submission = await call("create_submission", uuid_of(form), uuid_of(person))
        assert [uuid_of(one) for one in await call("get_form_submissions", uuid_of(form))] == [uuid_of(submission)]
        assert (await call("get_form", uuid_of(form)))["total_submissions"] == 1


async def test_what_it_puts_into_the_query_of_a_post_counts_only_by_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    payload = {"title": "Volunteer", "origin_system": "Parsons"}
    strict = replace(FRIENDLIEST, takes_query_parameters=False)
    async with using_parsons(monkeypatch, behaviour=strict) as (_, call):
        with pytest.raises(requests.HTTPError, match="Code: 400"):
            await call("create_form", payload)
    async with using_parsons(monkeypatch) as (_, call):
        assert (await call("create_form", payload))["title"] == "Volunteer"
        assert (await call("create_fundraising_page", payload))["title"] == "Volunteer"


async def test_what_it_puts_as_a_form_is_answered_200_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch) as (_, call):
        form = (await call("get_forms"))[0]
        answer = await call("update_form", uuid_of(form), {"title": "Another"})
        assert answer["title"] == form["title"]


async def test_it_makes_surveys_and_its_update_of_them_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch) as (_, call):
        survey = await call("create_survey", {"title": "What next?", "origin_system": "Parsons"})
        assert uuid_of(survey) in {uuid_of(one) for one in await call("get_surveys")}
        with pytest.raises(requests.HTTPError, match="Code: 404"):  # a POST where a PUT is wanted
            await call("update_survey", uuid_of(survey), {"title": "x"})


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("get_advocacy_campaigns", "get_advocacy_campaign"),
        ("get_campaigns", "get_campaign"),
        ("get_donations", "get_donation"),
        ("get_event_campaigns", "get_event_campaign"),
        ("get_events", "get_event"),
        ("get_forms", "get_form"),
        ("get_fundraising_pages", "get_fundraising_page"),
        ("get_lists", "get_list"),
        ("get_messages", "get_message"),
        ("get_people", "get_person"),
        ("get_petitions", "get_petition"),
        ("get_queries", "get_query"),
        ("get_surveys", "get_survey"),
        ("get_tags", "get_tag"),
        ("get_unique_id_lists", "get_unique_id_list"),
        ("get_wrappers", "get_wrapper"),
    ],
)
async def test_it_reads_every_collection_and_one_of_each(monkeypatch: pytest.MonkeyPatch, many: str, one: str) -> None:
    async with using_parsons(monkeypatch, people=60) as (_, call):
        things = await call(many)
        assert things
        assert await call(one, uuid_of(things[0])) == {
            name: value for name, value in things[0].items() if value is not None
        }


async def test_it_reads_custom_fields_metadata_embeds_and_the_items_of_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, people=600) as (_, call):
        assert (await call("get_custom_fields"))["action_network:custom_fields"]
        assert (await call("get_metadata"))["_links"]
        petition = (await call("get_petitions"))[0]
        assert "embed_full_no_styles" in await call("get_embeds", "petitions", uuid_of(petition))
        full = next(one for one in await call("get_lists") if one["name"] == "Active volunteers")
        assert len(await call("get_items", uuid_of(full))) == 60


async def test_it_makes_and_sends_emails_and_unpacks_their_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, people=100) as (server, call):
        query = (await call("get_queries"))[-1]
        payload = {
            "subject": "May news",
            "body": "<p>Hello</p>",
            "from": "Riverside Action",
            "reply_to": "organiser@example.org",
            "targets": [{"href": query["_links"]["self"]["href"]}],
        }
        message = await call("create_message", payload)
        assert (await call("update_message", uuid_of(message), {"subject": "June news"}))["subject"] == "June news"
        assert (await call("send_message", uuid_of(message)))["message"]
        assert (await call("get_message", uuid_of(message)))["statistics"]["sent"] == 5
        assert server.base_url in query["_links"]["self"]["href"]
        rows = await call("get_messages", unpack_statistics=True)
        assert {row["sent"] for row in rows} >= {5, 50}


async def test_it_makes_a_unique_id_list(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, people=10) as (server, call):
        made = await call("create_unique_id_list", "Door knockers", server.control.uuids(4))
        assert made["count"] == 4


async def test_it_never_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, people=130) as (server, call):
        server.faults.plan(TOO_MANY)
        with pytest.raises(requests.HTTPError, match=r"Code: 429.*Too many requests"):
            await call("get_people")
        assert server.counts.calls == 1


async def test_it_runs_into_the_limit_and_sees_what_lags_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, people=600, behaviour=Behaviour(index_lag_s=(60.0, 60.0))) as (server, call):
        added = await call("upsert_person", email_address=ROSA)
        assert await call("get_person", uuid_of(added)) == added
        assert await call("get_people", filter=f"email_address eq '{ROSA}'") == []
        with pytest.raises(requests.HTTPError, match="Code: 429"):
            await call("get_people")
        assert server.counts.refused == 1
        assert server.counts.most_in_one_second == 5
