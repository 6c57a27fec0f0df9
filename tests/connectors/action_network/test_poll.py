"""The `action_network.poll` source: windows, cursors, first runs, backfills."""

from datetime import UTC, datetime
from typing import Any

import anyio
import msgspec
import pytest
from pydantic import ValidationError

from groundswell.component import NOTHING_NEW, Batch
from groundswell.connectors.action_network.filters import stamp
from groundswell.connectors.action_network.poll import ActionNetworkPollSettings
from groundswell.connectors.action_network.polling.sweep import HAND_OVER_AT
from groundswell.connectors.action_network.simulator.calls import reading
from groundswell.connectors.action_network.simulator.server import Server, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST, Behaviour
from groundswell.connectors.action_network.simulator.state.population import MODIFIED
from groundswell.errors import RejectedError, RequestError
from groundswell.http.limits import Priority
from tests.connectors.action_network.polling import Killed, PollClock, Poller, RoundOver, polling
from tests.running import until

SETTLED_S = 60
YEAR_S = 365 * 86_400


def uuids(poller: Poller) -> list[str]:
    """Of the people that were handed over, each as often as in different states."""
    return [arrival.id.partition("/")[2].partition("@")[0] for arrival in poller.inbox.of("person")]


def mark(poller: Poller, name: str = "people") -> dict[str, Any]:
    assert poller.inbox.cursor is not None
    found: dict[str, Any] = msgspec.json.decode(poller.inbox.cursor)["of"][name]
    return found


def calls(server: Server, call: str = "GET people") -> int:
    return server.counts.by_call[call]


# ---- everything once, then what is new ----


async def test_the_first_round_takes_everybody_once_and_the_next_nobody() -> None:
    async with (
        simulator(people=3_000, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):
        await poller.round()
        assert sorted(uuids(poller)) == sorted(server.control.uuids())
        assert poller.inbox.handed_over() == 3_000
        server.control.reset_counts()
        poller.clock.pass_by(600)
        await poller.round()
        assert poller.inbox.handed_over() == 3_000
        assert calls(server) == 1


async def test_people_who_changed_and_who_came_are_taken_in_the_next_round() -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):
        await poller.round()
        someone = server.control.uuids()[17]
        server.control.edit(someone, given_name="Wren")
        (newcomer,) = server.control.add_people(1)
        poller.clock.pass_by(600)
        await poller.round()
        assert sorted(uuids(poller)[500:]) == sorted([someone, newcomer])


async def test_a_change_of_the_last_minute_waits_for_the_next_round() -> None:
    """Their lists lag, so a window that reached up to now would leave out what shows later."""
    async with (
        simulator(people=50, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):
        await poller.round()
        poller.clock.pass_by(600)
        server.control.edit(server.control.uuids()[0], given_name="Wren")
        await poller.round()
        assert len(uuids(poller)) == 50
        poller.clock.pass_by(600)
        await poller.round()
        assert len(uuids(poller)) == 51


async def test_the_second_between_two_windows_is_in_one_of_them() -> None:
    """`gt` is strict and stamps have whole seconds: two people are changed in the last second and the one after."""
    async with (
        simulator(people=10, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, overlap="0s") as poller,
    ):
        clock = poller.clock
        await poller.round()
        clock.pass_by(600)
        clock.set_calendar(0.2 - clock.now() % 1)
        for someone in server.control.uuids()[:3]:
            server.control.edit(someone, given_name="Wren")
            clock.pass_by(1)
        clock.pass_by(SETTLED_S - 2)
        await poller.round()
        assert len(uuids(poller)) == 11
        clock.pass_by(600)
        await poller.round()
        assert len(uuids(poller)) == 13


async def test_what_they_list_late_is_found_by_looking_a_little_further_back() -> None:
    late = msgspec.structs.replace(FRIENDLIEST, index_lag_s=(90.0, 100.0))
    async with (
        simulator(people=50, clock=PollClock(), behaviour=late) as server,
        polling(server) as poller,
    ):
        await poller.round()
        poller.clock.pass_by(600)
        server.control.edit(server.control.uuids()[0], given_name="Wren")
        poller.clock.pass_by(80)
        await poller.round()
        assert len(uuids(poller)) == 50, "it is not listed yet, and its second is done"
        poller.clock.pass_by(60)
        await poller.round()
        assert len(uuids(poller)) == 51


async def test_two_thousand_people_of_the_same_second_are_all_taken() -> None:
    async with (
        simulator(people=3_000, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):
        await poller.round()
        poller.clock.pass_by(600)
        poller.clock.set_calendar(0.05 - poller.clock.now() % 1)
        second = int(poller.clock.now())
        changed = server.control.uuids()[:2_000]
        for uuid in changed:
            server.control.edit(uuid, given_name="Wren")
        assert {server.control.person(uuid)["modified_date"] for uuid in changed} == {stamp(second)}
        poller.clock.pass_by(600)
        server.control.reset_counts()
        await poller.round()
        assert sorted(uuids(poller)[3_000:]) == sorted(changed)
        assert calls(server) < 2_000 / 25 + 50


async def test_an_empty_account_costs_a_call_or_two() -> None:
    async with (
        simulator(clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):
        await poller.round()
        assert calls(server) == 2
        assert poller.inbox.cursor is not None


async def test_thirteen_empty_years_cost_a_handful_of_calls() -> None:
    """The simulator's people changed between 2023 and 2026; the first run looks from 2010 on."""
    async with (
        simulator(people=2_000, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
        polling(server, since=datetime.fromtimestamp(MODIFIED[0], UTC).isoformat()) as short,
    ):
        await short.round()
        briefly = calls(server)
        server.control.reset_counts()
        await poller.round()
        assert calls(server) < briefly + 20


async def test_since_leaves_out_what_is_older() -> None:
    async with (
        simulator(people=1_000, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, since="2025-01-01") as poller,
    ):
        await poller.round()
        taken = set(uuids(poller))
        changed = {uuid: server.control.person(uuid)["modified_date"] for uuid in server.control.uuids()}
        assert taken == {uuid for uuid, moment in changed.items() if moment >= "2025-01-01T00:00:00Z"}
        assert 0 < len(taken) < 1_000


@pytest.mark.parametrize("switches", [{"next_is_stuck": True}, {"next_on_last_page": False}, {"totals": False}])
async def test_neither_next_nor_totals_are_believed(switches: dict[str, Any]) -> None:
    behaviour = msgspec.structs.replace(FRIENDLIEST, **switches)
    async with (
        simulator(people=700, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["people", "petitions", "donations"]) as poller,
    ):
        await poller.round()
        assert len(uuids(poller)) == 700
        assert len(poller.inbox.of("donation")) == server.world.shelves.count("donations")


async def test_a_filter_that_is_ignored_is_an_error_and_nothing_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        simulator(people=3_000, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as first,
        polling(server) as later,
    ):
        await later.round()
        monkeypatch.setattr(reading, "_conditions", lambda *_: ())
        with pytest.raises(RejectedError, match="filter was not applied"):
            await first.round()
        later.clock.pass_by(600)
        with pytest.raises(RejectedError, match="filter was not applied"):
            await later.round()
        assert later.inbox.handed_over() == 3_000
        assert first.inbox.handed_over() == 0


# ---- the cursor ----


async def test_the_cursor_moves_only_when_a_whole_window_is_taken() -> None:
    """Whatever cursor was handed over, all that changed before its time was handed over by then."""
    async with (
        simulator(people=5_000, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):
        changed = {uuid: server.control.person(uuid)["modified_date"] for uuid in server.control.uuids()}
        checked = 0

        async def check(_: Batch) -> None:
            nonlocal checked
            if poller.inbox.cursor is not None and (to := mark(poller).get("to")) is not None:
                taken = set(uuids(poller))
                assert {uuid for uuid, moment in changed.items() if moment < stamp(to)} <= taken
                checked += 1

        poller.inbox.after = check
        await poller.round()
        assert checked > 10
        assert mark(poller)["to"] == pytest.approx(poller.clock.now() - SETTLED_S, abs=5)


async def test_a_round_that_finds_nobody_moves_the_cursor() -> None:
    async with (
        simulator(people=10, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):
        await poller.round()
        before = mark(poller)["to"]
        poller.clock.pass_by(600)
        await poller.round()
        assert 600 <= mark(poller)["to"] - before <= 610
        assert not poller.inbox.batches[-1].arrivals


async def test_another_process_goes_on_where_the_first_was_killed() -> None:
    async with (
        simulator(people=5_000, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):

        async def kill_half_way(_: Batch) -> None:
            if len(poller.inbox.arrivals) > 2_500:
                raise Killed

        poller.inbox.after = kill_half_way
        with pytest.raises(AssertionError, match="not done"):
            await poller.round()
        assert 0 < poller.inbox.handed_over() < 3_500
        before = poller.inbox.handed_over()
        poller.inbox.after = poller.inbox.before
        await poller.round()
        assert sorted(uuids(poller)) == sorted(server.control.uuids())
        assert poller.inbox.handed_over() - before < 5_000 - before + 4 * 500, "some windows are read again, no more"


async def test_a_call_that_fails_costs_that_call_only() -> None:
    async with (
        simulator(people=3_000, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as steady,
        polling(server) as poller,
    ):
        await steady.round()
        undisturbed = calls(server)
        server.control.reset_counts()
        server.control.fail(server_error=0.2)
        await poller.round(tries=200)
        assert len(poller.failures) > 10
        assert sorted(uuids(poller)) == sorted(server.control.uuids())
        assert poller.inbox.handed_over() == 3_000
        assert calls(server) <= undisturbed + 4 * len(poller.failures) + 20, "those beside it are stopped, too"


@pytest.mark.parametrize(
    "cursor",
    ["", "5", "nonsense", '{"v":99,"of":{}}', '{"v":1,"of":{"people":{"to":"x"}}}', '{"v":1,"span":[1,2],"of":{}}'],
)
async def test_a_cursor_nobody_can_read_begins_at_the_beginning(cursor: str) -> None:
    async with (
        simulator(people=100, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):
        poller.inbox.cursor = cursor
        await poller.round()
        assert len(uuids(poller)) == 100
        assert mark(poller)["to"]


async def test_a_collection_that_is_added_later_begins_at_the_beginning_and_the_others_go_on() -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):
        await poller.round()
        server.control.reset_counts()
        poller.restart(collections=["people", "donations"])
        await poller.round()
        assert calls(server) == 1
        assert len(poller.inbox.of("donation")) == server.world.shelves.count("donations")
        poller.restart(collections=["donations"])
        await poller.round()
        assert mark(poller)["to"], "people may be asked for again"


async def test_a_clock_that_was_wrong_and_was_set_right_loses_nobody() -> None:
    async with (
        simulator(people=100, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):
        await poller.round()
        poller.clock.set_calendar(86_400)
        await poller.round()
        poller.clock.set_calendar(-86_400)
        server.control.edit(server.control.uuids()[0], given_name="Wren")
        poller.clock.pass_by(600)
        await poller.round()
        assert len(uuids(poller)) == 101


# ---- the first run ----


async def test_the_first_run_shows_how_far_it_is_also_after_a_restart() -> None:
    async with (
        simulator(people=5_000, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):

        async def kill_half_way(_: Batch) -> None:
            if len(poller.inbox.arrivals) > 2_500:
                raise Killed

        poller.inbox.after = kill_half_way
        with pytest.raises(AssertionError, match="not done"):
            await poller.round()
        first = [batch.progress for batch in poller.inbox.batches if batch.progress is not None]
        poller.inbox.after = poller.inbox.before
        await poller.round()
        second = [batch.progress for batch in poller.inbox.batches if batch.progress is not None][len(first) :]
        assert all(progress.what == "people" for progress in first + second)
        assert first[0].done_before == 0
        assert second[0].done_before == second[0].done == mark_done(first)
        assert all(abs((progress.total or 0) - 5_000) < 200 for progress in first + second)
        assert [progress.done for progress in second] == sorted(progress.done for progress in second)
        assert second[-1].done > 4_000
        assert poller.inbox.batches[-1].progress is None, "it is over"
        poller.clock.pass_by(600)
        await poller.round()
        assert poller.inbox.batches[-1].progress is None


def mark_done(progresses: list[Any]) -> int:
    """What the last cursor of a run said."""
    return max(progress.done for progress in progresses)


async def test_what_is_handed_over_comes_in_small_batches() -> None:
    """So that a million people take no more memory than a thousand."""
    async with (
        simulator(people=20_000, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):
        await poller.round()
        assert len(uuids(poller)) == 20_000
        assert max(len(batch.arrivals) for batch in poller.inbox.batches) <= HAND_OVER_AT + 25


# ---- backfills ----


async def test_a_backfill_takes_what_was_changed_in_a_time_and_leaves_the_source_where_it_is() -> None:
    async with (
        simulator(people=2_000, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):
        since, until = 1_704_067_200, 1_711_929_600
        await poller.backfill(["people"], since, until)
        changed = {uuid: server.control.person(uuid)["modified_date"] for uuid in server.control.uuids()}
        meant = {uuid for uuid, moment in changed.items() if stamp(since) <= moment < stamp(until)}
        assert set(uuids(poller)) == meant
        assert 0 < len(meant) < 2_000
        assert mark(poller) == {"to": until, "is_first": False}


async def test_a_backfill_goes_on_in_another_process() -> None:
    async with (
        simulator(people=4_000, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["people", "signatures"]) as poller,
    ):
        kills = 0

        async def kill_now_and_then(batch: Batch) -> None:
            nonlocal kills
            if batch.cursor is not None and kills < 5:
                kills += 1
                raise Killed

        poller.inbox.after = kill_now_and_then
        await poller.backfill(["people", "signatures"], MODIFIED[0], MODIFIED[1], tries=10)
        assert kills == 5
        assert len(uuids(poller)) == 4_000
        assert poller.inbox.handed_over() < 4_400 + 5 * 4 * 375


async def test_what_cannot_be_asked_for_by_time_is_refused_by_a_backfill() -> None:
    async with (
        simulator(clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["tags"]) as poller,
    ):
        with pytest.raises(RequestError, match="cannot filter tags by time"):
            await poller.backfill(["tags"], 0, 1)
        assert calls(server, "GET tags") == 0


async def test_calls_of_a_backfill_wait_behind_those_of_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        simulator(people=10, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
    ):
        asked: list[Priority] = []
        send = poller.http.send

        async def note(*args: Any, **named: Any) -> Any:
            asked.append(named["priority"])
            return await send(*args, **named)

        monkeypatch.setattr(poller.http, "send", note)
        await poller.round()
        assert set(asked) == {Priority.POLL}
        asked.clear()
        poller.inbox.cursor = None
        await poller.backfill(["people"], MODIFIED[0], MODIFIED[1])
        assert set(asked) == {Priority.BACKFILL}


# ---- settings ----


def settings(**given: Any) -> ActionNetworkPollSettings:
    return ActionNetworkPollSettings(**{"type": "action_network.poll", "account": "network", **given})


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2025-01-02", datetime(2025, 1, 2, tzinfo=UTC)),
        ("2025-01-02T03:04:05Z", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02T03:04:05", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (datetime(2025, 1, 2).date(), datetime(2025, 1, 2, tzinfo=UTC)),  # noqa: DTZ001 # as TOML has it
    ],
)
def test_since_is_a_date_or_a_time(written: Any, moment: datetime) -> None:
    assert settings(since=written).since == moment


@pytest.mark.parametrize("written", [2025, "last year", True, ""])
def test_since_is_nothing_else(written: Any) -> None:
    with pytest.raises(ValidationError, match="is not a time"):
        settings(since=written)


def test_collections_are_known_and_named_once() -> None:
    for wrong in (["page_donations"], ["peple"], ["people", "people"], []):
        with pytest.raises(ValidationError):
            settings(collections=wrong)


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"every": "30s"}, "every", "takes calls from deliveries"),
        ({"full_every": "10m"}, "full_every", "over and over"),
        ({"overlap": "0s"}, "overlap", "lists late"),
        ({"collections": ["signatures"]}, "collections", "a call for every person"),
    ],
)
def test_what_is_unwise_is_said(given: dict[str, Any], field: str, words: str) -> None:
    ((name, warning),) = settings(**given).warnings()
    assert name == field
    assert words in warning
    assert settings().warnings() == []
    assert settings(collections=["people", "signatures"]).warnings() == []


async def test_an_account_with_its_usual_behaviour_is_read_too() -> None:
    """Every switch of the simulator as it is by default, but for the limit."""
    async with (
        simulator(people=1_000, clock=PollClock(), behaviour=Behaviour(calls_per_s=None)) as server,
        polling(server, collections=["people", "petitions", "signatures", "events", "attendances", "tags"]) as poller,
    ):
        await poller.round()
        assert len(uuids(poller)) == 1_000
        assert len(poller.inbox.of("signature")) == server.world.shelves.count("signatures") or poller.inbox.of(
            "signature"
        )


class RestingClock(PollClock):
    """Where whoever wants to sleep long does so, for good."""

    rests = 0

    async def sleep(self, seconds: float) -> None:
        try:
            await super().sleep(seconds)
        except RoundOver:
            self.rests += 1
            await anyio.sleep_forever()


async def test_told_to_look_now_it_does_not_wait_until_the_next_round_is_due() -> None:
    clock = RestingClock()
    async with (
        simulator(people=10, clock=clock, behaviour=FRIENDLIEST) as server,
        polling(server) as poller,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(poller.source.run, None, poller.inbox.emit)
        await until(lambda: clock.rests == 1)
        before = calls(server)
        assert poller.source.look_now()
        await until(lambda: clock.rests == 2)
        assert calls(server) > before
        tasks.cancel_scope.cancel()


async def test_a_round_in_which_nothing_is_due_says_so() -> None:
    # It looked like one that fails: a source counts as failing until it emits.
    async with (
        simulator(people=10, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["tags"]) as poller,
    ):
        await poller.round()
        before = len(poller.inbox.batches)
        poller.clock.pass_by(600)
        await poller.round()
        assert poller.inbox.batches[before:] == [NOTHING_NEW]
