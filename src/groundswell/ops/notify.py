"""Tells people, where they look, that something needs them; and again when it is well."""

import re
import smtplib
import socket
import ssl
from collections.abc import Iterable, Mapping
from email.message import EmailMessage
from functools import partial
from typing import Final, Protocol

import anyio
import msgspec
import structlog
from anyio import to_thread
from msgspec import Struct
from yarl import URL

from groundswell.clock import Clock
from groundswell.config.notify import MailNotify, WebhookNotify
from groundswell.errors import RemoteError
from groundswell.http.client import Client, host_of

LOOK_EVERY_S: Final = 15.0
QUIET_S: Final = 300.0
"""Between two messages: what comes up meanwhile is told together."""
LINES_MAX: Final = 20
"""Of one message."""
SEND_S: Final = 20.0
_NUMBERS: Final = re.compile(r"\d[\d,]*(?: (?:dead letters?|delivery waits|deliveries wait|minutes?|hours?|days?))?")
"""With the nouns and units that change with them: that it lasts an hour now is nothing new."""

log = structlog.get_logger()


class Note(Struct, frozen=True):
    """A message to people. Holds no personal data."""

    title: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join([self.title, *(f"- {line}" for line in self.lines)])


class Watch:
    """What was told of, and for how long what stands now has stood. Knows no clock: the time is handed in."""

    def __init__(self, host: str, after_s: float) -> None:
        self._host = host
        self._after_s = after_s
        self._since: dict[str, float] = {}
        """When each came up, by what it says but for its numbers."""
        self._gone: dict[str, float] = {}
        """When those that were told of were gone."""
        self._told: dict[str, str] = {}
        self._spoke_at: float | None = None
        self._now: dict[str, str] = {}

    def look(self, attention: Iterable[str], now: float) -> Note | None:
        """What is to be told now. It counts as told when `said` is called; until then it comes again."""
        self._now = {_NUMBERS.sub("N", line): line for line in attention}
        self._since = {key: self._since.get(key, now) for key in self._now}
        self._gone = {key: self._gone.get(key, now) for key in self._told if key not in self._now}
        if self._spoke_at is not None and now - self._spoke_at < QUIET_S:
            return None
        untold = {key: line for key, line in self._now.items() if key not in self._told}
        new = [line for key, line in untold.items() if self._has_stood(self._since[key], now)]
        well = [self._told[key] for key, since in self._gone.items() if self._has_stood(since, now)]
        if not new and not well:
            return None
        is_all_well = not new and len(well) == len(self._told)
        what = "needs somebody" if new else "is well again" if is_all_well else "is better"
        return Note(f"Groundswell on {self._host} {what}", _bounded([*new, *(f"over: {line}" for line in well)]))

    def said(self, now: float) -> None:
        """What `look` gave just now was sent."""
        self._spoke_at = now
        self._told |= {key: line for key, line in self._now.items() if self._has_stood(self._since[key], now)}
        for key in [key for key, since in self._gone.items() if self._has_stood(since, now)]:
            del self._gone[key], self._told[key]

    def _has_stood(self, since: float, now: float) -> bool:
        return now - since >= self._after_s


def _bounded(lines: list[str]) -> tuple[str, ...]:
    more = len(lines) - LINES_MAX
    return (*lines[:LINES_MAX], *([f"and {more} more; see `groundswell status`"] if more > 0 else []))


class Send(Protocol):
    """Brings a note to people. Raises when it could not."""

    async def __call__(self, note: Note) -> None: ...


def sender_of(settings: WebhookNotify | MailNotify, http: Client) -> Send:
    """What sends notes the way these settings say."""
    if isinstance(settings, WebhookNotify):
        return partial(_post, settings, http)
    return partial(_mail, settings)


async def _post(settings: WebhookNotify, http: Client, note: Note) -> None:
    body = msgspec.json.encode({"text": note.text})
    headers: Mapping[str, str] = {"Content-Type": "application/json"}
    url = URL(settings.url.reveal())
    await http.request("POST", url, what="notify: posting a note", headers=headers, body=body, timeout_s=SEND_S)


async def _mail(settings: MailNotify, note: Note) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.sender, ", ".join(settings.to), note.title
    message.set_content(note.text)
    await to_thread.run_sync(_hand_over, settings, message, abandon_on_cancel=True)


def _hand_over(settings: MailNotify, message: EmailMessage) -> None:
    context = ssl.create_default_context()
    opened = (
        smtplib.SMTP_SSL(settings.host, settings.port, timeout=SEND_S, context=context)
        if settings.tls == "tls"
        else smtplib.SMTP(settings.host, settings.port, timeout=SEND_S)
    )
    with opened as server:
        if settings.tls == "starttls":
            server.starttls(context=context)
        if settings.username is not None and settings.password is not None:
            server.login(settings.username, settings.password.reveal())
        server.send_message(message)


class Attention(Protocol):
    """What needs a person now, a line each."""

    async def __call__(self) -> list[str]: ...


async def notify(
    settings: WebhookNotify | MailNotify, attention: Attention, http: Client, clock: Clock, host: str | None = None
) -> None:
    """Look again and again, and tell. What could not be sent is tried again with the next look."""
    watch = Watch(host or socket.gethostname(), settings.after.total_seconds())
    send = sender_of(settings, http)
    where = settings.host if isinstance(settings, MailNotify) else host_of(URL(settings.url.reveal()))
    failed = False
    while True:
        now = clock.monotonic()
        note = watch.look(await attention(), now)
        if note is not None:
            try:
                with anyio.fail_after(2 * SEND_S):
                    await send(note)
            except Exception as exc:  # whatever it is, the daemon goes on
                if not failed:
                    log.warning("note_not_sent", to=where, error=_why(exc), then="tried again by itself")
                failed = True
            else:
                watch.said(now)
                failed = False
        await clock.sleep(LOOK_EVERY_S)


def _why(exc: Exception) -> str:
    """A mail server's words may name people: its code says enough."""
    if isinstance(exc, smtplib.SMTPResponseException):
        return f"the mail server answered {exc.smtp_code}"
    return str(exc) if isinstance(exc, RemoteError) else type(exc).__name__
