"""The small pipeline that the tests of the ops port run, and ways to ask about it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

from msgspec import Struct

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
