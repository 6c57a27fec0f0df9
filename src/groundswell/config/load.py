"""From TOML to a `Config`: every problem found at once, each with its file, its path as written, and a way out."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from groundswell.config.environment import Resolved
from groundswell.config.files import read_files
from groundswell.config.gifts import check_gifts
from groundswell.config.logins import read_account
from groundswell.config.model import (
    Account,
    Component,
    Config,
    DaemonSettings,
    OpsSettings,
    PipelineTest,
    Role,
    TestSettings,
    WebhooksSettings,
)
from groundswell.config.problems import Findings, TomlPath, meant, quoted
from groundswell.config.showing import shown_tables
from groundswell.config.syncs import parts_of
from groundswell.config.tables import Table, tables_of
from groundswell.config.validate import S, Validator
from groundswell.config.webhook_paths import check_webhook_paths
from groundswell.config.wiring import AccountNamed, Login, Node, check_accounts, check_inputs, check_names
from groundswell.errors import ConfigError
from groundswell.http.certificate import CertificateError, read_pair
from groundswell.registry import REGISTRY, ComponentType, Registry
from groundswell.settings import Listen, Settings
from groundswell.sync.settings import SyncSettings
from groundswell.sync.sides import SIDES

ROLES: Final[dict[str, Role]] = {"sources": "source", "transforms": "transform", "sinks": "sink"}
"""The tables that hold components, and what stands in each."""
TABLE_OF: Final = {role: table for table, role in ROLES.items()}

P = TypeVar("P", WebhooksSettings, OpsSettings)


def load(paths: Sequence[Path], environ: Mapping[str, str], registry: Registry = REGISTRY) -> Config:
    """Read a configuration from files and directories, as one.

    Args:
        paths: TOML files, or directories of them (`*.toml`, sorted).
        environ: Where `${NAME}` and the directory of systemd's credentials are looked up.
        registry: The types a component may have.

    Raises:
        ConfigError: with everything that is wrong with it.
    """
    findings = Findings()
    files = read_files(paths, findings)
    # What is in a file that could not be read is unknown: then nothing is said of what seems to be missing.
    is_whole = not findings.has_problems
    tables = tables_of(files, findings)
    reader = _Reader(tables, environ, registry, findings)
    daemon = reader.single("daemon", DaemonSettings)
    webhooks = reader.single("webhooks", WebhooksSettings)
    ops = reader.single("ops", OpsSettings)
    if webhooks is not None and ops is not None:
        reader.check_listeners(webhooks, ops)
        webhooks, ops = reader.with_certificate("webhooks", webhooks), reader.with_certificate("ops", ops)
    accounts = reader.accounts()
    components = reader.components()
    tests = reader.tests()
    if is_whole:
        reader.check_wiring(files[0].name)
        reader.check_gifts(components, accounts)
    if findings.has_problems:
        raise ConfigError(findings.problems({file.name: file.tables for file in files}))
    assert daemon is not None
    assert webhooks is not None
    assert ops is not None
    shown: dict[TomlPath, Settings | type[Settings]] = {("daemon",): daemon, ("webhooks",): webhooks, ("ops",): ops}
    shown |= {
        ("accounts", name): account.settings or registry.accounts[account.type].settings
        for name, account in accounts.items()
    }
    shown |= {(TABLE_OF[part.role], name): part.settings for name, part in components.items()}
    shown |= {("sync", name): settings for name, settings in reader.syncs.items()}
    return Config(
        daemon=daemon,
        webhooks=webhooks,
        ops=ops,
        accounts=accounts,
        components=components,
        syncs=reader.syncs,
        tests=tests,
        files=tuple(file.path for file in files),
        hash=sha256(b"".join(file.content for file in files)).hexdigest()[:12],
        directory=files[0].directory,
        warnings=tuple(findings.warnings),
        shown=shown_tables(tables, shown),
    )


class _Reader:
    """What one reading has at hand: the tables of all files, and what was found so far."""

    def __init__(
        self, tables: Sequence[Table], environ: Mapping[str, str], registry: Registry, findings: Findings
    ) -> None:
        self._tables = {table.path: table for table in reversed(tables)}
        self._all = tables
        self._findings = findings
        self._validator = Validator(environ, findings)
        self._types: dict[str, Mapping[str, ComponentType]] = {
            "accounts": registry.accounts,
            "sources": registry.sources,
            "transforms": registry.transforms,
            "sinks": registry.sinks,
        }
        self._nodes: dict[str, Node] = {}
        self._logins: dict[str, Login] = {}
        self._accounts_named: list[AccountNamed] = []
        self._synced: set[str] = set()
        """Accounts that syncs name."""
        self._registry = registry
        self.syncs: dict[str, SyncSettings] = {}
        """Every sync whose settings are right, by name."""

    def single(self, name: str, model: type[S]) -> S | None:
        """`[daemon]` or the like; without such a table, all defaults."""
        table = self._tables.get((name,))
        if table is None:
            return model()
        return self._validator.settings(table, self._validator.resolved(table), model, f"[{name}]")

    def accounts(self) -> dict[str, Account]:
        """Every account whose settings are right, by name."""
        accounts = {}
        idle = self._idle_accounts()
        for table in self._of_kind("accounts"):
            if table.name in idle:  # its credentials are not even read
                kind = table.values.get("type")
                self._logins[table.name] = Login(table.file.name, kind if kind in self._types["accounts"] else None)
                continue
            resolved = self._validator.resolved(table)
            kind = self._kind_of(table, resolved)
            self._logins[table.name] = Login(table.file.name, None if kind is None else resolved.value["type"])
            account = None if kind is None else read_account(table, resolved, kind, self._validator, self._findings)
            if account is not None:
                accounts[table.name] = account
        return accounts

    def _idle_accounts(self) -> set[str]:
        """Named by a sync that is switched off, and by nothing else."""
        naming = [table for table in self._all if table.kind in ("sync", *ROLES)]
        off = [table for table in naming if table.kind == "sync" and table.values.get("enabled") is False]
        named = {str(table.values.get("account")) for table in naming if table not in off}
        return {str(table.values.get("account")) for table in off} - named

    def components(self) -> dict[str, Component]:
        """Every component whose settings are right, by name."""
        nodes: list[Node] = []
        components: list[Component] = []
        for table in self._of_kind(*ROLES):
            resolved = self._validator.resolved(table)
            node = Node(table.name, ROLES[table.kind], table.file.name, _inputs_of(resolved.value))
            nodes.append(node)
            settings = self._typed(table, resolved)
            component_type = self._types[table.kind].get(str(resolved.value.get("type")))
            if component_type is not None and component_type.account is not None:
                place = AccountNamed(node, component_type.account, resolved.value.get("account"))
                self._accounts_named.append(place)
            if settings is not None:
                directory = table.file.directory
                components.append(
                    Component(node.name, node.role, resolved.value["type"], settings, node.inputs, directory)
                )
        syncs = self._read_syncs()
        self.syncs = {name: settings for name, (settings, _, _) in syncs.items()}
        for name, component in parts_of(syncs, self._registry):
            file = self._tables["sync", name].file.name
            nodes.append(Node(component.name, component.role, file, component.inputs, sync=name))
            components.append(component)
        self._nodes = check_names(nodes, self._findings)
        check_webhook_paths(components, {node.name: node.file for node in nodes}, self._findings)
        return {component.name: component for component in components}

    def _read_syncs(self) -> dict[str, tuple[SyncSettings, str, Path]]:
        """Every sync whose settings are right, with the type of its account and its directory, by name."""
        syncs: dict[str, tuple[SyncSettings, str, Path]] = {}
        accounts: dict[str, str] = {}
        for table in self._of_kind("sync"):
            settings = self._validator.settings(table, self._validator.resolved(table), SyncSettings, "[sync.NAME]")
            if settings is None:
                continue
            login = self._logins.get(settings.account)
            if login is None:
                fitting = [name for name, one in self._logins.items() if one.type in SIDES]
                message = f"no account is called {quoted(settings.account)}; {meant(settings.account, fitting)}"
                self._findings.problem(table.file.name, (*table.path, "account"), message)
            elif login.type is not None and login.type not in SIDES:
                message = f"is an account of type {quoted(login.type)}; there are syncs for {', '.join(SIDES)}"
                self._findings.problem(table.file.name, (*table.path, "account"), message)
            elif first := accounts.get(settings.account):
                message = f"is the account of sync.{first} already; two would undo each other's work"
                self._findings.problem(table.file.name, (*table.path, "account"), message)
            elif login.type is not None and not self._lacks(table, settings, login.type):
                accounts[settings.account] = table.name
                syncs[table.name] = (settings, login.type, table.file.directory)
            self._synced.add(settings.account)
        self._warn_of_first_contact({name: settings for name, (settings, _, _) in syncs.items() if settings.enabled})
        return syncs

    def _warn_of_first_contact(self, syncs: Mapping[str, SyncSettings]) -> None:
        """Warn where nobody chose what becomes of a stop that stands in one account while another is read first."""
        for name, settings in syncs.items():
            if len(syncs) > 1 and "first_contact" not in settings.model_fields_set:
                message = (
                    "is not set: where two accounts do not agree about texts, the one that is read first is believed; "
                    'write "stop", and whoever says no counts, or "member" to keep it so'
                )
                self._findings.warning(self._tables["sync", name].file.name, ("sync", name, "first_contact"), message)

    def _lacks(self, table: Table, settings: SyncSettings, vendor: str) -> bool:
        """Report what this vendor needs, or does not have."""
        before = self._findings.has_problems
        for name, message in settings.problems(vendor, SIDES[vendor].core):
            self._findings.problem(table.file.name, (*table.path, *name), message)
        return self._findings.has_problems and not before

    def check_wiring(self, file: str) -> None:
        """Report what does not hang together. `file` is where to look for what is not there at all."""
        roles = {node.role for node in self._nodes.values()}
        is_synced = bool(self._of_kind("sync"))  # perhaps wrong, or switched off
        if "source" not in roles and not is_synced:
            self._findings.problem(file, ("sources",), "there is no source; add one, such as [sources.signups]")
        if "sink" not in roles and not is_synced:
            self._findings.problem(file, ("sinks",), "there is no sink; add one, such as [sinks.crm]")
        check_inputs(self._nodes, self._findings)
        check_accounts(self._logins, self._accounts_named, self._synced, self._findings)

    def check_gifts(self, components: Mapping[str, Component], accounts: Mapping[str, Account]) -> None:
        """Warn of gifts that would count twice."""
        file_of = {name: node.file for name, node in self._nodes.items()}
        check_gifts(components, accounts, self._registry.accounts.keys(), file_of, self._findings)

    def check_listeners(self, webhooks: WebhooksSettings, ops: OpsSettings) -> None:
        table = self._tables.get(("ops",)) or self._tables.get(("webhooks",))
        if table is None:
            return
        path: TomlPath = (table.kind, "listen")
        if not ops.listen.is_loopback and ops.password is None:
            self._findings.problem(
                table.file.name,
                path,
                "lets other machines in, and there is no ops.password; set one, or listen on 127.0.0.1",
            )
        if _collide(webhooks.listen, ops.listen):
            self._findings.problem(
                table.file.name,
                path,
                f"webhooks and ops cannot both have port {ops.listen.port}; give one another port",
            )

    def with_certificate(self, name: str, served: P) -> P:
        """With whole paths. Reports files nobody can serve with: a daemon would only find out when it starts."""
        table = self._tables.get((name,))
        if table is None or served.certificate is None or served.key is None:
            return served
        certificate, key = table.file.directory / served.certificate, table.file.directory / served.key
        try:
            read_pair(certificate, key)
        except CertificateError as exc:
            self._findings.problem(table.file.name, (name, exc.setting), str(exc))
        return served.model_copy(update={"certificate": str(certificate), "key": str(key)})

    def tests(self) -> tuple[PipelineTest, ...]:
        tests = []
        for table in self._of_kind("tests"):
            settings = self._validator.settings(table, self._validator.resolved(table), TestSettings, "[[tests]]")
            if settings is not None:
                tests.append(self._test(table, settings))
        return tuple(tests)

    def _test(self, table: Table, settings: TestSettings) -> PipelineTest:
        sources = [node.name for node in self._nodes.values() if node.role == "source"]
        if settings.source not in sources:
            message = f"{quoted(settings.source)} is not one of the sources; {meant(settings.source, sources)}"
            self._findings.problem(table.file.name, (*table.path, "source"), message)
        for key, names in (("expect", settings.expect), ("dead", settings.dead)):
            for name in names:
                if name not in self._nodes:
                    message = f"nothing is called {quoted(name)}; {meant(name, self._nodes)}"
                    self._findings.problem(table.file.name, (*table.path, key, name), message)
        return PipelineTest(
            name=settings.name,
            source=settings.source,
            input=tuple(self._json(table, ("input", place), value) for place, value in enumerate(settings.input)),
            expect={
                name: tuple(
                    msgspec.json.decode(self._json(table, ("expect", name, place), record))
                    for place, record in enumerate(records)
                )
                for name, records in settings.expect.items()
            },
            dead=settings.dead,
        )

    def _json(self, table: Table, path: TomlPath, value: Any) -> bytes:
        try:
            return msgspec.json.encode(value)
        except (OverflowError, ValueError):
            self._findings.problem(table.file.name, (*table.path, *path), "holds a number too large for JSON")
            return b"null"

    def _typed(self, table: Table, resolved: Resolved) -> Settings | None:
        """The settings of a component, after its type."""
        kind = self._kind_of(table, resolved)
        if kind is None:
            return None
        return self._validator.settings(table, resolved, kind.settings, str(resolved.value["type"]))

    def _kind_of(self, table: Table, resolved: Resolved) -> ComponentType | None:
        """What the type of a component or account is; None when there is no such type."""
        types, name = self._types[table.kind], resolved.value.get("type")
        kind = types.get(name) if isinstance(name, str) else None
        if kind is None and ("type",) not in resolved.unresolved:
            self._findings.problem(table.file.name, (*table.path, "type"), self._no_such_type(table.kind, name))
        return kind

    def _no_such_type(self, kind: str, name: Any) -> str:
        types = sorted(self._types[kind])
        there_is = f"there is {', '.join(types)}" if types else f"this groundswell has no types of {kind}"
        if name is None:
            return f"is missing; {there_is}"
        if not isinstance(name, str):
            return f"must be text; {there_is}"
        for other, others in self._types.items():
            if name in others:
                return f"{quoted(name)} is {_one(other)}, not {_one(kind)}; {there_is}"
        return f"{quoted(name)} is not {_one(kind)}; {meant(name, types) if types else there_is}"

    def _of_kind(self, *kinds: str) -> list[Table]:
        return [table for table in self._all if table.kind in kinds]


def _one(kind: str) -> str:
    """ "an account", "a source"."""
    return f"{'an' if kind == 'accounts' else 'a'} {kind[:-1]}"


def _inputs_of(values: Mapping[str, Any]) -> tuple[str, ...]:
    """What a component names as its inputs, also where it does not do so in a list, as it must."""
    inputs = values.get("inputs")
    return tuple(name for name in (inputs if isinstance(inputs, list) else [inputs]) if isinstance(name, str))


def _collide(one: Listen, other: Listen) -> bool:
    """Whether two listeners want the same port of the same address. Port 0 is any free one."""
    if one.port != other.port or one.port == 0:
        return False
    everywhere = {"0.0.0.0", "::"} & {one.host, other.host}  # noqa: S104
    return bool(everywhere) or one.host == other.host or (one.is_loopback and other.is_loopback)
