"""What the other side said about an error, as far as it may be shown: it may quote what we sent, people and all."""

import re
from collections.abc import Sequence
from typing import Final

CHARACTERS_MAX: Final = 160
READ_MAX: Final = 2_000
"""Of a text of theirs: looking for addresses takes time that grows with the square of a word's length."""
_PERSONAL: Final = re.compile(r"\S*@\S*|\+?\d[\d ().-]{5,}\d|\"[^\"]*\"|'[^']*'|[0-9a-f]{16,}", re.IGNORECASE)
"""Addresses, numbers as long as phone numbers, everything in quotes, keys."""


def shown(text: str, secrets: Sequence[str] = ()) -> str:
    """One line of it, cut off, with what could be a person's or a secret replaced by ***."""
    for secret in secrets:
        text = text.replace(secret, "***")
    text = text[:READ_MAX]
    return " ".join(_PERSONAL.sub("***", text).split())[:CHARACTERS_MAX]
