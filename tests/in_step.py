"""A daemon that keeps a simulated ActionKit and a simulated Action Network in step, all on one clock.

async with in_step(tmp_path, actionkit=FIELDS, network=FIELDS) as it:
    number = it.user("+15035550144", first_name="Rosa", user_sms_opt_in="true")
    await it.quiet()
    assert it.person("+15035550144")["given_name"] == "Rosa"
"""

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from groundswell.clock import SystemClock
from groundswell.connectors.action_network.polling import rounds as network_rounds
from groundswell.connectors.action_network.simulator import server as network_server
from groundswell.connectors.action_network.simulator.calls.matching import sign_up
from groundswell.connectors.action_network.simulator.calls.posted import read_person
from groundswell.connectors.action_network.simulator.state import behaviour as network_behaviour
from groundswell.connectors.action_network.simulator.state.person import shown_person
from groundswell.connectors.actionkit.polling import rounds as actionkit_rounds
from groundswell.connectors.actionkit.simulator import server as actionkit_server
from groundswell.connectors.actionkit.simulator.state import behaviour as actionkit_behaviour
from groundswell.members.member import Link, Member
from groundswell.runtime.daemon import Daemon
from tests.running import running

FIELDS = {
    "first_name": "two_way",
    "last_name": "populate",
    "email": "populate",
    "zip": "populate",
    "custom.favorite_color": "two_way",
}
QUIET_WITHIN_S = 15.0
STEP_S = 0.02
"""Who sleeps looks so often whether a test has let time pass."""
HURRY = 20
ESTIMATE_CALLS = 2
"""Of one page of people: that one, and the next, which is empty."""
ROUNDS = 3
"""So many looks without a write are quiet: the first may have begun before, the third begins after the second."""


class SkippingClock(SystemClock):
    """Real time, and what a test lets pass besides."""

    skipped_s = 0.0

    def now(self) -> float:
        return super().now() + self.skipped_s

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped_s

    def skip(self, seconds: float) -> None:
        self.skipped_s += seconds

    async def hurry(self) -> None:
        """Let time pass faster, until cancelled: what is tried again some seconds later is tried again now."""
        while True:
            await anyio.sleep(STEP_S)
            self.skip(HURRY * STEP_S)

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:
            await anyio.sleep(min(left, STEP_S))


def looks_at_once(monkeypatch: pytest.MonkeyPatch, settled_s: int = -2) -> None:
    """Pollers wait for what shows late; these simulators show everything at once, and tests do not wait.

    Where many people are edited while they are read, windows must be over before they are read, or people move past the
    reader: then `settled_s` is 1.
    """
    for rounds in (actionkit_rounds, network_rounds):
        monkeypatch.setattr(rounds, "SETTLED_S", settled_s)


def account_of(kit: actionkit_server.Server, network: network_server.Server) -> str:
    return f"""
        [accounts.kit]
        type = "actionkit"
        host = "{kit.root}"
        username = "{kit.user}"
        password = "{kit.password}"
        rate = "1000/s"
        [accounts.net]
        type = "action_network"
        base_url = "{network.base_url}"
        token = "{network.key}"
        rate = "1000/s"
    """


def sync_of(name: str, account: str, settings: Mapping[str, Any]) -> str:
    """`[sync.NAME]`. `settings` holds "fields" too; tables are written inline."""
    given = {"account": account, "every": "50ms", **settings}
    lines = [f"{key} = {_toml(value)}" for key, value in given.items() if key != "fields"]
    fields = [f'"{key}" = {_toml(value)}' for key, value in given["fields"].items()]
    return "\n".join((f"[sync.{name}]", *lines, f"[sync.{name}.fields]", *fields, ""))


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return msgspec.json.encode(value).decode()


@dataclass
class InStep:
    kit: actionkit_server.Server
    network: network_server.Server
    clock: SkippingClock
    directory: Path
    text: str
    sides: tuple[bool, bool]
    """Whether ActionKit, and Action Network, is kept in step."""
    pages: int = 1
    """How many calls one round at Action Network may take to list people."""
    daemon: Daemon = field(init=False)

    # ---- what people and staff do ----

    def user(self, phone: str | None = None, *, email: str | None = None, **values: Any) -> int:
        """Somebody new at ActionKit, by the words of an action; their number."""
        email = email or f"kit{self.kit.control.users}@example.org"
        given = {"mobile_phone": phone} if phone else {}
        self.kit.control.act("signup", email=email, suppress_subscribe="1", **given, **values)
        return int(self.kit.control.rows("SELECT id FROM core_user WHERE email = ?", email)[0]["id"])

    def someone(
        self, phone: str | None = None, *, email: str | None = None, status: str | None = None, **values: Any
    ) -> str:
        """Somebody new at Action Network, in their words; their number."""
        person: dict[str, Any] = dict(values)
        if email is not None:
            person["email_addresses"] = [{"address": email}]
        if phone is not None:
            person["phone_numbers"] = [{"number": phone.removeprefix("+"), **({"status": status} if status else {})}]
        return sign_up(self.network.world, read_person(person), "signup").person.uuid

    # ---- what is there ----

    def user_of(self, number: int) -> dict[str, Any]:
        return self.kit.control.user(number)

    def person_of(self, uuid: str) -> dict[str, Any]:
        return self.network.control.person(uuid)

    def by_phone(self, phone: str) -> dict[str, Any] | None:
        """Whoever has this phone at Action Network."""
        found = self.network.world.people.now.by_phone(phone.removeprefix("+"))
        return None if found is None else shown_person(found, self.network.world.api)

    def user_by(self, email: str) -> dict[str, Any] | None:
        rows = self.kit.control.rows("SELECT id FROM core_user WHERE email = ?", email)
        return self.kit.control.user(rows[0]["id"]) if rows else None

    def member(self, phone: str) -> Member | None:
        return self.daemon.store.shelf.by_phone(phone)

    def link(self, account: str, remote_id: object) -> Link | None:
        return self.daemon.store.shelf.link(account, str(remote_id))

    def value(self, phone: str, name: str) -> str | None:
        """What is known of a member's field."""
        member = self.member(phone)
        known = None if member is None else member.fields.get(name)
        return None if known is None else known.value

    def groups(self, phone: str) -> set[str]:
        member = self.member(phone)
        return set() if member is None else self.daemon.store.shelf.groups_of(member.id)

    def ledger(self, phone: str) -> list[tuple[str, str, str, str]]:
        """What was said about texting: (before, after, words, decision), oldest first."""
        state = sqlite3.connect(f"file:{self.daemon.store.path}?mode=ro", uri=True)
        try:
            rows = state.execute(
                "SELECT before, after, words, decision FROM consents WHERE phone = ? ORDER BY id", (phone,)
            )
            return rows.fetchall()
        finally:
            state.close()

    # ---- letting it work ----

    def writes(self) -> tuple[int, int]:
        """Calls that change something: at ActionKit, at Action Network."""
        return writes_at(self.kit.counts.by_call), writes_at(self.network.counts.by_call)

    def calls(self) -> tuple[int, int]:
        """All of them: at ActionKit, at Action Network."""
        return self.kit.counts.by_call.total(), self.network.counts.by_call.total()

    def looks(self) -> tuple[int, int]:
        """Rounds so far, at least, by a call that is made once in each, or once for each page.

        Before the first, Action Network is asked how many there are.
        """
        by_page = max(0, self.network.counts.by_call["GET people"] - ESTIMATE_CALLS)
        return self.kit.counts.by_call["GET subscriptionhistory"], by_page // self.pages

    async def quiet(self, within_s: float = QUIET_WITHIN_S) -> None:
        """Return once nothing waits, and each side was looked at some times without a write."""
        with anyio.fail_after(within_s):
            while True:
                written, looks = self.writes(), self.looks()
                while not self._looked_since(looks):
                    await anyio.sleep(0.005)
                if self.writes() == written and not await self._waits():
                    return

    def _looked_since(self, looks: tuple[int, int]) -> bool:
        each = zip(self.looks(), looks, self.sides, strict=True)
        return all(now >= then + ROUNDS for now, then, is_kept in each if is_kept)

    async def _waits(self) -> bool:
        store = self.daemon.store
        waiting, _ = await store.inbox_waiting()
        return waiting > 0 or bool(await store.backlogs())


def writes_at(by_call: Mapping[str, int]) -> int:
    return sum(times for call, times in by_call.items() if not call.startswith(("GET", "POST report")))


@asynccontextmanager
async def in_step(
    directory: Path,
    *,
    actionkit: Mapping[str, Any] | None = None,
    network: Mapping[str, Any] | None = None,
    more: str = "",
    switches: Mapping[str, Any] | None = None,
) -> AsyncIterator[InStep]:
    """Both simulators, and the configuration for them; `async with running_in_step(it)` runs the daemon.

    Args:
        actionkit, network: Of the two syncs; `fields` as in the file. None: there is no such sync.
        switches: Of the simulated ActionKit.
    """
    clock = SkippingClock()
    kit_behaviour = msgspec.structs.replace(actionkit_behaviour.FRIENDLIEST, report_cache_s=0.0, **(switches or {}))
    async with (
        actionkit_server.simulator(clock=clock, behaviour=kit_behaviour) as kit,
        network_server.simulator(clock=clock, behaviour=network_behaviour.FRIENDLIEST, records=0) as net,
    ):
        syncs = []
        if actionkit is not None:
            given = {"import_page": "groundswell_import", "fields": FIELDS, **actionkit}
            syncs.append(sync_of("actionkit", "kit", given))
        if network is not None:
            syncs.append(sync_of("network", "net", {"fields": FIELDS, **network}))
        text = "\n".join(
            ['[webhooks]\nlisten = "127.0.0.1:0"\n[ops]\nlisten = "127.0.0.1:0"', account_of(kit, net), *syncs, more]
        )
        yield InStep(kit, net, clock, directory, text, (actionkit is not None, network is not None))


@asynccontextmanager
async def running_in_step(it: InStep) -> AsyncIterator[Daemon]:
    async with running(it.text, it.directory, clock=it.clock) as daemon:
        it.daemon = daemon
        it.clock.skip(2)  # limiters begin with waiting for the window before them
        yield daemon
