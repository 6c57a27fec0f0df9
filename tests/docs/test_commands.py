"""Every `groundswell` command on a page is one: its verb is there, and takes these options and arguments."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from groundswell.cli.main import application
from tests.docs.pages import PAGES, blocks, named

GROUP: Any = get_command(application())
PATHS = re.compile(r"^(?:/\S*/)?groundswell$")


def commands() -> Iterator[tuple[str, list[str], bool]]:
    """(where, words after `groundswell`, whether it stands in a block, and so is meant to be typed as it is)."""
    for page in PAGES:
        for line, text in blocks(page, "", "sh"):
            for offset, typed in enumerate(text.replace("\\\n", "").splitlines()):
                for part in re.split(r"&&|\||;", re.split(r"\s#\s", typed)[0]):
                    words = _words(part)
                    if words and PATHS.match(words[0]):
                        yield f"{named(page)}:{line + offset}", words[1:], True
        for quoted in re.findall(r"`(groundswell [^`\n]+)`", page.read_text()):
            for part in re.split(r"&&", quoted):
                yield f"{named(page)}: {part}", _words(part)[1:], False


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line.removeprefix("$ "))
    except ValueError:  # prose with an apostrophe, or a picture
        return []


def refusal(words: list[str], *, is_whole: bool) -> str | None:
    """Why the command line would not take it."""
    command, path = GROUP, ["groundswell"]
    while hasattr(command, "commands"):
        if not words or words[0].startswith("-"):
            return None
        if words[0] not in command.commands:
            return f"{' '.join(path)} has no {words[0]}"
        command, path, words = command.commands[words[0]], [*path, words[0]], words[1:]
    try:
        command.make_context(" ".join(path), [word for word in words if word != "..."])
    except Exception as exc:  # typer brings its own copy of click: its errors are known by their names
        match type(exc).__name__:
            case "Exit":  # --help
                return None
            case "NoSuchOption":
                return str(exc)
            case _:  # N, NAME, or nothing at all, where a verb is spoken of: something is to be put there
                return str(exc) if is_whole else None
    return None


def test_there_are_commands_to_look_at() -> None:
    assert len([where for where, _, is_whole in commands() if is_whole]) > 10
    assert len([where for where, _, is_whole in commands() if not is_whole]) > 50


@pytest.mark.parametrize("page", [named(page) for page in PAGES])
def test_the_commands_of_a_page_are_taken(page: str) -> None:
    found = [(where, words, whole) for where, words, whole in commands() if where.startswith(f"{page}:")]
    wrong = {where: why for where, words, whole in found if (why := refusal(words, is_whole=whole)) is not None}
    assert wrong == {}


def test_a_command_that_is_none_is_noticed() -> None:
    assert refusal(["nonsense"], is_whole=False) is not None
    assert refusal(["status", "--nonsense"], is_whole=False) is not None
    assert refusal(["dead", "show"], is_whole=True) is not None
    assert refusal(["dead", "show"], is_whole=False) is None
    assert refusal(["dead", "show", "7"], is_whole=True) is None
