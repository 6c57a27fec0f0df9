"""Their transactions and recurring profiles as donations, refunds and cancellations.

A gift is an order with a transaction; a recurring one is an order with a profile and a transaction for each charge (D).
So every charge that went through is a donation, what was reversed is besides a refund, and a profile that was stopped
is a cancellation. Orders tell who gave, and where.
"""

import re
from typing import Any, Final

from msgspec import UNSET

from groundswell.connectors.actionkit.people import person_of, text_of, user_number, without_gaps
from groundswell.connectors.actionkit.times import stamp_of
from groundswell.connectors.actionkit.uris import id_at
from groundswell.errors import RecordError
from groundswell.record import Donation, Kind, Person, Record, Text

Resource = dict[str, Any]

SALES: Final = ("sale", "")
REFUNDS: Final = ("refund", "credit")
_AMOUNT: Final = re.compile(r"-?\d{1,15}(\.\d{1,10})?", re.ASCII)
_ZEROS: Final = re.compile(r"(\.\d\d\d*?)0+")


def is_paid(transaction: Resource) -> bool:
    """Whether money came, even if it went back later. `success` is not kept up to date (W), so `status` says."""
    return _type_of(transaction) in SALES and transaction.get("status") in ("completed", "reversed")


def refunded_number(transaction: Resource) -> str | None:
    """The number under which money that went back is known; None: it did not.

    A transaction that was reversed, or one of its own that names the one it takes back: the same refund.
    """
    number = transaction.get("id")
    if _type_of(transaction) in SALES and transaction.get("status") == "reversed":
        return str(number)
    if _type_of(transaction) in REFUNDS and transaction.get("status") == "completed":
        reference = transaction.get("ref_transaction") or transaction.get("ref_transaction_id")
        return id_at(reference) or (str(reference) if reference else str(number))
    return None


def is_cancelled(profile: Resource) -> bool:
    """Whether a recurring gift was stopped: `canceled_by_user`, `canceled_by_admin`, ... (W)."""
    return str(profile.get("status") or "").startswith("cancel")


def read_transaction(parts: Resource, record_id: str, source: str) -> Record:
    """A gift, or one charge of a recurring one. Raises RecordError, reason `bad_amount`."""
    transaction = _part(parts, "transaction", record_id)
    return _record(parts, record_id, source, "donation", transaction, stamp_of(transaction.get("created_at")))


def read_refund(parts: Resource, record_id: str, source: str) -> Record:
    """Money that went back: the gift with its amount. Raises RecordError, reason `bad_amount`."""
    transaction = _part(parts, "transaction", record_id)
    is_own = _type_of(transaction) in REFUNDS
    at = stamp_of(transaction.get("created_at" if is_own else "updated_at"))
    return _record(parts, record_id, source, "refund", transaction, at)


def read_cancellation(parts: Resource, record_id: str, source: str) -> Record:
    """A recurring gift that was stopped. Raises RecordError, reason `bad_amount`."""
    profile = _part(parts, "orderrecurring", record_id)
    return _record(parts, record_id, source, "cancellation", profile, stamp_of(profile.get("updated_at")))


def _record(
    parts: Resource, record_id: str, source: str, kind: Kind, thing: Resource, occurred_at: str | None
) -> Record:
    order = parts.get("order")
    order = order if isinstance(order, dict) else {}
    return Record(
        id=record_id,
        kind=kind,
        source=source,
        occurred_at=occurred_at or UNSET,
        person=_giver(parts, order, thing),
        donation=_donation(thing, order, record_id),
        raw=parts,
    )


def _donation(thing: Resource, order: Resource, record_id: str) -> Donation:
    recurring = order.get("orderrecurrings")
    is_profile = "period" in thing
    names = ("account", "trans_id", "status", "recurring_id", "type", "exp_date", "occurrences", "start")
    fields = {name: thing[name] for name in names if thing.get(name) not in ("", None)}
    for name in ("payment_method", "import_id", "status"):
        if order.get(name):
            fields.setdefault(name, order[name])
    if (action := id_at(order.get("action") or thing.get("action"))) is not None:
        fields["action"] = action
    currency = text_of(thing, "currency") or text_of(order, "currency")
    return Donation(
        amount=_amount_of(thing, record_id),
        currency=currency.upper() if isinstance(currency, str) else UNSET,
        recurring=True if is_profile else bool(recurring) if isinstance(recurring, list) else UNSET,
        period=text_of(thing, "period"),
        order_id=id_at(thing.get("order")) or UNSET,
        lineitem_id=record_id.rpartition("/")[2],
        fields=without_gaps(fields),
    )


def _amount_of(thing: Resource, record_id: str) -> Text:
    """They are decimal texts (W), some with ten places of which the last mean nothing: "25.0000000000" is "25.00"."""
    amount = thing.get("amount")
    if amount is None or amount == "":
        return UNSET
    text = str(amount).strip() if isinstance(amount, str | int) and not isinstance(amount, bool) else ""
    if not _AMOUNT.fullmatch(text):
        raise RecordError(
            f'actionkit: reading {record_id}: its amount is not a decimal number such as "25.00"; nothing was guessed',
            reason="bad_amount",
        )
    return _ZEROS.sub(r"\1", text)


def _giver(parts: Resource, order: Resource, thing: Resource) -> Person:
    number = id_at(order.get("user") or thing.get("user"))
    user = parts.get("user")
    if isinstance(user, dict) and (number is None or user_number(user) in (None, number)):
        return person_of(user, number)
    return person_of(None, number)


def _type_of(transaction: Resource) -> str:
    return str(transaction.get("type") or "").lower()


def _part(parts: Resource, name: str, record_id: str) -> Resource:
    part = parts.get(name)
    if not isinstance(part, dict):
        raise RecordError(f"actionkit: reading {record_id}: there is no {name} in what came")
    return part
