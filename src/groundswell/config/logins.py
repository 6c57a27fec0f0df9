"""`[accounts.NAME]`: all settings of a login, or some of them where the others are connected later."""

from collections.abc import Mapping
from typing import Any

from groundswell.config.asked import secrets_of
from groundswell.config.environment import Resolved
from groundswell.config.model import CONNECT, Account
from groundswell.config.problems import Findings
from groundswell.config.tables import Table
from groundswell.config.validate import Validator
from groundswell.registry import ComponentType


def read_account(
    table: Table, resolved: Resolved, kind: ComponentType, validator: Validator, findings: Findings
) -> Account | None:
    """The account in a table of this type, or None when something is wrong with it."""
    name = str(resolved.value["type"])
    if not is_connected_later(table.values):
        if table.values.get(CONNECT, False) is not False:
            findings.problem(table.file.name, (*table.path, CONNECT), "must be true or false")
        settings = validator.settings(table, _without_connect(resolved), kind.settings, name)
        return None if settings is None else Account(table.name, name, settings, table.file.directory)
    secret = secrets_of(kind.settings)
    given = validator.given(table, _without_connect(resolved), kind.settings, name, secret)
    return None if given is None else Account(table.name, name, None, table.file.directory, given)


def is_connected_later(values: Mapping[str, Any]) -> bool:
    """Whether the table of an account leaves its credentials to be connected."""
    return values.get(CONNECT) is True


def _without_connect(resolved: Resolved) -> Resolved:
    value = {name: inner for name, inner in resolved.value.items() if name != CONNECT}
    return Resolved(value, resolved.touched, resolved.unresolved)
