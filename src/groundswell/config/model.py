"""What a configuration is once it has been read: validated, complete, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from groundswell.settings import Duration, Listen, SealingKey, SecretText, Settings, Size
from groundswell.sync.settings import SyncSettings

Role = Literal["source", "transform", "sink"]
CONNECT: Final = "connect"
"""The setting, of every type of account, that says whether the missing ones come from `groundswell connect`."""
CONNECT_DESCRIPTION: Final = (
    "true: what is missing here and cannot be left out is asked for by `groundswell connect NAME`, and kept encrypted "
    "in the state file."
)


class DaemonSettings(Settings):
    """The state file, the bounds, and how long things are kept."""

    state: str = Field("groundswell.db", description="The state file (SQLite), relative to the configuration file.")
    state_max: Size = Field(
        8 * 2**30,
        ge=8 * 2**20,
        description="The state file grows to this and no further: past nine tenths of it nothing new is accepted.",
    )
    disk_free_min: Size = Field(
        64 * 2**20, ge=0, description="Accept nothing new while the disk has less room than this (webhooks get 503)."
    )
    queue_records_max: int = Field(
        2_000,
        ge=1,
        description="Records in memory at each step (waiting to be accepted, to be processed, at each sink).",
    )
    queue_bytes_max: Size = Field(8 * 2**20, ge=1, description="Bytes in memory at each step, likewise.")
    keep: Duration = Field(
        timedelta(days=30),
        description="How long processed records (to replay and to know duplicates) and the log of deliveries are kept.",
    )
    drain: Duration = Field(timedelta(seconds=20), description="How long SIGTERM waits for deliveries under way.")
    key: SealingKey | None = Field(
        None,
        description="Encrypts the credentials of accounts that were connected: 64 hex digits, as "
        "`openssl rand -hex 32` writes them. Without it: a key in a file beside the state file, made on first use.",
    )


class WebhooksSettings(Settings):
    """Where sources that are pushed to listen."""

    listen: Listen = Field(
        Listen(host="127.0.0.1", port=8080), description='Address and port, such as "127.0.0.1:8080".'
    )
    body_max: Size = Field(2**20, ge=1, description="A larger body (after decompression) is answered 413.")
    body_timeout: Duration = Field(
        timedelta(seconds=10), description="A body that takes longer to arrive is answered 408."
    )
    connections_max: int = Field(1_000, ge=1, description="Connections at once; more are closed at once.")


class OpsSettings(Settings):
    """Health, metrics and the API for operators."""

    listen: Listen = Field(
        Listen(host="127.0.0.1", port=9464), description="Address and port. Anything but loopback needs a password."
    )
    password: SecretText | None = Field(
        None, description="Lets an operator in from elsewhere (HTTP Basic, any user name)."
    )


@dataclass(frozen=True, slots=True)
class Component:
    """One named component of the file."""

    name: str
    role: Role
    type: str
    settings: Any
    """An instance of the type's settings model."""
    inputs: tuple[str, ...]
    """Names of the components it takes records from; empty for a source."""
    directory: Path
    """Of the file it stands in; relative paths in its settings start there."""
    written_by: tuple[str, ...] = ()
    """Of a sink of a sync: the stages that say what it is to write."""


def account_of(component: Component) -> str | None:
    """The name of the account a component uses, if it uses one."""
    account: str | None = getattr(component.settings, "account", None)
    return account


@dataclass(frozen=True, slots=True)
class Account:
    """One named account of the file: a login at one vendor."""

    name: str
    type: str
    settings: Any
    """An instance of the type's settings model; None while it is not connected."""
    directory: Path
    """Of the file it stands in."""
    given: Mapping[str, Any] | None = field(default=None, repr=False)
    """Of one that is connected later (`connect = true`): the settings that stand in the file, as the model takes them,
    secrets read. None where all of them stand there."""
    connected_at: int | None = None
    """When it was connected last (milliseconds since 1970): what is connected anew is built anew, though nothing else
    changed, and forgets that it was refused."""


class TestSettings(Settings):
    """What goes in, where, and what must come out; run by `groundswell test`."""

    __test__ = False  # pytest takes every class called Test... for one of its own

    name: str = Field(min_length=1, description="What the test shows, in a few words.")
    source: str = Field(description="The source that reads the input.")
    input: list[Any] = Field(
        min_length=1, description="What the source would have been sent: one entry for each thing that happened."
    )
    expect: dict[str, list[dict[str, Any]]] = Field(
        {},
        description=(
            "By the name of a component: the records that a source or transform lets through, or that reach a sink, "
            "in order. Only the fields written are compared; an empty list means none."
        ),
    )
    dead: dict[str, list[str]] = Field(
        {},
        description=(
            "By the name of a source or transform: the reasons of the dead letters it makes, in order, such as "
            '"bad_value". Any other dead letter fails the test.'
        ),
    )

    @model_validator(mode="after")
    def _expects_something(self) -> Self:
        if not (self.expect or self.dead):
            raise ValueError("expects nothing; give expect or dead")
        return self


@dataclass(frozen=True, slots=True)
class PipelineTest:
    """One `[[tests]]` of the file, ready to run."""

    name: str
    source: str
    """The source whose `read` takes the input."""
    input: tuple[bytes, ...]
    """JSON."""
    expect: dict[str, tuple[Any, ...]]
    """By the name of a component: the records it lets through or that reach it, in order, as far as they matter."""
    dead: dict[str, list[str]] = field(default_factory=dict)
    """By the name of a component: the reasons of the dead letters it makes, in order."""


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration."""

    daemon: DaemonSettings
    webhooks: WebhooksSettings
    ops: OpsSettings
    components: dict[str, Component]
    """By name, in the order of the file(s)."""
    tests: tuple[PipelineTest, ...]
    files: tuple[Path, ...]
    hash: str
    """Of the text of the files, 12 hex digits: shows which configuration is in force."""
    directory: Path
    """Of the first file; the state file is relative to this."""
    warnings: tuple[str, ...] = field(default=())
    accounts: dict[str, Account] = field(default_factory=dict)
    """By name."""
    syncs: dict[str, SyncSettings] = field(default_factory=dict)
    """The settings of each `[sync.NAME]`, those that are switched off too, by name."""

    def of_role(self, role: Role) -> dict[str, Component]:
        return {name: component for name, component in self.components.items() if component.role == role}
