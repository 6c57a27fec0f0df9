"""The commands about getting in, as they are typed."""

import re
import webbrowser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from groundswell.cli.main import application
from groundswell.http.api_keys import check_hash, is_secret
from tests.certificates import write_pair
from tests.pipelines.conftest import Groundswell
from tests.pipelines.ops_pipeline import browsing, receiving, with_ops
from tests.running import running, write_config


def test_the_hash_of_a_password_is_all_that_is_printed() -> None:
    made = CliRunner().invoke(application(), ["password"], input="correct horse battery\n")
    assert made.exit_code == 0
    check_hash(made.stdout.strip())
    assert is_secret("correct horse battery", made.stdout.strip())
    assert "horse" not in made.output


def test_a_short_password_is_refused() -> None:
    made = CliRunner().invoke(application(), ["password"], input="horse\n")
    assert (made.exit_code, made.stdout) == (1, "")
    assert "12 letters" in made.stderr


@pytest.mark.usefixtures("no_log")
async def test_the_link_is_printed_and_opened_where_that_is_asked(
    tmp_path: Path, type_in: Groundswell, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon, browsing(daemon) as browser:
        said = await type_in("dashboard")
        code = said.out.strip().partition("#")[2]
        came = await browser.post("/login", {"code": code})
        shown = await type_in("dashboard", "--open")
    assert re.fullmatch(rf"http://127\.0\.0\.1:{daemon.ops.port}/login#[a-z2-7]{{24}}\n", said.out)
    assert code in said.err, "to be typed where there is no JavaScript"
    assert came.status == 303
    assert opened == [shown.out.strip()]


async def test_without_a_daemon_there_is_no_dashboard(tmp_path: Path, type_in: Groundswell) -> None:
    async with receiving() as (_, pipeline):
        write_config(tmp_path, pipeline)
        said = await type_in("dashboard")
    assert said.code == 1
    assert "groundswell run" in said.err


def test_check_says_what_has_ended(tmp_path: Path) -> None:
    write_pair(tmp_path, "ops", days=-1)
    part = '[sources.s]\ntype = "http.webhook"\nauth = "none"\n[sinks.f]\ntype = "jsonl"\ninputs = ["s"]\npath = "x"\n'
    file = write_config(tmp_path, with_ops("[ops]\n" + part, 'certificate = "ops.crt"', 'key = "ops.key"'))
    checked = CliRunner().invoke(application(), ["check", str(file)])
    assert checked.exit_code == 0
    assert "ops.certificate ended on" in checked.stdout
