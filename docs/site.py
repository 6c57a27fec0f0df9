"""What mkdocs needs to be told: pages that stand beside the code they are about, and where their links lead here."""

import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from mkdocs.structure.files import File, Files

ROOT: Final = Path(__file__).parents[1]
BROUGHT: Final = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "pipeline.toml": "pipeline.toml",
    **{
        f"src/groundswell/connectors/{path.parent.name}/{path.name}": f"connectors/{path.parent.name}.md"
        for path in sorted(ROOT.glob("src/groundswell/connectors/*/README.md"))
    },
    **{
        f"src/groundswell/connectors/{path.parents[1].name}/simulator/README.md": (
            f"connectors/{path.parents[1].name}_simulator.md"
        )
        for path in sorted(ROOT.glob("src/groundswell/connectors/*/simulator/README.md"))
    },
}
"""By path in the repository: the place in the site."""
_LINK: Final = re.compile(r"(\]\()([^)#\s]+)(#[^)]*)?(\))")
_FENCE: Final = re.compile(r"(^```.*?^```)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: Any) -> Files:
    """Bring the pages in."""
    for source, place in BROUGHT.items():
        text = (ROOT / source).read_text()
        files.append(File.generated(config, place, content=_relinked(text, source, place)))
    decisions = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    files.append(File.generated(config, "decisions/index.md", content=_index(decisions)))
    return files


def _relinked(text: str, source: str, place: str) -> str:
    """Links of a page of the repository as they lead from its place in the site."""

    def moved(match: re.Match[str]) -> str:
        before, target, anchor, after = match.groups()
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        return f"{before}{_led(target, source, place)}{anchor or ''}{after}"

    return _outside_fences(text, lambda part: _LINK.sub(moved, part))


def _led(target: str, source: str, place: str) -> str:
    found = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if found == "docs/decisions":
        there = "decisions/index.md"
    elif found.startswith("docs/"):
        there = found.removeprefix("docs/")
    else:
        there = BROUGHT.get(found, found)  # what is not brought in is a broken link, and mkdocs says so
    return posixpath.relpath(there, posixpath.dirname(place) or ".")


def _outside_fences(text: str, change: Callable[[str], str]) -> str:
    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else change(part) for part in parts)


def _index(names: list[str]) -> str:
    lines = ["# Decisions", "", "Why it is built as it is, a page each.", ""]
    for name in names:
        title = (ROOT / "docs" / "decisions" / name).read_text().partition("\n")[0].removeprefix("# ")
        lines.append(f"- [{title}]({name})")
    return "\n".join([*lines, ""])
