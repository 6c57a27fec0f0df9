"""What moves beside numbers, with a real browser: charts, syncs, backfills with their buttons; and what is read out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from playwright.async_api import Page

from groundswell.component import Batch, Progress
from groundswell.members.book import Changes
from groundswell.members.member import Link
from groundswell.ops import rates as ops_rates
from groundswell.ops.messages import AskBackfill
from groundswell.ops.operations import BACKFILL
from groundswell.runtime import rates
from groundswell.runtime.daemon import Daemon
from groundswell.store.outbox import Processed
from tests.browser.conftest import DESK, PHONE, LookAt, Looking
from tests.peopled import NOW, peopled
from tests.pipelines.ops_pipeline import PASSWORD, ask, receiving, with_ops
from tests.running import FREE_PORTS, post, running
from tests.vendor import ACCOUNT, POLL, Backfill, Vendor, people

READER = "only for looking"
OPS = (f'password = "{PASSWORD}"', f'read_password = "{READER}"')
PAGES, HELD = 5, 2
SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
SINK = '[sinks.file]\ntype = "jsonl"\ninputs = ["people"]\npath = "out.jsonl"\n'
WINDOWS = pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])


class Steps:
    """A backfill of five pages of one person each, which takes a step when it is told to."""

    def __init__(self) -> None:
        self.steps = anyio.Semaphore(HELD)

    async def __call__(self, asked: Backfill) -> None:
        for page in range(int(asked.cursor or "0") + 1, PAGES + 1):
            await self.steps.acquire()
            await asked.emit(Batch(people(page), str(page), Progress("people", page, PAGES)))

    def go_on(self, pages: int = 1) -> None:
        for _ in range(pages):
            self.steps.release()


@asynccontextmanager
async def backfilling(directory: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Daemon, Steps]]:
    """A daemon with a backfill under way, two pages of five in."""
    vendor = Vendor()
    vendor.register(monkeypatch)
    vendor.backfill = steps = Steps()
    async with running(with_ops(FREE_PORTS, *OPS) + ACCOUNT + POLL + SINK, directory) as daemon:
        await ask(directory, BACKFILL, AskBackfill("people", SINCE, UNTIL))
        yield daemon, steps


async def is_never_loaded_again(page: Page) -> None:
    """From here on; `was_loaded_again` says whether it was."""
    await page.evaluate("document.body.dataset.same = 'yes'")


async def was_loaded_again(page: Page) -> bool:
    return await page.locator("body").get_attribute("data-same") is None


async def has_focus(page: Page, what: str) -> bool:
    return bool(await page.locator(what).evaluate("one => one === document.activeElement"))


@WINDOWS
async def test_a_backfill_moves_and_its_end_is_seen_and_told_with_the_buttons_that_belong_to_it(
    window: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look_at: LookAt
) -> None:
    async with backfilling(tmp_path, monkeypatch) as (daemon, steps), look_at(daemon, viewport=window) as looking:
        page = looking.page
        await looking.log_in()
        await looking.go("/backfills")
        await is_never_loaded_again(page)
        bar = page.get_by_role("progressbar", name="How far the backfill of people is")
        await page.get_by_text("people, 2 of about 5").wait_for()
        assert await bar.evaluate("one => one.value") == pytest.approx(0.4)
        assert await page.get_by_text("people has one under way.").is_visible()
        steps.go_on()
        await page.get_by_text("people, 3 of about 5").wait_for()
        await page.get_by_text("3 records: 3 new here").wait_for()
        assert await bar.evaluate("one => one.value") == pytest.approx(0.6)
        await page.locator("summary").filter(has_text="Cancel").focus()
        steps.go_on(2)
        told = page.get_by_role("status").filter(has_text="is finished")
        await told.wait_for()
        assert await told.inner_text() == "The backfill of people is finished; it brought 5 records, 5 of them new."
        assert await page.get_by_text("No backfill is under way.").is_visible()
        assert await page.get_by_role("cell", name="finished").is_visible()
        assert await page.get_by_role("button", name="Show what it will do").is_visible()
        assert await page.locator("summary").filter(has_text="Cancel").count() == 0
        assert await has_focus(page, "#under-way"), "the summary is gone: next to it is its section"
        assert not await looking.is_wider_than_the_window()
        assert await looking.barriers() == []
        assert not await was_loaded_again(page)
        assert looking.complaints == []


async def test_who_holds_a_backfill_elsewhere_changes_the_button_here_which_keeps_the_focus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look_at: LookAt
) -> None:
    async with backfilling(tmp_path, monkeypatch) as (daemon, _), look_at(daemon) as looking:
        page = looking.page
        await looking.log_in()
        await looking.go("/backfills")
        await page.get_by_text("Live:").wait_for()
        await is_never_loaded_again(page)
        await page.locator("summary").filter(has_text="Cancel").click()
        await page.get_by_role("button", name="Pause the backfill of people").focus()
        await ask(tmp_path, BACKFILL, AskBackfill("people", pause=True))
        await page.get_by_role("button", name="Resume the backfill of people").wait_for()
        assert await has_focus(page, "#hold-people")
        assert await page.get_by_role("button", name="Cancel it for good").is_visible(), "it stays open"
        assert not await was_loaded_again(page)
        await page.keyboard.press("Enter")
        await page.get_by_text("The backfill of people is under way.").wait_for()
        assert looking.complaints == []


async def test_a_note_waits_for_whoever_did_something_though_another_page_asks_for_itself_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look_at: LookAt
) -> None:
    async with backfilling(tmp_path, monkeypatch) as (daemon, _), look_at(daemon) as looking:
        page = looking.page
        await looking.log_in()
        await looking.go("/backfills")
        await page.get_by_text("Live:").wait_for()
        token = await page.locator('input[name="csrf"]').first.input_value()
        fields = {"csrf": token, "form": "backfill", "at": "", "source": "people", "pause": "true"}
        done = await page.request.post(page.url, form=fields, max_redirects=0)
        assert done.status == 303
        await page.get_by_role("button", name="Resume the backfill of people").wait_for()
        await page.reload()
        await page.get_by_text("The backfill of people is paused").wait_for()


async def test_a_form_that_somebody_fills_in_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look_at: LookAt
) -> None:
    async with backfilling(tmp_path, monkeypatch) as (daemon, steps), look_at(daemon) as looking:
        page = looking.page
        await looking.log_in()
        steps.go_on(PAGES - HELD)
        await page.get_by_role("row", name="people").get_by_text("finished").wait_for()
        await looking.go("/backfills")
        await page.get_by_text("Live:").wait_for()
        await page.get_by_label("Only these days").check()
        await page.get_by_label("From the beginning of").fill("2026-05-01")
        steps.steps = anyio.Semaphore(0)
        await ask(tmp_path, BACKFILL, AskBackfill("people", SINCE, UNTIL))
        await page.get_by_role("button", name="Pause the backfill of people").wait_for()
        await page.get_by_text("This has changed meanwhile.").wait_for()
        assert await page.get_by_label("From the beginning of").input_value() == "2026-05-01"
        await page.get_by_role("link", name="Load this page again").last.click()
        await page.get_by_text("people has one under way.").wait_for()
        assert looking.complaints == []


async def test_whoever_only_looks_sees_a_backfill_end_and_is_offered_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look_at: LookAt
) -> None:
    async with backfilling(tmp_path, monkeypatch) as (daemon, steps), look_at(daemon) as looking:
        page = looking.page
        await looking.log_in(READER)
        for path in ("/", "/components/people", "/backfills"):
            await looking.go(path)
            await page.get_by_text("Live:").wait_for()
        steps.go_on(PAGES - HELD)
        await page.get_by_role("status").filter(has_text="is finished").wait_for()
        assert await page.locator("main form, main button").count() == 0
        assert looking.complaints == []


async def test_the_overview_and_the_page_of_its_source_tell_of_a_backfill_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look_at: LookAt
) -> None:
    async with backfilling(tmp_path, monkeypatch) as (daemon, steps), look_at(daemon) as looking:
        page = looking.page
        await looking.log_in()
        await is_never_loaded_again(page)
        other = Looking(await page.context.new_page(), looking.address)
        await other.go("/components/people")
        await is_never_loaded_again(other.page)
        await page.get_by_text("backfill of people: people, 2 of about 5").wait_for()
        steps.go_on()
        await page.get_by_text("backfill of people: people, 3 of about 5").wait_for()
        await other.page.get_by_text("people, 3 of about 5").wait_for()
        steps.go_on(2)
        await page.locator("#part-backfills time").nth(2).wait_for()  # when it ended
        assert not await page.get_by_role("heading", name="Under way").is_visible()
        await other.page.get_by_text("Ended", exact=True).wait_for()
        for one in (looking, other):
            assert not await was_loaded_again(one.page)
            assert one.complaints == []


@pytest.mark.parametrize("password", [PASSWORD, READER], ids=["operator", "reader"])
async def test_the_counts_of_a_sync_move_on_every_page_that_has_them(
    password: str, tmp_path: Path, look_at: LookAt
) -> None:
    async with peopled(tmp_path, *OPS) as daemon, look_at(daemon) as looking:
        await looking.log_in(password)
        looks = {
            path: Looking(await looking.page.context.new_page(), looking.address)
            for path in ("/", "/members", "/syncs", "/syncs/kit")
        }
        for path, one in looks.items():
            await one.go(path)
            await is_never_loaded_again(one.page)
        sync = ".sync.actionkit"
        before = {
            what: int(await looks["/"].page.locator(f'[data-live="{sync}.{what}"]').inner_text())
            for what in ("synced", "total")
        }
        more = [Link("actionkit", f"9{n}", None, "ineligible", "no_phone") for n in range(30)]
        await daemon.store.process(
            Processed(NOW, None, changes=Changes({}, {(link.account, link.remote_id): link for link in more}, [], {}))
        )
        for path in ("/", "/syncs", "/syncs/kit"):
            total = looks[path].page.locator(f'[data-live="{sync}.total"]', has_text=str(before["total"] + 30))
            await total.wait_for()
        await looks["/members"].page.locator(f'[data-live="{sync}.state.ineligible"]', has_text="31").wait_for()
        bar = looks["/syncs/kit"].page.get_by_role("progressbar")
        share = before["synced"] / (before["total"] + 30)
        assert await bar.evaluate("one => one.value") == pytest.approx(share, abs=0.001)
        for one in looks.values():
            assert not await was_loaded_again(one.page)
            assert one.complaints == []


@WINDOWS
async def test_charts_draw_on_while_one_looks(
    window: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look_at: LookAt
) -> None:
    monkeypatch.setattr(rates, "STEP_S", 0.3)
    monkeypatch.setattr(ops_rates, "STEP_S", 0.3)
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, *OPS), tmp_path) as daemon,
        look_at(daemon, viewport=window) as looking,
    ):
        page = looking.page
        await looking.log_in()
        await looking.go("/components/crm")
        await is_never_loaded_again(page)
        drawn = page.locator('[data-line="crm.chart.hour.delivered.line"]')
        words = page.locator('[data-live="crm.chart.hour.delivered.words"]')
        await page.get_by_text("Live:").wait_for()
        await post(daemon, "signups", [{"id": n, "zip": "97201"} for n in range(30)])
        await words.filter(has_not_text="most 0/s").filter(has_text="least 0/s").wait_for()
        line, area = [await drawn.locator(part).get_attribute("d") or "" for part in (".line", ".area")]
        assert area.startswith(line)
        assert area.endswith("Z")
        box = await drawn.locator(".line").bounding_box()
        frame = await drawn.bounding_box()
        assert box is not None
        assert frame is not None
        assert frame["height"] * 0.8 < box["height"] < frame["height"] + 3, "from nothing to the most"
        await page.wait_for_function(
            "([one, before]) => one.getAttribute('d') !== before",
            arg=[await drawn.locator(".line").element_handle(), line],
        )
        assert not await was_loaded_again(page)
        assert not await looking.is_wider_than_the_window()
        assert looking.complaints == []


async def test_a_button_to_hold_a_component_turns_when_somebody_else_holds_it(tmp_path: Path, look_at: LookAt) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, *OPS), tmp_path) as daemon,
        look_at(daemon) as looking,
    ):
        page = looking.page
        await looking.log_in()
        other = Looking(await page.context.new_page(), looking.address)
        await other.go("/components/crm")
        for one in (looking, other):
            await one.page.get_by_text("Live:").wait_for()
        await daemon.supervisor.pause("crm")
        await other.page.get_by_role("button", name="Resume", exact=True).wait_for()
        await page.get_by_role("button", name="Resume crm").click()
        await page.get_by_text("crm goes on.").wait_for()
        await other.page.get_by_role("button", name="Pause", exact=True).wait_for()


async def test_read_out_is_what_newly_needs_a_person_and_not_that_a_number_grew(
    tmp_path: Path, look_at: LookAt
) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, *OPS), tmp_path) as daemon,
        look_at(daemon) as looking,
    ):
        page = looking.page
        await looking.log_in()
        await page.get_by_text("Live:").wait_for()
        regions = await page.locator("[aria-live], [role=status], [role=alert]").count()
        assert regions == 2, "whether it is live, and what needs a person"
        read_out = page.locator('[data-says=".attention"]')
        await page.evaluate(
            """place => {
                window.said = [];
                new MutationObserver(() => said.push(place.textContent)).observe(place, { childList: true });
            }""",
            await read_out.element_handle(),
        )
        for number in (1, 2, 3):
            await post(daemon, "signups", [{"id": number, "zip": ["no text"]}])
            dead = f"{number} dead letter{'s' if number > 1 else ''}"
            await page.locator(".attention li", has_text=dead).wait_for()
        said = await page.evaluate("said")
        assert len(said) == 1
        assert said[0].startswith("mapped: 1 dead letter")
        command = page.locator(".attention li code")
        assert await command.inner_text() == "groundswell dead list --component mapped"
