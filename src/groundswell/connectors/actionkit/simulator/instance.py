"""One simulated ActionKit without the HTTP around it: in which order a request is checked, and its answer."""

from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct
from multidict import MultiMapping

from groundswell.clock import Clock
from groundswell.connectors.actionkit.simulator.calls import actblue, uploads
from groundswell.connectors.actionkit.simulator.calls.answers import Answer, Call, Json, RefusedCallError
from groundswell.connectors.actionkit.simulator.calls.api import answer, is_open
from groundswell.connectors.actionkit.simulator.calls.bodies import read_body
from groundswell.connectors.actionkit.simulator.content import fill
from groundswell.connectors.actionkit.simulator.faults import Fault, FaultRates, Faults
from groundswell.connectors.actionkit.simulator.logins import Logins
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.connectors.actionkit.simulator.state.catalogue import LOOSE, RESOURCES
from groundswell.connectors.actionkit.simulator.state.database import ConstraintError
from groundswell.connectors.actionkit.simulator.state.world import SECRET, World

USER: Final = "groundswell"
PASSWORD: Final = "simulator-password"  # noqa: S105 - of nothing
CHALLENGE: Final = 'Basic Realm="django-tastypie"'
TRY_LATER: Final = {"error": "Sorry, this request could not be processed. Please try again later."}
_WORDS: Final = frozenset(
    (*RESOURCES, *LOOSE, "schema", "upload", "report", "run", "sql", "background", "download", "backgroundtask",
     "logintoken", "location", "userpublic", "eraser", "usermerge", "reverse", "cancel", "donationpush",
     "recurringpaymentpush", "profileupdatepush", "profilecancelpush", "event_search", "copy", "rebuild", "queue",
     "status", "progress", "proofs")
)  # fmt: skip
_DEPTH_SHOWN: Final = 4


class Arrived(Struct, frozen=True):
    """A request, read."""

    method: str
    path: str
    """Below the root of the API, with the slash it ended in."""
    query: MultiMapping[str]
    body: bytes = b""
    content_type: str = "application/json"
    authorization: str | None = None
    ip: str = "127.0.0.1"
    form: Json | None = None
    """The fields of a multipart body."""
    upload: bytes | None = None
    wants: str = "json"
    is_in_time: bool = True
    """False: too many others are in progress."""
    is_actblue: bool = False
    """It came to the receiver of ActBlue's webhooks, which is outside of the API."""


class Outcome(Struct, frozen=True):
    """What a request is answered."""

    status: int
    answer: Answer = Answer()
    headers: dict[str, str] = {}
    fault: Fault | None = None


class Instance:
    """`world` is its state, `faults` what goes wrong; `take` answers a request."""

    def __init__(
        self,
        *,
        users: int,
        seed: int,
        clock: Clock,
        behaviour: Behaviour | None = None,
        rates: FaultRates | None = None,
        user: str = USER,
        password: str = PASSWORD,
        secret: str = SECRET,
    ) -> None:
        self.world = World(seed=seed, clock=clock, behaviour=behaviour, secret=secret)
        self.faults = Faults(Random(f"faults {seed}"), rates)
        self.logins = Logins(self.world, user, password)
        fill(self.world, users)

    def take(self, arrived: Arrived) -> Outcome:
        """Check a request, and do what it asks."""
        counts = self.world.counts
        parts = tuple(part for part in arrived.path.split("/") if part)
        counts.by_call[_label(arrived.method, parts)] += 1
        outcome = self._checked(arrived, parts)
        if outcome.fault is None or not outcome.fault.is_cut:
            counts.statuses[outcome.status] += 1
        return outcome

    def settle(self) -> None:
        """Do what is due by now, as each request does first."""
        uploads.work(self.world)

    def _checked(self, arrived: Arrived, parts: tuple[str, ...]) -> Outcome:
        if not arrived.is_in_time:
            self.world.counts.refused += 1
            return Outcome(429, Answer(body={"error": "Too many simultaneous requests."}), self._wait_header(429))
        self.settle()
        fault = self.faults.next(arrived.method, f"{arrived.path}?{_query(arrived.query)}")
        if fault is not None:
            self.world.counts.faults[fault.word] += 1
            if not fault.is_done:
                status = fault.status or 500
                return Outcome(status, Answer(body=TRY_LATER), self._wait_header(status), fault)
        outcome = self._answered(arrived, parts)
        if fault is None:
            return outcome
        if fault.status is not None:
            return Outcome(fault.status, Answer(body=TRY_LATER), fault=fault)
        return Outcome(outcome.status, outcome.answer, outcome.headers, fault)

    def _wait_header(self, status: int) -> dict[str, str]:
        wait_s = self.world.behaviour.retry_after_s
        return {"Retry-After": f"{wait_s:g}"} if status == 429 and wait_s is not None else {}

    def _answered(self, arrived: Arrived, parts: tuple[str, ...]) -> Outcome:
        is_anybodys = not arrived.is_actblue and is_open(arrived.method, parts)
        login = self.logins.check(arrived.authorization, is_open=is_anybodys)
        if login == "locked" and not is_anybodys:
            text = "This account is locked after too many failed logins. Please wait and try again later."
            return Outcome(403, Answer(body={"error": text}))
        if login != "good" and not is_anybodys:
            return Outcome(401, headers={"WWW-Authenticate": CHALLENGE})
        if not arrived.path.endswith("/") and parts and not arrived.is_actblue:
            if arrived.method in ("GET", "HEAD"):
                return self._redirect(301, arrived, parts)
            if self.world.behaviour.redirects_writes:
                return self._redirect(308, arrived, parts)
        try:
            call = _call(arrived, parts, is_staff=login == "good")
            with self.world.db.changing():
                done = actblue.receive(self.world, call) if arrived.is_actblue else answer(self.world, call)
        except RefusedCallError as exc:
            body = _errors_as(exc.body, self.world.behaviour.errors_are)
            return Outcome(exc.status, Answer(exc.status, body, exc.location))
        except ConstraintError as exc:
            return Outcome(400, Answer(400, {"error": f"A value is missing or of the wrong kind: {exc}."}))
        return Outcome(done.status, done)

    def _redirect(self, status: int, arrived: Arrived, parts: tuple[str, ...]) -> Outcome:
        query = _query(arrived.query)
        to = f"/rest/v1/{'/'.join(parts)}/{'?' if query else ''}{query}"
        return Outcome(status, Answer(status, location=to))


def _call(arrived: Arrived, parts: tuple[str, ...], *, is_staff: bool) -> Call:
    """Raises RefusedCallError: the body cannot be read."""
    content_type = "application/json" if arrived.is_actblue else arrived.content_type
    return Call(
        method="GET" if arrived.method == "HEAD" else arrived.method,
        path=parts,
        query=arrived.query,
        body=arrived.form if arrived.form is not None else read_body(arrived.body, content_type),
        is_staff=is_staff,
        ip=arrived.ip,
        wants=arrived.wants,
        upload=arrived.upload,
    )


def _errors_as(body: Any, shape: str) -> Any:
    """Under `errors`, where it is there, another shape of the same texts."""
    if shape == "fields" or not isinstance(body, dict) or not isinstance(body.get("errors"), dict):
        return body
    texts = [text for many in body["errors"].values() for text in many]
    return {"errors": texts if shape == "list" else " ".join(texts)}


def _query(query: MultiMapping[str]) -> str:
    return urlencode(list(query.items()))


def _label(method: str, parts: tuple[str, ...]) -> str:
    """The call without the ids in it: "GET user/*". What is no word of theirs is an id."""
    words = [part if part in _WORDS else "*" for part in parts[:_DEPTH_SHOWN]]
    return f"{method} {'/'.join(words)}".strip()
