"""`check`, `graph` and `test` as they are called, with the components that exist."""

from pathlib import Path

import jsonschema_rs
import msgspec
import pytest
import typer
from rich.text import Text
from typer.testing import CliRunner

from groundswell.cli import check, graph, test

APP = typer.Typer()
APP.command("check")(check.command)
APP.command("graph")(graph.command)
APP.command("test")(test.command)
ROOT = Path(__file__).parents[2]

PIPELINE = """
[sources.signups]
type = "http.webhook"
auth = "none"

[transforms.phones]
type = "normalise_phone"
inputs = ["named"]

[transforms.named]
type = "map_fields"
inputs = ["signups"]
fields = { phone = "raw.mobile" }

[sinks.crm]
type = "http"
inputs = ["phones"]
url = "${URL}"

[[tests]]
name = "a phone number becomes E.164"
source = "signups"
input = [{ mobile = "(503) 555-0144" }]
expect = { crm = [{ person.phone = "EXPECTED" }] }
"""


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pipeline.toml with nothing wrong, in the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("URL", "https://crm.example.org")
    (tmp_path / "pipeline.toml").write_text(PIPELINE.replace("EXPECTED", "+15035550144"))
    return tmp_path / "pipeline.toml"


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(APP, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_check_says_in_one_line_that_all_is_fine(pipeline: Path) -> None:
    code, output = _run("check")
    assert code == 0
    assert output.splitlines()[-1].startswith("pipeline.toml is fine: 1 source, 2 transforms, 1 sink (")


def test_check_prints_every_problem_and_exits_78(pipeline: Path) -> None:
    pipeline.write_text(PIPELINE.replace('"map_fields"', '"map_field"').replace('"phones"', '"phone"'))
    code, output = _run("check")
    assert code == 78
    assert output == (
        "pipeline.toml: 2 problems\n"
        '  transforms.named.type   "map_field" is not a transform; did you mean "map_fields"? (dedupe_phone, filter, '
        "map_fields, normalise_opt_in, normalise_phone)\n"
        '  sinks.crm.inputs[0]     nothing is called "phone"; did you mean "phones"? (signups, phones, named)\n'
    )


def test_check_wraps_problems_on_a_terminal_and_loses_no_letter(
    pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.write_text("[tests]\n[sources]\n[transforms.x]\ntype = 'nope'\ninputs = ['[bold]']\n")
    _, plain = _run("check")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "70")
    code, coloured = _run("check")
    assert code == 78
    assert "\x1b[" in coloured
    shown = Text.from_ansi(coloured).plain
    assert max(map(len, shown.splitlines())) <= 70
    assert sorted("".join(shown.split())) == sorted("".join(plain.split()))


def test_check_prints_problems_for_programs(pipeline: Path) -> None:
    code, output = _run("check", "--json", "nowhere.toml")
    assert code == 78
    found = msgspec.json.decode(output)
    assert found["ok"] is False
    assert [(problem["file"], problem["path"]) for problem in found["problems"]] == [("nowhere.toml", "")]


def test_check_prints_what_is_fine_for_programs(pipeline: Path) -> None:
    code, output = _run("check", "--json")
    assert code == 0
    found = msgspec.json.decode(output)
    assert len(found.pop("hash")) == 12
    assert isinstance(found.pop("warnings"), list)
    assert found == {"ok": True, "problems": [], "files": ["pipeline.toml"], "sources": 1, "transforms": 2, "sinks": 1}


def test_check_prints_warnings(pipeline: Path) -> None:
    with pipeline.open("a") as file:
        file.write("[ops]\npassword = 'hunter2'\n")
    code, output = _run("check")
    assert code == 0
    assert "warning: pipeline.toml: ops.password is a secret written out in the file" in output
    assert "hunter2" not in output


def test_check_prints_a_schema_without_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = _run("check", "--schema")
    assert code == 0
    jsonschema_rs.meta.validate(msgspec.json.decode(output))


def test_graph_shows_the_components_in_order(pipeline: Path) -> None:
    code, output = _run("graph")
    assert code == 0
    assert [line.split()[1] for line in output.splitlines()[1:]] == ["signups", "named", "phones", "crm"]
    code, output = _run("graph", "--mermaid")
    assert output.startswith("flowchart LR\n")
    code, output = _run("graph", "--json")
    assert [component["name"] for component in msgspec.json.decode(output)] == ["signups", "named", "phones", "crm"]


def test_graph_prints_one_form_at_a_time(pipeline: Path) -> None:
    code, output = _run("graph", "--mermaid", "--json")
    assert code == 2
    assert "choose one of --mermaid and --json" in output


def test_tests_that_pass_are_counted(pipeline: Path) -> None:
    assert _run("test") == (0, "passed  a phone number becomes E.164\n1 test: 1 passed, 0 failed\n")


def test_a_test_that_fails_is_explained_and_exits_1(pipeline: Path) -> None:
    pipeline.write_text(PIPELINE)
    code, output = _run("test")
    assert code == 1
    assert output == (
        "FAILED  a phone number becomes E.164\n"
        '          crm, record 1: person.phone should be "EXPECTED", and is "+15035550144"\n'
        "1 test: 0 passed, 1 failed\n"
    )
    code, output = _run("test", "--json")
    assert code == 1
    assert msgspec.json.decode(output) == [
        {
            "name": "a phone number becomes E.164",
            "passed": False,
            "differences": ['crm, record 1: person.phone should be "EXPECTED", and is "+15035550144"'],
        }
    ]


def test_a_configuration_without_tests_is_no_failure(pipeline: Path) -> None:
    pipeline.write_text(PIPELINE.partition("[[tests]]")[0])
    code, output = _run("test")
    assert code == 0
    assert "no [[tests]]" in output


@pytest.mark.parametrize("verb", ["check", "graph", "test"])
def test_a_missing_file_is_a_wrong_configuration(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = _run(verb)
    assert code == 78
    assert "pipeline.toml: 1 problem\n  there is no such file" in output


@pytest.mark.parametrize("verb", ["check", "graph", "test"])
def test_the_help_has_examples(verb: str) -> None:
    code, output = _run(verb, "--help")
    assert code == 0
    assert f"Examples: groundswell {verb}; groundswell {verb} " in " ".join(output.split())


def test_the_pipeline_of_this_project_is_fine() -> None:
    code, output = _run("check", "--json", str(ROOT / "pipeline.toml"))
    assert code == 0
    assert msgspec.json.decode(output)["warnings"] == []
