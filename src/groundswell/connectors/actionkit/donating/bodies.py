"""What is sent to ActionKit about money. Pure; the keys of a push are ActionKit's own (D, W), unless marked."""

import re
from collections.abc import Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

from msgspec import Struct

from groundswell.connectors.actionkit.client import Resource
from groundswell.connectors.actionkit.donating.gifts import Gift, amount_of
from groundswell.errors import RecordError
from groundswell.record import Donation

EXPIRES_MONTH: Final = "12"
"""Of a card that is none; a date must be there (D)."""
SHIPPING: Final = ("shipping_address1", "shipping_address2", "shipping_city", "shipping_state", "shipping_zip")
PRODUCTS_MAX: Final = 1_000
"""Of one product in one gift; more is no number of things somebody bought."""
_PRODUCT: Final = re.compile(r"product_([0-9]{1,9})")


class Place(Struct, frozen=True):
    """Where money is written down, and how."""

    payment_account: str
    card_code: str
    key_field: str
    """The action field that holds our key."""
    candidates: dict[str, int]
    dated: str = "created_at"
    """The parameter a single payment is dated by, in action processing."""


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
    action: Resource = {"fields": {**gift.fields, place.key_field: gift.key}, "skip_confirmation": "1"}
    action |= _present(source=gift.source) | ({} if subscribes else {"suppress_subscribe": "1"})
    page = {"name": gift.page, "payment_account": place.payment_account}
    return {"donationpage": page, "order": order, "user": donor, "action": action}


def stub_parameters(
    gift: Gift, place: Place, donor: Resource, parts: Resource, *, subscribes: bool, expires: str
) -> Resource:
    """A single payment for action processing, on a stub payment account (D). `parts`: see `parts_of`.

    Somebody new without a name is refused (D). None is made up for them: it would be written over a name that is there.
    """
    sent: Resource = donor | {
        "page": gift.page,
        "payment_account": place.payment_account,
        "card_num": card_of(gift),
        "card_code": place.card_code,
        "exp_date_month": EXPIRES_MONTH,
        "exp_date_year": expires[-2:],
        **{f"action_{name}": texts for name, texts in gift.fields.items()},
        f"action_{place.key_field}": gift.key,
        "skip_confirmation": "1",
    }
    if not subscribes:
        sent["suppress_subscribe"] = "1"
    return sent | parts | _present(currency=gift.currency, source=gift.source, **{place.dated: gift.at})


def parts_of(gift: Gift, place: Place, donation: Donation, prices: Mapping[int, Decimal]) -> Resource:
    """What the sum of a gift is made of: products that were bought and the rest, or what each candidate gets.

    Args:
        prices: Of every product in `products_in`.

    Raises:
        RecordError: the products cost more than was paid.
    """
    bought = products_in(donation)
    if not bought:
        return _for_candidates(gift, place, donation.recipients) or {"amount_other": gift.amount}
    rest = Decimal(gift.amount) - sum((prices[number] * many for number, many in bought.items()), Decimal(0))
    if rest < 0:
        raise RecordError("the products that were bought cost more at ActionKit than was paid", reason="bad_amount")
    parts: Resource = {f"product_{number}": str(many) for number, many in bought.items()}
    shipped = {name: value for name in SHIPPING if isinstance(value := donation.fields.get(name), str)}
    return parts | shipped | ({"amount_other": f"{rest:.2f}"} if rest else {})


def products_in(donation: Donation) -> dict[int, int]:
    """How many of each product, by ActionKit's own name for it: `product_7` in `donation.fields`."""
    found: dict[int, int] = {}
    for name, value in donation.fields.items():
        match, many = _PRODUCT.fullmatch(name), str(value)
        if match is not None and many.isascii() and many.isdigit() and 0 < int(many) <= PRODUCTS_MAX:
            found[int(match[1])] = int(many)
    return found


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
