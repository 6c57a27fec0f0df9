"""From a configuration to components that run."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from groundswell import registry
from groundswell.clock import Clock
from groundswell.component import Account, Context, Keys
from groundswell.config import model
from groundswell.errors import UnauthorizedError
from groundswell.http.client import Client, new_session

_TABLES = {
    "source": registry.SOURCES,
    "transform": {**registry.TRANSFORMS, "sync": registry.SYNC_STAGE},
    "sink": {**registry.SINKS, **registry.SYNC_SINKS},
}


class Builder:
    """Builds components, handing each what it may reach for."""

    def __init__(self, clock: Clock, random: Random, http: Client, keys: Keys) -> None:
        self._clock = clock
        self._random = random
        self._http = http
        self._keys = keys

    def account(self, described: model.Account) -> Account:
        """The account this describes; one that refuses every call while it is not connected."""
        if described.settings is None:
            return Unconnected(described.name)
        context = self._context(described.name, described.directory)
        built: Account = registry.ACCOUNTS[described.type].build(described.settings, context)
        return built

    def build(self, described: model.Component, accounts: Mapping[str, Account]) -> Any:
        """The source, transform or sink this describes, on the accounts built before."""
        component_type = _TABLES[described.role][described.type]
        named = None if component_type.account is None else described.settings.account
        account = None if named is None else accounts[named]
        context = self._context(described.name, described.directory, account)
        return component_type.build(described.settings, context)

    def _context(self, name: str, directory: Path, account: Account | None = None) -> Context:
        return Context(name, self._clock, self._random, self._http, self._keys, directory, account)


@asynccontextmanager
async def built(config: model.Config, names: Iterable[str], clock: Clock) -> AsyncIterator[dict[str, Any]]:
    """These components on their accounts, by name, for who needs them and runs no daemon; they last as long as this."""
    async with new_session() as session:
        builder = Builder(clock, Random(), Client(session, clock), NoKeys())
        accounts = {name: builder.account(described) for name, described in config.accounts.items()}
        yield {name: builder.build(config.components[name], accounts) for name in names}


class Unconnected:
    """Stands where an account would that is not connected: whatever is called on it, or on what it has, refuses.

    So its components can be built: they read what was accepted before, and do nothing else.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.host = "not connected"

    async def check(self) -> str:
        return str(self())

    def __getattr__(self, _: str) -> Any:
        return self

    def __call__(self, *_: object, **__: object) -> Any:
        raise UnauthorizedError(f"{self._name} is not connected; `groundswell connect {self._name}` connects it")


class NoKeys:
    """For where nobody logs in: tests and trials."""

    async def is_valid(self, account_id: str, secret: str) -> bool:
        return False
