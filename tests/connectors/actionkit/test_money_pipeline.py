"""A whole daemon that writes gifts down at a simulated ActionKit, over faults and a restart."""

from pathlib import Path

from groundswell.connectors.actionkit.simulator.faults import ANSWER_LOST, DROPPED, SERVER_ERROR_DONE
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.record import to_json
from tests.connectors.actionkit.giving import gift
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
