"""How everything is doing: what the running daemon knows, what waits on disk, and what needs a person first."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from groundswell import __version__
from groundswell.clock import Clock
from groundswell.config.problems import counted
from groundswell.members.member import LinkState
from groundswell.ops.accounts_shown import accounts_of, needs_person
from groundswell.ops.amounts import deliveries_waiting
from groundswell.ops.backfills import status_of_backfills
from groundswell.ops.messages import ComponentStatus, LastReload, Role, Status, SyncStatus, moment
from groundswell.ops.people_shown import counts_of
from groundswell.ops.place import Outline, Part
from groundswell.ops.progress import progress_of
from groundswell.ops.reasons import reason_of
from groundswell.runtime.daemon import Daemon
from groundswell.runtime.intake import SourceRunner
from groundswell.store.store import SinkBacklog, Store

_COUNTS: Final[Mapping[Role, tuple[str, ...]]] = {
    "source": ("accepted", "duplicates", "processed", "refused_requests"),
    "transform": ("filtered",),
    "sink": ("delivered", "skipped", "coalesced", "retried"),
}
"""What is counted for each role."""
LATE_S: Final = 3_600.0
"""A delivery that has waited so long is somebody's business."""
FAILING_S: Final = 1_800.0
"""Likewise a source that has not been able to read for so long."""


async def status_of(store: Store, clock: Clock, outline: Outline, daemon: Daemon | None) -> Status:
    """The status of a state file, and of the daemon that runs on it, if one does."""
    parts = outline.parts
    disk = await _Disk.read(store)
    inbox_waiting, inbox_oldest_at = await store.inbox_waiting()
    totals = {} if daemon is None else daemon.metrics.totals()
    names = [*parts, *sorted((disk.backlogs.keys() | disk.dead.keys()) - parts.keys())]
    now = clock.now()
    since = {} if daemon is None else daemon.since.note(daemon.supervisor.states(), now)
    components = [_component(name, parts.get(name), disk, daemon, totals.get(name, {}), since, now) for name in names]
    accounts = await accounts_of(store, clock, outline, daemon)
    components.sort(key=lambda component: component.attention is None)
    lacking = await store.lacks_room()
    not_ready = ["no daemon runs"] if daemon is None else daemon.supervisor.not_ready()
    return Status(
        running=daemon is not None,
        version=__version__,
        now=moment(now * 1000),
        state_file=str(store.path),
        state_file_bytes=await store.size(),
        components=components,
        inbox_waiting=inbox_waiting,
        inbox_oldest_at=None if inbox_oldest_at is None else moment(inbox_oldest_at),
        not_ready=not_ready if lacking is None or lacking in not_ready else [*not_ready, lacking],
        attention=[
            *_attention(lacking, daemon),
            *(f"account {account.name}: {account.to_do}" for account in accounts if needs_person(account)),
            *(f"{c.name}: {c.attention}" for c in components if c.attention),
        ],
        accounts=accounts,
        backfills=status_of_backfills(
            await store.backfills(),
            daemon,
            now,
        ),
        syncs=list(_syncs(outline, await store.people.counts())),
        **_of_daemon(daemon),
    )


def _syncs(outline: Outline, counts: Mapping[str, Mapping[LinkState, int]]) -> Iterator[SyncStatus]:
    """Those of the configuration, and accounts of which people are known from earlier."""
    named = {sync.account: name for name, sync in outline.syncs.items()}
    for account in [*named, *sorted(counts.keys() - named.keys())]:
        name = named.get(account)
        counted = counts_of(account, counts.get(account, {}))
        yield SyncStatus(
            name=name,
            account=account,
            state="removed" if name is None else "on" if outline.syncs[name].is_on else "off",
            synced=counted.states["synced"],
            total=counted.total - counted.states["gone"],
            states=counted.states,
        )


def _of_daemon(daemon: Daemon | None) -> dict[str, Any]:
    if daemon is None:
        return {}
    return {
        "started_at": moment(daemon.started_at * 1000),
        "config": daemon.config.hash,
        "config_read_at": moment(daemon.config_read_at * 1000),
        "last_reload": LastReload(moment(daemon.reloaded.at * 1000), daemon.reloaded.error),
    }


class _Disk:
    """What the state file says of the components."""

    def __init__(
        self, backlogs: dict[str, SinkBacklog], dead: dict[str, int], undecided: dict[str, int], paused: set[str]
    ) -> None:
        self.backlogs = backlogs
        self.dead = dead
        """Dead letters by component."""
        self.undecided = undecided
        """Those of them that somebody has to decide about."""
        self.paused = paused

    @classmethod
    async def read(cls, store: Store) -> "_Disk":
        dead: Counter[str] = Counter()
        undecided: Counter[str] = Counter()
        for group in await store.dead_groups():
            dead[group.component] += group.count
            if reason_of(group.reason).needs_person:
                undecided[group.component] += group.count
        return cls(await store.backlogs(), dead, undecided, await store.paused())


def _component(
    name: str,
    part: Part | None,
    disk: _Disk,
    daemon: Daemon | None,
    totals: Mapping[str, float],
    since: Mapping[str, float],
    now: float,
) -> ComponentStatus:
    backlog = disk.backlogs.get(name)
    waiting = 0 if backlog is None else backlog.records
    state, last_error = _state(name, part, disk, daemon)
    is_sink = part is None or part.role == "sink"
    runner = daemon.supervisor.sinks.get(name) if daemon is not None else None
    source = daemon.supervisor.running_sources.get(name) if daemon is not None else None
    why = [*_why(name, state, waiting, disk.undecided.get(name, 0)), *_why_late(state, backlog, source, now)]
    return ComponentStatus(
        name=name,
        role=None if part is None else part.role,
        type=None if part is None else part.type,
        state=state,
        waiting=(runner.waiting if runner is not None else waiting) if is_sink else None,
        oldest_waiting_at=None if backlog is None or backlog.oldest_at is None else moment(backlog.oldest_at),
        dead_letters=disk.dead.get(name, 0),
        progress=None if source is None else progress_of(source.progress, now, is_running=source.state == "running"),
        last_error=last_error,
        attention="; ".join(why) or None,
        can_pause=part is not None and part.can_pause,
        can_poll=part is not None and part.can_poll,
        **({} if daemon is None or part is None else _of_running(part, daemon, totals, since)),
    )


def _of_running(part: Part, daemon: Daemon, totals: Mapping[str, float], since: Mapping[str, float]) -> dict[str, Any]:
    """What only a running daemon knows."""
    component = daemon.config.components[part.name]
    on = [name for name, sync in daemon.config.syncs.items() if sync.enabled]
    sync = next((name for name in on if part.name in (name, f"{name}_read", f"{name}_write")), None)
    return {
        **_counts(part, daemon, totals),
        "per_second": daemon.rates.latest(part.name),
        "state_since": moment(since[part.name] * 1000) if part.name in since else None,
        "inputs": list(component.inputs or component.written_by),
        "place": f"[{part.role}s.{part.name}]" if sync is None else f"[sync.{sync}]",
    }


def _counts(part: Part, daemon: Daemon, totals: Mapping[str, float]) -> dict[str, Any]:
    plan = daemon.supervisor.processor.plan
    counting = plan.transforms.get(part.name) or daemon.supervisor.sources.get(part.name)
    notes = dict(getattr(counting, "counts", {}))
    return {**{word: int(totals.get(word, 0)) for word in _COUNTS[part.role]}, "notes": notes}


def _state(name: str, part: Part | None, disk: _Disk, daemon: Daemon | None) -> tuple[str, str | None]:
    """The state, and the error last met."""
    if part is None:
        return "removed", None
    if daemon is None:
        return ("paused" if name in disk.paused and part.can_pause else "stopped"), None
    supervisor = daemon.supervisor
    state = supervisor.states().get(name, "starting")
    sink, source = supervisor.sinks.get(name), supervisor.running_sources.get(name)
    if sink is not None:
        return state, sink.gate.last_error
    return state, None if source is None else source.last_error


def _why(name: str, state: str, waiting: int, dead_letters: int) -> Iterator[str]:
    """Why a component needs a person. What mends itself (away, rate limited, waiting) does not."""
    if state == "unauthorized":
        yield f"it is refused; mend what its last error names, then `groundswell resume {name}` tries at once"
    if state == "off":
        yield "it is switched off and answers 503; set `enabled = true` and reload once the set-up is done"
    if state == "removed" and waiting:
        yield f"{deliveries_waiting(waiting)} for it, and the configuration no longer has it; put it back"
    if dead_letters:
        yield f"{counted(dead_letters, 'dead letter')}; look with `groundswell dead list --component {name}`"


def _why_late(state: str, backlog: SinkBacklog | None, source: SourceRunner | None, now: float) -> Iterator[str]:
    """What mends itself, and has not for long. `unauthorized` and `removed` say so anyway; a stopped daemon cannot."""
    if source is not None and state == "waiting":
        failing_s = source.failing_s(now)
        if failing_s >= FAILING_S:
            yield f"it has not been able to read for {_about(failing_s)}; its last error says why"
    if backlog is None or backlog.oldest_at is None or state not in ("running", "away", "rate_limited", "paused"):
        return
    late_s = now - backlog.oldest_at / 1000
    if late_s >= LATE_S:
        known = {"paused": "it is paused", "away": "the other side does not answer"}
        why = known.get(state, "more comes than goes out")
        yield f"{deliveries_waiting(backlog.records)}, the oldest for {_about(late_s)}: {why}"


def _about(seconds: float) -> str:
    """For how long, in the largest unit: people look at it again and again, and want to see it change seldom."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return counted(int(seconds // size), unit)
    return "less than a minute"


def _attention(lacking: str | None, daemon: Daemon | None) -> Iterator[str]:
    """What is not about one component."""
    if lacking is not None:
        yield f"nothing new is accepted: {lacking}; make room"
    if daemon is not None and daemon.reloaded.error is not None:
        yield "the last reload was refused, and the configuration before it is in force; see `groundswell check`"
