"""The overview, the pages of components and of metrics with a real browser: what moves, what can be done, for whom."""

from pathlib import Path

from groundswell.connectors.http.simulator import NO_FAULT, Fault
from groundswell.runtime.daemon import Daemon
from tests.browser.conftest import LOOKS, PHONE, LookAt
from tests.pipelines.ops_pipeline import PASSWORD, receiving, with_ops
from tests.running import post, running, until, write_config

LOGIN = f'password = "{PASSWORD}"'
PATHS = ("/", "/components/signups", "/components/mapped", "/components/crm", "/help/metrics")


async def traffic(daemon: Daemon) -> None:
    """Two delivered, one dead, one filtered."""
    await post(
        daemon, "signups", [{"id": 1, "zip": "1"}, {"id": 2, "zip": ["no text"]}, {"id": 3}, {"id": 4, "zip": "1"}]
    )
    await until(lambda: daemon.metrics.totals().get("crm", {}).get("delivered") == 2)


async def test_numbers_move_while_records_come_and_what_needs_a_person_is_told(tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon) as looking,
    ):
        page = looking.page
        await looking.log_in()
        await page.get_by_text("Live:").wait_for()
        assert await page.get_by_text("Nothing does.").is_visible()
        await traffic(daemon)
        row = page.get_by_role("row", name="crm")
        await row.get_by_role("cell", name="2", exact=True).wait_for()
        told = page.locator(".attention li")
        await told.wait_for()
        assert (await told.inner_text()).startswith("mapped: 1 dead letter")
        assert not await page.get_by_text("Nothing does.").is_visible()
        assert await page.locator('a[href="/components/mapped"] .box').get_attribute("data-is") == "bad"
        await told.get_by_role("link", name="mapped").click()
        await page.get_by_role("heading", name="mapped").wait_for()
        assert looking.complaints == []


async def test_the_page_of_a_component_shows_its_trouble_and_holds_it(tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (receiver, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon) as looking,
    ):
        page = looking.page
        await looking.log_in()
        await page.locator("svg.pipeline a", has_text="crm").click()
        await page.get_by_role("heading", name="crm").wait_for()
        await page.get_by_text("Live:").wait_for()
        receiver.fault = Fault(status=401)
        await post(daemon, "signups", [{"id": 1, "zip": "97201"}])
        await page.get_by_text("unauthorized", exact=True).wait_for()
        await page.get_by_text("answered 401").wait_for()
        await page.reload()
        assert await page.get_by_text("mend what the last error names").is_visible()
        receiver.fault = NO_FAULT
        await page.get_by_role("button", name="Pause").click()
        await page.get_by_text("crm is paused.").wait_for()
        await page.get_by_role("button", name="Resume").click()
        await page.get_by_text("crm goes on.").wait_for()
        await page.locator('[data-live="crm.delivered"]', has_text="1").wait_for()
        assert await page.get_by_role("link", name="adults").get_attribute("href") == "/components/adults"
        assert looking.complaints == []


async def test_a_source_looks_when_somebody_presses_the_button(tmp_path: Path, look_at: LookAt) -> None:
    file = tmp_path / "in.jsonl"
    file.touch()
    source = '[sources.file]\ntype = "jsonl"\npath = "in.jsonl"\nformat = "json"\nid_field = "id"\nkind = "person"\n'
    async with receiving() as (_, pipeline):
        text = with_ops(pipeline.replace('["signups"]', '["signups", "file"]'), LOGIN)
        text += f'{source}follow = true\nevery = "1h"\n'
        async with running(text, tmp_path) as daemon, look_at(daemon) as looking:
            page = looking.page
            await looking.log_in()
            await looking.go("/components/file")
            file.write_text('{"id": 1, "zip": "97201"}\n')
            await page.get_by_role("button", name="Poll now").click()
            await page.get_by_text("file looks now.").wait_for()
            await page.locator('[data-live="file.accepted"]', has_text="1").wait_for()
            assert looking.complaints == []


async def test_without_javascript_the_pages_are_right_as_of_their_loading(tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, java_script_enabled=False) as looking,
    ):
        page = looking.page
        await traffic(daemon)
        await looking.log_in()
        assert (await page.locator(".live").inner_text()).startswith("As of ")
        assert await page.locator('[data-live="crm.delivered"]').inner_text() == "2"
        assert (await page.locator(".attention li").inner_text()).startswith("mapped: 1 dead letter")
        await page.get_by_role("row", name="crm").get_by_role("link", name="crm").click()
        await page.get_by_role("button", name="Pause").click()
        await page.get_by_text("crm is paused.").wait_for()
        assert (await page.locator(".state").first.inner_text()).endswith("paused")


@LOOKS
async def test_nothing_keeps_anybody_out_of_what_moves(
    scheme: str, window: dict[str, int], tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, color_scheme=scheme, viewport=window) as looking,
    ):
        await traffic(daemon)
        await until(lambda: len(daemon.rates.lines("crm")) > 0)  # within five seconds
        await looking.log_in()
        for path in PATHS:
            await looking.go(path)
            assert await looking.barriers() == [], path
            assert not await looking.is_wider_than_the_window(), path
        assert looking.complaints == []


async def test_on_a_phone_the_pipeline_is_a_list_and_not_a_drawing(tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, viewport=PHONE) as looking,
    ):
        page = looking.page
        await looking.log_in()
        assert not await page.locator("svg.pipeline").is_visible()
        row = await page.locator("tr", has_text="crm").bounding_box()
        assert row is not None
        assert row["width"] <= PHONE["width"]
        assert await page.get_by_role("link", name="adults").last.is_visible()


async def test_a_page_says_when_it_is_no_longer_live_or_no_longer_right(tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon) as looking,
    ):
        page = looking.page
        await looking.log_in()
        await page.get_by_text("Live:").wait_for()
        write_config(tmp_path, with_ops(pipeline.replace("crm", "archive"), LOGIN))
        await daemon.reload()
        await page.get_by_text("The configuration has changed.").wait_for()
        await page.get_by_role("link", name="Load this page again").click()
        await page.get_by_role("row", name="archive").wait_for()
        assert not await page.get_by_text("The configuration has changed.").is_visible()
        other = await page.context.new_page()
        await other.goto(page.url)
        await other.get_by_role("button", name="Log out").click()
        await page.get_by_text("Not live any more, load the page again").wait_for()
