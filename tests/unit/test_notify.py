"""When people are told that something needs them, when that it is well, and how it is sent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import anyio
import anyio.abc
import msgspec
import pytest
from aiohttp import web
from anyio.streams.buffered import BufferedByteReceiveStream
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from groundswell.clock import SystemClock
from groundswell.config.notify import MailNotify, WebhookNotify
from groundswell.errors import RemoteError
from groundswell.http.client import Client, new_session
from groundswell.ops.notify import LINES_MAX, LOOK_EVERY_S, QUIET_S, Note, Watch, notify, sender_of
from tests.virtual_time import VirtualClock

AFTER_S = 120.0
CRM = "crm: 3 dead letters; look with `groundswell dead list --component crm`"
NOTE = Note("Groundswell on here needs somebody", (CRM,))


class Told:
    """What a watch has told, look after look."""

    def __init__(self) -> None:
        self.watch = Watch("here", AFTER_S)
        self.now = 1_000.0
        self.notes: list[Note] = []

    def stands(self, *lines: str, for_s: float) -> list[Note]:
        """The notes while these lines stand."""
        before = len(self.notes)
        end = self.now + for_s
        while self.now < end:
            note = self.watch.look(lines, self.now)
            if note is not None:
                self.notes.append(note)
                self.watch.said(self.now)
            self.now += LOOK_EVERY_S
        return self.notes[before:]


def test_what_passes_is_not_told() -> None:
    told = Told()
    assert told.stands(CRM, for_s=AFTER_S - LOOK_EVERY_S) == []
    assert told.stands(for_s=3_600) == []


def test_what_stands_is_told_once_and_again_when_it_is_well() -> None:
    told = Told()
    assert told.stands(CRM, for_s=7_200) == [NOTE]
    assert told.stands(for_s=7_200) == [Note("Groundswell on here is well again", (f"over: {CRM}",))]


def test_a_number_that_rises_is_nothing_new() -> None:
    told = Told()
    assert len(told.stands(CRM, for_s=3_600)) == 1
    assert told.stands(CRM.replace("3", "4"), for_s=3_600) == []


@pytest.mark.parametrize(
    ("then", "later"),
    [
        ("people: it has not been able to read for 59 minutes", "people: it has not been able to read for 1 hour"),
        ("crm: 1 delivery waits, the oldest for 23 hours", "crm: 1,200 deliveries wait, the oldest for 1 day"),
        ("crm: 1 dead letter; look", "crm: 2 dead letters; look"),
    ],
)
def test_what_goes_on_is_nothing_new_in_other_units(then: str, later: str) -> None:
    told = Told()
    assert len(told.stands(then, for_s=3_600)) == 1
    assert told.stands(later, for_s=3_600) == []


def test_what_flutters_is_not_told_again_and_again() -> None:
    told = Told()
    told.stands(CRM, for_s=600)
    for _ in range(20):
        assert told.stands(for_s=AFTER_S - LOOK_EVERY_S) == []
        assert told.stands(CRM, for_s=60) == []


def test_one_message_has_what_came_up_and_what_is_over() -> None:
    told = Told()
    told.stands(CRM, for_s=600)
    (note,) = told.stands("people: it is refused", for_s=600)
    assert note == Note("Groundswell on here needs somebody", ("people: it is refused", f"over: {CRM}"))
    (note,) = told.stands(for_s=600)
    assert note.title == "Groundswell on here is well again"


def test_a_message_is_bounded() -> None:
    told = Told()
    (note,) = told.stands(*(f"sink_{'x' * n}: trouble" for n in range(50)), for_s=600)
    assert len(note.lines) == LINES_MAX + 1
    assert note.lines[-1] == f"and {50 - LINES_MAX} more; see `groundswell status`"


@given(st.lists(st.tuples(st.sets(st.sampled_from("abcde")), st.integers(1, 40)), max_size=30))
def test_nobody_is_told_more_often_than_every_few_minutes_and_all_is_told_in_the_end(
    stretches: list[tuple[set[str], int]],
) -> None:
    told = Told()
    times: list[float] = []
    for lines, looks in stretches:
        times += [told.now for _ in range(looks) if told.stands(*sorted(lines), for_s=LOOK_EVERY_S)]
    assert all(later - earlier >= QUIET_S for earlier, later in pairwise(times))
    lines = stretches[-1][0] if stretches else set()
    told.stands(*sorted(lines), for_s=2 * (QUIET_S + AFTER_S))
    known: set[str] = set()
    for note in told.notes:
        known |= {line for line in note.lines if not line.startswith("over: ")}
        known -= {line.removeprefix("over: ") for line in note.lines if line.startswith("over: ")}
    assert known == lines


# ---- sending ----


async def test_what_could_not_be_sent_is_sent_with_a_later_look() -> None:
    got: list[object] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response(status=503 if len(got) == 1 else 200)

    clock = VirtualClock()
    async with served(take) as url, new_session() as session:
        settings = WebhookNotify.model_validate({"type": "webhook", "url": f"{url}/T0/secret"})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(notify, settings, _attention, Client(session, SystemClock()), clock, "here")
            with anyio.fail_after(10):
                while len(got) < 2:
                    await clock.advance(LOOK_EVERY_S)
            tasks.cancel_scope.cancel()
    assert got == [{"text": f"{NOTE.title}\n- {CRM}"}] * 2


async def test_a_sender_that_breaks_as_nobody_foresaw_takes_nothing_with_it() -> None:
    """A mail server called "mail..example.org" once ended the daemon."""
    clock = VirtualClock()
    settings = MailNotify.model_construct(
        host="mail..example.org", port=25, tls="none", sender="a@b.org", to=["c@d.org"]
    )
    async with new_session() as session:
        with capture_logs() as lines:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(notify, settings, _attention, Client(session, SystemClock()), clock, "here")
                with anyio.fail_after(10):
                    while not lines:
                        await clock.advance(LOOK_EVERY_S)
                tasks.cancel_scope.cancel()
    assert [(line["event"], line["error"]) for line in lines] == [("note_not_sent", "UnicodeError")]


async def _attention() -> list[str]:
    return [CRM]


@asynccontextmanager
async def served(take: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_webhook_that_refuses_is_an_error_without_its_address() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=404)

    async with served(refuse) as url, new_session() as session:
        settings = WebhookNotify.model_validate({"type": "webhook", "url": f"{url}/T0/secret"})
        with pytest.raises(RemoteError) as caught:
            await sender_of(settings, Client(session, SystemClock()))(NOTE)
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(settings)


async def test_a_mail_goes_to_all_of_them() -> None:
    got: list[str] = []
    async with mail_server(got) as port:
        settings = MailNotify.model_validate(
            {
                "type": "mail",
                "host": "127.0.0.1",
                "port": port,
                "tls": "none",
                "sender": "groundswell@example.org",
                "to": ["ops@example.org", "night@example.org"],
            }
        )
        async with new_session() as session:
            await sender_of(settings, Client(session, SystemClock()))(NOTE)
    recipients = [line.partition(":")[2] for line in got if line.upper().startswith("RCPT")]
    assert recipients == ["<ops@example.org>", "<night@example.org>"]
    assert f"Subject: {NOTE.title}" in got
    assert any(CRM in line for line in "\n".join(got).replace("=\n", "").splitlines())


@asynccontextmanager
async def mail_server(got: list[str]) -> AsyncIterator[int]:
    """Just enough of a mail server; every line it was sent is in `got`."""

    async def talk(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await converse(stream)

    async def converse(stream: anyio.abc.SocketStream) -> None:
        lines = BufferedByteReceiveStream(stream)
        is_data = False
        await stream.send(b"220 here\r\n")
        while True:
            line = (await lines.receive_until(b"\r\n", 10_000)).decode()
            got.append(line)
            if is_data:
                is_data = line != "."
                if not is_data:
                    await stream.send(b"250 taken\r\n")
            elif line.upper() == "QUIT":
                await stream.send(b"221 bye\r\n")
                return
            else:
                is_data = line.upper() == "DATA"
                await stream.send(b"354 go on\r\n" if is_data else b"250 fine\r\n")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, talk)
        yield listener.extra(anyio.abc.SocketAttribute.local_port)
        tasks.cancel_scope.cancel()
    await listener.aclose()


@pytest.mark.parametrize(
    "given_",
    [
        {"type": "webhook", "url": "ftp://example.org"},
        {"type": "webhook"},
        {"type": "mail", "host": "mail", "sender": "a@b", "to": []},
        {"type": "mail", "host": "mail", "sender": "a@b\nBcc: c@d", "to": ["a@b"]},
        {"type": "mail", "host": "mail", "sender": "a@b", "to": ["a@b"], "username": "a"},
        {"type": "mail", "host": "mail", "sender": "a@b", "to": ["a@b"], "username": "a", "password": "pässword"},
        {"type": "mail", "host": "mail..example.org", "sender": "a@b", "to": ["a@b"]},
        {"type": "webhook", "url": f"https://{'a' * 70}.example.org/"},
    ],
)
def test_settings_that_cannot_work_are_refused(given_: dict[str, object]) -> None:
    model = WebhookNotify if given_["type"] == "webhook" else MailNotify
    with pytest.raises(ValueError):
        model.model_validate(msgspec.to_builtins(given_))
