"""Finding the state file in a configuration an operator's shell cannot read whole."""

from pathlib import Path

import pytest

from groundswell.errors import ConfigError
from groundswell.ops.place import Part, place_of
from groundswell.registry import REGISTRY

WHOLE = """
[sources.signups]
type = "http.webhook"
auth = "none"

[sources.file]
type = "jsonl"
path = "in.jsonl"

[transforms.phone]
type = "normalise_phone"
inputs = ["signups"]

[sinks.crm]
type = "http"
inputs = ["phone"]
url = "${NOT_SET_IN_THIS_SHELL}"
"""


def written(directory: Path, text: str, name: str = "pipeline.toml") -> Path:
    file = directory / name
    file.write_text(text, "utf-8")
    return file


def test_secrets_and_variables_that_are_not_there_do_not_matter(tmp_path: Path) -> None:
    place = place_of([written(tmp_path, WHOLE)], {})
    assert place.state == tmp_path / "groundswell.db"
    assert place.token_file == tmp_path / "groundswell.db.token"
    assert place.parts == {
        "signups": Part("signups", "source", "http.webhook"),
        "file": Part("file", "source", "jsonl"),
        "phone": Part("phone", "transform", "normalise_phone"),
        "crm": Part("crm", "sink", "http"),
    }


def test_only_what_is_held_without_loss_can_be_paused(tmp_path: Path) -> None:
    parts = place_of([written(tmp_path, WHOLE)], {}).parts
    assert {name: part.can_pause for name, part in parts.items()} == {
        "signups": False,
        "file": True,
        "phone": False,
        "crm": True,
    }
    assert not Part("x", "source", "no such type").can_pause


def test_only_what_goes_and_looks_can_be_told_to_look_now() -> None:
    polls = ("action_network.poll", "actionkit.poll", "actblue.csv", "jsonl")
    assert [name for name in REGISTRY.sources if Part("x", "source", name).can_poll] == sorted(
        polls, key=list(REGISTRY.sources).index
    )
    assert not Part("x", "sink", "jsonl").can_poll


def test_the_state_file_is_where_daemon_says_from_the_first_file_on(tmp_path: Path) -> None:
    written(tmp_path, '[daemon]\nstate = "${STATE}"\nstate_max = "16MiB"', "a.toml")
    written(tmp_path, WHOLE, "b.toml")
    place = place_of([tmp_path], {"STATE": "/var/lib/groundswell/groundswell.db"})
    assert place.state == Path("/var/lib/groundswell/groundswell.db")
    assert place.daemon.state_max == 16 * 2**20
    assert "crm" in place.parts


def test_what_is_wrong_elsewhere_does_not_matter(tmp_path: Path) -> None:
    place = place_of(
        [written(tmp_path, '[daemons]\n[sinks.crm]\ntype = "nothing"\ninputs = 5\n[ops]\nlisten = "x"')], {}
    )
    assert place.parts == {"crm": Part("crm", "sink", "nothing")}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('[daemon]\nstat = "x.db"', "daemon.stat"),
        ('[daemon]\nstate = "${NOWHERE}"', "daemon.state"),
        ("[daemon]\nstate = 5", "daemon.state"),
        ("[daemon", ""),
    ],
)
def test_what_is_wrong_with_daemon_is_said(text: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        place_of([written(tmp_path, text)], {})
    assert [problem.path for problem in caught.value.problems] == [path]


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        place_of([tmp_path / "pipeline.toml"], {})


def test_a_sync_that_is_switched_on_has_three_parts_and_one_that_is_off_has_none(tmp_path: Path) -> None:
    syncs = """
[accounts.crm]
type = "actionkit"
password = "${NOT_SET_IN_THIS_SHELL}"
[accounts.network]
type = "action_network"
[sync.people]
account = "crm"
region = "GB"
[sync.other]
account = "network"
enabled = false
"""
    outline = place_of([written(tmp_path, WHOLE + syncs)], {}).outline
    assert outline.accounts == {"crm": "actionkit", "network": "action_network"}
    assert {name: (one.account, one.region, one.is_on) for name, one in outline.syncs.items()} == {
        "people": ("crm", "GB", True),
        "other": ("network", "US", False),
    }
    assert all(one.settings is not None and one.settings.account == one.account for one in outline.syncs.values())
    assert [part for name, part in outline.parts.items() if "people" in name] == [
        Part("people_read", "source", "actionkit.poll"),
        Part("people", "transform", "sync"),
        Part("people_write", "sink", "actionkit.sync"),
    ]
    assert not any("other" in name for name in outline.parts)


def test_a_sync_that_cannot_be_read_by_itself_is_there_all_the_same(tmp_path: Path) -> None:
    syncs = """
[accounts.crm]
type = "actionkit"
[sync.people]
account = "crm"
opt_in_field = "${NOT_SET_IN_THIS_SHELL}"
[sync.odd]
account = "crm"
rate = "fast"
"""
    outline = place_of([written(tmp_path, WHOLE + syncs)], {}).outline
    assert {name: one.settings for name, one in outline.syncs.items()} == {"people": None, "odd": None}
