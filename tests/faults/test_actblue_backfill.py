"""The past of ActBlue, asked for: all again changes nothing, what is missing alone is sent, and edges are exact."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from groundswell.connectors.actblue.simulator import server as actblue
from groundswell.connectors.actblue.simulator.ledger import SINCE, UNTIL, Ledger
from groundswell.connectors.actblue.simulator.making import Shares
from groundswell.connectors.actblue.simulator.messages import messages
from groundswell.connectors.actblue.simulator.sender import Pace, Target
from groundswell.connectors.action_network.simulator import server as action_network
from groundswell.connectors.action_network.simulator.faults import FaultRates as NetworkFaultRates
from groundswell.connectors.action_network.simulator.server import Server as Network
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST
from groundswell.connectors.actionkit.simulator import server as actionkit
from groundswell.connectors.actionkit.simulator.server import Server
from groundswell.ops.messages import Nothing
from groundswell.ops.operations import RELOAD
from tests.faults.gift_books import at_actionkit, differences, given, ours
from tests.faults.gift_rig import BEHAVIOUR, rig

MIDDLE = datetime(2026, 4, 1, tzinfo=UTC)
ARCHIVE = """
[sinks.archive]
type = "jsonl"
inputs = ["opt_in"]
path = "archive.jsonl"
"""
TOLD = """
[sinks.told]
type = "actionkit.actblue"
inputs = ["opt_in"]
account = "crm"
enabled = true
payment_account = "Default ActBlue"
concurrency = 8
"""
NETWORK = """
[accounts.network]
type = "action_network"
token = "{server.key}"
base_url = "{server.base_url}"
rate = "1000/s"

[sinks.donations]
type = "action_network.records"
inputs = ["opt_in"]
account = "network"
collection = "fundraising_pages"
settle = "5s"
make_page = {{ title = "Given at ActBlue" }}
concurrency = 8
"""


def writes(server: Server) -> int:
    """Calls that change something."""
    calls = server.counts.by_call.items()
    return sum(times for call, times in calls if not call.startswith(("GET", "POST report")))


def archived(directory: Path) -> list[str]:
    return [msgspec.json.decode(line)["id"] for line in (directory / "archive.jsonl").read_bytes().splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_what_a_sink_has_is_not_sent_and_all_again_changes_nothing(tmp_path: Path) -> None:
    ledger = Ledger.make(seed=27, gifts=120)
    async with rig(tmp_path, ledger) as all_:
        process, crm = all_.process, all_.crm
        await process.start()
        await all_.backfill(SINCE, MIDDLE)
        before, had = writes(crm), at_actionkit(crm)
        assert 10 < len(had.paid) < len(given(ours(ledger)).paid) - 10

        process.file.write_text(process.file.read_text() + ARCHIVE)
        await all_.ask(RELOAD, Nothing())
        await all_.backfill(SINCE)  # to each what it lacks
        await all_.retry("no_donation")
        books = at_actionkit(crm)
        assert differences(books, given(ours(ledger))) == {}
        right = _ids(ledger)
        assert sorted(archived(tmp_path)) == sorted(right), "the sink that came later has all of it, once"
        sent = process.rows(
            "SELECT count(*) FROM deliveries d JOIN inbox i ON i.seq = d.inbox_seq "
            "WHERE d.sink = 'money' AND d.outcome = 'delivered' GROUP BY i.id HAVING count(*) > 1"
        )
        assert sent == []
        assert writes(crm) > before

        calls, dead = crm.counts.calls, all_.dead()
        await all_.backfill(SINCE)
        assert crm.counts.calls == calls, "everything is there, so nobody is asked"

        before = writes(crm)
        for times in (2, 3):
            await all_.backfill(SINCE, sends="resend")
            assert sorted(archived(tmp_path)) == sorted(right * times), "asked for again, so sent again"
        assert crm.counts.calls > calls
        assert writes(crm) == before
        assert at_actionkit(crm) == books
        assert all_.dead() == dead
        assert process.rows("SELECT count(*) FROM dead_letters") == [(len(dead),)]


def _ids(ledger: Ledger) -> list[str]:
    """What the files of the whole time hold of ours."""
    return [f"actblue:{notice.key}" for notice in ledger.notices(managed_forms=False, declined=False)]


SPRING, AUTUMN = datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2025, 11, 2, 6, tzinfo=UTC)
"""The first second after each change of ActBlue's clocks."""
MONTH, HOUR, NEAR = datetime(2025, 11, 1, 4, tzinfo=UTC), timedelta(hours=1), timedelta(seconds=5)
"""The first second of a month there. Gifts at an edge are paid within seconds of it."""


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_time_is_exact_to_the_second_also_where_clocks_change(tmp_path: Path) -> None:
    """Each time begins and ends with the very second of a gift. Of the hour that comes twice in autumn no file tells
    the first from the second, so times begin and end around it."""
    ledger = Ledger.make(seed=11, gifts=250, shares=Shares(on_edge=0.9))
    paid = {gift.paid_at for gift in ledger.gifts if gift.paid_at and ledger.is_own(gift)}
    on_edges = [at for edge in (MONTH, SPRING) for at in paid if abs(at - edge) < NEAR]
    assert len(on_edges) > 3
    assert min(on_edges[1:]) < SPRING < max(on_edges)
    assert [at for at in paid if AUTUMN - HOUR <= at < AUTUMN]
    assert [at for at in paid if AUTUMN <= at < AUTUMN + HOUR]
    edges = sorted([SINCE, *on_edges, AUTUMN - HOUR, AUTUMN + HOUR, UNTIL])
    async with rig(tmp_path, ledger, ARCHIVE) as all_:
        await all_.process.start()
        had: set[int] = set()
        for since, until in pairwise(edges):
            await all_.backfill(since, until, collections=["contributions"])
            right = set(ledger.totals(since=since, until=until).by_lineitem)
            assert all_.accepted("contribution") - had == right, (since, until)
            had |= right
        assert had == set(ledger.totals().by_lineitem)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_what_is_forwarded_leaves_actionkit_as_actblue_itself_would_have(tmp_path: Path) -> None:
    ledger = Ledger.make(seed=13, gifts=250)
    told = messages(ledger, ledger.notices(managed_forms=False, declined=False))
    one_by_one = Pace(concurrency=1, retry_after_s=(), never_again=frozenset({400}))
    # Both in the order of the ledger: a series begins with whichever of its payments came first.
    async with (
        actionkit.simulator(behaviour=BEHAVIOUR) as right,
        rig(tmp_path, ledger, TOLD, pace=Pace(concurrency=1)) as all_,
    ):
        await all_.process.start()
        await all_.told(told)
        address = right.actblue_url.replace("http://", f"http://{right.user}:{right.password}@")
        async with actblue.simulator(ledger, webhooks=Target.all_at(address), pace=one_by_one) as theirs:
            assert theirs.sender is not None
            await theirs.sender.send(told)
            entries = theirs.sender.answers.entries
        there, as_actblue = _state(all_.crm), _state(right)
        for name, rows in there.items():
            assert set(rows) ^ set(as_actblue[name]) == set(), name
        assert there == as_actblue
        refused = {key for entry in entries if entry.outcome == "given_up" for key in entry.message.keys}
        assert {f"actblue:{key}" for key in refused} == set(all_.dead())
        assert at_actionkit(all_.crm, key="").net == given(ours(ledger)).net


def _state(server: Server) -> dict[str, list[tuple[object, ...]]]:
    """All that a receiver of ActBlue's webhooks makes, without the numbers and moments of the making."""
    queries = {
        "payments": "SELECT t.trans_id, t.amount, t.status, t.created_at, o.import_id, o.total, o.status, "
        "o.payment_method, u.email, p.name, a.source FROM core_transaction t JOIN core_order o ON o.id = t.order_id "
        "JOIN core_action a ON a.id = o.action_id JOIN core_user u ON u.id = a.user_id "
        "JOIN core_page p ON p.id = a.page_id",
        "series": "SELECT recurring_id, period, start, amount, status FROM core_orderrecurring",
        "people": "SELECT email, first_name, last_name, address1, city, state, zip, country FROM core_user",
        "fields": "SELECT u.email, f.name, f.value FROM core_userfield f JOIN core_user u ON u.id = f.parent_id",
        "lists": "SELECT u.email, s.list_id FROM core_subscription s JOIN core_user u ON u.id = s.user_id",
    }
    return {
        name: sorted((tuple(row.values()) for row in server.control.rows(query)), key=repr)
        for name, query in queries.items()
    }


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_every_gift_is_one_donation_at_action_network_through_losses_faults_and_kills(tmp_path: Path) -> None:
    ledger = Ledger.make(seed=25, gifts=30)
    rates = NetworkFaultRates(too_many=0.01, server_error_page=0.01, unavailable=0.01, dropped=0.01, answer_lost=0.02)
    async with (
        action_network.simulator(behaviour=FRIENDLIEST, rates=rates) as network,
        rig(tmp_path, ledger, NETWORK.format(server=network)) as all_,
    ):
        process = all_.process
        told = messages(ledger, ledger.notices(managed_forms=False))
        await process.start()
        await all_.sender.send(told[: len(told) // 3])
        process.kill()
        await process.start()
        await all_.told(told[len(told) // 3 : len(told) // 2])
        await all_.backfill(SINCE)
        assert _donated(network) == sorted(given(ours(ledger), is_whole=False).paid.values())
        await all_.backfill(SINCE, sends="resend")
        assert _donated(network) == sorted(given(ours(ledger), is_whole=False).paid.values())
        assert set(all_.dead().values()) == {"no_identity"}, "neither email nor phone: nobody to give it to"
        assert all_.accepted("contribution") - {gift.lineitem_id for gift in ours(ledger)} == {
            int(record_id.partition("/")[2]) for record_id in all_.dead()
        }
        assert all_.unaccounted() == set()


def _donated(network: Network) -> list[Decimal]:
    return sorted(Decimal(one.fields["amount"]) for one in network.world.shelves.all("donations"))
