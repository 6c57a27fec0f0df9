"""Listens with TLS: whoever connects gets to the protocol once the handshake is done, and must be done with it in time.

asyncio's own server would do, but it counts nobody before the handshake is over, and each takes memory all the while.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

import structlog
from anyio.abc import TaskGroup

from groundswell.http.certificate import HANDSHAKE_S, LiveCertificate
from groundswell.logs import without_text
from groundswell.settings import Listen

BACKLOG: Final = 1024
AT_ONCE: Final = 64
"""Accepted in one go; then others of the loop have their turn."""
REST_S: Final = 1.0
"""How long nobody is accepted when the system has nothing left to do it with."""
GOODBYE_S: Final = 2.0
"""How long a closed connection waits for the other side to close it, too."""

log = structlog.get_logger()


class TlsServer:
    """As asyncio's server, as far as it is needed. Handshakes run in `tasks`, each by itself."""

    def __init__(
        self,
        certificate: LiveCertificate,
        connect: Callable[[], asyncio.Protocol],
        has_room: Callable[[int], bool],
        tasks: TaskGroup,
    ) -> None:
        """`has_room` is told how many are at their handshake; who comes while it has not is hung up on."""
        self._certificate = certificate
        self._connect = connect
        self._has_room = has_room
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._at_handshake = 0
        self._is_closed = False
        self.sockets: list[socket.socket] = []

    async def start(self, listen: Listen) -> None:
        """Listen. Raises OSError when the address is taken or not ours."""
        found = await self._loop.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, _, _, _, address in dict.fromkeys(found):
                self.sockets.append(socket.create_server(address, family=family, backlog=BACKLOG))
        except OSError:
            self.close()
            raise
        for listening in self.sockets:
            listening.setblocking(False)
            self._listen(listening)

    def close(self) -> None:
        """Stop listening. Handshakes under way go on."""
        self._is_closed = True
        while self.sockets:
            listening = self.sockets.pop()
            self._loop.remove_reader(listening)
            listening.close()

    def _listen(self, listening: socket.socket) -> None:
        if not self._is_closed:
            self._loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                came, _ = listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as exc:
                log.error("connection_not_accepted", error=exc.strerror, then=f"tried again in {REST_S:g} s")
                self._loop.remove_reader(listening)
                self._loop.call_later(REST_S, self._listen, listening)
                return
            if self._has_room(self._at_handshake):
                came.setblocking(False)
                self._at_handshake += 1
                self._tasks.start_soon(self._shake_hands, came)
            else:
                came.close()

    async def _shake_hands(self, came: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._connect,
                came,
                ssl=self._certificate.context,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=GOODBYE_S,
            )
        except OSError:
            pass  # it hung up, took too long, or does not speak TLS as we do: nothing to do, nothing to say
        except Exception as exc:
            log.error("connection_defect", exception=without_text(exc), then="closed")
        finally:
            self._at_handshake -= 1
