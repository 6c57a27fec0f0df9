"""Mailings: what is done with one takes a while, and says where to ask how it goes."""

from groundswell.connectors.actionkit.simulator.calls.answers import Answer, Call, not_allowed, not_found
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.world import API, World


def answer(world: World, call: Call, mailing: Row, rest: list[str]) -> Answer:
    match call.method, rest:
        case "POST", ["rebuild" | "queue" | "proofs" as deed]:
            status = {"rebuild": "built", "queue": "queued"}.get(deed, mailing["status"])
            world.db.update("core_mailing", mailing["id"], status=status, updated_at=world.now())
            return Answer(201, location=f"{API}/mailer/{mailing['id']}/status/")
        case "POST", ["copy"]:
            now = world.now()
            fields = {name: mailing[name] for name in ("subject", "html", "text", "notes", "lang_id")}
            id_ = world.db.insert("core_mailing", created_at=now, updated_at=now, **fields)
            return Answer(201, location=world.uri("mailer", id_))
        case "GET", ["status" | "progress"]:
            body = {"status": mailing["status"], "finished": True, "expected_send_count": 0, "total_sent": 0}
            return Answer(body=body)
        case _, ["rebuild" | "queue" | "proofs" | "copy" | "status" | "progress"]:
            raise not_allowed()
        case _:
            raise not_found()
