"""The pages people read, and what stands in them."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "src/groundswell/**/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "introduction.md"  # its text is in docs/configuration.md
)


def named(path: Path) -> str:
    """As in the repository."""
    return str(path.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> Iterator[tuple[int, str]]:
    """(number of its first line, text) of each block in one of these languages; "" is one that says none."""
    text = page.read_text()
    for match in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if match[1] in languages:
            yield text.count("\n", 0, match.start(2)) + 1, match[2]
