"""Donations that were taken elsewhere, one-time and recurring: the "Donation Push API", which is inbound (D, W)."""

from collections.abc import Callable
from typing import Final

from groundswell.connectors.actionkit.simulator.calls import pages, processing, subscribing, users
from groundswell.connectors.actionkit.simulator.calls.answers import Answer, Call, Json, RefusedCallError
from groundswell.connectors.actionkit.simulator.calls.donations import STUBS, converted, detail_of, sale
from groundswell.connectors.actionkit.simulator.calls.shapes import shown_by_id
from groundswell.connectors.actionkit.simulator.calls.writing import id_in, money, replace_fields, text_of
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.moments import has_zone, parse_moment
from groundswell.connectors.actionkit.simulator.state.world import Happening, World

IMPORT_ID_MAX: Final = 32
PERIODS: Final = ("weeks", "months", "quarters", "years")
"""(W months; the others I)"""
CANCELLERS: Final = ("user", "admin", "processor")
_USER: Final = (
    "prefix", "first_name", "middle_name", "last_name", "suffix", "address1", "address2", "city", "state", "region",
    "postal", "zip", "plus4", "country", "source",
)  # fmt: skip


def push(world: World, call: Call) -> Answer:
    """A new donation. The page and the user are made where there is none (D).

    Raises:
        RefusedCallError: 400 with the fields at the top (W), or 409 for an import id that is there.
    """
    page_part, order, user, action = (_part(call.body, name) for name in ("donationpage", "order", "user", "action"))
    account = text_of(order.get("payment_account") or page_part.get("payment_account"))
    amount = _amount(order)
    _check(world, page_part, order, account)
    import_id = text_of(order.get("import_id")) or None
    if import_id is not None:
        _check_import_id(world, account, import_id)
    page = _page(world, text_of(page_part.get("name")), account)
    user_id, is_new = _user(world, user)
    created = _moment(world, order)
    action_id = _action(world, page, user, action, user_id, is_new=is_new, created=created)
    order_id = _order(world, order, account, amount, action_id, user_id, created, import_id)
    if order.get("recurring_id"):
        _profile(world, order, order_id)
    if page["list_id"] is not None and subscribing.subscribe(world, user_id, [page["list_id"]], "subscribe", action_id):
        world.db.update("core_action", action_id, subscribed_user=1)
    world.happened(Happening(action_id, "Donation", page["id"]))
    body = processing.with_micros(world, shown_by_id(world, "donationaction", action_id), "dated")
    return Answer(201, body, world.action_uri(action_id), root="object")


def pay(world: World, call: Call) -> Answer:
    """Another payment of a profile, or one that failed."""
    body = call.body
    order, profile = _pushed_to(world, body)
    success = text_of(body.get("success", True)).lower() not in ("false", "0", "")
    status = text_of(body.get("status")) or ("completed" if success else "failed")
    failure = {name: text_of(body.get(name)) for name in ("failure_code", "failure_message", "failure_description")}
    paid = _money_of(profile) if profile is not None else {}
    created = _plain_moment(world, body)
    id_ = sale(world, order["id"], created_at=created, status=status, success=int(success), **failure, **paid,
               trans_id=text_of(body.get("trans_id")))  # fmt: skip
    if profile is not None:
        world.db.update("core_orderrecurring", profile["id"], updated_at=world.now())
    return Answer(201, location=world.uri("transaction", id_))


def update(world: World, call: Call) -> Answer:
    """Another amount from now on. The same again is written down again (W); dollars where nothing is said."""
    body = call.body
    order, profile = _pushed_to(world, body, needs_profile=True)
    assert profile is not None
    amount, currency = _amount(body), text_of(body.get("currency") or "USD").upper()[:3]
    values = {"amount": amount, "amount_converted": converted(amount, currency), "currency": currency}
    created = _plain_moment(world, body)
    world.db.update("core_orderrecurring", profile["id"], updated_at=world.now(), **values)
    id_ = sale(world, order["id"], type="auth", created_at=created, trans_id=text_of(body.get("trans_id")), **values)
    return Answer(201, location=world.uri("transaction", id_))


def cancel(world: World, call: Call) -> Answer:
    """No more payments. Who stopped it must be said (W)."""
    body = call.body
    by = text_of(body.get("canceled_by"))
    if by not in CANCELLERS:
        text = "The canceled_by parameter is required." if not by else "The canceled_by parameter is invalid."
        raise _refused("canceled_by", text)
    order, profile = _pushed_to(world, body, needs_profile=True)
    assert profile is not None
    created = _plain_moment(world, body)
    world.db.update("core_orderrecurring", profile["id"], status=f"canceled_by_{by}", updated_at=world.now())
    id_ = sale(world, order["id"], type="void", created_at=created, **_money_of(profile))
    return Answer(201, location=world.uri("transaction", id_))


CALLS: Final[dict[str, Callable[[World, Call], Answer]]] = {
    "donationpush": push,
    "recurringpaymentpush": pay,
    "profileupdatepush": update,
    "profilecancelpush": cancel,
}


def _part(body: Json, name: str) -> Json:
    part = body.get(name)
    return part if isinstance(part, dict) else {}


def _check(world: World, page: Json, order: Json, account: str) -> None:
    if not text_of(page.get("name")):
        raise _refused("donationpage", "The donationpage name parameter is required.")
    there = world.db.row("SELECT * FROM core_page WHERE name = ?", text_of(page.get("name")))
    if there is not None and there["type"] != "Donation":
        raise _refused("donationpage", "This page is not a donation page.")
    account = account or (there["payment_account"] if there else "")
    if account not in STUBS:
        raise _refused("payment_account", "The payment_account must be an import stub.")
    if text_of(order.get("card_code")) != world.behaviour.card_code:
        raise _refused("card_code", "The card_code parameter is invalid.")
    if order.get("recurring_id") and text_of(order.get("recurring_period") or "months") not in PERIODS:
        raise _refused("recurring_period", "The recurring_period parameter is invalid.")
    if world.behaviour.requires_import_id and not order.get("import_id"):
        raise _refused("import_id", "The import_id parameter is required.")


def _check_import_id(world: World, account: str, import_id: str) -> None:
    if len(import_id) > IMPORT_ID_MAX:
        raise _refused("import_id", f"Ensure this value has at most {IMPORT_ID_MAX} characters.")
    there = world.db.row("SELECT * FROM core_order WHERE import_id = ? AND account = ?", import_id, account)
    if there is not None:
        errors = {"import_id": ["Duplicate donation_import_id"]}
        raise RefusedCallError(409, {"errors": errors}, world.location(world.uri("order", there["id"])))


def _page(world: World, name: str, account: str) -> Row:
    there = world.db.row("SELECT * FROM core_page WHERE name = ?", name)
    if there is not None:
        return there
    page = world.db.get("core_page", pages.make(world, "donation", name, payment_account=account))
    assert page is not None
    return page


def _user(world: World, user: Json) -> tuple[int, bool]:
    """The id, and whether it was made now."""
    found = world.user_of_token(text_of(user.get("akid"))) if user.get("akid") else None
    email = users.clean_email(user.get("email"))
    if found is None and not users.is_email(email):
        raise _refused("email", "The email parameter is required." if not email else "The email is invalid.")
    values = {name: text_of(user.get(name)).strip() for name in _USER if text_of(user.get(name)).strip()}
    row = world.db.get("core_user", found[0]) if found else world.user_by_email(email)
    if row is None and not email:
        raise _refused("akid", "The akid parameter is invalid.")
    if row is None:
        return users.insert(world, {"email": email, "source": "restful_api", **values}), True
    values.pop("source", None)
    world.db.update("core_user", row["id"], **users.complete_address(world, values, row), updated_at=world.now())
    return int(row["id"]), False


def _action(world: World, page: Row, user: Json, action: Json, user_id: int, *, is_new: bool, created: str) -> int:
    id_ = world.db.insert(
        "core_action",
        user_id=user_id,
        page_id=page["id"],
        type="Donation",
        source=text_of(action.get("source")) or "restful_api",
        created_user=int(is_new),
        created_at=created,
        updated_at=world.now(),
    )
    fields = {name[7:]: value for name, value in user.items() if name.startswith("action_") and len(name) > 7}
    replace_fields(world, "core_actionfield", id_, fields | _part(action, "fields"), is_merging=False)
    own = {name[5:]: value for name, value in user.items() if name.startswith("user_") and len(name) > 5}
    users.write_fields(world, user_id, own, is_merging=True, action_id=id_)
    return id_


def _order(
    world: World, order: Json, account: str, amount: str, action_id: int, user_id: int, created: str,
    import_id: str | None,
) -> int:  # fmt: skip
    page_account = world.db.value(
        "SELECT p.payment_account FROM core_page p JOIN core_action a ON a.page_id = p.id WHERE a.id = ?", action_id
    )
    currency = text_of(order.get("currency") or "USD").upper()[:3]
    id_ = world.db.insert(
        "core_order",
        action_id=action_id,
        user_id=user_id,
        user_detail_id=detail_of(world, user_id),
        account=account or page_account,
        payment_method=text_of(order.get("payment_method")) or "cc",
        card_num_last_four=text_of(order.get("card_num"))[-4:],
        import_id=import_id,
        currency=currency,
        total=amount,
        total_converted=converted(amount, currency),
        created_at=created,
        updated_at=world.now(),
    )
    sale(world, id_, created_at=created, trans_id=text_of(order.get("trans_id")))
    return id_


def _profile(world: World, order: Json, order_id: int) -> None:
    row = world.db.get("core_order", order_id)
    assert row is not None
    month, year = text_of(order.get("exp_date_month")), text_of(order.get("exp_date_year"))
    world.db.insert(
        "core_orderrecurring",
        order_id=order_id,
        action_id=row["action_id"],
        user_id=row["user_id"],
        account=row["account"],
        recurring_id=text_of(order["recurring_id"]),
        period=text_of(order.get("recurring_period")) or "months",
        start=row["created_at"][:10],
        amount=row["total"],
        amount_converted=row["total_converted"],
        currency=row["currency"],
        card_num=row["card_num_last_four"],
        exp_date=f"{month.zfill(2)}{year}" if month else "",
        created_at=row["created_at"],
        updated_at=world.now(),
    )


def _pushed_to(world: World, body: Json, *, needs_profile: bool = False) -> tuple[Row, Row | None]:
    """The order and the profile that is meant, by either's id."""
    recurring_id, order_id = text_of(body.get("recurring_id")), id_in(body.get("order_id"))
    if not recurring_id and order_id is None:
        raise _refused("recurring_id", "The recurring_id or order_id parameter is required.")
    if recurring_id:
        profile = world.db.row("SELECT * FROM core_orderrecurring WHERE recurring_id = ?", recurring_id)
    else:
        profile = world.db.row("SELECT * FROM core_orderrecurring WHERE order_id = ?", order_id)
    order = world.db.get("core_order", profile["order_id"] if profile else order_id)
    if order is None or (profile is None and (needs_profile or recurring_id)):
        raise _refused("recurring_id" if recurring_id else "order_id", "Unable to find this profile.")
    return order, profile


def _money_of(profile: Row) -> Row:
    return {name: profile[name] for name in ("amount", "amount_converted", "currency")}


def _amount(part: Json) -> str:
    try:
        amount = money(part.get("amount"))
    except ValueError:
        raise _refused("amount", "The amount parameter is required.") from None
    if amount.startswith("-") or float(amount) == 0:
        raise _refused("amount", "The amount must be more than zero.")
    return amount


def _moment(world: World, order: Json) -> str:
    """With a zone or without (C)."""
    text = text_of(order.get("created_at"))
    if not text:
        return world.now()
    moment = parse_moment(text)
    if moment is None:
        raise _refused("created_at", "Enter a valid date/time.")
    return world.kept(moment)


def _plain_moment(world: World, body: Json) -> str:
    """Without a zone, or it is refused (C)."""
    if has_zone(text_of(body.get("created_at"))) and not world.behaviour.push_takes_zones:
        raise _refused("created_at", "Enter a valid date/time.")
    return _moment(world, body)


def _refused(field: str, text: str) -> RefusedCallError:
    return RefusedCallError(400, {field: [text]})
