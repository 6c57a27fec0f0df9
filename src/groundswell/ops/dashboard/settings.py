"""Settings: the configuration in force, reading it again, and the API keys."""

from aiohttp import web

from groundswell.ops.dashboard.visit import Question, Visit
from groundswell.ops.messages import Nothing, RevokeKey
from groundswell.ops.operations import CONFIG, KEYS_CREATE, KEYS_LIST, KEYS_REVOKE, RELOAD


async def show(visit: Visit) -> web.Response:
    return visit.page(
        "settings.html",
        config=await visit.ask(CONFIG, Nothing()),
        keys=(await visit.ask(KEYS_LIST, Nothing())).keys,
        made=visit.found.get(KEYS_CREATE.name),
        may_reload=visit.may(RELOAD),
        may_create=visit.may(KEYS_CREATE),
        may_revoke=visit.may(KEYS_REVOKE),
    )


async def ask_to_revoke(_: Visit, asked: RevokeKey) -> Question:
    return Question(f"Revoke the key {asked.name}? Whoever uses it is answered 401 from then on.")
