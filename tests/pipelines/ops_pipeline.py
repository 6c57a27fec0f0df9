"""The small pipeline that the tests of the ops port run, and ways to ask about it."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec
from msgspec import Struct
from yarl import URL

from groundswell.clock import SystemClock
from groundswell.connectors.http.simulator import Receiver, serving
from groundswell.http.client import new_session
from groundswell.ops import reach
from groundswell.ops.operations import Operation
from groundswell.runtime.daemon import Daemon
from tests.running import FREE_PORTS, place_in, token_of

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)

PIPELINE = (
    FREE_PORTS
    + """
[sources.signups]
type = "http.webhook"
auth = "none"
kind = "person"
id_field = "id"

[transforms.mapped]
type = "map_fields"
inputs = ["signups"]
fields = { phone = "raw.phone", zip = "raw.zip" }

[transforms.adults]
type = "filter"
inputs = ["mapped"]
where = [{ field = "zip", exists = true }]

[sinks.crm]
type = "http"
inputs = ["adults"]
url = "URL/records"
"""
)
"""People with a zip reach the CRM; a zip that is no text makes a dead letter; a person without one is filtered."""


class Answer(NamedTuple):
    """What an ops port answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, str]]:
    """A receiver for the sink, and PIPELINE with its address."""
    receiver = Receiver(SystemClock(), Random(1))
    async with serving(receiver) as url:
        yield receiver, PIPELINE.replace("URL", url)


async def ask(directory: Path, operation: Operation[Q, A], request: Q) -> A:
    """What the command line does, with the pipeline.toml of this directory."""
    return await reach.ask(place_in(directory), SystemClock(), operation, request)


async def call(
    daemon: Daemon,
    method: str,
    path: str,
    *,
    login: bool = True,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """One request to the ops port of a daemon, with its token unless not."""
    reach_it = token_of(daemon)
    sent = {"Authorization": f"Bearer {reach_it.token}"} if login else {}
    async with (
        new_session() as session,
        session.request(
            method,
            f"http://{reach_it.address}{path}",
            headers={**sent, **(headers or {})},
            data=None if body is None else BytesIO(body),
        ) as response,
    ):
        return Answer(response.status, dict(response.headers), await response.read())


PASSWORD = "correct horse battery"


def with_ops(pipeline: str, *lines: str) -> str:
    """The pipeline with more lines under [ops]."""
    return pipeline.replace("[ops]", "\n".join(("[ops]", *lines)))


class Browser:
    """A browser without JavaScript: keeps cookies, sends what browsers send, and follows nothing by itself."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self._address = address

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._send("GET", path, {"Accept": "text/html", **_named(headers)}, None)

    async def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        body = urlencode(fields).encode()
        form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
        return await self._send("POST", path, {**form, **_named(headers)}, body)

    async def send_json(self, path: str, content: object, **headers: str) -> Answer:
        """What a script of a page does."""
        return await self._send(
            "POST", path, {"Content-Type": "application/json", **_named(headers)}, msgspec.json.encode(content)
        )

    async def log_in(self, password: str = PASSWORD, **fields: str) -> Answer:
        return await self.post("/login", {"password": password, **fields})

    async def csrf(self) -> str:
        """The token of the forms of this login."""
        found = re.search(r'name="csrf" value="(\w+)"', (await self.get("/")).text)
        assert found is not None
        return found[1]

    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self._session.cookie_jar}

    async def _send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        async with self._session.request(
            method,
            URL(f"http://{self._address}{path}", encoded=True),
            headers=headers,
            data=None if body is None else BytesIO(body),
            allow_redirects=False,
        ) as response:
            return Answer(response.status, dict(response.headers), await response.read())


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    """x_csrf_token=... as X-Csrf-Token."""
    return {name.replace("_", "-").title(): value for name, value in headers.items()}


@asynccontextmanager
async def browsing(daemon: Daemon) -> AsyncIterator[Browser]:
    """A browser of its own at the daemon's dashboard."""
    jar = aiohttp.CookieJar(unsafe=True)  # takes cookies from addresses, as browsers do
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Browser(session, token_of(daemon).address)
