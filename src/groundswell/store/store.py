"""The state file, through the few verbs the daemon needs. No SQL leaves this package."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import aiosqlite
import anyio
import msgspec
from msgspec import Struct

from groundswell.component import Cursor
from groundswell.errors import NotFoundError, StoreError, StoreLockedError
from groundswell.store import (
    backfills,
    brought,
    connections,
    dead_letters,
    editing,
    ids,
    inbox,
    keys,
    outbox,
    pauses,
    records,
    room,
    sent,
)
from groundswell.store.audit import AuditLog
from groundswell.store.backfills import Backfill, BackfillEnded, NewBackfill
from groundswell.store.brought import AgainBatch
from groundswell.store.connections import Connection, Observed
from groundswell.store.database import (
    PAGE_BYTES,
    Lock,
    check_to_read,
    connect_to_checkpoint,
    connect_to_read,
    connect_to_write,
    log_of,
)
from groundswell.store.dead_letters import DeadLetter, Retried, Selection
from groundswell.store.editing import Edit, Edited
from groundswell.store.erasure import Erasure
from groundswell.store.ids import Ids
from groundswell.store.inbox import Accept, Inbox, InboxEntry, Replay, ReplayStep
from groundswell.store.keys import Key
from groundswell.store.looking import look
from groundswell.store.members import MemberShelf
from groundswell.store.outbox import Pending, Processed, Settlement
from groundswell.store.people import People
from groundswell.store.records import RecordPage, RecordQuery
from groundswell.store.retention import Purge, Purged, Retention
from groundswell.store.sightings import Sightings
from groundswell.store.whereabouts import Whereabouts
from groundswell.store.writer import Writer

LOCK_PAUSE_S: Final = 0.05
DISK_FREE_FLOOR: Final = 2**20
"""With less than this a disk is full, whatever [daemon] disk_free_min says."""
COUNTED_MAX: Final = 10_000
"""Arrivals that are counted one by one."""


class SinkBacklog(Struct, frozen=True):
    """What waits in the outbox for one sink."""

    records: int
    oldest_at: int | None
    """Milliseconds since 1970."""
    oldest_seq: int


class DeadLetterGroup(Struct, frozen=True):
    """How many dead letters one component has for one reason."""

    component: str
    reason: str
    count: int
    newest: int
    """The highest number of theirs."""


class DeadLetterRow(Struct, frozen=True):
    """A dead letter as it is kept. `body` is what to look at, JSON wherever it could be read."""

    id: int
    letter: DeadLetter
    source: str | None
    received_at: int | None


class Trace(Struct, frozen=True):
    """The whole way of one record. Times in milliseconds since 1970."""

    record_id: str
    source: str
    received_at: int
    raw: bytes
    """As it came, JSON."""
    is_processed: bool
    sightings: list[tuple[str, int]]
    """(another source that brought it, too; when it first did)."""
    waiting: list[tuple[str, int, int, int]]
    """(sink, attempts made, next attempt at, made at)."""
    settled: list[tuple[str, str, str | None, int, int, int]]
    """(sink, outcome, note, attempts, settled at, made at)."""
    dead: list[int]
    """Numbers of dead letters."""


class Store:
    """One state file, held by this process until `close`."""

    def __init__(self, path: Path, *, size_max: int = 8 * 2**30, disk_free_min: int = 0) -> None:
        self.path = path
        self._size_max = size_max
        self._disk_free_min = disk_free_min
        self._lock = Lock(path)
        self._is_to_read = False
        self._ids = Ids()
        self._inbox = Inbox(self._ids)
        self._retention = Retention(self._ids)
        self._writer: Writer
        self._whereabouts: Whereabouts
        self._reader: aiosqlite.Connection
        self.shelf = MemberShelf(lambda: connect_to_read(path))
        """The members as they are committed, for the thread that processes."""
        self.people = People(path, Erasure(self._ids), lambda apply, asked: self._writer.submit(apply, asked))
        """The members, for whoever looks at them."""
        self.sightings = Sightings(path)
        """Which of two sources brought what."""
        self.audit = AuditLog(lambda apply, asked: self._writer.submit(apply, asked), self._rows)
        """Who changed what."""

    async def open(self) -> Self:
        """Take the lock, check the file, bring it up to date.

        Raises:
            StoreLockedError: another process holds it.
            StoreError: it cannot be used; the message says why and what to do.
        """
        await self._take_lock()
        try:
            self._writer = Writer(
                self._connect_writer,
                lambda: connect_to_checkpoint(self.path),
                log_of(self.path),
                self._ids.ended,
                lambda: self._whereabouts.check(),
            )
            await self._writer.open()
            try:
                self._reader = await self._connect_reader()
            except BaseException:
                await self._writer.close()
                raise
        except BaseException:
            self._lock.release()
            raise
        return self

    async def open_to_read(self) -> Self:
        """Open it to look only: no lock is taken, so that a daemon may start meanwhile. Then nothing may be written.

        Raises:
            StoreError: it cannot be read; the message says why and what to do.
        """
        try:
            self._reader = await self._connect_reader()
        except aiosqlite.Error as exc:
            raise StoreError(
                f"cannot read the state file {self.path}: {exc}; run this as the user groundswell runs as, or as root"
            ) from exc
        self._is_to_read = True
        try:
            application_id = (await self._rows("PRAGMA application_id"))[0][0]
            check_to_read(self.path, application_id, (await self._rows("PRAGMA user_version"))[0][0])
        except BaseException:
            await self.close()
            raise
        return self

    def _connect_writer(self) -> sqlite3.Connection:
        connection = connect_to_write(self.path, self._size_max)
        self._ids.load(connection)
        self._whereabouts = Whereabouts(self.path)
        return connection

    def _accept(self, connection: sqlite3.Connection, batches: Sequence[Accept]) -> list[list[InboxEntry]]:
        bodies = [arrival.raw for batch in batches for arrival in batch.arrivals]
        room.require(connection, self._size_max, room.TO_ACCEPT, bodies)
        return self._inbox.accept(connection, batches)

    def _process(self, connection: sqlite3.Connection, batches: Sequence[Processed]) -> list[list[Pending]]:
        bodies = [delivery.body for batch in batches for _, _, delivery in batch.deliveries]
        room.require(connection, self._size_max, room.TO_PROCESS, bodies)
        made = outbox.process(connection, batches)
        room.require(connection, self._size_max, room.TO_PROCESS, ())  # what members took shows once it is written
        return made

    async def _connect_reader(self) -> aiosqlite.Connection:
        return await aiosqlite.connect(f"file:{_quoted(self.path)}?mode=ro", uri=True, isolation_level=None)

    async def _take_lock(self) -> None:
        """Who asks whether a daemon runs holds the lock for an instant; that must not keep one from starting."""
        for is_last in (False, False, False, True):
            try:
                self._lock.acquire()
            except StoreLockedError:
                if is_last:
                    raise
                await anyio.sleep(LOCK_PAUSE_S)
            else:
                return

    async def close(self) -> None:
        """Commit what waits and let go of the file."""
        with anyio.CancelScope(shield=True):  # also when the daemon is cut short: what waits is committed all the same
            await self._reader.close()
            self.shelf.close()
            if not self._is_to_read:
                await self._writer.close()
                self._lock.release()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # ---- writes: each future is done once it is on disk ----

    def accept(self, batch: Accept) -> "asyncio.Future[list[InboxEntry]]":
        """Keep what came. The result holds what was new; what is missing from it is a duplicate."""
        return self._writer.submit(self._accept, batch)

    def on_accepted(self, committed: Callable[[Sequence[Accept], Sequence[list[InboxEntry]]], None]) -> None:
        """Call this after each commit that accepted something, before those who wait for it go on."""
        self._writer.listen(self._accept, committed)

    def process(self, processed: Processed) -> "asyncio.Future[list[Pending]]":
        """Write what processing made, and move the processor forward, in one transaction."""
        return self._writer.submit(self._process, processed)

    def settle(self, settlement: Settlement) -> "asyncio.Future[None]":
        """Write what became of deliveries."""
        return self._writer.submit(outbox.settle, settlement)

    def bury(self, letter: DeadLetter) -> "asyncio.Future[None]":
        """Keep a dead letter."""
        return self._writer.submit(dead_letters.bury, letter)

    async def replay(self, request: Replay) -> int:
        """Ask for arrivals to be processed once more, in small steps. Returns how many there are."""
        found, step = 0, ReplayStep(request)
        while True:
            done = await self._writer.submit(inbox.replay, step)
            found += done.found
            if done.next is None:
                return found
            step = done.next

    def retry_dead(self, selection: Selection, at: int) -> "asyncio.Future[Retried]":
        """Set dead letters going again."""
        return self._writer.submit(dead_letters.retry, (selection, at))

    def edit_dead(self, edit: Edit) -> "asyncio.Future[Edited]":
        """Put another body into a dead letter, and set it going again."""
        return self._writer.submit(editing.edit, edit)

    def drop_dead(self, selection: Selection) -> "asyncio.Future[int]":
        """Forget dead letters for good."""
        return self._writer.submit(dead_letters.drop, selection)

    def create_key(self, key: Key) -> "asyncio.Future[None]":
        """Keep a new API key."""
        return self._writer.submit(keys.create, key)

    def revoke_key(self, name: str, at: int) -> "asyncio.Future[None]":
        """Revoke an API key by name or account id."""
        return self._writer.submit(keys.revoke, (name, at))

    def pause(self, component: str, at: int) -> "asyncio.Future[None]":
        """Remember that an operator paused a component."""
        return self._writer.submit(pauses.pause, (component, at))

    def resume(self, component: str) -> "asyncio.Future[None]":
        """Remember that it goes on."""
        return self._writer.submit(pauses.resume, component)

    def connect(self, account: str, kind: str, credentials: bytes | None, at: int) -> "asyncio.Future[None]":
        """Remember that an account of this type is connected, with these sealed credentials."""
        return self._writer.submit(connections.connect, (account, kind, credentials, at))

    def disconnect(self, account: str, kind: str, at: int) -> "asyncio.Future[None]":
        """Remember that an account is disconnected, and forget its credentials."""
        return self._writer.submit(connections.disconnect, (account, kind, at))

    def forget_connection(self, account: str) -> "asyncio.Future[None]":
        """Let go of an account that the configuration no longer has."""
        return self._writer.submit(connections.forget, account)

    def observe(self, observed: Sequence[Observed]) -> "asyncio.Future[None]":
        """Note how calls to accounts went."""
        return self._writer.submit(connections.observe, observed)

    def begin_backfill(self, asked: NewBackfill) -> "asyncio.Future[int]":
        """Keep a backfill that was asked for; its number. Raises RequestError when its source has one under way."""
        return self._writer.submit(backfills.begin, asked)

    def end_backfill(self, ended: BackfillEnded) -> "asyncio.Future[bool]":
        """Note that a backfill ended, and how. False when it had ended before."""
        return self._writer.submit(backfills.end, ended)

    def pause_backfill(self, number: int, *, is_paused: bool) -> "asyncio.Future[bool]":
        """Note that a backfill rests, or goes on. False when it is not under way."""
        return self._writer.submit(backfills.pause, (number, is_paused))

    def forget_resent(self) -> "asyncio.Future[bool]":
        """Take a small step of forgetting what backfills that ended have resent. Whether there may be more."""
        return self._writer.submit(brought.forget_resent, None)

    def meet_sinks(self, names: Sequence[str]) -> "asyncio.Future[None]":
        """Note that these sinks run: what is processed from now on, they are given."""
        return self._writer.submit(sent.meet, names)

    def purge(self, step: Purge) -> "asyncio.Future[Purged]":
        """Take one small step of forgetting what is old."""
        return self._writer.submit(self._retention.purge, step)

    def ping(self) -> "asyncio.Future[None]":
        """Done when the writer has committed everything before it: its sign of life."""
        return self._writer.submit(_nothing, None)

    @property
    def commits(self) -> int:
        """Transactions committed since the start."""
        return self._writer.commits

    # ---- reads: they never wait for the writer ----

    async def _rows(self, statement: str, arguments: Sequence[Any] = ()) -> list[Any]:
        try:
            return list(await self._reader.execute_fetchall(statement, arguments))
        except aiosqlite.Error as exc:
            raise StoreError(f"reading the state file {self.path} failed: {exc}") from exc

    async def position(self) -> int:
        """The newest inbox entry that has been processed."""
        position: int = (await self._rows("SELECT seq FROM progress WHERE name = 'processor'"))[0][0]
        return position

    async def last_accepted(self) -> int:
        """The newest inbox entry."""
        last: int = (await self._rows("SELECT coalesce(max(seq), 0) FROM inbox"))[0][0]
        return last

    # Where a read takes `size`, it ends with the entry that brings what was read to so many bytes: what is on disk may
    # be larger than what may be in memory.

    async def arrivals_after(self, seq: int, count: int, size: int) -> list[InboxEntry]:
        """The next entries of the inbox, in order."""
        return [inbox.entry_of(row) for row in await self._rows(inbox.WAITING_AFTER, (seq, count, size))]

    async def replays(self, count: int, size: int) -> list[InboxEntry]:
        """The next entries to process once more, in order."""
        return [inbox.entry_of(row) for row in await self._rows(inbox.REPLAYS, (count, size))]

    async def known(self, record_ids: Sequence[str]) -> set[str]:
        """Those of these that were accepted before and are remembered."""
        with_id = ids.WITH_ID.format(keys=1, ids=2)
        rows = await self._rows(f"SELECT id FROM inbox WHERE {with_id}", ids.arguments(record_ids))
        return {record_id for (record_id,) in rows}

    async def inbox_waiting(self) -> tuple[int, int | None]:
        """How many arrivals wait to be processed, and since when (milliseconds since 1970).

        Beyond COUNTED_MAX it is the span of their numbers, in which duplicates may have left gaps.
        """
        rows = await self._rows(_INBOX_WAITING, (COUNTED_MAX + 1,))
        counted, span, oldest_at = rows[0]
        return counted if counted <= COUNTED_MAX else span, oldest_at

    async def backlogs(self) -> dict[str, SinkBacklog]:
        """What waits for each sink, also for sinks the configuration no longer has."""
        rows = await self._rows(_BACKLOGS)
        return {sink: SinkBacklog(count, oldest_at, oldest_seq) for sink, count, oldest_at, oldest_seq in rows}

    async def oldest_waiting(self, sinks: Sequence[str]) -> dict[str, int]:
        """When the oldest delivery of each of these sinks was made (milliseconds since 1970); one look a sink."""
        rows = await self._rows(_OLDEST_WAITING, (msgspec.json.encode(sinks).decode(),))
        return {sink: at for sink, at in rows if at is not None}

    async def pending_after(self, sink: str, seq: int, count: int, size: int) -> list[Pending]:
        """The next deliveries of a sink, in order."""
        return [outbox.pending_of(row) for row in await self._rows(outbox.PENDING_AFTER, (sink, seq, count, size))]

    async def pending_among(self, seqs: Sequence[int], size: int) -> list[Pending]:
        """These deliveries, in order."""
        listed = msgspec.json.encode(seqs).decode()
        return [outbox.pending_of(row) for row in await self._rows(outbox.PENDING_AMONG, (listed, size))]

    async def cursor(self, source: str) -> Cursor | None:
        """Where a source goes on from."""
        rows = await self._rows("SELECT cursor FROM cursors WHERE source = ?", (source,))
        return rows[0][0] if rows else None

    async def backfill(self, source: str) -> Backfill | None:
        """The last backfill that was asked for of a source."""
        found = await self.backfill_history(source, 1)
        return found[0] if found else None

    async def backfill_history(self, source: str | None, limit: int) -> list[Backfill]:
        """The last backfills of a source, or of all, newest first."""
        return [backfills.backfill_of(row) for row in await self._rows(backfills.NEWEST_FIRST, (source, limit))]

    async def again(self, count: int, size: int) -> AgainBatch | None:
        """The next of what a backfill brought that the inbox had already."""
        return brought.again_of(await self._rows(brought.AGAIN, (count, size)))

    async def again_waiting(self) -> int:
        """How many of those there are."""
        waiting: int = (await self._rows(brought.WAITING))[0][0]
        return waiting

    async def brought_waiting(self, backfill: int) -> int:
        """How much of what this backfill brought is not processed yet."""
        waiting: int = (await self._rows(brought.OF_BACKFILL, (backfill,)))[0][0]
        return waiting

    async def backfills(self) -> list[Backfill]:
        """The last backfill of each source that ever had one, also of sources the configuration no longer has."""
        return [backfills.backfill_of(row) for row in await self._rows(backfills.LAST_OF_EACH)]

    async def paused(self) -> set[str]:
        """The components an operator has paused."""
        return {row[0] for row in await self._rows("SELECT component FROM paused")}

    async def connections(self) -> dict[str, Connection]:
        """What operators said of accounts, by name, also of accounts the configuration no longer has."""
        rows = await self._rows(connections.ALL)
        return {row[0]: connections.connection_of(row) for row in rows}

    async def observed(self) -> dict[str, Observed]:
        """How calls to accounts went last, by name."""
        return {row[0]: connections.observed_of(row) for row in await self._rows(connections.STATES)}

    async def keys(self) -> list[Key]:
        """All API keys, revoked ones too."""
        return [Key(*row) for row in await self._rows(keys.ALL)]

    async def dead_groups(self) -> list[DeadLetterGroup]:
        """How many dead letters there are, by component and reason."""
        rows = await self._rows(
            "SELECT component, reason, count(*), max(id) FROM dead_letters GROUP BY component, reason ORDER BY 1, 2"
        )
        return [DeadLetterGroup(*row) for row in rows]

    async def dead_list(self, selection: Selection, limit: int, after: int = 0) -> list[DeadLetterRow]:
        """Dead letters in order of their numbers, from `after` on, without their bodies."""
        arguments = (*dead_letters.selected(selection), after, limit)
        return [_dead_row(row) for row in await self._rows(_dead_list(selection), arguments)]

    async def dead_show(self, number: int) -> DeadLetterRow:
        """One dead letter, whole. Raises NotFoundError."""
        rows = await self._rows(_DEAD_SHOW, (number,))
        if not rows:
            raise NotFoundError(f"there is no dead letter {number}; `groundswell dead list` shows what there is")
        return _dead_row(rows[0])

    async def records(self, query: RecordQuery) -> RecordPage:
        """Some of the newest records, and how far each has come."""
        return await look(self.path, partial(records.page, query=query))

    async def trace(self, record_id: str) -> Trace:
        """The whole way of one record. Raises NotFoundError."""
        found = await self._rows(
            "SELECT inbox.seq, source, received_at, raw, inbox.seq <= progress.seq FROM inbox, progress "
            f"WHERE name = 'processor' AND {inbox.IS_KEPT} AND {ids.WITH_ID.format(keys=1, ids=2)}",
            ids.arguments([record_id]),
        )
        if not found:
            raise NotFoundError(
                f"no record {record_id} is known; it was never accepted, is older than [daemon] keep, or was about "
                "somebody who was forgotten"
            )
        seq, source, received_at, raw, is_processed = found[0]
        sightings = await self._rows("SELECT source, at FROM sightings WHERE seq = ? ORDER BY at", (seq,))
        waiting = await self._rows(
            "SELECT sink, attempts, next_attempt_at, created_at FROM outbox WHERE inbox_seq = ? ORDER BY seq", (seq,)
        )
        settled = await self._rows(
            "SELECT sink, outcome, note, attempts, settled_at, created_at FROM deliveries WHERE inbox_seq = ? "
            "ORDER BY seq",
            (seq,),
        )
        dead = await self._rows("SELECT id FROM dead_letters WHERE inbox_seq = ? ORDER BY id", (seq,))
        numbers = [row[0] for row in dead]
        return Trace(record_id, source, received_at, raw, bool(is_processed), sightings, waiting, settled, numbers)

    # ---- whether it is well ----

    def check(self) -> None:
        """Ask the disk whether what is written here counts.

        Raises:
            StoreError: writing has failed, or the file is not where it was opened.
        """
        if self._writer.failed is not None:
            raise self._writer.failed
        self._whereabouts.check()

    # ---- room ----

    async def lacks_room(self) -> str | None:
        """Why nothing new should be accepted (the disk or the file is nearly full), or None when there is room.

        A tenth of the state file stays free for processing what was accepted already.
        """
        status = os.statvfs(self.path.parent)
        if status.f_bavail * status.f_frsize < max(self._disk_free_min, DISK_FREE_FLOOR):
            return "the disk is nearly full ([daemon] disk_free_min)"
        pages = (await self._rows("PRAGMA page_count"))[0][0]
        free = (await self._rows("PRAGMA freelist_count"))[0][0]
        return None if room.is_left(pages, free, self._size_max, room.NEARLY) else room.NEARLY_FULL

    async def size(self) -> int:
        """Bytes of the state file, without its log."""
        pages: int = (await self._rows("PRAGMA page_count"))[0][0]
        return pages * PAGE_BYTES


# Counting reads every page of what it counts: a million waiting records would hold up the one reader for a second.
_INBOX_WAITING = (
    f"SELECT (SELECT count(*) FROM (SELECT 1 FROM inbox WHERE seq > p.seq AND {inbox.IS_KEPT} LIMIT ?)), "
    "(SELECT coalesce(max(seq), p.seq) FROM inbox) - p.seq, "
    f"(SELECT received_at FROM inbox WHERE seq > p.seq AND {inbox.IS_KEPT} ORDER BY seq LIMIT 1) "
    "FROM progress p WHERE name = 'processor'"
)
# The first of each sink is its oldest. Asking for min(created_at) would read every row, where the index is enough.
_BACKLOGS = (
    "SELECT sink, waiting, created_at, first_seq FROM "
    "(SELECT count(*) AS waiting, min(seq) AS first_seq FROM outbox GROUP BY sink) JOIN outbox ON seq = first_seq"
)
_OLDEST_WAITING = (
    "SELECT value, (SELECT created_at FROM outbox WHERE sink = value ORDER BY seq LIMIT 1) FROM json_each(?)"
)
_DEAD_COLUMNS = (
    "d.id, d.stage, d.component, d.reason, d.message, d.record_id, d.created_at, d.inbox_seq, d.kind, d.lane, "
)
_DEAD_LIST = (
    f"SELECT {_DEAD_COLUMNS} NULL, d.attempts, i.source, i.received_at FROM dead_letters d "
    "LEFT JOIN inbox i ON i.seq = d.inbox_seq WHERE {} d.id > ?5 ORDER BY d.id LIMIT ?6"
)
_DEAD_SHOW = (
    f"SELECT {_DEAD_COLUMNS} coalesce(d.body, i.raw), d.attempts, i.source, i.received_at FROM dead_letters d "
    "LEFT JOIN inbox i ON i.seq = d.inbox_seq WHERE d.id = ?"
)


def _dead_list(selection: Selection) -> str:
    """Only with the conditions that there are, so that an index can serve them."""
    conditions = [
        f"{condition} AND"
        for asked, condition in (
            (selection.ids, "d.id IN (SELECT value FROM json_each(?1))"),
            (selection.component, "d.component = ?2"),
            (selection.reason, "d.reason = ?3"),
            (selection.up_to, "d.id <= ?4"),
        )
        if asked is not None
    ]
    return _DEAD_LIST.format(" ".join(conditions))


def _dead_row(row: tuple[Any, ...]) -> DeadLetterRow:
    number, *columns, source, received_at = row
    stage, component, reason, message, record_id, created_at, inbox_seq, kind, lane, body, attempts = columns
    letter = DeadLetter(stage, component, reason, message, record_id, created_at, inbox_seq, kind, lane, body, attempts)
    return DeadLetterRow(number, letter, source, received_at)


def _nothing(_: Any, pings: Sequence[None]) -> Sequence[None]:
    return pings


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
