"""Completes the accounts of a configuration with the credentials that were connected, which are in the state file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from groundswell import registry
from groundswell.config.asked import asked_of
from groundswell.config.model import Account, Config
from groundswell.config.problems import listing, path_text, quoted
from groundswell.config.wording import complaints
from groundswell.errors import RequestError
from groundswell.runtime.vault import Vault, VaultError
from groundswell.settings import Settings
from groundswell.store.connections import Connection


@dataclass(frozen=True, slots=True)
class NotConnected:
    """Why an account is not connected."""

    why: str
    is_wanted: bool = False
    """Whether an operator disconnected it."""
    is_fault: bool = False
    """Whether it was connected, and what is kept of that is of no use."""


def completed(
    config: Config, connections: Mapping[str, Connection], vault: Vault
) -> tuple[Config, dict[str, NotConnected]]:
    """The configuration with the settings of all its accounts, and why some have none. `connections`: by account."""
    accounts: dict[str, Account] = {}
    missing: dict[str, NotConnected] = {}
    for name, account in config.accounts.items():
        found = completed_one(account, connections.get(name), vault)
        if isinstance(found, NotConnected):
            missing[name] = found
            found = replace(account, settings=None)
        accounts[name] = found
    return replace(config, accounts=accounts), missing


def vault_of(config: Config) -> Vault:
    """What keeps the credentials of the accounts of a configuration."""
    return Vault(config.directory / config.daemon.state, config.daemon.key)


def settings_of(account: Account, values: Mapping[str, Any]) -> Settings:
    """The settings of an account that is connected with these values, and what stands in the file.

    Raises:
        RequestError: with everything that is wrong with them; no value is in it.
    """
    given = account.given or {}
    model = registry.ACCOUNTS[account.type].settings
    names = [asked.name for asked in asked_of(model)]
    wrong = [f"{name}: stands in the configuration already" for name in values if name in given]
    wrong += [
        f"{quoted(name)}: is not a setting of {account.type}; there is {listing(names)}"
        for name in values
        if name not in names
    ]
    try:
        settings = model.model_validate({**values, **given, "type": account.type})
    except ValidationError as error:
        found = complaints(error, model, values, account.type, [(name,) for name in values])
        wrong += [f"{path_text(one.path)}: {one.message}" for one in found if one.path[0] in names]
        raise RequestError(_refusal(account, wrong)) from None
    if wrong:
        raise RequestError(_refusal(account, wrong))
    return settings


def completed_one(
    account: Account, connection: Connection | None, vault: Vault, *, although_disconnected: bool = False
) -> Account | NotConnected:
    """One account with all its settings, or why it has none."""
    name = account.name
    again = f"`groundswell connect {name}` connects it again"
    if connection is not None and connection.disconnected_at is not None and not although_disconnected:
        return NotConnected(f"disconnected by an operator; {again}", is_wanted=True)
    connected_at = None if connection is None else connection.connected_at
    if account.given is None:
        return replace(account, connected_at=connected_at)
    if connection is None or connection.credentials is None:
        return NotConnected(f"no credentials yet; `groundswell connect {name}` asks for them")
    if connection.type != account.type:
        return NotConnected(f"it was connected as an account of type {quoted(connection.type)}; {again}", is_fault=True)
    try:
        values = vault.open(name, connection.credentials)
        # What has come to stand in the file since it was connected wins: whoever wrote it meant it.
        values = {key: value for key, value in values.items() if key not in account.given}
        return replace(account, settings=settings_of(account, values), connected_at=connected_at)
    except VaultError as exc:
        return NotConnected(str(exc), is_fault=True)
    except RequestError as exc:
        return NotConnected(f"what it was connected with does not do any more ({exc}); {again}", is_fault=True)


def _refusal(account: Account, wrong: list[str]) -> str:
    return f"{account.name} cannot be connected with this: {'; '.join(one.rstrip('.') for one in wrong)}"
