"""The navigation with a real browser: one line, at any width, with a keyboard, without JavaScript."""

from pathlib import Path

import pytest
from playwright.async_api import Page

from groundswell.ops.dashboard.pages import PAGES
from tests.browser.conftest import DESK, PHONE, LookAt
from tests.pipelines.ops_pipeline import PASSWORD, receiving, with_ops
from tests.running import running

LOGIN = f'password = "{PASSWORD}"'
TABLET = {"width": 768, "height": 1024}
WINDOWS = pytest.mark.parametrize("window", [DESK, TABLET, PHONE], ids=["desk", "tablet", "phone"])


async def tops(page: Page, what: str) -> set[int]:
    """At which heights the visible ones stand."""
    boxes = [await one.bounding_box() for one in await page.locator(what).all() if await one.is_visible()]
    return {round(box["y"]) for box in boxes if box is not None}


@WINDOWS
@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
async def test_the_pages_stand_in_one_line_and_every_one_is_reached(
    javascript: bool, window: dict[str, int], tmp_path: Path, look_at: LookAt
) -> None:
    titles = {page.title for page in PAGES if page.is_in_navigation and "{" not in page.path}
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, viewport=window, java_script_enabled=javascript) as looking,
    ):
        page = looking.page
        await looking.log_in()
        for title in sorted(titles):
            await looking.turn_to(title)
            assert len(await tops(page, "nav .bar a, nav summary")) == 1, title
            assert not await looking.is_wider_than_the_window(), title
        if window == DESK:
            header = await page.locator("header").bounding_box()
            assert header is not None
            assert header["height"] < 60, "the name, the pages and the way out"
        await page.get_by_role("navigation").get_by_text("More").click()
        seen = [await link.inner_text() for link in await page.locator("nav a").all() if await link.is_visible()]
        assert sorted(seen) == sorted(titles), "each once"


@WINDOWS
async def test_the_page_one_is_on_is_marked_also_under_more_and_above_pages_of_one_thing(
    window: dict[str, int], tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, viewport=window) as looking,
    ):
        page = looking.page
        await looking.log_in()
        navigation = page.get_by_role("navigation")

        async def is_marked(what: str) -> bool:
            shadow = await navigation.locator(what).first.evaluate("one => getComputedStyle(one).boxShadow")
            return bool(shadow != "none")

        assert await navigation.locator('[aria-current="page"]:visible').inner_text() == "Overview"
        assert not await is_marked("summary")
        await looking.turn_to("Tap")
        assert await is_marked("summary")
        assert await navigation.locator("[aria-current]:visible").count() == 0
        await looking.turn_to("Members")
        assert await is_marked("summary") == (window != DESK)
        await looking.go("/members/households")
        here = navigation.locator('.bar [aria-current="true"]')
        assert await here.text_content() == "Members"


async def test_more_opens_and_closes_with_the_keyboard_and_when_somebody_turns_away(
    tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon) as looking,
    ):
        page = looking.page
        await looking.log_in()
        more, hidden = page.locator("nav summary"), page.get_by_role("link", name="Tap")
        await more.focus()
        await page.keyboard.press("Enter")
        assert await hidden.is_visible()
        assert await looking.barriers() == []
        await page.keyboard.press("Tab")
        await page.keyboard.press("Escape")
        assert not await hidden.is_visible()
        assert await more.evaluate("one => one === document.activeElement")
        await more.click()
        await page.get_by_role("heading", name="Overview").click()
        assert not await hidden.is_visible()
        await more.click()
        for _ in range(20):  # out at the end of the list
            await page.keyboard.press("Tab")
        assert not await hidden.is_visible()
        assert looking.complaints == []
