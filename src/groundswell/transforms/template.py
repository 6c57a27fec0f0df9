"""Text with fields in it: "{first_name} {custom.Nickname}". Read once at load, then only filled in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from msgspec import UNSET
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from groundswell.record import Record
from groundswell.transforms.paths import Get, parse_path
from groundswell.transforms.values import plain_text

_PIECE: Final = re.compile(r"(?P<double>\{\{|\}\})|\{(?P<path>[^{}]*)\}|(?P<literal>[^{}]+)|(?P<stray>[{}])")


@dataclass(frozen=True, slots=True)
class Template:
    """A text whose braces name fields; a brace that is meant as one is doubled."""

    text: str
    pieces: tuple[tuple[str, Get | None], ...] = field(repr=False, compare=False)
    """A literal, or a field's path and how to read it."""

    def __str__(self) -> str:
        return self.text

    def get(self, record: Record) -> Any:
        """The text filled in: UNSET when a field in it is unknown, None when nothing is in it but empty fields.

        Raises:
            ValueError: a field holds a list or an object.
        """
        filled: list[str] = []
        for text, get in self.pieces:
            if get is None:
                filled.append(text)
                continue
            value = get(record)
            if value is UNSET:
                return UNSET
            if value is not None:
                filled.append(value if type(value) is str else plain_text(value))
        return "".join(filled).strip() or None


def parse_template(text: str) -> Template:
    """Raises ValueError for a stray brace or a field that does not exist."""
    return Template(text, tuple(_pieces(text)))


def _pieces(text: str) -> Iterator[tuple[str, Get | None]]:
    for match in _PIECE.finditer(text):
        if match["stray"]:
            raise ValueError(
                f'has a stray "{match["stray"]}" at character {match.start() + 1}; write a field as {{first_name}}, '
                "and a brace that is meant as one twice: {{ or }}"
            )
        if match["path"] is not None:
            yield match["path"], parse_path(match["path"]).get
        else:
            yield match["literal"] or match["double"][0], None


def _read(value: Any) -> Any:
    if isinstance(value, Template):
        return value
    if isinstance(value, str):
        return parse_template(value)
    raise ValueError('is not a template; write text with fields in braces, such as "{first_name} {last_name}"')


TemplateText = Annotated[
    Template,
    BeforeValidator(_read),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["{first_name} {last_name}"]}),
]
"""A setting that holds a template."""
