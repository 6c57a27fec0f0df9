"""Numbers into UUIDs that look drawn at random, and back, without a table of a million of them."""

import uuid
from random import Random
from typing import Final

_HALF: Final = 61
_BITS: Final = 2 * _HALF
"""What a version 4 UUID leaves free."""
_ALL: Final = (1 << _BITS) - 1
_TAIL: Final = (1 << 62) - 1


class Numbering:
    """One way to number things, drawn from a seed: a permutation of all version 4 UUIDs."""

    def __init__(self, random: Random) -> None:
        self._key = random.getrandbits(_BITS)
        self._factors = [random.getrandbits(_BITS) | 1 for _ in range(2)]
        self._inverses = [pow(factor, -1, 1 << _BITS) for factor in self._factors]

    def uuid_of(self, number: int) -> str:
        mixed = number ^ self._key
        for factor in self._factors:
            mixed ^= mixed >> _HALF
            mixed = mixed * factor & _ALL
        mixed ^= mixed >> _HALF
        return _written(mixed)

    def number_of(self, text: str) -> int | None:
        """The number a UUID stands for; very large for one that was never given out. None when it is no such UUID."""
        mixed = _read(text)
        if mixed is None:
            return None
        mixed ^= mixed >> _HALF
        for inverse in reversed(self._inverses):
            mixed = mixed * inverse & _ALL
            mixed ^= mixed >> _HALF
        return mixed ^ self._key


def _written(bits: int) -> str:
    """Version and variant are put between the bits: 48, then 12, then 62 of them."""
    digits = f"{bits >> 74:012x}4{bits >> 62 & 0xFFF:03x}{1 << 63 | bits & _TAIL:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _read(text: str) -> int | None:
    try:
        value = uuid.UUID(text)
    except ValueError:
        return None
    if value.version != 4 or str(value) != text:
        return None
    whole = value.int
    return (whole >> 80) << 74 | (whole >> 64 & 0xFFF) << 62 | whole & _TAIL
