"""A daemon writes to one ActionKit with both sinks, over faults and a restart: each action once, each user right."""

from pathlib import Path
from typing import Any

import msgspec

from groundswell.connectors.actionkit.simulator.faults import ANSWER_LOST, SERVER_ERROR_DONE, TOO_MANY
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from tests.running import FREE_PORTS, running, until

PEOPLE = 30
FAULTS = ((ANSWER_LOST, 3), (SERVER_ERROR_DONE, 1), (TOO_MANY, 1))


def pipeline(server: Server, file: Path) -> str:
    return f"""
        {FREE_PORTS}
        [accounts.kit]
        type = "actionkit"
        host = "{server.root}"
        username = "{server.user}"
        password = "{server.password}"
        rate = "500/s"
        [sources.file]
        type = "jsonl"
        path = "{file}"
        [sinks.actions]
        type = "actionkit.actions"
        inputs = ["file"]
        account = "kit"
        page = "groundswell_import"
        fields = ["first_name"]
        settle = "500ms"
        [sinks.users]
        type = "actionkit.users"
        inputs = ["file"]
        account = "kit"
        user_fields = {{ shirt = "custom.Shirt size" }}
        create_user_fields = true
        create_users = true
        settle = "500ms"
    """.replace("\n        ", "\n")


def line(number: int) -> bytes:
    record: dict[str, Any] = {
        "id": f"crm:action/{number}",
        "kind": "action",
        "source": "crm",
        "person": {
            "email": f"person{number}@example.org",
            "first_name": "Rosa",
            "phone": f"+1503555{number:04d}",
            "email_opt_in": True,
            "custom": {"Shirt size": "M"},
        },
        "action": {"type": "signature", "fields": {"comments": f"{number}"}},
    }
    return msgspec.json.encode(record) + b"\n"


async def test_each_record_is_one_action_and_one_user_over_faults_and_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "people.jsonl"
    file.write_bytes(b"".join(line(number) for number in range(PEOPLE)))
    async with simulator(users=0, behaviour=Behaviour(simultaneous=4)) as server:
        for fault in (ANSWER_LOST, SERVER_ERROR_DONE, TOO_MANY):
            server.faults.plan(fault, method="POST", path="action/", after=3)
        server.faults.plan(ANSWER_LOST, method="POST", path="user/", after=5)
        server.faults.plan(ANSWER_LOST, method="POST", path="phone/", after=5)

        def keys() -> list[str]:
            found = server.control.rows("SELECT value FROM core_actionfield WHERE name = 'groundswell_id'")
            return [row["value"] for row in found]

        def whole() -> list[int]:
            """Users with their custom field and one phone."""
            users = [server.control.user(number) for number in server.control.user_ids]
            return [user["id"] for user in users if user["fields"] == {"shirt": "M"} and len(user["phones"]) == 1]

        async with running(pipeline(server, file), tmp_path):
            await until(lambda: len(keys()) >= PEOPLE // 3)
        async with running(pipeline(server, file), tmp_path) as daemon:
            await until(lambda: len(keys()) >= PEOPLE and len(whole()) >= PEOPLE, deadline_s=15.0)
            dead = [counts.get("dead", 0) for counts in daemon.metrics.totals().values()]
        assert not any(dead)
        assert len(keys()) == len(set(keys())) == PEOPLE
        assert len(whole()) == PEOPLE
        emails = server.control.rows("SELECT email FROM core_user WHERE email LIKE 'person%'")
        assert len(emails) == PEOPLE
        assert server.counts.faults == {fault.word: times for fault, times in FAULTS}
        joined = (
            "SELECT s.id FROM core_subscription s JOIN core_user u ON u.id = s.user_id WHERE u.email LIKE 'person%'"
        )
        assert server.control.rows(joined) == [], "nobody was subscribed"
