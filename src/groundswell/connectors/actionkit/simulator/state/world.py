"""The state of one simulated ActionKit: its tables, what time it is there, and how it behaves."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from functools import partial
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct

from groundswell.clock import Clock
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.connectors.actionkit.simulator.state.counts import Counts
from groundswell.connectors.actionkit.simulator.state.database import Database, Row
from groundswell.connectors.actionkit.simulator.state.moments import kept, moment_at
from groundswell.connectors.actionkit.simulator.state.reader import Reader

API: Final = "/rest/v1"
SECRET: Final = "simulator-secret"  # noqa: S105 - of nothing
_HASH_LENGTH: Final = 6


class Happening(Struct, frozen=True):
    """An action that was taken: what a Push API endpoint may hear of."""

    action_id: int
    kind: str
    """The type of its page: "Signup"."""
    page_id: int


class World:
    """What there is. `calls` changes it, the clock moves it."""

    def __init__(self, *, seed: int, clock: Clock, behaviour: Behaviour | None = None, secret: str = SECRET) -> None:
        self.seed = seed
        self.clock = clock
        self.behaviour = behaviour or Behaviour()
        self.counts = Counts()
        self.random = Random(f"world {seed}")
        self.secret = secret
        self.root = ""
        """Scheme, host and port, set once it is served."""
        self.db = Database()
        self.uploads: dict[int, Any] = {}
        """Rows of uploads that are still being worked on, by upload."""
        self.reports: dict[bytes, tuple[float, Any]] = {}
        """Answers of reports, and when they were made."""
        self.reader = Reader(self.db.path, clock.now)
        self._listeners: list[Callable[[Happening], None]] = []

    def close(self) -> None:
        self.reader.close()
        self.db.close()

    def behave(self, **changes: Any) -> None:
        """Turn switches. Raises msgspec.ValidationError for what is none."""
        self.behaviour = msgspec.convert(msgspec.structs.asdict(self.behaviour) | changes, Behaviour)

    def listen(self, listener: Callable[[Happening], None]) -> None:
        self._listeners.append(listener)

    def happened(self, happening: Happening) -> None:
        """Those who listen hear of it once it stands."""
        for listener in self._listeners:
            self.db.afterwards(partial(listener, happening))

    def moment(self) -> datetime:
        """Now; naive, UTC."""
        return moment_at(self.clock.now())

    def now(self) -> str:
        """As the tables keep it."""
        return self.kept(self.moment())

    def kept(self, moment: datetime) -> str:
        return kept(moment, micros=self.behaviour.micros)

    def touch_user(self, user_id: int, *, is_bumping: bool = True) -> None:
        """Something about a user changed; a switch may say that nobody can see it."""
        if is_bumping:
            self.db.run("UPDATE core_user SET updated_at = ? WHERE id = ?", self.now(), user_id)

    # Tokens (C: three clients make or check them)

    def token(self, user_id: int, mailing_id: int | None = None) -> str:
        """The akid of a user: ".7001.AbC-_9", or with a mailing "12.7001.xYz_-1"."""
        clear = f"{mailing_id or ''}.{user_id}"
        return f"{clear}.{self._hash(clear)}"

    def user_of_token(self, token: str) -> tuple[int, int | None] | None:
        """The user and the mailing, where the hash is right."""
        clear, _, tail = token.rpartition(".")
        mailing, _, user = clear.partition(".")
        if not tail or tail != self._hash(clear) or not _is_number(user) or (mailing and not _is_number(mailing)):
            return None
        return int(user), int(mailing) if mailing else None

    def _hash(self, clear: str) -> str:
        digest = hashlib.sha256(f"{self.secret}.{clear}".encode()).digest()
        return urlsafe_b64encode(digest).decode()[:_HASH_LENGTH]

    # Addresses of things

    def uri(self, resource: str, id_: Any) -> str | None:
        return None if id_ is None else f"{API}/{resource}/{id_}/"

    def page_uri(self, page_id: int | None) -> str | None:
        """With the kind of the page in it; a page that is gone keeps the kind its actions have."""
        if page_id is None:
            return None
        kind = self.db.value("SELECT type FROM core_page WHERE id = ?", page_id)
        kind = kind or self.db.value("SELECT type FROM core_action WHERE page_id = ? LIMIT 1", page_id) or ""
        return f"{API}/{kind.lower()}page/{page_id}/"

    def action_uri(self, action_id: int | None) -> str | None:
        if action_id is None:
            return None
        kind = self.db.value("SELECT type FROM core_action WHERE id = ?", action_id) or ""
        return f"{API}/{kind.lower()}action/{action_id}/"

    def location(self, uri: str | None) -> str:
        """Absolute, as in a `Location` header."""
        return f"{self.root}{uri}"

    def user_by_email(self, email: str) -> Row | None:
        return self.db.row("SELECT * FROM core_user WHERE email = ?", email.strip().lower())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 18
