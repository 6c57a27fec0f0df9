"""One call to ActBlue's CSV API: Basic auth, and what came back as JSON."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct
from yarl import URL

from groundswell.errors import RateLimitedError, RejectedError, RemoteError, UnauthorizedError, UnavailableError
from groundswell.http.client import Answer, Client, error_of, host_of, place_of
from groundswell.http.limits import Limiter, Priority
from groundswell.http.said import shown

BUSY_S: Final = 60.0
"""After a 429 that does not say for how long, nothing is sent for so long: their limit is by the minute (C)."""
WORDS_MAX: Final = 200


class Caller(Struct, frozen=True):
    """Who calls, for messages and metrics, and how urgent it is."""

    component: str
    priority: Priority = Priority.POLL


class InvalidError(RejectedError):
    """422: what was asked for is not to be had."""

    reason = "invalid"


class MissingError(RejectedError):
    """404: there is no such thing."""

    reason = "not_found"


class Transport:
    """Calls below one `/api/v1/`, with one entity's credentials."""

    def __init__(
        self, url: URL, client_uuid: str, client_secret: str, http: Client, limiter: Limiter, *, timeout_s: float
    ) -> None:
        self.url = url
        self.http = http
        self.host = host_of(url)
        self._limiter = limiter
        self._timeout_s = timeout_s
        self._authorization = "Basic " + b64encode(f"{client_uuid}:{client_secret}".encode()).decode()

    async def call(self, caller: Caller, method: str, path: str, what: str, body: Any = None) -> tuple[int, Any]:
        """Make one call; the status, and the answer parsed (None where it is no JSON).

        Args:
            path: Below `/api/v1/`.
            what: What is being done, for messages: "asking for a file".

        Raises:
            InvalidError: 422.
            MissingError: 404.
            UnauthorizedError: 401 or 403.
            RateLimitedError: 429. Nobody calls until it is over.
            UnavailableError: all else that is no success.
        """
        who = f"{caller.component}: {what}"
        headers = {"Accept": "application/json", "Authorization": self._authorization}
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = await self.http.send(
            method,
            self.url.joinpath(path),
            what=who,
            headers=headers,
            body=None if body is None else msgspec.json.encode(body),
            timeout_s=self._timeout_s,
            limiter=self._limiter,
            priority=caller.priority,
            component=caller.component,
        )
        if 200 <= answer.status < 300:
            return answer.status, _parsed(answer.body)
        fault = _fault_of(answer, f"{who}: {self.host}", self.http.clock.now())
        if isinstance(fault, RateLimitedError) and fault.retry_after_s is None:
            self._limiter.hold(BUSY_S)
            fault.retry_after_s = BUSY_S
        raise fault


def _fault_of(answer: Answer, who: str, now: float) -> RemoteError:
    said = f"{who} answered {answer.status}"
    match answer.status:
        case 401 | 403:
            return UnauthorizedError(
                f"{said}: it does not take the credentials; check `client_uuid` and `client_secret` of the account, "
                'and that "API Credentials" in the ActBlue dashboard still lists them'
            )
        case 404:
            return MissingError(f"{said}: it is not there")
        case 422:
            return InvalidError(f"{said}{_words(_parsed(answer.body))}: it does not give what was asked for")
        case status if 300 <= status < 400:
            return UnavailableError(
                f"{said}, a redirect{place_of(answer)}; redirects are not followed, put the right address in `host` of "
                "the account. Until then it is tried again"
            )
        case 429 | 503:
            return error_of(answer, who, now)
        case _:
            return UnavailableError(f"{said}; it will be tried again")


def _words(parsed: Any) -> str:
    """What they say is wrong, in brackets. Our own request held dates and a type, so nobody is named in it."""
    found: list[str] = []
    _collect(parsed, found)
    return f" ({shown('; '.join(found)[:WORDS_MAX])})" if found else ""


def _collect(parsed: Any, found: list[str], depth: int = 0) -> None:
    if isinstance(parsed, str) and parsed:
        found.append(parsed)
    elif isinstance(parsed, (list, Mapping)) and depth < 3:
        for inner in parsed.values() if isinstance(parsed, Mapping) else parsed:
            _collect(inner, found, depth + 1)


def _parsed(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
