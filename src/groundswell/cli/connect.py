"""Trying every account of a configuration, for `groundswell check --connect`."""

import re
from random import Random
from typing import Final

import anyio
from msgspec import Struct

from groundswell.clock import Clock
from groundswell.component import Account
from groundswell.config.model import Config
from groundswell.errors import RemoteError
from groundswell.http.client import Client, new_session
from groundswell.runtime.build import Builder, NoKeys

TRY_S: Final = 30.0
"""How long an account may take, its wait for its rate included. All are tried at the same time."""
_AGAIN: Final = re.compile(r"; it will be tried again\b.*$")
"""How errors end that the daemon gets over by itself. Here nobody tries again."""


class AccountTried(Struct, frozen=True):
    """What came of trying one account."""

    name: str
    type: str
    host: str | None
    """None when it could not even be built."""
    ok: bool
    message: str
    """What was found, or why it failed. No secrets."""


async def try_accounts(config: Config, clock: Clock, within_s: float = TRY_S) -> list[AccountTried]:
    """Try the credentials of every account, all at the same time, changing nothing there."""
    tried: dict[str, AccountTried] = {}
    async with new_session() as session:
        builder = Builder(clock, Random(), Client(session, clock), NoKeys())

        async def one(name: str) -> None:
            described = config.accounts[name]
            try:
                account = builder.account(described)
            except Exception as exc:
                tried[name] = AccountTried(name, described.type, None, ok=False, message=_defect(exc))
                return
            is_good, message = await _tried(name, account, within_s)
            tried[name] = AccountTried(name, described.type, account.host, is_good, message)

        async with anyio.create_task_group() as tasks:
            for name in config.accounts:
                tasks.start_soon(one, name)
    return [tried[name] for name in config.accounts]


async def _tried(name: str, account: Account, within_s: float) -> tuple[bool, str]:
    with anyio.move_on_after(within_s):
        try:
            return True, await account.check()
        except RemoteError as exc:
            return False, _AGAIN.sub("; try again later", str(exc)).removeprefix(f"{name}: ")
        except Exception as exc:
            return False, _defect(exc)
    return False, f"no answer within {within_s:g} s"


def _defect(exc: Exception) -> str:
    """Without its words: nobody knows what they hold."""
    return f"failed with {type(exc).__name__}; this is a defect, please report it"
