"""Chromium, for tests that look at pages as people do."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from groundswell.runtime.daemon import Daemon
from tests.pipelines.ops_pipeline import PASSWORD
from tests.programs import needs
from tests.running import token_of

CHROMIUM = which("chromium") or "/usr/bin/chromium"
NEEDS_CHROMIUM = needs("chromium", "chromium")
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PHONE, DESK = {"width": 390, "height": 800}, {"width": 1280, "height": 800}
LOOKS = pytest.mark.parametrize(
    ("scheme", "window"), [("light", DESK), ("dark", PHONE)], ids=["light on a desk", "dark on a phone"]
)
"""Both schemes and both sizes: the colours are the same at either."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser has to be there, and takes its time where several run at once."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(NEEDS_CHROMIUM)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(90))


class Looking:
    """A page, and everything that went wrong in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)
        page.on("request", self._asked)

    def _heard(self, message: Any) -> None:
        """What the console says of a page: a broken policy, a script that failed. Refusals are meant."""
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((f"http://{self.address}/", "data:")):
            self.complaints.append(f"it asked {request.url}")

    async def go(self, path: str) -> None:
        await self.page.goto(f"http://{self.address}{path}")

    async def log_in(self, password: str = PASSWORD) -> None:
        await self.go("/login")
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Log in").click()
        await self.page.get_by_role("heading", name="Overview").wait_for()

    async def turn_to(self, title: str) -> None:
        """By the navigation, wherever it has the page now."""
        navigation = self.page.get_by_role("navigation")
        link = navigation.get_by_role("link", name=title, exact=True)
        if not await link.is_visible():
            await navigation.get_by_text("More").click()
        await link.click()
        await self.page.get_by_role("heading", level=1).wait_for()

    async def barriers(self) -> list[str]:
        """What axe says keeps somebody out."""
        found = await Axe().run(self.page)
        return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found.response["violations"]]

    async def is_wider_than_the_window(self) -> bool:
        return bool(await self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


LookAt = Callable[..., AbstractAsyncContextManager[Looking]]


@pytest.fixture
def look_at() -> LookAt:
    """`async with look_at(daemon, color_scheme="dark") as looking`: a browser of its own at the dashboard."""

    @asynccontextmanager
    async def looking(daemon: Daemon, **options: Any) -> AsyncIterator[Looking]:
        async with async_playwright() as playwright:
            browser: Browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
            try:
                context = await browser.new_context(**{"viewport": DESK, **options})
                context.set_default_timeout(20_000)
                yield Looking(await context.new_page(), token_of(daemon).address)
            finally:
                await browser.close()

    return looking
