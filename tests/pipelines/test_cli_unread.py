"""Commands whose reader has enough before they have said all."""

import os
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from groundswell.cli.main import EXIT_UNREAD
from tests.pipelines.ops_pipeline import receiving
from tests.running import post, running, until

DEADLINE_S = 15.0


def typed(directory: Path, *arguments: str) -> list[str]:
    configured = () if arguments[0] in ("graph", "check") else ("--config",)
    return [sys.executable, "-m", "groundswell", *arguments, *configured, str(directory / "pipeline.toml")]


@pytest.mark.parametrize("arguments", [("status", "--watch"), ("status", "--watch", "--json"), ("tap",)], ids=" ".join)
async def test_what_goes_on_until_somebody_ends_it_ends_in_silence_when_nobody_reads_on(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """`groundswell status --watch | head -1` ended in the traceback of an ExceptionGroup."""
    reading, writing = os.pipe()
    async with (
        receiving() as (_, pipeline),
        running(pipeline, tmp_path) as daemon,
        await anyio.open_process(typed(tmp_path, *arguments), stdout=writing) as process,
    ):
        os.close(writing)
        assert process.stderr is not None
        with anyio.fail_after(DEADLINE_S):
            if arguments == ("tap",):
                await until(lambda: daemon.supervisor.taps.are_open)
            await post(daemon, "signups", [{"id": 1, "zip": "97201"}])
            await anyio.wait_readable(reading)
            assert os.read(reading, 1)
            os.close(reading)
            await post(daemon, "signups", [{"id": 2, "zip": "97202"}])
            said = b"".join([part async for part in process.stderr])
            await process.wait()
    assert (process.returncode, said) == (EXIT_UNREAD, b"")


@pytest.mark.parametrize(
    "arguments",
    [("status",), ("status", "--json"), ("graph",), ("check",), ("dead", "list"), ("config",), ("keys", "create", "a")],
    ids=" ".join,
)
async def test_what_nobody_ever_reads_ends_in_silence_too(arguments: tuple[str, ...], tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path):
        reading, writing = os.pipe()
        os.close(reading)
        try:
            with anyio.fail_after(DEADLINE_S):
                done = await anyio.run_process(
                    typed(tmp_path, *arguments), stdout=writing, stderr=subprocess.PIPE, check=False
                )
        finally:
            os.close(writing)
    assert (done.returncode, done.stderr) == (EXIT_UNREAD, b"")


async def test_a_command_that_is_read_to_the_end_says_as_ever_how_it_went(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path):
        went = await anyio.run_process(typed(tmp_path, "status"), check=False)
        failed = await anyio.run_process(typed(tmp_path, "dead", "show", "7"), check=False)
    assert (went.returncode, went.stderr) == (0, b"")
    assert (failed.returncode, b"there is no dead letter 7" in failed.stderr) == (1, True)
