"""The poller in bad weather: everything changes while it reads, calls fail, and its process dies again and again."""

from random import Random

import msgspec
import pytest

from groundswell.component import Batch
from groundswell.connectors.actionkit.mapping import kept
from groundswell.connectors.actionkit.simulator.calls.shapes import shown_by_id
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.errors import UnavailableError
from tests.connectors.actionkit.polling import FILTERED, STRICT, Killed, PollClock, Poller, polling, shaky

pytestmark = pytest.mark.timeout(60)  # ten thousand users each
WAYS = pytest.mark.parametrize("behaviour", [STRICT, FILTERED], ids=["by report", "by filter"])


def assert_all_users_are_known(server: Server, poller: Poller, *, but: str = "") -> None:
    """The newest state that was handed over of each is the one they are in, `but` for one field."""
    newest = {int(one.id.partition("@")[0].rpartition("/")[2]): one for one in poller.inbox.of("user")}
    for number in server.control.user_ids:
        phones = server.control.rows("SELECT id FROM core_phone WHERE user_id = ?", number)
        user = server.control.user(number)
        user["phones"] = [shown_by_id(server.world, "phone", row["id"]) for row in phones]
        taken = msgspec.json.decode(newest[number].raw)
        assert taken | {but: None} == kept(user) | {but: None}, number


def assert_all_are_known(server: Server, poller: Poller, word: str, table: str) -> None:
    there = {row["id"] for row in server.control.rows(f"SELECT id FROM {table}")}
    assert there <= set(poller.inbox.numbers(word))


@WAYS
async def test_ten_thousand_users_are_exact_through_edits_faults_and_kills(behaviour: Behaviour) -> None:
    random = Random(7)
    async with (
        simulator(users=10_000, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users"]) as poller,
    ):

        async def before(_: Batch) -> None:
            server.control.happen(3)
            poller.clock.pass_by(1)
            if random.random() < 0.04:
                raise Killed

        async def after(_: Batch) -> None:
            if random.random() < 0.04:
                raise Killed

        poller.inbox.before, poller.inbox.after = before, after
        server.control.fail(**msgspec.structs.asdict(shaky(0.08)))
        await poller.round(tries=400)
        poller.clock.pass_by(60)
        server.control.happen(20)
        await poller.round(tries=400)
        poller.inbox.before = _calm
        poller.clock.pass_by(60)
        await poller.round(tries=100)
        assert poller.failures
        # Whoever is on no list and bounces leaves no trace but the status itself.
        assert_all_users_are_known(server, poller, but="subscription_status")
        # Kills and faults do not make it begin anew: hardly more was handed over than there is.
        assert poller.inbox.handed_over() < 12_500
        poller.clock.pass_by(86_400)
        await poller.round(tries=400)
        assert_all_users_are_known(server, poller)


@WAYS
async def test_users_who_are_deleted_meanwhile_make_it_skip_nobody(behaviour: Behaviour) -> None:
    """By offset, each deletion moves all who come after it."""
    random = Random(3)
    async with (
        simulator(users=2_500, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users"]) as poller,
    ):

        async def before(batch: Batch) -> None:
            for number in random.sample(server.control.user_ids[:1500], random.choice((0, 1, 3, 60))):
                server.world.db.delete("core_user", number)

        poller.inbox.before = before
        await poller.round()
        assert set(server.control.user_ids) <= set(poller.inbox.numbers("user"))
        assert len(poller.inbox.ids) == len(set(poller.inbox.numbers("user")))


@WAYS
async def test_users_who_leave_the_window_meanwhile_make_it_skip_nobody(behaviour: Behaviour) -> None:
    """Whoever is edited while a window is read moves into the next one."""
    behaviour = msgspec.structs.replace(behaviour, updated_at_filters=True)
    async with (
        simulator(users=600, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users"], reports=False) as poller,
    ):
        await poller.round()
        poller.clock.pass_by(600)
        for number in range(1, 501):
            server.control.edit(number, city="Nowhere")
        poller.clock.pass_by(900)  # longer than the next window looks back
        moved = iter(range(1, 400, 2))

        async def before(_: Batch) -> None:
            for number in [next(moved, 1) for _ in range(30)]:
                server.control.edit(number, city="Elsewhere")

        poller.inbox.before = before
        await poller.round()
        poller.inbox.before = _calm
        poller.clock.pass_by(600)
        await poller.round()
        assert_all_users_are_known(server, poller)


@WAYS
async def test_what_happens_once_is_taken_once_through_faults_and_kills(behaviour: Behaviour) -> None:
    random = Random(5)
    every = ["actions", "subscriptions", "donations"]
    async with (
        simulator(users=300, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=every) as poller,
    ):

        async def before(_: Batch) -> None:
            server.control.happen(4)
            if random.random() < 0.1:
                raise Killed

        poller.inbox.before = before
        server.control.fail(**msgspec.structs.asdict(shaky(0.02)))
        for _ in range(4):
            await poller.round(tries=400)
            poller.clock.pass_by(300)
        poller.inbox.before = _calm
        server.control.fail(too_many=0.0, server_error=0.0, unavailable=0.0, dropped=0.0)
        await poller.round(tries=5)
        assert_all_are_known(server, poller, "action", "core_action")
        assert_all_are_known(server, poller, "subscriptionhistory", "core_subscriptionhistory")
        paid = {row["id"] for row in server.control.rows("SELECT id FROM core_transaction WHERE status = 'completed'")}
        assert paid == set(poller.inbox.numbers("transaction"))


async def test_a_walk_that_failed_is_not_taken_for_the_whole() -> None:
    async with (
        simulator(users=450, clock=PollClock()) as server,
        polling(server, collections=["users"]) as poller,
    ):
        pages = 0

        async def after(batch: Batch) -> None:
            nonlocal pages
            pages += 1
            if pages == 2:
                raise Killed

        poller.inbox.after = after
        with pytest.raises(AssertionError, match="not done after 1"):
            await poller.round()
        taken = len(poller.inbox.ids)
        assert 0 < taken < 450
        poller.inbox.after = _calm
        await poller.round()
        assert set(server.control.user_ids) == set(poller.inbox.numbers("user"))
        # It went on where it was, and read no more than the page it was on again.
        assert poller.inbox.handed_over() <= len(server.control.user_ids) + 100


async def test_calls_that_fail_leave_the_cursor_where_it_was() -> None:
    async with (
        simulator(users=150, clock=PollClock()) as server,
        polling(server, collections=["users"]) as poller,
    ):
        await poller.round()
        known = poller.inbox.cursor
        server.control.fail(server_error=1.0)
        poller.clock.pass_by(600)
        with pytest.raises(UnavailableError, match="500"):
            await poller.round()
        assert poller.inbox.cursor == known


async def _calm(_: Batch) -> None:
    pass
