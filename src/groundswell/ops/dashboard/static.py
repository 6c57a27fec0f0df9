"""What pages need beside their text: read once, and served under names that change with what is in them."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from typing import Final

from aiohttp import web

FOLDER: Final = "/static/"
TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FOR_A_YEAR: Final = "public, max-age=31536000, immutable"


class Static:
    """A fixed table of files: no path is ever put together from what somebody asked for."""

    def __init__(self) -> None:
        self._files: Mapping[str, bytes] = {
            entry.name: entry.read_bytes()
            for entry in (resources.files(__package__) / "static").iterdir()
            if entry.name.rpartition(".")[2] in TYPES
        }
        self.urls: Mapping[str, str] = {name: _url(name, content) for name, content in self._files.items()}
        """By file name."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get(url, _handler(self._files[name], name)) for name, url in self.urls.items()]


def _url(name: str, content: bytes) -> str:
    stem, _, kind = name.rpartition(".")
    return f"{FOLDER}{stem}-{hashlib.sha256(content).hexdigest()[:16]}.{kind}"


def _handler(content: bytes, name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(_: web.Request) -> web.StreamResponse:
        response = web.Response(body=content, content_type=TYPES[name.rpartition(".")[2]], charset="utf-8")
        response.headers["Cache-Control"] = _FOR_A_YEAR
        return response

    return handle
