"""Backfills as operators ask for them and are shown them."""

from collections.abc import Sequence
from typing import Any, Final

from groundswell.component import History
from groundswell.config.problems import closest, listing, meant, quoted
from groundswell.errors import NotFoundError, NotNowError, RequestError
from groundswell.ops.messages import AskBackfill, BackfillStatus, moment
from groundswell.ops.progress import progress_of
from groundswell.runtime.backfill import can_backfill
from groundswell.runtime.daemon import Daemon
from groundswell.runtime.intake import SourceRunner
from groundswell.store.backfills import Backfill

SHOWN_S: Final = 7 * 86_400.0
"""How long one that ended is shown."""
DRAINING_RETRY_AFTER_S: Final = 10


async def do_backfill(daemon: Daemon, asked: AskBackfill, now: float) -> BackfillStatus:
    """Have it begun or cancelled, and say how it is. No reload may exchange a source meanwhile.

    Raises:
        RequestError: it cannot be done as asked; says why and what can be.
        NotNowError: the daemon is stopping.
    """
    source = _source(daemon, asked.source)
    backfills = daemon.supervisor.backfills
    if asked.cancel:
        if asked.since is not None or asked.until is not None or asked.collections is not None:
            raise RequestError("cancel stops what is under way, whatever it is; leave out since, until and collections")
        await backfills.cancel(asked.source)
    else:
        if daemon.supervisor.accept.is_draining:
            raise NotNowError("not now: stopping", DRAINING_RETRY_AFTER_S)
        await backfills.begin(asked.source, source, _history(asked, source, now))
    backfill = await daemon.store.backfill(asked.source)
    assert backfill is not None
    return status_of_backfill(backfill, backfills.runners.get(asked.source), now, is_running=True)


def _source(daemon: Daemon, name: str) -> Any:
    """The source of this name, if it can be asked for a time that is past."""
    sources = daemon.supervisor.sources
    able = [other for other, source in sources.items() if can_backfill(source)]
    if name not in sources:
        close = closest(name, able)
        hint = f"did you mean {quoted(close)}?" if close else _who_can(able)
        raise NotFoundError(f"nothing called {quoted(name)} is a source; {hint}")
    if name not in able:
        kind = daemon.supervisor.config.components[name].type
        raise RequestError(f"{name} ({kind}) cannot be asked for a time that is past; {_who_can(able)}")
    return sources[name]


def _who_can(able: Sequence[str]) -> str:
    return f"what can be is {listing(able) or 'none of the sources'}"


def _collections(asked: AskBackfill, source: Any) -> list[str]:
    """Those that were asked for, in the order of the source, each once."""
    if asked.collections is None:
        return list(source.collections)
    for name in asked.collections:
        if name not in source.collections:
            raise RequestError(f"{asked.source} does not look for {quoted(name)}; {meant(name, source.collections)}")
    return [name for name in source.collections if name in asked.collections]


def _history(asked: AskBackfill, source: Any, now: float) -> History:
    if asked.since is None:
        raise RequestError("say from when on (since): everything since then is fetched again")
    since = max(asked.since.timestamp(), 0.0)
    until = now if asked.until is None else min(asked.until.timestamp(), now)
    if since >= until:
        raise RequestError("since is not before until, or lies ahead: there is no time between them")
    return History(_collections(asked, source), since, until)


def status_of_backfills(
    backfills: Sequence[Backfill], runners: dict[str, SourceRunner], now: float, *, is_running: bool
) -> list[BackfillStatus]:
    """Those worth showing: under way, or ended not long ago. `is_running` says whether a daemon does."""
    return [
        status_of_backfill(backfill, runners.get(backfill.source), now, is_running=is_running)
        for backfill in backfills
        if backfill.ended_at is None or now - backfill.ended_at / 1000 < SHOWN_S
    ]


def status_of_backfill(
    backfill: Backfill, runner: SourceRunner | None, now: float, *, is_running: bool
) -> BackfillStatus:
    state: str = backfill.state
    progress, error = None, backfill.error
    if state == "running" and not is_running:
        state = "stopped"
    elif state == "running" and runner is not None and runner.state != "finished":
        state, error = runner.state, runner.last_error
        progress = progress_of(runner.progress, now, is_running=state == "running")
    return BackfillStatus(
        source=backfill.source,
        state=state,
        collections=backfill.collections,
        since=moment(backfill.since),
        until=moment(backfill.until),
        asked_at=moment(backfill.asked_at),
        records=backfill.records,
        accepted=backfill.accepted,
        ended_at=None if backfill.ended_at is None else moment(backfill.ended_at),
        progress=progress,
        last_error=error,
    )
