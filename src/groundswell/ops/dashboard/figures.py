"""The texts on the pages that change while one looks: made once, for the page as it is loaded and for its stream."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal
from urllib.parse import quote

from msgspec import Struct

from groundswell.ops.account_messages import AccountStatus
from groundswell.ops.amounts import lasting, per_second, progress_words, size
from groundswell.ops.dashboard.backfill_words import so_far, what_of
from groundswell.ops.messages import BackfillStatus, ComponentStatus, Role, SourceProgress, Status, SyncStatus
from groundswell.ops.people_shown import STATES

Mood = Literal["good", "odd", "bad"]

_CALM: Final = frozenset({"running", "finished", "stopped"})
_COUNTS: Final = (
    "accepted", "duplicates", "processed", "refused_requests", "filtered", "delivered", "skipped", "coalesced",
    "retried", "waiting", "dead_letters",
)  # fmt: skip
_MAIN: Final[Mapping[Role, str]] = {"source": "accepted", "transform": "filtered", "sink": "delivered"}
"""What of each role is shown as its rate."""
NOTHING: Final = "-"


class Line(Struct, frozen=True):
    """Something that needs a person."""

    name: str | None
    """The component or account it is about, if it is about one."""
    path: str | None
    """Its page."""
    text: str


class Figures(Struct, frozen=True):
    """Everything that moves. Names in `texts` are "COMPONENT.what", and ".what" of the daemon itself."""

    texts: dict[str, str]
    attention: list[Line]
    under_way: list[Line]
    """What takes long, and how far it has come."""
    shape: str
    """Another one: other components, or another configuration; then the page has to be loaded anew."""


def figures_of(status: Status) -> Figures:
    texts = dict(_of_daemon(status))
    for part in status.components:
        texts.update((f"{part.name}.{what}", text) for what, text in _of_component(part, status.now))
    for one in status.backfills:
        texts.update((f"{one.source}.backfill.{what}", text) for what, text in _of_backfill(one))
    for account in status.accounts:
        texts.update((f".account.{account.name}.{what}", text) for what, text in _of_account(account))
    reads = {part.name: part.progress for part in status.components}
    for sync in status.syncs:
        read = reads.get(f"{sync.name}_read")
        texts.update((f".sync.{sync.account}.{what}", text) for what, text in _of_sync(sync, read))
    names = ",".join(sorted(part.name for part in status.components))
    shape = sha256(f"{status.config} {names}".encode()).hexdigest()[:12]
    return Figures(
        {key: tidy(text) for key, text in texts.items()}, _attention(status), list(_under_way(status)), shape
    )


def page_of(component: str) -> str:
    """The path of its page."""
    return f"/components/{quote(component, safe='')}"


def tidy(text: str) -> str:
    """What came from elsewhere may turn the writing round, or hide in it."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _of_daemon(status: Status) -> Iterator[tuple[str, str]]:
    yield ".now", f"{status.now:%H:%M:%S} UTC"
    yield ".running_for", lasting((status.now - (status.started_at or status.now)).total_seconds())
    yield ".accepts", "; ".join(status.not_ready) if status.not_ready else "yes"
    yield ".accepts.mood", "bad" if status.not_ready else "good"
    oldest = "" if status.inbox_oldest_at is None else f", the oldest for {_age(status.inbox_oldest_at, status.now)}"
    yield ".inbox", f"{status.inbox_waiting:,}{oldest}"
    yield ".state_file", size(status.state_file_bytes)
    yield ".held", " ".join(sorted(part.name for part in status.components if part.state == "paused"))
    yield ".backfills", _turns(status.backfills)
    for role, what in _MAIN.items():
        rates = [part.per_second.get(what, 0.0) for part in status.components if part.role == role]
        yield f".{what}", per_second(sum(rates))


def _of_component(part: ComponentStatus, now: datetime) -> Iterator[tuple[str, str]]:
    yield "state", part.state.replace("_", " ")
    yield "mood", mood_of(part)
    yield "held", "yes" if part.state == "paused" else "no"
    yield "since", "" if part.state_since is None else f"for {_age(part.state_since, now)}"
    yield "last_error", part.last_error or ""
    yield "progress", "" if part.progress is None else progress_words(part.progress)
    for what in _COUNTS:
        yield what, _count(getattr(part, what))
    for what, rate in part.per_second.items():
        yield f"per_second.{what}", per_second(rate)
    yield "oldest", "" if part.oldest_waiting_at is None else f"for {_age(part.oldest_waiting_at, now)}"
    yield "rate", _rate(part)
    yield "flag", _flag(part)
    yield "queue", _queue(part, now)


def _of_backfill(one: BackfillStatus) -> Iterator[tuple[str, str]]:
    state = "paused" if one.is_paused else one.state
    yield "state", state.replace("_", " ")
    yield "mood", "bad" if state == "failed" else "good" if state in _CALM else "odd"
    yield "progress", "" if one.progress is None else progress_words(one.progress)
    yield "what", what_of(one)
    yield "last_error", one.last_error or ""
    yield "so_far", so_far(one)
    yield "part", "" if one.progress is None else _share(one.progress.done, one.progress.total)
    yield "records", f"{one.records:,}"
    yield "accepted", f"{one.accepted:,}"


def _turns(backfills: Sequence[BackfillStatus]) -> str:
    """Another one whenever a backfill begins, is held, goes on or ends: then other buttons belong to it."""
    turns = sorted(f"{one.source} {one.asked_at} {one.is_paused} {one.ended_at is None}" for one in backfills)
    return sha256("\n".join(turns).encode()).hexdigest()[:12]


def _of_sync(sync: SyncStatus, read: SourceProgress | None) -> Iterator[tuple[str, str]]:
    yield "synced", f"{sync.synced:,}"
    yield "total", f"{sync.total:,}"
    yield "everybody", f"{sum(sync.states.values()):,}"
    yield "part", _share(sync.synced, sync.total)
    yield "states", ", ".join(f"{state} {count:,}" for state, count in sync.states.items() if count)
    yield "progress", "" if read is None else f"reading {progress_words(read)}"
    for state in STATES:
        yield f"state.{state}", f"{sync.states.get(state, 0):,}"


def _of_account(account: AccountStatus) -> Iterator[tuple[str, str]]:
    is_refused = account.state == "connection_error" and account.cause == "credentials"
    cause = f" ({account.cause or 'temporary'})" if account.state == "connection_error" else ""
    yield "state", account.state.replace("_", " ") + cause
    yield "mood", "good" if account.state == "connected" else "bad" if is_refused else "odd"


def _share(done: int, total: int | None) -> str:
    """Of one, as a bar shows it; nothing where nobody knows."""
    return f"{min(1.0, done / total):.3f}" if total else ""


def mood_of(part: ComponentStatus) -> Mood:
    """Whether a person need not look, might, or must."""
    if part.attention is not None:
        return "bad"
    return "good" if part.state in _CALM else "odd"


def _flag(part: ComponentStatus) -> str:
    """Why it is not drawn as well, in a word or two."""
    if part.state not in _CALM:
        return part.state.replace("_", " ")
    return "" if part.attention is None else "dead letters" if "dead letter" in part.attention else "late"


def _rate(part: ComponentStatus) -> str:
    if part.role is None or not part.per_second:
        return ""
    what = _MAIN[part.role]
    return f"{what} {per_second(part.per_second.get(what, 0.0))}"


def _queue(part: ComponentStatus, now: datetime) -> str:
    if not part.waiting:
        return ""
    oldest = "" if part.oldest_waiting_at is None else f" {_age(part.oldest_waiting_at, now)}"
    return f"{part.waiting:,} waiting{oldest}"


def _attention(status: Status) -> list[Line]:
    about = {f"{part.name}: {part.attention}": (part.name, page_of(part.name)) for part in status.components}
    about |= {
        f"account {one.name}: {one.to_do}": (f"account {one.name}", f"/accounts/{quote(one.name, safe='')}")
        for one in status.accounts
    }
    return [
        Line(name and tidy(name), path, tidy(text.removeprefix(f"{name}: ")))
        for text in status.attention
        for name, path in [about.get(text, (None, None))]
    ]


def _under_way(status: Status) -> Iterator[Line]:
    for part in status.components:
        if part.progress is not None:
            yield Line(tidy(part.name), page_of(part.name), tidy(progress_words(part.progress)))
    for one in status.backfills:
        if one.progress is not None:
            yield Line(f"backfill of {tidy(one.source)}", "/backfills", tidy(progress_words(one.progress)))


def _count(value: Any) -> str:
    return NOTHING if value is None else f"{value:,}"


def _age(since: datetime, now: datetime) -> str:
    return lasting((now - since).total_seconds())
