"""The controls over HTTP, for a simulator that runs on its own, under `/_simulator/`, which is no path of theirs.

    GET    /_simulator/counts        what arrived, what was refused, the most calls at once, ...
    DELETE /_simulator/counts        begin to count anew
    POST   /_simulator/users         {"add": 10, "edit": 5}
    PATCH  /_simulator/users/ID      {"first_name": "...", "fields": {"sms_opt_in": "no"}}
    POST   /_simulator/act           {"page": "signup", "email": "..."}
    POST   /_simulator/happen        {"count": 100}
    PUT    /_simulator/behaviour     switches, by name
    PUT    /_simulator/faults        shares, by name

Nothing here wants a password: the simulator listens on the loopback interface.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from groundswell.connectors.actionkit.simulator.calls.answers import RefusedCallError
from groundswell.connectors.actionkit.simulator.control import Control
from groundswell.errors import RequestError

Answer = Callable[[Control, web.Request, bytes], Any]


class _Users(Struct, forbid_unknown_fields=True):
    add: int = 0
    edit: int = 0


class _Happen(Struct, forbid_unknown_fields=True):
    count: int = 1


def add_control(app: web.Application, control: Control) -> None:
    """Add the controls to a server."""
    for method, path, answer in (
        ("GET", "counts", _counts),
        ("DELETE", "counts", _reset),
        ("POST", "users", _users),
        ("PATCH", "users/{id:[0-9]{1,15}}", _edit),
        ("POST", "act", _act),
        ("POST", "happen", _happen),
        ("PUT", "behaviour", _behave),
        ("PUT", "faults", _fail),
    ):
        app.router.add_route(method, f"/_simulator/{path}", _handler(control, answer))


def _handler(control: Control, answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            body = answer(control, request, await request.read() or b"{}")
        except (msgspec.DecodeError, RequestError, UnicodeDecodeError) as exc:
            return _json({"error": str(exc)}, 400)
        except RefusedCallError as exc:
            return _json(exc.body or {}, exc.status)
        return _json(body, 200)

    return handle


def _json(body: Any, status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")


def _counts(control: Control, request: web.Request, body: bytes) -> Any:
    return {"users": control.users, **control.counts.shown()}


def _reset(control: Control, request: web.Request, body: bytes) -> Any:
    control.reset_counts()
    return _counts(control, request, body)


def _users(control: Control, request: web.Request, body: bytes) -> Any:
    asked = msgspec.json.decode(body, type=_Users)
    added = control.add_users(asked.add)
    control.edit_some(asked.edit)
    return {"users": control.users, "added": added}


def _edit(control: Control, request: web.Request, body: bytes) -> Any:
    return control.edit(int(request.match_info["id"]), **msgspec.json.decode(body, type=dict[str, Any]))


def _act(control: Control, request: web.Request, body: bytes) -> Any:
    asked = msgspec.json.decode(body, type=dict[str, Any])
    return {"action_id": control.act(str(asked.pop("page", "")), **asked)}


def _happen(control: Control, request: web.Request, body: bytes) -> Any:
    control.happen(msgspec.json.decode(body, type=_Happen).count)
    return {"users": control.users}


def _behave(control: Control, request: web.Request, body: bytes) -> Any:
    control.behave(**msgspec.json.decode(body, type=dict[str, Any]))
    return {}


def _fail(control: Control, request: web.Request, body: bytes) -> Any:
    control.fail(**msgspec.json.decode(body, type=dict[str, float]))
    return {}
