"""`groundswell drift`: how far members and accounts are apart."""

from pathlib import Path
from random import Random
from typing import Annotated

import typer

from groundswell.cli.options import CONFIG, JSON, load_or_exit
from groundswell.cli.screen import print_json, say, table
from groundswell.cli.syncs import alone, switched_on
from groundswell.clock import SystemClock
from groundswell.errors import RequestError
from groundswell.runtime.drifting import Drift, drift
from groundswell.store.store import Store


def command(
    sync: Annotated[str, typer.Argument(metavar="SYNC", help="The sync.")],
    sample: Annotated[int, typer.Option(min=1, help="How many of its people to look at, at random.")] = 200,
    everybody: Annotated[bool, typer.Option("--all", help="Look at all of them.")] = False,
    let_go: Annotated[
        bool, typer.Option("--let-go", help="Let go of who is gone; another person with the phone takes the place.")
    ] = False,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Read people of an account anew, hold them against the members, and count what differs.

    Nothing is written, unless you say --let-go: whoever is not there any more (deleted, merged, erased) is then a link
    that is gone, is never made anew, and one of the others with the phone is linked instead.

    It does not run beside a daemon, since both together would pass the rate of the account.
    Exit codes: 0 done, 1 failed, 78 the configuration is wrong.

    Examples: groundswell drift actionkit; groundswell drift network --sample 1000; groundswell drift actionkit --all
    """
    loaded = load_or_exit(config or [Path("pipeline.toml")])
    (name,) = switched_on(loaded, [sync])
    count = None if everybody else sample

    async def drifted(store: Store | None) -> Drift:
        if store is None:
            path = loaded.directory / loaded.daemon.state
            raise RequestError(f"there is no state file {path}: no daemon has run with this configuration")
        return await drift(loaded, store, name, count, SystemClock(), Random(), lets_go=let_go)

    found = alone(loaded, drifted)
    if as_json:
        print_json(found)
        return
    rows = [(name, one.agree, one.edited, one.under_way, one.left) for name, one in found.fields.items()]
    headings = ("field", "agree", "edited since", "being written", "left as they are")
    say(f"{sync}: {found.linked:,} people looked at, {found.gone:,} of them gone")
    if found.let_go and found.gone:
        say(f"they were let go; {found.heirs:,} others with their phone were linked")
    say(table("Fields", headings, rows, numbers=headings[1:]))
