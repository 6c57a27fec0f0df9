"""Marked personal data through every path, failures included: none of it in logs, metrics, errors or listings."""

import json
from pathlib import Path
from random import Random

import aiohttp
import anyio
import pytest

from groundswell.clock import SystemClock
from groundswell.connectors.http.simulator import Fault, Receiver, serving
from tests.faults.process import Process, running

MARKS = (
    "Zzyzxia",  # a first name
    "Quuxington",  # a last name
    "zzyzxia.marked@example.org",
    "5035550177",
    "12 Marked Street",
    "marked-comment",
    "secret-token-9d8f",
    "secret-in-url-77aa",
)
TOKEN, URL_SECRET = MARKS[6], MARKS[7]
PIPELINE = """
[sources.signups]
type = "action_network.webhook"
path = "/webhooks/9f86d081884c7d659a2feaa0c55ad015"

[sources.form]
type = "http.webhook"
auth = {{ type = "basic", username = "form", password = "${{MARKED_TOKEN}}" }}
kind = "person"
id_field = "id"

[transforms.mapped]
type = "map_fields"
inputs = ["form"]
fields = {{ first_name = "raw.name", email = "raw.email", phone = "raw.phone" }}

[transforms.phone]
type = "normalise_phone"
inputs = ["signups", "mapped"]

[transforms.opt_in]
type = "normalise_opt_in"
inputs = ["phone"]

[sinks.crm]
type = "http"
inputs = ["opt_in"]
url = "{url}/records?key=${{MARKED_URL}}"
auth = {{ type = "bearer", token = "${{MARKED_TOKEN}}" }}

[sinks.nowhere]
type = "http"
inputs = ["opt_in"]
url = "http://127.0.0.1:9/records?key=${{MARKED_URL}}"

[sinks.archive]
type = "jsonl"
inputs = ["opt_in"]
path = "out/records.jsonl"
"""


def _event(number: int, **changes: object) -> dict[str, object]:
    person = {
        "given_name": MARKS[0],
        "family_name": MARKS[1],
        "email_addresses": [{"address": MARKS[2], "status": "subscribed"}],
        "phone_numbers": [{"number": MARKS[3], "status": "subscribed"}],
        "postal_addresses": [{"address_lines": [MARKS[4]], "region": "Oregon"}],
        "custom_fields": {"note": MARKS[5]},
    }
    body: dict[str, object] = {
        "identifiers": [f"action_network:{number:032x}"],
        "created_date": "2026-05-02T11:00:09Z",
        "comments": MARKS[5],
        "person": person,
        "_links": {"osdi:person": {"href": f"https://actionnetwork.org/api/v2/people/{number}"}},
    }
    return {"osdi:signature": {**body, **changes}, "idempotency_key": f"{number:032x}"}


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_no_mark_leaves_by_logs_metrics_errors_or_listings(tmp_path: Path) -> None:
    receiver = Receiver(SystemClock(), Random(1), token=TOKEN)
    receiver.schedule(
        [Fault(), Fault(status=422), Fault(status=500, is_html=True), Fault(status=429), Fault(status=401)]
    )
    async with serving(receiver) as url:
        environ = {"MARKED_TOKEN": TOKEN, "MARKED_URL": URL_SECRET}
        process = Process(tmp_path, PIPELINE.format(url=url), environ=environ)
        async with running(process):
            said = await _send_everything(process)
            with anyio.fail_after(20):
                while not process.rows("SELECT 1 FROM dead_letters WHERE stage = 'deliver'"):
                    await anyio.sleep(0.05)
            said += await _ask_everything(process)
            said += _list_everything(process)
            assert await process.stop() == 0
        said += _refuse_to_start(process)
        said += process.log.read_text()
    assert "sink_in_trouble" in said, "the failures did happen"
    assert "dead" in said
    for mark in MARKS:
        assert mark not in said


async def _send_everything(process: Process) -> str:
    """Good and bad; returns all that was answered."""
    an, form = f"{process.url}/webhooks/9f86d081884c7d659a2feaa0c55ad015", f"{process.url}/webhooks/form"
    marked = {"id": 5, "name": MARKS[0], "email": MARKS[2], "phone": MARKS[3]}
    person = {"id": 7, "name": MARKS[0], "email": MARKS[2], "phone": {MARKS[3]: MARKS[4]}}
    right, wrong = aiohttp.encode_basic_auth("form", TOKEN), aiohttp.encode_basic_auth(MARKS[2], MARKS[5])
    as_json = {"Content-Type": "application/json"}
    requests = [
        *[(an, json.dumps([_event(number)]), None) for number in range(1, 8)],
        (an, json.dumps([_event(20, created_date=MARKS[2], person=[MARKS[0]])]), None),
        (an, json.dumps([{"marked:type": {"person": MARKS[0]}, "idempotency_key": "k1"}]), None),
        (an, json.dumps([MARKS[2]]), None),
        (an, json.dumps(_event(21))[:-40], None),
        (an, f'{{"{MARKS[2]}": {MARKS[0]}}}', None),
        (f"{an}/{MARKS[2]}", "[]", None),
        (form, json.dumps(marked), right),
        (form, json.dumps(person), right),
        (form, json.dumps(marked), wrong),
        (form, json.dumps(marked)[:-3], right),
    ]
    answers = []
    async with aiohttp.ClientSession() as session:
        for url, body, auth in requests:
            headers = as_json if auth is None else {**as_json, "Authorization": auth}
            async with session.post(url, data=body.encode(), headers=headers) as answer:
                answers.append(f"{answer.status} {answer.headers} {await answer.text()}")
    statuses = {answer.split()[0] for answer in answers}
    assert statuses >= {"200", "400", "401", "404"}
    return "\n".join(answers)


async def _ask_everything(process: Process) -> str:
    async with aiohttp.ClientSession() as session:
        answers = []
        for path in (
            "/healthz",
            "/readyz",
            "/metrics",
            "/api/status",
            f"/{MARKS[2]}",
            f"/api/{MARKS[0]}?token={TOKEN}",
        ):
            async with session.get(f"http://127.0.0.1:{process.ops}{path}") as answer:
                answers.append(await answer.text())
        return "\n".join(answers)


def _list_everything(process: Process) -> str:
    listings = [
        process.cli(*verb)
        for verb in (
            ["status"],
            ["status", "--json"],
            ["dead", "list"],
            ["dead", "list", "--json"],
            ["check"],
            ["graph"],
        )
    ]
    assert all(done.returncode == 0 for done in listings), [done.stderr for done in listings]
    return "\n".join(done.stdout + done.stderr for done in listings)


def _refuse_to_start(process: Process) -> str:
    """A configuration that is wrong beside a secret."""
    process.file.write_text(process.file.read_text().replace('id_field = "id"', f'id_feld = "{MARKS[5]}"'))
    done = process.cli("check")
    assert done.returncode == 78
    return done.stdout + done.stderr
