"""What ActionKit has of the money we know: looked up before anything is written that would count twice."""

from typing import Any, Final

from msgspec import Struct

from groundswell.connectors.actionkit.client import ActionKit, Resource
from groundswell.connectors.actionkit.faults import MissingError
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.uris import Thing

FAILED: Final = "failed"
REVERSED: Final = "reversed"
ACTIVE: Final = "active"
_SERIES: Final = (
    "SELECT r.id, r.status, r.amount, r.currency, (SELECT max(t.id) FROM core_transaction t WHERE "
    "t.order_id = r.order_id AND t.type = 'sale' AND t.status <> 'failed' AND t.trans_id = {{ payment }}) "
    "FROM core_orderrecurring r WHERE r.recurring_id = {{ series }} ORDER BY r.id"
)
_PAYMENT: Final = (
    "SELECT t.id, t.order_id FROM core_transaction t WHERE t.trans_id = {{ payment }} AND t.type = 'sale' ORDER BY t.id"
)
"""`trans_id` is no filter of theirs (C)."""
_MARKED: Final = (
    "SELECT o.id FROM core_action a JOIN core_actionfield f ON f.parent_id = a.id JOIN core_page p ON p.id = a.page_id "
    "JOIN core_order o ON o.action_id = a.id WHERE p.name = {{ page }} AND f.name = {{ key_field }} "
    "AND f.value = {{ payment }} ORDER BY o.status = 'failed', o.id"
)


class Series(Struct, frozen=True):
    """A recurring donation of theirs."""

    id: int
    status: str
    amount: str
    currency: str
    has_payment: bool
    """Whether the payment that was asked for is among its own, and did not fail."""


class Payment(Struct, frozen=True):
    """A payment of theirs."""

    id: int
    order: int
    status: str
    amount: str
    is_first: bool
    """Whether it is the one its order was made with."""
    is_last_standing: bool
    """Whether all others of its order are reversed or failed."""


class Ledger:
    """Looks, and changes nothing."""

    def __init__(self, client: ActionKit, caller: Caller, page: str, key_field: str) -> None:
        self._client = client
        self._caller = caller
        self._page = page
        self._key_field = key_field

    async def order(self, key: str, at: Thing | None = None) -> Resource | None:
        """The order with this import id. `at`: where a 409 said it is."""
        if at is not None and at.kind == "order":
            return await self._order_numbered(at.id)
        return await self._client.find(self._caller, "order", "import_id", key)

    async def marked_order(self, key: str) -> Resource | None:
        """The order of an action that holds our key; one that did not fail, if there is one."""
        values = {"page": self._page, "key_field": self._key_field, "payment": key}
        rows = await self._client.sql(self._caller, _MARKED, values, "looking for a donation")
        return await self._order_numbered(rows[0][0]) if rows else None

    async def series(self, series: str, payment: str = "") -> Series | None:
        """The recurring donation with this number; one that goes on, if there are several."""
        values = {"series": series, "payment": payment}
        rows = await self._client.sql(self._caller, _SERIES, values, "looking for a recurring donation")
        if not rows:
            return None
        row = next((row for row in rows if row[1] == ACTIVE), rows[-1])
        return Series(row[0], str(row[1]), str(row[2]), str(row[3]), any(row[4] is not None for row in rows))

    async def payment(self, key: str, *, by_key_field: bool) -> Payment | None:
        """The payment with this key, wherever it is: alone in its order, or a later one of a series."""
        rows = await self._client.sql(self._caller, _PAYMENT, {"payment": key}, "looking for a payment")
        if rows:
            return await self._payment_of(rows[0][1], rows[0][0])
        order = await (self.marked_order(key) if by_key_field else self.order(key))
        return None if order is None else await self._payment_of(order["id"], None)

    async def transactions(self, order: int) -> list[Resource]:
        """All of an order."""
        found: list[Resource] = []
        async for page in self._client.after(self._caller, "transaction", where=[("order", str(order))]):
            found += page.objects
        return found

    async def _payment_of(self, order: int, number: int | None) -> Payment | None:
        sales = [one for one in await self.transactions(order) if one.get("type") == "sale"]
        sales.sort(key=lambda one: int(one["id"]))
        it = next((one for one in sales if number in (None, one["id"])), None)
        if it is None:
            return None
        others = [one for one in sales if one is not it and one.get("status") not in (REVERSED, FAILED)]
        return Payment(it["id"], order, str(it.get("status")), str(it.get("amount")), it is sales[0], not others)

    async def _order_numbered(self, number: int | str) -> Resource | None:
        try:
            return await self._client.get(self._caller, "order", number)
        except MissingError:
            return None


def failure_of(action: Resource) -> tuple[str, str] | None:
    """Why the money of a donation action was not taken, as code and words; None when it was, or may still be.

    201 may hold `"status": "failed"` (D). `success` says nothing (W).
    """
    order = action.get("order")
    order = order if isinstance(order, dict) else {}
    if FAILED not in (action.get("status"), order.get("status")):
        return None
    return failure_in(order.get("transactions"))


def failure_in(transactions: Any) -> tuple[str, str]:
    """Of the last of them that failed."""
    listed = [one for one in transactions if isinstance(one, dict)] if isinstance(transactions, list) else []
    for one in reversed(listed):
        words = [str(one[name]) for name in ("failure_message", "failure_description") if one.get(name)]
        code = str(one.get("failure_code") or "")
        if one.get("status") == FAILED and (code or words):
            return code, ": ".join(dict.fromkeys(words))
    return "", ""
