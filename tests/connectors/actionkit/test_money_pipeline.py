"""A whole daemon that writes gifts down at a simulated ActionKit, over faults and a restart."""

from collections.abc import Sequence
from pathlib import Path

from groundswell.connectors.actionkit.simulator.faults import ANSWER_LOST, DROPPED, SERVER_ERROR_DONE
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.ops.messages import ListLetters, PickLetters
from groundswell.ops.operations import DEAD_LIST, DEAD_RETRY
from groundswell.record import Record, to_json
from tests.connectors.actionkit.giving import gift
from tests.pipelines.ops_pipeline import ask
from tests.running import FREE_PORTS, running, until

GIFTS = 40
REFUNDED = (3, 17, 31)


def pipeline(server: Server) -> str:
    accounts = f"""
[accounts.crm]
type = "actionkit"
host = "{server.root}"
username = "{server.user}"
password = "{server.password}"
rate = "200/s"
"""
    return (
        FREE_PORTS
        + accounts
        + """
[sources.gifts]
type = "jsonl"
path = "gifts.jsonl"
[sinks.money]
type = "actionkit.donations"
inputs = ["gifts"]
account = "crm"
page = "given_elsewhere"
enabled = true
"""
    )


async def test_each_gift_counts_once_and_refunds_follow_over_a_restart(tmp_path: Path) -> None:
    def who(number: int) -> dict[str, str]:
        return {"email": f"p{number}@example.org"}

    records = [gift(number, person=who(number)) for number in range(GIFTS)]
    records += [gift(number, kind="refund", person=who(number)) for number in REFUNDED]
    (tmp_path / "gifts.jsonl").write_bytes(b"\n".join(map(to_json, records)) + b"\n")
    async with simulator() as server:
        server.faults.plan(ANSWER_LOST, path="donationpush", times=2, after=4)
        server.faults.plan(SERVER_ERROR_DONE, path="donationpush", times=2, after=12)
        server.faults.plan(DROPPED, path="donationpush", times=2, after=20)
        server.faults.plan(ANSWER_LOST, method="PATCH", path="transaction")

        def statuses() -> list[str]:
            return [row["status"] for row in server.world.db.rows("SELECT status FROM core_order")]

        async with running(pipeline(server), tmp_path):
            await until(lambda: len(statuses()) >= GIFTS // 2, deadline_s=15)
        async with running(pipeline(server), tmp_path):
            await until(lambda: len(statuses()) == GIFTS, deadline_s=15)
            await until(lambda: statuses().count("reversed") == len(REFUNDED), deadline_s=15)
            await until(lambda: server.counts.faults["answer lost"] == 3, deadline_s=15)
            sql = "SELECT count(*) FROM core_transaction WHERE type = 'sale' AND status = 'reversed'"
            await until(lambda: server.world.db.value(sql) == len(REFUNDED), deadline_s=15)
        assert statuses().count("completed") == GIFTS - len(REFUNDED)
        assert len(statuses()) == GIFTS


BACK = """
[sources.back]
type = "actionkit.poll"
account = "crm"
collections = ["donations"]
every = "100ms"
"""


def write_gifts(directory: Path, records: Sequence[Record]) -> None:
    with (directory / "gifts.jsonl").open("ab") as file:
        file.write(b"".join(to_json(one) + b"\n" for one in records))


async def test_gifts_that_are_read_where_they_were_written_are_not_written_again(tmp_path: Path) -> None:
    write_gifts(tmp_path, [gift(1), gift(2), gift(1, kind="refund")])
    sink = "[sinks.money]"
    async with simulator() as server:
        text = pipeline(server).replace(sink, BACK + sink).replace('["gifts"]', '["gifts", "back"]')
        async with running(text, tmp_path) as daemon:

            def skipped() -> float:
                return daemon.metrics.totals().get("money", {}).get("skipped", 0)

            # Two charges and a refund come back, and leave nothing to read anew.
            await until(lambda: skipped() >= 3, deadline_s=15)
            writes, calls = writes_at(server), server.counts.calls
            await until(lambda: server.counts.calls > calls + 20, deadline_s=15)
            assert writes_at(server) == writes
        sales = server.world.db.rows("SELECT trans_id FROM core_transaction WHERE type = 'sale' ORDER BY id")
        assert [row["trans_id"] for row in sales] == ["actblue-1", "actblue-2"]
        assert server.world.db.value("SELECT count(*) FROM core_order") == 2


def writes_at(server: Server) -> int:
    """Calls that change something."""
    calls = server.counts.by_call.items()
    return sum(times for call, times in calls if not call.startswith(("GET", "POST report")))


async def test_a_refund_that_came_before_its_gift_lets_it_go_first(tmp_path: Path) -> None:
    """Of one person: the gift stands behind it. It once became a dead letter, and the gift had waited for that."""
    write_gifts(tmp_path, [gift(1, kind="refund"), gift(1)])
    async with simulator() as server, running(pipeline(server), tmp_path) as daemon:
        await until(lambda: daemon.metrics.totals().get("money", {}).get("delivered") == 2, deadline_s=15)
        assert server.world.db.value("SELECT status FROM core_order") == "reversed"
        assert (await ask(tmp_path, DEAD_LIST, ListLetters())).total == 0


async def test_a_refund_without_its_gift_is_a_dead_letter_that_a_retry_brings_back(tmp_path: Path) -> None:
    write_gifts(tmp_path, [gift(1, kind="refund")])
    async with simulator() as server:
        text = pipeline(server) + 'wait_for_gift = "0s"\n'
        async with running(text, tmp_path) as daemon:
            await until(lambda: daemon.metrics.totals().get("money", {}).get("dead") == 1, deadline_s=15)
        write_gifts(tmp_path, [gift(1, kind="refund"), gift(1)])
        async with running(text, tmp_path) as daemon:
            await until(lambda: daemon.metrics.totals().get("money", {}).get("delivered") == 1, deadline_s=15)
            assert server.world.db.value("SELECT status FROM core_order") == "completed"
            (letter,) = (await ask(tmp_path, DEAD_LIST, ListLetters())).letters
            assert letter.reason == "no_donation"
            await ask(tmp_path, DEAD_RETRY, PickLetters(ids=[letter.id]))
            await until(lambda: server.world.db.value("SELECT status FROM core_order") == "reversed", deadline_s=15)
            assert (await ask(tmp_path, DEAD_LIST, ListLetters())).total == 0
