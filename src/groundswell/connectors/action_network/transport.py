"""One call to Action Network: its key, its rate, its JSON, and what its errors mean.

Their error bodies are `{"error": "<text>"}`, and the text of a 401 or 403 echoes the key [L]. So that one is never
shown, and of the others only what is left without the key, addresses, numbers, names, and all in quotes: see `shown`.
"""

import re
from http import HTTPStatus
from typing import Any, Final

import msgspec
from yarl import URL

from groundswell.clock import Clock
from groundswell.errors import RejectedError, RemoteError, UnauthorizedError, UnavailableError
from groundswell.http.client import Answer, Client, error_of, host_of
from groundswell.http.limits import Limiter, Priority

KEY_HEADER: Final = "OSDI-API-Token"
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
"""Of an answer. 25 actions with their descriptions and their creators are some hundred kilobytes."""
FAULT_TRIES_MAX: Final = 5
"""A 500 may be a fault of theirs, or a body of ours that they cannot take: they do not say which [L]."""

_TEXT_MAX: Final = 160
_READ_MAX: Final = 2_000
"""Of a text of theirs: looking for addresses takes time that grows with the square of a word's length."""
_HIDDEN: Final = "***"
_QUOTED: Final = r"\"[^\"]*\"?|\u201c[^\u201d]*\u201d?|(?<!\w)'[^']*'?"
_PERSONAL: Final = re.compile(
    rf"\S*@\S*|\+?\d(?:(?:_|[^\w\"'\u201c\u201d]){{0,3}}\d){{4,}}|[0-9a-f]{{16,}}|{_QUOTED}", re.IGNORECASE
)
_WORD: Final = re.compile(r"[^\W\d_]\w*")
_SENTENCE: Final = frozenset((
    "A", "An", "API", "Bad", "Cannot", "Could", "Date", "Email", "Error", "Event", "Field", "Filter", "Forbidden",
    "Form", "Id", "ID", "Internal", "Invalid", "JSON", "Key", "List", "Message", "Missing", "Must", "No", "Not",
    "Only", "Page", "Person", "Petition", "Phone", "Please", "Query", "Request", "Server", "Something", "Status",
    "Survey", "Tag", "That", "The", "There", "This", "Too", "Unable", "Unauthorized", "Unknown", "URL", "Value",
    "You", "Your",
))  # fmt: skip
"""Words in capitals that are no names of people."""


class MissingError(RejectedError):
    """There is no such thing, or this key may not see it: they answer 404 to both [L]."""

    reason = "not_found"


class Caller(msgspec.Struct, frozen=True):
    """Who calls, for messages and metrics, and how urgent it is."""

    component: str
    priority: Priority = Priority.LIVE


class Transport:
    """Calls below one entry point, with one key."""

    def __init__(self, url: URL, token: str, http: Client, limiter: Limiter, clock: Clock, *, timeout_s: float) -> None:
        self._url = url
        self._clock = clock
        self._token = token
        self._http = http
        self._limiter = limiter
        self._timeout_s = timeout_s
        self._host = host_of(url)

    async def call(
        self,
        caller: Caller,
        method: str,
        path: tuple[str, ...],
        what: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        is_blind: bool = False,
    ) -> dict[str, Any]:
        """Make one call; its JSON object.

        Args:
            path: Below the entry point.
            what: What is being done, for messages: "reading people".
            is_blind: Without the key.

        Raises:
            MissingError: 404.
            UnauthorizedError, RateLimitedError, UnavailableError, RejectedError: as `_error_of` says.
        """
        who = f"{caller.component}: {what}"
        answer = await self._http.send(
            method,
            self.url(path, query),
            what=who,
            headers=self._headers(has_body=body is not None, is_blind=is_blind),
            body=None if body is None else msgspec.json.encode(body),
            timeout_s=self._timeout_s,
            body_bytes_max=BODY_BYTES_MAX,
            limiter=self._limiter,
            priority=caller.priority,
            component=caller.component,
        )
        parsed = _parsed(answer)
        if not 200 <= answer.status < 300:  # they only ever answer 200 [D], and another one means the same
            raise self._error_of(answer, parsed, f"{who}: {self._host}")
        if answer.status == HTTPStatus.NO_CONTENT:
            return {}
        if not answer.is_whole:
            raise UnavailableError(f"{who}: {self._host} sent more than {BODY_BYTES_MAX} bytes; it will be tried again")
        if not isinstance(parsed, dict):
            raise UnavailableError(
                f"{who}: {self._host} answered {answer.status} without a JSON object; it will be tried again"
            )
        return parsed

    def url(self, path: tuple[str, ...], query: dict[str, str] | None = None) -> URL:
        """The address of something: every part and value is encoded, a "+" too."""
        url = self._url.joinpath(*path) if path else self._url
        return url.with_query(query) if query else url

    def _headers(self, *, has_body: bool, is_blind: bool) -> dict[str, str]:
        headers = {"Accept": "application/hal+json, application/json"}
        if has_body:
            headers["Content-Type"] = "application/json"
        if not is_blind:
            headers[KEY_HEADER] = self._token
        return headers

    def _error_of(self, answer: Answer, parsed: Any, who: str) -> RemoteError:
        said = self._said(parsed)
        match answer.status:
            case 401 | 403:
                return UnauthorizedError(
                    f"{who} answered {answer.status}: it does not take the API key; check `token` of the account"
                )
            case 404 if isinstance(parsed, dict):
                return MissingError(f"{who} answered 404{said}: it is not there, or this key may not see it")
            case 404:
                return UnavailableError(
                    f"{who} answered 404 with something that is not JSON; if that goes on, check `base_url` of the "
                    "account"
                )
            case 500:
                return UnavailableError(
                    f"{who} answered 500{said}; it will be tried again, {FAULT_TRIES_MAX} times in all", FAULT_TRIES_MAX
                )
            case status if 400 <= status < 500 and isinstance(parsed, dict) and status not in (408, 425, 429):
                return RejectedError(f"{who} answered {status}{said}; it will not take this as it is")
            case _:
                return error_of(answer, who, self._clock.now())

    def _said(self, parsed: Any) -> str:
        """What they said, in brackets, as far as it can be shown."""
        text = parsed.get("error") if isinstance(parsed, dict) else None
        return f" ({shown(text, self._token)})" if isinstance(text, str) and text.strip() else ""


def shown(text: str, token: str) -> str:
    """What can be shown of a text of theirs, which may hold the key and what we sent about somebody.

    Numbers of five digits and more go, and of the words those that may be names: in capitals, or not of plain letters.
    """
    text = text.replace(token, _HIDDEN)
    if len(text) > _READ_MAX:
        text = text[:_READ_MAX].rpartition(" ")[0]  # half an address would not be known as one
    text = _PERSONAL.sub(_HIDDEN, text)
    text = _WORD.sub(lambda word: word[0] if _is_plain(word[0]) else _HIDDEN, text)
    return " ".join(text.split())[:_TEXT_MAX]


def _is_plain(word: str) -> bool:
    return word in _SENTENCE or (word.isascii() and word[0].islower())


def _parsed(answer: Answer) -> Any:
    """The body as JSON, or None: on a 5xx it may as well be a web page [L]."""
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
