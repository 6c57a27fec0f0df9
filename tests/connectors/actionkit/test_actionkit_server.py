"""The simulator over HTTP: passwords, slashes, formats, faults, simultaneous calls, and the controls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import anyio
import msgspec
import pytest
from yarl import URL

from groundswell.connectors.actionkit.simulator.faults import (
    ANSWER_LOST,
    DROPPED,
    SERVER_ERROR,
    SERVER_ERROR_DONE,
    SERVER_ERROR_PAGE,
    SLOW,
    TOO_MANY,
    UNAVAILABLE,
    Fault,
    FaultRates,
)
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import FRIENDLIEST, Behaviour
from tests.conftest import Eventually
from tests.virtual_time import VirtualClock

ROSA = {"page": "signup", "email": "rosa@example.org"}


@asynccontextmanager
async def calling(**options: Any) -> AsyncIterator[tuple[Server, aiohttp.ClientSession]]:
    async with simulator(**({"users": 30} | options)) as server:
        headers = {"Authorization": aiohttp.encode_basic_auth(*server.credentials)}
        async with aiohttp.ClientSession(server.base_url, headers=headers) as session:
            yield server, session


async def test_a_wrong_password_is_an_empty_401_with_the_challenge() -> None:
    async with calling() as (_, session):
        for header in ("", "Basic bm9ib2R5Ondyb25n", "Basic !!", "ApiKey user:key"):
            async with session.get("user/", headers={"Authorization": header}) as answer:
                assert (answer.status, await answer.text()) == (401, "")
                assert answer.headers["WWW-Authenticate"] == 'Basic Realm="django-tastypie"'


async def test_too_many_wrong_passwords_lock_the_account_for_a_while() -> None:
    clock = VirtualClock()
    async with calling(clock=clock, behaviour=Behaviour(bad_logins=3, locked_s=60)) as (_, session):

        async def status(**headers: str) -> int:
            async with session.get("user/", headers=headers) as answer:
                return answer.status

        bad = {"Authorization": "Basic bm9ib2R5Ondyb25n"}
        assert [await status(**bad) for _ in range(2)] == [401, 401]
        assert await status() == 200, "a good one in between"
        assert [await status(**bad) for _ in range(3)] == [401, 401, 401]
        assert await status() == 403
        await clock.advance(61)
        assert await status() == 200


async def test_wrong_passwords_with_an_action_lock_nothing() -> None:
    async with calling(behaviour=Behaviour(bad_logins=2)) as (_, session):
        for _number in range(3):
            async with session.post("action/", json=ROSA, headers={"Authorization": "Basic Og=="}) as answer:
                assert answer.status == 201
        async with session.get("user/") as answer:
            assert answer.status == 200


async def test_a_get_without_the_slash_is_redirected_with_its_query_and_a_write_is_taken() -> None:
    async with calling() as (server, session):
        async with session.get("user?_limit=2&order_by=-id", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (
                301, f"{server.base_url}user/?_limit=2&order_by=-id",
            )  # fmt: skip
        async with session.get("user?_limit=2") as answer:
            assert len((await answer.json())["objects"]) == 2
        async with session.patch("user/7", json={"last_name": "Quill"}) as answer:
            assert answer.status == 202
        server.control.behave(redirects_writes=True)
        async with session.post("user", json={"email": "rosa@example.org"}, allow_redirects=False) as answer:
            assert answer.status == 308


async def test_json_comes_whatever_is_accepted_but_xml() -> None:
    async with calling() as (_, session):
        for accept in ("*/*", "", "application/json", "text/plain"):
            async with session.get("user/1/", headers={"Accept": accept}) as answer:
                assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        async with session.get("user/1/", headers={"Accept": "application/xml"}) as answer:
            assert (await answer.text()).startswith("<?xml")
        async with session.get("user/1/?format=xml") as answer:
            assert answer.content_type == "application/xml"
        query = {"query": "SELECT 1 AS one"}
        async with session.post("report/run/sql/?format=csv", json=query) as answer:
            assert (answer.content_type, await answer.text()) == ("text/csv", "one\r\n1\r\n")


async def test_a_plus_in_a_filter_must_be_encoded() -> None:
    async with calling(users=0) as (_, session):
        async with session.post("user/", json={"email": "rosa+1@example.org"}) as answer:
            assert answer.headers["Location"].endswith("/rest/v1/user/1/")
        for written, found in (("rosa+1", 0), ("rosa%2B1", 1)):
            async with session.get(URL(f"user/?email={written}@example.org", encoded=True)) as answer:
                assert (await answer.json())["meta"]["total_count"] == found


@pytest.mark.parametrize(
    ("fault", "status", "is_json"),
    [
        (TOO_MANY, 429, True),
        (SERVER_ERROR, 500, True),
        (SERVER_ERROR_PAGE, 500, False),
        (SERVER_ERROR_DONE, 500, True),
        (UNAVAILABLE, 503, False),
    ],
)
async def test_a_planned_fault_meets_the_calls_it_fits(fault: Fault, status: int, is_json: bool) -> None:
    async with calling() as (server, session):
        server.faults.plan(fault, method="POST", path="action")
        async with session.get("action/") as answer:
            assert answer.status == 200
        async with session.post("action/", json=ROSA) as answer:
            assert answer.status == status
            assert not {"Retry-After", "Location"} & set(answer.headers)
            text = await answer.text()
        is_done = bool(server.control.rows("SELECT 1 FROM core_user WHERE email = 'rosa@example.org'"))
        assert is_done == fault.is_done
        if is_json:
            assert set(msgspec.json.decode(text)) == {"error"}
        async with session.post("action/", json=ROSA) as answer:
            assert answer.status == 201


@pytest.mark.parametrize(("fault", "is_done"), [(DROPPED, False), (ANSWER_LOST, True)])
async def test_a_connection_ends_before_or_after_it_was_done(fault: Fault, is_done: bool) -> None:
    async with calling() as (server, session):
        server.faults.plan(fault)
        with pytest.raises(aiohttp.ClientError):
            async with session.post("action/", json=ROSA) as answer:
                await answer.read()
        assert bool(server.control.rows("SELECT 1 FROM core_user WHERE email = 'rosa@example.org'")) == is_done
        assert server.counts.faults == {fault.word: 1}


async def test_a_fault_may_wait_for_the_second_page() -> None:
    async with calling() as (server, session):
        server.faults.plan(TOO_MANY, path="user/", after=1)
        statuses = []
        for _ in range(3):
            async with session.get("user/") as answer:
                statuses.append(answer.status)
        assert statuses == [200, 429, 200]


async def test_a_slow_answer_takes_its_time(eventually: Eventually) -> None:
    clock = VirtualClock()
    async with calling(clock=clock) as (server, session):
        server.faults.plan(SLOW)
        answered: list[int] = []

        async def ask() -> None:
            async with session.get("user/") as answer:
                answered.append(answer.status)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await eventually(lambda: clock.sleeps > 0)
            assert not answered
            await clock.advance(5)
        assert answered == [200]


async def test_more_than_so_many_at_once_are_429(eventually: Eventually) -> None:
    clock = VirtualClock()
    behaviour = Behaviour(simultaneous=3, latency_s=1.0, retry_after_s=2.0)
    async with calling(clock=clock, behaviour=behaviour) as (server, session):
        answers: list[tuple[int, str | None]] = []

        async def ask() -> None:
            async with session.get("user/") as answer:
                answers.append((answer.status, answer.headers.get("Retry-After")))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(ask)
            await eventually(lambda: len(answers) == 2 and clock.sleeps == 3)
            assert answers == [(429, "2")] * 2
            await clock.advance(1)
        assert [status for status, _ in answers].count(200) == 3
        assert server.counts.refused == 2
        assert server.counts.most_at_once in (4, 5), "a refusal may be over before the next call comes"


async def test_faults_come_by_chance_as_often_as_they_should() -> None:
    async with calling(rates=FaultRates(server_error=0.3, unavailable=0.2), behaviour=FRIENDLIEST) as (server, session):
        for _ in range(200):
            async with session.get("list/") as answer:
                await answer.read()
        assert 30 < server.counts.statuses[500] < 90
        assert 15 < server.counts.statuses[503] < 70


async def test_a_body_that_cannot_be_read_is_400() -> None:
    async with calling() as (_, session):
        for body, kind in ((b"{", "application/json"), (b"[1]", "application/json"), (b"<a>", "application/xml")):
            async with session.post("action/", data=body, headers={"Content-Type": kind}) as answer:
                assert answer.status == 400, body


async def test_times_may_have_six_digits_everywhere() -> None:
    async with calling(behaviour=Behaviour(micros=True)) as (_, session):
        async with session.post("action/", json=ROSA) as answer:
            action = await answer.json()
        async with session.get(f"action/{action['id']}/") as answer:
            assert len((await answer.json())["created_at"]) == len("2026-05-02T11:00:09.123456")


async def test_actblues_receiver_wants_a_password() -> None:
    async with calling() as (server, session):
        url = f"{server.actblue_url}?account=Default%20ActBlue"
        body = {"contribution": {"orderNumber": "AB1", "cancelledAt": "2026-05-01T10:00:00-04:00"}}
        async with session.post(url, json=body) as answer:
            assert answer.status == 200
        async with session.post(url, json=body, headers={"Authorization": ""}) as answer:
            assert answer.status == 401
        async with session.get(url) as answer:
            assert answer.status == 405
        server.faults.plan(UNAVAILABLE, path="actblue")
        async with session.post(url, json=body) as answer:
            assert answer.status == 503


async def test_the_controls_do_what_they_say() -> None:
    async with calling() as (server, _), aiohttp.ClientSession(f"{server.root}/_simulator/") as controls:

        async def ask(method: str, path: str, body: Any = None) -> tuple[int, Any]:
            async with controls.request(method, path, json=body) as answer:
                return answer.status, await answer.json()

        assert (await ask("POST", "users", {"add": 3, "edit": 2}))[1]["users"] == 33
        assert (await ask("PATCH", "users/5", {"fields": {"employer": "Acme"}}))[1]["fields"]["employer"] == "Acme"
        assert (await ask("POST", "act", ROSA))[0] == 200
        assert (await ask("POST", "act", {"page": "nope"}))[0] == 400
        assert (await ask("POST", "happen", {"count": 30}))[0] == 200
        assert (await ask("PUT", "behaviour", {"limit_max": 50}))[0] == 200
        assert (await ask("PUT", "behaviour", {"limit_maxx": 50}))[0] == 400
        assert (await ask("PUT", "faults", {"slow": 0.5}))[0] == 200
        assert (await ask("PATCH", "users/999999", {}))[0] == 400
        assert server.world.behaviour.limit_max == 50
        counts = (await ask("GET", "counts"))[1]
        assert counts["calls"] == 0, "none of this is a call"
        assert (await ask("DELETE", "counts"))[0] == 200


async def test_life_goes_on_the_same_for_a_seed_and_moves_what_a_poller_looks_at() -> None:
    clock = VirtualClock()
    seen = []
    for _ in range(2):
        async with simulator(users=60, clock=clock) as server:
            before = server.control.rows("SELECT count(*) AS n FROM core_action")[0]["n"]
            server.control.happen(300)
            kinds = server.control.rows("SELECT type, count(*) AS n FROM core_action GROUP BY type ORDER BY type")
            changes = server.control.rows("SELECT change_id, count(*) AS n FROM core_subscriptionhistory GROUP BY 1")
            assert server.control.rows("SELECT count(*) AS n FROM core_action")[0]["n"] > before + 150
            assert {row["change_id"] for row in changes} >= {1, 4, 7}
            assert server.control.users > 60
            seen.append((kinds, changes))
    assert seen[0] == seen[1]
