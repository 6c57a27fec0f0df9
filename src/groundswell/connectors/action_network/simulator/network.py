"""One simulated Action Network without the HTTP around it: in which order a request is checked, and its answer."""

from collections.abc import Mapping
from random import Random
from typing import Final

import msgspec
from msgspec import Struct

from groundswell.clock import Clock
from groundswell.connectors.action_network.simulator.background import Background
from groundswell.connectors.action_network.simulator.calls.answers import (
    Call,
    FailedPostError,
    Json,
    RefusedCallError,
)
from groundswell.connectors.action_network.simulator.calls.api import answer, can_wait, is_helper
from groundswell.connectors.action_network.simulator.calls.entry import entry_point
from groundswell.connectors.action_network.simulator.content import fill
from groundswell.connectors.action_network.simulator.faults import Fault, FaultRates, Faults
from groundswell.connectors.action_network.simulator.limits import Arrivals
from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.action_network.simulator.state.catalogue import PAGES, PLAIN, RECORDS
from groundswell.connectors.action_network.simulator.state.world import World

KEY: Final = "simulator-key"
KEY_HEADER: Final = "OSDI-API-Token"
RECORDS_PER_PAGE: Final = 60
"""On each page at the start, as far as there are people."""
_DEPTH_SHOWN: Final = 5
_WORDS: Final = frozenset(
    (*PAGES, *PLAIN, *RECORDS, "people", "taggings", "items", "embed", "send", "schedule", "metadata", "custom_fields")
)


class Arrived(Struct, frozen=True):
    """A request, read."""

    method: str
    path: str
    """Below the entry point."""
    query: Mapping[str, str]
    key: str | None
    body: bytes
    is_json: bool
    """As far as its Content-Type says."""
    is_in_time: bool = True
    """Whether it came within the limit, as `arrive` said."""


class Outcome(Struct, frozen=True):
    """What a request is answered."""

    status: int
    body: Json
    fault: Fault | None = None
    """How it is answered, where that is not properly."""
    retry_after_s: float | None = None


class Network:
    """`world` is its state, `faults` what goes wrong; `arrive` counts a request, `take` answers it."""

    def __init__(
        self,
        *,
        people: int,
        seed: int,
        clock: Clock,
        behaviour: Behaviour | None = None,
        rates: FaultRates | None = None,
        key: str = KEY,
        records: int = RECORDS_PER_PAGE,
    ) -> None:
        self.world = World(people=people, seed=seed, clock=clock, behaviour=behaviour)
        self.faults = Faults(Random(f"faults {seed}"), rates)
        self.key = key
        self._background = Background(self.world, Random(f"background {seed}"))
        self._arrivals = Arrivals()
        fill(self.world, records)

    def arrive(self, method: str, path: str) -> bool:
        """Count a request that arrives now, before its body is here; whether it is within the limit."""
        world, behaviour = self.world, self.world.behaviour
        world.counts.by_call[_label(method, _parts(path))] += 1
        return self._arrivals.arrive(
            world.clock.monotonic(), behaviour.calls_per_s, world.counts, refused_count=behaviour.refused_calls_count
        )

    def take(self, arrived: Arrived) -> Outcome:
        """Check a request, and do what it asks."""
        outcome = self._checked(arrived)
        if outcome.fault is None or not outcome.fault.is_cut:
            self.world.counts.statuses[outcome.status] += 1
        return outcome

    def settle(self) -> None:
        """Do what is due by now, as each request does first."""
        self._background.run_due()

    def _checked(self, arrived: Arrived) -> Outcome:
        self.settle()
        if not arrived.is_in_time:
            return Outcome(429, {"error": "Too many requests"}, retry_after_s=self.world.behaviour.retry_after_s)
        fault = self.faults.next(arrived.method, arrived.path)
        if fault is not None:
            self.world.counts.faults[fault.word] += 1
            if not fault.is_done:
                return Outcome(fault.status or 500, {"error": _said(fault)}, fault, fault.retry_after_s)
        call = Call(arrived.method, _parts(arrived.path), arrived.query, _json(arrived))
        outcome = self._answered(call, arrived.key)
        if fault is not None:
            return Outcome(fault.status or outcome.status, outcome.body, fault, fault.retry_after_s)
        return outcome

    def _answered(self, call: Call, key: str | None) -> Outcome:
        if not call.path and call.method == "GET":
            return Outcome(200, entry_point(self.world, is_key_good=key == self.key))
        is_blind = key is None and is_helper(call)
        if key != self.key and not is_blind:
            # Theirs shows the key it was given: whoever logs the answer logs the key (seen live).
            return Outcome(
                self.world.behaviour.bad_key_status, {"error": f"API Key invalid or not present: {key or ''}"}
            )
        if call.query.get("background_request") == "true" and can_wait(call):
            self._background.queue(call)
            return Outcome(200, {})
        try:
            body = answer(self.world, call)
        except RefusedCallError as exc:
            return Outcome(exc.status, {"error": str(exc)})
        except FailedPostError as exc:
            return self._failed(str(exc), is_blind=is_blind)
        return Outcome(200, {} if is_blind else body)

    def _failed(self, reason: str, *, is_blind: bool) -> Outcome:
        self.world.counts.silent_failures[reason] += 1
        if is_blind or self.world.behaviour.helper_failure == "empty":
            return Outcome(200, {})
        return Outcome(400, {"error": reason})


def _json(arrived: Arrived) -> object:
    if not arrived.is_json or not arrived.body:
        return None
    try:
        return msgspec.json.decode(arrived.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _label(method: str, parts: list[str]) -> str:
    """The call without the ids in it: "GET petitions/*/signatures". What is no word of theirs is an id."""
    words = [part if part in _WORDS else "*" for part in parts[:_DEPTH_SHOWN]]
    return f"{method} {'/'.join(words)}".strip()


def _said(fault: Fault) -> str:
    return "Too many requests" if fault.status == 429 else "Something went wrong"
