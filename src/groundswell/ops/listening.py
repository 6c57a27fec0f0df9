"""The port itself: connections, how many and how long, with TLS or without; what arrives goes to the application."""

import asyncio
import logging
import os
import ssl
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from groundswell.http.certificate import HANDSHAKE_S
from groundswell.ops.headers import HEADERS
from groundswell.settings import Listen

CONNECTIONS_MAX: Final = 100
KEEPALIVE_S: Final = 30.0
SHUTDOWN_S: Final = 2.0


class Port:
    """Listens, once started."""

    def __init__(self, application: web.Application, listen: Listen, tls: ssl.SSLContext | None) -> None:
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_S)
        self._listen = listen
        self._tls = tls
        self._server: asyncio.Server

    async def start(self) -> int:
        """Listen; the port that it is. Raises OSError when the address is taken or not ours."""
        await self._runner.setup()
        manager = self._runner.server
        assert manager is not None
        loop = asyncio.get_running_loop()
        settings: dict[str, Any] = {"access_log": None, "keepalive_timeout": KEEPALIVE_S, "logger": _silent_logger()}
        try:
            self._server = await loop.create_server(
                lambda: _Connection(manager, loop=loop, **settings),
                self._listen.host,
                self._listen.port,
                ssl=self._tls,
                ssl_handshake_timeout=None if self._tls is None else HANDSHAKE_S,
                reuse_address=True,
            )
        except OSError as exc:
            await self._runner.cleanup()
            why = os.strerror(exc.errno) if exc.errno else str(exc)
            raise OSError(exc.errno, f"{self._listen} ([ops] listen) cannot be listened on: {why}") from exc
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening, let requests under way finish."""
        self._server.close()
        await self._runner.cleanup()


class _Connection(RequestHandler):
    """aiohttp's, with a bound on how many there are: what is open here must not use up what webhooks need."""

    __slots__ = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._manager is not None and len(self._manager.connections) > CONNECTIONS_MAX:
            cast("asyncio.Transport", transport).abort()

    def handle_error(self, *args: Any, **named: Any) -> web.StreamResponse:
        """What cannot be parsed never gets to the application, which adds the headers to all else."""
        response = super().handle_error(*args, **named)
        response.headers.update(HEADERS)
        return response


def _silent_logger() -> logging.Logger:
    """For aiohttp's protocol, which logs what it cannot parse with all that was sent: paths and headers are secrets.

    What handlers raise is logged where they are.
    """
    logger = logging.getLogger("groundswell.http.protocol")
    logger.disabled = True
    return logger
