"""The controls over HTTP, for a simulator that runs on its own, under `/_simulator/`, which is no path of theirs.

    GET    /_simulator/counts        what arrived, what was refused, exports, downloads, webhooks
    DELETE /_simulator/counts        begin to count anew
    GET    /_simulator/totals        what was paid, given back, and came to each entity
    PUT    /_simulator/behaviour     switches, by name
    PUT    /_simulator/faults        shares, by name
    PUT    /_simulator/as_of         {"as_of": "2026-06-01T00:00:00Z"}: what happened later is not known yet

Nothing here wants a password: the simulator listens on the loopback interface.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from groundswell.connectors.actblue.simulator.control import Control

Answer = Callable[[Control, bytes], Any]


class _AsOf(Struct, forbid_unknown_fields=True):
    as_of: datetime


def add_control(app: web.Application, control: Control) -> None:
    """Add the controls to a server."""
    for method, path, answer in (
        ("GET", "counts", _counts),
        ("DELETE", "counts", _reset),
        ("GET", "totals", _totals),
        ("PUT", "behaviour", _behave),
        ("PUT", "faults", _fail),
        ("PUT", "as_of", _as_of),
    ):
        app.router.add_route(method, f"/_simulator/{path}", _handler(control, answer))


def _handler(control: Control, answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            body = answer(control, await request.read() or b"{}")
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            return _json({"error": str(exc)}, 400)
        return _json(body, 200)

    return handle


def _json(body: Any, status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")


def _counts(control: Control, body: bytes) -> Any:
    webhooks = control.answers.shown() if control.answers is not None else None
    return {**control.counts.shown(), "webhooks": webhooks}


def _reset(control: Control, body: bytes) -> Any:
    control.reset_counts()
    return _counts(control, body)


def _totals(control: Control, body: bytes) -> Any:
    totals = control.ledger.totals(own_only=False)
    ours = control.ledger.totals()
    return {"paid": ours.paid, "refunded": ours.refunded, "net": ours.net, "by_entity": totals.by_entity}


def _behave(control: Control, body: bytes) -> Any:
    control.behave(**msgspec.json.decode(body, type=dict[str, Any]))
    return {}


def _fail(control: Control, body: bytes) -> Any:
    control.fail(**msgspec.json.decode(body, type=dict[str, float]))
    return {}


def _as_of(control: Control, body: bytes) -> Any:
    moment = msgspec.json.decode(body, type=_AsOf).as_of
    control.set_as_of(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
    return {}
