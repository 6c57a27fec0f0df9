"""Who may call: one staff account, with a password that is locked away after too many wrong ones."""

import base64
import binascii
import hmac
from typing import Literal

from groundswell.connectors.actionkit.simulator.state.world import World

Login = Literal["good", "none", "bad", "locked"]


class Logins:
    """Checks `Authorization` headers, and remembers how many in a row were wrong."""

    def __init__(self, world: World, user: str, password: str) -> None:
        self._world = world
        self._good = f"{user}:{password}".encode()
        self._bad_in_a_row = 0
        self._locked_until = 0.0

    def check(self, header: str | None, *, is_open: bool = False) -> Login:
        """Whose call it is. A wrong password with a call anybody may make locks nothing (I)."""
        behaviour = self._world.behaviour
        if self._world.clock.monotonic() < self._locked_until:
            return "locked"
        given = _decoded(header)
        if given is None:
            return "none"
        if hmac.compare_digest(given, self._good):
            self._bad_in_a_row = 0
            return "good"
        if is_open:
            return "bad"
        self._bad_in_a_row += 1
        if behaviour.bad_logins is not None and self._bad_in_a_row >= behaviour.bad_logins:
            self._bad_in_a_row = 0
            self._locked_until = self._world.clock.monotonic() + behaviour.locked_s
        return "bad"

    def unlock(self) -> None:
        self._locked_until, self._bad_in_a_row = 0.0, 0


def _decoded(header: str | None) -> bytes | None:
    scheme, _, coded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(coded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""
