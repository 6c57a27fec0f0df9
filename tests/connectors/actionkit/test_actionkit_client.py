"""The client against a simulated ActionKit: passwords that are refused, answers that are not what they should be."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, cast

import anyio
import msgspec
import pytest

from groundswell.component import Context, Keys
from groundswell.connectors.actionkit.account import ActionKitAccount, ActionKitAccountSettings
from groundswell.connectors.actionkit.client import ActionKit, checked
from groundswell.connectors.actionkit.simulator.faults import Fault
from groundswell.connectors.actionkit.simulator.logins import Logins
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.connectors.actionkit.times import seconds_of_date
from groundswell.connectors.actionkit.transport import LOCKED_S, Caller
from groundswell.connectors.actionkit.uris import thing_at
from groundswell.errors import RejectedError, UnauthorizedError, UnavailableError
from groundswell.http.client import Answer, Client, new_session
from tests.connectors.actionkit.polling import TODAY, PollClock

CALLER = Caller("crm")


@asynccontextmanager
async def calling(clock: PollClock | None = None, **settings: Any) -> AsyncIterator[tuple[Server, ActionKit]]:
    """A simulated ActionKit, and a client of it."""
    clock = clock or PollClock()
    async with (
        simulator(users=3, clock=clock, behaviour=Behaviour(latency_s=0.01, simultaneous=None)) as server,
        new_session() as session,
    ):
        account = {"host": server.root, "username": server.user, "password": server.password, "rate": "100000/s"}
        context = Context("ours", clock, Random(1), Client(session, clock), cast("Keys", None), Path())
        given = ActionKitAccountSettings(type="actionkit", **{**account, **settings})
        yield server, ActionKitAccount(given, context).client


async def refusals(client: ActionKit, calls: int) -> int:
    """How many of so many calls, made at once, end because of the credentials."""
    refused = 0

    async def call() -> None:
        nonlocal refused
        try:
            await client.page(CALLER, "user", order_by="id")
        except UnauthorizedError:
            refused += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(calls):
            tasks.start_soon(call)
    return refused


async def test_a_wrong_password_is_tried_once_however_many_calls_wait() -> None:
    clock = PollClock()
    async with calling(clock, password="wrong") as (server, client):
        assert await refusals(client, 30) == 30
        assert server.counts.statuses == {401: 1}
        clock.pass_by(LOCKED_S + 1)
        assert await refusals(client, 30) == 30
        assert server.counts.statuses == {401: 2}, "those that come after the wait are no herd either"


async def test_a_password_that_is_changed_under_way_does_not_lock_the_account() -> None:
    async with calling(at_once=4) as (server, client):
        assert await refusals(client, 30) == 0
        server.instance.logins = Logins(server.world, server.user, "another")
        server.control.reset_counts()
        assert await refusals(client, 30) == 30
        assert server.counts.statuses.keys() == {401}, "403 would say that it is locked"
        assert server.counts.statuses[401] <= 4, "what was under way, and nothing that waited"


async def test_what_the_account_may_not_do_stops_nothing_else() -> None:
    # A 403 stopped the account for a quarter of an hour, and after that the same again.
    async with calling() as (server, client):
        assert await refusals(client, 1) == 0
        server.faults.plan(Fault("403", status=403))
        assert await refusals(client, 1) == 1
        assert await refusals(client, 10) == 0


async def test_an_account_that_is_locked_is_left_alone() -> None:
    async with calling() as (server, client):
        assert await refusals(client, 1) == 0
        server.control.reset_counts()
        server.faults.plan(Fault("403", status=403), times=100)
        assert await refusals(client, 1) == 1
        assert await refusals(client, 10) == 10
        assert server.counts.statuses == {403: 2}


async def test_a_good_password_lets_calls_go_side_by_side() -> None:
    async with calling(at_once=4) as (server, client):
        assert await refusals(client, 30) == 0
        assert server.counts.most_at_once > 1


@pytest.mark.parametrize(
    "body",
    [
        {"meta": {"total_count": 7, "offset": 0, "next": None}, "objects": []},
        {"meta": {"total_count": 1, "offset": 0, "next": None}, "objects": [None]},
        {"meta": {"total_count": 1, "offset": 0, "next": None}, "objects": {"id": 7}},
        {"meta": {"total_count": None, "offset": 0, "next": None}, "objects": []},
        {"objects": []},
        [],
    ],
)
async def test_an_answer_that_shows_less_than_there_is_is_no_page(body: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each of these, but for the last three, was taken for the end of the collection.
    async with calling() as (_, client):

        async def answer(*_: Any, **__: Any) -> Answer:
            return Answer(200, {}, msgspec.json.encode(body), True)

        monkeypatch.setattr(Client, "send", answer)
        with pytest.raises(UnavailableError, match="it will be tried again"):
            await client.page(CALLER, "user", order_by="id")


@pytest.mark.parametrize("date", ["", "now", "Sat, 02 May 2026 99:00:00 GMT", "0", "\x00"])
def test_a_date_that_says_nothing_is_none(date: str) -> None:
    assert seconds_of_date(date) is None
    assert seconds_of_date("Sat, 02 May 2026 11:00:09 GMT") == TODAY


def test_a_transaction_is_no_action_though_its_name_ends_like_one() -> None:
    found = [
        thing_at(f"https://act.example.org/rest/v1/{kind}/7/") for kind in ("transaction", "petitionaction", "page")
    ]
    assert [thing and thing.kind for thing in found] == ["transaction", "action", "page"]


async def test_a_refused_account_says_what_to_do() -> None:
    async with calling(password="wrong") as (_, client):
        await refusals(client, 1)
        with pytest.raises(UnauthorizedError, match="nothing is sent for another 15 min"):
            await client.page(CALLER, "user", order_by="id")


@pytest.mark.parametrize("number", ["..", ".", "...", "", "1/2", "1?x", "1#", "%2e%2e", "1\n", "\u0661"])
def test_no_number_leads_to_anything_else(number: str) -> None:
    """ "user/../" is the list of all lists to whoever takes an address apart; a push could have said so."""
    with pytest.raises(RejectedError, match="no number of theirs"):
        checked(number)


@pytest.mark.parametrize("number", [7, "7", "favorite_color", "v1.2", "a-b"])
def test_numbers_and_names_of_theirs_stand_in_addresses(number: int | str) -> None:
    assert checked(number) == str(number)
