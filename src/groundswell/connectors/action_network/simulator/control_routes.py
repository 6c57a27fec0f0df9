"""The controls over HTTP, for a simulator that runs on its own, under `/_simulator/`, which is no path of theirs.

    GET    /_simulator/counts        what arrived, what was refused, the most calls in one second, ...
    DELETE /_simulator/counts        begin to count anew
    POST   /_simulator/people        {"add": 10, "edit": 5, "reorder": 100}
    PUT    /_simulator/people/UUID   {"given_name": "...", "email_status": "unsubscribed"}
    POST   /_simulator/merge         {"kept": UUID, "lost": UUID}
    POST   /_simulator/happen        {"count": 100}
    PUT    /_simulator/behaviour     switches, by name
    PUT    /_simulator/faults        shares, by name
    POST   /_simulator/tags          {"name": "..."}
    POST   /_simulator/custom_fields {"name": "..."}

Nothing here wants a key: the simulator listens on the loopback interface.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from groundswell.connectors.action_network.simulator.control import Control
from groundswell.errors import RequestError

Answer = Callable[[Control, web.Request, bytes], Any]


class _People(Struct, forbid_unknown_fields=True):
    add: int = 0
    edit: int = 0
    reorder: int = 0


class _Merge(Struct, forbid_unknown_fields=True):
    kept: str
    lost: str


class _Happen(Struct, forbid_unknown_fields=True):
    count: int = 1


class _Named(Struct, forbid_unknown_fields=True):
    name: str


def add_control(app: web.Application, control: Control) -> None:
    """Add the controls to a server."""
    for method, path, answer in (
        ("GET", "counts", _counts),
        ("DELETE", "counts", _reset),
        ("POST", "people", _people),
        ("PUT", "people/{uuid}", _edit),
        ("POST", "merge", _merge),
        ("POST", "happen", _happen),
        ("PUT", "behaviour", _behave),
        ("PUT", "faults", _fail),
        ("POST", "tags", _tag),
        ("POST", "custom_fields", _custom_field),
    ):
        app.router.add_route(method, f"/_simulator/{path}", _handler(control, answer))


def _handler(control: Control, answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            body = answer(control, request, await request.read() or b"{}")
        except (msgspec.DecodeError, RequestError, UnicodeDecodeError) as exc:
            return _json({"error": str(exc)}, 400)
        return _json(body, 200)

    return handle


def _json(body: Any, status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")


def _counts(control: Control, request: web.Request, body: bytes) -> Any:
    return {"people": control.people, **control.counts.shown()}


def _reset(control: Control, request: web.Request, body: bytes) -> Any:
    control.reset_counts()
    return _counts(control, request, body)


def _people(control: Control, request: web.Request, body: bytes) -> Any:
    asked = msgspec.json.decode(body, type=_People)
    added = control.add_people(asked.add)
    control.edit_some(asked.edit)
    control.reorder(asked.reorder)
    return {"people": control.people, "added": added}


def _edit(control: Control, request: web.Request, body: bytes) -> Any:
    return control.edit(request.match_info["uuid"], **msgspec.json.decode(body, type=dict[str, Any]))


def _merge(control: Control, request: web.Request, body: bytes) -> Any:
    asked = msgspec.json.decode(body, type=_Merge)
    control.merge(asked.kept, asked.lost)
    return {"people": control.people}


def _happen(control: Control, request: web.Request, body: bytes) -> Any:
    control.happen(msgspec.json.decode(body, type=_Happen).count)
    return {"people": control.people}


def _behave(control: Control, request: web.Request, body: bytes) -> Any:
    control.behave(**msgspec.json.decode(body, type=dict[str, Any]))
    return {}


def _fail(control: Control, request: web.Request, body: bytes) -> Any:
    control.fail(**msgspec.json.decode(body, type=dict[str, float]))
    return {}


def _tag(control: Control, request: web.Request, body: bytes) -> Any:
    return {"id": control.add_tag(msgspec.json.decode(body, type=_Named).name)}


def _custom_field(control: Control, request: web.Request, body: bytes) -> Any:
    control.add_custom_field(msgspec.json.decode(body, type=_Named).name)
    return {}
