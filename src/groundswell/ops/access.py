"""Who gets in at the ops port: by the token, a password, or the word of a proxy. And what was meant for others."""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Final, Literal
from urllib.parse import urlsplit

import structlog

from groundswell.clock import Clock
from groundswell.config.model import OpsSettings
from groundswell.errors import NotNowError, RefusedError
from groundswell.http.api_keys import VerifiedKeys, is_hash
from groundswell.ops.caller import NAME_MAX, Caller, login_name
from groundswell.ops.throttle import FAILURES_MAX, Throttle, address_of, place_of
from groundswell.settings import Listen, Secret, is_loopback

AUTHORIZATION_CHARACTERS_MAX: Final = 4096
PASSWORD_CHARACTERS_MAX: Final = 1024

PasswordWay = Literal["password", "read_password"]
Origin = Literal["own", "unsaid", "hidden", "foreign"]


log = structlog.get_logger()


class Access:
    """Checks logins. The token is too long to guess and never throttled; guesses at a password are, by place."""

    def __init__(self, token: str, settings: OpsSettings, clock: Clock, throttle: Throttle) -> None:
        self._key = os.urandom(32)
        self._token = self._digest(token)
        self._settings = settings
        self._throttle = throttle
        self._passwords: dict[PasswordWay, str] = {
            way: secret.reveal() for way, secret in _passwords(settings) if secret is not None
        }
        # Remembers which passwords fit a hash: scrypt takes its time, and Basic brings the password each time.
        self._hashed = VerifiedKeys(self._hash_of, clock)
        self._proxies = [ip_network(network) for network in settings.proxy_from]

    @property
    def has_password(self) -> bool:
        return bool(self._passwords)

    # ---- by a header ----

    async def check(self, authorization: str | None, remote: str | None, user: str | None = None) -> Caller:
        """Who sends this Authorization from there. `user` is who they say they are.

        Raises:
            RefusedError: 401 with a challenge, 429 after too many wrong passwords, 503 while others are checked.
        """
        scheme, _, credentials = (authorization or "")[:AUTHORIZATION_CHARACTERS_MAX].partition(" ")
        credentials = credentials.strip()
        if scheme.lower() == "bearer" and hmac.compare_digest(self._digest(credentials), self._token):
            return Caller("token", login_name(user), place=remote or "")
        if scheme.lower() != "basic" or not self._passwords:
            raise self.refusal()
        caller = await self.by_password(_password_in(credentials), remote)
        if caller is None:
            raise self.refusal()
        return caller

    async def by_password(self, password: str, remote: str | None) -> Caller | None:
        """Who has this password; None when nobody has. Raises RefusedError: 429, 503."""
        place = place_of(remote)
        self._throttle.check(place)
        # All are looked at, so that how long it takes does not say which one it was.
        try:
            found = [way for way in self._passwords if await self._fits(way, password[:PASSWORD_CHARACTERS_MAX])]
        except NotNowError:
            raise NotNowError("too many passwords are being checked at once; try again", retry_after_s=1) from None
        if not found:
            self.note_failure(place)
            return None
        if found[0] == "password":
            return Caller("password", place=remote or "")
        return Caller(
            "read_password", may_change=False, may_see_people=self._settings.read_personal, place=remote or ""
        )

    def note_failure(self, place: str) -> None:
        """A wrong guess came from this place."""
        if self._throttle.note_failure(place):
            log.warning("logins_held_up", place=place, why=f"{FAILURES_MAX} wrong passwords within a minute")

    async def _fits(self, way: PasswordWay, password: str) -> bool:
        wanted = self._passwords[way]
        if is_hash(wanted):
            return await self._hashed.is_valid(way, password)
        return hmac.compare_digest(self._digest(password), self._digest(wanted))

    async def _hash_of(self, way: str) -> str | None:
        return next((text for name, text in self._passwords.items() if name == way), None)

    def refusal(self, *, is_script: bool = False) -> RefusedError:
        """The 401. Where a page's script asks, no browser is to put its own question between them."""
        schemes = ["Basic", "Bearer"] if self._passwords and not is_script else ["Bearer"]
        needed = "the token beside the state file" + (", or [ops] password" if self._passwords else "")
        challenge = ", ".join(f'{scheme} realm="groundswell"' for scheme in schemes)
        return RefusedError(401, f"this needs {needed} in the Authorization header", {"WWW-Authenticate": challenge})

    def _digest(self, text: str) -> bytes:
        """Digests are compared, so that not even the length of a secret shows in how long the answer takes."""
        return hashlib.blake2b(text.encode(errors="surrogateescape"), key=self._key).digest()

    # ---- by a proxy ----

    def is_proxy(self, remote: str | None) -> bool:
        """Whether the peer is one whose word counts."""
        address = address_of(remote)
        return address is not None and any(address in network for network in self._proxies)

    def by_proxy(self, names: Iterable[str], remote: str | None, place: str) -> Caller | None:
        """Whom the proxy at `remote` names. Raises RefusedError (400) when it says more than one name, or no name.

        Args:
            names: The values of the header [ops] proxy_header; from anybody else they mean nothing.
            remote: The peer.
            place: Where the proxy says the request came from.
        """
        said = list(names)
        if not said or not self.is_proxy(remote):
            return None
        name = said[0].strip()
        # "{http.reverse_proxy.header.X-Auth-Request-User}" is what Caddy sends when its sign-on has named nobody.
        is_name = len(name) <= NAME_MAX and name.isprintable() and "{" not in name
        if len(said) > 1 or not is_name:
            raise RefusedError(400, f"the proxy must send {self._settings.proxy_header} once, with one name in it")
        if not name:
            return None
        is_to_read = name in self._settings.proxy_read_only
        may_see_people = not is_to_read or self._settings.read_personal
        return Caller("proxy", name, may_change=not is_to_read, may_see_people=may_see_people, place=place)


def _passwords(settings: OpsSettings) -> list[tuple[PasswordWay, Secret | None]]:
    return [("password", settings.password), ("read_password", settings.read_password)]


def check_host(host: str | None, listen: Listen, names: Iterable[str] = ()) -> None:
    """Refuse what was addressed to some other name, where only this machine, or only some names, are meant.

    A page on the internet can have its own name resolve to 127.0.0.1; the browser then sends us its requests as if they
    were that site's own. The name in `Host` gives them away.

    Raises:
        RefusedError: 403.
    """
    known = {listen.host.lower(), *(name.lower() for name in names)}
    if host is None or (not listen.is_loopback and len(known) == 1):  # no browser leaves it out
        return
    name = _name_in(host)
    if name not in known and not is_loopback(name):
        named = "one of [ops] names" if len(known) > 1 else "localhost ([ops] listen is loopback; see [ops] names)"
        raise RefusedError(403, f"only requests addressed to {named} are answered here")


def origin_of(headers: Mapping[str, str], names: Iterable[str] = ()) -> Origin:
    """Which site a browser sends a request for: our own, another, or one it does not tell. Programs say nothing."""
    site = headers.get("Sec-Fetch-Site")
    if site is not None:  # older browsers do not say it, and all over plain HTTP, except to this machine
        return "own" if site in ("same-origin", "none") else "foreign"
    origin = headers.get("Origin")
    if origin is None:
        return "unsaid"
    if origin == "null":  # what "Referrer-Policy: no-referrer" makes of our own, too
        return "hidden"
    sender = origin.partition("://")[2]
    is_own = sender.lower() == headers.get("Host", "").lower() or _name_in(sender) in set(names)
    return "own" if is_own else "foreign"


def _name_in(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _password_in(credentials: str) -> str:
    """Any user name will do."""
    try:
        pair = base64.b64decode(credentials, validate=True).decode(errors="surrogateescape")
    except (binascii.Error, ValueError):
        return ""
    return pair.partition(":")[2]
