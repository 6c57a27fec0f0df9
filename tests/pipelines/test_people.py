"""People through the operators' commands, beside a running daemon and on the state file alone."""

import csv
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from groundswell.component import Arrival
from groundswell.connectors.http.simulator import Fault, Receiver
from groundswell.errors import RequestError
from groundswell.members.book import Changes
from groundswell.members.member import Link, Member, Sent, Statement, Value
from groundswell.ops.client import OpsError
from groundswell.ops.member_messages import ExportConsents, FindPerson, ListMembers, NamePerson
from groundswell.ops.operations import CONSENTS_EXPORT, FORGET, MEMBERS_HOUSEHOLDS, MEMBERS_LIST, PERSON
from groundswell.runtime.daemon import Daemon
from groundswell.store.inbox import Accept
from groundswell.store.outbox import Processed
from groundswell.store.store import Store
from tests.pipelines.conftest import Groundswell
from tests.pipelines.ops_pipeline import ask, call, receiving
from tests.running import post, running, until, write_config

pytestmark = pytest.mark.usefixtures("no_log")

SYNCS = """
[accounts.actionkit]
type = "actionkit"
host = "http://127.0.0.1:9"
username = "x"
password = "y"
[sync.crm]
account = "actionkit"
import_page = "x"
enabled = false
"""
NOW = 1_777_719_609_000
PHONE, EMAIL = "+15035550144", "Rosa@example.org"
ROSA = Member(
    7,
    PHONE,
    {"email": Value(EMAIL, 100.0, "crm"), "first_name": Value("Rosa", 200.0, "signups")},
    "no",
    300.0,
    100.0,
    400.0,
)
LINKS = [
    Link(
        "actionkit",
        "4411",
        7,
        "synced",
        email=EMAIL,
        remote_at=500.0,
        pending={"zip": (Sent("97202", 1), Sent("97201", 2))},
    ),
    Link("actionkit", "4500", None, "duplicate", "duplicate", of=7, phone=PHONE),
    Link("actionkit", "4600", None, "ineligible", "no_phone", email="sam@example.org", seen={"last_name": "Ng"}),
    Link("network", "new:7", None, "pending", "creating", of=7, phone=PHONE),
]
SAID = [
    Statement(PHONE, "unknown", "yes", "yes", "Y", "changed", "crm", "r/1", 100.0, 110.0),
    Statement(PHONE, "yes", "no", "no", 'STOP, "now"', "changed", "crm", "r/2", 300.0, 310.0),
    Statement("+15035550145", "yes", "yes", "unknown", "TBD", "unknown", "crm", "r/3", 301.0, 311.0),
]
NAMED = (PHONE, "5035550144", "rosa", "Rosa", EMAIL)


async def known(store: Store, links: list[Link] = LINKS) -> None:
    """Rosa, her links, what she said, and her group."""
    changes = Changes({7: ROSA}, {(link.account, link.remote_id): link for link in links}, SAID, {("signed", 7): True})
    await store.process(Processed(NOW, None, changes=changes))


@asynccontextmanager
async def people(directory: Path) -> AsyncIterator[tuple[Daemon, Receiver]]:
    """A running daemon that knows Rosa."""
    async with receiving() as (receiver, pipeline), running(pipeline + SYNCS, directory) as daemon:
        await known(daemon.store)
        yield daemon, receiver


async def offline(directory: Path) -> None:
    """The state file that such a daemon leaves behind."""
    async with receiving() as (_, pipeline):
        write_config(directory, pipeline + SYNCS)
    async with Store(directory / "groundswell.db") as store:
        await known(store)


# ---- one person ----


@pytest.mark.parametrize("who", ["(503) 555-0144", "+1 503.555.0144", " rosa@EXAMPLE.org "])
@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
async def test_a_person_is_shown_whole(who: str, is_running: bool, type_in: Groundswell, tmp_path: Path) -> None:
    if is_running:
        async with people(tmp_path):
            told = await type_in("person", who)
    else:
        await offline(tmp_path)
        told = await type_in("person", who)
    assert told.code == 0
    assert "personal data" in told.err
    lines = [re.split(r" {2,}", line.strip()) for line in told.out.splitlines()]
    assert ["member 7, +15035550144"] in lines
    assert ["may be texted: no, said 1970-01-01T00:05:00Z"] in lines
    assert ["first_name", "Rosa", "signups", "1970-01-01T00:03:20Z"] in lines
    assert ["signed", "2026-05-02T11:00:09Z"] in lines
    assert ["actionkit", "4411", "synced", EMAIL, "1970-01-01T00:08:20Z"] in lines
    assert ["being written to actionkit 4411: zip: 97201"] in lines
    twin = ["actionkit", "4500", "duplicate", "-", "-"]
    assert [*twin, "has the same phone as 4411 there, who is linked to the member"] in lines
    assert any(line[:3] == ["network", "new:7", "pending"] for line in lines)
    assert ["1970-01-01T00:05:00Z", "yes", "no", 'STOP, "now"', "changed", "crm", "r/2"] in lines
    assert not any("r/3" in line for line in lines)


async def test_a_person_says_why_they_are_not_synced(type_in: Groundswell, tmp_path: Path) -> None:
    await offline(tmp_path)
    told = await type_in("person", "sam@example.org")
    as_json = msgspec.json.decode((await type_in("person", "sam@example.org", "--json")).out)
    assert "no member" in told.out
    assert "has no phone there" in told.out
    (person,) = as_json["persons"]
    assert (person["member"], person["consents"], person["groups"]) == (None, [], {})
    assert [(link["state"], link["reason"], link["member"]) for link in person["links"]] == [
        ("ineligible", "no_phone", None)
    ]


async def test_a_person_shows_what_came_in_and_was_sent_lately(type_in: Groundswell, tmp_path: Path) -> None:
    async with people(tmp_path) as (daemon, receiver):
        await post(daemon, "signups", [{"id": 1, "zip": "97201", "phone": "503-555-0144"}, {"id": 2, "zip": "9"}])
        await until(lambda: receiver.received.records == 2)
        await until(lambda: daemon.metrics.totals().get("crm", {}).get("delivered") == 2)
        receiver.fault = Fault(status=503)
        await post(daemon, "signups", [{"id": 3, "zip": [], "phone": PHONE}, {"id": 4, "zip": "1", "phone": PHONE}])
        await until(lambda: daemon.metrics.totals().get("crm", {}).get("retried") == 1)
        told = await type_in("person", PHONE)
        as_json = msgspec.json.decode((await type_in("person", PHONE, "--json")).out)
    (person,) = as_json["persons"]
    happened = {one["record_id"].partition("@")[0]: one for one in person["lately"]}
    assert list(happened) == ["signups:4", "signups:3", "signups:1"]
    assert [(sent["sink"], sent["outcome"]) for sent in happened["signups:1"]["sent"]] == [("crm", "delivered")]
    assert [(sent["sink"], sent["outcome"], sent["attempts"]) for sent in happened["signups:4"]["sent"]] == [
        ("crm", "waiting", 1)
    ]
    assert (happened["signups:3"]["sent"], happened["signups:3"]["dead_letters"]) == ([], [1])
    assert (person["looked_at"], person["looked_back_to"]) == (4, None)
    assert re.search(r"signups:1@\S+ +crm: delivered \d{4}-", told.out)
    assert "dead letter 1" in told.out


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
async def test_nobody_is_told_in_words_that_name_nobody(is_running: bool, type_in: Groundswell, tmp_path: Path) -> None:
    async def said() -> list[Any]:
        return [await type_in("person", who) for who in ("503 555 0199", "nobody@example.org", "123456", "@")]

    if is_running:
        async with people(tmp_path):
            phone, email, bad, odd = await said()
    else:
        await offline(tmp_path)
        phone, email, bad, odd = await said()
    assert [one.code for one in (phone, email, bad, odd)] == [1, 1, 1, 1]
    assert "nobody with this phone is known" in phone.err
    assert "nobody with this email address is known" in email.err
    assert "no phone number that is in use" in bad.err
    assert "no email address" in odd.err
    assert not any(word in one.err + one.out for one in (phone, email, bad) for word in ("0199", "nobody@", "123456"))


async def test_no_question_about_a_person_fits_into_a_url(tmp_path: Path) -> None:
    async with people(tmp_path) as (daemon, _):
        statuses = {
            operation.name: (await call(daemon, "GET", operation.path)).status
            for operation in (PERSON, MEMBERS_LIST, MEMBERS_HOUSEHOLDS, CONSENTS_EXPORT, FORGET)
        }
    assert set(statuses.values()) == {405}


async def test_who_is_meant_is_said_in_one_way(tmp_path: Path) -> None:
    both_ways = (NamePerson(), NamePerson(PHONE, EMAIL))
    found = (
        FindPerson(),
        FindPerson(PHONE, EMAIL),
        FindPerson(PHONE, member=7),
        FindPerson(member=7, account="x", remote_id="1"),
    )
    halves = (FindPerson(account="x"), FindPerson(member=7, remote_id="x"))
    async with people(tmp_path):
        for named in both_ways:
            with pytest.raises(OpsError, match="one of phone and email") as caught:
                await ask(tmp_path, FORGET, named)
            assert caught.value.status == 409
        for asked, said in [*((one, "in one way") for one in found), *((one, "go together") for one in halves)]:
            with pytest.raises(OpsError, match=said) as caught:
                await ask(tmp_path, PERSON, asked)
            assert caught.value.status == 409


async def test_a_person_is_found_by_a_number_too(type_in: Groundswell, tmp_path: Path) -> None:
    async with people(tmp_path):
        by_member = await type_in("person", "--member", "7", "--json")
        by_twin = await type_in("person", "--account", "actionkit", "--number", "4500", "--json")
        alone = await type_in("person", "--account", "actionkit", "--number", "4600", "--json")
        nobody = await type_in("person", "--member", "8")
        nowhere = await type_in("person", "--account", "actionkit", "--number", "9")
    found = [msgspec.json.decode(one.out)["persons"] for one in (by_member, by_twin, alone)]
    assert [[one["member"] and one["member"]["id"] for one in persons] for persons in found] == [[7], [7], [None]]
    assert (nobody.code, nowhere.code) == (1, 1)
    assert "nobody is known as member 8" in nobody.err
    assert 'nobody is known as "9" in "actionkit"' in nowhere.err


# ---- lists ----


async def test_members_are_counted_and_listed(type_in: Groundswell, tmp_path: Path) -> None:
    async with people(tmp_path):
        all_of_them = await type_in("members", "list")
        one = await type_in("members", "list", "actionkit", "--status", "duplicate", "--json")
        found = await type_in("members", "list", "--search", "NG", "--json")
        none = await type_in("members", "list", "--search", "nobody at all")
        wrong = await type_in("members", "list", "action_kit")
    lines = [re.split(r" {2,}", line.strip()) for line in all_of_them.out.splitlines()]
    assert ["actionkit", "1", "0", "1", "1", "0", "0", "3"] in lines
    assert ["network", "0", "1", "0", "0", "0", "0", "1"] in lines
    at = "2026-05-02T11:00:09Z"
    assert ["actionkit", "4411", "synced", "", at, "7", PHONE, EMAIL, "Rosa"] in [
        [*line[:3], "", *line[3:]] for line in lines
    ]
    assert ["actionkit", "4600", "ineligible", "no_phone", at, "-", "-", "sam@example.org", "Ng"] in lines
    listed = msgspec.json.decode(one.out)
    assert [account["account"] for account in listed["accounts"]] == ["actionkit"]
    assert [(row["remote_id"], row["state"]) for row in listed["members"]] == [("4500", "duplicate")]
    assert [row["remote_id"] for row in msgspec.json.decode(found.out)["members"]] == ["4600"]
    assert "nobody is in there" in none.out
    assert "personal data" not in none.err
    assert (wrong.code, wrong.out) == (1, "")
    assert 'did you mean "actionkit"?' in wrong.err


async def test_phones_that_are_shared_are_listed_with_all_who_have_them(type_in: Groundswell, tmp_path: Path) -> None:
    shared = [Link("a", str(n), None, "duplicate", of=number) for number in (1, 2, 5) for n in (number, number + 10)]
    alone = [Link("a", "30", None, "gone", of=3), Link("a", "40", 4, "synced"), Link("a", "50", 5, "synced")]
    async with receiving() as (_, pipeline):
        write_config(tmp_path, pipeline)
    async with Store(tmp_path / "groundswell.db"):
        pass
    none = await type_in("members", "households")
    async with Store(tmp_path / "groundswell.db") as store:
        members = {n: Member(n, f"+1503555010{n}") for n in range(1, 6)}
        links = {(link.account, link.remote_id): link for link in (*shared, *alone)}
        await store.process(Processed(NOW, None, changes=Changes(members, links, [], {})))
    some = await type_in("members", "households", "--limit", "2")
    (more,) = (line for line in some.out.splitlines() if line.startswith("more: groundswell "))
    rest = await type_in(*more.removeprefix("more: groundswell ").split(), "--json")
    assert "no phone is shared" in none.out
    assert [line.split()[:3] for line in some.out.splitlines() if line.startswith("+1")] == [
        [f"+1503555010{number}", "a", remote_id]
        for number in (1, 2)
        for remote_id in sorted((f"1{number}", f"{number}"))
    ]
    found = msgspec.json.decode(rest.out)
    (household,) = found["households"]
    assert (household["phone"], found["next_after"]) == ("+15035550105", None)
    assert [(one["remote_id"], one["state"]) for one in household["people"]] == [
        ("50", "synced"),
        ("15", "duplicate"),
        ("5", "duplicate"),
    ]


@pytest.mark.parametrize("sort", ["remote_id", "email", "newest"])
async def test_pages_of_all_accounts_together_hold_everybody_once(sort: Any, tmp_path: Path) -> None:
    links = [Link(account, str(n), None, "gone", email=f"{n}@x.org") for account in ("a", "b", "c") for n in range(7)]
    async with receiving() as (_, pipeline):
        write_config(tmp_path, pipeline)
    async with Store(tmp_path / "groundswell.db") as store:
        await known(store, links)
    found, after = [], None
    while True:
        page = await ask(tmp_path, MEMBERS_LIST, ListMembers(sort=sort, limit=4, after=after))
        assert len(page.members) <= 4
        found += [(row.account, row.remote_id) for row in page.members]
        after = page.next_after
        if after is None:
            break
    assert sorted(found) == sorted((link.account, link.remote_id) for link in links)
    assert [account for account, _ in found] == sorted(account for account, _ in found)


async def test_the_command_finds_the_few_among_many_and_says_how_to_go_on(type_in: Groundswell, tmp_path: Path) -> None:
    links = [Link("a", f"{n:03}", None, "gone", email=f"{n}@{'hit' if n % 40 == 39 else 'x'}.org") for n in range(200)]
    async with receiving() as (_, pipeline):
        write_config(tmp_path, pipeline)
    async with Store(tmp_path / "groundswell.db") as store:
        await known(store, links)
    some = await type_in("members", "list", "--search", "@hit", "--limit", "3")
    (more,) = (line for line in some.out.splitlines() if line.startswith("more: groundswell "))
    assert re.findall(r"^a +(\d{3}) ", some.out, re.MULTILINE) == ["039", "079", "119"]
    rest = await type_in(*more.removeprefix("more: groundswell ").split(), "--json")
    found = msgspec.json.decode(rest.out)
    assert ([row["remote_id"] for row in found["members"]], found["next_after"]) == (["159", "199"], None)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 50])
@pytest.mark.parametrize("search", ["(503) 555-0177", "+15035550177", "5550177", "7@x.org", "7", "nobody"])
async def test_whoever_has_just_that_comes_first_and_every_page_but_the_last_is_full(
    search: str, limit: int, tmp_path: Path
) -> None:
    phone = "+15035550177"
    exact = [("a", "7"), ("b", "7")] if search in ("7", "7@x.org") else [(a, "9") for a in "ab"]
    links = [
        *(Link(account, str(n), None, "gone", email=f"{n}@x.org") for account in "ab" for n in (3, 7, 17, 70)),
        *(Link(account, "9", None, "ineligible", phone=phone) for account in "ab"),
        Link("b", "10", None, "gone", seen={"last_name": f"said {phone}"}),
        Link("c", "1", None, "gone"),
    ]
    async with receiving() as (_, pipeline):
        write_config(tmp_path, pipeline)
    async with Store(tmp_path / "groundswell.db") as store:
        await known(store, links)
    found: list[tuple[str, str]] = []
    after = None
    while found == [] or after is not None:
        page = await ask(tmp_path, MEMBERS_LIST, ListMembers(search=search, limit=limit, after=after))
        found += [(row.account, row.remote_id) for row in page.members]
        after = page.next_after
        if search == "nobody":
            assert (page.members, after) == ([], None)
            return
        assert page.members
        assert after is None or len(page.members) == limit
    having = {
        "(503) 555-0177": {*exact},
        "+15035550177": {*exact, ("b", "10")},
        "5550177": {*exact, ("b", "10")},
        "7@x.org": {(a, n) for a in "ab" for n in ("7", "17")},
        "7": {(a, n) for a in "ab" for n in ("7", "17", "70", "9")} | {("b", "10")},
    }
    assert found[:2] == exact if search != "5550177" else True
    assert sorted(found) == sorted(having[search])


@pytest.mark.parametrize("after", ["x", "00", "[]", '["gone",null]', '["actionkit",[18446744073709551615,"1"]]'])
async def test_a_page_that_no_answer_named_is_refused(after: str, tmp_path: Path) -> None:
    async with people(tmp_path):
        with pytest.raises(OpsError, match="`after` is not the `next_after`") as caught:
            await ask(tmp_path, MEMBERS_LIST, ListMembers(after=after if len(after) < 3 else after.encode().hex()))
    assert caught.value.status == 409


async def test_status_shows_how_far_each_sync_is(type_in: Groundswell, tmp_path: Path) -> None:
    async with people(tmp_path):
        online = await type_in("status")
    stopped = await type_in("status")
    for told in (online, stopped):
        lines = [re.split(r" {2,}", line.strip()) for line in told.out.splitlines()]
        assert ["crm", "actionkit", "off", "1 of 3 (33%)", "1", "0", "1", "1", "0", "0"] in lines
        assert ["-", "network", "removed", "0 of 1 (0%)", "0", "1", "0", "0", "0", "0"] in lines


# ---- the ledger ----


async def test_the_ledger_is_written_out_as_lines_of_json_or_as_csv(type_in: Groundswell, tmp_path: Path) -> None:
    async with people(tmp_path):
        online = await type_in("consents", "export")
        as_csv = await type_in("consents", "export", "--csv")
        of_one = await type_in("consents", "export", "--phone", "503-555-0145", "--json")
        of_none = await type_in("consents", "export", "--phone", "503-555-0199")
    stopped = await type_in("consents", "export")
    assert online.out == stopped.out
    assert [msgspec.json.decode(line)["record_id"] for line in online.out.splitlines()] == ["r/1", "r/2", "r/3"]
    rows = list(csv.DictReader(io.StringIO(as_csv.out)))
    assert [(row["old"], row["new"], row["words"], row["said_at"]) for row in rows][1] == (
        *("yes", "no", 'STOP, "now"', "1970-01-01T00:05:00Z"),
    )
    assert [msgspec.json.decode(line)["words"] for line in of_one.out.splitlines()] == ["TBD"]
    assert (of_none.code, of_none.out) == (0, "")
    assert "there is no line about them" in of_none.err


async def test_a_long_ledger_is_written_in_parts_and_once(
    type_in: Groundswell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundswell.cli.consents.LINES_PER_PART", 2)
    await offline(tmp_path)
    async with Store(tmp_path / "groundswell.db") as store:
        await store.process(Processed(NOW, None, changes=Changes(statements=SAID)))
    out = await type_in("consents", "export")
    names = [msgspec.json.decode(line)["record_id"] for line in out.out.splitlines()]
    assert names == ["r/1", "r/2", "r/3"] * 2


async def test_a_file_of_the_ledger_is_its_owners_alone_and_never_written_over(
    type_in: Groundswell, tmp_path: Path
) -> None:
    await offline(tmp_path)
    file = tmp_path / "consents.csv"
    done = await type_in("consents", "export", "--csv", "--output", str(file))
    again = await type_in("consents", "export", "--csv", "--output", str(file))
    assert (done.code, done.out, again.code) == (0, "", 1)
    assert done.err == f"3 lines written to {file}\n"
    assert "name another file" in again.err
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_text().splitlines()) == 4


async def test_an_answer_says_where_the_ledger_goes_on(tmp_path: Path) -> None:
    await offline(tmp_path)
    first = await ask(tmp_path, CONSENTS_EXPORT, ExportConsents(limit=2))
    assert first.next_after is not None
    rest = await ask(tmp_path, CONSENTS_EXPORT, ExportConsents(first.next_after, limit=2))
    assert ([line.record_id for line in rest.lines], rest.next_after) == (["r/3"], None)


# ---- forgetting ----


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
async def test_a_person_is_forgotten_after_a_question(is_running: bool, type_in: Groundswell, tmp_path: Path) -> None:
    async def forgetting() -> list[Any]:
        return [
            await type_in("forget", "503 555 0144", typed="n\n"),
            await type_in("person", PHONE),
            await type_in("forget", "503 555 0144", typed="y\n"),
            await type_in("person", PHONE),
            await type_in("forget", EMAIL, "--yes", "--json"),
        ]

    if is_running:
        async with people(tmp_path):
            kept, there, done, gone, again = await forgetting()
    else:
        await offline(tmp_path)
        kept, there, done, gone, again = await forgetting()
    assert (kept.code, there.code, done.code, gone.code, again.code) == (1, 0, 0, 1, 0)
    assert "Forget member 7 (actionkit 4411; 2 lines about consent), with every record about them" in kept.err
    assert not any(word in kept.err for word in NAMED)
    lines = [re.split(r" {2,}", line.strip()) for line in done.out.splitlines()]
    for row in (["consents", "2"], ["links", "3"], ["member_groups", "1"], ["members", "1"]):
        assert row in lines
    assert "the accounts still have them" in done.out
    assert re.search(r"whoever has this phone was forgotten on \d{4}-\d\d-\d\d", gone.err)
    assert set(msgspec.json.decode(again.out)["rows"].values()) == {0}


async def test_somebody_unknown_is_forgotten_ahead(type_in: Groundswell, tmp_path: Path) -> None:
    await offline(tmp_path)
    done = await type_in("forget", "503 555 0199", typed="y\n")
    gone = await type_in("person", "503 555 0199")
    assert "nobody with this phone is known" in done.err
    assert "nothing about them was there" in done.out
    assert "was forgotten on" in gone.err


async def test_an_email_of_several_members_forgets_nobody(tmp_path: Path) -> None:
    other = msgspec.structs.replace(ROSA, id=8, phone="+15035550145")
    await offline(tmp_path)
    async with Store(tmp_path / "groundswell.db") as store:
        await store.process(Processed(NOW, None, changes=Changes({8: other})))
    with pytest.raises(RequestError, match="2 members have this email"):
        await ask(tmp_path, FORGET, NamePerson(email=EMAIL))
    assert len((await ask(tmp_path, PERSON, FindPerson(email=EMAIL))).persons) == 2


async def test_what_waits_for_a_sink_is_recalled(tmp_path: Path) -> None:
    async with people(tmp_path) as (daemon, receiver):
        await daemon.supervisor.pause("crm")
        sent = [{"id": n, "zip": "9", "phone": PHONE if n % 2 else f"503555015{n}"} for n in range(6)]
        await post(daemon, "signups", sent)
        await until(lambda: daemon.supervisor.sinks["crm"].waiting == 6)
        done = await ask(tmp_path, FORGET, NamePerson(phone="503-555-0144"))
        assert daemon.supervisor.sinks["crm"].waiting == 3
        await daemon.supervisor.resume("crm")
        await until(lambda: daemon.supervisor.sinks["crm"].waiting == 0)
    assert (done.recalled, done.rows["inbox"], done.rows["outbox"], done.is_log_empty) == (3, 3, 3, True)
    assert sorted(name.partition("@")[0] for name in receiver.received.times) == ["signups:0", "signups:2", "signups:4"]


async def test_what_was_accepted_and_waits_in_memory_is_not_processed(tmp_path: Path) -> None:
    async with people(tmp_path) as (daemon, receiver), anyio.create_task_group() as tasks:
        async with daemon.supervisor.processor.lock:  # as if a batch took long
            await post(daemon, "signups", [{"id": 1, "zip": "9", "phone": PHONE}, {"id": 2, "zip": "9"}])
            assert not daemon.supervisor.inbox.is_behind
            tasks.start_soon(ask, tmp_path, FORGET, NamePerson(phone=PHONE))
            await until(lambda: daemon.supervisor.inbox.is_behind)
        await until(lambda: daemon.metrics.totals().get("crm", {}).get("delivered") == 1)
    assert [name.partition("@")[0] for name in receiver.received.times] == ["signups:2"]


async def test_a_record_that_is_read_again_afterwards_is_a_duplicate(tmp_path: Path) -> None:
    arrival = Arrival("actionkit:user/4411@2026-05-02T11:00:09Z.5f2a", b'{"id":4411,"phone":"503-555-0144"}')
    await offline(tmp_path)
    async with Store(tmp_path / "groundswell.db") as store:
        await store.accept(Accept("crm_read", NOW, [arrival]))
    done = await ask(tmp_path, FORGET, NamePerson(phone=PHONE))
    async with Store(tmp_path / "groundswell.db") as store:
        assert await store.accept(Accept("crm_read", NOW, [arrival])) == []
    assert done.rows["inbox"] == 1


async def test_everybody_with_one_email_is_shown_up_to_a_bound(
    type_in: Groundswell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundswell.ops.people.PERSONS_MAX", 2)
    others = {n: msgspec.structs.replace(ROSA, id=n, phone=f"+1503555020{n}") for n in (8, 9)}
    await offline(tmp_path)
    async with Store(tmp_path / "groundswell.db") as store:
        await store.process(Processed(NOW, None, changes=Changes(others)))
    told = await type_in("person", EMAIL)
    assert told.out.startswith("3 people have this; here are the first 2\n")
    assert len(re.findall(r"^member \d, \+1503", told.out, re.MULTILINE)) == 2
