"""Each record is one action, whatever becomes of answers, connections and daemons."""

from typing import Any

import pytest

from groundswell.component import Delivered, Rejected, Retry, Skipped
from groundswell.connectors.actionkit.simulator import faults
from groundswell.errors import NotYetError, RateLimitedError, UnauthorizedError, UnavailableError
from tests.connectors.actionkit.sinking import ROSA, SETTLE_S, signed, sinking

ACTIONS = "actionkit.actions"
LOOKS = pytest.mark.parametrize("look", ["sql", "actionfield"])


def retried(outcome: Any, error: type[Exception]) -> bool:
    return isinstance(outcome, Retry) and type(outcome.error) is error


@LOOKS
@pytest.mark.parametrize("fault", [faults.ANSWER_LOST, faults.SERVER_ERROR_DONE])
async def test_what_was_recorded_without_an_answer_is_found_and_not_recorded_again(
    look: str, fault: faults.Fault
) -> None:
    async with sinking(ACTIONS, page="signup", look=look) as it:
        it.server.faults.plan(fault, method="POST", path="action/")
        record = signed()
        assert retried(await it.deliver_record(record), UnavailableError)
        again = await it.deliver_record(record, attempts=1)
        assert retried(again, NotYetError)
        assert isinstance(again, Retry)
        assert isinstance(again.error, NotYetError)
        assert again.error.retry_after_s == pytest.approx(SETTLE_S, abs=2.0)
        it.settle()
        assert await it.deliver_record(record, attempts=2) == Skipped("already_there")
        assert len(it.actions()) == 1


@LOOKS
async def test_what_never_got_there_is_recorded_by_the_next_try(look: str) -> None:
    async with sinking(ACTIONS, page="signup", look=look) as it:
        it.server.faults.plan(faults.DROPPED, method="POST", path="action/")
        assert retried(await it.deliver_record(signed()), UnavailableError)
        it.settle()
        assert await it.deliver_record(signed(), attempts=1) == Delivered()
        assert len(it.actions()) == 1


async def test_a_daemon_that_was_killed_after_a_post_waits_and_finds_it() -> None:
    async with sinking(ACTIONS, page="signup") as it:
        assert await it.deliver_record(signed()) == Delivered()  # and killed before anybody heard
        it.restart()
        assert retried(await it.deliver_record(signed()), NotYetError)
        it.settle()
        assert await it.deliver_record(signed()) == Skipped("already_there")
        assert await it.deliver_record(signed(2)) == Delivered()
        assert len(it.actions()) == 2


async def test_whoever_of_two_names_they_go_by_it_is_found() -> None:
    """An email and somebody else's akid in one record."""
    async with sinking(ACTIONS, page="signup", users=2, parameters={"akid": "action.fields.akid"}) as it:
        theirs = it.server.control.user(2)
        record = signed(email=ROSA, fields={"akid": theirs["token"]})
        it.server.control.act("signup", email=theirs["email"], action_groundswell_id="network:signature/1 signup")
        assert await it.deliver_record(record) == Skipped("already_there")


async def test_too_many_at_once_recorded_nothing_so_the_next_try_need_not_wait() -> None:
    async with sinking(ACTIONS, page="signup") as it:
        it.server.faults.plan(faults.TOO_MANY, method="POST", path="action/")
        assert retried(await it.deliver_record(signed()), RateLimitedError)
        assert await it.deliver_record(signed(), attempts=1) == Delivered()
        assert len(it.actions()) == 1


async def test_a_batch_is_looked_for_in_one_query_and_each_of_it_recorded_once() -> None:
    async with sinking(ACTIONS, page="signup") as it:
        records = [signed(number, email=f"person{number}+x@example.org") for number in range(25)]
        await it.deliver_together(records[:10])
        it.server.control.reset_counts()
        outcomes = await it.deliver_together(records)
        assert outcomes == [Skipped("already_there")] * 10 + [Delivered()] * 15
        assert it.server.counts.by_call["POST report/run/sql"] == 1
        assert it.server.counts.by_call["POST action"] == 15


async def test_the_same_record_on_two_pages_is_two_actions() -> None:
    async with sinking(ACTIONS, page="signup", pages={"18": "newsletter"}) as it:
        assert await it.deliver_record(signed(1)) == Delivered()
        assert await it.deliver_record(signed(1, at="18")) == Delivered()


async def test_a_key_that_differs_in_capitals_is_another_one() -> None:
    async with sinking(ACTIONS, page="signup") as it:
        await it.deliver_record(signed())
        (action,) = it.actions()
        world = it.server.world
        world.db.run("UPDATE core_actionfield SET value = upper(value) WHERE parent_id = ?", action["id"])
        assert await it.deliver_record(signed()) == Delivered()


async def test_an_unsubscription_whose_answer_was_lost_is_not_made_again() -> None:
    async with sinking(ACTIONS, page="signup", unsubscribe_page="unsubscribe") as it:
        it.server.control.act("signup", email=ROSA)
        it.server.faults.plan(faults.ANSWER_LOST, method="POST", path="action/", after=1)
        record = signed(email=ROSA, email_opt_in=False)
        assert retried(await it.deliver_record(record), UnavailableError)
        it.settle()
        assert await it.deliver_record(record, attempts=1) == Skipped("already_there")
        assert [action["page"] for action in it.actions()] == ["signup", "signup", "unsubscribe"]
        assert it.lists() == []


async def test_an_action_taken_for_nobodys_stops_the_sink_and_is_found_once_the_password_is_right() -> None:
    async with sinking(ACTIONS, page="signup") as it:
        good = it.server.instance.logins._good
        ask = it.client.sql

        async def ask_and_lose_the_password(*arguments: Any) -> Any:
            rows = await ask(*arguments)
            it.server.instance.logins._good = b"somebody:else"
            return rows

        it.client.sql = ask_and_lose_the_password
        outcomes = await it.deliver_together([signed(1), signed(2, email="ida@example.org")])
        assert [retried(outcome, UnauthorizedError) for outcome in outcomes] == [True, True]
        assert it.server.counts.anonymous_actions == 1, "the second was not sent"
        it.client.sql = ask
        it.server.instance.logins._good = good
        it.clock.skip(3600)
        assert await it.deliver_record(signed(1), attempts=1) == Skipped("already_there")
        assert await it.deliver_record(signed(2, email="ida@example.org"), attempts=1) == Delivered()


async def test_with_wrong_credentials_nothing_is_recorded_at_all() -> None:
    async with sinking(ACTIONS, page="signup") as it:
        it.server.instance.logins._good = b"somebody:else"
        with pytest.raises(UnauthorizedError):
            await it.deliver_record(signed())
        assert it.server.counts.by_call["POST action"] == 0


async def test_who_may_not_look_records_nothing_and_hears_why() -> None:
    async with sinking(ACTIONS, page="signup", look="actionfield") as it:
        it.server.faults.plan(faults.Fault("400", status=400), method="GET", path="actionfield/")
        with pytest.raises(UnauthorizedError, match="look"):
            await it.deliver_record(signed())
        assert it.server.counts.by_call["POST action"] == 0


async def test_what_is_recorded_and_not_complete_is_shown_to_somebody() -> None:
    async with sinking(ACTIONS, page="signup") as it:
        act = it.client.act

        async def act_and_fail(*arguments: Any) -> Any:
            return await act(*arguments) | {"status": "failed"}

        it.client.act = act_and_fail
        outcome = await it.deliver_record(signed())
        assert isinstance(outcome, Rejected)
        assert "failed" in outcome.message
        assert await it.deliver_record(signed(), attempts=1) == Skipped("already_there")


async def test_storms_leave_each_record_recorded_once() -> None:
    async with sinking(ACTIONS, page="signup") as it:
        rates = {"too_many": 0.1, "server_error": 0.1, "server_error_done": 0.1, "dropped": 0.1, "answer_lost": 0.1}
        it.server.control.fail(**rates)
        left = [signed(number, email=f"person{number}@example.org") for number in range(60)]
        for round_ in range(200):
            if not left:
                break
            if round_ % 7 == 3:
                it.restart()
            it.settle()
            try:
                outcomes = await it.deliver_together(left[:20])
            except (UnavailableError, RateLimitedError):
                continue
            done = [record for record, outcome in zip(left, outcomes, strict=False) if not isinstance(outcome, Retry)]
            left = [record for record in left if record not in done]
        assert not left
        found = it.server.control.rows("SELECT value FROM core_actionfield WHERE name = 'groundswell_id'")
        assert sorted(row["value"] for row in found) == sorted(f"network:signature/{n} signup" for n in range(60))
