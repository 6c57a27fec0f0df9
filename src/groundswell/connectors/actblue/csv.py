"""The `actblue.csv` source: gifts, refunds and cancellations from ActBlue's CSV files, asked for or exported by hand.

ActBlue calls its CSV files the source of truth, and webhooks the fast way. What both tell has one id, so it is taken
once.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import Annotated, Final, Self

import structlog
from pydantic import Field, StringConstraints, model_validator

from groundswell.component import NOTHING_NEW, Arrival, Batch, Context, Cursor, Emit, History
from groundswell.connectors.actblue.account import ActBlueAccount
from groundswell.connectors.actblue.client import CSV_TYPES, MANAGED, ActBlue
from groundswell.connectors.actblue.csv_arrivals import Rows, Taken, record_in
from groundswell.connectors.actblue.files import FileMarks, Folder, file_marks_of
from groundswell.connectors.actblue.mapping import Rules
from groundswell.connectors.actblue.pull import Pull
from groundswell.connectors.actblue.transport import Caller, InvalidError
from groundswell.connectors.actblue.windows import (
    COLLECTIONS,
    MANAGED_FORMS,
    Marks,
    Round,
    backfill_round,
    marks_of,
    round_of,
    to_cursor,
)  # fmt: skip
from groundswell.connectors.common.moments import Moment
from groundswell.connectors.common.rest import Rest
from groundswell.errors import RequestError
from groundswell.http.limits import Priority
from groundswell.record import Record
from groundswell.settings import Duration, SourceSettings

BEGINNING: Final = 1_086_048_000
"""2004-06-01: before there was an ActBlue. Files of half years since 1970 would take an hour, at ten calls a minute."""
FOREVER: Final = 2**62
LOST_S: Final = 30 * 86_400
"""So far back a source looks whose cursor cannot be understood."""
SHOWN_S: Final = 30 * 86_400
"""A pull of more than this is told about while it goes on."""

log = structlog.get_logger()


class ActBlueCsvSettings(SourceSettings):
    """Takes gifts, refunds and cancellations from ActBlue's CSV files: asked for, or exported by hand."""

    account: str | None = Field(None, description="Name of the `actblue` account that files are asked for with.")
    files: list[Annotated[str, StringConstraints(min_length=1, max_length=4_000)]] = Field(
        [],
        max_length=100,
        description='Instead of an account: files exported from the dashboard, such as "exports/*.csv", relative to '
        "the configuration file.",
    )
    every: Duration = Field(
        timedelta(days=1),
        gt=timedelta(0),
        description="How often to ask for what is new; with `files`, how often to look for new or changed ones, and "
        'there "1m" is fine.',
    )
    overlap: Duration = Field(
        timedelta(days=3),
        description="How far back each time looks again: some gifts show late. What was taken before is known by its "
        "id for as long as `daemon.keep`.",
    )
    since: Moment | None = Field(
        None,
        description="The first time takes what happened since then. Without it: what happens from now on, or, with "
        "`files`, all that is in them. A backfill brings the past.",
    )

    entities: list[Annotated[int, Field(ge=1)]] = Field(
        [],
        max_length=1000,
        description="Your entity ids at ActBlue: only money for these is yours. Without it all money is.",
    )
    managed_forms: bool = Field(
        False,
        description="Whether gifts to others on forms you manage are taken, as actions of the type donation_elsewhere "
        "without an amount. Needs `entities`.",
    )

    @model_validator(mode="after")
    def _has_one_of_two(self) -> Self:
        if self.account is None and not self.files:
            raise ValueError('has neither `account` nor `files`; name an account, or write files = ["exports/*.csv"]')
        if self.account is not None and self.files:
            raise ValueError("has both `account` and `files`; write two sources, one with each")
        if self.managed_forms and not self.entities:
            raise ValueError("managed_forms needs entities: without your entity ids all money counts as yours")
        return self

    def warnings(self) -> list[tuple[str, str]]:
        found = []
        if self.account is not None and self.every < timedelta(minutes=30):
            found.append(
                ("every", 'has ActBlue make files all the time, 10 calls a minute are allowed; "1d" is plenty')
            )
        if self.account is not None and self.overlap < timedelta(hours=1):
            found.append(("overlap", 'may miss what shows late; write "3d"'))
        return found


class ActBlueCsv:
    """Pulls, one after another, or looks into a folder; `read` makes the record of a row."""

    collections: Sequence[str]
    can_subscribe = True
    """A gift of the past may count as a yes to email, if the backfill says so."""

    def __init__(self, settings: ActBlueCsvSettings, context: Context) -> None:
        account: ActBlueAccount | None = context.account
        self.counts: Counter[str] = Counter()
        """What was met, for `status`."""
        self._name = context.name
        self._clock = context.clock
        self._rest = Rest(context.clock)
        self._directory = context.directory
        self._files = tuple(settings.files)
        self._client = None if account is None else account.client
        self._every_s = settings.every.total_seconds()
        self._overlap_s = int(settings.overlap.total_seconds())
        self._since = None if settings.since is None else ceil(settings.since.timestamp())
        self._rules = Rules(frozenset(map(str, settings.entities)), settings.managed_forms)
        has_managed = settings.managed_forms and account is not None
        self.collections = tuple(name for name in COLLECTIONS if has_managed or name != MANAGED_FORMS)
        self._csv_types = tuple(kind for kind in CSV_TYPES if has_managed or kind != MANAGED)
        self._pulls: dict[Priority, Pull] = {}
        self._is_checked = False

    async def run(self, cursor: Cursor | None, emit: Emit) -> None:
        if self._client is None:
            await self._follow(cursor, emit)
        else:
            await self._keep_up(self._client, cursor, emit)

    def look_now(self) -> bool:
        return self._rest.end()

    async def backfill(self, asked: History, cursor: Cursor | None, emit: Emit) -> None:
        """Emit what happened in this time.

        Raises:
            RequestError: one of the collections is none, or ActBlue does not give this time.
        """
        for name in asked.collections:
            if name not in self.collections:
                there = ", ".join(self.collections)
                raise RequestError(
                    f"{self._name}: ActBlue has no {name} to fetch with these settings; there is {there}"
                )
        since, until, now = ceil(asked.since), ceil(asked.until), ceil(self._clock.now())
        if self._client is None:
            wanted = Round(since, until, tuple(asked.collections), {}, {})
            folder = self._folder(subscribes=asked.subscribes)
            await folder.look(self._file_marks(cursor), lambda: Taken(wanted), emit)
            return
        left = None if cursor is None else round_of(cursor)
        if left is None:
            if cursor is not None:
                self._say_not_understood("it is begun again; what was taken before is known by its id")
            left = backfill_round(asked.collections, max(since, BEGINNING), min(until, now), now)
        rows = self._rows(subscribes=asked.subscribes)
        try:
            await self._pull(self._client, Priority.BACKFILL).go(left, rows, to_cursor, emit, shows=True)
        except InvalidError as exc:
            raise RequestError(str(exc)) from exc

    def read(self, arrival: Arrival) -> Record:
        return record_in(arrival, self._name, self._rules)

    # ---- asked for ----

    async def _keep_up(self, client: ActBlue, cursor: Cursor | None, emit: Emit) -> None:
        marks = await self._begun(cursor, emit)
        if not self._is_checked:  # the first file may be a day away
            await client.check(Caller(self._name))
            self._is_checked = True
            await emit(NOTHING_NEW)
        pull, rows = self._pull(client, Priority.POLL), self._rows()
        while True:
            left = marks.round
            if left is None:
                await self._rest.take(marks.due_in_s(self._every_s, self._clock.now()))
                left = marks.next_round(self._csv_types, self.collections, int(self._clock.now()), self._overlap_s)
            shows = left.until - left.since > SHOWN_S
            left = await pull.go(left, rows, marks.cursor_within, emit, shows=shows)
            marks = marks.done(left)
            await emit(Batch((), to_cursor(marks)))

    async def _begun(self, cursor: Cursor | None, emit: Emit) -> Marks:
        """Where to go on. The moment of the first start is kept at once, so that nothing after it is missed."""
        now = int(self._clock.now())
        marks = Marks() if cursor is None else marks_of(cursor)
        since = self._since if self._since is not None else now
        if marks is None:
            self._say_not_understood("the last 30 days are looked through; a backfill brings what is older")
            marks, since = Marks(), now - LOST_S
        started = marks.started(self._csv_types, since)
        if started != marks:
            await emit(Batch((), to_cursor(started)))
        return started

    def _pull(self, client: ActBlue, priority: Priority) -> Pull:
        """That of `run` and that of a backfill remember what each of them asked for."""
        if priority not in self._pulls:
            self._pulls[priority] = Pull(client, Caller(self._name, priority), self._clock)
        return self._pulls[priority]

    def _rows(self, *, subscribes: bool = False) -> Rows:
        return Rows(self._name, self._rules, self.counts, subscribes=subscribes)

    # ---- exported by hand ----

    async def _follow(self, cursor: Cursor | None, emit: Emit) -> None:
        marks = self._file_marks(cursor)
        folder = self._folder(subscribes=False)
        wanted = None if self._since is None else Round(self._since, FOREVER, COLLECTIONS, {}, {})
        while True:
            marks = await folder.look(marks, lambda: Taken(wanted), emit)
            await emit(NOTHING_NEW)
            await self._rest.take(self._every_s)

    def _folder(self, *, subscribes: bool) -> Folder:
        return Folder(self._name, self._directory, self._files, self._clock, self._rows(subscribes=subscribes))

    def _file_marks(self, cursor: Cursor | None) -> FileMarks:
        marks = file_marks_of(cursor)
        if marks is None:
            self._say_not_understood("all files are read again; what was taken before is known by its id")
            return FileMarks()
        return marks

    def _say_not_understood(self, then: str) -> None:
        log.warning("cursor_not_understood", component=self._name, then=then)
