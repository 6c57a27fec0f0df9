"""The pages about people, as a browser without JavaScript is answered; and the commands that say the same."""

import csv
import io
import re
from pathlib import Path
from urllib.parse import quote

import aiohttp
import msgspec
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from groundswell.errors import StoreError
from groundswell.members.book import Changes
from groundswell.members.member import Link, Value
from groundswell.ops.group_messages import GroupMembers, Groups
from groundswell.ops.member_messages import ListMembers
from groundswell.ops.operations import GROUPS_LIST, MEMBERS_LIST
from groundswell.ops.sync_messages import Syncs
from groundswell.store.outbox import Processed
from tests.peopled import AT_S, EMAIL, LINKS, NOW, PHONE, ROSA, fill, peopled
from tests.pipelines.conftest import Groundswell
from tests.pipelines.ops_pipeline import PASSWORD, Browser, ask, browsing
from tests.running import post, until

pytestmark = pytest.mark.usefixtures("no_log")

LOGIN = f'password = "{PASSWORD}"'
READER = "only for looking"
PATHS = (
    *("/members", "/members/7", "/members/link?account=actionkit&number=4600", "/members/households", "/syncs"),
    *("/syncs/kit", "/groups", "/groups/members?name=Everybody", "/consents", "/consents/export.csv"),
)
PERSONAL = ("Rosa", "Quintanilla", "5550144", "5550145", "example.org", "STOP", "97202")


def text_of(page: str) -> str:
    """What a person reads."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


async def send(browser: Browser, path: str, form: str, **fields: str) -> str:
    answer = await browser.post(path, {"form": form, "csrf": await browser.csrf(), **fields})
    assert answer.status in (200, 422)
    return answer.text


# ---- finding and reading ----


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("quintan", ["Rosa Quintanilla", "no name"]),
        ("(503) 555-0144", ["Rosa Quintanilla", "no name"]),
        (EMAIL.upper(), ["Rosa Quintanilla", "no name"]),
        ("4600", ["Ng"]),
        ("nobody at all", []),
    ],
)
async def test_people_are_found_by_what_is_known_of_them(search: str, found: list[str], tmp_path: Path) -> None:
    async with peopled(tmp_path, LOGIN) as daemon, browsing(daemon) as browser:
        await browser.log_in()
        page = await send(browser, "/members", "members list", search=search, limit="50")
    names = re.findall(r'<th scope="row">\s*<a href="/members/(?:7|link)[^>]*>([^<]+)', page)
    assert names == found
    assert ("Nobody is in there." in page) == (not found)
    assert f'value="{search}"' in page, "and it can be changed"


async def test_a_long_list_comes_in_pages_that_hold_everybody_once(tmp_path: Path) -> None:
    links = [Link("actionkit", f"{n:04}", None, "gone", email=f"n{n}@x.org") for n in range(1, 121)]
    async with peopled(tmp_path, LOGIN) as daemon, browsing(daemon) as browser:
        changes = Changes(links={(link.account, link.remote_id): link for link in links})
        await daemon.store.process(Processed(NOW, None, changes=changes))
        await browser.log_in()
        page = (await browser.get("/members?status=gone&sort=email")).text
        found = re.findall(r"n\d+@x\.org", page)
        while 'name="after"' in page:
            form = page.rpartition("<form")[2]
            hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
            page = (await browser.post("/members", hidden)).text
            found += re.findall(r"n\d+@x\.org", page)
    assert sorted(found) == sorted(str(link.email) for link in links)


async def test_somebody_reads_why_a_field_has_its_value(tmp_path: Path) -> None:
    async with peopled(tmp_path, LOGIN) as daemon, browsing(daemon) as browser:
        await post(daemon, "signups", [{"id": 3, "zip": [], "phone": PHONE}])
        await until(lambda: daemon.metrics.totals().get("mapped", {}).get("dead") == 1)
        await browser.log_in()
        page = (await browser.get("/members/7")).text
        unlinked = text_of((await browser.get("/members/link?account=actionkit&number=4600")).text)
    text = text_of(page)
    assert "zip 97202 signups 2026-05-02 10:58:29 UTC signups said so" in text
    assert "actionkit (two_way): 97201 ; 97202 is being written there, and counts as being there" in text
    assert "they differed when they met, and populate overwrites neither" in text
    assert "signups: STOP, &#34;now&#34; . It means no: may be texted was yes, and became no." in text
    assert "has the same phone as 4411 there" in text
    assert 'href="/dead/1"' in page
    assert 'href="/groups/members?name=Tax%20the%20rich"' in page
    assert "No member" in unlinked
    assert "has no phone there" in unlinked


async def test_who_is_not_there_is_said_on_a_page(tmp_path: Path) -> None:
    async with peopled(tmp_path, LOGIN) as daemon, browsing(daemon) as browser:
        await browser.log_in()
        paths = ("/members/99", "/members/link?account=actionkit&number=x", "/syncs/kitt", "/groups/members?name=Evry")
        answers = [await browser.get(path) for path in paths]
        odd = [
            (await browser.get(path)).status for path in ("/members?search=rosa", "/members?status=x", "/groups?x=1")
        ]
    assert [answer.status for answer in answers] == [404] * 4
    assert "nobody is known as member 99" in answers[0].text
    assert "did you mean" in answers[2].text
    assert odd == [400] * 3


# ---- what stays in ----


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_keeps_a_page_about_people(path: str, tmp_path: Path) -> None:
    async with peopled(tmp_path, LOGIN) as daemon, browsing(daemon) as browser:
        await browser.log_in()
        answer = await browser.get(path)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"


async def test_no_phone_and_no_email_stands_in_any_address(tmp_path: Path) -> None:
    async with peopled(tmp_path, LOGIN) as daemon, browsing(daemon) as browser:
        await browser.log_in()
        pages = [(await browser.get(path)).text for path in PATHS if "export" not in path]
        pages.append(await send(browser, "/members", "members list", search=EMAIL, limit="1", sort="email"))
        pages.append(await send(browser, "/consents", "consents export", phone=PHONE, limit="1"))
    addresses = [address for page in pages for address in re.findall(r'(?:href|action|src)="([^"]*)"', page)]
    assert len(addresses) > 50
    assert not any(word in address for address in addresses for word in ("555", "@", "%40", "example", "Rosa"))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("read_personal", [False, True])
async def test_who_may_not_see_people_sees_none(path: str, read_personal: bool, tmp_path: Path) -> None:
    lines = (LOGIN, f'read_password = "{READER}"', f"read_personal = {str(read_personal).lower()}")
    async with peopled(tmp_path, *lines) as daemon, browsing(daemon) as browser:
        await browser.log_in(READER)
        answer = await browser.get(path)
    text = text_of(answer.text)
    about_people = path not in ("/syncs", "/syncs/kit", "/groups")
    if read_personal or not about_people:
        assert answer.status == 200
        assert "Forget this person" not in text
    else:
        assert not any(word in answer.text for word in PERSONAL)
        assert "sees no personal data" in text or (answer.status == 403 and "shows personal data" in text)


HOSTILE = "<img src=x onerror=alert(1)>\"'><script>alert(1)</script>{{7*7}}\u202e"


async def test_whatever_vendors_and_the_public_send_is_shown_as_text(tmp_path: Path) -> None:
    names = ("first_name", "last_name", "custom.<b>x</b>", "email")
    member = replace(ROSA, fields={name: Value(HOSTILE, AT_S, HOSTILE) for name in names})
    links = [
        replace(LINKS[0], email=HOSTILE, seen=dict.fromkeys((*names, "sms_opt_in"), HOSTILE)),
        Link("actionkit", f"{HOSTILE}2", None, "ineligible", HOSTILE, email=HOSTILE, seen={"first_name": HOSTILE}),
        Link("actionkit", f"{HOSTILE}3", None, "duplicate", "duplicate", of=7, email=HOSTILE),
    ]
    paths = [
        *PATHS[:9],
        f"/groups/members?name={quote(HOSTILE)}",
        f"/members/link?account=actionkit&number={quote(HOSTILE)}2",
    ]
    async with peopled(tmp_path, LOGIN) as daemon, browsing(daemon) as browser:
        await fill(daemon.store, member, links)
        await daemon.store.process(Processed(NOW, None, changes=Changes(groups={(HOSTILE, 7): True})))
        await browser.log_in()
        pages = {path: await browser.get(path) for path in paths if "4600" not in path}
        pages["found"] = await browser.post(
            "/members", {"form": "members list", "csrf": await browser.csrf(), "search": HOSTILE, "limit": "1"}
        )
    assert {path: answer.status for path, answer in pages.items()} == dict.fromkeys(pages, 200)
    for path, answer in pages.items():
        assert "<img" not in answer.text, path
        assert answer.text.count("<script") == 1, path
    for text in ("&lt;script&gt;", "{{7*7}}"):
        assert sum(text in answer.text for answer in pages.values()) >= 8
    assert not any("\u202e" in text_of(answer.text) for answer in pages.values())


# ---- forgetting ----


async def test_somebody_is_forgotten_from_their_page(tmp_path: Path) -> None:
    async with peopled(tmp_path, LOGIN) as daemon, browsing(daemon) as browser:
        await browser.log_in()
        page = (await browser.get("/members/7")).text
        form = page[page.index('name="form" value="forget"') :]
        (phone,) = re.findall(r'name="phone" value="([^"]+)"', form)
        done = await browser.post(
            "/members/7", {"form": "forget", "at": "", "phone": phone, "csrf": await browser.csrf()}
        )
        after = await browser.get(done.headers["Location"])
        found = await ask(tmp_path, MEMBERS_LIST, ListMembers())
    consequences = text_of(page)
    for words in (
        "Member 7 is erased",
        "actionkit 4411",
        "3 lines",
        "2 groups",
        "will not be sent",
        "cannot be undone",
    ):
        assert words in consequences
    assert "The accounts keep them" in consequences
    assert "required" in form
    assert (done.status, done.headers["Location"], after.status) == (303, "/members/7", 404)
    assert "Forgotten (rows erased:" in text_of(after.text)
    assert {row.member for row in found.members} == {None}


async def test_who_only_looks_cannot_forget(tmp_path: Path) -> None:
    lines = (LOGIN, f'read_password = "{READER}"', "read_personal = true")
    async with peopled(tmp_path, *lines) as daemon, browsing(daemon) as browser:
        await browser.log_in(READER)
        tried = await browser.post("/members/7", {"form": "forget", "phone": PHONE, "csrf": await browser.csrf()})
        still = await browser.get("/members/7")
    assert (tried.status, still.status) == (403, 200)


# ---- fields ----


async def test_the_page_of_a_sync_says_what_it_does_and_what_to_write(tmp_path: Path) -> None:
    async with peopled(tmp_path, LOGIN) as daemon, browsing(daemon) as browser:
        await browser.log_in()
        listed = text_of((await browser.get("/syncs")).text)
        page = text_of((await browser.get("/syncs/kit")).text)
    assert "kit actionkit actionkit on 0 3 7" in listed
    assert "zip ⇄ both ways zip two_way fills an empty one, and overwrites the member&#39;s" in page
    assert "state ← from there to here state to_member" in page
    assert "custom.shirt size → from here to there user_shirt to_remote nothing fills an empty one" in page
    assert "1 of 2" in page
    assert (
        "&#34;custom.shirt size&#34; = { remote = &#34;user_shirt&#34;, mode = &#34;to_remote&#34;, clear = true }"
        in page
    )
    assert "opt_in_field sms_opt_in" in page
    assert "rate 1,000 in 1m" in page
    assert "groundswell plan kit" in page


async def test_the_commands_say_the_same_of_syncs_and_groups(type_in: Groundswell, tmp_path: Path) -> None:
    async with peopled(tmp_path):
        syncs = await type_in("syncs")
        as_json = msgspec.json.decode((await type_in("syncs", "kit", "--json")).out, type=Syncs)
        wrong = await type_in("syncs", "kitt")
        groups = await type_in("groups", "list", "--limit", "3")
        of_one = await type_in("groups", "members", "Everybody", "--limit", "1")
        rest = await type_in("groups", "members", "Everybody", "--after", "7", "--json")
        nobody = await type_in("groups", "members", "Nobody")
        explained = await type_in("person", "--member", "7", "--explain")
    stopped = await type_in("syncs")
    lines = [re.split(r" {2,}", line.strip()) for line in syncs.out.splitlines()]
    assert [
        "state",
        "state",
        "to_member",
        "fills an empty one, and overwrites the member's",
        "nothing",
        "no",
        "0",
    ] in lines
    assert stopped.out == syncs.out
    (sync,) = as_json.syncs
    assert (sync.synced, sync.total, sync.looked_at, sync.is_all) == (0, 3, 2, True)
    assert (wrong.code, 'did you mean "kit"?' in wrong.err) == (1, True)
    listed = [re.split(r" {2,}", line.strip()) for line in groups.out.splitlines()]
    assert ["Drivers", "0", "kit: whoever took an action on any page with “yes” in its field can_drive"] in listed
    assert ["Everybody", "2", "kit: everybody who is linked in actionkit"] in listed
    assert "more: groundswell groups list --limit 3 --after Organisers" in groups.out
    assert "2 in Everybody" in of_one.out
    assert "more: groundswell groups members Everybody --limit 1 --after 7" in of_one.out
    assert [one.member for one in msgspec.json.decode(rest.out, type=GroupMembers).members] == [8]
    assert (nobody.code, "nobody is in a group of that name" in nobody.err) == (1, True)
    assert "is being written there" in explained.out


async def test_a_sync_that_needs_its_environment_says_so_without_a_daemon(type_in: Groundswell, tmp_path: Path) -> None:
    async with peopled(tmp_path):
        pass
    file = tmp_path / "pipeline.toml"
    file.write_text(file.read_text().replace('import_page = "import"', 'import_page = "${NOT_SET}"'))
    told = await type_in("syncs")
    person = await type_in("person", "--member", "7", "--explain")
    assert (told.code, "NOT_SET" in told.err) == (78, True)
    assert person.code == 0


async def test_a_group_of_the_configuration_that_nobody_is_in_is_listed_once(tmp_path: Path) -> None:
    async with peopled(tmp_path):
        pages, after = [], ""
        while True:
            page = await ask(tmp_path, GROUPS_LIST, msgspec.convert({"after": after, "limit": 1}, GROUPS_LIST.request))
            pages.append(page)
            if page.next_after is None:
                break
            after = page.next_after
    found = [(group.name, group.members) for page in pages for group in page.groups]
    assert found == [("Drivers", 0), ("Everybody", 2), ("Organisers", 0), ("Tax the rich", 1)]
    assert isinstance(pages[0], Groups)
    assert [(one.sync, one.state, one.pages) for one in pages[0].pages] == [("kit", "on", ["*"])]


# ---- consents ----


async def test_the_ledger_is_read_newest_first_and_narrowed(tmp_path: Path) -> None:
    async with peopled(tmp_path, LOGIN) as daemon, browsing(daemon) as browser:
        await browser.log_in()
        newest = (await browser.get("/consents")).text
        oldest = (await browser.get("/consents?order=oldest")).text
        older = (await browser.get("/consents?decision=older")).text
        hers = await send(browser, "/consents", "consents export", email=EMAIL, order="oldest")
        one = await send(browser, "/consents", "consents export", phone=PHONE, limit="1", order="newest")
        (after,) = re.findall(r'name="after" value="(\d+)"', one)
        two = await send(browser, "/consents", "consents export", phone=PHONE, limit="1", order="newest", after=after)
        wrong = await send(browser, "/consents", "consents export", phone="123")

    def words(page: str) -> list[str]:
        return re.findall(r'data-label="Words"><q>([^<]+)', page)

    assert words(newest) == ["TBD", "=cmd()", "STOP, &#34;now&#34;", "Y"]
    assert words(oldest) == words(newest)[::-1]
    assert words(older) == ["=cmd()"]
    assert words(hers) == ["Y", "STOP, &#34;now&#34;", "=cmd()"]
    assert (words(one), words(two)) == (["=cmd()"], ["STOP, &#34;now&#34;"])
    assert "no phone number that is in use" in wrong


async def test_the_ledger_is_downloaded_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundswell.ops.dashboard.consents.LINES_PER_PART", 1)
    async with peopled(tmp_path, LOGIN) as daemon, browsing(daemon) as browser:
        await browser.log_in()
        table = await browser.get("/consents/export.csv")
        lines = await browser.get("/consents/export.jsonl?decision=changed")
        nothing = await browser.get("/consents/export.xml")
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert [row["record_id"] for row in rows] == ["r/1", "r/2", "r/4", "r/3"]
    assert [row["words"] for row in rows] == ["Y", 'STOP, "now"', "'=cmd()", "TBD"]
    assert table.headers["Content-Disposition"] == 'attachment; filename="consents.csv"'
    assert [msgspec.json.decode(line)["record_id"] for line in lines.text.splitlines()] == ["r/1", "r/2"]
    assert nothing.status == 404


async def test_a_download_that_cannot_go_on_is_not_taken_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundswell.ops.dashboard.consents.LINES_PER_PART", 1)
    async with peopled(tmp_path, LOGIN) as daemon, browsing(daemon) as browser:
        await browser.log_in()
        ledger = daemon.store.people.ledger
        left = 2

        async def fails_later(query: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise StoreError("the disk is gone")
            return await ledger(query)  # type: ignore[arg-type]

        monkeypatch.setattr(daemon.store.people, "ledger", fails_later)
        with capture_logs() as logged, pytest.raises(aiohttp.ClientError):
            await browser.get("/consents/export.csv")
    (line,) = [line for line in logged if line["event"] == "download_cut_off"]
    assert (line["path"], line["why"]) == ("/consents/export.csv", "StoreError")
