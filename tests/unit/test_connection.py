"""A connection of the webhook port, with a transport of our own: any bytes, cut anywhere, ended anywhere."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import pytest
import uvloop
from hypothesis import example, given, settings
from hypothesis import strategies as st

from groundswell.errors import RefusedError
from groundswell.http.connection import HEAD_BYTES_MAX, LINGER_S, WAITING_MAX, Connection
from groundswell.http.message import Headers, Request, refusal_written, written

BODY_MAX = 50_000
SHORTEST = len(b"GET / HTTP/1.1\r\n\r\n")
WAITING_REALLY_MAX = WAITING_MAX + HEAD_BYTES_MAX // SHORTEST
"""What one slice more than was needed to make enough requests wait can hold."""
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}

T = TypeVar("T")


class Transport(asyncio.Transport):
    """As strict as real ones, or stricter; tells the connection that it is lost a turn of the loop after it closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Connection, room: int = 10**9) -> None:
        super().__init__()
        self._loop = loop
        self._connection = connection
        self._room = room
        self.written = b""
        self.buffered = 0
        self.is_read = True
        self.is_ended = False
        self.is_closed = False
        self.is_lost = False

    def write(self, content: Any) -> None:
        assert not self.is_ended, "written after the end"
        assert not self.is_lost, "written when the connection was lost already"
        if not self.is_closed:
            self.written += content
            self.buffered += len(content)
            if self.buffered > self._room:
                self._connection.pause_writing()

    def drain(self) -> None:
        """The sender read its answers."""
        self.buffered = 0
        if not self.is_lost:
            self._connection.resume_writing()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.is_ended = True

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._loop.call_soon(self.lose)

    abort = close

    def lose(self, exc: Exception | None = None) -> None:
        self.is_closed = True
        if not self.is_lost:
            self.is_lost = True
            self._connection.connection_lost(exc)

    def pause_reading(self) -> None:
        assert self.is_read, "paused twice"
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


class Port:
    """Takes POSTs to /hook, notes what it took, and counts the bytes it was told of."""

    def __init__(self) -> None:
        self.held = 0
        self.answered: list[tuple[str, bytes | None]] = []
        self.turns = 0
        self.gate: anyio.Event | None = None
        self.is_closed = False

    def refusal_of(self, request: Request) -> RefusedError | None:
        if request.path != "/hook":
            return RefusedError(404, "nothing listens on this path")
        return None if request.method == "POST" else RefusedError(405, "only POST is taken here")

    def hold(self, size: int, more: int) -> RefusedError | None:
        if size + more > BODY_MAX:
            return RefusedError(413, "the body is too large", {"Connection": "close"})
        self.held += more
        return None

    def release(self, size: int) -> None:
        self.held -= size
        assert self.held >= 0, "released twice"

    async def answer(self, request: Request) -> bytes:
        for _ in range(self.turns):
            await anyio.lowlevel.checkpoint()
        if self.gate is not None:
            await self.gate.wait()
        self.answered.append((request.method, None if request.refusal else request.body))
        if request.refusal is not None:
            return refusal_written(request.refusal, request)
        return written(200, b"%d" % len(request.body), {}, keeps_alive=request.keeps_alive)

    def opened(self, connection: Connection) -> None:
        pass

    def closed(self, connection: Connection) -> None:
        assert not self.is_closed, "closed twice"
        self.is_closed = True


class Session:
    """One connection, its port and its transport. What is sent while it does not read waits, as in a real kernel."""

    def __init__(self, room: int = 10**9, turns: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self.port = Port()
        self.port.turns = turns
        self.connection = Connection(self.port, loop)
        self.transport = Transport(loop, self.connection, room)
        self.connection.connection_made(self.transport)
        self.has_ended = False
        self._pending = b""

    async def run(self) -> None:
        await self.connection.run()
        self.has_ended = True

    def send(self, content: bytes) -> bool:
        """Whether it was read at once."""
        self._pending += content
        if not self._pending or not self.transport.is_read or self.transport.is_closed:
            return False
        content, self._pending = self._pending, b""
        self.connection.data_received(content)
        connection = self.connection
        assert len(connection._waiting) <= WAITING_REALLY_MAX
        assert connection.is_ending or not connection.is_receiving or connection._unfinished <= 2 * HEAD_BYTES_MAX
        assert self.port.held <= BODY_MAX + sum(len(request.body) for request in connection._waiting) + BODY_MAX
        return True

    async def settles(self) -> None:
        """Wait until it has answered all it can, and read all that was sent."""
        for _ in range(2_000):
            self.send(b"")
            before = (self.transport.written, len(self.port.answered), self._pending, self.has_ended)
            for _ in range(2 * self.port.turns + 4):
                await anyio.lowlevel.checkpoint()
            if before == (self.transport.written, len(self.port.answered), self._pending, self.has_ended):
                return
        raise AssertionError("it never came to rest")

    async def ends(self) -> None:
        """The sender reads everything, hangs up, and nothing is left."""
        if self.port.gate is not None:
            self.port.gate.set()
        self.transport.drain()
        await self.settles()
        if not self.transport.is_closed:
            self.connection.eof_received()
            await self.settles()
        self.transport.lose()
        with anyio.fail_after(5):
            while not self.has_ended:
                await anyio.lowlevel.checkpoint()
        assert self.port.held == 0
        assert self.port.is_closed
        assert not self.connection._waiting


def on_loop(name: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it; nothing may be left for the loop to complain of."""
    complaints: list[dict[str, Any]] = []

    async def watched() -> T:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        return await work()

    with asyncio.Runner(loop_factory=LOOPS[name]) as runner:
        result = runner.run(watched())
    assert complaints == []
    return result


async def sent(pieces: Iterable[bytes], turns: int = 0) -> Session:
    """What becomes of a connection that gets these pieces; every second one only after a turn of the loop."""
    session = Session(turns=turns)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(session.run)
        for number, piece in enumerate(pieces):
            session.send(piece)
            if number % 2:
                await anyio.lowlevel.checkpoint()
        await session.settles()
        await session.ends()
    return session


def answers(content: bytes, methods: Sequence[str]) -> list[int]:
    """The statuses of answers, each checked for being whole, and as many as there were requests."""
    statuses = []
    while content:
        head, separator, content = content.partition(b"\r\n\r\n")
        assert separator
        first, *lines = head.decode().split("\r\n")
        status = int(first.split()[1])
        if status == 100:
            continue
        length = int(next(line for line in lines if line.startswith("Content-Length: ")).partition(" ")[2])
        if methods[len(statuses)] != "HEAD":
            assert len(content) >= length
            content = content[length:]
        statuses.append(status)
    assert len(statuses) == len(methods)
    return statuses


# ---- requests as they should be ----


@dataclass(frozen=True)
class Sample:
    """A request, and what must become of it."""

    content: bytes
    status: int
    body: bytes | None
    closes: bool


def sample(method: bytes, path: bytes, body: bytes, chunk: int, headers: bytes, *, is_old: bool, crlf: bytes) -> Sample:
    if chunk and not is_old:
        framing = b"Transfer-Encoding: chunked\r\n"
        pieces = [body[start : start + chunk] for start in range(0, len(body), chunk)]
        framed = b"".join(b"%x;x=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        framed += b"0\r\nContent-Encoding: gzip\r\n\r\n"
    else:
        framing = b"Content-Length: %d\r\n" % len(body)
        framed = body
    head = b"%b %b HTTP/1.%d\r\nHost: x\r\n%b%b\r\n" % (method, path, not is_old, headers, framing)
    status = 404 if path != b"/hook" else 405 if method != b"POST" else 413 if len(body) > BODY_MAX else 200
    closes = (
        is_old
        or b"close" in headers
        or status == 413
        or (status != 200 and (b"Expect" in headers or len(body) > 2**16))
    )
    return Sample(head + framed + crlf, status, body if status == 200 else None, closes)


BODIES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([100, 5_000, HEAD_BYTES_MAX, BODY_MAX, BODY_MAX + 1, 2**16 + 1]).map(lambda size: b"\n" * size),
)
HEADERS = st.sampled_from(
    [
        b"",
        b"",
        b"Connection: keep-alive\r\n",
        b"Connection: close\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n",
        b"X-Long: " + b"x" * (HEAD_BYTES_MAX - 200) + b"\r\n",
    ]
)
SAMPLES = st.builds(
    sample,
    method=st.sampled_from([b"POST"] * 4 + [b"GET", b"HEAD", b"PUT"]),
    path=st.sampled_from([b"/hook"] * 4 + [b"/nowhere"]),
    body=BODIES,
    chunk=st.sampled_from([0, 0, 7, 4_096, 100_000]),
    headers=HEADERS,
    is_old=st.sampled_from([False] * 9 + [True]),
    crlf=st.sampled_from([b"", b"", b"\r\n"]),
)
CUTS = st.lists(st.integers(0, 2**31), max_size=20)


def cut(content: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    return [content[start:end] for start, end in pairwise(edges) if end > start]


def until_closed(samples: Sequence[Sample]) -> list[Sample]:
    last = next((number for number, each in enumerate(samples) if each.closes), len(samples))
    return list(samples[: last + 1])


@pytest.mark.parametrize("loop", LOOPS)
@given(samples=st.lists(SAMPLES, max_size=12), cuts=CUTS, turns=st.integers(0, 3))
@settings(max_examples=150)
def test_however_requests_are_cut_each_gets_its_answer_in_order(
    loop: str, samples: list[Sample], cuts: list[int], turns: int
) -> None:
    session = on_loop(loop, lambda: sent(cut(b"".join(each.content for each in samples), cuts), turns))
    expected = until_closed(samples)
    assert [body for _, body in session.port.answered] == [each.body for each in expected]
    methods = [method for method, _ in session.port.answered]
    assert answers(session.transport.written, methods) == [each.status for each in expected]


@given(samples=st.lists(SAMPLES.filter(lambda each: len(each.content) < 500), min_size=1, max_size=3))
@settings(max_examples=25)
def test_byte_for_byte_is_no_different(samples: list[Sample]) -> None:
    content = b"".join(each.content for each in samples)
    session = on_loop("asyncio", lambda: sent([bytes([byte]) for byte in content]))
    assert [body for _, body in session.port.answered] == [each.body for each in until_closed(samples)]


def post(body: bytes, headers: bytes = b"") -> bytes:
    return b"POST /hook HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (headers, len(body), body)


async def test_thousands_of_requests_in_one_piece_are_all_answered_and_few_wait() -> None:
    session = await sent([post(b"1") * 4_000])
    assert len(session.port.answered) == 4_000


async def test_the_beginning_of_a_head_behind_large_requests_is_not_a_long_head() -> None:
    session = await sent([post(b"x" * 40_000) + post(b"2")[:30], post(b"2")[30:40], post(b"2")[40:]])
    assert [body for _, body in session.port.answered] == [b"x" * 40_000, b"2"]


# ---- anything at all ----

MUTATIONS = st.lists(
    st.tuples(st.sampled_from(["flip", "insert", "drop"]), st.integers(0, 2**31), st.binary(min_size=1, max_size=4)),
    min_size=1,
    max_size=6,
)


def mutated(content: bytes, mutations: Iterable[tuple[str, int, bytes]]) -> bytes:
    mutable = bytearray(content)
    for kind, where, what in mutations:
        place = where % (len(mutable) + 1)
        mutable[place : place + (0 if kind == "insert" else len(what))] = b"" if kind == "drop" else what
    return bytes(mutable)


def check_anything(session: Session) -> None:
    methods = [method for method, _ in session.port.answered]
    statuses = answers(session.transport.written, methods)
    assert set(statuses) <= {200, 400, 404, 405, 413, 431}
    # Whoever could not be understood is told so last, and nothing follows.
    assert not {400, 431} & set(statuses[:-1])


@given(content=st.binary(max_size=300), cuts=CUTS)
def test_arbitrary_bytes_are_answered_400_or_not_at_all(content: bytes, cuts: list[int]) -> None:
    session = on_loop("asyncio", lambda: sent(cut(content, cuts)))
    check_anything(session)
    assert all(body is None for _, body in session.port.answered)


@pytest.mark.parametrize("loop", LOOPS)
@given(samples=st.lists(SAMPLES, min_size=1, max_size=5), mutations=MUTATIONS, cuts=CUTS, turns=st.integers(0, 2))
@settings(max_examples=150)
def test_damaged_requests_raise_nothing_and_leave_nothing(
    loop: str, samples: list[Sample], mutations: list[tuple[str, int, bytes]], cuts: list[int], turns: int
) -> None:
    content = mutated(b"".join(each.content for each in samples), mutations)
    check_anything(on_loop(loop, lambda: sent(cut(content, cuts), turns)))


CHUNKED = b"POST /hook HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (b"POST /hook?", 431),
        (b"POST /hook HTTP/1.1\r\nX-", 431),
        (b"POST /hook HTTP/1.1\r\nX: ", 431),
        (CHUNKED + b"5;", 431),
        (CHUNKED + b"1\r\n1\r\n0\r\nX: ", 431),
    ],
    ids=["a path", "a name", "a value", "a chunk extension", "a trailer"],
)
@pytest.mark.parametrize("size", [1_000, 300_000])
async def test_what_has_no_end_is_refused(start: bytes, status: int, size: int) -> None:
    session = await sent([post(b"before") + start, *[b"x" * size] * (10**6 // size)])
    assert answers(session.transport.written, ["POST"] * 2) == [200, status]


@pytest.mark.parametrize(
    "content",
    [
        b"POST /hook HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n1",
        b"POST /hook HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n1",
        b"POST /hook HTTP/1.1\r\nContent-Length: +1\r\n\r\n1",
        b"POST /hook HTTP/1.1\r\nContent-Length : 1\r\n\r\n1",
        b"POST /hook HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
        b"POST /hook HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n1\r\n1\r\n0\r\n\r\n",
        b"POST /hook HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
        b"POST /hook HTTP/1.1\nContent-Length: 1\n\n1",
        b"POST /hook HTTP/1.1\r\nX: a\r\n Content-Length: 1\r\n\r\n1",
    ],
    ids=["length twice", "list", "plus", "space", "both", "coding twice", "unknown coding", "bare LF", "folded"],
)
async def test_what_two_servers_could_read_differently_is_refused(content: bytes) -> None:
    # A proxy in front of us that sees another end of a request than we do lets one sender write another's request.
    session = await sent([content + post(b"smuggled")])
    assert answers(session.transport.written, ["POST"]) == [400]


async def test_an_old_client_that_sends_chunks_gets_one_answer() -> None:
    content = CHUNKED.replace(b"1.1\r\n", b"1.0\r\nConnection: keep-alive\r\n") + b"1\r\n1\r\n0\r\n\r\n"
    session = await sent([content + post(b"smuggled")])
    assert [body for _, body in session.port.answered] == [b"1"]
    assert b"Connection: close" in session.transport.written


# ---- senders that do not read, or ask first ----


async def test_a_sender_that_reads_no_answers_is_soon_not_read_either_and_loses_nothing() -> None:
    session = Session(room=1_000)
    count = 0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(session.run)
        while session.send(post(b"%d" % count)):
            count += 1
            await session.settles()
            assert count < 100
        assert len(session.transport.written) < 2_000
        assert len(session.connection._waiting) == WAITING_MAX
        for _ in range(20):
            session.transport.drain()
            await session.settles()
        await session.ends()
    assert [body for _, body in session.port.answered] == [b"%d" % number for number in range(count + 1)]


async def test_a_large_piece_of_small_requests_waits_unparsed() -> None:
    session = Session()
    session.port.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(session.run)
        session.send(post(b"1") * 4_000)
        await session.settles()
        assert len(session.connection._waiting) <= WAITING_REALLY_MAX
        assert not session.transport.is_read
        await session.ends()
    assert len(session.port.answered) == 4_000


async def test_who_asks_first_behind_another_request_is_told_after_its_answer() -> None:
    # Told before, it would take the words for the beginning of the answer it waits for.
    session = Session()
    session.port.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(session.run)
        session.send(post(b"1") + post(b"22", b"Expect: 100-continue\r\n")[:-2])
        await session.settles()
        assert session.transport.written == b""
        session.port.gate.set()
        await session.settles()
        assert session.transport.written.startswith(b"HTTP/1.1 200")
        assert session.transport.written.endswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        session.send(b"22")
        await session.settles()
        await session.ends()
    assert [body for _, body in session.port.answered] == [b"1", b"22"]


async def test_the_body_of_a_refused_request_is_read_if_it_is_small_and_not_to_the_end_if_it_is_large() -> None:
    nowhere = post(b"x" * 60_000).replace(b"/hook", b"/nowhere")
    session = await sent([nowhere, post(b"1")])
    assert answers(session.transport.written, ["POST"] * 2) == [404, 200]
    endless = b"POST /nowhere HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"
    session = Session()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(session.run)
        session.send(endless + b"x" * 70_000)
        await session.settles()
        assert answers(session.transport.written, ["POST"]) == [404]
        assert session.transport.is_ended, "the sender was not told that nothing more will come"
        assert not session.transport.is_closed, "it is not let finish, so it may lose the answer"
        with anyio.fail_after(LINGER_S + 5):
            while session.send(b"x" * 1_000):
                await anyio.sleep(0.01)
        await session.ends()


class StoppedLoop:
    """A loop whose time is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now


def test_time_counts_from_the_beginning_of_a_request_however_it_drips() -> None:
    loop = StoppedLoop()
    connection = Connection(Port(), loop)  # type: ignore[arg-type]
    connection.connection_made(Transport(loop, connection))  # type: ignore[arg-type]
    loop.now = 110.0
    connection.data_received(post(b"1") + b"\r\n")
    assert (connection.is_receiving, connection.since) == (False, 110.0)
    loop.now = 120.0
    connection.data_received(b"\r\n")
    assert (connection.is_receiving, connection.since) == (False, 110.0)
    connection.data_received(post(b"2") + b"P")
    for byte in post(b"123")[1:-1]:
        loop.now += 1
        connection.data_received(bytes([byte]))
    assert (connection.is_receiving, connection.since) == (True, 120.0)


# ---- ends ----

EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("data"), st.integers(1, 300)),
        st.tuples(st.just("turn"), st.integers(1, 5)),
        st.tuples(
            st.sampled_from(
                ["eof", "lost", "time_out", "end", "abort", "full", "drain", "let_go", "cancel", "data", "turn"]
            ),
            st.just(20),
        ),
    ),
    max_size=25,
)


async def lived(content: bytes, events: Sequence[tuple[str, int]], turns: int) -> Session:
    """A connection to which all this happens, as far as it can happen to a real one."""
    session = Session(turns=turns)
    session.port.gate = anyio.Event()
    connection, transport = session.connection, session.transport
    has_eof = False
    cancelled = anyio.CancelScope()

    async def run() -> None:
        with cancelled:
            await connection.run()
        session.has_ended = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        for event, count in events:
            is_there = not transport.is_lost
            if event == "turn":
                for _ in range(count):
                    await anyio.lowlevel.checkpoint()
            elif event == "data" and not has_eof:
                session.send(content[:count])
                content = content[count:]
            elif event == "eof" and not has_eof and transport.is_read and not transport.is_closed:
                has_eof = True
                connection.eof_received()
            elif event == "lost":
                transport.lose(ConnectionResetError())
            elif event == "full" and is_there:
                connection.pause_writing()
            elif event == "drain":
                transport.drain()
            elif event == "let_go":
                session.port.gate.set()
            elif event == "cancel":
                cancelled.cancel()
            elif event in ("time_out", "end", "abort"):
                getattr(connection, event)()
        await session.ends()
    return session


@pytest.mark.parametrize("loop", LOOPS)
@given(samples=st.lists(SAMPLES, max_size=6), events=EVENTS, turns=st.integers(0, 2))
@settings(max_examples=200)
@example(samples=[], events=[("time_out", 20), ("turn", 5), ("time_out", 20)], turns=0)
def test_whatever_happens_in_whatever_order_it_ends_and_holds_nothing(
    loop: str, samples: list[Sample], events: list[tuple[str, int]], turns: int
) -> None:
    content = b"".join(each.content for each in samples)
    on_loop(loop, lambda: lived(content, events, turns))


@pytest.mark.parametrize("how", ["lost", "abort", "cancel"])
async def test_what_waits_when_a_connection_ends_is_held_no_longer(how: str) -> None:
    content = post(b"x" * 1_000) * 3 + post(b"x" * 1_000)[:-500]
    session = await lived(content, [("data", 10_000), ("turn", 5), (how, 20), ("turn", 5), ("let_go", 20)], 0)
    assert len(session.port.answered) == (how != "cancel")


async def test_a_cancelled_connection_is_closed() -> None:
    session = Session()
    session.port.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(session.run)
        session.send(post(b"1") * 2)
        await session.settles()
        tasks.cancel_scope.cancel()
    assert session.transport.is_closed
    assert session.port.held == 0


async def test_a_defect_while_answering_closes_the_connection_and_goes_no_further(monkeypatch: Any) -> None:
    session = Session()

    async def fail(request: Request) -> bytes:
        raise ValueError(request.method)

    monkeypatch.setattr(session.port, "answer", fail)
    session.send(post(b"1") * 2)
    await session.run()
    assert session.transport.is_closed
    assert session.port.held == 0


def test_headers_are_found_in_any_case() -> None:
    headers = Headers({"content-type": "x"})
    assert headers.get("Content-Type") == headers["CONTENT-TYPE"] == "x"
    assert "Content-type" in headers
    assert "x" not in headers
