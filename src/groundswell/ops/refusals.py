"""Whatever goes wrong, in one shape: {"error": "..."} for programs, a page for people who look at pages."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import structlog
from aiohttp import web

from groundswell.errors import ConfigError, GroundswellError, NotFoundError, RefusedError, RequestError
from groundswell.logs import without_text
from groundswell.ops.answers import answer
from groundswell.ops.messages import Refused

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ErrorPage = Callable[[web.Request, int, str], web.Response]

log = structlog.get_logger()


class Refusals:
    """Answers for what handlers raise."""

    def __init__(self, page: ErrorPage) -> None:
        self._page = page

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception as exc:
            status, message, headers = refusal_of(exc, request.path)
        if 300 <= status < 400:
            return web.Response(status=status, headers=headers)
        if is_for_a_page(request):
            response = self._page(request, status, message)
            response.headers.update(headers)
        else:
            response = answer(Refused(message), status, headers)
        if headers.get("Connection") == "close":
            response.force_close()
        return response


def is_for_a_page(request: web.BaseRequest) -> bool:
    """Whether a person looks at the answer in a browser."""
    return not request.path.startswith("/api") and "text/html" in request.headers.get("Accept", "")


def refusal_of(exc: Exception, path: str) -> tuple[int, str, dict[str, str]]:
    """Status, words and headers for what was raised."""
    match exc:
        case RefusedError():
            return exc.status, str(exc), exc.headers
        case NotFoundError():
            return 404, str(exc), {}
        case RequestError():
            return 409, str(exc), {}
        case ConfigError():
            return 422, f"the configuration is wrong, and the one in force stays:\n{exc}", {}
        case GroundswellError():  # the state file: full, or failing
            return 503, f"not now: {exc}", {"Retry-After": "60"}
        case web.HTTPNotFound():
            return 404, "there is nothing here; GET /api/openapi.json lists what there is", {}
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(exc.allowed_methods))
            return 405, f"only {allowed} is taken here", {"Allow": allowed}
        case web.HTTPRedirection():
            return exc.status, exc.reason, {"Location": exc.headers["Location"]}
        case web.HTTPException():
            return exc.status, exc.reason or HTTPStatus(exc.status).phrase, {}
    log.error("ops_defect", path=path, exception=without_text(exc), then="answered 500")
    return 500, "this is a defect in groundswell; its log has the details, please report it", {}
