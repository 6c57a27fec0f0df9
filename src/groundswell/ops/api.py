"""The HTTP side of the operations: one route each under /api, and the document that describes them."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from groundswell.ops.answers import answer
from groundswell.ops.clerk import Clerk
from groundswell.ops.guard import CALLER
from groundswell.ops.openapi import openapi
from groundswell.ops.operations import OPERATIONS, STREAMS, Operation
from groundswell.ops.requests import read_body, read_query

DOCUMENT_PATH: Final = "/api/openapi.json"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def api_routes(clerk: Clerk) -> list[web.RouteDef]:
    """The routes. Who asks is found out before."""
    routes = [web.route(operation.method, operation.path, _handler(operation, clerk)) for operation in OPERATIONS]
    return [*routes, web.get(DOCUMENT_PATH, _show_document, allow_head=False)]


def _handler(operation: Operation[Any, Any], clerk: Clerk) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        clerk.check(request[CALLER], operation)
        if operation.method == "GET":
            asked = read_query(request, operation.request)
        else:
            asked = await read_body(request, operation.request)
        return answer(await clerk.run(request[CALLER], operation, asked))

    return handle


async def _show_document(_: web.Request) -> web.StreamResponse:
    return answer(openapi(OPERATIONS, STREAMS))
