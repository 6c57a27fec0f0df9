"""`groundswell status`: how everything is doing, and what needs a person."""

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Final

import anyio
import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from groundswell.cli.accounts import rendered as rendered_accounts
from groundswell.cli.asking import ask, place_or_exit
from groundswell.cli.backfills import sends_of, span_of
from groundswell.cli.interrupt import interrupted
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import new_console, print_json, say, shown, table
from groundswell.clock import SystemClock
from groundswell.errors import GroundswellError
from groundswell.ops import reach
from groundswell.ops.amounts import lasting, progress_words, size
from groundswell.ops.messages import (
    BackfillStatus,
    ComponentStatus,
    Nothing,
    Role,
    Status,
    SyncStatus,
)
from groundswell.ops.operations import STATUS
from groundswell.ops.people_shown import STATES
from groundswell.ops.place import Place

WATCH_EVERY_S: Final = 2.0

_COLUMNS: Final[dict[Role | None, tuple[str, ...]]] = {
    "source": ("accepted", "duplicates", "processed", "refused", "dead", "notes"),
    "transform": ("filtered", "dead", "notes"),
    "sink": ("delivered", "skipped", "coalesced", "waiting", "oldest", "retried", "dead"),
    None: ("waiting", "oldest", "dead"),
}
_FIELDS: Final = {"refused": "refused_requests", "dead": "dead_letters"}
"""Columns that are called something shorter than what they show."""
_SELDOM: Final = frozenset({"refused", "skipped", "coalesced", "notes"})
"""Columns left out while there is nothing in them."""
_TITLES: Final[dict[Role | None, str]] = {
    "source": "Sources",
    "transform": "Transforms",
    "sink": "Sinks",
    None: "No longer in the configuration",
}


def command(
    config: CONFIG = None,
    watch: Annotated[bool, typer.Option("--watch", help="Keep looking, every two seconds, until Ctrl-C.")] = False,
    as_json: JSON = False,
) -> None:
    """Show how everything is doing, and first of all what needs a person.

    Counts are since the daemon started. While none runs, what waits on disk is shown. Exit codes: 0 done, 1 failed.

    Examples: groundswell status; groundswell status --watch; groundswell status --config /etc/groundswell --json
    """
    if watch:
        _watch(place_or_exit(config), as_json)
    elif as_json:
        print_json(ask(config, STATUS, Nothing()))
    else:
        say(rendered(ask(config, STATUS, Nothing())))


def _watch(place: Place, as_json: bool) -> None:
    anyio.run(_look_until_interrupted, place, as_json)


async def _look_until_interrupted(place: Place, as_json: bool) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_keep_looking, place, as_json)
        await interrupted()
        tasks.cancel_scope.cancel()


async def _keep_looking(place: Place, as_json: bool) -> None:
    clock = SystemClock()
    console = new_console()
    if as_json or not sys.stdout.isatty():
        while True:
            _print(await _look(place, clock), as_json)
            await clock.sleep(WATCH_EVERY_S)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            found = await _look(place, clock)
            live.update(Text(found) if isinstance(found, str) else _fitted(console, rendered(found)), refresh=True)
            await clock.sleep(WATCH_EVERY_S)


def _fitted(console: Console, status: RenderableType) -> RenderableType:
    """What does not fit into the window is left out at the end, and that is said."""
    lines = console.render_lines(status, pad=False)
    if len(lines) <= console.height:
        return status
    kept = [segment for line in lines[: console.height - 1] for segment in (*line, Segment.line())]
    return Group(Segments(kept), Text("more does not fit in this window; groundswell top fits any", style="dim"))


async def _look(place: Place, clock: SystemClock) -> Status | str:
    """The status, or why there is none just now: a daemon may be starting, and whoever watches wants to see it come."""
    try:
        return await reach.ask(place, clock, STATUS, Nothing())
    except GroundswellError as exc:
        return str(exc)


def _print(found: Status | str, as_json: bool) -> None:
    if isinstance(found, str):
        typer.echo(found, err=True)
    elif as_json:
        print_json(found)
    else:
        say(rendered(found))


def rendered(status: Status) -> RenderableType:
    """A status as people read it."""
    return Group(
        *_heading(status),
        *_tables(status),
        *(rendered_accounts(status.accounts) if status.accounts else ()),
        *_syncs(status),
        *_backfills(status),
        *_under_way(status),
        *_errors(status),
    )


def _heading(status: Status) -> Iterator[Text]:
    if status.running:
        yield Text(_running(status), style="bold")
    else:
        yield Text(f"not running; what waits is in the state file (groundswell {status.version})", style="bold yellow")
    yield Text(f"state file {shown(status.state_file)}, {size(status.state_file_bytes)}")
    if status.inbox_waiting:
        yield Text(
            f"{shown(status.inbox_waiting)} accepted and not processed yet, the oldest for "
            f"{_age(status.inbox_oldest_at, status.now)}"
        )
    if status.running and status.not_ready:
        yield Text(f"not ready: {'; '.join(status.not_ready)}", style="bold red")
    if status.attention:
        yield Text("\nneeds a person:", style="bold red")
        yield from (Text(f"  {shown(line)}", style="red") for line in status.attention)


def _running(status: Status) -> str:
    parts = [f"running since {shown(status.started_at)} ({_age(status.started_at, status.now)})"]
    parts.append(f"configuration {status.config} read {shown(status.config_read_at)}")
    if status.last_reload is not None and status.last_reload.error is not None:
        parts.append(f"reload refused {shown(status.last_reload.at)}")
    return ", ".join([*parts, f"groundswell {status.version}"])


def _tables(status: Status) -> Iterator[Table]:
    for role, columns in _COLUMNS.items():
        found = [component for component in status.components if component.role == role]
        if not found:
            continue
        rows = [[_cell(component, column, status.now) for column in columns] for component in found]
        kept = [
            place
            for place, column in enumerate(columns)
            if column not in _SELDOM or any(row[place] not in (None, 0, "") for row in rows)
        ]
        yield table(
            f"\n{_TITLES[role]}",
            ["component", "type", "state", *(columns[place] for place in kept)],
            [
                [component.name, component.type, _state(component), *(row[place] for place in kept)]
                for component, row in zip(found, rows, strict=True)
            ],
            numbers=set(columns) - {"notes"},
        )


def _cell(component: ComponentStatus, column: str, now: datetime) -> object:
    if column == "oldest":
        return None if component.oldest_waiting_at is None else _age(component.oldest_waiting_at, now)
    if column == "notes":
        return ", ".join(f"{note} {count:,}" for note, count in sorted(component.notes.items()))
    return getattr(component, _FIELDS.get(column, column))


def _state(component: ComponentStatus) -> Text:
    if component.state in ("running", "finished", "stopped"):
        return Text(component.state)
    return Text(component.state, style="red" if component.attention else "yellow")


def _syncs(status: Status) -> Iterator[Table]:
    if status.syncs:
        rows = [
            (one.name, one.account, _switch(one), _share(one), *map(one.states.get, STATES)) for one in status.syncs
        ]
        yield table("\nSyncs", ["sync", "account", "is", "synced of all", *STATES], rows, numbers=[*STATES])


def _switch(sync: SyncStatus) -> Text:
    return Text(sync.state, style="" if sync.state == "on" else "yellow")


def _share(sync: SyncStatus) -> str:
    share = f" ({sync.synced * 100 // sync.total}%)" if sync.total else ""
    return f"{sync.synced:,} of {sync.total:,}{share}"


def _backfills(status: Status) -> Iterator[Table]:
    if status.backfills:
        numbers = ["records", "new", "sent", "known", "dead"]
        rows = [
            (
                one.source,
                _colored(one),
                sends_of(one),
                ", ".join(one.collections),
                span_of(one),
                *(one.records, one.accepted, one.sent, one.known, one.dead),
                one.ended_at,
            )
            for one in status.backfills
        ]
        headings = ["backfill of", "state", "sends", "collections", "what", *numbers, "ended"]
        yield table("\nBackfills", headings, rows, numbers={*numbers})


def _colored(backfill: BackfillStatus) -> Text:
    is_well = backfill.state in ("running", "finished", "stopped")
    return Text(backfill.state, style="" if is_well else "red" if backfill.state == "failed" else "yellow")


def _under_way(status: Status) -> Iterator[Text]:
    found = [(component.name, component.progress) for component in status.components]
    found += [(f"backfill of {backfill.source}", backfill.progress) for backfill in status.backfills]
    waiting = [one for one in status.backfills if one.waits_for is not None]
    if waiting or any(progress is not None for _, progress in found):
        yield Text("\nUnder way", style="bold")
    for name, progress in found:
        if progress is not None:
            yield Text(f"  {name}: {shown(progress_words(progress))}")
    for one in waiting:
        yield Text(f"  backfill of {one.source}: waits for {shown(one.waits_for)}; what is live goes first")


def _errors(status: Status) -> Iterator[Text]:
    found = [(component.name, component.last_error) for component in status.components]
    found += [(f"backfill of {backfill.source}", backfill.last_error) for backfill in status.backfills]
    if any(error for _, error in found):
        yield Text("\nLast errors", style="bold")
    for name, said in found:
        if said:
            error = shown(said)
            told = error if error.startswith(f"{name}:") else f"{name}: {error}"
            yield Text(f"  {told}", style="yellow")


def _age(since: datetime | None, now: datetime) -> str:
    return lasting((now - (since or now)).total_seconds())
