"""The ops port: health, metrics and the API, on one small aiohttp application."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import anyio
import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from groundswell.config.model import Config
from groundswell.errors import (
    ConfigError,
    GroundswellError,
    NotFoundError,
    RefusedError,
    RequestError,
)
from groundswell.http.client import Client
from groundswell.logs import without_text
from groundswell.ops import token_file
from groundswell.ops.access import Access, check_host
from groundswell.ops.api import answer, api_routes
from groundswell.ops.desk import Desk
from groundswell.ops.health import HEALTHZ, METRICS, READYZ, Health
from groundswell.ops.messages import Nothing, Refused
from groundswell.ops.notify import notify
from groundswell.ops.requests import BODY_BYTES_MAX
from groundswell.ops.token_file import TokenFile, new_token
from groundswell.runtime.daemon import Daemon
from groundswell.settings import Listen

CONNECTIONS_MAX: Final = 100
KEEPALIVE_S: Final = 30.0
SHUTDOWN_S: Final = 2.0
_OPEN: Final = (HEALTHZ, READYZ)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger()


class OpsServer:
    """Listens where [ops] says, while a daemon runs."""

    def __init__(self, config: Config, *, token: str | None = None) -> None:
        self._listen = config.ops.listen
        self._password = None if config.ops.password is None else config.ops.password.reveal()
        self._notify = config.ops.notify
        self._token = token or new_token()
        self._runner: web.AppRunner | None = None
        self._access: Access
        self._token_path: Path
        self._written: TokenFile | None = None
        self.port: int | None = None
        """The port really listened on, once started."""

    async def start(self, daemon: Daemon) -> None:
        """Listen, and write the token file. Raises OSError when the address is taken or not ours."""
        self._access = Access(self._token, self._password, daemon.clock)
        self._token_path = token_file.beside(daemon.store.path)
        runner = _Runner(
            self._application(daemon),
            access_log=None,
            keepalive_timeout=KEEPALIVE_S,
            shutdown_timeout=SHUTDOWN_S,
            logger=_silent_logger(),
        )
        await runner.setup()
        site = web.TCPSite(runner, self._listen.host, self._listen.port)
        try:
            await site.start()
        except OSError as exc:
            await runner.cleanup()
            raise OSError(
                exc.errno, f"{_shown(self._listen)} ([ops] listen) cannot be listened on: {_why(exc)}"
            ) from exc
        self._runner = runner
        self.port = runner.addresses[0][1]
        self._write_token_file(_reachable(self._listen.host, self.port))

    async def stop(self) -> None:
        """Stop listening, and take the token file away."""
        if self._written is not None:
            token_file.remove(self._token_path, self._written)
            self._written = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def watch(self, daemon: Daemon, http: Client) -> None:
        """Tell whoever [[ops.notify]] names when something needs a person, and when it is well."""
        desk = Desk(daemon.store, daemon.clock, None, daemon)

        async def attention() -> list[str]:
            return (await desk.status(Nothing())).attention

        async with anyio.create_task_group() as tasks:
            for settings in self._notify:
                tasks.start_soon(notify, settings, attention, http, daemon.clock)

    def _write_token_file(self, address: str) -> None:
        content = TokenFile(address, self._token, os.getpid())
        try:
            token_file.write(self._token_path, content)
        except OSError as exc:  # a full disk is no reason not to start
            log.error(
                "token_file_not_written",
                file=str(self._token_path),
                error=exc.strerror,
                then="runs all the same; commands will not find it until it is started again",
            )
        else:
            self._written = content

    def _application(self, daemon: Daemon) -> web.Application:
        application = web.Application(middlewares=[_as_json, self._guard], client_max_size=BODY_BYTES_MAX)
        desk = Desk(daemon.store, daemon.clock, None, daemon)
        application.add_routes([*Health(daemon).routes(), *api_routes(desk)])
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let nobody near a handler who may not be there."""
        check_host(request.headers.get("Host"), self._listen)
        # By the route, not by the path: there is more than one way to write a path. Without a route it is 404 or 405.
        resource = request.match_info.route.resource
        if resource is not None and not self._is_open(resource.canonical):
            self._access.check(request.headers.get("Authorization"), request.remote)
        return await handler(request)

    def _is_open(self, path: str) -> bool:
        return path in _OPEN or (path == METRICS and self._listen.is_loopback)


@web.middleware
async def _as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong is answered in one shape: {"error": "..."}."""
    try:
        return await handler(request)
    except RefusedError as exc:
        return _refusal(exc.status, str(exc), exc.headers)
    except NotFoundError as exc:
        return _refusal(404, str(exc))
    except RequestError as exc:
        return _refusal(409, str(exc))
    except ConfigError as exc:
        return _refusal(422, f"the configuration is wrong, and the one in force stays:\n{exc}")
    except GroundswellError as exc:  # the state file: full, or failing
        return _refusal(503, f"not now: {exc}", {"Retry-After": "60"})
    except web.HTTPNotFound:
        return _refusal(404, "there is nothing here; GET /api/openapi.json lists what there is")
    except web.HTTPMethodNotAllowed as exc:
        allowed = ", ".join(sorted(exc.allowed_methods))
        return _refusal(405, f"only {allowed} is taken here", {"Allow": allowed})
    except web.HTTPException as exc:
        return _refusal(exc.status, exc.reason)
    except Exception as exc:
        log.error("ops_defect", path=request.path, exception=without_text(exc), then="answered 500")
        return _refusal(500, "this is a defect in groundswell; its log has the details, please report it")


def _refusal(status: int, message: str, headers: dict[str, str] | None = None) -> web.StreamResponse:
    response = answer(Refused(message), status, headers)
    if headers is not None and headers.get("Connection") == "close":
        response.force_close()
    return response


class _Runner(web.AppRunner):
    """aiohttp's, with a bound on connections: what is open here must not use up what webhooks need."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        note = server.connection_made

        def connection_made(handler: RequestHandler, transport: asyncio.Transport) -> None:
            note(handler, transport)
            if len(server.connections) > CONNECTIONS_MAX:
                transport.abort()

        server.connection_made = connection_made  # type: ignore[method-assign]
        return server


def _reachable(host: str, port: int) -> str:
    """Where this machine reaches what listens there."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
    return _shown(Listen(host=everywhere.get(host, host), port=port))


def _shown(listen: Listen) -> str:
    return str(listen.model_dump())


def _why(exc: OSError) -> str:
    return os.strerror(exc.errno) if exc.errno else str(exc)


def _silent_logger() -> logging.Logger:
    """For aiohttp's protocol, which logs what it cannot parse with all that was sent: paths and headers are secrets.

    What handlers raise is logged where they are.
    """
    logger = logging.getLogger("groundswell.http.protocol")
    logger.disabled = True
    return logger
