"""The guide of the system to match, said sentence by sentence in our words, each shown by a test with a real daemon.

"Member" is what that system calls a member, "user" is one at ActionKit. What its members are edited by there, is Action
Network here: a second sync, in two_way, through which a value reaches the member.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from groundswell.members.modes import MODES
from groundswell.settings import Rate
from groundswell.sync.settings import SyncSettings
from tests.in_step import InStep, in_step, looks_at_once, running_in_step

PHONE = "+15035550144"
OTHER = "+15035550145"
COLOR = "custom.favorite_color"
OWN_FIELDS: Final = ("favorite_color", "employer", "occupation", "express_lane")
"""User fields that this ActionKit has."""
MODE_OF: Final = {
    "first_name": "to_remote",
    "last_name": "to_member",
    **{f"custom.{name}": mode for name, mode in zip(OWN_FIELDS, list(MODES)[2:], strict=True)},
}
"""Six fields, each in another of the six modes."""


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    looks_at_once(monkeypatch)


@asynccontextmanager
async def two(directory: Path, actionkit: dict[str, Any] | None = None, **more: Any) -> AsyncIterator[InStep]:
    """Both syncs, and nobody yet."""
    async with in_step(directory, actionkit=actionkit or {}, network={}, **more) as it:
        yield it


# ---- core fields ----


def test_the_core_fields_are_there_by_default_and_populate() -> None:
    settings = SyncSettings(account="kit")
    assert settings.fields == dict.fromkeys(("first_name", "last_name", "email", "city", "state", "zip"), "populate")


def test_an_email_takes_only_the_modes_that_do_not_overwrite_actionkit() -> None:
    for mode in MODES:
        if mode in ("populate", "to_member"):
            assert SyncSettings(account="kit", fields={"email": mode}).fields == {"email": mode}
        else:
            with pytest.raises(ValueError, match="email is who somebody is there"):
                SyncSettings(account="kit", fields={"email": mode})


def test_looks_are_ten_minutes_apart_and_a_thousand_records_are_written_a_minute() -> None:
    settings = SyncSettings(account="kit")
    assert settings.every == timedelta(minutes=10)
    assert settings.rate == Rate(calls=1000, per_s=60.0)
    assert settings.phone_types == ["mobile", "work", "home"]
    assert not settings.create_users


async def test_an_email_of_a_member_never_changes_that_of_the_user(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        uuid = it.someone(PHONE, email="member@example.org", status="subscribed")
        user = it.user(PHONE, email="user@example.org", user_sms_opt_in="true")
        async with running_in_step(it):
            await it.quiet()
            it.clock.skip(60)
            it.network.control.edit(uuid, email="newer@example.org")
            await it.quiet()
        assert it.user_of(user)["email"] == "user@example.org"
        assert it.person_of(uuid)["email_addresses"][0]["address"] == "newer@example.org"


# ---- the opt-in ----


async def test_opt_in_words_in_any_letters_are_true_false_or_neither_and_neither_texts_nobody(tmp_path: Path) -> None:
    words = {
        "yes": ("t", "TRUE", "1", "Opt In", "opt-in", "y", "Yes"),
        "no": ("F", "false", "0", "n", "NO"),
        "unknown": ("TBD", "maybe", "sure thing"),
    }
    async with in_step(tmp_path, actionkit={}) as it:
        phones = {}
        for several in words.values():
            for word in several:
                phone = phones[word] = f"+1503555{len(phones) + 100:04}"
                it.user(phone, user_sms_opt_in=word)
        async with running_in_step(it):
            await it.quiet()
            for meaning, several in words.items():
                for word in several:
                    member = it.member(phones[word])
                    assert member is not None
                    assert (word, member.consent) == (word, meaning)
        assert it.writes() == (0, 0)


async def test_placeholders_in_the_opt_in_field_are_filled_with_the_status_of_the_member(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        it.someone(PHONE, status="subscribed")
        it.someone(OTHER, status="unsubscribed")
        async with running_in_step(it):
            await it.quiet()
            yes, no = it.user(PHONE, user_sms_opt_in="TBD"), it.user(OTHER, user_sms_opt_in="tbd")
            await it.quiet()
        assert it.user_of(yes)["fields"]["sms_opt_in"] == "true"
        assert it.user_of(no)["fields"]["sms_opt_in"] == "false"


async def test_where_user_and_member_differ_at_first_the_members_opt_in_counts_and_is_written(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        it.someone(PHONE, status="subscribed")
        it.someone(OTHER, status="unsubscribed")
        async with running_in_step(it):
            await it.quiet()
            it.clock.skip(60)
            yes, no = it.user(PHONE, user_sms_opt_in="no"), it.user(OTHER, user_sms_opt_in="yes")
            await it.quiet()
            members = [it.member(phone) for phone in (PHONE, OTHER)]
            assert [member and member.consent for member in members] == ["yes", "no"]
            assert ("yes", "yes", "no", "first_contact") in it.ledger(PHONE)
        assert it.user_of(yes)["fields"]["sms_opt_in"] == "true"
        assert it.user_of(no)["fields"]["sms_opt_in"] == "false"


async def test_a_word_that_is_none_does_not_overwrite_what_is_known(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        user = it.user(PHONE, user_sms_opt_in="yes")
        async with running_in_step(it):
            await it.quiet()
            it.clock.skip(60)
            it.kit.control.edit(user, fields={"sms_opt_in": "dunno"})
            await it.quiet()
            member = it.member(PHONE)
            assert member is not None
            assert member.consent == "yes"


async def test_an_opt_in_that_changes_later_reaches_the_member_and_from_there_the_other_side(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        user = it.user(PHONE, user_sms_opt_in="yes")
        uuid = it.someone(PHONE, status="subscribed")
        async with running_in_step(it):
            await it.quiet()
            it.clock.skip(60)
            it.kit.control.edit(user, fields={"sms_opt_in": "no"})
            await it.quiet()
            assert it.person_of(uuid)["phone_numbers"][0]["status"] == "unsubscribed"
            it.clock.skip(60)
            it.network.control.edit(uuid, phone_status="subscribed")
            await it.quiet()
        assert it.user_of(user)["fields"]["sms_opt_in"] == "true"


# ---- who is synced ----


async def test_a_user_without_a_phone_or_an_opt_in_is_no_member_and_is_shown_with_the_reason(tmp_path: Path) -> None:
    async with in_step(tmp_path, actionkit={}) as it:
        reasons = {
            it.user(None, user_sms_opt_in="yes"): "no_phone",
            it.user("12", user_sms_opt_in="yes"): "bad_phone",
            it.user(PHONE): "no_opt_in",
        }
        async with running_in_step(it):
            await it.quiet()
            for number, reason in reasons.items():
                link = it.link("kit", number)
                assert link is not None
                assert (link.state, link.reason, link.member) == ("ineligible", reason, None)
            assert it.member(PHONE) is None
            # And they become one as soon as what was missing is there.
            it.clock.skip(60)
            it.kit.control.edit(max(reasons), fields={"sms_opt_in": "TBD"})
            await it.quiet()
            assert it.member(PHONE) is not None


async def test_a_user_is_matched_to_the_member_with_that_phone_or_else_makes_a_new_one(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        uuid = it.someone(PHONE, status="subscribed", given_name="Rosa")
        async with running_in_step(it):
            await it.quiet()
            known, new = it.user("(503) 555-0144", user_sms_opt_in="yes"), it.user(OTHER, user_sms_opt_in="yes")
            await it.quiet()
            links = [it.link("net", uuid), it.link("kit", known), it.link("kit", new)]
            first, second, third = [link and link.member for link in links]
        assert first == second is not None
        assert third not in (None, first)


async def test_of_several_users_with_one_phone_only_one_is_synced(tmp_path: Path) -> None:
    async with in_step(tmp_path, actionkit={}) as it:
        first, second = (it.user(PHONE, user_sms_opt_in="yes", first_name=name) for name in ("Rosa", "Ken"))
        async with running_in_step(it):
            await it.quiet()
            it.clock.skip(60)
            it.kit.control.edit(second, first_name="Kenneth")
            await it.quiet()
            links = [it.link("kit", number) for number in (first, second)]
            assert [link and link.state for link in links] == ["synced", "duplicate"]
            assert links[1] is not None
            assert links[1].of == (links[0] and links[0].member)
            assert it.value(PHONE, "first_name") == "Rosa"


async def test_the_phone_is_the_first_of_the_chosen_types_or_else_of_the_usual_ones(tmp_path: Path) -> None:
    async with in_step(tmp_path, actionkit={"phone_types": ["work"]}) as it:
        it.user("+15035550101", work_phone="+15035550102", home_phone="+15035550103", user_sms_opt_in="yes")
        it.user("+15035550104", home_phone="+15035550105", user_sms_opt_in="yes")
        it.user(None, home_phone="+15035550106", user_sms_opt_in="yes")
        async with running_in_step(it):
            await it.quiet()
            synced = [number for number in range(101, 107) if it.member(f"+15035550{number}")]
        assert synced == [102, 104, 106]


async def test_neither_side_changes_a_phone_once_it_is_linked(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        user = it.user(PHONE, user_sms_opt_in="yes")
        uuid = it.someone(PHONE, status="subscribed")
        async with running_in_step(it):
            await it.quiet()
            before = it.link("kit", user), it.link("net", uuid)
            it.clock.skip(60)
            it.network.control.edit(uuid, phone=OTHER.removeprefix("+"))
            it.kit.control.act("signup", email=it.user_of(user)["email"], mobile_phone="+15035550199")
            await it.quiet()
            after = it.link("kit", user), it.link("net", uuid)
            assert [link and link.member for link in after] == [link and link.member for link in before]
            assert it.member(PHONE) is not None
            assert it.member(OTHER) is None
        numbers = [row["normalized_phone"] for row in it.kit.control.rows("SELECT * FROM core_phone")]
        assert OTHER.removeprefix("+1") not in numbers
        assert it.by_phone(PHONE) is None


# ---- the six modes ----


async def test_each_of_the_six_modes_fills_and_overwrites_as_its_name_says(tmp_path: Path) -> None:
    """Four members: what only the user has, what only the member has, what either changes after they agreed."""
    names = list(MODE_OF)
    two_way = dict.fromkeys(names, "two_way") | {"email": "populate"}
    phones = [f"+1503555010{number}" for number in range(4)]

    def theirs(value: str | None) -> dict[str, Any]:
        return {_user_name(name): value for name in names} if value else {}

    def ours(value: str | None) -> dict[str, Any]:
        custom = dict.fromkeys(OWN_FIELDS, value)
        return {"given_name": value, "family_name": value, "custom_fields": custom} if value else {}

    async with in_step(
        tmp_path, actionkit={"fields": MODE_OF | {"email": "populate"}}, network={"fields": two_way}
    ) as it:
        starts = (("Theirs", None), (None, "Ours"), ("Same", "Same"), ("Same", "Same"))
        uuids = [
            it.someone(phone, status="subscribed", **ours(start[1]))
            for phone, start in zip(phones, starts, strict=True)
        ]
        async with running_in_step(it):
            await it.quiet()
            users = [
                it.user(phone, user_sms_opt_in="yes", **theirs(start[0]))
                for phone, start in zip(phones, starts, strict=True)
            ]
            await it.quiet()
            it.clock.skip(60)
            it.kit.control.edit(
                users[2], first_name="Edited", last_name="Edited", fields=dict.fromkeys(OWN_FIELDS, "Edited")
            )
            it.network.control.edit(
                uuids[3], given_name="Edited", family_name="Edited", custom=dict.fromkeys(OWN_FIELDS, "Edited")
            )
            await it.quiet()
            for name in names:
                mode = MODES[MODE_OF[name]]
                member = [it.value(phone, name) for phone in phones]
                user = [_of_user(it.user_of(number), name) for number in users]
                assert (name, mode.name, member, user) == (
                    name,
                    mode.name,
                    [
                        "Theirs" if mode.fills_member else None,
                        "Ours",
                        "Edited" if mode.overwrites_member else "Same",
                        "Edited",
                    ],
                    [
                        "Theirs",
                        "Ours" if mode.fills_remote else None,
                        "Edited",
                        "Edited" if mode.overwrites_remote else "Same",
                    ],
                )


def _user_name(name: str) -> str:
    return f"user_{name.removeprefix('custom.')}" if name.startswith("custom.") else name


def _of_user(user: dict[str, Any], name: str) -> str | None:
    own = name.removeprefix("custom.")
    return (user["fields"].get(own) if name.startswith("custom.") else user[name]) or None


async def test_the_city_and_state_that_actionkit_makes_of_a_zip_code_reach_the_member(tmp_path: Path) -> None:
    fields = dict.fromkeys(("first_name", "email", "city", "state", "zip"), "populate")
    async with in_step(tmp_path, actionkit={"fields": fields}, network={"fields": fields}) as it:
        uuid = it.someone(PHONE, status="subscribed", given_name="Rosa")
        it.user(PHONE, user_sms_opt_in="yes", zip="97201")
        async with running_in_step(it):
            await it.quiet()
            assert (it.value(PHONE, "city"), it.value(PHONE, "state")) == ("Portland", "OR")
        (address,) = it.person_of(uuid)["postal_addresses"]
        assert (address["locality"], address["region"], address["postal_code"]) == ("Portland", "OR", "97201")


# ---- writing ----


async def test_a_write_names_the_member_and_what_was_there_before_and_a_creation_only_the_member(
    tmp_path: Path,
) -> None:
    async with two(tmp_path, {"create_users": True, "create_for": "everybody"}) as it:
        user = it.user(PHONE, user_sms_opt_in="yes", first_name="Rosa", user_favorite_color="red")
        uuid = it.someone(PHONE, status="subscribed", given_name="Rosa", custom_fields={"favorite_color": "red"})
        it.someone(OTHER, email="new@example.org", status="subscribed", given_name="Ada")
        async with running_in_step(it):
            await it.quiet()
            it.clock.skip(60)
            it.network.control.edit(uuid, custom={"favorite_color": "blue"})
            await it.quiet()
            numbers = [str(member.id) for phone in (PHONE, OTHER) if (member := it.member(phone))]
        changed, made = _import_actions(it, it.user_of(user)["email"]), _import_actions(it, "new@example.org")
        assert [{**one, "former_data": msgspec.json.decode(one["former_data"])} for one in changed] == [
            {"groundswell_member": numbers[0], "former_data": {COLOR: "red"}}
        ]
        assert made == [{"groundswell_member": numbers[1]}]
        assert it.kit.control.rows("SELECT * FROM core_subscription") == []


def _import_actions(it: InStep, email: str) -> list[dict[str, str]]:
    rows = it.kit.control.rows(
        "SELECT a.id FROM core_action a JOIN core_page p ON p.id = a.page_id JOIN core_user u ON u.id = a.user_id "
        "WHERE u.email = ? AND p.name = 'groundswell_import' ORDER BY a.id",
        email,
    )
    found = []
    for row in rows:
        fields = it.kit.control.rows("SELECT name, value FROM core_actionfield WHERE parent_id = ?", row["id"])
        found.append({field["name"]: field["value"] for field in fields})
    return found


async def test_members_are_made_users_once_they_are_in_the_primary_group_if_they_have_an_email(tmp_path: Path) -> None:
    creating = {"create_users": True, "primary_group": "ActionKit Integration"}
    joining = {"pages": ["Join"], "groups": []}
    async with in_step(tmp_path, actionkit=creating, network=joining) as it:
        it.someone(PHONE, email="rosa@example.org", status="subscribed", given_name="Rosa")
        it.someone(OTHER, status="subscribed", given_name="Ada")
        async with running_in_step(it) as daemon:
            await it.quiet()
            assert it.kit.control.users == 0
            daemon.stop()
            await daemon.ended.wait()
        it.text = it.text.replace('pages = ["Join"]', 'primary_group = "ActionKit Integration"')
        async with running_in_step(it):
            it.clock.skip(60)
            # Whoever is read now joins it: an edit of both.
            for uuid in [it.by_phone(PHONE), it.by_phone(OTHER)]:
                assert uuid is not None
                it.network.control.edit(uuid["identifiers"][0].partition(":")[2], family_name="Quill")
            await it.quiet()
            assert it.groups(PHONE) == {"ActionKit Integration"}
        made = it.user_by("rosa@example.org")
        assert made is not None
        assert (made["first_name"], made["fields"]["sms_opt_in"]) == ("Rosa", "true")
        assert it.kit.control.users == 1


async def test_nobody_is_made_unless_the_settings_say_so(tmp_path: Path) -> None:
    async with two(tmp_path, {"primary_group": "Everybody"}) as it:
        it.someone(PHONE, email="rosa@example.org", status="subscribed")
        async with running_in_step(it):
            await it.quiet()
        assert it.kit.control.users == 0


async def test_a_sync_that_is_switched_off_reads_and_writes_nothing_and_takes_up_where_it_was(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        user = it.user(PHONE, user_sms_opt_in="yes", first_name="Rosa")
        uuid = it.someone(PHONE, status="subscribed", given_name="Rosa")
        on = it.text
        async with running_in_step(it):
            await it.quiet()
        it.text = on.replace('account = "kit"', 'account = "kit"\nenabled = false')
        calls = it.kit.counts.by_call.total()
        it.clock.skip(60)
        it.network.control.edit(uuid, given_name="Rosalind")
        async with running_in_step(it):
            seen = it.network.counts.by_call["GET people"]
            while it.network.counts.by_call["GET people"] < seen + 5 or it.value(PHONE, "first_name") != "Rosalind":
                await it.clock.sleep(0.01)
            assert it.link("kit", user) is not None
        assert it.kit.counts.by_call.total() == calls
        assert it.user_of(user)["first_name"] == "Rosa"
        it.text = on
        it.clock.skip(60)
        it.kit.control.edit(user, last_name="Okafor")
        async with running_in_step(it):
            await it.quiet()
        assert it.user_of(user)["first_name"] == "Rosalind"
        assert it.person_of(uuid)["family_name"] == "Okafor"


# ---- pages, actions, groups ----


async def test_groups_hold_who_is_linked_who_acted_what_they_said_and_usergroups(tmp_path: Path) -> None:
    settings = {
        "primary_group": "ActionKit Integration",
        "pages": ["*"],
        "usergroups": ["marshals"],
        "groups": [
            {"name": "Has a note", "field": "note"},
            {"name": "Drivers", "field": "can", "value": "drive"},
            {"name": "Letter drivers", "field": "can", "value": "drive", "page": "0"},
        ],
    }
    async with in_step(tmp_path, actionkit=settings) as it:
        page = {row["name"]: str(row["id"]) for row in it.kit.control.rows("SELECT id, name FROM core_page")}
        it.text = it.text.replace('page = "0"', f'page = "{page["write_the_mayor"]}"')
        known = it.user(PHONE, user_sms_opt_in="yes")
        nobody = it.user(None, user_sms_opt_in="yes")
        async with running_in_step(it):
            await it.quiet()
            it.clock.skip(60)
            email = it.user_of(known)["email"]
            it.kit.control.act("save_the_crossing", email=email, action_note="Fix it", action_can="drive")
            it.kit.control.act("save_the_crossing", email=it.user_of(nobody)["email"], action_note="And soon")
            it.kit.control.act(
                "write_the_mayor", email="new@example.org", mobile_phone=OTHER, user_sms_opt_in="no", action_can="drive"
            )
            (group,) = it.kit.control.rows("SELECT id FROM core_usergroup WHERE name = 'marshals'")
            it.kit.control.edit(known, groups=[f"/rest/v1/usergroup/{group['id']}/"])
            await it.quiet()
            assert it.groups(PHONE) == {
                "ActionKit Integration", "Has a note", "Drivers", "marshals", "Save The Crossing", "Signup",
            }  # fmt: skip
            assert it.groups(OTHER) == {"ActionKit Integration", "Drivers", "Letter drivers", "Write The Mayor"}
            it.clock.skip(60)
            it.kit.control.edit(known, groups=[])
            await it.quiet()
            assert "marshals" not in it.groups(PHONE)
            # Whoever acted before they could be a member joins once they are.
            it.kit.control.act("newsletter", email=it.user_of(nobody)["email"], mobile_phone="+15035550146")
            await it.quiet()
            assert it.groups("+15035550146") >= {"Save The Crossing", "Has a note", "Newsletter"}


EXAMPLE: Final[dict[Callable[..., Any], tuple[str, ...]]] = {
    test_opt_in_words_in_any_letters_are_true_false_or_neither_and_neither_texts_nobody: (
        "an opt-in field holds true, false, yes, no, t, f, y or n",
        "all other words are false",
    ),
    test_placeholders_in_the_opt_in_field_are_filled_with_the_status_of_the_member: (
        "TBD in the opt-in field is replaced by the status of the member",
    ),
    test_the_core_fields_are_there_by_default_and_populate: ("core fields are mapped by default, as populate",),
    test_an_email_takes_only_the_modes_that_do_not_overwrite_actionkit: ("email takes populate and one-way only",),
    test_an_email_of_a_member_never_changes_that_of_the_user: ("email is a key and is not changed at ActionKit",),
    test_a_user_without_a_phone_or_an_opt_in_is_no_member_and_is_shown_with_the_reason: (
        "a user is synced only with a value in the opt-in field",
        "a user needs a phone and an opt-in",
    ),
    test_where_user_and_member_differ_at_first_the_members_opt_in_counts_and_is_written: (
        "an opt-in is pushed as true or false",
        "at first the member's opt-in counts and is synced back",
    ),
    test_the_phone_is_the_first_of_the_chosen_types_or_else_of_the_usual_ones: (
        "the phone is taken from the preferred types, then mobile, work, home",
    ),
    test_neither_side_changes_a_phone_once_it_is_linked: ("a phone is updated by neither side",),
    test_of_several_users_with_one_phone_only_one_is_synced: (
        "members are told apart by phone, and one user of a phone is synced",
    ),
    test_the_city_and_state_that_actionkit_makes_of_a_zip_code_reach_the_member: (
        "city and state follow the zip at ActionKit",
    ),
    test_each_of_the_six_modes_fills_and_overwrites_as_its_name_says: ("six modes",),
    test_a_sync_that_is_switched_off_reads_and_writes_nothing_and_takes_up_where_it_was: (
        "switched off, it stops, and data stays as it was",
    ),
    test_looks_are_ten_minutes_apart_and_a_thousand_records_are_written_a_minute: (
        "a thousand records a minute, a look every ten minutes",
    ),
    test_a_user_is_matched_to_the_member_with_that_phone_or_else_makes_a_new_one: (
        "a match by phone is synced, else a member is made",
    ),
    test_a_word_that_is_none_does_not_overwrite_what_is_known: (
        "a word that is neither does not overwrite a member's status",
    ),
    test_an_opt_in_that_changes_later_reaches_the_member_and_from_there_the_other_side: (
        "after that, users that were updated are fetched",
    ),
    test_nobody_is_made_unless_the_settings_say_so: ("users are made of members where the setting is on",),
    test_members_are_made_users_once_they_are_in_the_primary_group_if_they_have_an_email: (
        "a new user needs an email, and is made by joining the primary group",
    ),
    test_a_write_names_the_member_and_what_was_there_before_and_a_creation_only_the_member: (
        "a write names the member; the former values only for known users",
    ),
    test_groups_hold_who_is_linked_who_acted_what_they_said_and_usergroups: (
        "the primary group holds all who are synced",
        "an action puts a member, known or new, into the group of its page",
        "without a phone or an opt-in nobody is in a group",
        "groups by action field, by page and value if wanted",
        "a usergroup is mirrored",
    ),
}
"""Each test, and what the guide says, in our words, that it shows."""


def test_the_table_names_every_test_of_this_file() -> None:
    tests = {one for name, one in globals().items() if name.startswith("test_")}
    assert tests - EXAMPLE.keys() == {test_the_table_names_every_test_of_this_file}
