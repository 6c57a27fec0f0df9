"""Getting in and out with a real browser, and whether everybody can."""

from pathlib import Path

import pytest

from groundswell.connectors.http.simulator import NO_FAULT, Fault
from groundswell.ops.messages import Nothing
from groundswell.ops.operations import DASHBOARD
from tests.browser.conftest import LOOKS, PHONE, LookAt
from tests.pipelines.ops_pipeline import PASSWORD, ask, receiving, with_ops
from tests.running import post, running, until

LOGIN = f'password = "{PASSWORD}"'


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
async def test_somebody_logs_in_holds_a_sink_and_logs_out(javascript: bool, tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, java_script_enabled=javascript) as looking,
    ):
        page = looking.page
        await looking.go("/?seen=1")
        await page.get_by_label("Password").fill("something else")
        await page.keyboard.press("Enter")
        assert await page.get_by_role("alert").inner_text() == "That is not the password."
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Overview").wait_for()
        assert page.url.endswith("/?seen=1")
        await page.get_by_role("button", name="Pause crm").click()
        await page.get_by_role("button", name="Resume crm").wait_for()
        assert await page.get_by_role("status").inner_text() == "crm is paused."
        await page.reload()
        assert await page.get_by_role("status").count() == 0, "said once, and nothing is done again"
        await page.get_by_role("button", name="Log out").click()
        await page.get_by_role("heading", name="Log in").wait_for()
        await page.go_back()
        await page.reload()
        await page.get_by_role("heading", name="Log in").wait_for()
        assert looking.complaints == []


async def test_the_link_of_the_command_line_lets_in_and_leaves_no_trace(tmp_path: Path, look_at: LookAt) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon, look_at(daemon) as looking:
        link = await ask(tmp_path, DASHBOARD, Nothing())
        await looking.page.goto(link.url)
        await looking.page.get_by_role("heading", name="Overview").wait_for()
        assert link.code not in looking.page.url
        await looking.page.go_back()
        assert link.code not in looking.page.url
        assert looking.complaints == []


@LOOKS
async def test_nothing_keeps_anybody_out(scheme: str, window: dict[str, int], tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, color_scheme=scheme, viewport=window) as looking,
    ):
        await post(daemon, "signups", [{"id": "<b>1</b>", "zip": ["no text"]}])
        await until(lambda: daemon.metrics.totals().get("mapped", {}).get("dead") == 1)
        await looking.go("/login")
        assert await looking.barriers() == []
        assert not await looking.is_wider_than_the_window()
        await looking.log_in()
        assert await looking.barriers() == []
        assert not await looking.is_wider_than_the_window()
        await looking.page.get_by_role("button", name="Pause crm").click()
        await looking.page.get_by_role("status").wait_for()
        assert await looking.barriers() == []
        if window == PHONE:
            boxes = [await button.bounding_box() for button in await looking.page.get_by_role("button").all()]
            assert all(box is not None and box["height"] >= 44 and box["width"] >= 44 for box in boxes)
        await looking.go("/nowhere")
        assert await looking.barriers() == []
        assert looking.complaints == []


async def test_the_keyboard_gets_to_the_content_first(tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon) as looking,
    ):
        await looking.log_in()
        await looking.page.keyboard.press("Tab")
        assert await looking.page.locator(":focus").inner_text() == "Skip to the content"
        await looking.page.keyboard.press("Enter")
        assert await looking.page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
async def test_a_login_that_ends_in_the_middle_of_a_form_loses_nothing(
    javascript: bool, tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        receiving() as (receiver, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, java_script_enabled=javascript) as looking,
    ):
        receiver.fault = Fault(status=422)
        await post(daemon, "signups", [{"id": "rosa", "zip": "9720"}])
        await until(lambda: daemon.metrics.totals().get("crm", {}).get("dead") == 1)
        receiver.fault = NO_FAULT
        await looking.log_in()
        await looking.go("/dead/1")
        page = looking.page
        record = page.get_by_label("The record as it goes to crm")
        typed = (await record.input_value()).replace('"9720"', '"97201"')
        await record.fill(typed)
        await page.context.clear_cookies()
        await page.get_by_role("button", name="Save and retry").click()
        await page.get_by_role("heading", name="Log in").wait_for()
        assert "Your login had ended, so this was not done." in await page.get_by_role("alert").inner_text()
        if javascript:
            assert await looking.barriers() == []
        await page.get_by_label("Password").fill("something else")
        await page.get_by_role("button", name="Log in").click()
        await page.get_by_text("That is not the password.").wait_for()
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        await page.get_by_role("heading", name="Dead letter 1").wait_for()
        assert await record.input_value() == typed
        assert "send it again" in await page.get_by_role("alert").inner_text()
        assert receiver.received.records == 0
        await page.get_by_role("button", name="Save and retry").click()
        await page.get_by_role("heading", name="Dead letters").wait_for()
        await until(lambda: receiver.received.records == 1)
        assert looking.complaints == []
