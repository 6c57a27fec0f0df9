"""One call to an ActionKit instance: Basic auth, the trailing slash, and what came back as JSON."""

from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from math import ceil
from typing import Any, Final

import anyio
import msgspec
from msgspec import Struct
from yarl import URL

from groundswell.clock import Clock
from groundswell.connectors.actionkit.faults import fault_of
from groundswell.connectors.actionkit.times import seconds_of_date
from groundswell.connectors.actionkit.uris import Thing, thing_at
from groundswell.errors import UnauthorizedError, UnavailableError
from groundswell.http.client import Answer, Client, host_of
from groundswell.http.limits import Limiter, Priority

BODY_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of an answer. 10,000 rows of a report are the largest."""
LOCKED_S: Final = 900.0
"""So long nothing is sent after a 401 or 403: repeated failures lock a staff account (C)."""

Query = Sequence[tuple[str, str]]
"""Names may repeat: `state__in=WI&state__in=IL`."""


class Caller(Struct, frozen=True):
    """Who calls, for messages and metrics, and how urgent it is."""

    component: str
    priority: Priority = Priority.LIVE


class Reply(Struct, frozen=True):
    """An answer of 2xx."""

    status: int
    body: Any
    """Parsed; None where there was none, as after most writes (W)."""
    location: Thing | None = None
    """What was made."""


class Transport:
    """Calls below one `/rest/v1/`, as one staff account."""

    def __init__(
        self,
        url: URL,
        username: str,
        password: str,
        http: Client,
        limiter: Limiter,
        clock: Clock,
        *,
        timeout_s: float,
    ) -> None:
        self._url = url
        self._http = http
        self._limiter = limiter
        self._clock = clock
        self._timeout_s = timeout_s
        self._authorization = "Basic " + b64encode(f"{username}:{password}".encode()).decode()
        self._refused_until: float | None = None
        self._is_trusted = False
        """Whether user name and password were good the last time."""
        self._first = anyio.Lock()
        self._date: tuple[float, float] | None = None
        """What time it was there at the last answer, and our monotonic clock then."""
        self.host = host_of(url)

    async def call(
        self,
        caller: Caller,
        method: str,
        path: str,
        what: str,
        *,
        query: Query = (),
        body: Any = None,
        content: tuple[str, bytes] | None = None,
    ) -> Reply:
        """Make one call.

        Args:
            path: Below `/rest/v1/`, with the slash at its end: "user/7001/". Without it a GET is redirected (W), and a
                write may be lost (C). With a slash at its beginning it is below the host.
            what: What is being done, for messages: "reading users".
            content: A body that is not JSON: its media type, and the bytes.

        Raises:
            RemoteError: as `fault_of` says.
        """
        who = f"{caller.component}: {what}"
        media_type, sent = ("application/json", None) if content is None else content
        if body is not None:
            sent = msgspec.json.encode(body)
        headers = {"Accept": "application/json", "Authorization": self._authorization}
        if sent is not None:
            headers["Content-Type"] = media_type
        url = self._url.with_path(path) if path.startswith("/") else self._url.joinpath(path)
        send = partial(
            self._http.send,
            method,
            url.with_query(list(query)) if query else url,
            what=who,
            headers=headers,
            body=sent,
            timeout_s=self._timeout_s,
            body_bytes_max=BODY_BYTES_MAX,
            limiter=self._limiter,
            priority=caller.priority,
            component=caller.component,
            check_turn=partial(self._check_not_refused, who),
        )
        answer = await self._answer(send, who)
        parsed = _parsed(answer.body)
        if not 200 <= answer.status < 300:
            raise fault_of(answer, parsed, f"{who}: {self.host}", self._clock.now())
        if not answer.is_whole:
            raise UnavailableError(f"{who}: {self.host} sent more than {BODY_BYTES_MAX} bytes; it will be tried again")
        return Reply(answer.status, parsed, thing_at(answer.headers.get("Location")))

    def refuse(self, error: UnauthorizedError) -> UnauthorizedError:
        """The credentials turned out to be wrong in another way than by a status: send nothing more for a while."""
        self._stop_for_a_while()
        return error

    async def _answer(self, send: Callable[[], Awaitable[Answer]], who: str) -> Answer:
        """Send it; while nobody knows whether the credentials are good, one call at a time: one failure is enough."""
        if self._is_trusted:
            return self._judged(await send())
        async with self._first:
            self._check_not_refused(who)
            if not self._is_trusted:
                return self._judged(await send())
        return self._judged(await send())

    def their_now(self) -> float | None:
        """What time it is there, in seconds since 1970, whatever our calendar says; None before the first answer."""
        if self._date is None:
            return None
        date, at = self._date
        return date + self._clock.monotonic() - at

    def _judged(self, answer: Answer) -> Answer:
        date = seconds_of_date(answer.headers.get("Date", ""))
        if date is not None:
            self._date = date, self._clock.monotonic()
        if answer.status == 401 or (answer.status == 403 and not self._is_trusted):
            self._stop_for_a_while()
        elif answer.status == 403:  # locked, or it may not do this alone: the next call shows which
            self._is_trusted = False
        elif answer.status < 300:
            self._is_trusted = True
        return answer

    def _stop_for_a_while(self) -> None:
        self._is_trusted = False
        self._refused_until = self._clock.monotonic() + LOCKED_S

    def _check_not_refused(self, who: str) -> None:
        if self._refused_until is not None and self._clock.monotonic() < self._refused_until:
            left_s = self._refused_until - self._clock.monotonic()
            raise UnauthorizedError(
                f"{who}: {self.host} refused user name and password a moment ago, and repeated failures lock the "
                f"account; nothing is sent for another {ceil(left_s / 60)} min. It goes on at once after a restart, or "
                "when other settings of the account are loaded"
            )


def _parsed(body: bytes) -> Any:
    """The body as JSON; None where there is none: 201, 202, 204, 401 and 404 are mostly empty (W)."""
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
