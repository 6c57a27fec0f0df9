"""People in a real browser: found, read about, forgotten; on a phone, without JavaScript, by everybody."""

from pathlib import Path

import pytest

from tests.browser.conftest import DESK, LOOKS, PHONE, LookAt
from tests.peopled import peopled
from tests.pipelines.ops_pipeline import PASSWORD

LOGIN = f'password = "{PASSWORD}"'
PATHS = (
    ["/members", "/members/7", "/members/99"],
    ["/members/link?account=actionkit&number=4600", "/members/households"],
    ["/syncs", "/syncs/kit", "/groups"],
    ["/groups/members?name=Everybody", "/consents"],
)


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
async def test_somebody_finds_a_person_and_reads_why_a_field_has_its_value(
    window: dict[str, int], javascript: bool, tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        peopled(tmp_path, LOGIN) as daemon,
        look_at(daemon, viewport=window, java_script_enabled=javascript) as looking,
    ):
        page = looking.page
        await looking.log_in()
        await looking.turn_to("Members")
        await page.get_by_label("Name, phone, email or number, or a part of it").fill("(503) 555-0144")
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="Rosa Quintanilla").click()
        await page.get_by_role("heading", name="Rosa Quintanilla").wait_for()
        assert page.url.endswith("/members/7")
        zip_code = page.locator("tr", has=page.get_by_text("zip", exact=True))
        said = await zip_code.inner_text()
        assert "signups said so" in said
        assert "is being written there" in said
        await page.get_by_role("main").get_by_role("link", name="Members").click()
        await page.get_by_role("heading", name="Members", exact=True).wait_for()
        assert looking.complaints == []


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
async def test_nobody_is_forgotten_by_a_slip(javascript: bool, tmp_path: Path, look_at: LookAt) -> None:
    async with (
        peopled(tmp_path, LOGIN) as daemon,
        look_at(daemon, java_script_enabled=javascript) as looking,
    ):
        page = looking.page
        await looking.log_in()
        await looking.go("/members/7")
        button = page.get_by_role("button", name="Forget them for good")
        assert not await button.is_visible()
        await page.get_by_text("What that does").click()
        await button.click()
        assert await page.get_by_role("heading", name="Rosa Quintanilla").is_visible(), "the box was not ticked"
        await page.get_by_label("I have read this, and want them erased").check()
        await button.click()
        await page.get_by_role("heading", name="Not here").wait_for()
        assert "The accounts still have them" in await page.get_by_role("status").inner_text()
        assert looking.complaints == []


@LOOKS
@pytest.mark.parametrize("paths", PATHS, ids=lambda paths: paths[0])
async def test_pages_about_people_keep_nobody_out(
    paths: list[str], scheme: str, window: dict[str, int], tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        peopled(tmp_path, LOGIN) as daemon,
        look_at(daemon, color_scheme=scheme, viewport=window) as looking,
    ):
        await looking.log_in()
        for path in paths:
            await looking.go(path)
            for details in await looking.page.locator("summary").all():
                await details.click()
            assert await looking.barriers() == [], path
            assert not await looking.is_wider_than_the_window(), path
        assert looking.complaints == []


async def test_the_ledger_is_downloaded(tmp_path: Path, look_at: LookAt) -> None:
    async with peopled(tmp_path, LOGIN) as daemon, look_at(daemon) as looking:
        await looking.log_in()
        await looking.go("/consents")
        async with looking.page.expect_download() as waiting:
            await looking.page.get_by_role("link", name="CSV").click()
        file = await (await waiting.value).path()
        assert len(file.read_text().splitlines()) == 5
