"""Fetching a file that may be larger than memory: it goes to a file of ours as it comes."""

from contextlib import nullcontext
from typing import BinaryIO, Final

import aiohttp
import anyio.to_thread
from msgspec import Struct
from yarl import URL

from groundswell.errors import UnavailableError
from groundswell.http.client import CONNECT_TIMEOUT_S, Client, host_of, what_broke

PIECE_BYTES: Final = 2**18
SILENT_S: Final = 60.0
"""So long nothing may come before it counts as broken off."""
DOWNLOAD_S: Final = 3600.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=DOWNLOAD_S, sock_connect=CONNECT_TIMEOUT_S, sock_read=SILENT_S)


class Downloaded(Struct, frozen=True):
    """What came. With a status outside 2xx nothing was written."""

    status: int
    size: int
    """Bytes written."""
    is_end_known: bool
    """Whether the other side said where the end is, so that all of it is here. Else a lost connection looks like it."""


async def download(
    client: Client, url: URL, into: BinaryIO, *, what: str, bytes_max: int, only_public: bool
) -> Downloaded:
    """Fetch `url` into a file. Nothing but the address is sent: no credentials. Redirects are not followed.

    Args:
        only_public: Wherever its name leads, connect to addresses of the open internet alone.
        what: Who is doing what, to begin messages with.
        bytes_max: A larger file is refused.

    Raises:
        UnavailableError: no whole file came: connection, TLS, time, size.
        OSError: `into` cannot be written to.
    """
    began, status_class = client.clock.monotonic(), "error"
    try:
        async with (
            client.to_public() if only_public else nullcontext(client.session) as session,
            session.get(
                url, headers={"Accept-Encoding": "identity"}, timeout=_TIMEOUT, allow_redirects=False
            ) as response,
        ):
            status_class = f"{response.status // 100}xx"
            if not 200 <= response.status < 300:
                return Downloaded(response.status, 0, is_end_known=True)
            size = 0
            while piece := await _piece(response, what, url):
                size += len(piece)
                if size > bytes_max:
                    raise UnavailableError(
                        f"{what}: {host_of(url)} sent more than {bytes_max} bytes, which no such file has; it will be "
                        "tried again"
                    )
                await anyio.to_thread.run_sync(into.write, piece)
            headers = response.headers
            is_end_known = "Content-Length" in headers or headers.get("Transfer-Encoding", "").lower() == "chunked"
            return Downloaded(response.status, size, is_end_known)
    except (aiohttp.ClientError, TimeoutError) as exc:
        raise _broken(exc, what, url) from exc
    finally:
        client.observed(url.host or "", client.clock.monotonic() - began, status_class)


async def _piece(response: aiohttp.ClientResponse, what: str, url: URL) -> bytes:
    """The next bytes. What goes wrong with the connection is told apart from what goes wrong with our file."""
    try:
        return await response.content.read(PIECE_BYTES)
    except OSError as exc:
        raise _broken(exc, what, url) from exc


def _broken(exc: Exception, what: str, url: URL) -> UnavailableError:
    return UnavailableError(f"{what}: {host_of(url)} {what_broke(exc, DOWNLOAD_S)}; it will be tried again")
