"""The poller against a simulated ActionKit: what is new, what has changed, and what it costs to find nothing."""

from typing import cast

import pytest
import structlog

from groundswell.component import NOTHING_NEW
from groundswell.connectors.actionkit.polling.feeds import COLLECTIONS
from groundswell.connectors.actionkit.polling.reports import query_of
from groundswell.connectors.actionkit.simulator.faults import Fault
from groundswell.connectors.actionkit.simulator.server import simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.errors import UnauthorizedError
from tests.connectors.actionkit.polling import FILTERED, STRICT, TODAY, PollClock, polling

WAYS = pytest.mark.parametrize("behaviour", [STRICT, FILTERED], ids=["by report", "by filter"])


@WAYS
async def test_the_first_round_takes_every_user_with_phones_and_fields(behaviour: Behaviour) -> None:
    async with (
        simulator(users=350, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users"]) as poller,
    ):
        await poller.round()
        assert poller.inbox.numbers("user") == server.control.user_ids
        for number in server.control.user_ids:
            shown = server.control.user(number)
            taken = poller.inbox.last("user", number)
            rows = server.control.rows("SELECT phone FROM core_phone WHERE user_id = ?", number)
            assert sorted(phone["phone"] for phone in taken["phones"]) == sorted(row["phone"] for row in rows)
            assert (taken["fields"], taken["email"]) == (shown["fields"], shown["email"])


@WAYS
async def test_a_quiet_round_hands_over_nothing_and_costs_a_handful_of_calls(behaviour: Behaviour) -> None:
    async with (
        simulator(users=250, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users", "actions", "donations", "subscriptions"]) as poller,
    ):
        await poller.round()
        poller.clock.pass_by(600)
        await poller.round()  # what the simulator began with is as young as itself
        poller.clock.pass_by(600)
        known = len(poller.inbox.ids)
        assert await poller.round() <= 9
        assert len(poller.inbox.ids) == known


@WAYS
async def test_what_is_edited_between_two_rounds_is_taken_and_nothing_else(behaviour: Behaviour) -> None:
    async with (
        simulator(users=250, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users"]) as poller,
    ):
        await poller.round()
        before = len(poller.inbox.ids)
        poller.clock.pass_by(600)
        server.control.edit(77, city="Nowhere")
        poller.clock.pass_by(60)
        await poller.round()
        assert poller.inbox.numbers("user")[before:] == [77]
        assert poller.inbox.last("user", 77)["city"] == "Nowhere"


@WAYS
async def test_actions_are_taken_of_the_pages_that_are_named_and_of_no_other(behaviour: Behaviour) -> None:
    async with (
        simulator(users=120, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["actions"], pages=["save_the_crossing", "1"]) as poller,
    ):
        await poller.round()
        rows = server.control.rows("SELECT id FROM core_action WHERE page_id IN (1, 3) ORDER BY id")
        assert poller.inbox.numbers("action") == [row["id"] for row in rows]
        assert len(rows) < server.control.rows("SELECT count(*) AS n FROM core_action")[0]["n"]


async def test_a_page_that_is_not_there_stops_the_source_with_its_name() -> None:
    async with (
        simulator(users=10, clock=PollClock(), behaviour=FILTERED) as server,
        polling(server, collections=["actions"], pages=["no_such_page"]) as poller,
    ):
        with pytest.raises(UnauthorizedError, match=r'there is no page "no_such_page" at .*; check `pages`'):
            await poller.round()


@WAYS
async def test_a_user_field_that_changes_alone_is_caught(behaviour: Behaviour) -> None:
    async with (
        simulator(users=120, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users"]) as poller,
    ):
        await poller.round()
        before, stamp = len(poller.inbox.ids), server.control.user(42)["updated_at"]
        poller.clock.pass_by(600)
        server.control.edit(42, fields={"favorite_color": "ultraviolet"})
        assert server.control.user(42)["fields"]["favorite_color"] == "ultraviolet"
        server.world.db.run("UPDATE core_user SET updated_at = ? WHERE id = 42", stamp.replace("T", " "))
        poller.clock.pass_by(60)
        await poller.round()
        assert poller.inbox.numbers("user")[before:] == [42]
        assert poller.inbox.last("user", 42)["fields"]["favorite_color"] == "ultraviolet"


@WAYS
async def test_a_user_field_that_goes_there_and_back_is_three_states(behaviour: Behaviour) -> None:
    async with (
        simulator(users=30, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users"]) as poller,
    ):
        stamp = server.control.user(7)["updated_at"].replace("T", " ")
        for word in ("yes", "no", "yes"):
            server.control.edit(7, fields={"sms_opt_in": word})
            server.world.db.run("UPDATE core_user SET updated_at = ? WHERE id = 7", stamp)
            poller.clock.pass_by(600)
            await poller.round()
        words = [one.person.custom["sms_opt_in"] for one in poller.records("user") if one.person and "/7@" in one.id]
        assert words == ["yes", "no", "yes"]
        moments = [str(one.occurred_at) for one in poller.records("user") if "/7@" in one.id]
        assert moments == sorted(set(moments))


@WAYS
async def test_a_phone_that_is_added_alone_is_caught(behaviour: Behaviour) -> None:
    async with (
        simulator(users=120, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users"]) as poller,
    ):
        await poller.round()
        before = len(poller.inbox.ids)
        poller.clock.pass_by(600)
        now = server.world.now()
        server.world.db.insert(
            "core_phone", user_id=9, type="mobile", phone="503-555-0177", normalized_phone="5035550177",
            created_at=now, updated_at=now,
        )  # fmt: skip
        poller.clock.pass_by(60)
        await poller.round()
        assert poller.inbox.numbers("user")[before:] == [9]
        assert "503-555-0177" in str(poller.inbox.last("user", 9)["phones"])


@WAYS
async def test_a_bounce_is_caught_as_a_change_of_the_user_and_of_the_list(behaviour: Behaviour) -> None:
    async with (
        simulator(users=120, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users", "subscriptions"]) as poller,
    ):
        await poller.round()
        number = server.control.rows("SELECT user_id FROM core_subscription LIMIT 1")[0]["user_id"]
        poller.clock.pass_by(600)
        server.control.bounce(number)
        poller.clock.pass_by(60)
        await poller.round()
        assert poller.inbox.last("user", number)["subscription_status"] == "bounced"
        change = poller.records("subscriptionhistory")[-1]
        assert change.kind == "group_member"
        assert change.group
        assert change.group.fields["subscribed"] is False
        assert change.person
        assert change.person.ids == {"actionkit": str(number)}


@WAYS
async def test_whoever_bounced_and_then_unsubscribes_is_caught(behaviour: Behaviour) -> None:
    async with (
        simulator(users=120, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users"]) as poller,
    ):
        await poller.round()
        (bounced, *_) = server.control.rows("SELECT id, email FROM core_user WHERE subscription_status = 'bounced'")
        poller.clock.pass_by(600)
        server.control.act("unsubscribe", email=bounced["email"])
        poller.clock.pass_by(60)
        await poller.round()
        assert poller.inbox.last("user", bounced["id"])["subscription_status"] == "unsubscribed"


@WAYS
async def test_an_action_that_changes_nothing_about_a_user_makes_no_state(behaviour: Behaviour) -> None:
    async with (
        simulator(users=120, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users"]) as poller,
    ):
        await poller.round()
        known = len(poller.inbox.ids)
        (there, *_) = server.control.rows("SELECT email FROM core_user WHERE subscription_status = 'subscribed'")
        poller.clock.pass_by(600)
        server.control.act("signup", email=there["email"], suppress_subscribe="1")
        poller.clock.pass_by(60)
        await poller.round()
        assert len(poller.inbox.ids) == known


async def test_a_phone_that_was_deleted_is_found_when_users_are_read_whole_again() -> None:
    async with (
        simulator(users=120, clock=PollClock()) as server,
        polling(server, collections=["users"], full_every="1d") as poller,
    ):
        await poller.round()
        known = len(poller.inbox.ids)
        phone = server.control.rows("SELECT id, user_id FROM core_phone WHERE user_id > 60 LIMIT 1")[0]
        server.world.db.delete("core_phone", phone["id"])
        poller.clock.pass_by(3600)
        await poller.round()
        assert len(poller.inbox.ids) == known
        poller.clock.pass_by(86_400)
        await poller.round()
        assert poller.inbox.numbers("user")[known:] == [phone["user_id"]]


async def test_without_filters_and_reports_what_has_changed_is_found_when_all_is_read_again() -> None:
    async with (
        simulator(users=120, clock=PollClock()) as server,
        polling(server, collections=["users"], reports=False, full_every="6h") as poller,
    ):
        await poller.round()
        known = len(poller.inbox.ids)
        poller.clock.pass_by(600)
        server.control.edit(5, city="Nowhere")
        assert await poller.round() == 0
        poller.clock.pass_by(6 * 3600)
        await poller.round()
        assert poller.inbox.numbers("user")[known:] == [5]


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_reports_that_are_refused_are_made_up_for_by_reading_the_whole(status: int) -> None:
    async with (
        simulator(users=120, clock=PollClock()) as server,
        polling(server, collections=["users"], full_every="1h") as poller,
    ):
        await poller.round()
        known = len(poller.inbox.ids)
        server.faults.plan(Fault("refused", status=status), path="report/run/sql")
        poller.clock.pass_by(600)
        server.control.edit(5, city="Nowhere")
        await poller.round()
        assert len(poller.inbox.ids) == known
        poller.clock.pass_by(3600)
        await poller.round()
        assert poller.inbox.numbers("user")[known:] == [5]


async def test_reports_that_are_refused_half_way_leave_nothing_out() -> None:
    async with (
        simulator(users=120, clock=PollClock(), behaviour=Behaviour(report_rows_max=10)) as server,
        polling(server, collections=["users"]) as poller,
    ):
        await poller.round()
        known = len(poller.inbox.ids)
        poller.clock.pass_by(600)
        for number in range(20, 60):
            server.control.edit(number, fields={"favorite_color": "teal"})
        poller.clock.pass_by(60)
        server.faults.plan(Fault("refused", status=400), path="report/run/sql", after=1)
        await poller.round()
        assert set(poller.inbox.numbers("user")[known:]) == set(range(20, 60))


async def test_a_report_that_is_refused_for_one_collection_leaves_the_others_theirs() -> None:
    # One refusal was taken for all, until the next start: tables may have other names, and a query may fail once.
    async with (
        simulator(users=120, clock=PollClock()) as server,
        polling(server, collections=["users", "actions"], full_every="1h") as poller,
    ):
        await poller.round()
        server.faults.plan(Fault("refused", status=400), path="report/run/sql")  # users come first
        poller.clock.pass_by(600)
        number = server.control.act("signup", email="ada@example.org")
        poller.clock.pass_by(60)
        await poller.round()
        assert poller.inbox.numbers("action")[-1] == number
        assert poller.source.counts == {"reports_refused": 1}
        poller.clock.pass_by(3600)
        await poller.round()
        poller.clock.pass_by(600)
        server.control.edit(5, city="Nowhere")
        poller.clock.pass_by(60)
        await poller.round()
        assert poller.inbox.numbers("user")[-1] == 5, "by report again"


async def test_what_is_read_whole_for_want_of_a_filter_is_not_handed_over_again() -> None:
    # The inbox forgets ids after a while ([daemon] keep): handed over daily, old actions became new ones then.
    async with (
        simulator(users=120, clock=PollClock()) as server,
        polling(server, collections=["actions"], reports=False, full_every="1d") as poller,
    ):
        poller.clock.pass_by(3600)  # the simulator touches some actions when it begins
        await poller.round()
        known = poller.inbox.handed_over()
        poller.clock.pass_by(86_000)
        number = server.control.act("signup", email="ada@example.org")
        poller.clock.pass_by(1_000)
        await poller.round()
        assert poller.inbox.numbers("action")[-1] == number
        assert poller.inbox.handed_over() == known + 1


def test_the_history_of_lists_is_known_by_when_it_happened() -> None:
    (feed,) = COLLECTIONS["subscriptions"]
    assert "updated_at" not in query_of(feed, with_main=True), "a column that nobody has seen there"


async def test_a_report_that_is_cut_short_is_not_taken_for_the_whole() -> None:
    behaviour = Behaviour(report_rows_max=7)
    async with (
        simulator(users=200, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users"]) as poller,
    ):
        await poller.round()
        known = len(poller.inbox.ids)
        poller.clock.pass_by(600)
        for number in range(20, 60):
            server.control.edit(number, city="Nowhere")
        poller.clock.pass_by(60)
        await poller.round()
        assert sorted(poller.inbox.numbers("user")[known:]) == list(range(20, 60))


async def test_since_leaves_out_what_is_older() -> None:
    async with (
        simulator(users=200, clock=PollClock()) as server,
        polling(server, collections=["users"], since="2026-05-02T11:05:00Z") as poller,
    ):
        poller.clock.pass_by(600)
        server.control.edit(30, city="Nowhere")
        poller.clock.pass_by(60)
        await poller.round()
        assert poller.inbox.numbers("user") == [30]


@WAYS
async def test_actions_come_with_whoever_took_them(behaviour: Behaviour) -> None:
    async with (
        simulator(users=150, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["actions"]) as poller,
    ):
        await poller.round()
        assert poller.inbox.numbers("action") == [
            row["id"] for row in server.control.rows("SELECT id FROM core_action ORDER BY id")
        ]
        poller.clock.pass_by(600)
        number = server.control.act("signup", email="ada@example.org", first_name="Ada", action_colour="blue")
        poller.clock.pass_by(60)
        await poller.round()
        record = poller.records("action")[-1]
        assert record.id == f"actionkit:action/{number}"
        assert record.person
        assert record.person.email == "ada@example.org"
        assert record.action
        assert record.action.fields == {"colour": "blue"}
        assert record.action.type == "signup"


@WAYS
async def test_a_gift_is_a_donation_and_its_reversal_a_refund(behaviour: Behaviour) -> None:
    async with (
        simulator(users=20, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["donations"]) as poller,
    ):
        await poller.round()
        card = {"card_num": "4111111111111111", "card_code": "007", "amount_other": "25.00"}
        server.control.act("donate", email="ada@example.org", name="Ada Quill", **card)
        poller.clock.pass_by(60)
        await poller.round()
        gift = poller.records("transaction")[-1]
        assert gift.kind == "donation"
        assert gift.donation
        assert gift.donation.amount == "25.00"
        assert gift.person
        assert gift.person.email == "ada@example.org"
        assert not poller.inbox.of("refund")
        number = int(gift.id.rpartition("/")[2])
        server.world.db.update("core_transaction", number, status="reversed", updated_at=server.world.now())
        poller.clock.pass_by(60)
        await poller.round()
        (refund,) = poller.records("refund")
        assert refund.kind == "refund"
        assert refund.donation
        assert refund.donation.amount == "25.00"


@WAYS
async def test_every_collection_can_be_asked_for_and_read(behaviour: Behaviour) -> None:
    every = ["users", "actions", "pages", "lists", "subscriptions", "usergroups", "donations", "events", "signups",
             "user_fields"]  # fmt: skip
    async with (
        simulator(users=60, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=every) as poller,
    ):
        server.control.happen(60)
        poller.clock.pass_by(60)
        await poller.round()
        for word in ("user", "action", "page", "list", "subscriptionhistory", "usergroup", "alloweduserfield"):
            assert poller.records(word), word
        for arrival in poller.inbox.arrivals.values():
            record = poller.source.read(arrival)
            assert record.id == arrival.id
            assert '""' not in str(record.person)
        names = {row["name"] for row in server.control.rows("SELECT name FROM core_alloweduserfield")}
        assert {one.group.id for one in poller.records("alloweduserfield") if one.group} == names


@pytest.mark.parametrize("ahead_s", [3_600, -3_600])
@WAYS
async def test_a_clock_of_ours_that_is_wrong_passes_nothing_over(behaviour: Behaviour, ahead_s: int) -> None:
    # Ahead by more than the overlap, windows ended after what was still to be written down in them.
    async with (
        simulator(users=60, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, clock=PollClock(TODAY + ahead_s), collections=["actions"]) as poller,
    ):
        with structlog.testing.capture_logs() as logged:
            await poller.round()
            for minutes in range(3):
                poller.clock.pass_by(600)
                cast("PollClock", server.world.clock).pass_by(600)
                number = server.control.act("signup", email=f"ada{minutes}@example.org")
                poller.clock.pass_by(60)
                cast("PollClock", server.world.clock).pass_by(60)
                await poller.round()
                assert poller.inbox.numbers("action")[-1] == number
    (told,) = [entry for entry in logged if entry["event"] == "clocks_differ"]
    assert told["ours_is_ahead_s"] == pytest.approx(ahead_s, abs=2)


async def test_wrong_credentials_stop_the_source() -> None:
    async with (
        simulator(users=10, clock=PollClock()) as server,
        polling(server, collections=["users"]) as poller,
    ):
        server.instance.logins = type(server.instance.logins)(server.world, "groundswell", "another")  # type: ignore[assignment]
        with pytest.raises(UnauthorizedError):
            await poller.round()
        assert not poller.inbox.ids


async def test_a_round_in_which_nothing_is_due_says_so() -> None:
    # It looked like one that fails: a source counts as failing until it emits.
    async with (
        simulator(users=10, clock=PollClock(), behaviour=FILTERED) as server,
        polling(server, collections=["actions"], overlap="0s") as poller,
    ):
        await poller.round()
        before = len(poller.inbox.batches)
        await poller.round()
        assert poller.inbox.batches[before:] == [NOTHING_NEW]
