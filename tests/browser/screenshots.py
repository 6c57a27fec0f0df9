"""Pictures of every page of the dashboard, as the demo leaves it: `make screenshots` puts them into out/screenshots."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, StorageState, sync_playwright

from groundswell.ops.dashboard.pages import PAGES
from tests.browser.conftest import ARGUMENTS, CHROMIUM, DESK, PHONE

PLACE: Final = Path("out/screenshots")
SETTLE_MS: Final = 1_500
"""Until what moves has moved once."""
NAMED: Final = ("/components/crm", "/components/gifts", "/accounts/actionkit", "/syncs/actionkit", "/members/1")
LOOKS: Final = (
    ("desk", DESK, "light"),
    ("desk-dark", DESK, "dark"),
    ("phone", PHONE, "light"),
    ("phone-dark", PHONE, "dark"),
)


def main() -> None:
    """Run the demo, and look at it while it stays up."""
    PLACE.mkdir(parents=True, exist_ok=True)
    paths = [page.path for page in PAGES if "{" not in page.path and page.is_in_navigation] + list(NAMED)
    command = [sys.executable, "-u", "-m", "groundswell", "demo", "--keep"]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        link = _link(demo)
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
            login = _log_in(browser, link)
            for name, size, scheme in LOOKS:
                context = browser.new_context(viewport=size, color_scheme=scheme, storage_state=login)
                page = context.new_page()
                for path in paths:
                    page.goto(link.partition("/login")[0] + path)
                    page.wait_for_timeout(SETTLE_MS)
                    page.screenshot(
                        path=PLACE / f"{path.strip('/').replace('/', '-') or 'overview'}.{name}.png", full_page=True
                    )
                context.close()
            browser.close()
    finally:
        demo.terminate()
        demo.wait(30)
    print(f"{len(paths) * len(LOOKS)} pictures in {PLACE}")  # noqa: T201


def _link(demo: "subprocess.Popen[str]") -> str:
    """The second one: the demo has done everything by then."""
    assert demo.stdout is not None
    found = (re.search(r"http://\S+/login#\S+", line) for line in demo.stdout)
    links = (match[0] for match in found if match)
    next(links)
    return next(links)


def _log_in(browser: Browser, link: str) -> StorageState:
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.get_by_role("heading", name="Overview").wait_for()
    state = context.storage_state()
    context.close()
    return state


if __name__ == "__main__":
    main()
