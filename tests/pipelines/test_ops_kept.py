"""Forms whose login has ended: never done, said so, and what was typed is in its form again after the next login."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import structlog

from groundswell.connectors.http.simulator import NO_FAULT, Fault, Receiver
from groundswell.ops.messages import ListLetters, NameComponent
from groundswell.ops.operations import DEAD_LIST, PAUSE
from groundswell.ops.requests import FIELDS_MAX, FORM_BYTES_MAX
from groundswell.ops.sessions import IDLE_S
from groundswell.runtime.daemon import Daemon
from tests.in_step import SkippingClock
from tests.pipelines.ops_pipeline import PASSWORD, Answer, Browser, ask, browsing, receiving, with_ops
from tests.pipelines.test_ops_mending import mended, refused
from tests.running import running, until, write_config

LOGIN = f'password = "{PASSWORD}"'
OURS = {"sec_fetch_site": "same-origin"}
OTHER_PASSWORD = "another horse, another battery"
ENDED = "Your login had ended, so this was not done."


class Fields(HTMLParser):
    """The hidden fields of the login by password, and what stands in text areas."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.areas: list[str] = []
        self._is_in_area = False
        self.feed(page.partition("<h2>Or with a code")[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("type") == "hidden":
            self.hidden[given["name"] or ""] = given["value"] or ""
        if tag == "textarea":
            self.areas.append("")
            self._is_in_area = True

    def handle_endtag(self, tag: str) -> None:
        self._is_in_area = self._is_in_area and tag != "textarea"

    def handle_data(self, data: str) -> None:
        if self._is_in_area:
            self.areas[-1] += data


@asynccontextmanager
async def with_letter(directory: Path, clock: SkippingClock) -> AsyncIterator[tuple[Receiver, str, Daemon, Browser]]:
    """A daemon with Rosa's dead letter, and a browser that is logged in."""
    async with receiving() as (receiver, pipeline):
        receiver.fault = Fault(status=422)
        text = with_ops(pipeline, LOGIN)
        async with running(text, directory, clock=clock) as daemon, browsing(daemon) as browser:
            await refused(daemon)
            receiver.fault = NO_FAULT
            await browser.log_in()
            yield receiver, text, daemon, browser


async def edit_of(browser: Browser, directory: Path) -> dict[str, str]:
    """The form of the letter as somebody filled it in."""
    record = await mended(directory, zip="97201", first_name='<b>Rosa</b> & "co"')
    return {"form": "dead edit", "at": "", "id": "1", "record": record, "csrf": await browser.csrf()}


@pytest.mark.parametrize("way", ["its time is up", "the cookie is gone", "a reload ended all"])
async def test_what_was_typed_is_in_its_form_again_after_the_login_and_goes_out_by_a_press(
    way: str, tmp_path: Path
) -> None:
    clock, password = SkippingClock(), PASSWORD
    with structlog.testing.capture_logs() as logged:
        async with with_letter(tmp_path, clock) as (receiver, text, daemon, browser), browsing(daemon) as bare:
            form = await edit_of(browser, tmp_path)
            match way:
                case "its time is up":
                    clock.skip(IDLE_S + 1)
                case "the cookie is gone":
                    browser = bare
                case _:
                    password = OTHER_PASSWORD
                    write_config(tmp_path, text.replace(PASSWORD, password))
                    assert (await daemon.reload()).error is None
            told = await browser.post("/dead/1", form, **OURS)
            asked = Fields(told.text).hidden
            mistyped = await browser.post("/login", {**asked, "password": "something else"}, **OURS)
            assert Fields(mistyped.text).hidden == asked, "a wrong password loses nothing either"
            came = await browser.post("/login", {**asked, "password": password}, **OURS)
            shown = await browser.get("/dead/1")
            again = await browser.get("/dead/1")
            untouched = await ask(tmp_path, DEAD_LIST, ListLetters())
            fresh = await browser.csrf()
            sent = {**form, "record": Fields(shown.text).areas[0].removeprefix("\n"), "csrf": fresh}
            done = await browser.post("/dead/1", sent, **OURS)
            await until(lambda: receiver.received.records == 1)
    assert (told.status, ENDED in told.text, "Set-Cookie" in told.headers) == (401, True, False)
    assert asked["next"] == "/dead/1"
    assert form["csrf"] not in told.text
    assert (came.status, came.headers["Location"]) == (303, "/dead/1")
    assert (shown.status, f"{ENDED} Look it over, and send it again." in shown.text) == (200, True)
    assert sent["record"] == form["record"]
    assert ENDED not in again.text, "it is said once"
    assert untouched.total == 1, "nothing is done by itself"
    assert done.status == 303
    assert "97201" not in repr(logged)


async def test_a_form_of_another_login_of_the_same_browser_is_shown_again_and_not_done(tmp_path: Path) -> None:
    """Somebody logged in anew in another window; or a reload ended the session of who comes by a proxy."""
    async with with_letter(tmp_path, SkippingClock()) as (_, _, _, browser):
        form = await edit_of(browser, tmp_path)
        await browser.log_in()
        told = await browser.post("/dead/1", form, **OURS)
        shown = await browser.get("/dead/1")
        left = await ask(tmp_path, DEAD_LIST, ListLetters())
        without_token = await browser.post("/dead/1", {**form, "csrf": ""}, **OURS)
        by_script = await browser.post("/dead/1", {"form": "dead drop", "ids": "1"}, x_csrf_token="0", **OURS)
    assert (told.status, told.headers["Location"]) == (303, "/dead/1")
    assert ENDED in shown.text
    assert Fields(shown.text).areas[0].removeprefix("\n") == form["record"]
    assert left.total == 1
    assert (without_token.status, by_script.status) == (403, 403)


async def test_what_was_kept_is_for_the_next_page_only(tmp_path: Path) -> None:
    async with with_letter(tmp_path, SkippingClock()) as (_, _, daemon, browser), browsing(daemon) as bare:
        form = await edit_of(browser, tmp_path)
        asked = Fields((await bare.post("/dead/1", form, **OURS)).text).hidden
        await bare.post("/login", {**asked, "password": PASSWORD}, **OURS)
        elsewhere, late = await bare.get("/dead"), await bare.get("/dead/1")
    assert "97201" not in elsewhere.text
    assert ENDED not in late.text
    assert "97201" not in late.text


async def sent_without_login(browser: Browser, fields: dict[str, str], **headers: str) -> Answer:
    return await browser.post("/dead/1", {"form": "dead edit", "at": "", **fields}, **headers)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec_fetch_site": "cross-site", "origin": "https://evil.example"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 401),
        ({}, 303),
    ],
    ids=str,
)
async def test_nothing_of_what_another_sites_page_sends_is_shown_or_kept(
    headers: dict[str, str], status: int, tmp_path: Path
) -> None:
    async with with_letter(tmp_path, SkippingClock()) as (_, _, daemon, _), browsing(daemon) as browser:
        planted = {"record": "planted-by-evil"}
        answer = await sent_without_login(browser, planted, **headers)
        as_login = {"next": "/dead/1", "kept.form": "dead edit", "kept.at": "", "kept.record": "planted-by-evil"}
        wrong = await browser.post("/login", {**as_login, "password": "x"}, **headers)
        await browser.post("/login", {**as_login, "password": PASSWORD}, **headers)
        page = await browser.get("/dead/1")
    assert answer.status == status
    assert [("planted" in one.text) for one in (answer, wrong, page)] == [False] * 3
    assert (ENDED in answer.text) is (status == 401)


async def test_no_secret_no_token_and_no_yes_is_kept_and_all_else_is_text(tmp_path: Path) -> None:
    script = "\"><script>alert('x')</script>"
    async with with_letter(tmp_path, SkippingClock()) as (_, _, daemon, browser), browsing(daemon) as bare:
        form = {"form": "connect", "at": "values", "csrf": await browser.csrf(), "sure": "yes", script: script}
        told = await bare.post("/accounts/crm?x=1", {**form, "secret.token": "hush-6d20", "value.host": "h"}, **OURS)
        asked = Fields(told.text).hidden
        smuggled = {"kept.secret.token": "hush-6d20", "kept.csrf": form["csrf"], "kept.sure": "yes"}
        again = await bare.post("/login", {**asked, **smuggled, "password": "x"}, **OURS)
    for answer in (told, again):
        assert Fields(answer.text).hidden == {
            "next": "/accounts/crm?x=1",
            "kept.form": "connect",
            "kept.at": "values",
            "kept.value.host": "h",
            f"kept.{script}": script,
        }
        assert "<script>alert" not in answer.text
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


async def test_a_question_answered_after_the_login_has_ended_is_asked_anew(tmp_path: Path) -> None:
    async with with_letter(tmp_path, SkippingClock()) as (_, _, daemon, browser), browsing(daemon) as bare:
        group = {"component": "crm", "reason": "rejected", "up_to": "1"}
        yes = {"form": "dead drop", "at": "crm rejected", "sure": "yes", **group, "csrf": await browser.csrf()}
        asked = Fields((await bare.post("/dead", yes, **OURS)).text).hidden
        await bare.post("/login", {**asked, "password": PASSWORD}, **OURS)
        shown = await bare.get("/dead")
        left = await ask(tmp_path, DEAD_LIST, ListLetters())
    assert ENDED in shown.text
    assert left.total == 1


async def test_what_is_too_large_for_the_login_form_can_be_copied_and_more_is_refused(tmp_path: Path) -> None:
    async with with_letter(tmp_path, SkippingClock()) as (_, _, daemon, _), browsing(daemon) as browser:
        large = await sent_without_login(browser, {"record": "x" * (FORM_BYTES_MAX - 200)}, **OURS)
        many = await sent_without_login(browser, {f"f{n}": "" for n in range(FIELDS_MAX - 3)}, **OURS)
        larger = await sent_without_login(browser, {"record": "x" * FORM_BYTES_MAX}, **OURS)
        more = await sent_without_login(browser, {f"f{n}": "" for n in range(FIELDS_MAX)}, **OURS)
        fits = await sent_without_login(browser, {"record": "é" * 20_000}, **OURS)
        asked = Fields(fits.text).hidden
        came = await browser.post("/login", {**asked, "password": PASSWORD}, **OURS)
        shown = await browser.get("/dead/1")
    assert (came.status, "é" * 20_000 in shown.text) == (303, True)
    assert list(Fields(large.text).hidden) == list(Fields(many.text).hidden) == ["next"]
    assert Fields(large.text).areas[0].strip() == "x" * (FORM_BYTES_MAX - 200)
    assert (large.status, many.status, larger.status, more.status) == (401, 401, 413, 400)


async def test_programs_and_scripts_are_told_as_ever(tmp_path: Path) -> None:
    async with with_letter(tmp_path, SkippingClock()) as (_, _, daemon, _), browsing(daemon) as browser:
        script = await browser.send_json("/api/pause", {"name": "crm"}, **OURS)
        form_at_api = await browser.post("/api/pause", {"form": "pause", "name": "crm"}, **OURS)
        logout = await browser.post("/logout", {"csrf": "x"}, **OURS)
        state = await ask(tmp_path, PAUSE, NameComponent("crm"))
    assert (script.status, form_at_api.status) == (401, 401)
    assert (logout.status, unescape(logout.headers["Location"]).startswith("/login")) == (303, True)
    assert state.state == "paused"


async def test_whom_a_proxy_names_loses_nothing_by_a_reload_that_ends_all_sessions(tmp_path: Path) -> None:
    rosa = {"x_forwarded_user": "rosa"}
    async with receiving() as (receiver, pipeline):
        receiver.fault = Fault(status=422)
        text = with_ops(pipeline, 'proxy_header = "X-Forwarded-User"', 'proxy_from = ["127.0.0.1"]')
        async with running(text, tmp_path) as daemon, browsing(daemon) as browser:
            await refused(daemon)
            page = (await browser.get("/dead/1", **rosa)).text
            form = {"form": "dead edit", "id": "1", "record": "typed", "csrf": Fields(page).hidden["csrf"]}
            write_config(tmp_path, text.replace("[ops]", f"[ops]\n{LOGIN}"))
            assert (await daemon.reload()).error is None
            told = await browser.post("/dead/1", form, **rosa, **OURS)
            somebody_else = await browser.get("/dead/1", x_forwarded_user="ella")
            shown = await browser.get("/dead/1", **rosa)
    assert (told.status, told.headers["Location"]) == (303, "/dead/1")
    assert ENDED not in somebody_else.text
    assert (ENDED in shown.text, Fields(shown.text).areas[0].strip()) == (True, "typed")
