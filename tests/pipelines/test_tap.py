"""Looking at what comes out of a running daemon's components: by the API, by the command line, and who may."""

import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import msgspec
import pytest

from groundswell.connectors.http.simulator import Fault
from groundswell.http.client import new_session
from groundswell.ops import tap as route
from groundswell.ops.messages import AuditLines, ListAudit
from groundswell.ops.operations import AUDIT
from groundswell.runtime import taps
from groundswell.runtime.daemon import Daemon
from tests.pipelines.ops_pipeline import PASSWORD, ask, browsing, call, receiving, with_ops
from tests.running import basic, post, running, token_of, until, write_config

ROSA = {"id": 1, "zip": "97201", "phone": "+15035550144"}
READER = "only for looking"
BOTH = (f'password = "{PASSWORD}"', f'read_password = "{READER}"')

Line = dict[str, Any]


class Tapping:
    """One who looks."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def line(self) -> Line:
        """The next line."""
        with anyio.fail_after(10):
            line: Line = msgspec.json.decode(await self._response.content.readline())
            return line

    async def rest(self) -> list[Line]:
        """Every line until the daemon ends it."""
        with anyio.fail_after(10):
            return [msgspec.json.decode(line) async for line in self._response.content]


@asynccontextmanager
async def tapping(
    daemon: Daemon, query: str = "", headers: dict[str, str] | None = None, cookies: dict[str, str] | None = None
) -> AsyncIterator[Tapping]:
    """One who looks, from the first line on."""
    reached = token_of(daemon)
    sent = {"Authorization": f"Bearer {reached.token}"} if headers is None else headers
    url = f"http://{reached.address}/api/tap{query}"
    async with new_session() as session, session.get(url, headers=sent, cookies=cookies) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"] == "application/x-ndjson"
        found = Tapping(response)
        assert await found.line() == {"type": "waiting"}
        yield found


def told(lines: list[Line]) -> list[tuple[str, str, str | None]]:
    return [(line["component"], line["fate"], line["why"]) for line in lines if line["type"] == "record"]


async def acts(directory: Path) -> list[tuple[str, str, dict[str, Any], str | None]]:
    found: AuditLines = await ask(directory, AUDIT, ListAudit())
    return [(one.operation, one.way, msgspec.json.decode(one.arguments), one.outcome) for one in found.lines]


# ---- what is seen ----


async def test_a_record_is_seen_wherever_it_comes_by_and_no_data_of_anybody(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon, tapping(daemon, "?count=4") as tap:
        await post(daemon, "signups", [ROSA])
        *lines, last = await tap.rest()
    assert told(lines) == [
        ("signups", "passed", None),
        ("mapped", "passed", None),
        ("adults", "passed", None),
        ("crm", "delivered", None),
    ]
    assert last == {"type": "ended", "why": "as many as were asked for"}
    assert lines[3]["record"] == {
        "id": "signups:1@dc9ddb83132d55c5",
        "kind": "person",
        "source": "signups",
        "person": {"phone": "E.164(12)", "zip": "digits(5)"},
    }


async def test_what_is_dropped_fails_or_has_to_wait_is_seen_with_the_reason(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        receiver.fault = Fault(status=503)
        async with tapping(daemon, "?count=9") as tap:
            await post(daemon, "signups", [{"id": 2}, {"id": 3, "zip": ["no text"]}, ROSA])
            lines = await tap.rest()
    assert told(lines) == [
        ("signups", "passed", None),
        ("mapped", "passed", None),
        ("adults", "filtered", None),
        ("signups", "passed", None),
        ("mapped", "failed", "bad_value"),
        ("signups", "passed", None),
        ("mapped", "passed", None),
        ("adults", "passed", None),
        ("crm", "retried", "unavailable"),
    ]


async def test_one_component_or_one_kind_can_be_looked_at(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(pipeline, tmp_path) as daemon,
        tapping(daemon, "?component=crm&count=1") as crm,
        tapping(daemon, "?kind=donation&seconds=1") as gifts,
    ):
        await post(daemon, "signups", [ROSA])
        assert told(await crm.rest()) == [("crm", "delivered", None)]
        assert await gifts.rest() == [{"type": "ended", "why": "for as long as was asked for"}]


async def test_whoever_does_not_take_it_in_time_is_told_how_much_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taps, "QUEUE_RECORDS_MAX", 10)
    async with (
        receiving() as (_, pipeline),
        running(pipeline, tmp_path) as daemon,
        tapping(daemon, "?component=signups&count=10") as tap,
    ):
        await post(daemon, "signups", [{"id": n, "zip": "97201"} for n in range(40)])
        lines = await tap.rest()
        await until(lambda: daemon.metrics.totals().get("crm", {}).get("delivered") == 40)
    assert lines[0] == {"type": "dropped", "records": 30}
    assert len(told(lines)) == 10


async def test_the_end_of_the_daemon_is_the_end_of_looking(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon, tapping(daemon) as tap:
        daemon.stop()
        assert await tap.rest() == [{"type": "ended", "why": "the daemon stops"}]


async def test_whoever_goes_away_makes_room(tmp_path: Path) -> None:
    there = 0

    async def look(daemon: Daemon) -> None:
        nonlocal there
        async with tapping(daemon):
            there += 1
            await anyio.sleep_forever()

    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        async with anyio.create_task_group() as tasks:
            for _ in range(taps.TAPPERS_MAX):
                tasks.start_soon(look, daemon)
            await until(lambda: there == taps.TAPPERS_MAX)
            one_more = await call(daemon, "GET", "/api/tap")
            tasks.cancel_scope.cancel()
        await until(lambda: not daemon.supervisor.taps.are_open)
        async with tapping(daemon):
            pass
    assert (one_more.status, one_more.headers["Retry-After"]) == (503, "10")


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("?component=crn", 404, 'did you mean \\"crm\\"?'),
        ("?kind=people", 400, "kind"),
        ("?count=0", 400, ">= 1"),
        ("?seconds=99999999", 400, "<= 43200"),
        ("?compnent=crm", 400, 'did you mean \\"component\\"?'),
    ],
)
async def test_what_cannot_be_looked_at_is_refused(query: str, status: int, words: str, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        answer = await call(daemon, "GET", f"/api/tap{query}")
    assert answer.status == status
    assert words in answer.text


# ---- who may ----


async def test_personal_data_is_shown_to_whoever_may_see_it_and_that_is_written_down(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        async with tapping(daemon, "?component=crm&reveal=true&count=1") as tap:
            began = await acts(tmp_path)
            await post(daemon, "signups", [ROSA])
            line = await tap.line()
            await tap.rest()
        async with tapping(daemon):
            pass
        ended = await acts(tmp_path)
    assert line["record"]["person"] == {"phone": "+15035550144", "zip": "97201"}
    assert [act[3] for act in began] == [None]
    assert ended == [("tap", "token", {"component": "crm", "reveal": True}, "done")], "and looking at shapes is not"


async def test_whoever_may_not_see_people_sees_their_shape_only(tmp_path: Path) -> None:
    login = basic("anybody", READER)
    async with receiving() as (_, pipeline), running(with_ops(pipeline, *BOTH), tmp_path) as daemon:
        refused = await call(daemon, "GET", "/api/tap?reveal=true", login=False, headers=login)
        stranger = await call(daemon, "GET", "/api/tap", login=False)
        async with tapping(daemon, "?component=crm&count=1", login) as tap:
            await post(daemon, "signups", [ROSA])
            line = await tap.line()
        found = await acts(tmp_path)
    assert (refused.status, stranger.status) == (403, 401)
    assert "only for looking" in refused.text
    assert line["record"]["person"] == {"phone": "E.164(12)", "zip": "digits(5)"}
    assert found == []


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}], ids=str)
async def test_a_page_of_another_site_cannot_have_a_browser_look(headers: dict[str, str], tmp_path: Path) -> None:
    """A browser that remembers a Basic login sends it with any request, also one that a picture's address makes."""
    async with receiving() as (_, pipeline), running(with_ops(pipeline, *BOTH), tmp_path) as daemon:
        login = {**basic("anybody", PASSWORD), **headers}
        answer = await call(daemon, "GET", "/api/tap?reveal=true", login=False, headers=login)
        found = await acts(tmp_path)
    assert (answer.status, found) == (403, [])


async def test_looking_ends_with_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "LOOK_S", 0.05)
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, *BOTH), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        await browser.log_in()
        token = await browser.csrf()
        async with tapping(daemon, headers={}, cookies=browser.cookies()) as tap:
            assert (await browser.post("/logout", {"csrf": token})).status == 303
            await post(daemon, "signups", [ROSA])
            (last,) = await tap.rest()
    assert last["type"] == "ended"
    assert "log in again" in last["why"]


async def test_looking_ends_when_a_reload_changes_who_may_come_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "LOOK_S", 0.05)
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, *BOTH), tmp_path) as daemon,
        tapping(daemon, headers=basic("anybody", READER)) as tap,
    ):
        write_config(tmp_path, with_ops(pipeline, BOTH[0]))
        await daemon.reload()
        (last,) = await tap.rest()
    assert "who may come in was changed" in last["why"]


# ---- on the command line ----


@asynccontextmanager
async def typed(directory: Path, *arguments: str) -> AsyncIterator[anyio.abc.Process]:
    """`groundswell tap ...` as a process, from when it looks."""
    command = [sys.executable, "-m", "groundswell", "tap", *arguments, "--config", str(directory / "pipeline.toml")]
    async with await anyio.open_process(command) as process:
        yield process


async def everything(stream: Any) -> str:
    with anyio.fail_after(15):
        return b"".join([part async for part in stream]).decode()


async def test_the_command_prints_a_line_for_each_record(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(pipeline, tmp_path) as daemon,
        typed(tmp_path, "--count", "4") as process,
    ):
        await until(lambda: daemon.supervisor.taps.are_open)
        await post(daemon, "signups", [ROSA])
        out, err = await everything(process.stdout), await everything(process.stderr)
        code = await process.wait()
    lines = [line.split(" ", 1)[1] for line in out.splitlines()]
    assert lines[0] == "signups passed person signups:1@dc9ddb83132d55c5"
    assert lines[1] == "mapped passed person signups:1@dc9ddb83132d55c5 phone=E.164(12) zip=digits(5)"
    assert (len(lines), code, err) == (4, 0, "")


async def test_the_command_prints_json_and_says_that_data_is_personal(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(pipeline, tmp_path) as daemon,
        typed(tmp_path, "crm", "-n", "1", "--json", "--reveal", "--kind", "person") as process,
    ):
        await until(lambda: daemon.supervisor.taps.are_open)
        await post(daemon, "signups", [ROSA])
        out, err = await everything(process.stdout), await everything(process.stderr)
        code = await process.wait()
    (line,) = out.splitlines()
    assert msgspec.json.decode(line)["record"]["person"]["phone"] == "+15035550144"
    assert "personal data" in err
    assert code == 0


async def test_the_command_ends_well_with_ctrl_c(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(pipeline, tmp_path) as daemon,
        typed(tmp_path, "--for", "1h") as process,
    ):
        await until(lambda: daemon.supervisor.taps.are_open)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


async def test_the_command_says_that_the_daemon_ended_it(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(pipeline, tmp_path) as daemon,
        typed(tmp_path) as process,
    ):
        await until(lambda: daemon.supervisor.taps.are_open)
        daemon.stop()
        assert await everything(process.stderr) == "ended: the daemon stops\n"
        assert await process.wait() == 1


async def test_without_a_daemon_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        write_config(tmp_path, pipeline)
        async with typed(tmp_path) as process:
            assert "no groundswell runs on" in await everything(process.stderr)
            assert await process.wait() == 1
