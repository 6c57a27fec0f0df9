"""What happens in the simulator is sent as webhooks, and groundswell reads the same ids out of them as from the API."""

from random import Random
from typing import Any

import msgspec
import pytest
from aiohttp import web

from groundswell.connectors.action_network.mapping import arrival_ids, record_of
from groundswell.connectors.action_network.simulator.control import Control
from groundswell.connectors.action_network.simulator.events import Message
from groundswell.connectors.action_network.simulator.faults import FaultRates
from groundswell.connectors.action_network.simulator.hooks import Hooks
from groundswell.connectors.action_network.simulator.server import WebhookTarget, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST
from tests.conftest import Eventually
from tests.connectors.action_network.simulated import Desk, linked, person_of, uuid_of

ROSA = "rosa@example.org"
SPEED = 100_000.0


class Heard:
    """A desk, and the messages its webhook would bring."""

    def __init__(self, people: int = 0, **switches: Any) -> None:
        self.desk = Desk(people, **switches)
        self.messages: list[Message] = []
        Hooks(self.desk.world, self.desk.network.faults, self.messages.append)

    def event(self) -> tuple[str, dict[str, Any]]:
        """The only one."""
        ((entry,),) = self.messages
        assert entry["action_network:sponsor"].keys() == {"title", "url"}
        assert len(entry["idempotency_key"]) == 32
        (name,) = entry.keys() - {"action_network:sponsor", "idempotency_key"}
        return name, entry[name]


KINDS = {
    "petitions": ("signatures", "osdi:signature", "signature"),
    "events": ("attendances", "osdi:attendance", "attendance"),
    "forms": ("submissions", "osdi:submission", "submission"),
    "fundraising_pages": ("donations", "osdi:donation", "donation"),
    "advocacy_campaigns": ("outreaches", "osdi:outreach", "outreach"),
    "surveys": ("responses", "action_network:response", "response"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_made_over_the_api_echoes_with_what_was_typed_and_the_id_it_has_there(kind: str) -> None:
    heard = Heard()
    records, event_type, word = KINDS[kind]
    page = heard.desk.page_of(kind, is_api_made=True)
    person = person_of(
        email=ROSA, given_name="Rosa", custom_fields={"age": "31"}, postal_addresses=[{"postal_code": "97201"}]
    )
    gift = {"recipients": [{"display_name": "Us", "amount": "5.00"}]}
    record = heard.desk.post(f"{kind}/{page}/{records}", {"person": person, "add_tags": ["volunteer"], **gift})
    name, event = heard.event()
    assert name == event_type
    assert event["identifiers"] == record["identifiers"]
    assert event["_links"] == record["_links"]
    assert event["add_tags"] == ["volunteer"]
    assert event["person"]["given_name"] == "Rosa"
    assert event["person"]["custom_fields"] == {"age": "31"}
    assert event["person"]["email_addresses"][0]["status"] == "subscribed"
    assert event["person"]["postal_addresses"][0]["region"] == "Oregon", "in full, where the API has OR"
    assert "family_name" not in event["person"]
    assert "phone_numbers" not in event["person"]
    assert "identifiers" not in event["person"]
    assert "_embedded" not in event
    (record_id,) = arrival_ids(heard.messages[0])
    assert record_id == f"action_network:{word}/{uuid_of(record)}"
    read = record_of(heard.messages[0][0], record_id, "signups", False)
    assert read.person is not None
    assert read.person.ids == {"action_network": record["_links"]["osdi:person"]["href"].rpartition("/")[2]}


def test_a_signup_echoes_as_an_upload_without_number_tags_and_custom_fields_but_with_all_else_that_is_known() -> None:
    heard = Heard()
    heard.desk.sign_up(email=ROSA, given_name="Rosa")
    heard.messages.clear()
    heard.desk.sign_up(email=ROSA, custom_fields={"age": "31"}, tags=("volunteer",))
    name, event = heard.event()
    assert name == "action_network:upload"
    assert "identifiers" not in event
    assert event["add_tags"] == []
    assert event["action_network:referrer_data"] == {}
    assert event["person"]["given_name"] == "Rosa"
    assert "custom_fields" not in event["person"]


def test_changing_tagging_and_unsubscribing_somebody_fires_nothing() -> None:
    heard = Heard()
    uuid = uuid_of(heard.desk.sign_up(email=ROSA))
    other = uuid_of(heard.desk.sign_up(email="amir@example.org"))
    heard.messages.clear()
    heard.desk.put(f"people/{uuid}", person_of(status="unsubscribed", given_name="Rosa"))
    tagging = heard.desk.post(f"tags/{heard.desk.control.add_tag('x')}/taggings", linked(uuid))
    heard.desk.delete(tagging["_links"]["self"]["href"].removeprefix(heard.desk.world.api + "/"))
    heard.desk.control.edit(uuid, email_status="bouncing")
    heard.desk.control.merge(uuid, other)
    assert heard.messages == []


async def test_a_background_request_echoes_when_it_is_done() -> None:
    heard = Heard(background_delay_s=(5.0, 5.0))
    heard.desk.post("people", {"person": person_of(email=ROSA)}, background_request="true")
    assert heard.messages == []
    await heard.desk.clock.advance(5)
    heard.desk.network.settle()
    assert heard.event()[0] == "action_network:upload"


def test_what_happens_by_itself_is_of_every_kind_and_every_record_of_it_is_on_the_api() -> None:
    heard = Heard(200)
    Control(heard.desk.network, Random(3)).happen(600)
    names = {name for message in heard.messages for entry in message for name in entry}
    assert names >= {event for _, event, _ in KINDS.values()} | {"action_network:upload"}
    assert any(len(message) > 1 for message in heard.messages), "a letter to several officials"
    outreaches = [entry["osdi:outreach"] for message in heard.messages for entry in message if "osdi:outreach" in entry]
    assert any("message" not in outreach for outreach in outreaches), "a letter left half way"
    api = heard.desk.world.api + "/"
    for message in heard.messages:
        for entry, record_id in zip(message, arrival_ids(message), strict=True):
            assert record_of(entry, record_id, "signups", False).id == record_id
            (name,) = entry.keys() - {"action_network:sponsor", "idempotency_key"}
            if "self" in entry[name]["_links"]:
                path = entry[name]["_links"]["self"]["href"].removeprefix(api)
                assert uuid_of(heard.desk.get(path)) == record_id.rpartition("/")[2]


def test_a_share_of_webhooks_is_lost_and_counted() -> None:
    heard = Heard()
    heard.desk.network.faults.rates = FaultRates(webhook_lost=0.5)
    for number in range(100):
        heard.desk.sign_up(email=f"rosa{number}@example.org")
    counts = heard.desk.control.counts.webhooks
    assert counts["lost"] + counts["sent"] == 100
    assert len(heard.messages) == counts["sent"]
    assert 20 < counts["lost"] < 80


async def test_the_server_sends_them_and_keeps_a_ledger(eventually: Eventually) -> None:
    bodies: list[list[dict[str, Any]]] = []

    async def take(request: web.Request) -> web.Response:
        bodies.append(msgspec.json.decode(await request.read()))
        return web.json_response({})

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        target = WebhookTarget(f"http://127.0.0.1:{runner.addresses[0][1]}/hook", SPEED)
        async with simulator(people=20, behaviour=FRIENDLIEST, webhooks=target) as server:
            assert server.ledger is not None
            ledger = server.ledger
            server.control.upload(3)
            await eventually(lambda: ledger.answered == 3)
            server.control.happen(50)
            sent = server.counts.webhooks["sent"]
            await eventually(lambda: ledger.answered == sent)
    finally:
        await runner.cleanup()
    assert len(bodies) == sent
    links = [entry for body in bodies for event in body for entry in event.values() if "_links" in entry]
    assert all(entry["_links"]["osdi:person"]["href"].startswith(server.base_url) for entry in links)
