"""Who gets in at the ops port: by the token beside the state file, or the password. And what was meant for others."""

import base64
import binascii
import hashlib
import hmac
import os
from collections import OrderedDict
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from groundswell.clock import Clock
from groundswell.errors import RefusedError
from groundswell.settings import Listen, is_loopback

FAILURES_MAX: Final = 10
"""Wrong passwords from one place within FAILURES_S; then it is asked to wait."""
FAILURES_S: Final = 60.0
PLACES_MAX: Final = 1024
"""Places whose failures are remembered."""
AUTHORIZATION_CHARACTERS_MAX: Final = 4096


class Access:
    """Checks logins. The token is too long to guess and never throttled; guesses at the password are, by place."""

    def __init__(self, token: str, password: str | None, clock: Clock) -> None:
        self._clock = clock
        self._key = os.urandom(32)
        self._token = self._digest(token)
        self._password = None if password is None else self._digest(password)
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """Place -> (failures, when the first of them is forgotten)."""

    def check(self, authorization: str | None, remote: str | None) -> None:
        """Return if whoever sends this header from there may come in.

        Raises:
            RefusedError: 401 with a challenge, or 429 after too many wrong passwords.
        """
        scheme, _, credentials = (authorization or "")[:AUTHORIZATION_CHARACTERS_MAX].partition(" ")
        credentials = credentials.strip()
        if scheme.lower() == "bearer" and hmac.compare_digest(self._digest(credentials), self._token):
            return
        if scheme.lower() != "basic" or self._password is None:
            raise self._refusal()
        place = _place(remote)
        self._check_not_throttled(place)
        if not hmac.compare_digest(self._digest(_password_in(credentials)), self._password):
            self._note_failure(place)
            raise self._refusal()

    def _check_not_throttled(self, place: str) -> None:
        count, until = self._failures.get(place, (0, 0.0))
        left_s = until - self._clock.monotonic()
        if count >= FAILURES_MAX and left_s > 0:
            raise RefusedError(
                429, "too many wrong passwords from there; wait a minute", {"Retry-After": str(int(left_s) + 1)}
            )

    def _note_failure(self, place: str) -> None:
        now = self._clock.monotonic()
        count, until = self._failures.pop(place, (0, 0.0))
        if now >= until:
            count, until = 0, now + FAILURES_S
        self._failures[place] = (count + 1, until)
        if len(self._failures) > PLACES_MAX:
            self._failures.popitem(last=False)

    def _refusal(self) -> RefusedError:
        schemes = ["Bearer"] if self._password is None else ["Basic", "Bearer"]
        needed = "the token beside the state file" + ("" if self._password is None else ", or [ops] password")
        challenge = ", ".join(f'{scheme} realm="groundswell"' for scheme in schemes)
        return RefusedError(401, f"this needs {needed} in the Authorization header", {"WWW-Authenticate": challenge})

    def _digest(self, text: str) -> bytes:
        """Digests are compared, so that not even the length of a secret shows in how long the answer takes."""
        return hashlib.blake2b(text.encode(errors="surrogateescape"), key=self._key).digest()


def check_host(host: str | None, listen: Listen) -> None:
    """Refuse what was addressed to some other name, where only this machine is meant to get in.

    A page on the internet can have its own name resolve to 127.0.0.1; the browser then sends us its requests as if they
    were that site's own. The name in `Host` gives them away.

    Raises:
        RefusedError: 403.
    """
    if host is None or not listen.is_loopback:  # no browser leaves it out
        return
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    if name != listen.host.lower() and not is_loopback(name):
        raise RefusedError(403, "only requests addressed to localhost are answered here ([ops] listen is loopback)")


def _password_in(credentials: str) -> str:
    """Any user name will do."""
    try:
        pair = base64.b64decode(credentials, validate=True).decode(errors="surrogateescape")
    except (binascii.Error, ValueError):
        return ""
    return pair.partition(":")[2]


def _place(remote: str | None) -> str:
    """An address; of IPv6 the network, for whoever has one address has 2**64."""
    try:
        address: IPv4Address | IPv6Address = ip_address((remote or "").partition("%")[0])
    except ValueError:
        return ""
    return str(address) if address.version == 4 else str(ip_network((int(address), 64), strict=False))
