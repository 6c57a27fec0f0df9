"""Keys as they are pressed, without Enter, on a terminal."""

import os
import sys
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

import anyio

_SEQUENCES: Final = {b"\x1b[A": "up", b"\x1bOA": "up", b"\x1b[B": "down", b"\x1bOB": "down"}
_READ_MAX: Final = 64


@contextmanager
def unbuffered() -> Iterator[int | None]:
    """While inside, keys come at once and are not echoed. What it gives is for `keys`; None: nobody can type here."""
    if not sys.stdin.isatty():
        yield None
        return
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        yield keyboard
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


async def keys(keyboard: int) -> AsyncIterator[str]:
    """Each key: a letter, "up" or "down"; others are left out. Ends when the terminal is gone."""
    while True:
        await anyio.wait_readable(keyboard)
        try:
            typed = os.read(keyboard, _READ_MAX)
        except OSError:
            return
        if not typed:
            return
        for key in keys_in(typed):
            yield key


def keys_in(typed: bytes) -> Iterator[str]:
    """The keys in what a terminal sent at once."""
    while typed:
        sequence = typed[:3]
        if sequence in _SEQUENCES:
            yield _SEQUENCES[sequence]
        if typed.startswith(b"\x1b"):  # the rest of what one key sends, known or not
            typed = typed[3:] if sequence in _SEQUENCES else b""
            continue
        letter, typed = typed[:1], typed[1:]
        if letter.isalpha():
            yield letter.decode()
