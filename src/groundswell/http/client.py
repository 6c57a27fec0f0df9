"""The one way out: every call the daemon makes to another system goes through `Client`.

It bounds what a receiver can do to us (time, memory, redirects) and turns what came back into the errors that decide
what happens next. Its messages name the host and the status. They never hold a path, a query, a header or a body,
for those are where tokens and people are.
"""

import os
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from types import SimpleNamespace
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from msgspec import Struct
from yarl import URL

from groundswell import __version__
from groundswell.clock import Clock
from groundswell.errors import RateLimitedError, RejectedError, RemoteError, UnauthorizedError, UnavailableError
from groundswell.http.limits import Limiter, Priority
from groundswell.http.public import NotPublicError, public_session
from groundswell.http.turn import Turn

USER_AGENT: Final = f"groundswell/{__version__}"
CONNECT_TIMEOUT_S: Final = 10.0
TOTAL_TIMEOUT_S: Final = 30.0
CONNECTIONS_MAX: Final = 512
CONNECTIONS_PER_HOST_MAX: Final = 256
"""As many as the widest sink may use at once (`concurrency`)."""
BODY_BYTES_MAX: Final = 64 * 1024
RETRY_AFTER_S_MAX: Final = 3600.0

Waited = Callable[[str, float], None]
"""Told of every wait for a rate limit: component, seconds."""
Observe = Callable[[str, float, str], None]
"""Told of every call: host, seconds it took, and "2xx" .. "5xx", or "error" when no answer came."""


class Answer(Struct, frozen=True):
    """What came back. `body` is cut off at the bound the caller gave; `is_whole` says whether it was."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool


class _Call(Struct, frozen=True):
    """One call, as `send` was asked for it."""

    method: str
    url: URL
    what: str
    headers: Mapping[str, str] | None
    body: bytes | None
    timeout_s: float
    body_bytes_max: int


class Client:
    """Calls other systems over the daemon's one session."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        clock: Clock,
        observe: Observe | None = None,
        waited: Waited | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """`resolver` looks names up for `to_public`; without it, the system does."""
        self.session = session
        self._resolver = resolver
        self._limited_session: aiohttp.ClientSession | None = None
        self.clock = clock
        self._observe = observe
        self._waited = waited

    def to_public(self) -> aiohttp.ClientSession:
        """A session of its own for addresses that somebody else named: none but public ones. Close it after use."""
        return public_session({"User-Agent": USER_AGENT}, self._resolver)

    def waited(self, component: str, seconds: float) -> None:
        """Say that a component waited for its rate limit before a call, so that the wait is counted."""
        if self._waited is not None:
            self._waited(component, seconds)

    def observed(self, host: str, seconds: float, status_class: str) -> None:
        """Count a call that is over."""
        if self._observe is not None:
            self._observe(host, seconds, status_class)

    async def request(
        self,
        method: str,
        url: URL,
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float = TOTAL_TIMEOUT_S,
        body_bytes_max: int = BODY_BYTES_MAX,
        limiter: Limiter | None = None,
        priority: Priority = Priority.LIVE,
        component: str = "",
    ) -> Answer:
        """Make one call and return its answer, if that is a 2xx.

        Args:
            what: Who is doing what, to begin messages with: "crm: posting 3 records".
            limiter: What the call must wait for.
            priority: Before which others of the same limiter.
            component: Who waits, for the metrics.

        Raises:
            RemoteError: as `send` and `error_of` say.
        """
        answer = await self.send(
            method,
            url,
            what=what,
            headers=headers,
            body=body,
            timeout_s=timeout_s,
            body_bytes_max=body_bytes_max,
            limiter=limiter,
            priority=priority,
            component=component,
        )
        if not 200 <= answer.status < 300:
            raise error_of(answer, f"{what}: {host_of(url)}", self.clock.now())
        return answer

    async def send(
        self,
        method: str,
        url: URL,
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float = TOTAL_TIMEOUT_S,
        body_bytes_max: int = BODY_BYTES_MAX,
        limiter: Limiter | None = None,
        priority: Priority = Priority.LIVE,
        component: str = "",
        check_turn: Callable[[], None] | None = None,
    ) -> Answer:
        """Make one call and return its answer, whatever its status. Redirects are never followed.

        Args:
            check_turn: With a limiter: called when it is this call's turn. What it raises calls the call off.

        Raises:
            UnavailableError: no whole answer came: connection, TLS, time. The other side may have acted all the same.
        """
        call = _Call(method, url, what, headers, body, timeout_s, body_bytes_max)
        if limiter is not None:
            return await self._send_in_turn(call, limiter, priority, component, check_turn)
        began = self.clock.monotonic()
        status_class = "error"
        try:
            async with self.session.request(
                method, url, headers=headers, data=body, timeout=_timeout(timeout_s), allow_redirects=False
            ) as response:
                answer = await _answer(response, body_bytes_max)
                status_class = f"{response.status // 100}xx"
                return answer
        except (aiohttp.ClientError, OSError, UnicodeError) as exc:  # TimeoutError is an OSError
            raise _broken(call, exc) from exc
        finally:
            self.observed(url.host or "", self.clock.monotonic() - began, status_class)

    async def _send_in_turn(
        self,
        call: "_Call",
        limiter: Limiter,
        priority: Priority,
        component: str,
        check_turn: Callable[[], None] | None,
    ) -> Answer:
        """As `send`, when it is our turn. The time allowed starts then: waiting for it is no fault of theirs."""
        status_class = "error"
        turn = Turn(
            limiter, priority, self.clock, connect_s=2 * CONNECT_TIMEOUT_S, call_s=call.timeout_s, check=check_turn
        )
        try:
            with turn.scope:
                async with (
                    turn,
                    self._for_limited().request(
                        call.method,
                        call.url,
                        headers=call.headers,
                        data=call.body,
                        timeout=_NO_TIMEOUT,
                        allow_redirects=False,
                        trace_request_ctx=turn,
                    ) as response,
                ):
                    turn.answered()
                    answer = await _answer(response, call.body_bytes_max)
                    status_class = f"{response.status // 100}xx"
                    wait_s = asked_to_wait_s(answer, self.clock.now())
                    if wait_s is not None:
                        limiter.hold(wait_s)
                    return answer
            raise TimeoutError
        except (aiohttp.ClientError, OSError, UnicodeError) as exc:
            raise _broken(call, exc) from exc
        finally:
            if turn.waited_s:
                self.waited(component, turn.waited_s)
            if turn.started_at is not None:
                self.observed(call.url.host or "", self.clock.monotonic() - turn.started_at, status_class)

    def _for_limited(self) -> aiohttp.ClientSession:
        """The session again, over the same connections, with the tracing that makes calls wait for their turn: tracing
        costs 18 us a call, which those without a limiter need not pay. It is closed with the session's connector."""
        if self._limited_session is None:
            self._limited_session = aiohttp.ClientSession(
                connector=self.session.connector,
                connector_owner=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT},
                trust_env=self.session.trust_env,
                trace_configs=[_turns()],
            )
        return self._limited_session


@lru_cache(maxsize=16)
def _timeout(total_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total_s, sock_connect=CONNECT_TIMEOUT_S)


_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S)


def new_session(*, trust_env: bool = False) -> aiohttp.ClientSession:
    """The daemon's one session. Call it inside the event loop; close it last.

    No cookies are kept: accounts share the session, and one vendor's two accounts must not share a login. Proxies from
    the environment (`HTTPS_PROXY`) and `~/.netrc` are used only with `trust_env`: a daemon whose way out depends on who
    started it is hard to reason about.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, limit_per_host=CONNECTIONS_PER_HOST_MAX),
        timeout=aiohttp.ClientTimeout(total=TOTAL_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT},
        trust_env=trust_env,
    )


def _turns() -> aiohttp.TraceConfig:
    """Calls with a limiter wait for their turn when their connection is there, new or used before."""

    async def take(session: aiohttp.ClientSession, context: SimpleNamespace, parameters: object) -> None:
        turn = context.trace_request_ctx
        if turn is not None:
            await turn.take()

    config = aiohttp.TraceConfig()
    config.on_connection_create_end.append(take)
    config.on_connection_reuseconn.append(take)
    config.freeze()
    return config


def asked_to_wait_s(answer: Answer, now: float) -> float | None:
    """For how long they want us to stop calling: 0.0 when they do not say; None when they do not want it."""
    wait_s = retry_after_s(answer.headers.get("Retry-After"), now)
    if answer.status == 429 or (answer.status == 503 and wait_s is not None):
        return wait_s or 0.0
    return None


def error_of(answer: Answer, who: str, now: float) -> RemoteError:
    """The error an answer outside 2xx stands for. `who` begins the message: "crm: posting 3 records: example.org".

    Redirects are refused: a write that follows one may arrive as a GET, or where the credentials were not meant to go.
    """
    status = answer.status
    said = f"{who} answered {_named(status)}"
    wait_s = retry_after_s(answer.headers.get("Retry-After"), now)
    if status == 429 or (status == 503 and wait_s is not None):
        return RateLimitedError(f"{said}; it will be tried again {_in(wait_s)}", wait_s)
    if status in (401, 403, 407):
        return UnauthorizedError(
            f"{said}; check the credentials (`auth`, `headers` or the account) and what they allow"
        )
    if status in (408, 425) or status >= 500:
        return UnavailableError(f"{said}; it will be tried again")
    if 300 <= status < 400:
        return RejectedError(
            f"{said}, a redirect{place_of(answer)}; redirects are not followed, put the new address in `url`"
        )
    return RejectedError(f"{said}; it will not take this as it is")


_SECONDS: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")


def retry_after_s(header: str | None, now: float) -> float | None:
    """Seconds to wait, from `Retry-After` in either form, at most an hour. None when it is absent or means nothing."""
    if header is None:
        return None
    if _SECONDS.fullmatch(header.strip()):
        wait_s = float(header)
    else:
        try:
            moment = parsedate_to_datetime(header)
            wait_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(wait_s, 0.0), RETRY_AFTER_S_MAX)


def host_of(url: URL) -> str:
    """The host as messages show it, with the port when it is not the usual one."""
    return f"{url.host}" if url.is_default_port() else f"{url.host}:{url.port}"


async def _answer(response: aiohttp.ClientResponse, body_bytes_max: int) -> Answer:
    content, is_whole = await _read(response.content, body_bytes_max)
    return Answer(response.status, response.headers, content, is_whole)


def _broken(call: _Call, exc: Exception) -> UnavailableError:
    return UnavailableError(
        f"{call.what}: {host_of(call.url)} {what_broke(exc, call.timeout_s)}; it will be tried again"
    )


async def _read(content: aiohttp.StreamReader, bytes_max: int) -> tuple[bytes, bool]:
    """The body up to a bound. The connection is dropped, not drained, when there is more."""
    parts: list[bytes] = []
    room = bytes_max
    while part := await content.readany():
        parts.append(part[:room])
        if len(part) > room:
            return b"".join(parts), False
        room -= len(part)
    return b"".join(parts), True


def what_broke(exc: Exception, timeout_s: float) -> str:
    """What became of a call, in our words: the libraries' words hold addresses and bits of what was received."""
    match exc:
        case aiohttp.ConnectionTimeoutError():
            return f"could not be reached within {CONNECT_TIMEOUT_S:g} s"
        case TimeoutError():
            return f"did not answer within {timeout_s:g} s"
        case aiohttp.ClientConnectorCertificateError():
            error = exc.certificate_error
            why = f" ({error.verify_message})" if isinstance(error, ssl.SSLCertVerificationError) else ""
            return f"has a certificate we cannot trust{why}"
        case aiohttp.ClientSSLError():
            return "does not speak TLS as we do"
        case aiohttp.ClientConnectorDNSError():
            return "is not known to DNS"
        case UnicodeError():
            return "is no name that could be looked up"
        case aiohttp.ClientConnectorError() if isinstance(exc.os_error, NotPublicError):
            return str(exc.os_error)
        case aiohttp.ClientConnectorError() | aiohttp.ClientProxyConnectionError():
            return f"could not be reached ({os.strerror(exc.errno) if exc.errno else 'no route'})"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | ConnectionError():
            return "closed the connection before its answer was whole"
        case aiohttp.ClientResponseError():
            return "answered something that is not HTTP"
        case _:
            return f"broke off ({type(exc).__name__})"


def _named(status: int) -> str:
    """ "422 Unprocessable Entity": our own phrase, as the one they send may say anything."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _in(wait_s: float | None) -> str:
    return "later" if wait_s is None else f"in {wait_s:.0f} s"


def place_of(answer: Answer) -> str:
    """Where a redirect points: scheme and host only, as paths and queries may hold tokens."""
    try:
        place = URL(answer.headers.get("Location", ""))
    except ValueError:
        return ""
    return f" to {place.scheme}://{host_of(place)}" if place.host else ""
