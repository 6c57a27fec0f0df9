"""The ops port: health, metrics, the API and the dashboard, on one small aiohttp application."""

import os
from pathlib import Path

import anyio
import structlog
from aiohttp import web

from groundswell.config.model import Config, OpsSettings
from groundswell.http.certificate import LiveCertificate, live_certificate
from groundswell.http.client import Client
from groundswell.ops import token_file
from groundswell.ops.api import api_routes
from groundswell.ops.clerk import Clerk
from groundswell.ops.dashboard.routes import Dashboard
from groundswell.ops.desk import Desk
from groundswell.ops.gauges import Gauges
from groundswell.ops.guard import LOGIN, Guard
from groundswell.ops.headers import add_headers
from groundswell.ops.health import HEALTHZ, METRICS, READYZ, Health
from groundswell.ops.listening import Port
from groundswell.ops.messages import LoginCode, Nothing
from groundswell.ops.notify import notify
from groundswell.ops.refusals import Refusals
from groundswell.ops.requests import BODY_BYTES_MAX
from groundswell.ops.sessions import CODE_LASTS_S
from groundswell.ops.tap import TapRoute
from groundswell.ops.token_file import TokenFile, new_token
from groundswell.runtime.daemon import Daemon
from groundswell.settings import Listen

log = structlog.get_logger()


class OpsServer:
    """Listens where [ops] says, while a daemon runs."""

    def __init__(self, config: Config, *, token: str | None = None) -> None:
        self._settings: OpsSettings = config.ops
        self._notify = config.ops.notify
        self._notify_changed = anyio.Event()
        self._token = token or new_token()
        self._guard: Guard
        self.dashboard: Dashboard
        self._listening: Port | None = None
        self._certificate: LiveCertificate | None = None
        self._token_path: Path
        self._written: TokenFile | None = None
        self.port: int | None = None
        """The port really listened on, once started."""

    async def start(self, daemon: Daemon) -> None:
        """Listen, and write the token file.

        Raises:
            OSError: the address is taken or not ours, or the certificate cannot be read.
        """
        self._token_path = token_file.beside(daemon.store.path)
        files = self._settings.certificate, self._settings.key
        self._certificate = live_certificate("ops", *files, daemon.clock, self._write_token_file)
        self._guard = Guard(self._token, self._settings, daemon.clock)
        tls = None if self._certificate is None else self._certificate.context
        listening = Port(self._application(daemon), self._settings.listen, tls)
        self.port = self._guard.port = await listening.start()
        self._listening = listening
        self._write_token_file()

    async def stop(self) -> None:
        """Stop listening, and take the token file away."""
        if self._written is not None:
            token_file.remove(self._token_path, self._written)
            self._written = None
        if self._listening is not None:
            listening, self._listening = self._listening, None
            await listening.stop()

    async def watch(self, daemon: Daemon, http: Client) -> None:
        """Tell whoever [[ops.notify]] names when something needs a person, and when it is well."""
        desk = Desk(daemon.store, daemon.clock, None, daemon)

        async def attention() -> list[str]:
            return (await desk.status(Nothing())).attention

        while True:
            changed = self._notify_changed
            async with anyio.create_task_group() as tasks:
                for settings in self._notify:
                    tasks.start_soon(notify, settings, attention, http, daemon.clock)
                await changed.wait()
                tasks.cancel_scope.cancel()

    def apply(self, config: Config) -> None:
        """Take over who may come in, who is told, and the certificate files. The address stays until a restart."""
        if config.ops.notify != self._notify:
            self._notify, changed, self._notify_changed = config.ops.notify, self._notify_changed, anyio.Event()
            changed.set()
        if self._listening is None:  # told to read it again while it starts
            self._settings = config.ops
            return
        self._guard.apply(config.ops)
        if self._certificate is not None:
            self._certificate.use(config.ops.certificate, config.ops.key)

    def login_code(self) -> LoginCode:
        """What lets a browser in, once."""
        code = self._guard.codes.new()
        scheme, address = "http", self._address()
        if self._certificate is not None:
            scheme = "https"
            if self._settings.names:  # the certificate is for a name
                address = f"{self._settings.names[0]}:{self.port}"
        return LoginCode(code, f"{scheme}://{address}{LOGIN}#{code}", int(CODE_LASTS_S))

    def _application(self, daemon: Daemon) -> web.Application:
        dashboard = self.dashboard = Dashboard(self._guard, daemon.clock)
        refusals = Refusals(dashboard.error)
        application = web.Application(
            middlewares=[refusals.middleware, self._guard.middleware], client_max_size=BODY_BYTES_MAX
        )
        application.on_response_prepare.append(add_headers)
        application.on_shutdown.append(dashboard.live.end)
        gauges = Gauges(daemon)
        desk = Desk(daemon.store, daemon.clock, None, daemon, self.login_code, gauges)
        clerk = Clerk(desk, daemon.store.audit, daemon.clock)
        tap = TapRoute(daemon, clerk, self._guard)
        routes = [
            *Health(daemon, gauges, self._guard.may_see).routes(),
            *api_routes(clerk),
            *tap.routes(),
            *dashboard.routes(clerk),
        ]
        application.add_routes(routes)
        application.on_shutdown.append(tap.end)
        self._guard.open([HEALTHZ, READYZ, *dashboard.open_paths])
        if self._settings.listen.is_loopback:
            self._guard.open([METRICS])
        return application

    def _address(self) -> str:
        """Where this machine reaches what listens there."""
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
        host = self._settings.listen.host
        assert self.port is not None
        return str(Listen(host=everywhere.get(host, host), port=self.port))

    def _write_token_file(self) -> None:
        fingerprint = None if self._certificate is None else self._certificate.fingerprint
        content = TokenFile(self._address(), self._token, os.getpid(), fingerprint)
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
