"""What somebody sends who means harm: bodies of every webhook with bad words in all their strings."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from groundswell.http.client import new_session
from groundswell.ops.messages import KeyCreated, NameKey
from groundswell.ops.operations import KEYS_CREATE
from groundswell.runtime.daemon import Daemon
from tests.connectors.actblue.webhook_bodies import cancellation, gift, refund
from tests.pipelines.ops_pipeline import PASSWORD, ask
from tests.running import FREE_PORTS, basic, running, until, webhook_url, write_config

PIPELINE = (
    FREE_PORTS.replace("[ops]", f'[ops]\npassword = "{PASSWORD}"')
    + """
[sources.form]
type = "http.webhook"
auth = "none"
kind = "person"
id_field = "id"

[sources.events]
type = "action_network.webhook"
path = "/webhooks/unguessable"

[sources.gifts]
type = "actblue.webhook"
auth = { type = "basic", username = "actblue", password = "long enough for a test" }

[sources.pushes]
type = "actionkit.push"

[transforms.mapped]
type = "map_fields"
inputs = ["form", "events", "gifts", "pushes"]
fields = { first_name = "raw.name", email = "raw.email", phone = "raw.phone" }

[transforms.phones]
type = "normalise_phone"
inputs = ["mapped"]

[transforms.one_each]
type = "dedupe_phone"
inputs = ["phones"]

[sinks.crm]
type = "http"
inputs = ["phones"]
url = "URL/records"

[sinks.file]
type = "jsonl"
inputs = ["mapped", "one_each"]
path = "records.jsonl"
"""
)
GIFTS_LOGIN = basic("actblue", "long enough for a test")

MARK = "hostile9"
BAD_WORDS = (
    f"</script><script>{MARK}()</script>",
    f"\"'><img src=x onerror={MARK}()>",
    f"javascript:{MARK}()",
    f"{MARK}\r\nSet-Cookie: session={MARK}\r\n\r\n<script>{MARK}()</script>",
    f"{MARK}\u0000\u202e\x1b[2J\u2028",
    f"{{{{ {MARK}.__class__ }}}}{{% raw %}}",
    f"../../../../etc/passwd?{MARK}#",
)


def bodies() -> Iterator[tuple[str, Any]]:
    """(source, body): one of each shape that each source takes, and nothing bad in it yet."""
    person = {
        "given_name": "Rosa",
        "family_name": "Luz",
        "email_addresses": [{"address": "rosa@example.org", "status": "subscribed", "primary": True}],
        "phone_numbers": [{"number": "5035550144", "status": "subscribed"}],
        "postal_addresses": [
            {"address_lines": ["1 Elm St"], "locality": "Salem", "region": "OR", "postal_code": "97201"}
        ],
        "custom_fields": {"Shirt size": "M"},
        "languages_spoken": ["en"],
    }
    for kind in ("signature", "attendance", "submission", "donation", "outreach"):
        resource = {
            "identifiers": ["action_network:5a1f0c9e-1111-4444-8888-000000000001"],
            "created_date": "2026-05-02T11:00:09Z",
            "comments": "no comment",
            "amount": "5.00",
            "recipients": [{"display_name": "Fund", "amount": "5.00"}],
            "action_network:referrer_data": {"source": "mail", "website": "https://example.org"},
            "person": person,
            "add_tags": ["volunteer"],
            "_links": {
                "self": {"href": f"https://actionnetwork.org/api/v2/{kind}s/1"},
                "osdi:person": {"href": "https://actionnetwork.org/api/v2/people/5a1f0c9e-1111-4444-8888-000000000002"},
                "osdi:petition": {"href": "https://actionnetwork.org/api/v2/petitions/x"},
            },
        }
        yield (
            "events",
            [{f"osdi:{kind}": resource, "action_network:sponsor": {"title": "A", "url": "https://a.example"}}],
        )
    yield "gifts", gift()
    yield "gifts", refund()
    yield "gifts", cancellation()
    action = {
        "id": 5001,
        "type": "Petition",
        "page": "/rest/v1/petitionpage/1/",
        "source": "mail",
        "fields": {"a": "b"},
    }
    user = {"id": 7, "email": "rosa@example.org", "first_name": "Rosa", "fields": {"a": "b"}, "phones": ["5035550144"]}
    yield "pushes", {"type": "action", "timestamp": "2026-05-02T11:00:09Z", "action": action, "user": user}
    yield (
        "form",
        [{"id": "1", "name": "Rosa", "email": "rosa@example.org", "phone": "5035550144", "extra": {"a": ["b"]}}],
    )
    yield "form", [{"id": "2", "name": ["no text"]}]


def poisoned(value: Any, word: str, *, is_whole: bool) -> Any:
    """With the word in place of every string, or after it; names of unknown fields too."""
    if isinstance(value, str):
        return word if is_whole else f"{value}{word}"
    if isinstance(value, list):
        return [poisoned(one, word, is_whole=is_whole) for one in value]
    if isinstance(value, dict):
        return {name: poisoned(one, word, is_whole=is_whole) for name, one in value.items()} | {word: word}
    return value


def hostile_bodies() -> Iterator[tuple[str, Any]]:
    """Every body with every bad word for each string, and behind each; and with one in each string alone."""
    for source, body in bodies():
        for word in BAD_WORDS:
            yield source, poisoned(body, word, is_whole=True)
            yield source, poisoned(body, word, is_whole=False)
        for spoilt in _one_at_a_time(body, BAD_WORDS[1]):
            yield source, spoilt


def _one_at_a_time(value: Any, word: str) -> Iterator[Any]:
    """The body with the word in place of one string, for each of them: what is read of it stays readable."""
    if isinstance(value, str):
        yield word
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, part in parts:
        for changed in _one_at_a_time(part, word):
            copy = value.copy()
            copy[place] = changed
            yield copy


class Sender:
    """Sends to the webhooks of a daemon, with what each source wants to see."""

    def __init__(self, daemon: Daemon, key: KeyCreated, session: aiohttp.ClientSession) -> None:
        self._daemon = daemon
        self._session = session
        self._logins = {"gifts": GIFTS_LOGIN, "pushes": basic(key.account_id, key.secret)}

    async def send(self, source: str, body: Any, headers: Mapping[str, str] | None = None) -> int:
        """The status it is answered with."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        sent = {"Content-Type": "application/json", **self._logins.get(source, {}), **(headers or {})}
        async with self._session.post(webhook_url(self._daemon, source), data=content, headers=sent) as response:
            await response.read()
            return response.status


@asynccontextmanager
async def attacked(directory: Path, url: str) -> AsyncIterator[tuple[Daemon, Sender]]:
    """A daemon with every kind of webhook, whose HTTP sink posts to this address."""
    pipeline = PIPELINE.replace("URL", url)
    write_config(directory, pipeline)
    key = await ask(directory, KEYS_CREATE, NameKey("actionkit"))
    async with running(pipeline, directory) as daemon, new_session() as session:
        await until(lambda: daemon.supervisor.running_sources["pushes"].state == "running")
        yield daemon, Sender(daemon, key, session)


async def is_processed(daemon: Daemon) -> None:
    """Wait until everything that was accepted has become deliveries or dead letters."""
    inbox, processor = daemon.supervisor.inbox, daemon.supervisor.processor
    await until(lambda: not (len(inbox) or inbox.is_behind or processor.in_hand), deadline_s=15)


async def is_quiet(daemon: Daemon) -> None:
    """Wait until all of it has been delivered, too."""
    await is_processed(daemon)
    await until(lambda: all(sink.is_idle for sink in daemon.supervisor.sinks.values()), deadline_s=15)
