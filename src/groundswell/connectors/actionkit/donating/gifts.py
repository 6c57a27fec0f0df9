"""What a record says about money: the gift, its keys at ActionKit, and what its donor is called there. Pure."""

import re
from base64 import b32encode
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any, Final

from msgspec import Struct

from groundswell.connectors.actionkit.client import Resource
from groundswell.connectors.actionkit.parameters import email_of, known_of
from groundswell.connectors.actionkit.times import seconds_of, written
from groundswell.connectors.actionkit.writing.address import ADDRESS, placed
from groundswell.connectors.actionkit.writing.paths import Texts, texts_of, value_at
from groundswell.errors import RecordError
from groundswell.record import Action, Donation, Person, Record

KEY_MAX: Final = 32
"""Of an import id: at most so many characters, and unique per payment account (D, by a vendor)."""
_CENT: Final = Decimal("0.01")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_KEY: Final = re.compile(rf"[A-Za-z0-9_.-]{{1,{KEY_MAX}}}")
_PERIODS: Final = {
    "week": "weeks",
    "weekly": "weeks",
    "month": "months",
    "monthly": "months",
    "quarter": "quarters",
    "quarterly": "quarters",
    "every 3 months": "quarters",
    "year": "years",
    "yearly": "years",
    "annual": "years",
    "annually": "years",
}
"""Theirs: months (W), the others (I). "weeks" and so on are taken as they are."""


class Gift(Struct, frozen=True):
    """One payment."""

    key: str
    """The same for the same payment, whoever saw it: import id, transaction number, and what a refund names."""
    amount: str
    """Two digits after the point: "25.00"."""
    currency: str | None
    at: str | None
    """When, naive UTC: three of their endpoints choke on a zone (C)."""
    source: str | None
    series: str | None = None
    """The key of the recurring donation it is a payment of."""
    period: str | None = None
    """Of the series: weeks, months, quarters or years; None: not said."""
    page: str = ""
    """The short name of the page it is written down on; of a series, its first payment alone."""
    fields: Mapping[str, Texts] = {}
    """Action fields, besides our key."""


def fits(record: Record) -> bool:
    """Whether it is about money."""
    return record.kind in ("donation", "refund", "cancellation") and isinstance(record.donation, Donation)


def gift_of(
    record: Record, source: str | None = None, *, page: str = "", fields: Mapping[str, Texts] | None = None
) -> Gift:
    """The payment a donation record tells of. `source`: what is written when it has none.

    A recurring one whose series nobody numbers is taken for a single one: its next payment could not be told from it.

    Raises:
        RecordError: with reason `no_amount`, `bad_amount`, `bad_currency` or `bad_period`.
    """
    donation = _donation(record)
    series = series_of(record) if donation.recurring is True else None
    return Gift(
        key=key_of(record),
        amount=amount_of(donation.amount),
        currency=_currency(donation.currency),
        at=moment_of(record),
        source=_source(record, donation) or source,
        series=series,
        period=_period(donation.period) if series is not None else None,
        page=page,
        fields=fields or {},
    )


def key_of(record: Record) -> str:
    """Of a payment, made from what its vendor numbers: "actblue-990011223" for it and for its refund."""
    vendor, number = _numbered(record)
    lineitem = _donation(record).lineitem_id
    return short(f"{vendor}-{lineitem if isinstance(lineitem, str) and lineitem else number}")


def series_of(record: Record) -> str | None:
    """Of a recurring donation, the same for all its payments; None when the record does not number it."""
    order = _donation(record).order_id
    return short(f"{_numbered(record)[0]}-{order}") if isinstance(order, str) and order else None


def short(key: str) -> str:
    """The key itself where it fits; else one made from it, always the same."""
    if _KEY.fullmatch(key):
        return key
    return "gs-" + b32encode(blake2b(key.encode(), digest_size=18).digest()).decode().lower().rstrip("=")


def amount_of(text: Any) -> str:
    """A sum of money with two digits after the point; never through a float.

    Raises:
        RecordError: it is none, or not above 0.
    """
    if not isinstance(text, str):
        raise RecordError("the donation has no amount", reason="no_amount")
    try:
        amount = Decimal(text)
        is_money = amount.is_finite() and 0 < amount < 10**9 and amount == amount.quantize(_CENT)
    except InvalidOperation:
        is_money = False
    if not is_money:
        raise RecordError('the amount of the donation is no sum of money above 0 such as "25.00"', reason="bad_amount")
    return f"{amount:.2f}"


def is_same_amount(ours: str, theirs: Any) -> bool:
    """Whether two decimal strings are one sum."""
    try:
        return Decimal(ours) == Decimal(str(theirs))
    except InvalidOperation:
        return False


def moment_of(record: Record) -> str | None:
    """When it happened, naive UTC and to the second."""
    seconds = seconds_of(record.occurred_at)
    return None if seconds is None else written(seconds)


def donor_of(record: Record, *, with_address: bool, country: str, user_fields: Mapping[str, str]) -> Resource:
    """Who it is, by the names ActionKit has for it. What is not known, or empty, is not sent and so erases nothing.

    Args:
        country: The code of the country of addresses that do not say.
        user_fields: Custom fields to write: the name there, and the path in the record.

    Raises:
        RecordError: with reason `no_person` or `no_email`.
    """
    person = record.person
    if not isinstance(person, Person):
        raise RecordError("the record says nothing about a person", reason="no_person")
    email = email_of(person)
    if email is None:
        raise RecordError("the record has no email address, which is how ActionKit finds people", reason="no_email")
    address = placed(known_of(person, ADDRESS), country).values if with_address else {}
    own = {f"user_{name}": texts_of(value_at(record, path)) for name, path in user_fields.items()}
    return {
        "email": email,
        **known_of(person, ("first_name", "last_name")),
        **{name: texts for name, texts in own.items() if texts is not None},
        **address,
    }


def _donation(record: Record) -> Donation:
    return record.donation if isinstance(record.donation, Donation) else Donation()


def _numbered(record: Record) -> tuple[str, str]:
    """Vendor and number of an id such as "actblue:contribution/990011223"."""
    vendor, _, rest = record.id.partition(":")
    return vendor, rest.partition("/")[2] or rest


def _source(record: Record, donation: Donation) -> str | None:
    code = record.action.source_code if isinstance(record.action, Action) else None
    if isinstance(code, str):
        return code
    refcode = donation.refcodes.get("refcode")
    return refcode if isinstance(refcode, str) and refcode else None


def _currency(currency: Any) -> str | None:
    if not isinstance(currency, str):
        return None
    code = currency.strip().upper()
    if not _CURRENCY.fullmatch(code):
        raise RecordError('the currency of the donation is no code such as "USD"', reason="bad_currency")
    return code


def _period(period: Any) -> str | None:
    if not isinstance(period, str):
        return None
    word = period.strip().casefold()
    if word in _PERIODS.values():
        return word
    if word not in _PERIODS:
        raise RecordError("the donation recurs in a period ActionKit has no word for", reason="bad_period")
    return _PERIODS[word]
