"""Backfills as operators ask for them and are shown them."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, cast

from groundswell.component import History
from groundswell.config.model import account_of
from groundswell.config.problems import able, closest, meant, quoted
from groundswell.errors import NotFoundError, NotNowError, RequestError
from groundswell.ops.amounts import deliveries_waiting
from groundswell.ops.messages import AskBackfill, Backfills, BackfillStatus, CanBackfill, ListBackfills, moment
from groundswell.ops.progress import progress_of
from groundswell.runtime.backfill import can_backfill, can_subscribe
from groundswell.runtime.daemon import Daemon
from groundswell.store.backfills import Backfill
from groundswell.store.store import Store

Change = Literal["cancel", "pause", "resume"]

SHOWN_S: Final = 7 * 86_400.0
"""How long one that ended is shown."""
LISTED_MAX: Final = 1_000
"""In one answer."""
DRAINING_RETRY_AFTER_S: Final = 10


async def do_backfill(daemon: Daemon, asked: AskBackfill, now: float) -> BackfillStatus:
    """Have it begun, cancelled, paused or resumed, and say how it is. No reload may exchange a source meanwhile.

    Raises:
        RequestError: it cannot be done as asked; says why and what can be.
        NotNowError: the daemon is stopping.
    """
    source = _source(daemon, asked.source)
    backfills = daemon.supervisor.backfills
    change = _change(asked)
    if change is not None:
        changes = {"cancel": backfills.cancel, "pause": backfills.rest, "resume": backfills.go_on_with}
        await changes[change](asked.source)
    else:
        if daemon.supervisor.accept.is_draining:
            raise NotNowError("not now: stopping", DRAINING_RETRY_AFTER_S)
        history = _history(asked, source, now)
        await backfills.begin(asked.source, source, history, resends=asked.sends == "resend")
    backfill = await daemon.store.backfill(asked.source)
    assert backfill is not None
    return status_of_backfill(backfill, daemon, now)


async def past_backfills(store: Store, daemon: Daemon | None, asked: ListBackfills, now: float) -> Backfills:
    """The last backfills of a source, or of all."""
    found = await store.backfill_history(asked.source, LISTED_MAX)
    sources = [] if daemon is None else [one for one in _sources(daemon) if asked.source in (None, one.source)]
    return Backfills([status_of_backfill(one, daemon, now) for one in found], sources)


def _sources(daemon: Daemon) -> Iterator[CanBackfill]:
    """The sources that can be asked for a time that is past."""
    config = daemon.supervisor.config
    for name, source in daemon.supervisor.sources.items():
        if can_backfill(source):
            component = config.components[name]
            account = account_of(component)
            yield CanBackfill(
                source=name,
                type=component.type,
                account=account,
                is_connected=account is None or config.accounts[account].settings is not None,
                collections=list(source.collections),
                can_subscribe=can_subscribe(source),
                sinks=daemon.supervisor.processor.plan.sinks_behind(name),
            )


def _change(asked: AskBackfill) -> Change | None:
    """What is to become of the one under way, which is what it is. Raises RequestError."""
    wanted: list[Change] = [
        *(("cancel",) if asked.cancel else ()),
        *(("pause",) if asked.pause else ()),
        *(("resume",) if asked.resume else ()),
    ]
    if not wanted:
        return None
    bare = AskBackfill(asked.source, cancel=asked.cancel, pause=asked.pause, resume=asked.resume)
    if len(wanted) > 1 or asked != bare:
        raise RequestError(f"{wanted[0]} is about what is under way, whatever it is; leave out all else")
    return wanted[0]


def _source(daemon: Daemon, name: str) -> Any:
    """The source of this name, if it can be asked for a time that is past."""
    sources = daemon.supervisor.sources
    can = [other for other, source in sources.items() if can_backfill(source)]
    if name not in sources:
        close = closest(name, can)
        hint = f"did you mean {quoted(close)}?" if close else able(can, "be asked for a time that is past")
        raise NotFoundError(f"nothing called {quoted(name)} is a source; {hint}")
    if name not in can:
        kind = daemon.supervisor.config.components[name].type
        raise RequestError(f"{name} ({kind}) cannot be asked for a time that is past; {able(can, 'be asked')}")
    return sources[name]


def _collections(asked: AskBackfill, source: Any) -> list[str]:
    """Those that were asked for, in the order of the source, each once."""
    if asked.collections is None:
        return list(source.collections)
    for name in asked.collections:
        if name not in source.collections:
            raise RequestError(f"{asked.source} does not look for {quoted(name)}; {meant(name, source.collections)}")
    return [name for name in source.collections if name in asked.collections]


def _history(asked: AskBackfill, source: Any, now: float) -> History:
    if asked.since is None and not asked.all:
        raise RequestError("say from when on (since), or that all of it is meant (all)")
    if asked.all and (asked.since is not None or asked.until is not None):
        raise RequestError("all is everything until now; leave out since and until, or all")
    if asked.subscribe and not can_subscribe(source):
        raise RequestError(
            f"{asked.source} has no use for subscribe: that is for sources of gifts, where one may be a yes to email"
        )
    since = 0.0 if asked.since is None else max(asked.since.timestamp(), 0.0)
    until = now if asked.until is None else min(asked.until.timestamp(), now)
    if since >= until:
        raise RequestError("since has to be before until, and to be past; there is no time between them")
    return History(_collections(asked, source), since, until, asked.subscribe)


def status_of_backfills(backfills: Sequence[Backfill], daemon: Daemon | None, now: float) -> list[BackfillStatus]:
    """Those worth showing: under way, or ended not long ago."""
    return [
        status_of_backfill(backfill, daemon, now)
        for backfill in backfills
        if backfill.ended_at is None or now - backfill.ended_at / 1000 < SHOWN_S
    ]


def status_of_backfill(backfill: Backfill, daemon: Daemon | None, now: float) -> BackfillStatus:
    asked, state = backfill.asked, cast("str", backfill.state)
    progress, error, waits_for = None, backfill.error, None
    if state == "running":
        runner = None if daemon is None else daemon.supervisor.backfills.runners.get(asked.source)
        if daemon is None:
            state = "stopped"
        elif runner is not None and runner.state != "finished":
            state, error = runner.state, runner.last_error
            progress = progress_of(runner.progress, now, is_running=state == "running")
            waits_for = _waits_for(daemon, asked.source)
    return BackfillStatus(
        source=asked.source,
        state=state,
        collections=list(asked.collections),
        since=moment(asked.since),
        until=moment(asked.until),
        asked_at=moment(asked.asked_at),
        records=backfill.records,
        accepted=backfill.accepted,
        sends="resend" if asked.resends else "unsent",
        subscribes=asked.subscribes,
        sent=backfill.sent,
        known=backfill.known,
        dead=backfill.dead,
        sinks=[] if daemon is None else daemon.supervisor.processor.plan.sinks_behind(asked.source),
        is_paused=backfill.is_paused and backfill.ended_at is None,
        waits_for=waits_for,
        ended_at=None if backfill.ended_at is None else moment(backfill.ended_at),
        progress=progress,
        last_error=error,
    )


def _waits_for(daemon: Daemon, source: str) -> str | None:
    """Whose queue, how long that is, and what is the matter with it."""
    name = daemon.supervisor.patience.waits_for.get(source)
    runner = daemon.supervisor.sinks.get(name or "")
    if name is None or runner is None:
        return name
    state = "" if runner.gate.state == "running" else f"; it is {runner.gate.state}"
    return f"{name} ({deliveries_waiting(runner.waiting)} there{state})"
