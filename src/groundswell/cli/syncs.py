"""What verbs that read the accounts of syncs share: which syncs, and a state file with no daemon on it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

from groundswell.cli.asking import fail
from groundswell.config.model import Config
from groundswell.config.problems import meant, quoted
from groundswell.errors import GroundswellError, RequestError, StoreLockedError
from groundswell.store.store import Store

R = TypeVar("R")


def switched_on(config: Config, asked: Sequence[str] | None) -> list[str]:
    """The syncs that are asked for, or all; where one is not there, or off, say so and exit."""
    there = [name for name, settings in config.syncs.items() if settings.enabled]
    for name in asked or ():
        if name not in there:
            fail(RequestError(f"there is no sync called {quoted(name)} that is switched on; {meant(name, there)}"))
    return list(asked or there)


def alone(config: Config, work: Callable[[Store | None], Awaitable[R]]) -> R:
    """Do this with the state file, None before the first start; beside a daemon, or where it fails, say why and exit.

    The lock of the file is held meanwhile: no daemon can start and pass the rates of the accounts.
    """
    path = config.directory / config.daemon.state

    async def worked() -> R:
        if not path.exists():
            return await work(None)
        async with Store(path) as store:
            return await work(store)

    try:
        return anyio.run(worked)
    except StoreLockedError:
        fail(RequestError("a daemon runs on this state file; both would pass the accounts' rates together: stop it"))
    except GroundswellError as exc:
        fail(exc)
