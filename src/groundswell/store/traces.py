"""Whether a body names a person: by phone however it is punctuated, by email, or by a vendor's own word for them.

Bodies are kept as they came, so what is looked for may stand there as JSON or as a form, escaped more than once.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

import phonenumbers
from msgspec import Struct

UUID_LENGTH: Final = 32
"""Remote ids at least so long stand for one person wherever they are; "4411" may be anything."""
_NOT_DIGITS: Final = bytes(byte for byte in range(256) if byte not in b"0123456789")
_BETWEEN: Final = rb"[^0-9A-Za-z]{0,3}"
_ESCAPE: Final = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_DEPTH: Final = 3
"""JSON may stand as a string in JSON, and that in a form."""


class Identity(Struct, frozen=True):
    """All that is known to stand for one person."""

    phones: frozenset[str]
    """E.164."""
    emails: frozenset[str]
    """In small letters."""
    members: frozenset[int] = frozenset()
    links: frozenset[tuple[str, str]] = frozenset()
    """(account, remote id)."""
    words: frozenset[str] = frozenset()
    """What else names them and nobody else: "actionkit:4411", "/user/4411/"."""


class Traces:
    """Looks for one person."""

    def __init__(self, identity: Identity) -> None:
        self._phones = [_phone_pattern(phone) for phone in identity.phones]
        long_ids = {remote_id for _, remote_id in identity.links if len(remote_id) >= UUID_LENGTH}
        plain = [*identity.emails, *identity.words, *long_ids]
        self._plain = [_plain_pattern(word) for word in plain]

    def are_in(self, *texts: bytes | str | None) -> bool:
        """Whether any of these names the person."""
        # Thousands of texts are looked through for one page, so few generators here.
        for text in texts:
            if text:
                for form in _forms(text):
                    if self._name(form):
                        return True
        return False

    def _name(self, text: bytes) -> bool:
        small = text.lower()
        for word, pattern in self._plain:
            if word in small and pattern.search(small):
                return True
        digits = text.translate(None, _NOT_DIGITS) if self._phones else b""
        return any(national in digits and pattern.search(text) for national, pattern in self._phones)


def _forms(text: bytes | str) -> list[bytes]:
    """As it is, and without what escapes it."""
    forms = [text.encode() if isinstance(text, str) else text]
    for _ in range(_DEPTH):
        form = bare = forms[-1]
        if b"\\" in form:
            bare = _ESCAPE.sub(_unescaped, form)
        if b"%" in bare:
            bare = unquote_to_bytes(bare.replace(b"+", b" ") if b"=" in bare else bare)
        if bare == form:
            break
        forms.append(bare)
    return forms


def _unescaped(escape: re.Match[bytes]) -> bytes:
    number, letter = escape.groups()
    if number is not None:
        return chr(int(number, 16)).encode(errors="replace")
    return b" " if letter in b"bfnrt" else bytes(letter)


def _plain_pattern(word: str) -> tuple[bytes, re.Pattern[bytes]]:
    """Not as a part of a longer word: ann@example.org is not joann@example.org, nor ann@example.organic."""
    small = word.encode().lower()
    before = rb"(?<![0-9A-Za-z._%+-])" if small[:1].isalnum() else b""
    behind = rb"(?![0-9A-Za-z_-]|\.[0-9A-Za-z])" if small[-1:].isalnum() else b""
    return small, re.compile(before + re.escape(small) + behind)


def _phone_pattern(phone: str) -> tuple[bytes, re.Pattern[bytes]]:
    """The national number, with or without its country, and whatever stands between the digits."""
    try:
        parsed = phonenumbers.parse(phone)
        country, national = str(parsed.country_code), phonenumbers.national_significant_number(parsed)
    except phonenumbers.NumberParseException:
        country, national = "", phone.strip("+")
    before = rb"(?<![0-9])(?:(?:\+|00)?" + country.encode() + _BETWEEN + rb")?(?:0" + _BETWEEN + rb")?"
    digits = _BETWEEN.join(digit.encode() for digit in national)
    return national.encode(), re.compile(before + digits + rb"(?![0-9])")


def words_of(words: Sequence[str]) -> frozenset[str]:
    """Words to look for; empty ones would be everywhere."""
    return frozenset(word.strip() for word in words if word.strip())
