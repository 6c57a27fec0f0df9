"""Where a configuration keeps its state, and what it is made of: all that is needed to find the daemon that runs it.

Read without looking at anything else in it. An operator's shell seldom has the environment variables and credentials
of the service, and a half-edited file must not keep anybody from asking how the daemon is doing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from groundswell.config.files import read_files
from groundswell.config.load import ROLES, load
from groundswell.config.model import Config, DaemonSettings, Role
from groundswell.config.problems import Findings
from groundswell.config.syncs import names_of
from groundswell.config.tables import Table, tables_of
from groundswell.config.validate import Validator
from groundswell.errors import ConfigError
from groundswell.ops.token_file import beside
from groundswell.registry import REGISTRY
from groundswell.sync.settings import DEFAULT_REGION
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


@dataclass(frozen=True, slots=True)
class Outline:
    """What there is, by name."""

    parts: Mapping[str, Part]
    accounts: Mapping[str, str]
    """The type of each."""
    syncs: Mapping[str, SyncPart]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the state is, its bounds, and what there is."""

    state: Path
    daemon: DaemonSettings
    outline: Outline
    config: Callable[[], Config]
    """All of the configuration, for what needs it. Raises ConfigError."""

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
            daemon = validator.settings(table, validator.resolved(table), DaemonSettings, "[daemon]")
    if daemon is None or findings.has_problems:
        raise ConfigError(findings.problems({file.name: file.tables for file in files}))
    return Place(files[0].directory / daemon.state, daemon, _outline(tables), partial(load, paths, environ))


def _outline(tables: Sequence[Table]) -> Outline:
    accounts = {table.name: str(table.values.get("type")) for table in tables if table.kind == "accounts"}
    parts = [
        Part(table.name, ROLES[table.kind], str(table.values.get("type"))) for table in tables if table.kind in ROLES
    ]
    syncs: dict[str, SyncPart] = {}
    for table in tables:
        if table.kind == "sync":
            account, region = str(table.values.get("account")), str(table.values.get("region", DEFAULT_REGION))
            syncs[table.name] = SyncPart(account, region, table.values.get("enabled") is not False)
            if syncs[table.name].is_on and (side := SIDES.get(accounts.get(account, ""))) is not None:
                parts += [Part(*part) for part in names_of(table.name, side)]
    return Outline({part.name: part for part in parts}, accounts, syncs)


def outline_of(config: Config) -> Outline:
    """What there is in a configuration in force."""
    return Outline(
        {name: Part(name, component.role, component.type) for name, component in config.components.items()},
        {name: account.type for name, account in config.accounts.items()},
        {name: SyncPart(sync.account, sync.region, sync.enabled) for name, sync in config.syncs.items()},
    )
