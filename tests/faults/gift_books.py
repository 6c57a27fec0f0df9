"""Two books of the same gifts, to be held against each other: what was given at ActBlue, and what a CRM has of it."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from groundswell.connectors.actblue.simulator.gifts import Gift, Order
from groundswell.connectors.actblue.simulator.ledger import Ledger, dollars
from groundswell.connectors.actionkit.simulator.server import Server

KEY: str = "actblue-"


class Books(Struct):
    """Payments by line item and series by order number; each list or count shows what is there twice."""

    paid: dict[str, Decimal]
    """What counts, by line item: no refunded ones."""
    refunded: dict[str, Decimal]
    series: dict[str, str]
    """Of each: "active" or "cancelled"."""
    twice: list[str] = []

    @property
    def net(self) -> Decimal:
        return sum(self.paid.values(), Decimal(0))


def differences(there: Books, right: Books) -> dict[str, tuple[object, object]]:
    """What is not as it has to be: how it is there, and how it should be."""
    found: dict[str, tuple[object, object]] = dict.fromkeys(there.twice, ("twice", "once"))
    for ours, theirs in ((there.paid, right.paid), (there.refunded, right.refunded), (there.series, right.series)):
        for number in ours.keys() | theirs.keys():
            if ours.get(number) != theirs.get(number):  # type: ignore[call-overload]
                found[number] = ours.get(number), theirs.get(number)  # type: ignore[call-overload]
    return found


def has_email(order: Order) -> bool:
    """Whether we are told the donor's address, without which ActionKit takes no gift."""
    return order.shares_contact


def ours(ledger: Ledger) -> list[Gift]:
    """Payments that came to us, of donors whose email address we are told."""
    return [gift for gift in ledger.gifts if gift.paid_at and ledger.is_own(gift) and has_email(gift.order)]


def given(gifts: Iterable[Gift], *, is_whole: bool = True) -> Books:
    """What a CRM has to have of these payments. `is_whole`: refunds and cancellations of them have come, too."""
    gifts = list(gifts)
    back = {gift.lineitem_id for gift in gifts if is_whole and gift.refund is not None}
    series = {gift.order.number: gift.order for gift in gifts if gift.order.is_recurring}
    return Books(
        paid={str(gift.lineitem_id): dollars(gift.cents) for gift in gifts if gift.lineitem_id not in back},
        refunded={str(gift.lineitem_id): dollars(gift.cents) for gift in gifts if gift.lineitem_id in back},
        series={
            number: "cancelled" if is_whole and order.cancellation is not None else "active"
            for number, order in series.items()
        },
    )


def at_actionkit(server: Server, key: str = KEY) -> Books:
    """What the simulated ActionKit has, of whatever page and account. `key` stands before each number of ActBlue's."""
    sales = server.control.rows(
        "SELECT t.trans_id, t.amount, t.status, o.status AS order_status FROM core_transaction t "
        "JOIN core_order o ON o.id = t.order_id WHERE t.type = 'sale' ORDER BY t.id"
    )
    series = server.control.rows("SELECT recurring_id, status FROM core_orderrecurring ORDER BY id")
    sums = {"completed": dict[str, Decimal](), "reversed": dict[str, Decimal]()}
    for row in sales:
        sums[row["status"]][row["trans_id"].removeprefix(key)] = Decimal(row["amount"])
    counted = Counter([row["trans_id"] for row in sales] + [row["recurring_id"] for row in series])
    return Books(
        paid=sums["completed"],
        refunded=sums["reversed"],
        series={
            row["recurring_id"].removeprefix(key): "active" if row["status"] == "active" else "cancelled"
            for row in series
        },
        twice=[number for number, times in counted.items() if times > 1],
    )
