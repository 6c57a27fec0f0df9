"""`groundswell plan`: what the syncs would change, where, from what to what, and by which rule."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Final

import anyio
import typer

from groundswell.cli.asking import fail
from groundswell.cli.options import CONFIG, JSON, load_or_exit
from groundswell.cli.screen import print_json, say, table, warn_of_personal_data
from groundswell.clock import SystemClock
from groundswell.config.model import Config
from groundswell.config.problems import counted, meant
from groundswell.errors import GroundswellError, RequestError, StoreLockedError
from groundswell.runtime.planning import Planned, plan
from groundswell.store.store import Store

_LISTED_MAX: Final = 200


def command(
    sync: Annotated[list[str] | None, typer.Argument(help="Only these syncs.", show_default="all")] = None,
    everything: Annotated[bool, typer.Option("--all", help=f"List every change, not the first {_LISTED_MAX}.")] = False,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Read both sides, write nothing, and list what the syncs would change: where, from what to what, by which rule.

    It reads what changed since the last round, as the daemon would: before the first run, everybody. Run the daemon
    right after, and it does just that. It does not run beside a daemon, since both together would pass the rates of
    the accounts. Exit codes: 0 done, 1 failed, 78 the configuration is wrong.

    Examples: groundswell plan; groundswell plan actionkit --all; groundswell plan --json
    """
    loaded = load_or_exit(config or [Path("pipeline.toml")])
    switched_on = [name for name, settings in loaded.syncs.items() if settings.enabled]
    names = sync or switched_on
    for name in names:
        if name not in switched_on:
            typer.echo(f"there is no sync called {name} that is switched on; {meant(name, switched_on)}", err=True)
            raise typer.Exit(1)
    try:
        planned = anyio.run(_plan, loaded, names)
    except StoreLockedError:
        fail(RequestError("a daemon runs on this state file; both would pass the accounts' rates together, so stop it"))
    except GroundswellError as exc:
        fail(exc)
    if as_json:
        print_json(planned)
    else:
        _show(planned, everything=everything)


async def _plan(config: Config, names: list[str]) -> Planned:
    path = config.directory / config.daemon.state
    if not path.exists():
        return await plan(config, None, names, SystemClock())
    # The lock of the state file is held meanwhile: no daemon can start and pass the rates of the accounts.
    async with Store(path) as store:
        return await plan(config, store, names, SystemClock())


def _show(planned: Planned, *, everything: bool) -> None:
    if planned.waiting:
        say(
            f"{counted(planned.waiting, 'record')} that came before wait to be processed: they come first, and are not "
            "in this plan"
        )
    for sync, read in planned.read.items():
        notes = ", ".join(f"{note} {count:,}" for note, count in sorted(planned.notes[sync].items()))
        say(f"{sync}: {counted(read, 'record')} new or changed there" + (f" ({notes})" if notes else ""))
    if planned.unreadable:
        say(f"{counted(planned.unreadable, 'record')} would become dead letters")
    if not planned.edits:
        say("Nothing would change.")
        return
    warn_of_personal_data()
    listed = planned.edits if everything else planned.edits[:_LISTED_MAX]
    say(
        table(
            "Changes",
            ("sync", "who", "goes to", "field", "from", "to", "rule"),
            [
                (
                    edit.sync,
                    edit.remote_id or f"member {edit.member}, who is made",
                    edit.sync if edit.to == "remote" else "member",
                    edit.field,
                    edit.before,
                    edit.after,
                    edit.rule,
                )
                for edit in listed
            ],
        )
    )
    if len(listed) < len(planned.edits):
        say(f"and {len(planned.edits) - len(listed):,} more; --all lists them")
    sums = Counter((edit.sync, edit.to, edit.field, edit.rule) for edit in planned.edits)
    say(
        table(
            "Counts",
            ("sync", "goes to", "field", "rule", "changes"),
            [
                (sync, sync if to == "remote" else "member", field, rule, count)
                for (sync, to, field, rule), count in sorted(sums.items())
            ],
            numbers={"changes"},
        )
    )
