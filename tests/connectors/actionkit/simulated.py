"""A simulated ActionKit without the HTTP around it, and what tests ask of it."""

from random import Random
from typing import Any

import msgspec
from multidict import MultiDict

from groundswell.connectors.actionkit.simulator.calls.answers import Json
from groundswell.connectors.actionkit.simulator.control import Control
from groundswell.connectors.actionkit.simulator.faults import FaultRates
from groundswell.connectors.actionkit.simulator.instance import PASSWORD, USER, Arrived, Instance, Outcome
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.connectors.actionkit.simulator.state.database import Row
from tests.virtual_time import VirtualClock

AUTHORIZATION = "Basic Z3JvdW5kc3dlbGw6c2ltdWxhdG9yLXBhc3N3b3Jk"
assert (USER, PASSWORD) == ("groundswell", "simulator-password")


class Desk:
    """Calls an instance, in virtual time."""

    def __init__(self, users: int = 0, rates: FaultRates | None = None, **behaviour: Any) -> None:
        self.clock = VirtualClock()
        switches = msgspec.convert(msgspec.structs.asdict(Behaviour()) | behaviour, Behaviour)
        self.instance = Instance(users=users, seed=1, clock=self.clock, behaviour=switches, rates=rates)
        self.world = self.instance.world
        self.world.root = "http://simulated"
        self.control = Control(self.instance, Random("control"))

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        authorization: str | None = AUTHORIZATION,
        form: Json | None = None,
        upload: bytes | None = None,
        wants: str = "json",
        query: dict[str, Any] | None = None,
    ) -> Outcome:
        arrived = Arrived(
            method=method,
            path=path,
            query=MultiDict([(name, str(value)) for name, value in (query or {}).items()]),
            body=b"" if body is None else msgspec.json.encode(body),
            authorization=authorization,
            form=form,
            upload=upload,
            wants=wants,
        )
        return self.instance.take(arrived)

    def get(self, path: str, **query: Any) -> Json:
        outcome = self.call("GET", path, query=query)
        assert outcome.status == 200, outcome
        body: Json = outcome.answer.body
        return body

    def objects(self, path: str, **query: Any) -> list[Json]:
        found: list[Json] = self.get(path, **query)["objects"]
        return found

    def post(self, path: str, body: Any = None, status: int = 201) -> Outcome:
        outcome = self.call("POST", path, body or {})
        assert outcome.status == status, outcome
        return outcome

    def make(self, path: str, body: Any) -> str:
        """The address of what was made, below the API."""
        location = self.post(path, body).answer.location
        assert location is not None
        return location.partition("/rest/v1/")[2]

    def act(self, page: str = "signup", status: int = 201, **parameters: Any) -> Json:
        """The body of what an action is answered."""
        body: Json = self.post("action/", {"page": page, **parameters}, status).answer.body
        return body

    def refused(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        outcome = self.call(method, path, body, query=query)
        assert outcome.status >= 400, outcome
        return outcome.status, outcome.answer.body

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self.world.db.rows(sql, *values)

    def sql(self, query: str, **more: Any) -> list[list[Any]]:
        rows: list[list[Any]] = self.post("report/run/sql/", {"query": query, "refresh": True, **more}, 200).answer.body
        return rows


def id_of(uri: str) -> int:
    return int(uri.rstrip("/").rpartition("/")[2])
