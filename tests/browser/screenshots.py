"""Pictures of every page of the dashboard: `make screenshots` puts them into out/screenshots.

Of the demo, where all goes well, every page; of `troubled.py` those that look otherwise where something does not.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from groundswell.ops.dashboard.pages import PAGES
from tests.browser.conftest import ARGUMENTS, CHROMIUM, DESK, PHONE
from tests.browser.troubled import READER
from tests.pipelines.ops_pipeline import PASSWORD

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
    """Run one after the other, and look at each while it stays up. Words after the command: only these pictures."""
    only = sys.argv[1:]
    PLACE.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        with _output("groundswell", "demo", "--keep") as lines:
            links = (found[0] for line in lines if (found := re.search(r"http://\S+/login#\S+", line)))
            next(links)  # by the second, the demo has done everything
            link = next(links)
            paths = [page.path for page in PAGES if "{" not in page.path and page.is_in_navigation] + list(NAMED)
            names = {path.strip("/").replace("/", "-") or "overview": path for path in paths}
            login = _logged_in(browser, lambda page: page.goto(link))
            _take(browser, login, link.partition("/login")[0], names, only)
        with _output("tests.browser.troubled") as lines:
            root = next(line.strip() for line in lines if line.startswith("http://"))
            _take(browser, _by_password(browser, root, PASSWORD), root, TROUBLED, only)
            _take(browser, _by_password(browser, root, READER), root, {"reader-backfills": "/backfills"}, only)
        browser.close()


@contextmanager
def _output(*module: str) -> Iterator[Iterable[str]]:
    """What a module prints, line by line, while it runs."""
    process = subprocess.Popen([sys.executable, "-u", "-m", *module], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.terminate()
        process.wait(30)


def _by_password(browser: Browser, root: str, password: str) -> StorageState:
    def enter(page: Page) -> None:
        page.goto(f"{root}/login")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()

    return _logged_in(browser, enter)


def _logged_in(browser: Browser, enter: Callable[[Page], object]) -> StorageState:
    context = browser.new_context()
    page = context.new_page()
    enter(page)
    page.get_by_role("heading", name="Overview").wait_for()
    state = context.storage_state()
    context.close()
    return state


def _take(browser: Browser, login: StorageState, root: str, paths: Mapping[str, str], only: Sequence[str]) -> None:
    """A picture of each path, by name, in every look."""
    for look, size, scheme in LOOKS:
        context = browser.new_context(viewport=size, color_scheme=scheme, storage_state=login)
        page = context.new_page()
        for name, path in paths.items():
            if only and name not in only:
                continue
            page.goto(root + path)
            if name in ACTS:
                ACTS[name](page)
            page.wait_for_timeout(SETTLE_MS)
            page.screenshot(path=PLACE / f"{name}.{look}.png", full_page=True)
        context.close()


def _edit(page: Page) -> None:
    """What somebody gets who mistypes a field's name."""
    editor = page.get_by_label("The record as it goes to crm")
    editor.fill(editor.input_value().replace('"zip"', '"zipp"'))
    page.get_by_role("button", name="Save and retry").click()
    page.get_by_role("alert").wait_for()


def _open_more(page: Page) -> None:
    page.get_by_role("navigation").get_by_text("More").click()


TROUBLED: Final = {
    "trouble": "/",
    "trouble-accounts": "/accounts",
    "trouble-account": "/accounts/old_kit",
    "trouble-account-new": "/accounts/blue",
    "trouble-backfills": "/backfills?source=gift_files",
    "trouble-backfills-plan": "/backfills?source=gift_files&look=1&extent=days&first=2026-11-01&sends=unsent",
    "trouble-source": "/components/people",
    "trouble-sink": "/components/archive",
    "trouble-reconcile": "/reconcile?one=gifts&other=gift_files&lag_s=0",
    "trouble-dead": "/dead",
    "trouble-letter": "/dead/3",
    "trouble-letter-edited": "/dead/3",
    "trouble-more": "/settings",
}
"""Pictures of what goes wrong, and where it is seen."""
ACTS: Final[Mapping[str, Callable[[Page], None]]] = {"trouble-letter-edited": _edit, "trouble-more": _open_more}
"""What somebody does before a picture is taken."""


if __name__ == "__main__":
    main()
