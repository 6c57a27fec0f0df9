"""The configuration in force, as operators are told of it: no secret, and nothing from the environment."""

from msgspec import Struct

from groundswell.ops.messages import Moment


class SettingShown(Struct, frozen=True):
    """One setting of a table."""

    key: str
    value: str | None
    """As TOML; null: not set. A secret is "***", and what was written with ${NAME} is shown as it was written."""
    is_written: bool
    """False: nobody wrote it, this is the default."""


class TableShown(Struct, frozen=True):
    """One table, such as sinks.crm."""

    heading: str
    settings: list[SettingShown]


class ProblemShown(Struct, frozen=True):
    """One thing wrong in a configuration that was refused."""

    file: str
    path: str
    message: str


class ReloadRefused(Struct, frozen=True):
    """A configuration that was not taken over."""

    at: Moment
    error: str
    problems: list[ProblemShown]
    """What is wrong with it; empty where that is not the reason."""


class ConfigShown(Struct, frozen=True):
    """The configuration in force."""

    hash: str
    """As `groundswell check` shows it."""
    files: list[str]
    read_at: Moment
    warnings: list[str]
    """Those of `groundswell check`."""
    tables: list[TableShown]
    refused: ReloadRefused | None
    """The last reload, if it was refused: then the files are not as what is shown here."""
