"""Looking through what is kept of people for a word without reading all of it: most can be put aside by their bytes."""

import re
from typing import Final

_PIECE: Final = re.compile(r"[\x00-\x7f]+")
_SS: Final = re.compile(r"s{2,}")


class Sieve:
    """Lets through whoever may have what is searched for, and some others: who is let through is looked at closely."""

    def __init__(self, searched: str) -> None:
        """`searched` in small letters. Each word of it stands in a name, an email or a number, whole."""
        self._pieces = [piece.encode() for word in searched.split() for piece in _pieces(word)]

    def may_have(self, *bodies: bytes | None) -> bool:
        """Whether every piece is in these."""
        if not self._pieces:
            return True
        text = b"\0".join(body for body in bodies if body is not None).lower()  # of ASCII alone
        return all(piece in text for piece in self._pieces)


def _pieces(word: str) -> list[str]:
    """What of it stands there in the same bytes, but for capitals. Two of "s" may be "ß" there."""
    return [piece for run in _PIECE.findall(word) for piece in _SS.split(run) if piece]
