"""The page that shows what comes out of the components, as it does."""

from pathlib import Path

from groundswell.runtime.daemon import Daemon
from tests.browser.conftest import LOOKS, LookAt, Looking
from tests.pipelines.ops_pipeline import PASSWORD, receiving, with_ops
from tests.running import post, running, until

LOGIN = f'password = "{PASSWORD}"'
ROSA = {"id": 1, "zip": "97201", "phone": "+15035550144"}


async def opened(looking: Looking, daemon: Daemon, path: str = "/tap") -> None:
    await looking.log_in()
    await looking.go(path)
    await until(lambda: daemon.supervisor.taps.are_open)


async def test_records_appear_as_they_come_and_wait_while_it_is_paused(tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon) as looking,
    ):
        page = looking.page
        await opened(looking, daemon)
        await post(daemon, "signups", [ROSA])
        await page.get_by_text("delivered").wait_for()
        lines = page.locator(".lines li")
        assert await lines.count() == 4
        text = await lines.nth(0).inner_text()
        assert text.startswith("crm delivered, ")
        assert "phone=E.164(12) zip=digits(5)" in text
        assert "5550144" not in text
        await page.get_by_role("button", name="Pause").press("Enter")
        await post(daemon, "signups", [{**ROSA, "id": 2}])
        await page.get_by_text("Paused; 4 came since.").wait_for()
        assert await lines.count() == 4
        await page.get_by_role("button", name="Pause").press("Space")
        await page.get_by_text("Live.").wait_for()
        assert await lines.count() == 8
        assert looking.complaints == []


async def test_one_component_is_chosen_with_the_keyboard(tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon) as looking,
    ):
        page = looking.page
        await opened(looking, daemon)
        await page.get_by_label("Component").focus()
        await page.keyboard.type("crm")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/tap?component=crm&kind=")
        await until(lambda: daemon.supervisor.taps.are_open)
        await page.get_by_text("Live.").wait_for()
        await post(daemon, "signups", [ROSA])
        await page.get_by_text("delivered").wait_for()
        assert await page.locator(".lines li").count() == 1
        assert looking.complaints == []


async def test_it_says_when_it_is_over(tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon) as looking,
    ):
        await opened(looking, daemon)
        daemon.stop()
        await looking.page.get_by_text("Ended: the daemon stops.").wait_for()
        assert await looking.page.get_by_role("button", name="Pause").is_disabled()


async def test_without_javascript_it_says_what_to_type(tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, java_script_enabled=False) as looking,
    ):
        await looking.log_in()
        await looking.go("/tap")
        text = await looking.page.get_by_role("main").inner_text()
    assert "groundswell tap" in text
    assert "Pause" not in text


@LOOKS
async def test_nothing_keeps_anybody_out(scheme: str, window: dict[str, int], tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, color_scheme=scheme, viewport=window) as looking,
    ):
        await opened(looking, daemon)
        await post(daemon, "signups", [ROSA, {"id": 2, "zip": ["no text"]}])
        await looking.page.get_by_text("delivered").wait_for()
        assert await looking.barriers() == []
        assert not await looking.is_wider_than_the_window()
