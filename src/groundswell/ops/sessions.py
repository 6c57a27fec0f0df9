"""Logins of browsers: kept in memory only, few, and each with its end. And one-time codes that begin one."""

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from groundswell.clock import Clock
from groundswell.ops.caller import Caller
from groundswell.ops.requests import Form

SESSIONS_MAX: Final = 256
"""At once; the one unused for longest goes first."""
IDLE_S: Final = 2 * 3600.0
"""A session nobody used for so long is over."""
LASTS_S: Final = 12 * 3600.0
"""After so long it is over, used or not."""
CODE_LASTS_S: Final = 60.0
CODES_MAX: Final = 16
"""Codes not used yet; the oldest goes first."""
NOTES_MAX: Final = 8
"""Things to tell on the next page."""
NOTE_MAX: Final = 1_000
"""Letters of one."""

TokenBytes = Callable[[int], bytes]


class Session:
    """One login. `csrf` proves that a form came from one of our own pages."""

    def __init__(self, caller: Caller, csrf: str, now: float) -> None:
        self.caller = caller
        self.csrf = csrf
        self.began = now
        self.used = now
        self.was_ended = False
        """Before its time was up. Whether it is over, `Sessions.has_ended` says."""
        self._notes: list[str] = []
        self._kept: tuple[str, Form] | None = None

    def keep(self, path: str, entered: Form) -> None:
        """Have the next page, if it has this path, show what was entered there when another login had ended."""
        self._kept = path, entered

    def kept_for(self, path: str) -> Form | None:
        """What was kept for this page; asking again, for whatever page, gives nothing."""
        kept, self._kept = self._kept, None
        return kept[1] if kept is not None and kept[0] == path else None

    def tell(self, note: str) -> None:
        """Say this on the next page that is shown."""
        self._notes = [*self._notes, note[:NOTE_MAX]][-NOTES_MAX:]

    def told(self) -> list[str]:
        """What is to be said now; asking again gives nothing."""
        notes, self._notes = self._notes, []
        return notes

    def is_own(self, csrf: str | None) -> bool:
        """Whether this is the token of its forms."""
        return csrf is not None and hmac.compare_digest(csrf.encode(errors="replace"), self.csrf.encode())


class Sessions:
    """All of them, by a digest of their ids: whoever reads the memory of the process finds no cookie."""

    def __init__(self, clock: Clock, token_bytes: TokenBytes = secrets.token_bytes) -> None:
        self._clock = clock
        self._token_bytes = token_bytes
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, caller: Caller) -> tuple[str, Session]:
        """A new session and its id, for the cookie."""
        session_id = self._token_bytes(32).hex()
        return session_id, self._keep(_digest(session_id), caller)

    def of_id(self, session_id: str | None, *, is_use: bool = True) -> Session | None:
        """The session with this id, unless it is over; it counts as used now, unless a page asks by itself."""
        return None if session_id is None else self._used(_digest(session_id), is_use=is_use)

    def of_proxy(self, caller: Caller) -> Session:
        """The session of a user whom a proxy names with every request: it has no cookie."""
        key = _digest(f"proxy:{caller.name}")
        session = self._used(key)
        if session is None or session.caller.may_change != caller.may_change:
            session = self._keep(key, caller)
        return session

    def has_ended(self, session: Session) -> bool:
        """Whether its time is up, or it was ended; to ask this is not to use it."""
        return session.was_ended or self._is_late(session)

    def end(self, session_id: str | None) -> None:
        if session_id is not None:
            self._end(_digest(session_id))

    def end_all(self) -> None:
        for key in list(self._sessions):
            self._end(key)

    def _end(self, key: bytes) -> None:
        session = self._sessions.pop(key, None)
        if session is not None:
            session.was_ended = True

    def _keep(self, key: bytes, caller: Caller) -> Session:
        self._end(key)
        session = self._sessions[key] = Session(caller, self._token_bytes(32).hex(), self._clock.monotonic())
        if len(self._sessions) > SESSIONS_MAX:
            self._end(next(iter(self._sessions)))
        return session

    def _used(self, key: bytes, *, is_use: bool = True) -> Session | None:
        session = self._sessions.get(key)
        if session is None:
            return None
        if self._is_late(session):
            self._end(key)
            return None
        if is_use:
            session.used = self._clock.monotonic()
            self._sessions.move_to_end(key)
        return session

    def _is_late(self, session: Session) -> bool:
        now = self._clock.monotonic()
        return now - session.used > IDLE_S or now - session.began > LASTS_S


class Codes:
    """One-time codes: whoever may read the token file gets one from the API, and a browser begins a session with it."""

    def __init__(self, clock: Clock, token_bytes: TokenBytes = secrets.token_bytes) -> None:
        self._clock = clock
        self._token_bytes = token_bytes
        self._codes: OrderedDict[bytes, float] = OrderedDict()
        """Digest -> when it is over."""

    def __len__(self) -> int:
        return len(self._codes)

    def new(self) -> str:
        """A code, good once and for CODE_LASTS_S."""
        code = base64.b32encode(self._token_bytes(15)).decode().lower()
        self._codes[_digest(code)] = self._clock.monotonic() + CODE_LASTS_S
        if len(self._codes) > CODES_MAX:
            self._codes.popitem(last=False)
        return code

    def take(self, code: str) -> bool:
        """Use it up; whether it was good."""
        until = self._codes.pop(_digest(code.strip().lower()), None)
        return until is not None and self._clock.monotonic() <= until

    def end_all(self) -> None:
        self._codes.clear()


def _digest(text: str) -> bytes:
    """What is looked up is a digest, so that how long it takes says nothing about what is there."""
    return hashlib.sha256(text.encode(errors="replace")).digest()
