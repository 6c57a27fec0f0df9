"""The pages of accounts, backfills and reconciling, made of what operations answer, without a port."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, structs

from groundswell.errors import RefusedError, RequestError
from groundswell.ops.account_messages import (
    AccountHistory,
    Accounts,
    AccountStatus,
    AccountTold,
    AccountUse,
    AskConnect,
)
from groundswell.ops.caller import Caller
from groundswell.ops.clerk import Clerk, audited
from groundswell.ops.dashboard import accounts, backfill_words, backfills, reconcile
from groundswell.ops.dashboard.days import days_of
from groundswell.ops.dashboard.shell import Shell
from groundswell.ops.dashboard.static import Static
from groundswell.ops.dashboard.visit import Trouble, Visit, without_secrets
from groundswell.ops.messages import AskBackfill, Backfills, BackfillStatus, CanBackfill, Status
from groundswell.ops.operations import CONNECT, Operation
from groundswell.ops.reconcile_messages import Reconciled
from groundswell.ops.requests import of_form
from groundswell.ops.sessions import Sessions
from tests.unit.test_dashboard_pages import GUARD, SCRIPT, Tags, filled
from tests.virtual_time import VirtualClock

SHELL = Shell(Static().urls)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GIFTS = CanBackfill("gifts", "actblue.csv", "act", True, ["contributions", "refunds"], True, ["crm", "file"])
PEOPLE = structs.replace(GIFTS, source="people", collections=["people"], can_subscribe=False)


class Answering:
    """A clerk that has one answer for each operation."""

    def __init__(self, answers: Mapping[type[Struct], Struct]) -> None:
        self.answers = answers

    async def run(self, _: Caller, operation: Operation[Any, Any], asked: Struct) -> Any:
        return self.answers[operation.answer]


def visit_of(path: str, *answers: Struct, name: str = "") -> Visit:
    who = Caller("password")
    _, session = Sessions(VirtualClock()).begin(who)
    clerk = cast("Clerk", Answering({type(answer): answer for answer in answers}))
    request = make_mocked_request("GET", path, match_info={"name": name})
    return Visit(request, who, session, GUARD, clerk, SHELL, "x", [])


def account_with(text: str, **changes: Any) -> Accounts:
    """One account with this text wherever there is text."""
    use = structs.replace(filled(AccountUse, text), role="sink")
    history = structs.replace(filled(AccountHistory, text), source=text)
    account = structs.replace(filled(AccountStatus, text), uses=[use], sources=[text], history=[history], **changes)
    return Accounts([account])


def of_text(kind: Any, text: str) -> Any:
    """Backfills with this text wherever there is text: one under way, and one that is over."""
    found = filled(kind, text)
    over = found.backfills[0]
    source = structs.replace(filled(CanBackfill, text), collections=[text, "other"])
    return structs.replace(found, backfills=[structs.replace(over, ended_at=None), over], sources=[source])


async def page_of(what: str, text: str) -> str:
    """A page on which everything that came from elsewhere is this text."""
    past = of_text(Backfills, text)
    match what:
        case "accounts":
            response = await accounts.show_all(visit_of("/accounts", account_with(text)))
        case "reconcile":
            found = filled(Reconciled, text)
            status = filled(Status, text)
            part = structs.replace(status.components[0], role="source")
            status = structs.replace(status, components=[part, structs.replace(part, name=text + "2")])
            response = await reconcile.show(visit_of("/reconcile?one=a&other=b&kind=%3Cb%3E", status, found))
        case "backfills":
            one, over = past.backfills
            under_way = structs.replace(one, source="y" + text)
            status = filled(Status, text)
            shown = structs.replace(past, backfills=[under_way, over])
            status = structs.replace(status, backfills=[*status.backfills, under_way])
            response = await backfills.show(visit_of("/backfills?look=1&extent=all", shown, status))
        case state:
            shown = account_with(text, state=state, cause="credentials" if state == "connection_error" else None)
            visit = visit_of("/accounts/x", shown, past, name=text)
            visit.trouble = Trouble(CONNECT.name, "values", text, {f"value.{text}": [text]})
            response = await accounts.show(visit)
    return response.text or ""


@pytest.mark.parametrize(
    "what", ["accounts", "connected", "not_connected", "connection_error", "backfills", "reconcile"]
)
async def test_everything_on_these_pages_is_text_whatever_it_holds(what: str) -> None:
    hostile, plain = await page_of(what, SCRIPT), await page_of(what, "x")
    assert Tags(hostile).tags.count("script") == 1
    assert Tags(hostile).tags == Tags(plain).tags
    assert Tags(hostile).attributes == Tags(plain).attributes
    assert hostile.count("&lt;script&gt;") > 5


@given(st.text())
def test_words_with_things_to_type_in_them_end_no_tag(text: str) -> None:
    page = SHELL._templates.from_string("<p>{{ text|code }}</p>").render(text=text)
    assert set(Tags(page).tags) <= {"p", "code"}


def test_the_fields_of_an_account_become_its_settings_and_what_is_blank_is_not_given() -> None:
    form = {
        "account": ["kit"],
        "value.host": [" act.example.org "],
        "value.rate": [""],
        "secret.password": [" with spaces "],
        "try_only": ["true"],
    }
    values = {"host": "act.example.org", "password": " with spaces "}
    assert accounts.asked(form) == AskConnect("kit", values, try_only=True)
    assert accounts.asked({"account": ["kit"]}) == AskConnect("kit", None), "with what it has"
    assert accounts.asked({"account": ["kit"], "value.host": [""]}) == AskConnect("kit", {}), "with nothing at all"


@pytest.mark.parametrize(
    "form",
    [
        {"account": ["kit"], "value.host": ["a", "b"]},
        {"account": ["kit"], "values": ["{}"]},
        {"account": ["kit"], "password": ["x"]},
        {"value.host": ["a"]},
    ],
    ids=str,
)
def test_a_form_of_an_account_that_is_not_ours_is_refused(form: dict[str, list[str]]) -> None:
    with pytest.raises(RefusedError) as caught:
        accounts.asked(form)
    assert caught.value.status == 400


async def test_a_secret_that_was_entered_stands_in_no_page() -> None:
    entered = {"account": ["x"], "value.x": ["kept"], "secret.x": ["hush"]}
    assert without_secrets(entered) == {"account": ["x"], "value.x": ["kept"]}
    for is_secret in (True, False):
        shown = account_with("x", state="not_connected")
        setting = structs.replace(shown.accounts[0].settings[0], is_secret=is_secret, is_given=False)
        shown = Accounts([structs.replace(shown.accounts[0], settings=[setting])])
        visit = visit_of("/accounts/x", shown, of_text(Backfills, "x"), name="x")
        visit.trouble = Trouble(CONNECT.name, "values", "no", {"value.x": ["hush"]})
        page = (await accounts.show(visit)).text or ""
        assert ("hush" in page) == (not is_secret), "a field of a secret is empty, whatever was sent under its name"
        assert ('type="password"' in page) == is_secret


def test_the_audit_log_tells_a_try_from_a_connection_and_holds_no_settings() -> None:
    asked = AskConnect("kit", {"password": "hush"}, try_only=True)
    assert audited(CONNECT, asked) == {"account": "kit", "try_only": True}


def test_what_waits_is_said_when_an_account_comes_and_goes() -> None:
    told = AccountTold("kit", "connected", ok=True, message="user name and password are good", waiting=1)
    assert accounts.connected(told) == (
        "kit is connected: user name and password are good; 1 delivery waits for it, and that goes out now."
    )
    gone = AccountTold("kit", "not_connected", ok=True, message="its credentials are forgotten", waiting=1_200)
    assert accounts.disconnected(gone).endswith("Nothing that was sent is deleted; 1,200 deliveries wait for it.")


# ---- days, and what a backfill would do ----


@pytest.mark.parametrize(
    ("first", "last", "zone", "since", "until"),
    [
        ("2026-11-01", "2026-11-07", "UTC", "2026-11-01T00:00", "2026-11-08T00:00"),
        ("2026-11-01", "2026-11-01", "America/New_York", "2026-11-01T04:00", "2026-11-02T05:00"),  # 25 hours long
        ("2026-03-08", "", "America/Los_Angeles", "2026-03-08T08:00", None),
        ("", "2026-03-07", "Europe/Berlin", None, "2026-03-07T23:00"),
        ("", "", "", None, None),
    ],
)
def test_days_are_those_of_their_zone_the_last_included(
    first: str, last: str, zone: str, since: str | None, until: str | None
) -> None:
    days = days_of({"first": [first], "last": [last], "zone": [zone]})
    found = [None if at is None else f"{at:%Y-%m-%dT%H:%M}" for at in (days.since, days.until)]
    assert found == [since, until]


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ({}, "from the beginning until now"),
        ({"first": ["2026-11-01"]}, "from 2026-11-01 until now, days of UTC"),
        ({"last": ["2026-11-07"]}, "from the beginning to the end of 2026-11-07, days of UTC"),
    ],
    ids=str,
)
def test_days_are_said_as_they_were_entered_with_their_zone(days: dict[str, list[str]], words: str) -> None:
    assert days_of(days).words == words


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "America", "\0", "/etc/localtime", "x" * 5_000])
def test_a_zone_nobody_knows_is_refused_in_words(zone: str) -> None:
    with pytest.raises(RequestError, match="not a time zone known here"):
        days_of({"first": ["2026-11-01"], "zone": [zone]})


@given(st.text(max_size=12), st.text(max_size=12))
def test_whatever_is_entered_as_days_is_understood_or_refused(first: str, last: str) -> None:
    for given_days in ({"first": [first]}, {"last": [last]}, {"first": ["0001-01-01"], "last": ["9999-12-31"]}):
        with suppress(RequestError):
            days = days_of({**given_days, "zone": ["Pacific/Kiritimati"]})
            assert days.since is None or days.until is None or days.since < days.until


@pytest.mark.parametrize(
    ("source", "query", "asked", "words"),
    [
        (PEOPLE, {}, AskBackfill("people", all=True), "Each sink is sent what it has not been sent yet: crm, file."),
        (
            GIFTS,
            {"sends": ["resend"], "subscribe": ["true"]},
            AskBackfill("gifts", all=True, sends="resend", subscribe=True),
            "All of it is sent again to crm, file, also what was sent before.",
        ),
        (
            GIFTS,
            {"extent": ["days"], "first": ["2026-11-01"], "zone": ["America/Denver"], "collections": ["refunds"]},
            AskBackfill("gifts", datetime(2026, 11, 1, 6, tzinfo=UTC), collections=["refunds"]),
            "That is from 2026-11-01 06:00 UTC to now.",
        ),
        (GIFTS, {"first": ["2026-11-01"]}, AskBackfill("gifts", all=True), "Nobody is put on an email list by it."),
        (PEOPLE, {"subscribe": ["true"]}, AskBackfill("people", all=True), "What happens meanwhile goes first."),
    ],
    ids=["all", "again", "days", "no yes to email", "a yes that means nothing"],
)
def test_what_is_begun_is_what_was_shown(
    source: CanBackfill, query: dict[str, list[str]], asked: AskBackfill, words: str
) -> None:
    plan = backfills.plan_of(source, query, NOW)
    form: dict[str, list[str]] = {}
    for name, value in plan.fields:
        form.setdefault(name, []).append(value)
    assert of_form(form, AskBackfill) == asked
    assert words in " ".join(plan.words)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"extent": ["days"]}, "from which day on"),
        ({"extent": ["days"], "first": ["2026-11-22"]}, "lies ahead"),
        ({"extent": ["days"], "first": ["2026-11-07"], "last": ["2026-11-01"]}, "exchange them"),
        ({"collections": ["nothing like it"]}, "choose something of what gifts looks for: contributions, refunds"),
    ],
    ids=str,
)
def test_what_would_be_refused_is_not_offered(query: dict[str, list[str]], why: str) -> None:
    with pytest.raises(RequestError, match=why):
        backfills.plan_of(GIFTS, query, NOW)


@pytest.mark.parametrize(
    ("source", "is_offered"), [(GIFTS, True), (PEOPLE, False)], ids=["of gifts", "of something else"]
)
async def test_a_yes_to_email_is_offered_unchecked_and_only_where_it_means_something(
    source: CanBackfill, is_offered: bool
) -> None:
    page = (await backfills.show(visit_of("/backfills", Backfills([], [source]), filled(Status, "x")))).text or ""
    assert ("counts as a yes to email" in page) == is_offered
    assert 'name="subscribe" value="true" checked' not in page


def backfill_with(**changes: Any) -> BackfillStatus:
    since = datetime(1970, 1, 1, tzinfo=UTC)
    plain = BackfillStatus("gifts", "running", ["refunds"], since, NOW, NOW - timedelta(hours=1), 120, 100)
    return structs.replace(plain, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"is_paused": True, "state": "paused"}, "Held by an operator. The source's own running goes on."),
        ({"state": "paused"}, "Its source is paused, and it with it."),
        ({"state": "not_connected"}, "The account of its source is not connected. It goes on once that is."),
        (
            {"waits_for": "crm (200 deliveries wait there)"},
            "It waits for crm (200 deliveries wait there). What is live",
        ),
    ],
    ids=str,
)
def test_what_holds_a_backfill_up_is_said(changes: dict[str, Any], words: str) -> None:
    assert backfill_words.what_of(backfill_with(**changes)).startswith(words)
    assert bool(backfill_words.what_of(backfill_with(**changes))) == bool(words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "The backfill of gifts is under way."),
        ({"is_paused": True}, "The backfill of gifts is paused; the source's own running goes on."),
        ({"state": "paused"}, "gifts is paused; its backfill begins once that goes on."),
        ({"state": "cancelled", "ended_at": NOW}, "The backfill of gifts is cancelled; it brought 120 records, 100 of"),
    ],
    ids=str,
)
def test_what_became_of_a_backfill_is_said(changes: dict[str, Any], words: str) -> None:
    assert backfills.said(backfill_with(**changes)).startswith(words)
    assert backfill_words.span_of(backfill_with(**changes)) == "from the beginning to 2026-11-21 12:00 UTC"


def test_days_and_all_else_become_what_is_asked_of_two_sources() -> None:
    asked, words = reconcile.asked_of(
        {
            "one": ["a"],
            "other": ["b"],
            "first": ["2026-11-01"],
            "last": [""],
            "zone": ["UTC"],
            "kind": [""],
            "lag_s": ["0"],
        }
    )
    assert (asked.one, asked.other, asked.since, asked.until) == ("a", "b", datetime(2026, 11, 1, tzinfo=UTC), None)
    assert (asked.kind, asked.lag_s, asked.limit) == (None, 0, 100)
    assert words == "from 2026-11-01 until now, days of UTC"
