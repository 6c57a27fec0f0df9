"""Looking through what is kept of people for a word without reading all of it: most can be put aside by their bytes."""


class Sieve:
    """Lets through whoever may have what is searched for, and some others: who is let through is looked at closely."""

    def __init__(self, searched: str) -> None:
        """`searched` in small letters. Each word of it stands in a name, an email or a number, whole."""
        self._words = [_spellings(word) for word in searched.split()]

    def may_have(self, *bodies: bytes | None) -> bool:
        """Whether every word is in one of these, whatever the letters."""
        if not self._words:
            return True
        text = b"\0".join(body for body in bodies if body is not None).lower()  # of ASCII alone
        return all(any(spelling in text for spelling in spellings) for spellings in self._words)


def _spellings(word: str) -> list[bytes]:
    """As people write it, where bytes tell large letters from small ones. In small letters "ß" is "ss"."""
    written = {word, word.upper(), word.title(), word.replace("ss", "ß")}
    return sorted({spelling.encode().lower() for spelling in written})
