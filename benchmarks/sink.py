"""Receive what a pipeline delivers, count it and say how long it took from webhook to here.

    python benchmarks/sink.py --port 8081

Any POST is a delivery: one record, an array, lines; the marks in it are counted (see events.py). GET /counts and
/latencies answer what came so far, in JSON; /reset starts again from nothing; after /hold it reads and never answers,
as a receiver that hangs. No HTTP library, because it shares a core with the load generator.
"""

import argparse
import asyncio
import json
import time
from typing import Final, cast

import uvloop

from events import marks
from load import percentiles_ms

_TAKEN: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
_LENGTH_NEEDED: Final = b"HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Counts:
    """What came since the last reset."""

    def __init__(self) -> None:
        self.is_holding = False
        self.reset()

    def reset(self) -> None:
        self._requests = 0
        self._records = 0
        self._numbers: set[int] = set()
        self._latencies_ns: list[int] = []
        self._last_ns = 0

    def take(self, body: bytes) -> None:
        now_ns = self._last_ns = time.monotonic_ns()
        self._requests += 1
        for number, due_ns in marks(body):
            self._records += 1
            self._numbers.add(number)
            self._latencies_ns.append(now_ns - due_ns)

    def as_json(self) -> bytes:
        counts = {
            "requests": self._requests,
            "records": self._records,
            "different": len(self._numbers),
            "last_ns": self._last_ns,
        }
        return json.dumps(counts).encode()

    def latencies_as_json(self) -> bytes:
        """Sorts all of them: ask once, when everything has come."""
        return json.dumps(percentiles_ms(self._latencies_ns)).encode()


class Receiver(asyncio.Protocol):
    """One connection. Requests may come in any number of pieces, or several in one piece."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._pieces: list[bytes] = []
        self._have = 0
        self._need = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._have += len(data)
        while self._have and self._have >= self._need:
            received = b"".join(self._pieces)
            head_bytes = received.find(b"\r\n\r\n") + 4
            if head_bytes < 4:
                break
            length = content_length(received[:head_bytes])
            if length is None:
                self._transport.write(_LENGTH_NEEDED)
                self._transport.close()
                return
            self._need = head_bytes + length
            if self._have < self._need:
                break
            self._answer(received[:head_bytes], received[head_bytes : self._need])
            rest = received[self._need :]
            self._pieces, self._have, self._need = [rest], len(rest), 0

    def _answer(self, head: bytes, body: bytes) -> None:
        verb, path, _ = head.split(b" ", 2)
        if verb == b"GET":
            self._transport.write(self._control(path))
            return
        self._counts.take(body)
        if not self._counts.is_holding:
            self._transport.write(_TAKEN)

    def _control(self, path: bytes) -> bytes:
        answer = b"{}"
        match path:
            case b"/counts":
                answer = self._counts.as_json()
            case b"/latencies":
                answer = self._counts.latencies_as_json()
            case b"/reset":
                self._counts.reset()
            case b"/hold":
                self._counts.is_holding = True
            case _:
                return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer


def content_length(head: bytes) -> int | None:
    """The Content-Length of a request head; 0 for a GET without, None for a POST without (chunked)."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0 if head.startswith(b"GET ") else None


async def serve(port: int) -> None:
    counts = Counts()
    await asyncio.get_running_loop().create_server(lambda: Receiver(counts), "127.0.0.1", port)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    uvloop.run(serve(options.port))


if __name__ == "__main__":
    main()
