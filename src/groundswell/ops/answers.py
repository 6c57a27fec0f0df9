"""Answers of the ops port in JSON."""

from typing import Any, Final

import msgspec
from aiohttp import web

_HEADERS: Final = {"Content-Type": "application/json", "Cache-Control": "no-store"}


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """JSON that nobody keeps."""
    return web.Response(body=msgspec.json.encode(content), status=status, headers={**_HEADERS, **(headers or {})})
