"""Donations by action processing: only with a stub payment account, which charges nobody, and only once (D)."""

from decimal import Decimal
from typing import Any, Final

from groundswell.connectors.actionkit.simulator.calls.messages import message
from groundswell.connectors.actionkit.simulator.calls.posted import Posted
from groundswell.connectors.actionkit.simulator.calls.writing import money
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.moments import parse_moment
from groundswell.connectors.actionkit.simulator.state.world import World

STUBS: Final = ("Default Import Stub", "Your Stub Account", "WM-Card", "Default ActBlue")
ACTBLUE: Final = "Default ActBlue"
_CONVERTED: Final = {"USD": Decimal(1), "EUR": Decimal("1.09"), "GBP": Decimal("1.27"), "CAD": Decimal("0.73")}
_DETAIL: Final = (
    "email", "prefix", "first_name", "middle_name", "last_name", "suffix", "address1", "address2", "city", "state",
    "region", "postal", "zip", "plus4", "country", "source",
)  # fmt: skip
_SHIPPING: Final = ("address1", "address2", "city", "state", "zip")


def errors(world: World, page: Row, posted: Posted, *, is_new: bool) -> dict[str, str]:
    """What is wrong with the form: 400. What is wrong with the card fails with 201."""

    def say(word: str) -> str:
        return message(world.behaviour.language, word)

    found = {}
    if not posted.get("card_num"):
        found["card_num"] = say("card_num")
    if is_new and not (posted.get("name") or posted.get("last_name")):
        found["name"] = say("required")
    if account_of(page, posted) not in STUBS:
        found["payment_account"] = say("account")
    try:
        if _total(world, posted) <= 0:
            found["amount"] = say("amount")
    except ValueError:
        found["amount"] = say("amount")
    if any(world.db.get("core_product", id_) is None for id_ in posted.numbered("product_")):
        found["product"] = say("product")
    if any(world.db.get("core_candidate", id_) is None for id_ in posted.numbered("candidate_")):
        found["candidate"] = say("product")
    return found


def take(world: World, page: Row, posted: Posted, user_id: int, action_id: int) -> None:
    """Record the money. A wrong code, or the same again within some minutes, fails, and the action says so (D)."""
    now = world.now()
    moment = parse_moment(posted.get("donation_date") or posted.get("created_at"))
    made = world.kept(moment) if moment else now
    total = str(_total(world, posted))
    account, last_four = account_of(page, posted), posted.get("card_num")[-4:]
    failure = _failure(world, posted, user_id, account, total, last_four)
    status = "failed" if failure else "completed"
    order_id = world.db.insert(
        "core_order",
        action_id=action_id,
        user_id=user_id,
        user_detail_id=detail_of(world, user_id),
        shipping_address_id=_shipping(world, posted),
        account=account,
        card_num_last_four=last_four,
        import_id=posted.get("donation_import_id") or None,
        currency=currency_of(posted),
        total=total,
        total_converted=converted(total, currency_of(posted)),
        status=status,
        created_at=made,
        updated_at=now,
    )
    _details(world, posted, order_id, status)
    sale(world, order_id, status=status, created_at=made, failure=failure)
    if failure:
        world.counts.failed_donations[failure] += 1
        world.db.update("core_action", action_id, status="failed")


def account_of(page: Row, posted: Posted) -> str:
    return posted.get("payment_account") or page["payment_account"]


def currency_of(posted: Posted) -> str:
    return (posted.get("currency") or posted.get("donation_currency") or "USD").upper()[:3]


def converted(amount: str, currency: str) -> str:
    """In dollars, at made-up rates."""
    return str((Decimal(amount) * _CONVERTED.get(currency, Decimal(1))).quantize(Decimal("0.01")))


def detail_of(world: World, user_id: int) -> int:
    """A copy of who and where the donor is now."""
    row = world.db.get("core_user", user_id) or {}
    now = world.now()
    return world.db.insert(
        "core_order_user_detail", created_at=now, updated_at=now, **{name: row.get(name, "") for name in _DETAIL}
    )


def sale(world: World, order_id: int, *, created_at: str | None = None, failure: str = "", **more: Any) -> int:
    """A transaction of an order; `success` is true whatever the status says (W)."""
    order = world.db.get("core_order", order_id)
    assert order is not None
    now = world.now()
    values: Row = {
        "order_id": order_id,
        "account": order["account"],
        "amount": order["total"],
        "amount_converted": order["total_converted"],
        "currency": order["currency"],
        "trans_id": "",
        "failure_code": failure,
        "failure_message": failure.replace("_", " "),
        "created_at": created_at or now,
        "updated_at": now,
    }
    return world.db.insert("core_transaction", **(values | more))


def _failure(world: World, posted: Posted, user_id: int, account: str, total: str, last_four: str) -> str:
    if posted.get("card_code") != world.behaviour.card_code:
        return "wrong_card_code"
    return "duplicate" if _is_repeat(world, user_id, account, total, last_four) else ""


def _is_repeat(world: World, user_id: int, account: str, total: str, last_four: str) -> bool:
    """Judged by when it came, not by the date it bears: `created_at` may have been sent."""
    now = world.moment()
    recent = world.db.column(
        "SELECT updated_at FROM core_order WHERE user_id = ? AND account = ? AND total = ? AND card_num_last_four = ? "
        "AND status = 'completed'",
        user_id, account, total, last_four,
    )  # fmt: skip
    ages = [(now - moment).total_seconds() for text in recent if (moment := parse_moment(text))]
    return any(age < world.behaviour.duplicate_window_s for age in ages)


def _total(world: World, posted: Posted) -> Decimal:
    """Raises ValueError for what is no amount."""
    total = Decimal(0)
    if posted.get("amount_other") or posted.get("amount") or posted.get("donation_amount"):
        total += Decimal(money(posted.get("amount_other") or posted.get("amount") or posted.get("donation_amount")))
    for id_, quantity in posted.numbered("product_").items():
        product = world.db.get("core_product", id_)
        if product is not None and quantity:
            total += Decimal(product["price"]) * Decimal(money(quantity))
    for amount in posted.numbered("candidate_").values():
        total += Decimal(money(amount or "0"))
    return Decimal(money(total))


def _details(world: World, posted: Posted, order_id: int, status: str) -> None:
    now, currency = world.now(), currency_of(posted)
    for id_, quantity in posted.numbered("product_").items():
        product = world.db.get("core_product", id_)
        if product is not None and quantity:
            many = int(Decimal(money(quantity)))
            amount = money(Decimal(product["price"]) * many)
            world.db.insert(
                "core_order_detail", order_id=order_id, product_id=id_, quantity=many, amount=amount, status=status,
                currency=currency, created_at=now, updated_at=now,
            )  # fmt: skip
    for id_, amount in posted.numbered("candidate_").items():
        world.db.insert(
            "core_order_detail", order_id=order_id, candidate_id=id_, amount=money(amount or "0"), status=status,
            currency=currency, created_at=now, updated_at=now,
        )  # fmt: skip


def _shipping(world: World, posted: Posted) -> int | None:
    sent = {name: posted.get(f"shipping_{name}") for name in _SHIPPING}
    if not any(sent.values()):
        return None
    now = world.now()
    return world.db.insert("core_order_shipping_address", created_at=now, updated_at=now, **sent)
