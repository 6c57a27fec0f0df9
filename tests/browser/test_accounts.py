"""Accounts and backfills with a real browser, against a simulated ActionKit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from playwright.async_api import Page

from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.runtime.daemon import Daemon
from tests.browser.conftest import LOOKS, PHONE, LookAt, Looking
from tests.pipelines.ops_pipeline import PASSWORD, with_ops
from tests.running import FREE_PORTS, running, until

USERS = 120
WRONG = "a-password-that-is-wrong"
READER = "only for looking"
PIPELINE = with_ops(
    FREE_PORTS
    + """
[accounts.kit]
type = "actionkit"
connect = true
rate = "1000/s"

[sources.users]
type = "actionkit.poll"
account = "kit"
collections = ["users", "pages"]
every = "1h"

[sinks.file]
type = "jsonl"
inputs = ["users"]
path = "users.jsonl"
""",
    f'password = "{PASSWORD}"',
    f'read_password = "{READER}"',
)


@asynccontextmanager
async def beside_actionkit(directory: Path) -> AsyncIterator[tuple[Daemon, Server]]:
    async with simulator(users=USERS) as kit, running(PIPELINE, directory) as daemon:
        yield daemon, kit


async def enter(page: Page, kit: Server, password: str, button: str = "Connect") -> None:
    """Fill the form of the account, and send it."""
    await page.get_by_label("Host").fill(kit.root)
    await page.get_by_label("Username").fill(kit.user)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name=button, exact=True).click()


async def connect(looking: Looking, kit: Server) -> None:
    await looking.go("/accounts/kit")
    await enter(looking.page, kit, kit.password)
    await looking.page.get_by_role("status").filter(has_text="kit is connected").wait_for()


async def everything_said(page: Page) -> str:
    """The page, and what stands in its fields."""
    return await page.content() + repr(await page.locator("input").evaluate_all("all => all.map(one => one.value)"))


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
async def test_an_account_is_tried_and_connected_and_what_is_wrong_is_not_kept(
    javascript: bool, tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        beside_actionkit(tmp_path) as (daemon, kit),
        look_at(daemon, java_script_enabled=javascript, viewport=PHONE) as looking,
    ):
        page = looking.page
        await looking.log_in()
        await looking.go("/accounts")
        await page.get_by_role("link", name="kit").click()
        await page.get_by_text("No credentials yet").wait_for()
        await enter(page, kit, WRONG)
        refusal = await page.get_by_role("alert").inner_text()
        assert "nothing was kept" in refusal
        assert "401" in refusal
        assert await page.get_by_label("Host").input_value() == kit.root, "nobody types that again"
        assert await page.get_by_label("Password").input_value() == ""
        assert WRONG not in await everything_said(page)
        await enter(page, kit, kit.password, "Only try it")
        assert "It works" in await page.get_by_role("status").inner_text()
        assert kit.password not in await everything_said(page)
        await page.get_by_text("No credentials yet").wait_for()
        await enter(page, kit, kit.password)
        await page.get_by_role("status").filter(has_text="kit is connected").wait_for()
        await page.get_by_text("by somebody with the password").wait_for()
        assert kit.password not in await everything_said(page)
        assert await page.get_by_label("Username").input_value() == ""
        assert looking.complaints == []


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
async def test_an_account_is_disconnected_after_one_has_read_what_that_does_and_connected_again(
    javascript: bool, tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        beside_actionkit(tmp_path) as (daemon, kit),
        look_at(daemon, java_script_enabled=javascript, viewport=PHONE) as looking,
    ):
        page = looking.page
        await looking.log_in()
        await connect(looking, kit)
        assert not await page.get_by_role("button", name="Disconnect now").is_visible()
        await page.get_by_text("Disconnect kit").click()
        await page.get_by_text("Nothing that was sent is deleted there.").wait_for()
        await page.get_by_role("button", name="Disconnect now").click()
        await page.get_by_role("status").filter(has_text="kit is not connected").wait_for()
        await page.get_by_text("An operator disconnected it").wait_for()
        assert daemon.supervisor.states()["users"] == "not_connected"
        await connect(looking, kit)
        await until(lambda: daemon.supervisor.states()["users"] == "running")
        assert looking.complaints == []


async def test_only_trying_wrong_credentials_says_so_and_changes_nothing(tmp_path: Path, look_at: LookAt) -> None:
    async with beside_actionkit(tmp_path) as (daemon, kit), look_at(daemon) as looking:
        await looking.log_in()
        await connect(looking, kit)
        await enter(looking.page, kit, WRONG, "Only try it")
        said = await looking.page.get_by_role("alert").inner_text()
        assert said.startswith("It does not work")
        assert WRONG not in await everything_said(looking.page)
        await looking.page.get_by_role("button", name="Test it now").click()
        assert "It works" in await looking.page.get_by_role("status").inner_text()


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
async def test_a_backfill_says_what_it_will_do_begins_and_is_seen_to_finish(
    javascript: bool, tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        beside_actionkit(tmp_path) as (daemon, kit),
        look_at(daemon, java_script_enabled=javascript, viewport=PHONE) as looking,
    ):
        page = looking.page
        await looking.log_in()
        await connect(looking, kit)
        await page.get_by_role("link", name="Start a backfill of users").click()
        await page.get_by_role("checkbox", name="pages").uncheck()
        await page.get_by_role("button", name="Show what it will do").click()
        await page.get_by_text("once more for what was made or changed from the beginning until now: users").wait_for()
        await page.get_by_text("Each sink is sent what it has not been sent yet: file.").wait_for()
        assert await page.get_by_text("email").count() == 0, "only gifts can be a yes to email"
        await page.get_by_role("button", name="Start the backfill").click()
        assert await page.get_by_role("status").inner_text() == "The backfill of users is under way."
        with anyio.fail_after(15):
            while not await page.get_by_role("cell", name="finished").count():
                await looking.go("/backfills")
        row = await page.get_by_role("row").filter(has_text="finished").inner_text()
        assert "from the beginning" in row
        assert f"{USERS}" in row
        await looking.go("/accounts/kit")
        await page.get_by_text("what was made or changed from the beginning").wait_for()
        assert looking.complaints == []


async def test_a_backfill_is_held_let_go_on_and_stopped_only_after_it_was_asked_twice(
    tmp_path: Path, look_at: LookAt
) -> None:
    async with beside_actionkit(tmp_path) as (daemon, kit), look_at(daemon, viewport=PHONE) as looking:
        page = looking.page
        await looking.log_in()
        await connect(looking, kit)
        await daemon.supervisor.pause("file")
        await looking.go("/backfills?source=users&look=1&extent=all&sends=resend&collections=users&collections=pages")
        await page.get_by_text("All of it is sent again to file, also what was sent before.").wait_for()
        await daemon.supervisor.pause("users")
        await page.get_by_role("button", name="Start the backfill").click()
        await page.get_by_text("Its source is paused, and it with it.").wait_for()
        await page.get_by_role("button", name="Pause the backfill of users").click()
        await page.get_by_text("Held by an operator.").wait_for()
        assert await looking.barriers() == []
        assert not await looking.is_wider_than_the_window()
        await page.get_by_role("button", name="Resume the backfill of users").click()
        await page.get_by_text("Its source is paused, and it with it.").wait_for()
        assert not await page.get_by_role("button", name="Cancel it for good").is_visible()
        await page.locator("summary").filter(has_text="Cancel").click()
        await page.get_by_role("button", name="Cancel it for good").click()
        await page.get_by_role("status").filter(has_text="The backfill of users is cancelled").wait_for()
        assert await page.get_by_role("cell", name="cancelled").count() == 1


@LOOKS
@pytest.mark.parametrize(
    "paths",
    [
        [],
        ["/accounts", "/accounts/kit"],
        [
            "/backfills?source=users&look=1",
            "/backfills?source=users&look=1&extent=days&first=2026-11-07&last=2026-11-01",
            "/reconcile?one=users&other=users",
        ],
    ],
    ids=["what is wrong", "accounts", "backfills"],
)
async def test_nothing_on_these_pages_keeps_anybody_out(
    paths: list[str], scheme: str, window: dict[str, int], tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        beside_actionkit(tmp_path) as (daemon, kit),
        look_at(daemon, color_scheme=scheme, viewport=window) as looking,
    ):
        await looking.log_in()
        await looking.go("/accounts/kit")
        if paths:
            await connect(looking, kit)
        else:
            await enter(looking.page, kit, WRONG)
            await looking.page.get_by_role("alert").wait_for()
            assert await looking.barriers() == []
        for path in paths:
            await looking.go(path)
            for summary in await looking.page.locator("summary").all():
                await summary.click()
            assert await looking.barriers() == [], path
            assert not await looking.is_wider_than_the_window(), path
        assert looking.complaints == []


async def test_whoever_only_looks_sees_how_things_are_and_no_form(tmp_path: Path, look_at: LookAt) -> None:
    async with beside_actionkit(tmp_path) as (daemon, kit), look_at(daemon) as looking:
        await looking.log_in()
        await connect(looking, kit)
        await looking.page.get_by_role("button", name="Log out").click()
        await looking.log_in(READER)
        for path in ("/accounts", "/accounts/kit", "/backfills?source=users&look=1"):
            await looking.go(path)
            await looking.page.get_by_role("heading", level=1).wait_for()
            assert await looking.page.locator("main form, main input, main button").count() == 0, path
            assert await looking.page.get_by_text("Start a backfill").count() == 0
        links = await looking.page.locator("nav a").all_text_contents()
        assert {"Accounts", "Backfills", "Reconcile"} <= set(links)
