"""Logging in and out: by the password, or by a one-time code from `groundswell dashboard`."""

import re
from typing import Final

import structlog
from aiohttp import web
from yarl import URL

from groundswell.errors import RefusedError
from groundswell.ops.caller import Caller
from groundswell.ops.dashboard.kept import (
    NOT_DONE,
    NOT_OURS,
    TO_BE_SENT,
    TOO_LARGE,
    as_fields,
    kept_of,
    longest_of,
    of_login,
)
from groundswell.ops.dashboard.shell import Shell
from groundswell.ops.guard import FORM, LOGIN, SESSION, Guard
from groundswell.ops.headers import IS_SECURE
from groundswell.ops.requests import Form
from groundswell.ops.throttle import place_of

LOGOUT: Final = "/logout"
_LOCAL: Final = re.compile(r"(?!.*//)/[A-Za-z0-9._~!$'()*+,;:@%/?=&-]*")
"""A path of our own. Browsers take "//" and "/\\" for the beginning of another site's address."""

log = structlog.get_logger()


class Login:
    """The page with the form, and what is sent by it."""

    def __init__(self, guard: Guard, shell: Shell) -> None:
        self._guard = guard
        self._shell = shell

    def routes(self) -> list[web.RouteDef]:
        return [web.get(LOGIN, self._show), web.post(LOGIN, self._enter), web.post(LOGOUT, self._leave)]

    async def _show(self, request: web.Request) -> web.StreamResponse:
        following = local_path(request.query.get("next"))
        if self._guard.sessions.of_id(self._cookie_of(request)) is not None:
            raise web.HTTPSeeOther(following)
        return self._page(following)

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        form = request.get(FORM)
        if form is None:
            raise RefusedError(415, "send the login form")
        said = {name: values[0] for name, values in form.items()}
        following = local_path(said.get("next"))
        # Only what our own login page sends back: another site's page is not to fill in our forms.
        kept = of_login(form) if self._guard.is_own(request) else {}
        address = self._guard.address(request)
        try:
            caller = await self._caller(said.get("password", ""), said.get("code", ""), address)
        except RefusedError as exc:  # too many wrong ones, or too many at once
            return self._page(following, f"{exc}.", exc.status, exc.headers, kept)
        if caller is None:
            wrong = "That code is not good: each lasts a minute, and lets in once." if said.get("code") else _WRONG
            return self._page(following, wrong, 401, kept=kept)
        return self._let_in(request, caller, following, kept)

    async def _caller(self, password: str, code: str, address: str) -> Caller | None:
        access = self._guard.access
        if code:
            self._guard.throttle.check(place_of(address))
            if self._guard.codes.take(code):
                return Caller("code", place=address)
            access.note_failure(place_of(address))
            return None
        return await access.by_password(password, address) if access.has_password else None

    def ended(self, request: web.Request) -> web.StreamResponse:
        """For a form of a page whose login has ended: it is not done, and what a page of ours sent is not lost."""
        if request.path == LOGOUT:
            return web.Response(status=303, headers={"Location": LOGIN})
        following, session = local_path(request.path_qs), request.get(SESSION)
        kept = kept_of(request.get(FORM, {}))
        if session is None:
            return self._page(following, status=401, kept=kept, has_ended=True)
        session.keep(request.path, kept)  # they are in again already: in another window, or by a proxy
        return web.Response(status=303, headers={"Location": following})

    def _let_in(self, request: web.Request, caller: Caller, following: str, kept: Form) -> web.StreamResponse:
        self._guard.sessions.end(self._cookie_of(request))
        session_id, session = self._guard.sessions.begin(caller)
        if kept:
            session.keep(URL(following, encoded=True).path, kept)
        log.info("logged_in", way=caller.way, place=caller.place)
        response = web.Response(status=303, headers={"Location": following})
        response.set_cookie(
            self._guard.cookie(request),
            session_id,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=request[IS_SECURE],
        )
        return response

    async def _leave(self, request: web.Request) -> web.StreamResponse:
        self._guard.sessions.end(self._cookie_of(request))
        response = web.Response(status=303, headers={"Location": LOGIN})
        response.del_cookie(
            self._guard.cookie(request), path="/", httponly=True, samesite="Strict", secure=request[IS_SECURE]
        )
        return response

    def _page(
        self,
        following: str,
        wrong: str | None = None,
        status: int = 200,
        headers: dict[str, str] | None = None,
        kept: Form | None = None,
        has_ended: bool = False,
    ) -> web.Response:
        fields = as_fields(kept or {})
        what_then = TO_BE_SENT if fields else TOO_LARGE if kept else NOT_OURS
        values = {
            "title": "Log in",
            "following": following,
            "wrong": wrong,
            "asks_for_password": self._has_password,
            "not_done": f"{NOT_DONE} {what_then}" if kept or has_ended else None,
            "kept": fields,
            "to_copy": longest_of(kept) if kept and not fields else None,
        }
        response = self._shell.page("login.html", status, values)
        response.headers.update(headers or {})
        return response

    @property
    def _has_password(self) -> bool:
        return self._guard.access.has_password

    def _cookie_of(self, request: web.Request) -> str | None:
        return request.cookies.get(self._guard.cookie(request))


_WRONG: Final = "That is not the password."


def local_path(asked: str | None) -> str:
    """Where to go on after the login: the path asked for, if it is one of this port, else the overview."""
    return asked if asked is not None and _LOCAL.fullmatch(asked) else "/"
