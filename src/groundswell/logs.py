"""What the daemon says while it runs: readable on a terminal, one JSON object a line anywhere else, always to stderr.

Nobody logs personal data here on purpose. `kept_private` is the last resort for what slips in all the same, above all
in the messages of other people's exceptions: it goes over every value of every line. It costs some 20 us a value, which
is nothing where lines are rare. What no pattern tells, such as a name in somebody's exception, it cannot know.
"""

import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, Literal, TextIO
from uuid import UUID

import msgspec

from groundswell.clock import Clock, SystemClock

# structlog would import rich, if it is there, for tracebacks we never print: 3 MB of a daemon's memory.
if "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog

    del sys.modules["rich"]
else:
    import structlog
from structlog.typing import EventDict, Processor

Level = Literal["debug", "info", "warning", "error"]

_TEXT_MAX: Final = 16_384
_DEPTH_MAX: Final = 5
_PRIVATE_KEYS: Final = frozenset(
    {
        *("address1", "address2", "authorization", "body", "cookie", "custom", "email", "first_name", "last_name"),
        *("password", "person", "phone", "raw", "secret", "token"),
    }
)
_NAMES: Final = (
    r"token|secret|password|api[_-]?key|authorization|(?:first|last|given|family|full)_?name|e-?mail|phone|input_value"
)
_VALUE: Final = r"(?:\"[^\"]*\"|'[^']*'|[^\s\"',;&)\]}]+)"
_PRIVATE_TEXT: Final = tuple(
    (re.compile(pattern), mark)
    for pattern, mark in (
        # First, while URLs are whole: who logs in, and what is asked.
        (r"([A-Za-z][A-Za-z0-9+.-]{0,20}://)[^\s'\"<>]{0,1000}@", r"\1[login]@"),
        (r"\?[\w.~%\[\]-]{1,100}=[^\s'\"<>]*", "?[query]"),
        (r"(?i)\b(bearer|basic)\s+(?=\S*[\d=_])[\w.~+/=-]{6,}", r"\1 [secret]"),
        (r"\b(?:whsec_|eyJ)[\w.+/=-]{8,}", "[secret]"),
        # Written out with its name: email=x, 'email': 'x', email: 'x'.
        (rf"(?i)((?:{_NAMES})\w{{0,20}}(?:\s?=\s?|['\"]\s?:\s?|:\s?(?=['\"]))){_VALUE}", r"\1[private]"),
        (r"(?<![\w.!#$%&*+^`{|}~-])[\w.!#$%&*+^`{|}~-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", "[email]"),
        (r"(?:\+|%2[Bb])[1-9](?:[ .()-]{0,2}\d){7,14}(?!\d)", "[phone]"),
        # North American, as people write it. A number inside an id ("actionkit:action/5035550144") stays.
        (r"(?<![\w/:.@-])(?:1[ .-]?)?\(?[2-9]\d\d\)?[ .-]{0,2}[2-9]\d\d[ .-]?\d{4}(?![\w-])", "[phone]"),
    )
)
_CONTROL: Final = {n: "?" for n in (*range(32), *range(127, 160)) if chr(n) not in "\n\t"}


def configure(level: Level = "info", stream: TextIO | None = None, clock: Clock | None = None) -> None:
    """Send log lines to `stream` (stderr): ours, those of libraries from WARNING up, and exceptions nobody caught."""
    out = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _Stamp(clock or SystemClock()),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,  # the traceback without local variables
            kept_private,
            _renderer(out),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Lines(out),
    )
    logging.basicConfig(handlers=[_FromLibraries(logging.WARNING)], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def without_text(exc: BaseException) -> str:
    """What may be logged of an exception not ours: where it was raised, and its type. Its text may be about people."""
    return f"{''.join(traceback.format_tb(exc.__traceback__))}{type(exc).__name__}"


def kept_private(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """The processor of last resort: every value as plain JSON values, without what looks like personal data."""
    return {key: _private(key, value, 0) for key, value in line.items()}


def mask(text: str) -> str:
    """The text with emails, phone numbers, logins and query strings of URLs, and named secrets taken out."""
    if len(text) > _TEXT_MAX:
        # Cut at spaces: half an email address would no longer be known as one.
        start, end = text[: _TEXT_MAX // 2].rpartition(" ")[0], text[-_TEXT_MAX // 2 :].partition(" ")[2]
        text = f"{start} [left out, of {len(text):,} characters] {end}"
    text = text.translate(_CONTROL)
    for pattern, mark in _PRIVATE_TEXT:
        text = pattern.sub(mark, text)
    return text.encode(errors="backslashreplace").decode()


def _private(key: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if key.lower() in _PRIVATE_KEYS:
        return "[private]"
    match value:
        case Enum():
            return _private(key, value.value, depth)
        case float():
            return value
        case int():
            return value if value.bit_length() < 64 else str(value)
        case str() | PurePath() | UUID() | Decimal() | datetime() | date() | timedelta():
            return mask(str(value))
        case BaseException():
            return mask(f"{type(value).__name__}: {value}")
        case Mapping() if depth < _DEPTH_MAX:
            return {mask(str(k)): _private(str(k), v, depth + 1) for k, v in value.items()}
        case list() | tuple() | set() | frozenset() if depth < _DEPTH_MAX:
            return [_private(key, v, depth + 1) for v in value]
    # Bytes, records and all other objects: nobody knows what they would say of themselves.
    return f"<{type(value).__name__}>"


class _Stamp:
    """Adds the time, from the daemon's clock: "2026-05-02T11:00:09.123Z"."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, _logger: Any, _method: str, line: EventDict) -> EventDict:
        moment = datetime.fromtimestamp(self._clock.now(), UTC)
        line["timestamp"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return line


def _renderer(stream: TextIO) -> Processor:
    if not stream.isatty():
        return _as_json
    return structlog.dev.ConsoleRenderer(
        colors="NO_COLOR" not in os.environ, exception_formatter=structlog.dev.plain_traceback
    )


def _as_json(_logger: Any, _method: str, line: EventDict) -> str:
    first = {key: line.pop(key) for key in ("timestamp", "level", "event") if key in line}
    return msgspec.json.encode({**first, **line}).decode()


class _Lines:
    """The stream, as the logger structlog writes to; also its own factory, as there is one stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.RLock()  # a line may be logged while another is, by a finaliser

    def __call__(self, *_args: Any) -> "_Lines":
        return self

    def write(self, line: str) -> None:
        # A log that cannot be written (disk full, reader gone) must not stop the work it tells about.
        with self._lock, suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = write


class _FromLibraries(logging.Handler):
    """Takes the standard library's log records into the same lines; asyncio and aiohttp log that way."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = str(record.msg)  # whoever logged it mixed up the arguments
        level = max(logging.WARNING, min(record.levelno // 10 * 10, logging.CRITICAL))
        structlog.get_logger().log(level, message, logger=record.name, exc_info=record.exc_info)


def _log_uncaught(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
    """For sys.excepthook and its like: what nobody caught goes through the same processors."""
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    structlog.get_logger().critical("uncaught_exception", exc_info=(kind, error, traceback))
