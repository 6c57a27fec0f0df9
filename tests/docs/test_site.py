"""The site of these pages: it is built, every link in it leads somewhere, and it asks nobody outside for anything."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "audio": "src", "video": "src"}


class Fetched(HTMLParser):
    """What a browser fetches on its own for a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") not in ("canonical", "prev", "next"):
            self.addresses.append(given.get("href") or "")
        elif tag in LOADED:
            self.addresses.append(given.get(LOADED[tag]) or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built anew, with every broken link an error."""
    place = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(place)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place


@pytest.mark.timeout(150)
def test_every_page_is_there(site: Path) -> None:
    pages = {str(path.relative_to(site)) for path in site.rglob("*.html")}
    assert {"index.html", "start.html", "connectors/actionkit.html", "decisions/index.html"} <= pages
    assert len(pages) > 20


@pytest.mark.timeout(150)
def test_it_fetches_nothing_from_outside(site: Path) -> None:
    for page in site.rglob("*.html"):
        outside = [one for one in Fetched(page.read_text()).addresses if re.match(r"(https?:)?//", one)]
        assert outside == [], page.name
    for style in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import )['\"]?(?:https?:)?//", style.read_text()) == []


@pytest.mark.timeout(150)
def test_nothing_but_pages_is_in_it(site: Path) -> None:
    assert not list(site.rglob("*.py"))
