"""A state file that is not what it should be: a clear refusal, and nothing changed in it."""

import sqlite3
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from groundswell.store.database import APPLICATION_ID
from tests.faults.process import Process, running
from tests.faults.traffic import Sender

PATH = "/webhooks/9f86d081884c7d659a2feaa0c55ad015"
PIPELINE = """
[sources.signups]
type = "action_network.webhook"
path = "/webhooks/9f86d081884c7d659a2feaa0c55ad015"
[sinks.archive]
type = "jsonl"
inputs = ["signups"]
path = "out/records.jsonl"
"""


async def _refusal(process: Process) -> str:
    process.launch()
    assert await process.ended() == 1
    return process.log.read_text()


@pytest.mark.slow
async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    process = Process(tmp_path, PIPELINE)
    process.state.write_bytes(b"These are my notes, not a database. " * 40)
    before = process.state.read_bytes()
    said = await _refusal(process)
    assert "file is not a database" in said
    assert "move it away" in said
    assert process.state.read_bytes() == before


@pytest.mark.slow
async def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    process = Process(tmp_path, PIPELINE)
    with sqlite3.connect(process.state) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    before = process.state.read_bytes()
    assert "of some other program" in await _refusal(process)
    assert process.state.read_bytes() == before


@pytest.mark.slow
async def test_a_newer_groundswells_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    process = Process(tmp_path, PIPELINE)
    with sqlite3.connect(process.state) as newer:
        newer.execute("CREATE TABLE inbox (seq INTEGER)")
        newer.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        newer.execute("PRAGMA user_version = 999")
    newer.close()
    before = process.state.read_bytes()
    assert "written by a newer groundswell" in await _refusal(process)
    assert process.state.read_bytes() == before


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    process = Process(tmp_path, PIPELINE)
    async with running(process):
        await Sender(process.url + PATH, Random(1)).run(each=20)
        await process.drained()
        assert await process.stop() == 0
    damaged = bytearray(process.state.read_bytes())
    damaged[4096 : 3 * 4096] = Random(1).randbytes(2 * 4096)
    process.state.write_bytes(damaged)
    said = await _refusal(process)
    assert "damaged" in said or "malformed" in said
    assert "restore the last backup" in said


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_a_second_daemon_on_the_same_file_is_refused(tmp_path: Path) -> None:
    process = Process(tmp_path, PIPELINE)
    async with running(process):
        (tmp_path / "second").mkdir()
        second = Process(tmp_path / "second", PIPELINE, daemon=f'state = "{process.state}"')
        assert "another groundswell is using" in await _refusal(second)


@pytest.mark.slow
async def test_a_taken_port_is_a_clear_error(tmp_path: Path) -> None:
    process = Process(tmp_path, PIPELINE)
    async with running(process):
        (tmp_path / "second").mkdir()
        second = Process(tmp_path / "second", PIPELINE)
        second.file.write_text(second.file.read_text().replace(str(second.webhooks), str(process.webhooks)))
        said = await _refusal(second)
        assert f"127.0.0.1:{process.webhooks}" in said
        assert "address" in said.lower()


def _lose(process: Process) -> None:
    for file in process.directory.glob("groundswell.db*"):
        file.unlink()


async def _answer(session: aiohttp.ClientSession, url: str, **asked: Any) -> int | None:
    """The status; None where nobody is there any more."""
    try:
        async with session.request("POST" if asked else "GET", url, **asked) as answer:
            return answer.status
    except aiohttp.ClientError:
        return None


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_a_file_that_is_deleted_under_the_daemon_ends_it_before_more_is_acknowledged(tmp_path: Path) -> None:
    # Eight of twenty webhooks were answered 200 and lost; then the writer was dead, and all others waited for ever.
    process = Process(tmp_path, PIPELINE)
    async with running(process), aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        bodies = [{"json": [{"osdi:signature": {"identifiers": [f"action_network:{n}"]}}]} for n in range(21)]
        assert await _answer(session, process.url + PATH, **bodies[20]) == 200
        _lose(process)
        answers = [await _answer(session, process.url + PATH, **body) for body in bodies[:20]]
        ready = await _answer(session, f"http://127.0.0.1:{process.ops}/readyz")
        assert await process.ended() == 1
    assert set(answers) <= {503, None}
    assert ready in (503, None)
    said = process.log.read_text()
    assert "moved, deleted or replaced while groundswell was using it" in said
    assert "restore the last backup" in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize("is_stopped", [False, True])
async def test_an_idle_daemon_notices_too_and_does_not_end_as_if_all_were_well(
    tmp_path: Path, is_stopped: bool
) -> None:
    process = Process(tmp_path, PIPELINE)
    async with running(process):
        _lose(process)
        assert await (process.stop() if is_stopped else process.ended()) == 1
    assert str(process.state) in process.log.read_text()
