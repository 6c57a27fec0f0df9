"""`[sync.NAME]`: what it becomes, and what is wrong with it."""

from pathlib import Path

import pytest

from groundswell.config.graph import as_data
from groundswell.config.load import load
from groundswell.config.model import Config
from groundswell.config.problems import rendered
from groundswell.errors import ConfigError

ACCOUNTS = """
[accounts.ak]
type = "actionkit"
host = "act.example.org"
username = "groundswell"
password = "${PASSWORD}"
[accounts.an]
type = "action_network"
token = "${TOKEN}"
"""
ENVIRONMENT = {"PASSWORD": "p", "TOKEN": "t"}


def loaded(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "pipeline.toml"
    path.write_text(ACCOUNTS + text)
    return load([path], ENVIRONMENT)


def problems(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    return rendered(caught.value)


def test_a_sync_is_a_source_a_stage_and_a_sink_that_every_sync_may_write_to(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        '[sync.people]\naccount = "ak"\nimport_page = "import"\nevery = "5m"\nfirst_contact = "stop"\n'
        '[sync.network]\naccount = "an"\nfirst_contact = "member"\n',
    )
    parts = {one["name"]: (one["role"], one["type"], one["inputs"]) for one in as_data(config)}
    assert parts == {
        "people_read": ("source", "actionkit.poll", []),
        "network_read": ("source", "action_network.poll", []),
        "people": ("transform", "sync", ["people_read"]),
        "network": ("transform", "sync", ["network_read"]),
        "people_write": ("sink", "actionkit.sync", ["people", "network"]),
        "network_write": ("sink", "action_network.sync", ["people", "network"]),
    }
    assert config.components["people_read"].settings.every.total_seconds() == 300
    assert config.components["people_read"].settings.collections == ["users"]
    assert config.components["people_write"].settings.import_page == "import"
    assert config.warnings == ()


def test_two_syncs_for_which_nobody_chose_who_is_believed_about_texts_are_warned_of(tmp_path: Path) -> None:
    one = '[sync.people]\naccount = "ak"\nimport_page = "import"\n'
    other = '[sync.network]\naccount = "an"\nfirst_contact = "stop"\n'
    assert "first_contact" not in str(loaded(tmp_path, one).warnings)
    (warning,) = loaded(tmp_path, one + other).warnings
    assert warning.startswith(f"{tmp_path / 'pipeline.toml'}: sync.people.first_contact is not set: ")
    assert 'write "stop", and whoever says no counts' in warning
    assert loaded(tmp_path, one + other + "enabled = false\n").warnings == ()


def test_actions_are_read_only_where_they_make_groups(tmp_path: Path) -> None:
    config = loaded(tmp_path, '[sync.people]\naccount = "ak"\nimport_page = "import"\npages = ["*"]\n')
    assert config.components["people_read"].settings.collections == ["users", "actions"]


def test_a_field_stands_there_under_the_name_it_is_given(tmp_path: Path) -> None:
    text = """
        [sync.people]
        account = "ak"
        import_page = "import"
        [sync.people.fields]
        "custom.colour" = { remote = "user_favorite_color", mode = "two_way" }
        zip = "to_member"
    """
    config = loaded(tmp_path, text)
    assert config.components["people_write"].settings.remote == {"custom.colour": "custom.favorite_color"}


def test_a_sync_that_is_switched_off_has_no_parts_and_its_settings_stay(tmp_path: Path) -> None:
    text = '[sync.people]\naccount = "ak"\nimport_page = "import"\nenabled = false\n[sync.network]\naccount = "an"\n'
    config = loaded(tmp_path, text)
    assert set(config.components) == {"network_read", "network", "network_write"}
    assert not config.syncs["people"].enabled


def test_credentials_that_only_a_sync_needs_that_is_switched_off_are_not_read(tmp_path: Path) -> None:
    text = '[sync.people]\naccount = "ak"\nimport_page = "import"\nenabled = false\n[sync.network]\naccount = "an"\n'
    path = tmp_path / "pipeline.toml"
    path.write_text(ACCOUNTS + text)
    assert set(load([path], {"TOKEN": "t"}).accounts) == {"an"}
    path.write_text(ACCOUNTS + text.replace("enabled = false", "enabled = true"))
    with pytest.raises(ConfigError, match="PASSWORD is not set"):
        load([path], {"TOKEN": "t"})


def test_others_may_take_from_a_sync(tmp_path: Path) -> None:
    text = '[sync.network]\naccount = "an"\n[sinks.out]\ntype = "jsonl"\ninputs = ["network"]\npath = "out.jsonl"\n'
    assert loaded(tmp_path, text).components["out"].inputs == ("network",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[sync.people]\naccount = "ka"\n', 'sync.people.account no account is called "ka"; there is ak, an'),
        ('[sync.people]\naccount = "ak"\n', "sync.people.import_page is missing; ActionKit takes changes as actions"),
        (
            '[sync.people]\naccount = "an"\n[sync.more]\naccount = "an"\n',
            "sync.more.account is the account of sync.people already; two would undo each other's work",
        ),
        (
            '[sync.people]\naccount = "an"\n[sync.people.fields]\nemail = "two_way"\n',
            'fields.email is "two_way", and an email is who somebody is there: write "populate" or "to_member"',
        ),
        (
            '[sync.people]\naccount = "an"\n[sync.people.fields]\nphone = "populate"\n',
            '"phone" is kept in step by itself; leave it out',
        ),
        (
            '[sync.people]\naccount = "an"\n[sync.people.fields]\ncolour = "populate"\n',
            '"colour" is no field of a member; there is first_name',
        ),
        (
            '[sync.people]\naccount = "an"\n[sync.people.fields]\nzip = "both"\n',
            'sync.people.fields.zip must be "to_remote", "to_member", "populate"',
        ),
        (
            '[sync.people]\naccount = "an"\n[sync.people.fields]\naddress2 = "populate"\n',
            'would stand in "address2", which action_network does not have',
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_sync_is_told(tmp_path: Path, text: str, told: str) -> None:
    assert told in " ".join(problems(tmp_path, text).split())


def test_the_name_of_a_part_cannot_be_given_to_another_component(tmp_path: Path) -> None:
    text = '[sync.people]\naccount = "an"\n[sinks.people_write]\ntype = "jsonl"\ninputs = ["people"]\npath = "x"\n'
    assert "has the name of" in problems(tmp_path, text)
