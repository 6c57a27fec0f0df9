"""What a page says of a sync: the file it may be copied into, and its modes in words."""

import tomllib
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.members.modes import EMAIL_MODES, MODES, ModeName
from groundswell.ops.mode_words import arrow, from_there, to_there
from groundswell.ops.sync_messages import SyncField
from groundswell.ops.syncs import toml_of
from groundswell.sync.settings import CANONICAL, SyncSettings

NAMES = st.sampled_from(CANONICAL) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(
    "custom.{}".format
)
TABLES = st.fixed_dictionaries(
    {"mode": st.sampled_from(get_args(ModeName))},
    optional={"remote": st.text(st.characters(exclude_categories=["Cs"])), "clear": st.booleans()},
)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.dictionaries(NAMES, TABLES, max_size=4))
def test_the_block_to_copy_says_what_is_in_force(name: str, fields: dict[str, Any]) -> None:
    if "email" in fields and fields["email"]["mode"] not in EMAIL_MODES:
        del fields["email"]
    settings = SyncSettings.model_validate({"account": "x", "fields": fields})
    read = tomllib.loads(toml_of(name, settings))["sync"][name]["fields"]
    again = SyncSettings.model_validate({"account": "x", "fields": read})
    assert {name: again.field(name) for name in again.fields} == {
        name: settings.field(name) for name in settings.fields
    }


def field_of(mode: str) -> SyncField:
    found = MODES[mode]
    does = (found.fills_member, found.overwrites_member, found.fills_remote, found.overwrites_remote)
    return SyncField("zip", "zip", mode, *does, clear=False, have=0)


@pytest.mark.parametrize(
    ("mode", "arrows", "here", "there"),
    [
        ("to_remote", "→", "nothing", "fills an empty one, and overwrites theirs"),
        ("to_member", "←", "fills an empty one, and overwrites the member's", "nothing"),
        ("populate", "⇄", "fills an empty one", "fills an empty one"),
        ("populate_to_remote", "⇄", "fills an empty one", "fills an empty one, and overwrites theirs"),
        ("populate_to_member", "⇄", "fills an empty one, and overwrites the member's", "fills an empty one"),
        (
            "two_way",
            "⇄",
            "fills an empty one, and overwrites the member's",
            "fills an empty one, and overwrites theirs",
        ),
    ],
)
def test_every_mode_has_an_arrow_and_words(mode: str, arrows: str, here: str, there: str) -> None:
    field = field_of(mode)
    assert (arrow(field), from_there(field), to_there(field)) == (arrows, here, there)


def test_no_mode_is_without_words() -> None:
    assert all(arrow(field_of(mode)) for mode in MODES)
