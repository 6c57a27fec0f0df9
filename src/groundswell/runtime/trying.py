"""Trying accounts: their vendors are called with their credentials, and nothing is changed there."""

import re
from collections.abc import Mapping
from random import Random
from typing import Final

import anyio
from msgspec import Struct

from groundswell.clock import Clock
from groundswell.component import Account
from groundswell.config import model
from groundswell.errors import RemoteError
from groundswell.http.client import Client, new_session
from groundswell.runtime.build import Builder, NoKeys
from groundswell.runtime.connecting import NotConnected

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


async def try_accounts(
    config: model.Config, clock: Clock, within_s: float = TRY_S, missing: Mapping[str, NotConnected] | None = None
) -> list[AccountTried]:
    """Try the credentials of every account, all at the same time. `missing`: those that have none, and why."""
    tried: dict[str, AccountTried] = {}

    async def one(account: model.Account) -> None:
        tried[account.name] = await try_account(account, clock, within_s)

    async with anyio.create_task_group() as tasks:
        for name, account in config.accounts.items():
            reason = (missing or {}).get(name)
            if reason is None:
                tasks.start_soon(one, account)
            else:
                message = f"not connected: {reason.why}"
                tried[name] = AccountTried(name, account.type, None, ok=not reason.is_fault, message=message)
    return [tried[name] for name in config.accounts]


async def try_account(described: model.Account, clock: Clock, within_s: float = TRY_S) -> AccountTried:
    """Try one, with a limiter of its own: the call counts beside those of a running daemon."""
    async with new_session() as session:
        try:
            account = Builder(clock, Random(), Client(session, clock), NoKeys()).account(described)
        except Exception as exc:
            return AccountTried(described.name, described.type, None, ok=False, message=_defect(exc))
        return await try_built(described, account, within_s)


async def try_built(described: model.Account, account: Account, within_s: float = TRY_S) -> AccountTried:
    """Try one that is built already."""
    is_good, message = await _tried(described.name, account, within_s)
    return AccountTried(described.name, described.type, account.host, is_good, message)


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
