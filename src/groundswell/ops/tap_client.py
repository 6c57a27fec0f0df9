"""Following /api/tap of a running daemon, line by line, for the command line."""

from collections.abc import AsyncGenerator
from typing import Any, Final

import aiohttp
import msgspec

from groundswell.errors import RequestError
from groundswell.ops import token_file
from groundswell.ops.client import CONNECT_TIMEOUT_S, OpsError, asking, refusal_in
from groundswell.ops.operations import TAP
from groundswell.ops.place import Place
from groundswell.ops.tap_messages import AskTap, TapLine
from groundswell.store.database import Lock

SILENCE_S: Final = 60.0
"""A daemon that is well says something more often."""
LINE_BYTES_MAX: Final = 64 * 2**20

_decoder: Final[msgspec.json.Decoder[TapLine]] = msgspec.json.Decoder(TapLine)


async def tap(place: Place, asked: AskTap) -> AsyncGenerator[TapLine, None]:
    """What comes out of the components, until the daemon ends it.

    Raises:
        RequestError: no daemon runs.
        OpsError: it refused, cannot be reached, or broke off.
    """
    reach = token_file.read(place.token_file) if Lock(place.state).is_held() else None
    if reach is None:
        raise RequestError(f"no groundswell runs on {place.state}, so nothing comes out; start one: `groundswell run`")
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_S)
    async with asking(reach, "GET", TAP.path, params=_query(asked), timeout=timeout) as response:
        if response.status != 200:
            raise refusal_in(reach, response.status, await response.content.read(LINE_BYTES_MAX))
        rest = b""
        async for part in response.content.iter_any():
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                yield _line(reach.address, line)
            if len(rest) > LINE_BYTES_MAX:
                raise OpsError(f"a line from {reach.address} is larger than {LINE_BYTES_MAX // 2**20} MiB")


def _query(asked: AskTap) -> dict[str, Any]:
    given = msgspec.to_builtins(asked)
    return {name: str(value).lower() if value is True else value for name, value in given.items() if value}


def _line(address: str, line: bytes) -> TapLine:
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise OpsError(
            f"what answers at {address} does not speak as this groundswell does; after an upgrade, restart the daemon"
        ) from exc
