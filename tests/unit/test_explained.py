"""Why a member has what they have, in sentences."""

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from groundswell.members.member import Link, Sent, Value
from groundswell.ops.explained import explained
from groundswell.ops.member_messages import FieldExplained
from groundswell.ops.place import SyncPart
from groundswell.store.people import Person
from groundswell.sync.settings import SyncSettings
from tests.peopled import AT_S, LINKS, ROSA, SAID


def syncs(**more: Any) -> dict[str, SyncPart]:
    fields = {
        "first_name": "populate",
        "email": "populate",
        "city": "populate_to_member",
        "state": "to_member",
        "zip": "two_way",
        "custom.shirt size": {"remote": "user_shirt", "mode": "to_remote", "clear": True},
    }
    settings = SyncSettings.model_validate({"account": "actionkit", "fields": fields, **more})
    return {"kit": SyncPart("actionkit", "US", settings.enabled, settings)}


def fields_of(link: Link = LINKS[0], parts: Mapping[str, SyncPart] | None = None) -> dict[str, FieldExplained]:
    person = Person(ROSA, [link, *LINKS[1:2]], SAID[:3], {})
    return {field.name: field for field in explained(person, syncs() if parts is None else parts)}


def test_every_field_of_either_side_is_there_once_the_usual_ones_first() -> None:
    assert list(fields_of()) == [
        *("phone", "sms_opt_in", "first_name", "last_name", "email", "city", "state", "zip", "custom.shirt size")
    ]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("first_name", "there was none, and it stood in actionkit; populate fills what is empty"),
        ("last_name", "the sync kit no longer keeps this field in step"),
        ("city", "it stood in actionkit; populate_to_member takes over what changes there"),
        ("state", "nobody has said"),
        ("zip", "signups said so"),
        ("sms_opt_in", 'signups said “STOP, "now"”, which means no; it stands until they say yes at a later time'),
        ("phone", "never changed by either side"),
    ],
)
def test_the_value_says_who_said_it_and_by_which_mode_it_came(name: str, why: str) -> None:
    assert why in fields_of()[name].why


@pytest.mark.parametrize(
    ("name", "mode", "state", "why"),
    [
        ("first_name", "populate", "differs", "they differed when they met, and populate overwrites neither"),
        ("last_name", None, "not_kept", "no sync keeps this field"),
        ("email", "populate", "alike", "both have the same"),
        ("state", "to_member", "alike", "neither has one"),
        ("zip", "two_way", "under_way", "is being written there"),
        ("custom.shirt size", "to_remote", "due_there", "the next change or reading writes it there: to_remote"),
    ],
)
def test_each_account_says_how_the_field_stands_there(name: str, mode: str | None, state: str, why: str) -> None:
    (side,) = fields_of()[name].sides
    assert (side.account, side.remote_id, side.mode, side.state) == ("actionkit", "4411", mode, state)
    assert why in side.why


def test_a_side_shows_what_is_seen_agreed_on_and_under_way() -> None:
    (side,) = fields_of()["zip"].sides
    assert (side.seen, side.agreed, side.pending) == ("97201", "97201", ["97202"])
    (shirt,) = fields_of()["custom.shirt size"].sides
    assert shirt.remote == "custom.shirt"


@pytest.mark.parametrize(
    ("seen", "base", "why"),
    [
        ("Oakland", "oakland", "it was edited here since they agreed, and populate_to_member overwrites nothing there"),
        (None, None, "the next change or reading writes it there"),
    ],
)
def test_a_difference_that_stands_says_why(seen: str | None, base: str | None, why: str) -> None:
    link = replace(LINKS[0], seen={"city": seen}, base={"city": base})
    (side,) = fields_of(link)["city"].sides
    assert why in side.why


def test_one_side_that_is_empty_says_why_it_stays_so() -> None:
    member = replace(ROSA, fields={"state": Value("OR", AT_S, "signups")})
    link = replace(LINKS[0], seen={"state": None, "custom.shirt size": "M"}, base={})
    found = {one.name: one for one in explained(Person(member, [link], [], {}), syncs())}
    assert "to_member writes nothing there" in found["state"].sides[0].why
    assert "the member has none, and to_remote takes nothing from there" in found["custom.shirt size"].sides[0].why


def test_a_sync_that_is_off_says_so() -> None:
    (side,) = fields_of(parts=syncs(enabled=False))["zip"].sides
    assert side.why.endswith("; the sync is switched off, so nothing changes")


@pytest.mark.parametrize(
    ("word", "more", "state", "why"),
    [
        ("no", {}, "alike", "both mean the same"),
        ("true", {}, "due_there", "the member's word counts"),
        ("TBD", {}, "due_there", "the member's word counts"),
        ("true", {"pending": {"sms_opt_in": (Sent("false", 1),)}}, "under_way", "is being written there"),
        ("true", {"pending": {"sms_opt_in": (Sent("false", 1),)}, "state": "error"}, "failed", "a write failed"),
        ("true", {"turned": {"sms_opt_in": 3}}, "turned", "does not stay"),
    ],
)
def test_their_word_for_the_opt_in_says_how_it_stands(word: str, more: dict[str, Any], state: str, why: str) -> None:
    link = replace(LINKS[0], **{"seen": {"sms_opt_in": word}, "pending": {}, **more})
    (side,) = fields_of(link)["sms_opt_in"].sides
    assert (side.seen, side.state) == (word, state)
    assert why in side.why


def test_who_is_no_member_has_no_fields_to_explain() -> None:
    assert explained(Person(None, LINKS[2:], [], {}), syncs()) == []


def test_a_sync_whose_settings_cannot_be_read_explains_what_it_can() -> None:
    found = fields_of(parts={"kit": SyncPart("actionkit", "US", True, None)})
    assert found["zip"].value == "97202"
    assert {side.state for side in found["zip"].sides} == {"not_kept"}
