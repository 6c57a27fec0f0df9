"""Accounts connected, disconnected and in trouble: a real daemon between an Action Network and an ActionKit."""

import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from groundswell.connectors.action_network.polling import rounds
from groundswell.connectors.action_network.simulator import server as network_server
from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.actionkit.simulator import server as actionkit_server
from groundswell.connectors.actionkit.simulator.faults import FaultRates
from groundswell.connectors.actionkit.simulator.logins import Logins
from groundswell.errors import GroundswellError
from groundswell.ops.account_messages import AccountStatus, AccountTold, AskConnect, NameAccount
from groundswell.ops.client import OpsError
from groundswell.ops.messages import AskBackfill, NameComponent, NameKey, Nothing, moment
from groundswell.ops.operations import ACCOUNTS, BACKFILL, CONNECT, DISCONNECT, KEYS_CREATE, PAUSE, RESUME, STATUS
from groundswell.runtime.daemon import Daemon
from tests.in_step import SkippingClock
from tests.pipelines.ops_pipeline import ask, call
from tests.running import FREE_PORTS, basic, post, running, until, write_config

PEOPLE = 60
WRONG = "a-password-that-is-wrong"
PIPELINE = (
    FREE_PORTS
    + """
[accounts.net]
type = "action_network"
connect = true
base_url = "NETWORK"
rate = "1000/s"

[accounts.kit]
type = "actionkit"
connect = true
rate = "1000/s"

[sources.people]
type = "action_network.poll"
account = "net"
collections = ["people"]
every = "50ms"

[sinks.users]
type = "actionkit.users"
inputs = ["people"]
account = "kit"
create_users = true
settle = "0ms"

[sinks.file]
type = "jsonl"
inputs = ["people"]
path = "people.jsonl"
"""
)


@dataclass
class Both:
    """The two vendors, a directory, and what operators do there."""

    kit: actionkit_server.Server
    network: network_server.Server
    directory: Path
    clock: SkippingClock

    @property
    def text(self) -> str:
        return PIPELINE.replace("NETWORK", self.network.base_url)

    @asynccontextmanager
    async def running(self, text: str | None = None) -> AsyncIterator[Daemon]:
        async with running(text or self.text, self.directory, clock=self.clock) as daemon:
            yield daemon

    def kit_values(self, password: str | None = None) -> dict[str, Any]:
        return {"host": self.kit.root, "username": self.kit.user, "password": password or self.kit.password}

    async def connect_kit(self, password: str | None = None, **options: Any) -> AccountTold:
        return await ask(self.directory, CONNECT, AskConnect("kit", self.kit_values(password), **options))

    async def connect_net(self) -> AccountTold:
        return await ask(self.directory, CONNECT, AskConnect("net", {"token": self.network.key}))

    async def disconnect(self, name: str) -> AccountTold:
        return await ask(self.directory, DISCONNECT, NameAccount(name))

    async def account(self, name: str) -> AccountStatus:
        (found,) = [one for one in (await ask(self.directory, ACCOUNTS, Nothing())).accounts if one.name == name]
        return found

    async def until_state(self, name: str, state: str, cause: str | None = None) -> AccountStatus:
        with anyio.fail_after(15):
            while True:
                found = await self.account(name)
                if (found.state, found.cause) == (state, cause):
                    return found
                await anyio.sleep(0.02)

    def emails(self) -> list[str]:
        """Of all users at ActionKit."""
        return [row["email"] for row in self.kit.control.rows("SELECT email FROM core_user")]

    def change_password(self, password: str) -> None:
        """As staff do at the vendor."""
        self.kit.instance.logins = Logins(self.kit.world, self.kit.user, password)

    def state_bytes(self) -> bytes:
        """All that is on disk, the log and the index of it too."""
        return b"".join(path.read_bytes() for path in sorted(self.directory.glob("groundswell.db*")) if path.is_file())


@asynccontextmanager
async def vendors(directory: Path) -> AsyncIterator[Both]:
    many = Behaviour(calls_per_s=10_000)
    async with (
        actionkit_server.simulator() as kit,
        network_server.simulator(people=PEOPLE, records=0, behaviour=many) as network,
    ):
        both = Both(kit, network, directory, SkippingClock())
        write_config(directory, both.text)
        yield both


@pytest.fixture(autouse=True)
def _looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pollers wait for what shows late; this simulator shows everything at once."""
    monkeypatch.setattr(rounds, "SETTLED_S", -2)


async def test_nothing_flows_before_and_everything_after_an_account_is_connected(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both, both.running() as daemon:
        assert daemon.supervisor.states() == {"people": "not_connected", "users": "not_connected", "file": "running"}
        assert (await both.account("kit")).state == (await both.account("net")).state == "not_connected"
        assert (await both.connect_net()).state == "connected"
        await until(lambda: daemon.supervisor.sinks["users"].waiting == PEOPLE)
        assert both.kit.counts.by_call.total() == 0
        told = await both.connect_kit()
        assert (told.ok, told.state) == (True, "connected")
        await until(lambda: len(both.emails()) == PEOPLE and daemon.supervisor.sinks["users"].waiting == 0)
        assert len(set(both.emails())) == PEOPLE
        kit = await both.account("kit")
        assert (kit.state, kit.to_do, kit.last_error) == ("connected", None, None)
        assert kit.last_good_at is not None
        assert kit.since is not None
        assert kit.connected_at is not None


async def test_a_wrong_password_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both, both.running() as daemon:
        with pytest.raises(OpsError) as refused:
            await both.connect_kit(WRONG)
        assert refused.value.status == 409
        assert "kit is not connected with this, and nothing was kept" in str(refused.value)
        assert WRONG not in str(refused.value)
        assert await daemon.store.connections() == {}
        assert daemon.supervisor.states()["users"] == "not_connected"
        tried = await both.connect_kit(WRONG, try_only=True)
        assert (tried.ok, tried.state) == (False, "not_connected")
        assert (await both.connect_kit(try_only=True)).ok
        assert await daemon.store.connections() == {}


async def test_without_a_check_whatever_is_given_is_kept_and_the_state_says_how_it_goes(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both, both.running():
        await both.connect_net()
        told = await both.connect_kit(WRONG, check=False)
        assert (told.ok, told.message) == (True, "not tried")
        kit = await both.until_state("kit", "connection_error", "credentials")
        assert kit.to_do is not None
        assert "groundswell connect kit" in kit.to_do


async def test_disconnecting_in_the_middle_and_reconnecting_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both, both.running() as daemon:
        await both.connect_net()
        await both.connect_kit()
        await until(lambda: len(both.emails()) >= 10)
        told = await both.disconnect("kit")
        assert told.state == "not_connected"
        calls, there = both.kit.counts.by_call.total(), len(both.emails())
        assert 10 <= there < PEOPLE
        assert daemon.supervisor.states()["users"] == "not_connected"
        await until(lambda: daemon.supervisor.sinks["users"].waiting == PEOPLE - there)
        await both.disconnect("net")
        assert both.kit.counts.by_call.total() == calls
        cursor = await daemon.store.cursor("people")
        assert (await daemon.store.connections())["kit"].credentials is None
        await both.connect_kit()
        await until(lambda: len(both.emails()) == PEOPLE)
        looks = both.network.counts.by_call["GET people"]
        await both.connect_net()
        await until(lambda: both.network.counts.by_call["GET people"] > looks + 2)
        assert cursor is not None
        accepted = daemon.metrics.totals()["people"]["accepted"]
        assert accepted == len(set(both.emails())) == len(both.emails()) == PEOPLE


async def test_disconnected_stays_so_over_a_restart_and_a_reload_and_may_be_connected_between(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both:
        async with both.running():
            await both.connect_net()
            await both.connect_kit()
        since = (await both.account("kit")).since
        async with both.running() as daemon:
            assert (await both.account("kit")).since == since
            await both.disconnect("kit")
            write_config(tmp_path, both.text.replace('every = "50ms"', 'every = "60ms"'))
            assert (await daemon.reload()).error is None
            assert daemon.supervisor.states() == {"people": "running", "users": "not_connected", "file": "running"}
        assert (await both.account("kit")).state == "not_connected"
        assert (await both.account("net")).state == "connected"
        assert (await both.connect_kit()).state == "connected"  # no daemon runs
        async with both.running() as daemon:
            await until(lambda: len(both.emails()) == PEOPLE)


async def test_a_password_changed_at_the_vendor_is_a_connection_error_until_it_is_connected_anew(
    tmp_path: Path,
) -> None:
    async with vendors(tmp_path) as both, both.running() as daemon:
        await both.connect_kit()
        both.change_password("another-password")
        await both.connect_net()
        kit = await both.until_state("kit", "connection_error", "credentials")
        assert kit.last_error is not None
        assert kit.last_error_at is not None
        assert "401" in kit.last_error
        status = await ask(tmp_path, STATUS, Nothing())
        assert any(line.startswith("account kit: it is refused") for line in status.attention)
        metrics = (await call(daemon, "GET", "/metrics")).body.decode()
        assert 'groundswell_account_state{account="kit",state="connection_error"} 1.0' in metrics
        assert (await ask(tmp_path, CONNECT, AskConnect("kit", None, try_only=True))).ok is False
        await both.connect_kit("another-password")
        await until(lambda: len(both.emails()) == PEOPLE)
        await both.until_state("kit", "connected")


async def test_a_password_that_becomes_right_again_goes_on_at_once_when_connected_anew(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both, both.running():
        await both.connect_kit()
        both.change_password("another-password")
        await both.connect_net()
        await both.until_state("kit", "connection_error", "credentials")
        both.change_password(both.kit.password)
        await both.connect_kit()  # with what it has: nothing waits for the next probe all the same
        await until(lambda: len(both.emails()) == PEOPLE)


async def test_a_vendor_that_is_down_is_a_connection_error_that_clears_itself(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both, both.running():
        await both.connect_kit()
        both.kit.faults.rates = FaultRates(unavailable=1.0)
        await both.connect_net()
        kit = await both.until_state("kit", "connection_error", "temporary")
        assert kit.to_do is not None
        assert kit.to_do.startswith("nothing needs to be done: it clears itself")
        assert not any(line.startswith("account kit:") for line in (await ask(tmp_path, STATUS, Nothing())).attention)
        both.kit.faults.rates = FaultRates()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(both.clock.hurry)
            kit = await both.until_state("kit", "connected")
            tasks.cancel_scope.cancel()
        assert kit.last_error is not None, "what was is told on"
        assert kit.to_do is None


async def test_a_restart_does_not_take_an_error_for_over(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both:
        async with both.running():
            await both.connect_kit()
            both.change_password("another-password")
            await both.connect_net()
            before = await both.until_state("kit", "connection_error", "credentials")
            await both.disconnect("net")
        async with both.running():
            kit = await both.account("kit")
            assert (kit.state, kit.since) == ("connection_error", before.since)


async def test_no_credential_is_on_disk_in_clear_nor_told_by_anybody(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both:
        with capture_logs() as lines:
            async with both.running() as daemon:
                await both.connect_net()
                await both.connect_kit()
                await until(lambda: len(both.emails()) == PEOPLE)
                told = [await call(daemon, "GET", path) for path in ("/api/status", "/api/accounts", "/metrics")]
                while_running = both.state_bytes()
        said = repr((lines, told))
        assert b"actionkit" in while_running, "it is the right file, and the log with it"
        for secret in (both.kit.password, both.network.key):
            assert secret.encode() not in while_running
            assert secret.encode() not in both.state_bytes()
            assert secret not in said
        assert stat.S_IMODE((tmp_path / "groundswell.db.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("harm", ["open to others", "another", "gone", "garbage"])
async def test_a_key_that_does_not_do_leaves_the_account_not_connected_and_the_daemon_up(
    tmp_path: Path, harm: str
) -> None:
    key = tmp_path / "groundswell.db.key"
    async with vendors(tmp_path) as both:
        await both.connect_net()
        await both.connect_kit()
        kept = key.read_text()
        match harm:
            case "open to others":
                key.chmod(0o640)
            case "another":
                key.write_text("00" * 32)
            case "gone":
                key.unlink()
            case "garbage":
                key.write_text("no key")
        async with both.running() as daemon:
            assert daemon.supervisor.states() == {
                "people": "not_connected",
                "users": "not_connected",
                "file": "running",
            }
            kit = await both.account("kit")
            assert kit.state == "not_connected"
            assert kit.to_do is not None
            assert str(key) in kit.to_do
            assert {"open to others": "chmod 600", "another": "another key sealed them"}.get(harm, "put") in kit.to_do
            key.write_text(kept)
            key.chmod(0o600)
            assert (await daemon.reload()).error is None
            await until(lambda: len(both.emails()) == PEOPLE)


async def test_a_key_of_the_configuration_is_used_and_no_file_is_made(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both:
        (tmp_path / "sealing").write_text(os.urandom(32).hex())
        (tmp_path / "sealing").chmod(0o600)
        text = both.text + '[daemon]\nkey = { file = "sealing" }\n'
        async with both.running(text):
            await both.connect_kit()
        assert not (tmp_path / "groundswell.db.key").exists()
        async with both.running(text):
            assert (await both.account("kit")).state == "connected"
        async with both.running():
            kit = await both.account("kit")
            assert (kit.state, "is not there" in str(kit.to_do)) == ("not_connected", True)


async def test_an_account_in_the_configuration_is_disconnected_and_connected_again_too(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both:
        text = both.text.replace("connect = true\nbase_url", f'token = "{both.network.key}"\nbase_url')
        async with both.running(text) as daemon:
            await until(lambda: daemon.supervisor.sinks["users"].waiting == PEOPLE)
            told = await both.disconnect("net")
            assert told.message == "its credentials stay in the configuration"
            assert daemon.supervisor.states()["people"] == "not_connected"
            with pytest.raises(OpsError, match="stand in the configuration"):
                await ask(tmp_path, CONNECT, AskConnect("net", {"token": "x"}))
        async with both.running(text) as daemon:
            net = await both.account("net")
            assert (net.state, net.can_connect, net.settings) == ("not_connected", False, [])
            assert (await ask(tmp_path, CONNECT, AskConnect("net"))).state == "connected"
            assert daemon.supervisor.states()["people"] == "running"


async def test_an_account_says_what_it_asks_for_who_uses_it_and_what_was_fetched_again(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both, both.running():
        kit, net = await both.account("kit"), await both.account("net")
        asked = {one.name: (one.is_secret, one.is_required, one.is_given) for one in kit.settings}
        assert asked == {
            "host": (False, True, False),
            "username": (False, True, False),
            "password": (True, True, False),
            "rate": (False, False, True),
            "at_once": (False, False, False),
            "timeout": (False, False, False),
        }
        assert all(one.description for one in kit.settings)
        assert [use.name for use in kit.uses] == ["users"]
        assert [use.name for use in net.uses] == ["people"]
        with pytest.raises(OpsError, match="its account net is not connected"):
            await ask(tmp_path, BACKFILL, AskBackfill("people", since=moment(0)))
        await both.connect_net()
        await ask(tmp_path, BACKFILL, AskBackfill("people", since=moment(0)))
        for name in ("kit", "net"):  # what an account was sent of the past came from the sources its sinks take from
            (history,) = (await both.account(name)).history
            assert (history.source, history.since) == ("people", moment(0))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"host": "h.example.org", "username": "u"}, "password: is missing"),
        ({"host": "h.example.org", "username": "u", "password": ""}, "password: is empty"),
        ({"host": "h.example.org", "username": "u", "password": {"file": "/etc/shadow"}}, "password: is not a secret"),
        ({"host": "https://x/y", "username": "u", "password": "p"}, "host: holds a path"),
        ({"host": "h.example.org", "username": "u", "password": "p", "rate": "1/s"}, "rate: stands in the configurat"),
        ({"host": "h.example.org", "username": "u", "password": "p", "pasword": "p"}, '"pasword": is not a setting'),
    ],
    ids=["missing", "empty", "a file of the daemon's", "not a host", "given twice", "unknown"],
)
async def test_what_does_not_fit_is_refused_before_anybody_is_called(
    tmp_path: Path, values: dict[str, Any], problem: str
) -> None:
    async with vendors(tmp_path) as both, both.running():
        with pytest.raises(OpsError) as refused:
            await ask(tmp_path, CONNECT, AskConnect("kit", values))
        assert problem in str(refused.value)
        assert both.kit.counts.by_call.total() == 0


async def test_what_comes_to_stand_in_the_file_later_wins(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both:
        await both.connect_kit()
        text = both.text.replace('"actionkit"\nconnect = true', '"actionkit"\nconnect = true\nusername = "nobody"')
        async with both.running(text) as daemon:
            settings = daemon.supervisor.config.accounts["kit"].settings
            assert (settings.username, settings.password.reveal()) == ("nobody", both.kit.password)


async def test_what_is_kept_for_another_type_is_not_used(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both:
        await both.connect_net()
        swapped = both.text.replace('"net"', '"x"').replace('"kit"', '"net"').replace('"x"', '"kit"')
        swapped = swapped.replace("[accounts.net]", "[accounts.x]").replace("[accounts.kit]", "[accounts.net]")
        async with both.running(swapped.replace("[accounts.x]", "[accounts.kit]")):
            net = await both.account("net")
            assert net.state == "not_connected"
            assert 'as an account of type "action_network"' in str(net.to_do)


async def test_an_account_the_configuration_no_longer_has_is_shown_until_it_is_forgotten(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both:
        await both.connect_kit()
        before, _, after = both.text.partition("[accounts.kit]")
        without = before + after[after.index("[sources.people]") :]
        sink = without.index("[sinks.users]"), without.index("[sinks.file]")
        async with both.running(without[: sink[0]] + without[sink[1] :]) as daemon:
            kit = await both.account("kit")
            assert (kit.type, kit.state) == (None, "not_connected")
            assert "groundswell disconnect kit" in str(kit.to_do)
            await both.disconnect("kit")
            assert await daemon.store.connections() == {}
            with pytest.raises(OpsError, match='no account is called "kit"'):
                await both.disconnect("kit")


async def test_pausing_holds_over_connecting_and_disconnecting(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both, both.running() as daemon:
        assert (await ask(tmp_path, PAUSE, NameComponent("people"))).state == "not_connected"
        await both.connect_net()
        assert daemon.supervisor.states()["people"] == "paused"
        await both.disconnect("net")
        assert (await ask(tmp_path, RESUME, NameComponent("people"))).state == "not_connected"
        await both.connect_net()
        assert daemon.supervisor.states()["people"] == "running"


async def test_without_a_state_file_there_is_nothing_to_list(tmp_path: Path) -> None:
    async with vendors(tmp_path) as both:
        with pytest.raises(GroundswellError, match="there is no state file"):
            await both.account("kit")


PUSHED = (
    FREE_PORTS
    + """
[accounts.kit]
type = "actionkit"
connect = true

[sources.pushes]
type = "actionkit.push"
account = "kit"

[sinks.file]
type = "jsonl"
inputs = ["pushes"]
path = "pushes.jsonl"

[sync.members]
account = "kit"
import_page = "import"
"""
)


async def test_what_is_pushed_is_accepted_on_where_it_says_who_and_a_sync_waits(tmp_path: Path) -> None:
    async with running(PUSHED, tmp_path) as daemon:
        assert daemon.supervisor.states() == {
            "pushes": "running",
            "file": "running",
            "members_read": "not_connected",
            "members": "running",
            "members_write": "not_connected",
        }
        key = await ask(tmp_path, KEYS_CREATE, NameKey("actionkit"))
        login = basic(key.account_id, key.secret)
        whole = {"action": {"id": 1, "page": "signup"}, "user": {"id": 7, "email": "rosa@example.org"}}
        assert (await post(daemon, "pushes", whole, headers=login))[0] == 200
        assert (await post(daemon, "pushes", {"action": {"id": 2}}, headers=login))[0] == 503
        await until(lambda: daemon.metrics.totals().get("file", {}).get("delivered") == 1)
