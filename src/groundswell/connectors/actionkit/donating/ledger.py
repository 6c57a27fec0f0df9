"""What ActionKit has of the money we know: looked up before anything is written that would count twice."""

from collections.abc import Mapping
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
    "SELECT r.id, r.status, r.amount, r.currency FROM core_orderrecurring r WHERE r.recurring_id = {{ series }} "
    "ORDER BY r.id"
)
_WITH_IMPORT_ID: Final = "SELECT o.import_id, o.id, 0, o.status FROM core_order o WHERE o.import_id IN ({keys})"
_WITH_NUMBER: Final = (
    "SELECT t.trans_id, t.order_id, t.id, t.status FROM core_transaction t "
    "WHERE t.trans_id IN ({keys}) AND t.type = 'sale'"
)
"""`trans_id` is no filter of theirs (C)."""
_MARKED: Final = (
    "SELECT f.value, o.id, 0, o.status FROM {begin} JOIN core_actionfield f ON f.parent_id = a.id "
    "JOIN core_order o ON o.action_id = a.id WHERE f.name = {{{{ key_field }}}} AND f.value IN ({keys}) AND {where}"
)
"""Beginning with the donors or the page: `core_actionfield` holds every answer anybody ever gave."""
_OF_DONORS: Final = "core_user u JOIN core_action a ON a.user_id = u.id"
_ON_PAGE: Final = "core_page p JOIN core_action a ON a.page_id = p.id"


class Series(Struct, frozen=True):
    """A recurring donation of theirs."""

    id: int
    status: str
    amount: str
    currency: str


class Trace(Struct, frozen=True):
    """Where a payment of ours was written down."""

    order: int
    transaction: int | None
    """None: whichever the order was made with."""
    status: str


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

    def __init__(self, client: ActionKit, caller: Caller, key_field: str, page: str | None = None) -> None:
        """`page`: where all that was marked with `key_field` is, if it is one page."""
        self._client = client
        self._caller = caller
        self._key_field = key_field
        self._page = page

    async def order(self, key: str, at: Thing | None = None) -> Resource | None:
        """The order with this import id. `at`: where a 409 said it is."""
        if at is not None and at.kind == "order":
            return await self._order_numbered(at.id)
        return await self._client.find(self._caller, "order", "import_id", key)

    async def trace(self, key: str, email: str | None) -> Trace | None:
        """Where the payment with this key is, if anywhere."""
        return (await self.traces({key: email})).get(key)

    async def traces(self, sought: Mapping[str, str | None]) -> dict[str, Trace]:
        """Where those of the payments with these keys are that are there, on whatever page, payment account and way.

        `sought`: the address of each donor, where it is known.

        By import id, transaction number, or our action field: with a donor's address, or on the page. Of several one
        that did not fail, and one that names the transaction.
        """
        query, values = self._query(sought)
        rows = await self._client.sql(self._caller, query, values, "looking for a payment")
        found: dict[str, list[Trace]] = {}
        for key, order, number, status in rows:
            found.setdefault(str(key), []).append(Trace(int(order), int(number) or None, str(status)))
        return {
            key: min(traces, key=lambda one: (one.status == FAILED, one.transaction is None, one.order))
            for key, traces in found.items()
            if key in sought
        }

    def _query(self, sought: Mapping[str, str | None]) -> tuple[str, dict[str, Any]]:
        values: dict[str, Any] = {f"k{number}": key for number, key in enumerate(sought)}
        keys = ", ".join(f"{{{{ {name} }}}}" for name in values)
        queries = [_WITH_IMPORT_ID.format(keys=keys), _WITH_NUMBER.format(keys=keys)]
        emails = {f"e{number}": email for number, email in enumerate(sorted({*sought.values()} - {None}, key=str))}
        if emails:
            where = f"u.email IN ({', '.join(f'{{{{ {name} }}}}' for name in emails)})"
            queries.append(_MARKED.format(begin=_OF_DONORS, keys=keys, where=where))
            values |= emails
        if self._page is not None:
            queries.append(_MARKED.format(begin=_ON_PAGE, keys=keys, where="p.name = {{ page }}"))
            values["page"] = self._page
        if len(queries) > 2:
            values["key_field"] = self._key_field
        return " UNION ALL ".join(queries), values

    async def series(self, series: str) -> Series | None:
        """The recurring donation with this number; one that goes on, if there are several."""
        rows = await self._client.sql(self._caller, _SERIES, {"series": series}, "looking for a recurring donation")
        if not rows:
            return None
        row = next((row for row in rows if row[1] == ACTIVE), rows[-1])
        return Series(row[0], str(row[1]), str(row[2]), str(row[3]))

    async def payment(self, key: str, email: str | None) -> Payment | None:
        """The payment with this key, wherever it is: alone in its order, or a later one of a series."""
        trace = await self.trace(key, email)
        return None if trace is None else await self._payment_of(trace.order, trace.transaction)

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
