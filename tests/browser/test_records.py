"""Dead letters mended and set going again, and the configuration read anew, with a real browser."""

from pathlib import Path

import pytest

from groundswell.connectors.http.simulator import NO_FAULT, Fault, Receiver
from groundswell.runtime.daemon import Daemon
from tests.browser.conftest import LOOKS, LookAt
from tests.pipelines.ops_pipeline import PASSWORD, receiving, with_ops
from tests.running import post, running, until, write_config

LOGIN = f'password = "{PASSWORD}"'
HOSTILE = "<img src=x onerror=document.title='x'>"


async def letters(daemon: Daemon, receiver: Receiver, count: int = 3) -> None:
    """So many refused by the CRM, one that a transform could not use, one nobody could read; then it takes them."""
    await post(daemon, "signups", f"{HOSTILE} is no json".encode())
    await post(daemon, "signups", [{"id": HOSTILE, "zip": [HOSTILE]}])
    await until(lambda: daemon.metrics.totals().get("mapped", {}).get("dead") == 1)
    receiver.fault = Fault(status=422)
    people = [{"id": f"p{n}", "zip": HOSTILE, "phone": f"+1503555014{n}"} for n in range(count)]
    await post(daemon, "signups", people)
    await until(lambda: daemon.metrics.totals().get("crm", {}).get("dead") == count)
    receiver.fault = NO_FAULT


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
async def test_a_letter_is_mended_and_arrives_and_its_way_tells_it(
    javascript: bool, tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        receiving() as (receiver, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, java_script_enabled=javascript) as looking,
    ):
        await letters(daemon, receiver, 1)
        page = looking.page
        await looking.log_in()
        await looking.turn_to("Dead letters")
        await page.get_by_role("link", name="3", exact=True).click()
        editor = page.get_by_label("The record as it goes to crm")
        right = (await editor.input_value()).replace(HOSTILE, "97201")
        await editor.fill(right.replace('"zip"', '"zipp"'))
        await page.get_by_role("button", name="Save and retry").click()
        assert "unknown field zipp" in await page.get_by_role("alert").inner_text()
        assert '"97201"' in await editor.input_value(), "nobody has to type it again"
        await editor.fill(right)
        await page.get_by_role("button", name="Save and retry").click()
        await page.get_by_role("heading", name="Dead letters", exact=True).wait_for()
        assert await page.get_by_role("status").inner_text() == (
            "Dead letter 3 goes to crm again, with changed: person.zip."
        )
        await until(lambda: receiver.received.records == 1)
        await looking.turn_to("Deliveries")
        await page.get_by_role("button", name="Its way of signups:p0").click()
        await page.get_by_role("heading", name="The way of").wait_for()
        assert "by hand: person.zip" in await page.locator("main").inner_text()
        body = page.get_by_label("What came")
        assert not await body.is_visible()
        await page.get_by_text("What came (personal data)").click()
        assert await body.is_visible()
        assert "p0" not in page.url
        assert looking.complaints == []


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
async def test_many_are_retried_at_once_and_drops_are_asked_about(
    javascript: bool, tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        receiving() as (receiver, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, java_script_enabled=javascript) as looking,
    ):
        await letters(daemon, receiver)
        page = looking.page
        await looking.log_in()
        await looking.go("/dead")
        await page.get_by_role("button", name="Retry the ticked").click()
        assert "which dead letters" in await page.get_by_role("alert").inner_text()
        await page.get_by_role("button", name="Drop the ticked").click()
        assert await page.get_by_role("alert").inner_text() == "tick the ones that are meant"
        await page.get_by_role("checkbox", name="Dead letter 3", exact=True).check()
        await page.get_by_role("checkbox", name="Dead letter 4", exact=True).check()
        await page.get_by_role("button", name="Retry the ticked").click()
        assert await page.get_by_role("status").inner_text() == "Going again: 2 to crm."
        await page.get_by_role("button", name="Retry all of crm, rejected").click()
        await until(lambda: receiver.received.records == 3)
        await page.get_by_role("button", name="Drop all of signups, unreadable").click()
        await page.get_by_role("heading", name="Are you sure?").wait_for()
        assert await looking.barriers() == [] if javascript else True
        await page.get_by_role("link", name="No, go back").click()
        assert await page.get_by_role("link", name="unreadable of signups").count() == 1
        await page.get_by_role("checkbox", name="Dead letter 1", exact=True).check()
        await page.get_by_role("checkbox", name="Dead letter 2", exact=True).check()
        await page.get_by_role("button", name="Drop the ticked").click()
        assert "Drop 2 dead letters for good?" in await page.locator("main").inner_text()
        await page.get_by_role("button", name="Yes, do it").click()
        assert await page.get_by_role("status").inner_text() == "Dropped: 2 dead letters."
        assert "There are none" in await page.locator("main").inner_text()
        assert looking.complaints == []


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
async def test_a_broken_file_is_refused_with_every_problem_and_a_good_one_is_taken(
    javascript: bool, tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, java_script_enabled=javascript) as looking,
    ):
        page = looking.page
        await looking.log_in()
        await looking.turn_to("Settings")
        broken = with_ops(pipeline, LOGIN).replace('inputs = ["mapped"]', 'inputs = ["maped"]')
        write_config(tmp_path, broken.replace("[sinks.crm]", "[sinks.crm]\nurll = 1"))
        await page.get_by_role("button", name="Read it again").click()
        problems = await page.get_by_role("alert").inner_text()
        assert "transforms.adults.inputs" in problems
        assert "sinks.crm.urll" in problems
        write_config(tmp_path, with_ops(pipeline, LOGIN).replace("[sinks.crm]", "[sinks.crm]\nconcurrency = 9"))
        await page.get_by_role("button", name="Read it again").click()
        assert await page.get_by_role("status").inner_text() == "The configuration was read (restarted: crm)."
        assert await page.get_by_role("alert").count() == 0
        assert await page.get_by_text("concurrency = 9").is_visible()
        await looking.turn_to("Audit")
        await page.get_by_label("Operation").select_option("reload")
        await page.get_by_role("button", name="Show these").click()
        rows = await page.locator("tbody tr").all_inner_texts()
        assert [("done" in row, "refused" in row) for row in rows] == [(True, False), (False, True)]
        assert looking.complaints == []


@LOOKS
async def test_nothing_keeps_anybody_out_of_these_pages(
    scheme: str, window: dict[str, int], tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        receiving() as (receiver, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        look_at(daemon, color_scheme=scheme, viewport=window) as looking,
    ):
        await letters(daemon, receiver)
        write_config(tmp_path, "[daemon]\nkeeep = 1")
        await daemon.reload()
        await looking.log_in()
        for path in (
            "/records",
            "/dead",
            "/dead?component=crm",
            "/dead/1",
            "/dead/2",
            "/dead/3",
            "/settings",
            "/audit",
        ):
            await looking.go(path)
            assert (path, await looking.barriers()) == (path, [])
            assert not await looking.is_wider_than_the_window(), path
            assert await looking.page.title() != "x"
        await looking.go("/settings")
        await looking.page.get_by_label("A new key, for").fill("actblue")
        await looking.page.get_by_role("button", name="Make it").click()
        await looking.page.get_by_role("heading", name="The key actblue").wait_for()
        assert await looking.barriers() == []
        await looking.go("/records")
        await looking.page.get_by_role("button", name="Its way of signups:p1").click()
        await looking.page.get_by_role("heading", name="The way of").wait_for()
        assert await looking.barriers() == []
        assert not await looking.is_wider_than_the_window()
        assert looking.complaints == []
