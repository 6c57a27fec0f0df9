"""Accounts: whether each is connected, what flows through it, and the forms that connect, try and disconnect it."""

from typing import Final

from aiohttp import web
from msgspec import structs

from groundswell.config.problems import meant, quoted
from groundswell.errors import NotFoundError, RefusedError
from groundswell.ops.account_messages import AccountStatus, AccountTold, AskConnect
from groundswell.ops.accounts_shown import who
from groundswell.ops.amounts import deliveries_waiting
from groundswell.ops.dashboard.visit import NOT_SHOWN_AGAIN, Visit
from groundswell.ops.messages import ListBackfills, Nothing
from groundswell.ops.operations import ACCOUNTS, BACKFILL, BACKFILLS, CONNECT, DISCONNECT
from groundswell.ops.requests import Form, of_form

OPEN: Final = "value."
"""How the fields of settings begin that are no secrets."""


async def show_all(visit: Visit) -> web.Response:
    found = await visit.ask(ACCOUNTS, Nothing())
    return visit.page("accounts.html", accounts=found.accounts, who=who)


async def show(visit: Visit) -> web.Response:
    account = await _account(visit, visit.request.match_info["name"])
    able = {one.source for one in (await visit.ask(BACKFILLS, ListBackfills())).sources}
    sent = {past.source: past for past in account.history}
    tried, tried_with = visit.found.get(CONNECT.name), visit.sent.get(CONNECT.name)
    return visit.page(
        "account.html",
        title=account.name,
        account=account,
        asked=[one for one in account.settings if not one.is_given],
        given=[one.name for one in account.settings if one.is_given],
        history=[
            (source, sent.get(source), source in able) for source in account.sources if source in able | set(sent)
        ],
        entered=_entered(visit, account),
        tried=tried,
        tried_at="test" if tried_with is None or tried_with.values is None else "values",
        who=who,
        may_connect=visit.may(CONNECT),
        may_disconnect=visit.may(DISCONNECT),
        may_backfill=visit.may(BACKFILL),
    )


async def _account(visit: Visit, name: str) -> AccountStatus:
    accounts = {one.name: one for one in (await visit.ask(ACCOUNTS, Nothing())).accounts}
    if name not in accounts:
        raise NotFoundError(f"no account is called {quoted(name)}; {meant(name, accounts)}")
    return accounts[name]


def _entered(visit: Visit, account: AccountStatus) -> dict[str, str]:
    """What stands in the form again, because it was refused or only tried: nothing that is secret."""
    if visit.trouble is not None:
        entered = visit.trouble.entered
        return {name.removeprefix(OPEN): values[0] for name, values in entered.items() if name.startswith(OPEN)}
    sent: AskConnect | None = visit.sent.get(CONNECT.name)
    values = {} if sent is None else sent.values or {}
    return {one.name: values[one.name] for one in account.settings if one.name in values and not one.is_secret}


def asked(form: Form) -> AskConnect:
    """The request in the form of an account: each of its settings is a field. Raises RefusedError (400)."""
    request = of_form({name: given for name, given in form.items() if not _is_setting(name)}, AskConnect)
    values = {}
    for name in filter(_is_setting, form):
        if len(form[name]) > 1:
            raise RefusedError(400, "a field is given twice; give each once")
        value = form[name][0] if name.startswith(NOT_SHOWN_AGAIN) else form[name][0].strip()
        if value:
            values[name.partition(".")[2]] = value
    return structs.replace(request, values=values if any(map(_is_setting, form)) else None)


def _is_setting(field: str) -> bool:
    return field.startswith((OPEN, NOT_SHOWN_AGAIN))


def connected(told: AccountTold) -> str:
    waiting = f"; {deliveries_waiting(told.waiting)} for it, and that goes out now" if told.waiting else ""
    return f"{told.account} is {told.state.replace('_', ' ')}: {told.message}{waiting}."


def disconnected(told: AccountTold) -> str:
    waiting = f"{deliveries_waiting(told.waiting)} for it"
    return f"{told.account} is not connected; {told.message}. Nothing that was sent is deleted; {waiting}."
