"""What is sent to ActionKit about money. Pure; the keys of a push are ActionKit's own (D, W), unless marked."""

from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

from msgspec import Struct

from groundswell.connectors.actionkit.client import Resource
from groundswell.connectors.actionkit.donating.gifts import Gift, amount_of
from groundswell.errors import RecordError

EXPIRES_MONTH: Final = "12"
"""Of a card that is none; a date must be there (D)."""


class Place(Struct, frozen=True):
    """Where money is written down, and how."""

    page: str
    payment_account: str
    card_code: str
    mark: str
    """The action field that holds our key."""
    candidates: dict[str, int]


def push_body(gift: Gift, place: Place, donor: Resource, *, subscribes: bool, expires: str) -> Resource:
    """A payment for `donationpush`; it begins the series, if it is of one.

    Where the import id goes was not seen: in the order, where it is shown (I). The same for `suppress_subscribe`, which
    is an action's elsewhere; a page that is made by a push has no list.
    """
    order: Resource = {
        "amount": gift.amount,
        "card_num": card_of(gift),
        "card_code": place.card_code,
        "exp_date_month": EXPIRES_MONTH,
        "exp_date_year": expires,
        "payment_account": place.payment_account,
        "trans_id": gift.key,
        "import_id": gift.key,
    }
    order |= _present(currency=gift.currency, created_at=gift.at)
    if gift.series is not None:
        order |= {"recurring_id": gift.series, "recurring_period": gift.period or "months"}
    action: Resource = {"fields": {place.mark: gift.key}, "skip_confirmation": "1"}
    action |= _present(source=gift.source) | ({} if subscribes else {"suppress_subscribe": "1"})
    page = {"name": place.page, "payment_account": place.payment_account}
    return {"donationpage": page, "order": order, "user": donor, "action": action}


def stub_parameters(
    gift: Gift, place: Place, donor: Resource, recipients: list[dict[str, Any]], *, subscribes: bool, expires: str
) -> Resource:
    """A single payment for action processing, on a stub payment account (D).

    Somebody new without a name is refused (D). None is made up for them: it would be written over a name that is there.
    """
    sent: Resource = donor | {
        "page": place.page,
        "payment_account": place.payment_account,
        "card_num": card_of(gift),
        "card_code": place.card_code,
        "exp_date_month": EXPIRES_MONTH,
        "exp_date_year": expires,
        f"action_{place.mark}": gift.key,
        "skip_confirmation": "1",
    }
    sent |= _for_candidates(gift, place, recipients) or {"amount_other": gift.amount}
    if not subscribes:
        sent["suppress_subscribe"] = "1"
    return sent | _present(currency=gift.currency, created_at=gift.at, source=gift.source)


def payment_body(gift: Gift) -> Resource:
    """Another payment of a series, for `recurringpaymentpush` (W, C)."""
    sent: Resource = {"recurring_id": gift.series, "success": True, "status": "completed", "trans_id": gift.key}
    return sent | _present(created_at=gift.at)


def update_body(gift: Gift) -> Resource:
    """Another amount of a series, for `profileupdatepush`. Dollars where no currency is sent (C)."""
    sent: Resource = {"recurring_id": gift.series, "amount": gift.amount, "trans_id": gift.key}
    return sent | _present(currency=gift.currency, created_at=gift.at)


def cancel_body(series: str, by: str, at: str | None) -> Resource:
    """The end of a series, for `profilecancelpush`. Who ended it must be said (W)."""
    return {"recurring_id": series, "canceled_by": by} | _present(created_at=at)


def card_of(gift: Gift) -> str:
    """A card number that is none. The last four digits are kept and shown; they differ from gift to gift, so that two
    gifts of one sum within minutes are not taken for one that was sent twice (D: the exact same one fails)."""
    digits = int.from_bytes(blake2b(gift.key.encode(), digest_size=4).digest()) % 10_000
    return f"411111111111{digits:04}"


def _for_candidates(gift: Gift, place: Place, recipients: list[dict[str, Any]]) -> Resource:
    """Who gets what, if all of them are known and make up the amount."""
    sums: dict[int, Decimal] = {}
    try:
        for one in recipients:
            number = place.candidates[one["display_name"]]
            sums[number] = sums.get(number, Decimal(0)) + Decimal(amount_of(one.get("amount")))
    except (KeyError, TypeError, RecordError):
        return {}
    if sum(sums.values()) != Decimal(gift.amount):
        return {}
    return {f"candidate_{number}": f"{amount:.2f}" for number, amount in sums.items()}


def _present(**values: str | None) -> Resource:
    return {name: value for name, value in values.items() if value is not None}
