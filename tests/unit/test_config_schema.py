import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from configurations import REGISTRY, WHOLE, problems

from groundswell.config.schema import DIALECT, config_schema
from groundswell.registry import Registry

ROOT = Path(__file__).parents[2]


def _errors(text: str, registry: Registry = REGISTRY) -> list[str]:
    validator = jsonschema_rs.Draft202012Validator(config_schema(registry))
    return [error.message for error in validator.iter_errors(tomllib.loads(text))]


def test_the_schema_is_a_schema() -> None:
    schema = config_schema()
    assert schema["$schema"] == DIALECT
    jsonschema_rs.meta.validate(schema)


def test_a_whole_configuration_fits_it() -> None:
    assert _errors(WHOLE) == []


def test_the_pipeline_of_this_project_fits_it() -> None:
    schema: Any = config_schema()
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(tomllib.loads((ROOT / "pipeline.toml").read_text()))] == []


@pytest.mark.parametrize(
    "more",
    [
        'token = { file = "x" }',
        'token = { credential = "x" }',
        'tokens = ["x", { file = "x" }]',
        'concurrency = "${N}"',
        'give_up_after = "${T}"',
        "concurrency = 2\nbatch = { records = 10, wait = '50ms' }",
        '[daemon]\nstate_max = "1GiB"\nkeep = "30d"\nqueue_bytes_max = 1000',
        '[webhooks]\nlisten = "[::1]:8080"',
        '[ops]\npassword = "x"',
        '[sources.other]\ntype = "hook.webhook"\nauth = { type = "basic", user = "u", password = "p" }',
        '[transforms.other]\ntype = "tidy"\ninputs = ["signups"]\nfrom = ["a"]',
        '[[tests]]\nname = "x"\nsource = "signups"\ninput = [{}]\nexpect = { crm = [] }',
    ],
)
def test_what_may_be_written_fits_it(more: str) -> None:
    assert _errors(f"{WHOLE}\n{more}") == []


@pytest.mark.parametrize(
    "more",
    [
        "token = 3",
        'token = { fil = "x" }',
        "concurrency = 0",
        'concurrency = "many"',
        'give_up_after = "3 days"',
        "batch = { recrds = 1 }",
        "colour = 1",
        '[daemon]\nstate_max = "1 GiB!"',
        '[daemon]\nstat = "x"',
        '[webhooks]\nlisten = "8080"',
        '[sources.other]\ntype = "nope"',
        "[sources.other]\npath = '/x'",
        '[sources."Other One"]\ntype = "poll"',
        '[sources.other]\ntype = "hook.webhook"\nauth = { type = "basic", user = "u" }',
        '[accounts.x]\ntype = "y"',
        "[webhoks]",
        '[[tests]]\nname = "x"',
    ],
)
def test_what_may_not_be_written_does_not_fit_and_is_a_problem(tmp_path: Path, more: str) -> None:
    assert _errors(f"{WHOLE}\n{more}")
    assert problems(tmp_path, f"{WHOLE}\n{more}")


def test_defaults_stand_in_it_as_they_would_in_a_file() -> None:
    daemon = config_schema()["properties"]["daemon"]["properties"]
    assert daemon["keep"]["default"] == "30d"
    assert daemon["state_max"]["default"] == "8GiB"
    sink = config_schema(REGISTRY)["properties"]["sinks"]["additionalProperties"]["oneOf"][0]["properties"]
    assert sink["batch"]["default"] == {"records": 1, "wait": "0s"}
    assert "default" not in sink["token"]
