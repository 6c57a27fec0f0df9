"""The simulator over HTTP: what a client sees of answers and faults, and the controls."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import anyio
import pytest
from yarl import URL

from groundswell.connectors.action_network.simulator.faults import (
    ANSWER_LOST,
    DROPPED,
    SERVER_ERROR,
    SERVER_ERROR_PAGE,
    SLOW,
    TOO_MANY,
    TOO_MANY_WITH_RETRY_AFTER,
    UNAVAILABLE,
    Fault,
)
from groundswell.connectors.action_network.simulator.server import Server, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST
from tests.conftest import Eventually
from tests.connectors.action_network.simulated import person_of, uuid_of
from tests.virtual_time import VirtualClock

ROSA = {"person": person_of(email="rosa@example.org")}


@asynccontextmanager
async def calling(**options: Any) -> AsyncIterator[tuple[Server, aiohttp.ClientSession]]:
    options = {"behaviour": FRIENDLIEST, "people": 30} | options
    async with simulator(**options) as server:
        headers = {"OSDI-API-Token": server.key}
        async with aiohttp.ClientSession(server.base_url, headers=headers) as session:
            yield server, session


async def test_answers_are_hal_json_and_not_for_caches() -> None:
    async with calling() as (_, session), session.get("people") as answer:
        assert answer.headers["Content-Type"] == "application/hal+json"
        assert answer.headers["Cache-Control"] == "max-age=0, private, must-revalidate"
        assert answer.status == 200


@pytest.mark.parametrize("path", ["people", "people/", "people/?page=1", "petitions/"])
async def test_a_slash_at_the_end_changes_nothing_and_nothing_is_redirected(path: str) -> None:
    async with calling() as (_, session), session.get(path, allow_redirects=False) as answer:
        assert answer.status == 200
        assert (await answer.json(content_type=None))["_embedded"]


async def test_the_entry_point_is_there_with_and_without_a_slash() -> None:
    async with calling() as (server, session):
        for url in (server.base_url, server.base_url.rstrip("/")):
            async with session.get(url, allow_redirects=False) as answer:
                assert answer.status == 200
                links = (await answer.json(content_type=None))["_links"]
        async with session.get(links["osdi:people"]["href"]) as answer:
            assert answer.status == 200


async def test_links_lead_back_to_the_simulator() -> None:
    async with calling() as (server, session):
        async with session.get("people") as answer:
            page = await answer.json(content_type=None)
        assert page["_links"]["next"]["href"].startswith(server.base_url)
        async with session.get(page["_embedded"]["osdi:people"][0]["_links"]["self"]["href"]) as answer:
            assert answer.status == 200


async def test_a_plus_in_a_filter_must_be_encoded() -> None:
    async with calling(people=0) as (_, session):
        async with session.post("people", json={"person": person_of(email="rosa+1@example.org")}) as answer:
            assert answer.status == 200
        for written, found in (("rosa+1", 0), ("rosa%2B1", 1)):
            url = f"people/?filter=email_address+eq+%27{written}@example.org%27"
            async with session.get(URL(url, encoded=True)) as answer:
                people = (await answer.json(content_type=None))["_embedded"]["osdi:people"]
                assert len(people) == found


async def test_a_body_that_does_not_call_itself_json_is_not_read() -> None:
    async with calling(people=0) as (_, session):
        async with session.post("tags", data={"name": "Steward"}) as answer:
            assert answer.status == 400
        async with session.post("tags", json={"name": "Steward"}) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("fault", "status", "kind", "retry_after"),
    [
        (TOO_MANY, 429, "application/hal+json", None),
        (TOO_MANY_WITH_RETRY_AFTER, 429, "application/hal+json", "1"),
        (SERVER_ERROR, 500, "application/hal+json", None),
        (SERVER_ERROR_PAGE, 500, "text/html", None),
        (UNAVAILABLE, 503, "text/html", None),
    ],
)
async def test_a_fault_is_answered_once_and_nothing_is_done(
    fault: Fault, status: int, kind: str, retry_after: str | None
) -> None:
    async with calling(people=0) as (server, session):
        server.faults.plan(fault, method="POST")
        async with session.post("people", json=ROSA) as answer:
            assert (answer.status, answer.content_type) == (status, kind)
            assert answer.headers.get("Retry-After") == retry_after
        assert server.control.people == 0
        async with session.post("people", json=ROSA) as answer:
            assert answer.status == 200
        assert server.counts.faults == {fault.word: 1}
        assert server.counts.refused == 0


@pytest.mark.parametrize(("fault", "people"), [(DROPPED, 0), (ANSWER_LOST, 1)])
async def test_a_connection_ends_before_or_after_the_call_was_carried_out(fault: Fault, people: int) -> None:
    async with calling(people=0) as (server, session):
        server.faults.plan(fault, path="people")
        with pytest.raises(aiohttp.ClientError):
            async with session.post("people", json=ROSA) as answer:
                await answer.read()
        assert server.control.people == people
        async with session.get("people") as answer:
            assert answer.status == 200


async def test_a_slow_answer_comes_when_its_time_has_come(eventually: Eventually) -> None:
    clock = VirtualClock()
    answers: list[int] = []
    async with calling(clock=clock) as (server, session), anyio.create_task_group() as tasks:
        server.faults.plan(SLOW)

        async def ask() -> None:
            async with session.get("people") as answer:
                answers.append(answer.status)

        tasks.start_soon(ask)
        await eventually(lambda: clock.sleeps == 1)
        assert answers == []
        await clock.advance(SLOW.delay_s)
        await eventually(lambda: answers == [200])


async def test_shares_of_calls_fail_by_a_seed() -> None:
    async def fails(seed: int) -> Counter[str]:
        async with calling(seed=seed) as (server, session):
            server.control.fail(too_many=0.1, server_error_page=0.1, unavailable=0.1, dropped=0.1, answer_lost=0.1)
            for _ in range(100):
                try:
                    async with session.get("people") as answer:
                        await answer.read()
                except aiohttp.ClientError:
                    pass
            return server.counts.faults

    first = await fails(1)
    assert first.keys() == {"429", "500 html", "503 html", "dropped", "answer lost"}
    assert 30 <= first.total() <= 70
    assert await fails(1) == first
    assert await fails(2) != first


# Controls


async def test_the_controls_count_edit_add_reorder_merge_and_let_things_happen() -> None:
    async with calling(people=50) as (server, session):

        async def control(method: str, path: str, body: Any = None) -> Any:
            async with session.request(method, f"{server.root}/_simulator/{path}", json=body) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.json()

        async with session.get("people") as answer:
            assert answer.status == 200
        counts = await control("GET", "counts")
        assert (counts["people"], counts["calls"], counts["by_call"]) == (50, 1, {"GET people": 1})
        assert (await control("DELETE", "counts"))["calls"] == 0
        added = (await control("POST", "people", {"add": 3, "edit": 5, "reorder": 10}))["added"]
        assert server.control.people == 53
        edited = await control("PUT", f"people/{added[0]}", {"given_name": "Rosa", "email_status": "bouncing"})
        assert edited["given_name"] == "Rosa"
        await control("POST", "merge", {"kept": added[0], "lost": added[1]})
        assert server.control.people == 52
        assert server.world.people.now.by_uuid(added[1]) is None
        await control("POST", "happen", {"count": 20})
        await control("PUT", "behaviour", {"calls_per_s": 1, "apostrophes": ["doubled"], "index_lag_s": [0, 1]})
        assert server.world.behaviour.calls_per_s == 1
        await control("PUT", "faults", {"unavailable": 1.0})
        assert server.faults.rates.unavailable == 1.0
        assert (await control("POST", "tags", {"name": "Steward"}))["id"] == server.control.add_tag("Steward")
        await control("POST", "custom_fields", {"name": "New"})
        assert "New" in server.world.custom_fields


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "people", {"ad": 1}),
        ("PUT", "people/nobody", {"given_name": "x"}),
        ("POST", "merge", {"kept": "x"}),
        ("PUT", "behaviour", {"nonsense": 1}),
        ("PUT", "behaviour", {"calls_per_s": "four"}),
        ("PUT", "faults", {"nonsense": 0.1}),
        ("POST", "happen", "nonsense"),
    ],
)
async def test_a_control_that_makes_no_sense_is_400_and_says_why(method: str, path: str, body: Any) -> None:
    async with (
        calling() as (server, session),
        session.request(method, f"{server.root}/_simulator/{path}", json=body) as answer,
    ):
        assert answer.status == 400
        assert (await answer.json())["error"]


async def test_an_edit_of_what_a_person_does_not_have_is_refused() -> None:
    async with calling() as (server, session):
        uuid = server.control.uuids(1)[0]
        async with session.put(f"{server.root}/_simulator/people/{uuid}", json={"shoe_size": "44"}) as answer:
            assert answer.status == 400
            assert "shoe_size" in (await answer.json())["error"]


async def test_reordering_moves_people_and_changes_none() -> None:
    async with calling(people=200) as (server, _):
        before = server.world.people.page((), 0, 200)
        server.control.reorder(50)
        after = server.world.people.page((), 0, 200)
        assert before != after
        assert sorted(before, key=lambda one: one.number) == sorted(after, key=lambda one: one.number)


async def test_what_is_listed_does_not_depend_on_when_it_was_started() -> None:
    def content(server: Server) -> list[Any]:
        petitions = server.world.shelves.all("petitions")
        return [server.control.uuids(), [page.uuid for page in petitions], server.world.people.page((), 0, 30)]

    async with calling(clock=VirtualClock()) as (first, _), calling(clock=VirtualClock(2e9)) as (second, _):
        assert content(first) == content(second)


async def test_a_port_that_is_taken_is_an_error() -> None:
    async with calling() as (server, _):
        port = int(server.root.rpartition(":")[2])
        with pytest.raises(OSError, match="address already in use"):
            async with simulator(port=port):
                pass


async def test_people_who_come_later_have_ids_nobody_had() -> None:
    async with calling(people=10) as (server, session):
        async with session.post("people", json=ROSA) as answer:
            person = await answer.json(content_type=None)
        assert uuid_of(person) not in server.control.uuids()
        assert server.control.person(uuid_of(person)) == person
