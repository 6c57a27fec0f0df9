"""JSON as people read it, and text from elsewhere that must not upset what shows it."""

import msgspec


def pretty(body: bytes) -> str:
    """The JSON with line breaks; what cannot be seen, or turns the writing round, is escaped. Still the same JSON."""
    text = msgspec.json.format(body, indent=2).decode()
    return "\n".join(escaped(line) for line in text.split("\n"))


def escaped(text: str) -> str:
    """The text with everything in it that cannot be seen written as JSON writes it."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    """Beyond 16 bits as a pair."""
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in zip(units[::2], units[1::2], strict=True))
