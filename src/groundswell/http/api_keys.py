"""API keys: an account id and a secret, made by `groundswell keys create`, checked on every request that brings them.

Of a secret only its scrypt hash is kept. scrypt is slow on purpose, so `VerifiedKeys` runs it once for a pair and
remembers the answer, in a form from which the pair cannot be told.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import anyio
import anyio.to_thread

from groundswell.clock import Clock
from groundswell.errors import NotNowError

SCRYPT_N: Final = 2**14
SCRYPT_R: Final = 8
SCRYPT_P: Final = 1
PASSWORD_SCRYPT_P: Final = 5
"""What people choose can be guessed, so each guess at it costs more."""
SCRYPT_MEMORY_MAX: Final = 64 * 2**20
SALT_BYTES: Final = 16
HASH_BYTES: Final = 32

CHECKS_AT_ONCE_MAX: Final = 1
"""scrypt holds a core for tens of milliseconds; guesses must never hold them all."""
CHECKS_WAITING_MAX: Final = 8
"""Different pairs under check or waiting for it. Another one is told to come back."""
REMEMBERED_MAX: Final = 1024
"""Pairs whose answer is kept, of each kind."""
REFUSALS_REMEMBERED_S: Final = 30.0

Lookup = Callable[[str], Awaitable[str | None]]
"""The hash of an account's secret; None when there is no such account, or its key was revoked."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. The secret is shown once, to the person who asked for it, and kept nowhere."""

    account_id: str
    secret: str
    secret_hash: str

    def __repr__(self) -> str:
        return f"NewKey(account_id={self.account_id!r}, secret=***)"


def new_key(token_bytes: Callable[[int], bytes] = secrets.token_bytes) -> NewKey:
    """Make a key. `gsa_` and `gsk_` say what is what to people, and to programs that look for leaked secrets."""
    secret = f"gsk_{_letters(token_bytes(25))}"
    return NewKey(f"gsa_{_letters(token_bytes(10))}", secret, hash_secret(secret, token_bytes(SALT_BYTES)))


def hash_secret(secret: str, salt: bytes, p: int = SCRYPT_P) -> str:
    """The scrypt hash of a secret, with its costs and salt: `scrypt$16384$8$1$SALT$HASH`. Takes tens of ms."""
    digest = _scrypt(secret, salt, SCRYPT_N, SCRYPT_R, p)
    return f"scrypt${SCRYPT_N}${SCRYPT_R}${p}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def hash_password(password: str, token_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """The scrypt hash of a password that a person chose."""
    return hash_secret(password, token_bytes(SALT_BYTES), PASSWORD_SCRYPT_P)


def is_hash(text: str) -> bool:
    """Whether a text is meant as a hash, not as a secret itself."""
    return text.startswith("scrypt$")


def check_hash(text: str) -> None:
    """Raises ValueError unless this is a hash that can be checked here."""
    try:
        is_secret("", text)
        if len(base64.b64decode(text.rpartition("$")[2])) != HASH_BYTES:
            raise ValueError
    except ValueError:
        raise ValueError(
            'begins with "scrypt$" and is no hash; `groundswell password` makes one, copy all of its line'
        ) from None


_HASH: Final = re.compile(r"scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)")


def is_secret(secret: str, secret_hash: str) -> bool:
    """Whether this is the secret that was hashed. Takes as long as hashing did.

    Raises:
        ValueError: `secret_hash` is not one of ours.
    """
    match = _HASH.fullmatch(secret_hash)
    if match is None:
        raise ValueError("the stored hash of an API key is not of the form scrypt$N$R$P$SALT$HASH")
    n, r, p, salt, digest = match.groups()
    return hmac.compare_digest(
        _scrypt(secret, base64.b64decode(salt), int(n), int(r), int(p)), base64.b64decode(digest)
    )


class VerifiedKeys:
    """Checks pairs of account id and secret (`component.Keys`): slow once, cheap after.

    An account id nobody has is refused without scrypt, so it can be told from a wrong secret by the time it takes. That
    tells nobody anything: ids are 80 random bits, and are not secret.
    """

    def __init__(self, lookup: Lookup, clock: Clock) -> None:
        self._lookup = lookup
        self._clock = clock
        self._cache_key = secrets.token_bytes(32)
        self._valid: OrderedDict[bytes, None] = OrderedDict()
        # Apart, and each with its end: a flood of guesses must not push out the answers of those who have a key.
        self._refused: OrderedDict[bytes, float] = OrderedDict()
        self._under_way: dict[bytes, anyio.Event] = {}
        self._generation = 0
        self._threads = anyio.CapacityLimiter(CHECKS_AT_ONCE_MAX)

    async def is_valid(self, account_id: str, secret: str) -> bool:
        """Whether this pair is a key in force.

        Raises:
            NotNowError: too many other pairs are being checked already.
        """
        pair = self._digest_of(account_id, secret)
        while (known := self._recall(pair)) is None:
            check = self._under_way.get(pair)
            if check is None:
                return await self._check(pair, account_id, secret)
            await check.wait()  # may end without an answer, when whoever ran it was cancelled
        return known

    def clear(self) -> None:
        """Forget every answer, and distrust those under way: a key was made or revoked."""
        self._generation += 1
        self._valid.clear()
        self._refused.clear()

    async def _check(self, pair: bytes, account_id: str, secret: str) -> bool:
        if len(self._under_way) >= CHECKS_WAITING_MAX:
            raise NotNowError("too many unknown API keys at once", retry_after_s=1)
        done = self._under_way[pair] = anyio.Event()
        try:
            while True:
                generation = self._generation
                is_valid = await self._is_in_force(account_id, secret)
                if generation == self._generation:
                    self._remember(pair, is_valid)
                    return is_valid
        finally:
            del self._under_way[pair]
            done.set()

    async def _is_in_force(self, account_id: str, secret: str) -> bool:
        secret_hash = await self._lookup(account_id)
        if secret_hash is None:
            return False
        return await anyio.to_thread.run_sync(is_secret, secret, secret_hash, limiter=self._threads)

    def _recall(self, pair: bytes) -> bool | None:
        if pair in self._valid:
            self._valid.move_to_end(pair)
            return True
        if self._clock.monotonic() < self._refused.get(pair, 0.0):
            return False
        return None

    def _remember(self, pair: bytes, is_valid: bool) -> None:
        if is_valid:
            self._valid[pair] = None
        else:
            self._refused.pop(pair, None)
            self._refused[pair] = self._clock.monotonic() + REFUSALS_REMEMBERED_S
        for answers in (self._valid, self._refused):
            if len(answers) > REMEMBERED_MAX:
                answers.popitem(last=False)

    def _digest_of(self, account_id: str, secret: str) -> bytes:
        """The length comes first, so that no two pairs run together into the same text."""
        text = f"{len(account_id)}:{account_id}{secret}".encode(errors="surrogatepass")
        return hashlib.blake2b(text, digest_size=32, key=self._cache_key).digest()


def _scrypt(secret: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    password = secret.encode(errors="surrogatepass")
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=SCRYPT_MEMORY_MAX, dklen=HASH_BYTES)


def _letters(random: bytes) -> str:
    """Small letters and digits (base32): a double click selects all of it, and nobody misreads 0 for O."""
    return base64.b32encode(random).decode().lower().rstrip("=")
