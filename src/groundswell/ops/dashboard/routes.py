"""The routes of the dashboard: every page, its forms, the login, and what they are made with."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from groundswell.clock import Clock
from groundswell.errors import ConfigError, RefusedError, RequestError
from groundswell.ops.clerk import Clerk, may
from groundswell.ops.dashboard.kept import trouble_of
from groundswell.ops.dashboard.live import Live
from groundswell.ops.dashboard.login import Login, local_path
from groundswell.ops.dashboard.pages import BAR, PAGES, FormOf, Page
from groundswell.ops.dashboard.shell import Shell
from groundswell.ops.dashboard.static import Static
from groundswell.ops.dashboard.visit import Link, Trouble, Visit, without_secrets
from groundswell.ops.guard import AT_FIELD, CALLER, CSRF_FIELD, FORM, FORM_FIELD, LOGIN, SESSION, SURE_FIELD, Guard
from groundswell.ops.requests import Form, first_in, of_form

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Dashboard:
    """All pages."""

    def __init__(self, guard: Guard, clock: Clock) -> None:
        self._guard = guard
        self._static = Static()
        self._shell = Shell(self._static.urls)
        self._login = Login(guard, self._shell)
        guard.when_ended = self._login.ended
        self.live = Live(clock, guard)

    @property
    def open_paths(self) -> list[str]:
        """What everybody may see."""
        return [LOGIN, *self._static.urls.values()]

    def routes(self, clerk: Clerk) -> list[web.RouteDef]:
        routes = [*self._static.routes(), *self._login.routes(), *self.live.routes(clerk)]
        for page in PAGES:
            routes.append(web.get(page.path, self._shows(page, clerk)))
            if page.forms:
                routes.append(web.post(page.path, self._takes(page, clerk)))
        return routes

    def error(self, request: web.Request, status: int, message: str) -> web.Response:
        """A page for what cannot be answered."""
        values = {"title": "Not done" if status < 500 else "Not now", "message": message, "is_in": CALLER in request}
        return self._shell.page("error.html", status, values)

    def _shows(self, page: Page, clerk: Clerk) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            visit = self._visit(request, page, clerk)
            if (kept := visit.kept()) is not None:
                visit.trouble = trouble_of(kept)
            return await page.show(visit)

        return handle

    def _takes(self, page: Page, clerk: Clerk) -> Handler:
        forms = {form.operation.name: form for form in page.forms}

        async def handle(request: web.Request) -> web.StreamResponse:
            sent = request.get(FORM)
            form = forms.get(first_in(sent or {}, FORM_FIELD))
            if sent is None or form is None:
                raise RefusedError(400, "this page has no such form; load it again")
            clerk.check(request[CALLER], form.operation)
            return await _done(page, form, sent, self._visit(request, page, clerk))

        return handle

    def _visit(self, request: web.Request, page: Page, clerk: Clerk) -> Visit:
        caller = request[CALLER]
        pages = [
            other
            for other in PAGES
            if other.is_in_navigation
            and "{" not in other.path
            and all(may(caller, operation) for operation in other.needs)
        ]
        pages.sort(key=lambda other: BAR.index(other.path) if other.path in BAR else len(BAR))
        links = [
            Link(
                other.path,
                other.title,
                is_here=other is page,
                is_above=other is not page and page.path.startswith(f"{other.path}/"),
                is_in_bar=other.path in BAR,
            )
            for other in pages
        ]
        return Visit(request, caller, request.get(SESSION), self._guard, clerk, self._shell, page.title, links)


async def _done(page: Page, form: FormOf, sent: Form, visit: Visit) -> web.StreamResponse:  # type: ignore[type-arg]
    """Have what the form asks for done: then on to the page as it is after that, or back with the reason why not."""
    operation = form.operation
    ours = (CSRF_FIELD, FORM_FIELD, AT_FIELD, SURE_FIELD)
    fields = {name: values for name, values in sent.items() if name not in ours}
    at = first_in(sent, AT_FIELD)
    try:
        asked = of_form(fields, operation.request) if form.read is None else form.read(fields)
        if form.asks is not None and SURE_FIELD not in sent:
            question = await form.asks(visit, asked)
            confirmed = {**fields, **{name: [value] for name, value in question.means.items()}}
            return visit.page("confirm.html", question=question.text, form=operation.name, at=at, fields=confirmed)
        answer = await visit.ask(operation, asked)
    except (RefusedError, RequestError, ConfigError) as exc:
        visit.trouble = Trouble(operation.name, at, str(exc), without_secrets(fields))
        return await page.show(visit)
    if operation.only_looks or form.is_shown or form.is_look(asked):
        visit.found[operation.name], visit.sent[operation.name] = answer, asked
        return await page.show(visit)
    visit.tell(form.said(answer))
    return web.Response(status=303, headers={"Location": form.then or local_path(visit.request.path_qs)})
