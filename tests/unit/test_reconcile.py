"""What is missing, what cannot be told yet, and what is not compared: every case by itself, on a real state file."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.component import Arrival, WebhookRequest
from groundswell.errors import NotFoundError, RecordError, RequestError
from groundswell.ops.comparison import kind_of
from groundswell.ops.extent import IN_TIME_MS, Extent, Span
from groundswell.ops.place import Outline, Part
from groundswell.ops.reconcile_messages import AskReconcile, Lone, Money, Reconciled
from groundswell.ops.reconciling import ReconcileDesk
from groundswell.record import Donation, Record, utc_stamp
from groundswell.store.backfills import BackfillEnded, NewBackfill
from groundswell.store.inbox import Accept
from groundswell.store.store import Store
from tests.virtual_time import VirtualClock

DAY = 86_400
NOON = 1_777_000_000
"""The first thing the webhook is told of."""
NOW = NOON + 30 * DAY


class Reads:
    """What its arrivals hold is all that is asked here."""

    def read(self, arrival: Arrival) -> Record:
        seen = msgspec.json.decode(arrival.raw)
        if seen.get("bad"):
            raise RecordError("it cannot be read")
        stamp = utc_stamp(datetime.fromtimestamp(seen["at"], UTC))
        money = Donation(amount=seen.get("amount"), currency=seen.get("currency", "USD"))
        kind: Literal["donation", "action"] = "action" if seen.get("declined") else "donation"
        return Record(arrival.id, kind, "any", occurred_at=stamp, donation=money)


class Told(Reads):
    """A source that others push to."""

    def arrivals(self, request: WebhookRequest) -> list[Arrival]:
        raise NotImplementedError


class Looks(Reads):
    """A source that goes and looks."""

    collections = ("contributions", "refunds")


SOURCES: Mapping[str, Reads] = {"hook": Told(), "csv": Looks(), "poll": Looks()}
OUTLINE = Outline({name: Part(name, "source", "some.type") for name in SOURCES}, {}, {})


@asynccontextmanager
async def sources() -> AsyncIterator[Mapping[str, Any]]:
    yield SOURCES


class Rig:
    """Brings things and asks."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.desk = ReconcileDesk(store, VirtualClock(NOW), lambda: OUTLINE, sources)

    async def bring(self, source: str, number: int, day: float, *, came: float | None = None, **more: Any) -> None:
        """A contribution of so many days after NOON; it came a second later, unless `came` says on which day."""
        kind = more.pop("kind", "contribution")
        at = NOON + round(day * DAY)
        raw = msgspec.json.encode({"at": at, **more})
        came_at = at + 1 if came is None else NOON + round(came * DAY)
        await self.store.accept(Accept(source, came_at * 1000, [Arrival(f"actblue:{kind}/{number}", raw)]))

    async def both(self, number: int, day: float, **more: Any) -> None:
        await self.bring("hook", number, day, **more)
        await self.bring("csv", number, day, **more)

    async def ask(self, **asked: Any) -> Reconciled:
        return await self.desk.reconcile(AskReconcile("hook", "csv", **asked))


@pytest.fixture
def rig(store: Store) -> Rig:
    return Rig(store)


def numbers(found: Reconciled, side: Literal["one", "other"]) -> list[int]:
    return [int(lacking.id.partition("/")[2]) for lacking in getattr(found, side).lacking]


async def test_a_webhook_that_was_lost_is_named_also_when_it_is_the_newest_of_all(rig: Rig) -> None:
    await rig.both(1, 0)
    await rig.bring("csv", 2, 3)
    await rig.both(3, 5)
    await rig.bring("csv", 4, 20)
    found = await rig.ask()
    assert numbers(found, "one") == [2, 4]
    assert (found.one.lacks, found.other.lacks, found.is_agreed) == (2, 0, False)
    (kind,) = found.kinds
    assert (kind.both, kind.only_one, kind.only_other) == (2, Lone(), Lone(2, 2))


async def test_what_the_csv_has_not_read_yet_is_not_missing_from_it(rig: Rig) -> None:
    await rig.both(1, 0)
    await rig.bring("hook", 2, 3)
    await rig.both(3, 5)
    await rig.bring("hook", 4, 20)
    found = await rig.ask()
    assert numbers(found, "other") == [2]
    assert found.kinds[0].only_one == Lone(2, missing=1, too_new=1)


async def test_a_date_in_the_future_does_not_make_a_source_know_the_future(rig: Rig) -> None:
    await rig.both(1, 0)
    await rig.both(2, 5_000, came=2)
    await rig.bring("hook", 3, 9)
    assert (await rig.ask()).kinds[0].only_one == Lone(1, too_new=1)


async def test_what_happened_within_the_lag_may_still_come(rig: Rig) -> None:
    await rig.both(1, 0)
    await rig.both(2, 30)
    await rig.bring("csv", 3, 29.5)
    await rig.bring("hook", 4, 29.5)
    assert (await rig.ask()).is_agreed
    found = await rig.ask(lag_s=3_600)
    assert (numbers(found, "one"), numbers(found, "other")) == ([3], [4])


async def test_what_happened_before_the_webhook_was_set_up_is_not_a_lost_one(rig: Rig) -> None:
    await rig.bring("csv", 1, -400, came=1)
    await rig.both(2, 0)
    await rig.bring("csv", 3, 2)
    found = await rig.ask()
    assert numbers(found, "one") == [3]
    assert found.kinds[0].only_other == Lone(2, missing=1, unread=1)


async def test_history_that_was_pushed_does_not_make_the_webhook_older_than_it_is(rig: Rig) -> None:
    await rig.bring("hook", 1, -300, came=1)
    await rig.bring("csv", 2, -200, came=1)
    await rig.both(3, 0)
    found = await rig.ask()
    assert found.one.lacks == 0
    assert found.kinds[0].only_other == Lone(1, unread=1)


async def test_a_source_that_never_brought_anything_is_not_said_to_lack_it(rig: Rig) -> None:
    await rig.bring("csv", 1, 0)
    found = await rig.ask(kind="contribution")
    assert found.is_agreed
    assert found.kinds[0].only_other == Lone(1, unread=1)
    assert (found.one.first_at, found.one.newest_at) == (None, None)


async def test_a_kind_that_only_one_source_brings_is_compared_only_when_it_is_named(rig: Rig) -> None:
    await rig.both(1, 0)
    await rig.bring("csv", 2, 3, kind="refund")
    found = await rig.ask()
    assert found.is_agreed
    refunds = next(kind for kind in found.kinds if kind.kind == "refund")
    assert (refunds.is_compared, refunds.only_other) == (False, Lone(1))
    named = await rig.ask(kind="refund")
    assert numbers(named, "one") == [2]
    assert [kind.kind for kind in named.kinds] == ["refund"]


async def test_states_of_people_are_not_compared(rig: Rig) -> None:
    await rig.both(1, 0)
    state = Arrival("action_network:person/5a1f@2026-05-02T11:00:09Z.5f2a", b'{"at": 1777000000}')
    await rig.store.accept(Accept("csv", NOON * 1000, [state]))
    assert [kind.kind for kind in (await rig.ask()).kinds] == ["contribution"]


async def test_a_third_source_that_was_first_hides_nothing(rig: Rig) -> None:
    await rig.both(1, 0)
    for number in (2, 3, 4):
        await rig.bring("poll", number, 2)
    await rig.both(2, 2)
    await rig.bring("csv", 3, 2)
    found = await rig.ask()
    assert numbers(found, "one") == [3]
    assert found.one.lacking[0].accepted_from == "poll"
    assert found.kinds[0].both == 2


async def test_a_finished_backfill_says_what_was_read_and_one_under_way_what_was_not(rig: Rig) -> None:
    await rig.both(1, 0)
    await rig.bring("hook", 2, 12)
    asked = NewBackfill("csv", ["contributions", "refunds"], (NOON - DAY) * 1000, (NOON + 15 * DAY) * 1000, NOW * 1000)
    number = await rig.store.begin_backfill(asked)
    assert (await rig.ask()).kinds[0].only_one == Lone(1, unread=1)
    await rig.store.end_backfill(BackfillEnded(number, "finished", NOW * 1000))
    found = await rig.ask()
    assert numbers(found, "other") == [2]
    assert found.other.backfill is not None
    assert found.other.backfill.state == "finished"


async def test_a_backfill_of_a_part_says_nothing_of_the_rest(rig: Rig) -> None:
    await rig.both(1, 0)
    await rig.bring("hook", 2, 12)
    asked = NewBackfill("csv", ["refunds"], (NOON - DAY) * 1000, (NOON + 15 * DAY) * 1000, NOW * 1000)
    number = await rig.store.begin_backfill(asked)
    await rig.store.end_backfill(BackfillEnded(number, "finished", NOW * 1000))
    assert (await rig.ask()).kinds[0].only_one == Lone(1, too_new=1)


async def test_a_time_is_a_half_open_span_of_when_things_happened(rig: Rig) -> None:
    for number in range(6):
        await rig.both(number, number)
        await rig.bring("csv", 10 + number, number)
    since, until = (datetime.fromtimestamp(NOON + day * DAY, UTC) for day in (2, 4))
    found = await rig.ask(since=since, until=until)
    assert numbers(found, "one") == [12, 13]
    assert found.kinds[0].both == 2


async def test_the_oldest_are_listed_and_the_others_counted(rig: Rig) -> None:
    await rig.both(1, 0)
    for number in (9, 5, 7, 6, 8):
        await rig.bring("csv", number, number)
    found = await rig.ask(limit=3)
    assert numbers(found, "one") == [5, 6, 7]
    assert found.one.lacks == 5


async def test_money_is_summed_to_the_cent_by_currency_and_side(rig: Rig) -> None:
    await rig.both(1, 0, amount="0.10")
    await rig.both(2, 1, amount="0.20")
    await rig.bring("csv", 3, 2, amount="1500")
    await rig.bring("csv", 4, 2, amount="7.5", currency="CAD")
    await rig.bring("csv", 5, 2, amount="900.00", declined=True)
    await rig.bring("csv", 6, 2, amount="no number")
    await rig.bring("csv", 7, 2, amount="1e999999")
    await rig.bring("hook", 8, 0.5, amount="3.33")
    found = await rig.ask()
    assert found.kinds[0].money == [
        Money("CAD", "0.00", "7.50", "7.50", "0.00"),
        Money("USD", "3.63", "1500.30", "1500.00", "3.33"),
    ]
    assert [(one.amount, one.currency) for one in found.other.lacking] == [("3.33", "USD")]


async def test_what_cannot_be_read_is_compared_by_id_and_taken_by_when_it_came(rig: Rig) -> None:
    await rig.both(1, 0, bad=True, amount="5.00")
    await rig.both(2, 0)
    await rig.bring("csv", 3, 4, bad=True, amount="5.00")
    found = await rig.ask()
    assert found.unreadable == 2
    assert numbers(found, "one") == [3]
    assert (found.one.lacking[0].happened_at, found.one.lacking[0].amount) == (None, None)
    assert found.kinds[0].money == []


async def test_what_came_before_anybody_noted_who_else_brought_it_is_not_judged(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.both(1, 0)
    await rig.bring("csv", 2, 1)
    await rig.bring("csv", 3, 2)

    async def noted_after() -> int:
        return 2

    monkeypatch.setattr(rig.store.sightings, "noted_after", noted_after)
    found = await rig.ask()
    assert numbers(found, "one") == [3]
    assert found.kinds[0].only_other == Lone(2, missing=1, unread=1)


async def test_each_side_says_how_far_it_has_looked(rig: Rig) -> None:
    await rig.both(1, 0)
    await rig.store.accept(Accept("csv", (NOON + 9) * 1000, [], cursor="2026"))
    await rig.bring("hook", 2, 3)
    found = await rig.ask()
    assert (found.one.is_told, found.other.is_told) == (True, False)
    assert found.one.first_at == datetime.fromtimestamp(NOON + 1, UTC)
    assert found.one.newest_at == datetime.fromtimestamp(NOON + 3 * DAY, UTC)
    assert found.other.newest_at == datetime.fromtimestamp(NOON, UTC)
    assert found.other.cursor_at == datetime.fromtimestamp(NOON + 9, UTC)


async def test_what_makes_no_sense_is_refused_with_what_to_do(rig: Rig) -> None:
    with pytest.raises(NotFoundError, match='nothing called "hok" is a source; did you mean "hook"'):
        await rig.desk.reconcile(AskReconcile("hok", "csv"))
    with pytest.raises(RequestError, match="name another beside csv"):
        await rig.desk.reconcile(AskReconcile("csv", "csv"))
    later, sooner = datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    with pytest.raises(RequestError, match="exchange them"):
        await rig.ask(since=later, until=sooner)


async def test_no_date_that_a_record_may_hold_upsets_the_report(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.both(1, 0)
    dates = ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z", "soon", ""]
    for number, date in enumerate(dates, 2):
        await rig.bring("csv", number, 5, occurred_at=date)
    read = Looks.read

    def with_date(looks: Looks, arrival: Arrival) -> Record:
        occurred_at = msgspec.json.decode(arrival.raw).get("occurred_at")
        record = read(looks, arrival)
        return record if occurred_at is None else msgspec.structs.replace(record, occurred_at=occurred_at)

    monkeypatch.setattr(Looks, "read", with_date)
    found = await rig.ask()
    assert found.kinds[0].only_other.records == len(dates)
    assert found.unreadable == len(dates) - 1


@pytest.mark.parametrize(
    ("record_id", "kind"),
    [
        ("actblue:contribution/990011223", "contribution"),
        ("action_network:signature/c2f0-11", "signature"),
        ("crm:person/rosa@example.org", "person"),
        ("action_network:person/5a1f@2026-05-02T11:00:09Z.5f2a", None),
        ("actionkit:user/4411@5f2a6c7d5f2a6c7d", None),
        ("signups:42", "record"),
        ("a/b:c/d", "record"),
    ],
)
def test_an_id_says_what_kind_a_thing_is_and_whether_it_is_a_state(record_id: str, kind: str | None) -> None:
    assert kind_of(record_id) == kind


MOMENTS = st.integers(0, 100)


@given(
    seen=st.lists(st.tuples(MOMENTS, st.integers(0, 2)), min_size=1),
    told_by=MOMENTS,
    at=MOMENTS,
    is_told=st.booleans(),
    read=st.none() | st.tuples(MOMENTS, MOMENTS),
)
def test_nothing_is_missing_that_a_source_cannot_have_seen(
    seen: list[tuple[int, int]], told_by: int, at: int, is_told: bool, read: tuple[int, int] | None
) -> None:
    """Whatever it brought: too young is never missing, nor what is outside of all it ever looked at."""
    span = None if read is None else Span(*read)
    extent = Extent(is_told, told_by, read=span)
    for happened_at, late in seen:
        extent.brought("contribution", happened_at, happened_at + late * IN_TIME_MS)
    moments = [happened_at for happened_at, _ in seen]
    if extent.verdict("contribution", at) == "missing":
        assert at <= told_by
        assert at >= min(moments) or (span is not None and not is_told and span.holds(at))
        assert is_told or at <= max(moments) or (span is not None and span.holds(at))
    assert extent.verdict("contribution", told_by + 1) == "too_new"
