"""The guard of the ops port: nobody gets near a handler who may not be there, and no form counts that is not ours."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Final, NoReturn
from urllib.parse import quote

import structlog
from aiohttp import web

from groundswell.clock import Clock
from groundswell.config.model import OpsSettings
from groundswell.errors import RefusedError
from groundswell.ops.access import Access, check_host, origin_of
from groundswell.ops.caller import USER_HEADER, Caller
from groundswell.ops.headers import IS_SECURE
from groundswell.ops.health import METRICS
from groundswell.ops.requests import Form, first_in, read_form
from groundswell.ops.sessions import Codes, Session, Sessions
from groundswell.ops.throttle import Throttle, place_of
from groundswell.settings import Listen

CSRF_HEADER: Final = "X-CSRF-Token"
CSRF_FIELD: Final = "csrf"
FORM_FIELD: Final = "form"
"""Which form of a page was sent."""
AT_FIELD: Final = "at"
"""And which of several alike."""
SURE_FIELD: Final = "sure"
"""That a question was answered with yes."""
LOGIN: Final = "/login"
API: Final = "/api/"
EVENTS: Final = "/events"
BY_ITSELF_HEADER: Final = "X-By-Itself"
"""What pages ask for by themselves, always or with this header: that somebody looks is not that somebody is there."""

CALLER: Final = web.RequestKey("caller", Caller)
SESSION: Final = web.RequestKey("session", Session)
FORM: Final = web.RequestKey("form", Form)
_ACCESS: Final = web.RequestKey("access", Access)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger()


class Guard:
    """Says who asks. `apply` takes over other settings while it runs."""

    def __init__(self, token: str, settings: OpsSettings, clock: Clock) -> None:
        self._token = token
        self._settings = settings
        self._listen: Listen = settings.listen  # a reload does not move it
        self._clock = clock
        self._open: frozenset[str] = frozenset()
        self.throttle = Throttle(clock)
        self.sessions = Sessions(clock)
        self.codes = Codes(clock)
        self.access = Access(token, settings, clock, self.throttle)
        self.port = settings.listen.port
        """The port really listened on."""
        self.when_ended: Callable[[web.Request], web.StreamResponse]
        """Answers a form of a page that is of no present login: it is not done. FORM is there if our page sent it."""

    def open(self, paths: Iterable[str]) -> None:
        """Let everybody in at these paths (of routes)."""
        self._open = self._open.union(paths)

    def apply(self, settings: OpsSettings) -> None:
        """Take over who may come in. Where that has changed, whoever is in has to come in again."""
        if _who(settings) != _who(self._settings):
            self.access = Access(self._token, settings, self._clock, self.throttle)
            self.sessions.end_all()
            self.codes.end_all()
            log.info("logins_changed", then="all sessions of the dashboard are over")
        self._settings = settings

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        request[IS_SECURE] = self._is_secure(request)
        check_host(request.headers.get("Host"), self._listen, self._settings.names)
        # By the route, not by the path: there is more than one way to write a path. Without a route it is 404 or 405.
        resource = request.match_info.route.resource
        if resource is None:
            return await handler(request)
        is_open = resource.canonical in self._open
        is_use = resource.canonical != EVENTS and BY_ITSELF_HEADER not in request.headers
        is_in = is_open or await self._is_let_in(request, is_use=is_use)
        if request.method in ("GET", "HEAD"):
            if not is_in:
                self._turn_away(request, resource.canonical)
            return await handler(request)
        await self._check_is_of_here(request, is_in=is_in)
        if not is_in and not self._is_of_a_page(request):
            self._turn_away(request, resource.canonical)
        if not is_in or not self._is_of_this_login(request):
            return self.when_ended(request)
        return await handler(request)

    # ---- who ----

    async def may_see(self, request: web.Request) -> bool:
        """At a path that is open: whether they are on this machine, or let in. Raises RefusedError as for any other."""
        return self._listen.is_loopback or await self._is_let_in(request, is_use=False)

    async def _is_let_in(self, request: web.Request, *, is_use: bool) -> bool:
        """Note who it is. Raises RefusedError: what they bring to prove it is wrong."""
        request[_ACCESS] = self.access
        header = self._settings.proxy_header
        named = [] if header is None else request.headers.getall(header, [])
        authorization = request.headers.get("Authorization")
        if caller := self.access.by_proxy(named, request.remote, self.address(request)):
            request[CALLER], request[SESSION] = caller, self.sessions.of_proxy(caller)
        elif authorization is not None:
            address, user = self.address(request), request.headers.get(USER_HEADER)
            request[CALLER] = await self.access.check(authorization, address, user)
        elif session := self.sessions.of_id(request.cookies.get(self.cookie(request)), is_use=is_use):
            request[CALLER], request[SESSION] = replace(session.caller, place=self.address(request)), session
        return CALLER in request

    def _turn_away(self, request: web.Request, path: str) -> NoReturn:
        is_script = _is_by_script(request)
        if path.startswith(API) or path == METRICS or is_script:
            raise self.access.refusal(is_script=is_script)
        asked = request.path_qs if request.method == "GET" else "/"
        raise web.HTTPSeeOther(f"{LOGIN}?next={quote(asked, safe='')}")

    def is_still_in(self, request: web.Request) -> bool:
        """For what is sent for as long as somebody looks: whether they would still be let in."""
        session = request.get(SESSION)
        return request[_ACCESS] is self.access and (session is None or not self.sessions.has_ended(session))

    # ---- whether it is meant ----

    def check_origin(self, request: web.Request) -> None:
        """For a GET that does more than to look. Raises RefusedError (403): another site's page has it sent."""
        if origin_of(request.headers, self._settings.names) == "foreign":
            raise RefusedError(403, "this was sent by a page of another site, and is not done")

    async def _check_is_of_here(self, request: web.Request, *, is_in: bool) -> None:
        """Refuse what a page of somebody else has the browser send, and read a form. Raises RefusedError (403, ...)."""
        origin = origin_of(request.headers, self._settings.names)
        session = request.get(SESSION)
        is_by_password = request.headers.get("Authorization", "").lower().startswith("basic")
        if origin == "foreign" or (origin == "hidden" and session is None and is_by_password):
            raise RefusedError(403, "this was sent by a page of another site, and is not done")
        if _is_form(request) and (is_in or origin == "own"):
            request[FORM] = await read_form(request)

    def is_own(self, request: web.Request) -> bool:
        """Whether the browser says that a page of ours sent it, so that what is in it may be shown again."""
        return origin_of(request.headers, self._settings.names) == "own"

    def _is_of_a_page(self, request: web.Request) -> bool:
        """Whether a browser sent it, for a form of a page: ours, or one whose site it hides."""
        if _is_by_script(request):
            return False
        if self.is_own(request):
            return bool(first_in(request.get(FORM, {}), FORM_FIELD))
        return _is_form(request) and origin_of(request.headers, self._settings.names) == "hidden"

    def _is_of_this_login(self, request: web.Request) -> bool:
        """Whether it has the token of its session, or needs none; False: that of another session, and a page of ours
        sent it. Raises RefusedError (403)."""
        session = request.get(SESSION)
        token = request.headers.get(CSRF_HEADER) or first_in(request.get(FORM, {}), CSRF_FIELD)
        if session is None or session.is_own(token):
            return True
        if token and self.is_own(request) and self._is_of_a_page(request):
            return False
        raise RefusedError(403, "this form is not of your present login; load the page again, and send it anew")

    # ---- what a request is like ----

    def cookie(self, request: web.BaseRequest) -> str:
        """The name of the session's cookie. Cookies know no ports: two daemons of a machine have each their own."""
        if isinstance(request, web.Request) and request.get(IS_SECURE, False):
            return "__Host-groundswell"
        return f"groundswell_{self.port}"

    def address(self, request: web.BaseRequest) -> str:
        """Where it came from: the peer, or whom a proxy of ours names last."""
        remote = request.remote or ""
        if not self.access.is_proxy(remote):
            return remote
        said = ",".join(request.headers.getall("X-Forwarded-For", [])).rpartition(",")[2].strip()
        return said if place_of(said) else remote

    def _is_secure(self, request: web.BaseRequest) -> bool:
        if request.secure:
            return True
        said = request.headers.get("X-Forwarded-Proto", "")
        return said.strip().lower() == "https" and self.access.is_proxy(request.remote)


def _is_by_script(request: web.Request) -> bool:
    ours = (CSRF_HEADER, BY_ITSELF_HEADER)
    return any(name in request.headers for name in ours) or request.headers.get("Sec-Fetch-Dest") == "empty"


def _is_form(request: web.Request) -> bool:
    return request.content_type == "application/x-www-form-urlencoded" and not request.path.startswith(API)


def _who(settings: OpsSettings) -> dict[str, object]:
    """The settings that say who may come in."""
    names = ("password", "read_password", "read_personal", "proxy_header", "proxy_from", "proxy_read_only")
    return {name: getattr(settings, name) for name in names}
