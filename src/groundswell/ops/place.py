"""Where a configuration keeps its state, and what it is made of: all that is needed to find the daemon that runs it.

Read without looking at anything else in it. An operator's shell seldom has the environment variables and credentials
of the service, and a half-edited file must not keep anybody from asking how the daemon is doing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundswell.config.files import read_files
from groundswell.config.load import ROLES
from groundswell.config.model import Config, DaemonSettings, Role
from groundswell.config.problems import Findings
from groundswell.config.tables import tables_of
from groundswell.config.validate import Validator
from groundswell.errors import ConfigError
from groundswell.ops.token_file import beside
from groundswell.registry import REGISTRY


@dataclass(frozen=True, slots=True)
class Part:
    """One component, as far as operators name it."""

    name: str
    role: Role
    type: str

    @property
    def can_pause(self) -> bool:
        """Sinks and sources that go and look. What others push is refused or taken, never held."""
        if self.role == "source":
            kind = REGISTRY.sources.get(self.type)
            return kind is not None and hasattr(kind.build, "run")
        return self.role == "sink"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the state is, its bounds, and the components by name."""

    state: Path
    daemon: DaemonSettings
    parts: Mapping[str, Part]

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
    parts = [
        Part(table.name, ROLES[table.kind], str(table.values.get("type"))) for table in tables if table.kind in ROLES
    ]
    return Place(files[0].directory / daemon.state, daemon, {part.name: part for part in parts})


def parts_of(config: Config) -> dict[str, Part]:
    """The components of a configuration in force."""
    return {name: Part(name, component.role, component.type) for name, component in config.components.items()}
