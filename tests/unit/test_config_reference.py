# ruff: noqa: E501
# Long lines are how the page has them.

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from configurations import REGISTRY
from typer.testing import CliRunner

from groundswell.cli import test
from groundswell.config.reference import reference

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    written = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert written == reference(), "run: make docs"


def test_the_module_writes_the_page() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "groundswell.config.reference"], capture_output=True, check=True, encoding="utf-8"
    )
    assert made.stdout == reference()


def test_every_setting_of_a_component_has_a_line() -> None:
    page = reference(REGISTRY)
    _, _, sinks = page.partition('### `[sinks.NAME]` with `type = "post"`')
    sinks, _, _ = sinks.partition("\n\n## ")
    assert sinks.splitlines()[4:] == [
        "| setting | type | default | |",
        "|---|---|---|---|",
        "| `inputs` | list of text | required | Names of the sources and transforms it takes records from. |",
        "| `concurrency` | whole number, at least 1, at most 256 | `4` | Writes at once. Deliveries about one person stay in order. |",
        '| `batch` | table | `{ records = 1, wait = "0s" }` | How many deliveries travel together. |',
        "| `batch.records` | whole number, at least 1, at most 10000 | `1` | At most so many in one write. |",
        '| `batch.wait` | duration | `"0s"` | How long to wait for a batch to fill. Without it a batch is what is waiting anyway. |',
        '| `give_up_after` | duration | `"3d"` | How long a delivery is tried before it becomes a dead letter. |',
        "| `url` | text or secret | required | Where to post. |",
        "| `token` | secret |  |  |",
        "| `tokens` | list of secrets | `[]` |  |",
    ]


def test_a_setting_that_takes_one_of_several_tables_says_when_each_line_counts() -> None:
    page = reference(REGISTRY)
    assert '| `auth` | table | `{ type = "none" }` |  |' in page
    assert '| `auth.user` | text | required | With type "basic": The user name. |' in page


def test_the_examples_of_the_page_do_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = re.findall(r"```toml\n(.*?)```", reference(), re.DOTALL)
    assert len(examples) == 3
    (tmp_path / "pipeline.toml").write_text("\n".join(examples))
    (tmp_path / "crm.token").write_text("x")
    (tmp_path / "crm.token").chmod(0o600)
    monkeypatch.setenv("SIGNUPS_TOKEN", "x")
    verb = typer.Typer()
    verb.command()(test.command)
    result = CliRunner().invoke(verb, [str(tmp_path)])
    assert result.stdout == "passed  a phone number becomes E.164\n1 test: 1 passed, 0 failed\n"
    assert "accounts.crm no component names this account" in result.stderr
