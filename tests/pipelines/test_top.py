"""`groundswell top` in a terminal, and without one."""

import signal
import sys
import termios
from pathlib import Path

import anyio

from groundswell.connectors.http.simulator import Fault
from tests.pipelines.ops_pipeline import receiving
from tests.running import post, running, until, write_config
from tests.terminal import in_terminal

ENTERS, LEAVES = b"\x1b[?1049h", b"\x1b[?1049l"
"""The window of its own that a whole-screen program has, and gives back."""
DOWN = b"\x1b[B"


async def test_the_window_shows_every_component_and_what_needs_a_person(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        receiver.fault = Fault(status=401)
        await post(daemon, "signups", [{"id": n, "zip": "97201"} for n in range(3)])
        await until(lambda: daemon.supervisor.states()["crm"] == "unauthorized")
        async with in_terminal(tmp_path, "top") as terminal:
            shown = await terminal.until(lambda screen: "q leave" in screen)
            terminal.press(b"q")
            code = await terminal.ended()
    assert code == 0
    assert terminal.raw.index(ENTERS) < terminal.raw.rindex(LEAVES)
    lines = {line.split()[0]: line.split() for line in shown.splitlines() if line.strip()}
    assert lines["signups"][1:3] == ["http.webhook", "running"]
    assert lines["crm"][1:3] == ["http", "unauthorized"]
    assert lines["crm"][6] == "3", "what waits"
    assert "crm: it is refused" in shown
    assert all(len(line) <= 110 for line in shown.splitlines())


async def test_a_component_is_chosen_held_and_let_go_by_keys(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(pipeline, tmp_path) as daemon,
        in_terminal(tmp_path, "top") as terminal,
    ):
        await terminal.until(lambda screen: "q leave" in screen)
        terminal.press(b"p")
        await terminal.until(lambda screen: "signups (source, http.webhook) cannot be paused" in screen)
        terminal.press(DOWN * 9 + b"p")
        await terminal.until(lambda screen: "crm is paused" in screen)
        assert daemon.supervisor.states()["crm"] == "paused"
        terminal.press(b"r")
        await terminal.until(lambda screen: "crm goes on" in screen)
        assert daemon.supervisor.states()["crm"] == "running"
        terminal.process.send_signal(signal.SIGINT)
        assert await terminal.ended() == 0


async def test_it_goes_on_through_a_stop_of_the_daemon_and_says_so(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        write_config(tmp_path, pipeline)
        async with in_terminal(tmp_path, "top") as terminal:
            await terminal.until(lambda screen: "there is no state file" in screen)
            async with running(pipeline, tmp_path):
                await terminal.until(lambda screen: "running for" in screen)
            await terminal.until(lambda screen: "not running" in screen)
            terminal.press(b"q")
            assert await terminal.ended() == 0


async def test_a_small_window_shows_the_chosen_component(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(pipeline, tmp_path),
        in_terminal(tmp_path, "top", rows=8, columns=50) as terminal,
    ):
        first = await terminal.until(lambda screen: "q leave" in screen)
        terminal.press(DOWN * 3)
        last = await terminal.until(lambda screen: "crm" in screen)
        terminal.press(b"q")
        await terminal.ended()
    assert "signups" in first
    assert "signups" not in last
    assert all(len(line) <= 50 for line in last.splitlines())


async def test_the_keyboard_is_given_back_as_it_was(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path), in_terminal(tmp_path, "top") as terminal:
        before = termios.tcgetattr(terminal.leader)
        await terminal.until(lambda screen: "q leave" in screen)
        during = termios.tcgetattr(terminal.leader)
        terminal.process.terminate()
        await terminal.ended()
        after = termios.tcgetattr(terminal.leader)
    assert not during[3] & (termios.ECHO | termios.ICANON)
    assert after == before


async def test_without_a_terminal_it_prints_lines(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        await post(daemon, "signups", [{"id": 1, "zip": "97201"}])
        command = [sys.executable, "-m", "groundswell", "top", "--config", str(tmp_path / "pipeline.toml")]
        text = ""
        async with await anyio.open_process(command) as process:
            assert process.stdout is not None
            with anyio.fail_after(15):
                while text.count(" crm ") < 2:
                    text += (await process.stdout.receive()).decode()
            process.terminate()
            assert await process.wait() == 0
    assert "\x1b" not in text
    line = next(line for line in text.splitlines()[6:] if " crm " in line)
    assert line.split(" ", 1)[1] == "crm state=running delivered_per_s=0.0 waiting=0 dead_letters=0"


async def test_a_watched_status_that_does_not_fit_says_so(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(pipeline, tmp_path),
        in_terminal(tmp_path, "status", "--watch", rows=8, columns=60) as terminal,
    ):
        shown = await terminal.until(lambda screen: "groundswell top fits any" in screen)
        terminal.process.send_signal(signal.SIGINT)
        assert await terminal.ended() == 0
    assert "running since" in shown
