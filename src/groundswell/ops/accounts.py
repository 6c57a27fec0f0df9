"""Accounts as operators connect, disconnect and try them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import structlog
from msgspec import structs

from groundswell.clock import Clock, milliseconds
from groundswell.config.model import Account, account_of
from groundswell.config.problems import meant, quoted
from groundswell.errors import NotFoundError, RequestError
from groundswell.ops.account_messages import Accounts, AccountTold, AskConnect, NameAccount
from groundswell.ops.accounts_shown import accounts_of
from groundswell.ops.auditing import account_changes
from groundswell.ops.messages import Nothing
from groundswell.ops.place import Outline, Place
from groundswell.runtime.connecting import completed_one, settings_of
from groundswell.runtime.daemon import Daemon
from groundswell.runtime.trying import AccountTried, try_account, try_built
from groundswell.runtime.vault import Vault
from groundswell.store.connections import Observed
from groundswell.store.store import Store

NOT_TRIED: Final = "not tried"

log = structlog.get_logger()


class AccountsDesk:
    """The accounts of one state file, and of the daemon that runs on it, if one does."""

    def __init__(
        self, store: Store, clock: Clock, outline: Callable[[], Outline], place: Place | None, daemon: Daemon | None
    ) -> None:
        """`place` says what there is where no daemon can."""
        self._store = store
        self._clock = clock
        self._outline = outline
        self._place = place
        self._daemon = daemon

    async def accounts(self, _: Nothing) -> Accounts:
        shown = await accounts_of(self._store, self._clock, self._outline(), self._daemon)
        changes = account_changes(await self._store.audit.last_connects())
        return Accounts([structs.replace(one, changed=changes.get(one.name)) for one in shown])

    async def connect(self, asked: AskConnect) -> AccountTold:
        """Raises RequestError when it cannot be connected with this; then nothing has changed."""
        account = self._account(asked.account)
        described = await self._described(account, asked.values)
        is_tried = asked.check or asked.try_only
        tried = await self._try(described, is_known=asked.values is None) if is_tried else None
        if asked.try_only:
            return await self._told(account.name, tried)
        if tried is not None and not tried.ok:
            raise RequestError(f"{account.name} is not connected with this, and nothing was kept: {tried.message}")
        await self._keep(account, asked.values)
        if self._daemon is not None:
            await self._daemon.reconnect()
            # Only now: until then, those who use it are still in the trouble they were in.
            self._daemon.connections.began(account.name, is_good=tried is not None)
        else:
            now = self._now()
            observed = Observed(account.name, "connected", now, now if tried is not None else None)
            await self._store.observe([observed])
        log.info("account_connected", account=account.name)
        return await self._told(account.name, tried)

    async def disconnect(self, asked: NameAccount) -> AccountTold:
        name = asked.account
        kind = self._outline().accounts.get(name)
        if kind is None:
            if name not in await self._store.connections():
                raise self._no_such_account(name)
            await self._store.forget_connection(name)
            return AccountTold(name, "not_connected", ok=True, message="its credentials are forgotten")
        await self._store.disconnect(name, kind, self._now())
        if self._daemon is not None:
            await self._daemon.reconnect()
        log.info("account_disconnected", account=name)
        is_kept = not self._outline().logins[name].connects
        message = "its credentials stay in the configuration" if is_kept else "its credentials are forgotten"
        return AccountTold(name, "not_connected", ok=True, message=message, waiting=await self._waiting(name))

    def require_connected(self, component: str) -> None:
        """Raises RequestError when a component of the running daemon lacks its account."""
        assert self._daemon is not None
        config = self._daemon.supervisor.config
        described = config.components.get(component)
        name = None if described is None else account_of(described)
        if name is not None and config.accounts[name].settings is None:
            raise RequestError(
                f"{component} can fetch nothing: its account {name} is not connected; `groundswell connect {name}` "
                "connects it"
            )

    # ---- what they are made of ----

    async def _described(self, account: Account, values: dict[str, Any] | None) -> Account:
        """The account with all its settings. Raises RequestError."""
        if values is not None and account.given is None:
            raise RequestError(
                f"the credentials of {account.name} stand in the configuration: change them there and `groundswell "
                "reload`, or write `connect = true` in their place and connect it then"
            )
        if values is not None:
            return replace(account, settings=settings_of(account, values))
        connection = (await self._store.connections()).get(account.name)
        found = completed_one(account, connection, self._vault(), although_disconnected=True)
        if not isinstance(found, Account):
            raise RequestError(f"{account.name}: {found.why}")
        return found

    async def _try(self, described: Account, *, is_known: bool) -> AccountTried:
        """Over the account that is connected already where it is that one: then the call counts with its others."""
        daemon = self._daemon
        if is_known and daemon is not None and daemon.supervisor.config.accounts.get(described.name) == described:
            tried = await try_built(described, daemon.supervisor.accounts[described.name])
            if tried.ok:
                daemon.connections.went_well(described.name)
            return tried
        return await try_account(described, self._clock)

    async def _keep(self, account: Account, values: dict[str, Any] | None) -> None:
        now = self._now()
        if values is not None:
            sealed = self._vault().seal(account.name, values)
            await self._store.connect(account.name, account.type, sealed, now)
        elif account.given is None:
            await self._store.connect(account.name, account.type, None, now)

    def _account(self, name: str) -> Account:
        """As it stands in the file. Raises NotFoundError, ConfigError."""
        if name not in self._outline().accounts:
            raise self._no_such_account(name)
        if self._daemon is not None:
            return self._daemon.config.accounts[name]
        assert self._place is not None
        return self._place.account(name)

    def _no_such_account(self, name: str) -> NotFoundError:
        return NotFoundError(f"no account is called {quoted(name)}; {meant(name, self._outline().accounts)}")

    def _vault(self) -> Vault:
        if self._daemon is not None:
            return self._daemon.connections.vault
        assert self._place is not None
        return Vault(self._place.state, self._place.key())

    async def _told(self, name: str, tried: AccountTried | None) -> AccountTold:
        (shown,) = [one for one in (await self.accounts(Nothing())).accounts if one.name == name]
        ok, message = (True, NOT_TRIED) if tried is None else (tried.ok, tried.message)
        return AccountTold(name, shown.state, ok=ok, message=message, waiting=await self._waiting(name))

    async def _waiting(self, name: str) -> int:
        """Deliveries that wait for the sinks of an account."""
        backlogs = await self._store.backlogs()
        return sum(backlogs[use].records for use in self._outline().logins[name].uses if use in backlogs)

    def _now(self) -> int:
        return milliseconds(self._clock.now())
