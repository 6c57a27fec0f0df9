"""`groundswell check`: everything that is wrong with a configuration, and with `--connect` with its accounts."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import anyio
import msgspec
import typer
from rich.console import Console
from rich.table import Table

from groundswell.cli.asking import EXIT_FAILED
from groundswell.cli.options import EXIT_CONFIG, FILES
from groundswell.cli.screen import shown
from groundswell.clock import SystemClock
from groundswell.config.load import load
from groundswell.config.model import Config
from groundswell.config.problems import by_file, counted, rendered
from groundswell.config.schema import config_schema
from groundswell.config.warnings import warnings_of
from groundswell.errors import ConfigError, StoreError
from groundswell.runtime.connecting import NotConnected, completed, vault_of
from groundswell.runtime.trying import AccountTried, try_accounts
from groundswell.store.store import Store


def command(
    files: FILES = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print a JSON Schema for editors, and check nothing.")
    ] = False,
    connect: Annotated[
        bool,
        typer.Option(
            "--connect",
            help="Also try every account: call its vendor with its credentials, changing nothing there. These calls "
            "count towards its rate limit beside those of a running daemon.",
        ),
    ] = False,
) -> None:
    """Say everything that is wrong with the configuration, and where. Nothing is started.

    Without --connect nobody is called. Warnings do not count as wrong. Exit codes: 0 it can be run, 1 an account
    failed, 78 it cannot be run.

    Examples: groundswell check; groundswell check --connect; groundswell check /etc/groundswell --json;
    groundswell check --schema > groundswell.schema.json
    """
    if schema:
        typer.echo(msgspec.json.format(msgspec.json.encode(config_schema()), indent=2).decode())
        return
    paths: list[Path] = files or [Path("pipeline.toml")]
    try:
        config = load(paths, os.environ)
    except ConfigError as error:
        if as_json:
            typer.echo(msgspec.json.encode(_wrong(error)))
        else:
            _show_problems(error)
        raise typer.Exit(EXIT_CONFIG) from error
    tried = anyio.run(_try, config) if connect else None
    if as_json:
        typer.echo(msgspec.json.encode(_right(config, tried)))
    else:
        for warning in warnings_of(config, SystemClock().now()):
            typer.echo(f"warning: {warning}")
        typer.echo(_summary(config))
        for line in _accounts(tried):
            typer.echo(line)
    if not _are_good(tried):
        raise typer.Exit(EXIT_FAILED)


async def _try(config: Config) -> list[AccountTried]:
    found, missing = await _completed(config)
    return await try_accounts(found, SystemClock(), missing=missing)


async def _completed(config: Config) -> tuple[Config, dict[str, NotConnected]]:
    """With the credentials that were connected, as far as the state file can be read."""
    vault, path = vault_of(config), config.directory / config.daemon.state
    if not path.exists():
        return completed(config, {}, vault)
    store = Store(path)
    try:
        await store.open_to_read()
    except StoreError as exc:
        found, missing = completed(config, {}, vault)
        return found, {name: NotConnected(str(exc), is_fault=True) for name in missing}
    try:
        return completed(config, await store.connections(), vault)
    finally:
        await store.close()


def _show_problems(error: ConfigError) -> None:
    """On a terminal long messages are wrapped in a column of their own; elsewhere each problem is one line."""
    console = Console(markup=False, highlight=False, emoji=False)  # "[daemon]" is no markup
    if not console.is_terminal:
        typer.echo(rendered(error), nl=False)
        return
    for file, problems in by_file(error.problems):
        console.print(f"{file}: {counted(len(problems), 'problem')}", style="bold")
        table = Table.grid(padding=(0, 2))
        table.add_column(style="yellow", overflow="fold", max_width=console.width // 3)
        table.add_column(overflow="fold")
        for problem in problems:
            table.add_row(f"  {problem.path}", problem.message)
        console.print(table)


def _summary(config: Config) -> str:
    """ "pipeline.toml is fine: 1 source, 2 transforms, 1 sink (1f0c2a9b7d3e)"."""
    subject = f"{config.files[0]} is" if len(config.files) == 1 else f"{len(config.files)} files are"
    parts = [counted(number, role) for role, number in _numbers(config).items()]
    return f"{subject} fine: {', '.join(parts)} ({config.hash})"


def _numbers(config: Config) -> dict[str, int]:
    return {role: len(config.of_role(role)) for role in ("source", "transform", "sink")}


def _accounts(tried: Sequence[AccountTried] | None) -> Iterator[str]:
    """ "network (action_network, actionnetwork.org): the key is good", a line each; none when nobody asked."""
    for account in tried or ():
        where = ", ".join(part for part in (account.type, account.host) if part is not None)
        yield shown(f"{account.name} ({where}): {account.message}")
    if tried is not None and not tried:
        yield "there are no accounts to try"


def _are_good(tried: Sequence[AccountTried] | None) -> bool:
    return all(account.ok for account in tried or ())


def _right(config: Config, tried: Sequence[AccountTried] | None) -> dict[str, Any]:
    return {
        "ok": _are_good(tried),
        "problems": [],
        "warnings": warnings_of(config, SystemClock().now()),
        "files": [str(file) for file in config.files],
        "hash": config.hash,
        **{f"{role}s": number for role, number in _numbers(config).items()},
        **({} if tried is None else {"accounts": tried}),
    }


def _wrong(error: ConfigError) -> dict[str, Any]:
    return {"ok": False, "problems": error.problems}
