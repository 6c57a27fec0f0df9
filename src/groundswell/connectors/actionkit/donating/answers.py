"""What a gift's action says besides the money: answers of the form, and whatever else is asked for. Pure."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

from groundswell.connectors.actionkit.writing.paths import Texts, flattened, plain_name, texts_of, value_at
from groundswell.record import Action, Record

NAME_MAX: Final = 100
"""Of a field, in letters; a question may be a paragraph."""


def answers_of(record: Record, named: Mapping[str, str], *, has_all: bool) -> dict[str, Texts]:
    """Action fields by their names there.

    Args:
        named: The name there, and the path in the record.
        has_all: Whether every field of the record's action goes along, by its own name made legal.
    """
    action = record.action if isinstance(record.action, Action) else Action()
    found = free_fields(action.fields) if has_all else {}
    for name, path in named.items():
        texts = texts_of(value_at(record, path))
        if texts is not None:
            found[name] = texts
    return found


def free_fields(fields: Mapping[str, Any]) -> dict[str, Texts]:
    """By legal names that stay apart: what is cut, or has no letter they know, ends in a hash of the whole."""
    found: dict[str, Texts] = {}
    for label, value in fields.items():
        name = plain_name(label)
        if not name:
            name = f"field_{_hash(label)}"
        for whole, texts in flattened({name: value}).items():
            short = whole if len(whole) <= NAME_MAX else f"{whole[: NAME_MAX - 9]}_{_hash(label + whole)}"
            before = found.get(short)
            found[short] = texts if before is None else [*_many(before), *_many(texts)]
    return found


def _many(texts: Texts) -> list[str]:
    return [texts] if isinstance(texts, str) else texts


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=4).hexdigest()
