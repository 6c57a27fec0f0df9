"""Where a configuration keeps its state, and what it is made of: all that is needed to find the daemon that runs it.

Read without looking at anything else in it. An operator's shell seldom has the environment variables and credentials
of the service, and a half-edited file must not keep anybody from asking how the daemon is doing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from groundswell.config.files import read_files
from groundswell.config.load import ROLES, load
from groundswell.config.logins import is_connected_later, read_account
from groundswell.config.model import Account, Config, DaemonSettings, Role, account_of
from groundswell.config.problems import Findings
from groundswell.config.syncs import names_of
from groundswell.config.tables import Table, tables_of
from groundswell.config.validate import Validator
from groundswell.errors import ConfigError
from groundswell.ops.token_file import beside
from groundswell.registry import REGISTRY
from groundswell.settings import Secret
from groundswell.sync.settings import DEFAULT_REGION, SyncSettings
from groundswell.sync.sides import SIDES


@dataclass(frozen=True, slots=True)
class Part:
    """One component, as far as operators name it."""

    name: str
    role: Role
    type: str

    @property
    def can_poll(self) -> bool:
        """Sources that look, rest, and look again: they can be told to look now."""
        kind = REGISTRY.sources.get(self.type) if self.role == "source" else None
        return kind is not None and hasattr(kind.build, "look_now")

    @property
    def can_pause(self) -> bool:
        """Sinks and sources that go and look. What others push is refused or taken, never held."""
        if self.role == "source":
            kind = REGISTRY.sources.get(self.type)
            return kind is not None and hasattr(kind.build, "run")
        return self.role == "sink"


@dataclass(frozen=True, slots=True)
class SyncPart:
    """One sync, as far as operators name it or its people."""

    account: str
    region: str
    """Of phones without the code of a country."""
    is_on: bool
    settings: SyncSettings | None
    """None where they cannot be read by themselves: wrong, or with variables that are not set here."""


@dataclass(frozen=True, slots=True)
class AccountPart:
    """One account, as far as operators name it."""

    type: str
    connects: bool
    """Whether its credentials are connected; else they stand in the configuration."""
    given: frozenset[str]
    """Names of its settings that stand in the configuration."""
    uses: tuple[str, ...]
    """Components that name it."""
    sources: frozenset[str]
    """Those of them that are sources, and the sources that its sinks take from."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What there is, by name."""

    parts: Mapping[str, Part]
    accounts: Mapping[str, str]
    """The type of each."""
    syncs: Mapping[str, SyncPart]
    logins: Mapping[str, AccountPart] = field(default_factory=dict)
    """The accounts once more, at length."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the state is, its bounds, and what there is."""

    state: Path
    daemon: DaemonSettings
    """Without the key."""
    outline: Outline
    config: Callable[[], Config]
    """All of the configuration, for what needs it. Raises ConfigError."""
    account: Callable[[str], Account]
    """One account as it stands in the file, its variables and secrets looked up only now. Raises ConfigError."""
    key: Callable[[], Secret | None]
    """`[daemon] key`, likewise."""

    @property
    def parts(self) -> Mapping[str, Part]:
        return self.outline.parts

    @property
    def token_file(self) -> Path:
        """Where a running daemon says how to reach it."""
        return beside(self.state)


def place_of(paths: Sequence[Path], environ: Mapping[str, str]) -> Place:
    """The place a configuration describes.

    Raises:
        ConfigError: the files cannot be read, or say nothing usable under [daemon].
    """
    findings = Findings()
    files = read_files(paths, findings)
    if not files or findings.has_problems:
        raise ConfigError(findings.problems({}))
    tables = tables_of(files, Findings())
    validator = Validator(environ, findings)
    daemon: DaemonSettings | None = DaemonSettings()
    for table in tables:
        if table.kind == "daemon":
            keyless = replace(table, values={name: value for name, value in table.values.items() if name != "key"})
            daemon = validator.settings(keyless, validator.resolved(keyless), DaemonSettings, "[daemon]")
    if daemon is None or findings.has_problems:
        raise ConfigError(findings.problems({file.name: file.tables for file in files}))
    state = files[0].directory / daemon.state
    return Place(
        state,
        daemon,
        _outline(tables, environ),
        partial(load, paths, environ),
        partial(_account, tables, environ),
        partial(_key, tables, environ),
    )


def _account(tables: Sequence[Table], environ: Mapping[str, str], name: str) -> Account:
    findings = Findings()
    validator = Validator(environ, findings)
    (table,) = [table for table in tables if table.kind == "accounts" and table.name == name]
    kind = REGISTRY.accounts.get(str(table.values.get("type")))
    if kind is None:
        findings.problem(table.file.name, (*table.path, "type"), "is no type of account; `groundswell check` says more")
        raise _wrong(findings, tables)
    account = read_account(table, validator.resolved(table), kind, validator, findings)
    if account is None:
        raise _wrong(findings, tables)
    return account


def _key(tables: Sequence[Table], environ: Mapping[str, str]) -> Secret | None:
    findings = Findings()
    validator = Validator(environ, findings)
    daemon: DaemonSettings | None = DaemonSettings()
    for table in tables:
        if table.kind == "daemon":
            daemon = validator.settings(table, validator.resolved(table), DaemonSettings, "[daemon]")
    if daemon is None:
        raise _wrong(findings, tables)
    return daemon.key


def _wrong(findings: Findings, tables: Sequence[Table]) -> ConfigError:
    return ConfigError(findings.problems({table.file.name: table.file.tables for table in tables}))


def _outline(tables: Sequence[Table], environ: Mapping[str, str]) -> Outline:
    accounts = {table.name: str(table.values.get("type")) for table in tables if table.kind == "accounts"}
    parts = [
        Part(table.name, ROLES[table.kind], str(table.values.get("type"))) for table in tables if table.kind in ROLES
    ]
    syncs: dict[str, SyncPart] = {}
    reader = Validator(environ, Findings())
    for table in tables:
        if table.kind == "sync":
            account, region = str(table.values.get("account")), str(table.values.get("region", DEFAULT_REGION))
            settings = reader.settings(table, reader.resolved(table), SyncSettings, "[sync.NAME]")
            syncs[table.name] = SyncPart(account, region, table.values.get("enabled") is not False, settings)
            if syncs[table.name].is_on and (side := SIDES.get(accounts.get(account, ""))) is not None:
                parts += [Part(*part) for part in names_of(table.name, side)]
    named = {part.name: part for part in parts}
    wiring = {table.name: _wires(table.values) for table in tables if table.kind in ROLES}
    switched_on = tuple(name for name, sync in syncs.items() if sync.is_on)
    for name, sync in syncs.items():
        if (side := SIDES.get(accounts.get(sync.account, ""))) is not None:
            (read, *_), _, (write, *_) = names_of(name, side)
            wiring |= {read: ((), sync.account), name: ((read,), None), write: (switched_on, sync.account)}
    logins = {
        table.name: _login(
            table.name,
            accounts[table.name],
            connects=is_connected_later(table.values),
            given=table.values,
            wiring={name: wires for name, wires in wiring.items() if name in named},
            parts=named,
        )
        for table in tables
        if table.kind == "accounts"
    }
    return Outline(named, accounts, syncs, logins)


Wires = tuple[tuple[str, ...], str | None]
"""What a component takes from, and its account."""


def _wires(values: Mapping[str, Any]) -> Wires:
    inputs, account = values.get("inputs"), values.get("account")
    names = tuple(name for name in inputs if isinstance(name, str)) if isinstance(inputs, list) else ()
    return names, account if isinstance(account, str) else None


def _login(
    name: str,
    kind: str,
    *,
    connects: bool,
    given: Iterable[str],
    wiring: Mapping[str, Wires],
    parts: Mapping[str, Part],
) -> AccountPart:
    uses = tuple(part for part, (_, account) in wiring.items() if account == name)
    upstream, waiting = set(uses), list(uses)
    while waiting:
        inputs, _ = wiring.get(waiting.pop(), ((), None))
        waiting += [one for one in inputs if one not in upstream]
        upstream.update(inputs)
    sources = frozenset(one for one in upstream if one in parts and parts[one].role == "source")
    return AccountPart(kind, connects, frozenset(given), uses, sources)


def outline_of(config: Config) -> Outline:
    """What there is in a configuration in force."""
    parts = {name: Part(name, component.role, component.type) for name, component in config.components.items()}
    wiring = {name: (component.takes_from, account_of(component)) for name, component in config.components.items()}
    return Outline(
        parts,
        {name: account.type for name, account in config.accounts.items()},
        {name: SyncPart(sync.account, sync.region, sync.enabled, sync) for name, sync in config.syncs.items()},
        {
            name: _login(
                name,
                account.type,
                connects=account.given is not None,
                given=account.given or (),
                wiring=wiring,
                parts=parts,
            )
            for name, account in config.accounts.items()
        },
    )
