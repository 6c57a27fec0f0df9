"""Send webhooks as fast as a server takes them, or at a fixed rate, and say how it answered.

    python benchmarks/load.py http://127.0.0.1:8080/webhooks/signups --seconds 3
    python benchmarks/load.py http://127.0.0.1:8080/webhooks/signups --seconds 10 --rate 1000
    python benchmarks/load.py http://127.0.0.1:8080/webhooks/gifts --bodies gifts --login actblue:password

Closed loop (no --rate): each of the keep-alive connections sends its next event once the last was answered. Open loop
(--rate): events are due at fixed times and their latency counts from then, so a server that stalls cannot hide it by
slowing the generator down. Bare sockets and epoll, because anything kinder to the reader would be slower than the
server it measures; `generator_cpu` in the result says how near to its own limit this process was.
"""

import argparse
import base64
import json
import os
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import events
import gifts

BODIES: Final[dict[str, Callable[[int, int, int], bytes]]] = {"signatures": events.body, "gifts": gifts.body}
"""What can be sent: Action Network's signatures, ActBlue's contributions. All bodies of one kind are of one length."""
LAST_ANSWERS_S: Final = 10.0
"""How long to wait, after the last event was sent, for the answers that are still due."""
_TICK_S: Final = 0.0005
_READ_BYTES: Final = 65_536
_HEADS_MAX: Final = 1_000
_BROKEN_MAX: Final = 1_000


@dataclass(slots=True)
class Connection:
    """One keep-alive connection and the request it is busy with."""

    sock: socket.socket
    due_ns: int = 0
    unsent: bytes = b""
    is_blocked: bool = False
    received: bytes = b""


@dataclass(slots=True)
class Tally:
    """What was sent and how it was answered. Latencies are of answers with status 200."""

    sent: int = 0
    answered: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    latencies_ns: list[int] = field(default_factory=list)
    lateness_ns: list[int] = field(default_factory=list)
    first_sent_ns: int = 0
    last_answer_ns: int = 0

    def summary(self) -> dict[str, Any]:
        elapsed_s = (self.last_answer_ns - self.first_sent_ns) / 1e9
        return {
            "sent": self.sent,
            "answered": {str(status): count for status, count in sorted(self.answered.items())},
            "unanswered": self.sent - self.answered.total(),
            "broken_connections": self.broken,
            "seconds": round(elapsed_s, 3),
            "accepted_per_s": round(self.answered[200] / elapsed_s, 1) if elapsed_s > 0 else 0.0,
            "latency_ms": percentiles_ms(self.latencies_ns),
            "lateness_ms": percentiles_ms(self.lateness_ns),
            "first_sent_ns": self.first_sent_ns,
            "last_answer_ns": self.last_answer_ns,
        }


class Load:
    """Sends events, each counted as one however many travel in a request."""

    def __init__(
        self,
        url: str,
        *,
        connections: int,
        first: int,
        events_per_request: int,
        bodies: str = "signatures",
        login: str | None = None,
    ) -> None:
        parts = urlsplit(url)
        self._body = BODIES[bodies]
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        size = len(self._body(0, 0, events_per_request))
        pair = "" if login is None else f"Authorization: Basic {base64.b64encode(login.encode()).decode()}\r\n"
        self._head = (
            f"POST {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
            f"{pair}Content-Length: {size}\r\n\r\n"
        ).encode()
        self._number = first
        self._per_request = events_per_request
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._idle: deque[Connection] = deque()
        self._heads: dict[bytes, tuple[int, int]] = {}
        self._is_closed_loop = True
        self.tally = Tally()
        for _ in range(connections):
            self._connect()

    def run_closed(self, seconds: float) -> None:
        """Keep every connection busy for so long, then wait for the last answers."""
        end_ns = self._begin() + int(seconds * 1e9)
        for connection in tuple(self._idle):
            self._send(connection, time.monotonic_ns())
        self._idle.clear()
        while time.monotonic_ns() < end_ns:
            self._turn(1.0)
        self._is_closed_loop = False
        self._wait_for_answers()

    def run_open(self, seconds: float, rate: float) -> None:
        """Send at fixed times, `rate` events a second, whatever the server does. Waits its turn when none is idle."""
        self._is_closed_loop = False
        start_ns = self._begin()
        gap_ns = 1e9 * self._per_request / rate
        waiting: deque[int] = deque()
        made, planned = 0, int(seconds * rate / self._per_request)
        while made < planned or waiting:
            now_ns = time.monotonic_ns()
            while made < planned and start_ns + made * gap_ns <= now_ns:
                waiting.append(start_ns + int(made * gap_ns))
                made += 1
            while waiting and self._idle:
                due_ns = waiting.popleft()
                self.tally.lateness_ns.append(time.monotonic_ns() - due_ns)
                self._send(self._idle.popleft(), due_ns)
            if now_ns > start_ns + (seconds + LAST_ANSWERS_S) * 1e9:
                break
            self._turn(_TICK_S)
        self._wait_for_answers()

    def _begin(self) -> int:
        self.tally.first_sent_ns = time.monotonic_ns()
        return self.tally.first_sent_ns

    def _wait_for_answers(self) -> None:
        end_ns = time.monotonic_ns() + int(LAST_ANSWERS_S * 1e9)
        while len(self._idle) < len(self._connections) and time.monotonic_ns() < end_ns:
            self._turn(0.05)

    def _turn(self, wait_s: float) -> None:
        """Serve every connection that has something, waiting up to `wait_s` for the first.

        epoll itself only waits whole milliseconds; select on it waits as short as asked.
        """
        if not select.select((self._epoll,), (), (), wait_s)[0]:
            return
        for number, ready in self._epoll.poll(0):
            connection = self._connections[number]
            if ready & ~select.EPOLLOUT:
                self._receive(connection)
            else:
                self._flush(connection)

    def _send(self, connection: Connection, due_ns: int) -> None:
        connection.due_ns = due_ns
        connection.unsent = self._head + self._body(self._number, due_ns, self._per_request)
        self._number += self._per_request
        self.tally.sent += self._per_request
        self._flush(connection)

    def _flush(self, connection: Connection) -> None:
        unsent = connection.unsent
        try:
            sent = connection.sock.send(unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._replace(connection)
            return
        if sent == len(unsent) and not connection.is_blocked:
            return
        connection.unsent = unsent[sent:]
        connection.is_blocked = bool(connection.unsent)
        self._epoll.modify(connection.sock, select.EPOLLIN | (select.EPOLLOUT if connection.is_blocked else 0))

    def _receive(self, connection: Connection) -> None:
        try:
            received = connection.received + connection.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if len(received) == len(connection.received):
            self._replace(connection)
            return
        end = received.find(b"\r\n\r\n")
        status, length = self._read_head(received[:end]) if end >= 0 else (0, 0)
        if end < 0 or len(received) < end + 4 + length:
            connection.received = received
            return
        connection.received = b""
        self._answered(connection, status)

    def _answered(self, connection: Connection, status: int) -> None:
        now_ns = time.monotonic_ns()
        tally = self.tally
        tally.answered[status] += self._per_request
        tally.last_answer_ns = now_ns
        if status == 200:
            tally.latencies_ns.append(now_ns - connection.due_ns)
        if self._is_closed_loop:
            self._send(connection, now_ns)
        else:
            self._idle.append(connection)

    def _read_head(self, head: bytes) -> tuple[int, int]:
        """Status and body length. Servers repeat their heads to the byte until the second changes."""
        known = self._heads.get(head)
        if known is None:
            if len(self._heads) >= _HEADS_MAX:
                self._heads.clear()
            known = self._heads[head] = parse_head(head)
        return known

    def _connect(self) -> None:
        sock = socket.create_connection(self._address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        connection = Connection(sock)
        self._connections[sock.fileno()] = connection
        self._idle.append(connection)
        self._epoll.register(sock, select.EPOLLIN)

    def _replace(self, connection: Connection) -> None:
        """The server closed this connection: what it was busy with stays unanswered, another takes its place."""
        self.tally.broken += 1
        if self.tally.broken > _BROKEN_MAX:
            raise ConnectionError(f"load: the server closed {_BROKEN_MAX} connections instead of answering; stopped")
        del self._connections[connection.sock.fileno()]
        connection.sock.close()
        self._connect()
        if self._is_closed_loop:
            self._send(self._idle.pop(), time.monotonic_ns())


def parse_head(head: bytes) -> tuple[int, int]:
    """The status and body length of a response head. Raises ValueError without a Content-Length."""
    lines = head.split(b"\r\n")
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(lines[0].split(b" ", 2)[1]), int(value)
    raise ValueError(f"load: an answer without Content-Length, which this generator cannot read: {lines[0]!r}")


def percentiles_ms(samples_ns: list[int]) -> dict[str, float]:
    """p50, p90, p99 and max in milliseconds; empty without samples."""
    if not samples_ns:
        return {}
    ordered = sorted(samples_ns)
    last = len(ordered) - 1
    points = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: round(ordered[round(share * last)] / 1e6, 3) for name, share in points.items()}


def process_cpu_s(pid: int) -> float:
    """Seconds of CPU a process and all its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rate", type=float, help="events a second (open loop); without it as fast as answers come")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--events-per-request", type=int, default=1)
    parser.add_argument(
        "--first", type=int, default=0, help="number of the first event; the same number, the same event"
    )
    parser.add_argument("--bodies", choices=tuple(BODIES), default="signatures")
    parser.add_argument("--login", help="USER:PASSWORD of HTTP Basic")
    parser.add_argument("--server-pid", type=int, help="also say how much of a core this process used meanwhile")
    options = parser.parse_args()

    load = Load(
        options.url,
        connections=options.connections,
        first=options.first,
        events_per_request=options.events_per_request,
        bodies=options.bodies,
        login=options.login,
    )
    server_before_s = process_cpu_s(options.server_pid) if options.server_pid else 0.0
    own_before_s, begun_s = time.process_time(), time.monotonic()
    if options.rate:
        load.run_open(options.seconds, options.rate)
    else:
        load.run_closed(options.seconds)
    elapsed_s = time.monotonic() - begun_s
    result = load.tally.summary()
    result["generator_cpu"] = round((time.process_time() - own_before_s) / elapsed_s, 3)
    if options.server_pid:
        result["server_cpu"] = round((process_cpu_s(options.server_pid) - server_before_s) / elapsed_s, 3)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
