"""`groundswell plan`: what the syncs would change, where, from what to what, and by which rule."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Final

import typer

from groundswell.cli.options import CONFIG, JSON, load_or_exit
from groundswell.cli.screen import print_json, say, table, warn_of_personal_data
from groundswell.cli.syncs import alone, switched_on
from groundswell.clock import SystemClock
from groundswell.config.problems import counted
from groundswell.runtime.planning import Planned, plan

_LISTED_MAX: Final = 200


def command(
    sync: Annotated[
        list[str] | None, typer.Argument(metavar="SYNC", help="Only these syncs.", show_default="all")
    ] = None,
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
    names = switched_on(loaded, sync)
    planned = alone(loaded, lambda store: plan(loaded, store, names, SystemClock()))
    if as_json:
        print_json(planned)
    else:
        _show(planned, everything=everything)


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
