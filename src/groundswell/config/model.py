"""What a configuration is once it has been read: validated, complete, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from groundswell.config.notify import Notify
from groundswell.http.api_keys import check_hash, is_hash
from groundswell.settings import Duration, Listen, SealingKey, Secret, SecretText, Settings, Size
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


CertificateFile = Annotated[
    str | None,
    Field(min_length=1, description="A PEM file with the certificate, and the chain after it: serves HTTPS alone."),
]
KeyFile = Annotated[str | None, Field(min_length=1, description="A PEM file with the key of the certificate.")]


def check_pair(certificate: str | None, key: str | None) -> None:
    """Raises ValueError: one of them is missing."""
    if (certificate is None) != (key is None):
        raise ValueError("certificate and key go together; give both, or none")


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
    certificate: CertificateFile = None
    key: KeyFile = None

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        check_pair(self.certificate, self.key)
        return self


def _check_network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        raise ValueError('is not an address or a network; write such as "127.0.0.1" or "10.0.0.0/8"') from None
    return text


def _check_password(secret: Secret) -> Secret:
    if is_hash(secret.reveal()):
        check_hash(secret.reveal())
    return secret


Password = Annotated[SecretText, AfterValidator(_check_password)]
Network = Annotated[str, AfterValidator(_check_network)]


class OpsSettings(Settings):
    """Health, metrics, the API for operators, and the dashboard."""

    listen: Listen = Field(
        Listen(host="127.0.0.1", port=9464), description="Address and port. Anything but loopback needs a password."
    )
    names: list[str] = Field(
        [],
        description="Names it is reached by, such as that of a proxy in front of it; others are refused then. Without "
        "any: on loopback those of this machine, elsewhere all.",
    )
    password: Password | None = Field(
        None,
        description="Lets an operator in: at the dashboard, and by HTTP Basic with any user name. Or its hash, as "
        "`groundswell password` makes it.",
    )
    read_password: Password | None = Field(
        None, description="Lets somebody in who may look and change nothing; nor see personal data."
    )
    read_personal: bool = Field(False, description="Whoever may only look may see personal data, too.")
    proxy_header: str | None = Field(
        None,
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$",
        description='The header in which a reverse proxy names the user it let in, such as "X-Forwarded-User".',
    )
    proxy_from: list[Network] = Field(
        [], description="Addresses or networks of reverse proxies. Headers of anybody else mean nothing."
    )
    proxy_read_only: list[str] = Field([], description="Users of the proxy who may look and change nothing.")
    certificate: CertificateFile = None
    key: KeyFile = None
    audit_keep: Duration = Field(
        timedelta(days=400), description="How long it is remembered who changed what. At most 100,000 lines."
    )

    notify: list[Notify] = Field(
        [], max_length=10, description="Who is told when something needs a person, and when it is well again."
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.read_password is not None and self.read_password == self.password:
            raise ValueError("read_password is the same as password; whoever has it could change everything")
        if self.proxy_header is not None and not self.proxy_from:
            raise ValueError("proxy_header needs proxy_from, or anybody could send that header")
        check_pair(self.certificate, self.key)
        return self

    def warnings(self) -> list[tuple[str, str]]:
        if self.proxy_header is not None and any(ip_network(network).is_loopback for network in self.proxy_from):
            return [("proxy_from", "every user of this machine can send the proxy's header, and be let in by it")]
        return []


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

    @property
    def takes_from(self) -> tuple[str, ...]:
        """Whatever may have something come to it: its inputs, or the stages that write by it."""
        return self.inputs or self.written_by


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
class ShownSetting:
    """One setting."""

    key: str
    """As it is written in its table: `batch.records`."""
    value: str | None
    """As TOML; None: not set."""
    is_written: bool
    """False: a default."""


@dataclass(frozen=True, slots=True)
class ShownTable:
    """One table, with its defaults."""

    heading: str
    """As it is written, without brackets: `sinks.crm`."""
    settings: tuple[ShownSetting, ...]


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
    shown: tuple[ShownTable, ...] = ()
    """All of it, as people may see it."""

    def of_role(self, role: Role) -> dict[str, Component]:
        return {name: component for name, component in self.components.items() if component.role == role}
