"""The body of an action, as texts: each parameter once or many times, however it was encoded."""

from collections.abc import Mapping
from typing import Any, Final

from groundswell.connectors.actionkit.simulator.calls.writing import text_of, texts_of

_FALSE: Final = ("", "0", "false", "no", "off", "none", "null")
_PREFIXES: Final = ("dr", "mr", "mrs", "ms", "mx", "prof", "rev")
_SUFFIXES: Final = ("jr", "sr", "ii", "iii", "iv", "md", "phd", "esq")


class Posted:
    """Read-only."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._texts = {name: texts_of(value) for name, value in body.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._texts

    def get(self, name: str) -> str:
        """The last one, without blanks around; "" without any."""
        values = self._texts.get(name)
        return values[-1].strip() if values else ""

    def all(self, name: str) -> list[str]:
        """Each one that is not blank; a text with commas in it is one for each."""
        return [part.strip() for text in self._texts.get(name, ()) for part in text.split(",") if part.strip()]

    def is_true(self, name: str) -> bool:
        return self.get(name).lower() not in _FALSE

    def prefixed(self, prefix: str) -> dict[str, list[str]]:
        """By the rest of the name: what `action_` and `user_` fields are."""
        return {
            name[len(prefix) :]: values
            for name, values in self._texts.items()
            if name.startswith(prefix) and len(name) > len(prefix)
        }

    def numbered(self, prefix: str) -> dict[int, str]:
        """Such as `product_7`, by the number."""
        names = [name for name in self.prefixed(prefix) if name.isascii() and name.isdigit() and len(name) < 18]
        return {int(name): self.get(f"{prefix}{name}") for name in names}


def split_name(name: str) -> dict[str, str]:
    """A whole name in parts, as well as can be (D: it is split; how: I)."""
    words = name.replace(",", " ").split()
    parts: dict[str, str] = {}
    if len(words) > 1 and words[0].rstrip(".").lower() in _PREFIXES:
        parts["prefix"] = words.pop(0)
    if len(words) > 2 and words[-1].rstrip(".").lower() in _SUFFIXES:
        parts["suffix"] = words.pop()
    if words:
        parts["first_name"] = words.pop(0)
    if words:
        parts["last_name"] = words.pop()
    if words:
        parts["middle_name"] = " ".join(words)
    return parts


def texts(values: list[str]) -> Any:
    """One text where there is one, else the list."""
    return text_of(values[0]) if len(values) == 1 else values
