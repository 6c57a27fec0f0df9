"""Parsons, as it comes from PyPI, works with the simulator as it does with ActionKit: its habits and its bugs."""

import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import pytest
import requests

from groundswell.connectors.actionkit.simulator.faults import TOO_MANY
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import FRIENDLIEST, Behaviour
from groundswell.errors import RateLimitedError
from tests.connectors.actionkit.polling import PollClock, polling

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that installing it has changed
    from parsons import Table
    from parsons.action_kit.action_kit import ActionKit


class OverPlainHttp(requests.adapters.HTTPAdapter):
    """It writes "https://" in front of the domain."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        assert request.url is not None
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **options)


class Parsons:
    """One Parsons client. It is called in a thread: it knows no asyncio."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        connect = ActionKit._conn

        def over_plain_http(client: ActionKit, *args: Any) -> requests.Session:
            session: requests.Session = connect(client, *args)
            session.mount("https://", OverPlainHttp())
            return session

        monkeypatch.setattr(ActionKit, "_conn", over_plain_http)
        monkeypatch.setattr("parsons.action_kit.action_kit.time.sleep", lambda seconds: None)
        self._client = ActionKit(server.root.removeprefix("http://"), *server.credentials)

    async def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call one of its methods; a table comes back as a list of dicts."""
        call: Callable[..., Any] = getattr(self._client, method)
        answer = await anyio.to_thread.run_sync(lambda: call(*args, **kwargs))
        return [dict(row) for row in answer] if isinstance(answer, Table) else answer


@asynccontextmanager
async def using_parsons(
    monkeypatch: pytest.MonkeyPatch, users: int = 0, behaviour: Behaviour = FRIENDLIEST
) -> AsyncIterator[tuple[Server, Parsons]]:
    async with simulator(users=users, behaviour=behaviour) as server:
        yield server, Parsons(server, monkeypatch)


async def test_it_reads_every_user_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, 249) as (server, call):
        users = await call("paginated_get", "user", order_by="id")
        assert [user["id"] for user in users] == list(range(1, 250))
        assert server.counts.by_call == {"GET user": 3}
        assert len(await call("paginated_get", "user", limit=30)) == 30
        late = await call("paginated_get_custom_limit", "user", 50, "id", 20)
        assert [user["id"] for user in late] == list(range(1, 20)), "one fewer than was meant: its bug"


async def test_with_a_429_on_the_second_page_it_gets_fewer_without_a_word_and_we_get_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with (
        simulator(users=249, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["users"]) as poller,
    ):
        server.faults.plan(TOO_MANY, path="user/?", after=1)
        theirs = await Parsons(server, monkeypatch)("paginated_get", "user", order_by="id")
        assert [user["id"] for user in theirs] == list(range(1, 101))
        server.faults.plan(TOO_MANY, path="user/?", after=1)
        await poller.round(tries=2)
        assert [type(error) for error in poller.failures] == [RateLimitedError]
        assert poller.inbox.numbers("user") == list(range(1, 250))
        assert server.counts.faults == {"429": 2}


async def test_it_makes_reads_and_changes_users(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch) as (server, call):
        location = await call("create_user", "rosa@example.org", first_name="Rosa")
        user_id = location.split("/")[-2]
        assert location == f"{server.base_url}user/{user_id}/"
        assert (await call("get_user", user_id))["first_name"] == "Rosa"
        assert (await call("update_user", user_id, last_name="Quill")).status_code == 202
        assert (await call("get_user", user_id))["last_name"] == "Quill"
        assert {"email", "first_name", "fields", "phones"} <= set(await call("get_user_fields"))
        with pytest.raises(Exception, match="Conflict on unique key"):
            await call("create_user", "rosa@example.org")
        await call("delete_user", user_id)
        assert not server.control.rows("SELECT 1 FROM core_user WHERE email = 'rosa@example.org'")


async def test_it_adds_and_changes_phones(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, 3) as (server, call):
        location = await call("add_phone", 2, "home", "310-555-0101")
        phone_id = location.split("/")[-2]
        assert (await call("get_user", 2))["phones"][-1] == f"/rest/v1/phone/{phone_id}/"
        assert (await call("update_phone", phone_id, type="work")).status_code == 202
        assert server.control.rows("SELECT type FROM core_phone WHERE id = ?", int(phone_id)) == [{"type": "work"}]


async def test_it_takes_actions_and_its_bug_with_akids_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch) as (server, call):
        action = await call("create_generic_action", "signup", email="rosa@example.org", action_comment="yes")
        assert (action["type"], action["fields"]) == ("Signup", {"comment": "yes"})
        with pytest.raises(ValueError):
            await call("create_generic_action", "signup", email="rosa@example.org", ak_id=".1.abc")
        with pytest.raises(Exception, match="email: E-mail address is invalid"):
            await call("create_generic_action", "signup", email="nobody")
        imported = await call("create_generic_action", "groundswell_import", email="rosa@example.org")
        assert (await call("update_import_action", imported["id"], source="parsons")).status_code == 202
        assert (
            server.control.rows("SELECT source FROM core_action WHERE id = ?", imported["id"])[0]["source"] == "parsons"
        )


@pytest.mark.parametrize("kind", ["event_create", "event_signup"])
async def test_it_makes_campaigns_and_pages_with_forms(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    async with using_parsons(monkeypatch) as (_, call):
        campaign = (await call("create_campaign", "potlucks", title="Potlucks")).split("/")[-2]
        page = (await call(f"create_{kind}_page", "a_potluck", campaign, "A potluck")).split("/")[-2]
        form = (await call(f"create_{kind}_form", page, "Thank you")).split("/")[-2]
        assert (await call(f"get_{kind}_page", page))["campaign"] == f"/rest/v1/campaign/{campaign}/"
        assert (await call(f"get_{kind}_form", form))["thank_you_text"] == "Thank you"
        assert "title" in await call(f"get_{kind}_page_fields")
        assert "thank_you_text" in await call(f"get_{kind}_form_fields")
        if kind == "event_signup":
            followup = (await call("create_page_followup", page, "https://example.org/thanks")).split("/")[-2]
            assert (await call("get_page_followup", followup))["url"] == "https://example.org/thanks"


async def test_it_reads_and_changes_events(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, 1) as (server, call):
        event, other = await call("get_events", order_by="id")
        await call("update_event", event["id"], title="Alder Street again")
        assert (await call("get_event", event["id"]))["title"] == "Alder Street again"
        field = (await call("create_event_field", event["id"], "theme", "trees")).split("/")[-2]
        await call("update_event_field", field, "theme", "birds")
        assert (await call("get_event", event["id"]))["fields"][0]["value"] == "birds"
        found = await call("search_events_in_campaign", 1, filters={"field__theme": "birds"})
        assert [one["id"] for one in found] == [event["id"]]
        rest = await call("search_events_in_campaign", 1, exclude={"title": "Alder Street again"}, ascdesc="desc")
        assert [one["id"] for one in rest] == [other["id"]]
        action = await call(
            "create_generic_action", "come_to_a_festival", email="rosa@example.org", event_id=event["id"]
        )
        await call("update_event_signup", int(action["signup"].split("/")[-2]), status="cancelled")
        assert server.control.rows("SELECT status FROM events_eventsignup ORDER BY id DESC")[0]["status"] == "cancelled"


async def test_it_reads_and_changes_money(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, 300) as (_, call):
        orders = await call("get_orders", order_by="created_at", limit=2)
        order = orders[0]
        await call("update_order", order["id"], import_id="ours-1")
        assert (await call("get_orders", import_id="ours-1"))[0]["id"] == order["id"]
        transaction = (await call("get_transactions", order=order["id"]))[0]
        await call("update_transaction", transaction["id"], trans_id="pi_1")
        refund = await call("create_transaction", order=order["resource_uri"], type="refund", amount="1.00")
        assert refund.startswith("http")
        assert [one["trans_id"] for one in await call("get_transactions", order=order["id"], order_by="id")] == [
            "pi_1",
            "",
        ]
        detail = order["user_detail"].split("/")[-2]
        assert (await call("update_order_user_detail", detail, city="Dayton")).status_code == 202


async def test_it_handles_mailings_with_two_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch) as (_, call):
        mailer = (await call("create_mailer", subject="Hello")).split("/")[-2]
        assert (await call("copy_mailer", mailer)).status_code == 201
        assert await call("rebuild_mailer", mailer)
        assert await call("queue_mailer", mailer)
        assert (await call("get_mailer", mailer))["status"] == "queued"


async def test_it_erases_and_black_holes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, 2) as (server, call):
        email = server.control.user(1)["email"]
        await call("blackhole_email", email)
        assert (await call("get_blackholed_email", email))[0]["email"] == email
        await call("delete_user_data", email)
        assert server.control.user(1)["first_name"] == ""


async def test_it_uploads_splits_by_blanks_and_collects_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch) as (server, call):
        rows = [{"email": f"rosa{number}@example.org", "first_name": "Rosa", "last_name": ""} for number in range(60)]
        rows += [{"email": f"bad{number}", "first_name": "Ada", "last_name": "Quill"} for number in range(45)]
        result = await call("bulk_upload_table", Table(rows), "groundswell_import", no_overwrite_on_empty=True)
        assert (result["success"], len(result["results"])) == (True, 2)
        errors = await call("collect_upload_errors", result["results"])
        assert len(errors) == 45, "three pages of them"
        assert all("E-mail address is invalid." in error["message"] for error in errors)
        assert server.counts.uploads == {"done": 60, "failed": 45}
        assert len(server.control.rows("SELECT 1 FROM core_user WHERE first_name = 'Rosa'")) == 60


async def test_an_upload_that_makes_no_sense_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    async with using_parsons(monkeypatch, behaviour=Behaviour()) as (_, call):
        result = await call("bulk_upload_table", Table([{"email": "a@example.org"}]), "nobody_made_this")
        assert (result["success"], result["results"][0]["id"]) == (False, None)
