"""ActionKit's own receiver of ActBlue's webhooks: contributions, refunds and cancellations at one address (D)."""

import re
from typing import Any, Final

from groundswell.connectors.actionkit.simulator.calls import pages, processing, users
from groundswell.connectors.actionkit.simulator.calls.answers import Answer, Call, Json, RefusedCallError, not_allowed
from groundswell.connectors.actionkit.simulator.calls.donations import ACTBLUE, STUBS, converted, detail_of, sale
from groundswell.connectors.actionkit.simulator.calls.writing import money, text_of
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.moments import parse_moment
from groundswell.connectors.actionkit.simulator.state.world import World

PATH: Final = "/webhooks/actblue/payments/"
_PERIODS: Final = {"monthly": "months", "weekly": "weeks"}
_USER_FIELDS: Final = {"employer": "employer", "occupation": "occupation"}


def receive(world: World, call: Call) -> Answer:
    """Take one message. Sent again it changes nothing: a payment is known by its line item.

    Raises:
        RefusedCallError: 400, it is no message, or the account is none for ActBlue.
    """
    if call.method != "POST":
        raise not_allowed()
    account = call.query.get("account", ACTBLUE)
    if account not in STUBS:
        raise RefusedCallError(400, {"error": f"There is no payment account named '{account}'."})
    contribution = call.body.get("contribution")
    contribution = contribution if isinstance(contribution, dict) else {}
    items = call.body.get("lineitems")
    items = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    if contribution.get("cancelledAt"):
        _cancel(world, text_of(contribution.get("orderNumber")))
    elif any(item.get("refundedAt") for item in items) or contribution.get("refundedAt"):
        _refund(world, [text_of(item.get("lineitemId")) for item in items])
    elif items and contribution:
        _contribute(world, account, call, contribution, items)
    else:
        raise RefusedCallError(400, {"error": "This is no contribution, refund or cancellation."})
    return Answer(body={"status": "ok"})


def _contribute(world: World, account: str, call: Call, contribution: Json, items: list[Json]) -> None:
    number = text_of(contribution.get("orderNumber"))
    for item in items:
        lineitem = text_of(item.get("lineitemId"))
        try:
            amount = money(item.get("amount"))
        except ValueError:
            raise RefusedCallError(400, {"error": "A line item has no amount."}) from None
        if not lineitem or world.db.value("SELECT 1 FROM core_transaction WHERE trans_id = ?", lineitem):
            continue
        order = world.db.row("SELECT * FROM core_order WHERE import_id = ? AND account = ?", number, account)
        paid = _moment(world, item.get("paidAt") or contribution.get("createdAt"))
        if order is None:
            order = _order(world, account, call, contribution, amount, paid)
        sale(world, order["id"], created_at=paid, trans_id=lineitem, amount=amount, amount_converted=amount)


def _order(world: World, account: str, call: Call, contribution: Json, amount: str, paid: str) -> Row:
    action_id = _act(world, account, call, contribution, paid)
    user_id = world.db.value("SELECT user_id FROM core_action WHERE id = ?", action_id)
    number = text_of(contribution.get("orderNumber"))
    order_id = world.db.insert(
        "core_order",
        action_id=action_id,
        user_id=user_id,
        user_detail_id=detail_of(world, user_id),
        account=account,
        payment_method="paypal" if contribution.get("isPaypal") else "cc",
        import_id=number,
        total=amount,
        total_converted=converted(amount, "USD"),
        created_at=paid,
        updated_at=world.now(),
    )
    period = _PERIODS.get(text_of(contribution.get("recurringPeriod")))
    if period is not None:
        world.db.insert(
            "core_orderrecurring",
            order_id=order_id,
            action_id=action_id,
            user_id=user_id,
            account=account,
            recurring_id=number,
            period=period,
            start=paid[:10],
            amount=amount,
            amount_converted=amount,
            created_at=paid,
            updated_at=world.now(),
        )
    order = world.db.get("core_order", order_id)
    assert order is not None
    return order


def _act(world: World, account: str, call: Call, contribution: Json, paid: str) -> int:
    """The donation action; a form's page is made where there is none (how it is named: ?)."""
    donor = call.body.get("donor")
    donor = donor if isinstance(donor, dict) else {}
    form = re.sub(r"[^A-Za-z0-9_-]", "-", text_of(contribution.get("contributionForm")) or "unknown")[:200]
    page = world.db.row("SELECT * FROM core_page WHERE name = ?", f"actblue_{form}")
    if page is None:
        list_id = world.db.value("SELECT id FROM core_list WHERE is_default = 1")
        made = pages.make(world, "donation", f"actblue_{form}", payment_account=account, list=list_id)
        page = world.db.get("core_page", made)
        assert page is not None
    codes = contribution.get("refcodes")
    codes = codes if isinstance(codes, dict) else {}
    body: Json = {
        "email": donor.get("email"),
        "first_name": donor.get("firstname"),
        "last_name": donor.get("lastname"),
        "address1": donor.get("addr1"),
        "country": donor.get("country"),
        "home_phone": donor.get("phone"),
        "source": codes.get("refcode") or contribution.get("refcode") or "actblue",
        "created_at": paid,
    }
    is_us = text_of(donor.get("country") or users.US) == users.US
    body |= {"zip" if is_us else "postal": text_of(donor.get("zip"))[: 5 if is_us else 20]}
    body |= {"city": donor.get("city"), "state" if is_us else "region": donor.get("state")}
    body |= _employer(world, donor)
    if call.query.get("backfill") == "1" and _left(world, text_of(donor.get("email"))):
        body["suppress_subscribe"] = "1"
    return processing.record_action(world, page, body)


def _employer(world: World, donor: Json) -> Json:
    data = donor.get("employerData")
    data = data if isinstance(data, dict) else {}
    given = {f"user_{ours}": data.get(theirs) for ours, theirs in _USER_FIELDS.items() if data.get(theirs)}
    given["user_express_lane"] = text_of(bool(donor.get("isEligibleForExpressLane")))
    return {name: value for name, value in given.items() if users.is_allowed_field(world, name.removeprefix("user_"))}


def _left(world: World, email: str) -> bool:
    row = world.user_by_email(email)
    return row is not None and row["subscription_status"] in ("unsubscribed", "bounced")


def _refund(world: World, lineitems: list[str]) -> None:
    now = world.now()
    for lineitem in lineitems:
        row = world.db.row("SELECT * FROM core_transaction WHERE trans_id = ? AND trans_id <> ''", lineitem)
        if row is None or row["status"] == "reversed":
            continue
        world.db.update("core_transaction", row["id"], status="reversed", updated_at=now)
        others = "SELECT 1 FROM core_transaction WHERE order_id = ? AND status <> 'reversed'"
        if not world.db.value(others, row["order_id"]):
            world.db.update("core_order", row["order_id"], status="reversed", updated_at=now)


def _cancel(world: World, number: str) -> None:
    world.db.run(
        "UPDATE core_orderrecurring SET status = 'canceled_by_user', updated_at = ? WHERE recurring_id = ? AND "
        "status = 'active'",
        world.now(), number,
    )  # fmt: skip


def _moment(world: World, text: Any) -> str:
    moment = parse_moment(text_of(text))
    return world.kept(moment) if moment else world.now()
