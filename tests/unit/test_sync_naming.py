"""What stands for one person in records, besides phone and email: enough to find them, and nobody else."""

import pytest

from groundswell.members.linked import Edit
from groundswell.members.member import Link, Member, Value
from groundswell.record import Record, to_json
from groundswell.store.traces import Identity, Traces
from groundswell.sync.naming import words_naming
from groundswell.sync.records import create_record, group_record, member_record, write_record

ACCOUNTS = {"crm": "actionkit", "network": "action_network"}
PHONE = "+15035550144"


def traces(number: int, remote_id: str, accounts: dict[str, str] = ACCOUNTS) -> Traces:
    words = words_naming([number], [("crm", remote_id)], accounts)
    return Traces(Identity(frozenset(), frozenset(), words=frozenset(words)))


def own_records(number: int, remote_id: str) -> list[Record]:
    """Everything that the syncs make about somebody."""
    member = Member(number, PHONE, {"first_name": Value("Rosa", 1.0, "crm")})
    link = Link("crm", remote_id, number, "synced")
    edit = Edit("first_name", "remote", None, "Rosa", "fill_remote")
    return [
        member_record(member, {}, "crm"),
        group_record(member, "signed", is_in=True, source="crm", because="r/1", at=1.0),
        write_record(member, link, "actionkit", [edit], "crm", 1.0),
        create_record(member, "network", {"first_name": "Rosa"}, "crm", 1.0),
    ]


@pytest.mark.parametrize("record", own_records(7, "4411"), ids=lambda record: record.id.partition("/")[0])
def test_what_the_syncs_make_about_somebody_is_found_by_id_and_by_body(record: Record) -> None:
    assert traces(7, "4411").are_in(record.id)
    assert traces(7, "4411").are_in(to_json(record))


@pytest.mark.parametrize("record", own_records(77, "44110"), ids=lambda record: record.id.partition("/")[0])
def test_what_is_about_somebody_whose_number_begins_alike_is_not(record: Record) -> None:
    assert not traces(7, "4411").are_in(record.id, to_json(record))


@pytest.mark.parametrize("text", [b'{"action":{"user":"/rest/v1/user/4411/"}}', b'{"user": "/rest/v1/user/4411/"}'])
def test_what_actionkit_says_of_a_user_is_found(text: bytes) -> None:
    assert traces(7, "4411").are_in(text)


@pytest.mark.parametrize(
    "text", [b'{"referring_user":"/rest/v1/user/4411/"}', b'{"user":"/rest/v1/user/44112/"}', b'{"page":4411}']
)
def test_what_actionkit_says_of_somebody_else_is_not(text: bytes) -> None:
    assert not traces(7, "4411").are_in(text)


def test_a_number_of_one_of_two_accounts_of_a_vendor_may_be_two_people() -> None:
    two = {**ACCOUNTS, "other": "actionkit"}
    assert not traces(7, "4411", two).are_in(b'{"user":"/rest/v1/user/4411/"}')
    assert traces(7, "4411", two).are_in(b"groundswell:write/crm.4411@2026-05-02T11:00:09Z.aa")


def test_the_id_of_a_vendors_record_is_left_so_that_it_is_known_when_it_comes_again() -> None:
    assert not traces(7, "4411").are_in("actionkit:user/4411@2026-05-02T11:00:09Z.5f2a")


def test_words_of_an_account_that_is_no_longer_there_are_few_and_right() -> None:
    words = list(words_naming([], [("gone", "9")], ACCOUNTS))
    assert words == ["groundswell:write/gone.9@"]
