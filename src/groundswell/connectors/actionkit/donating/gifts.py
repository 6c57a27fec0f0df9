"""What a record says about money: the gift, its keys at ActionKit, and what its donor is called there. Pure."""

import re
from base64 import b32encode
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any, Final

from msgspec import Struct

from groundswell.connectors.actionkit.client import Resource
from groundswell.connectors.actionkit.times import seconds_of, written
from groundswell.connectors.common.countries import NAMES, country_code
from groundswell.errors import RecordError
from groundswell.record import Action, Donation, Person, Record

KEY_MAX: Final = 32
"""Of an import id: at most so many characters, and unique per payment account (D, by a vendor)."""
US: Final = "United States"
_CENT: Final = Decimal("0.01")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_KEY: Final = re.compile(rf"[A-Za-z0-9_.-]{{1,{KEY_MAX}}}")
_ZIP: Final = re.compile(r"([0-9]{5})(?:-?([0-9]{4}))?")
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


def fits(record: Record) -> bool:
    """Whether it is about money."""
    return record.kind in ("donation", "refund", "cancellation") and isinstance(record.donation, Donation)


def gift_of(record: Record, source: str | None = None) -> Gift:
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


def donor_of(record: Record, *, with_address: bool, user_fields: dict[str, str]) -> Resource:
    """Who gave, by the names ActionKit has for it. What is not known, or empty, is not sent and so erases nothing.

    Args:
        user_fields: Custom fields to write: ours, and the name of the user field.

    Raises:
        RecordError: with reason `no_person` or `no_email`.
    """
    person = record.person
    if not isinstance(person, Person):
        raise RecordError("the record says nothing about a person", reason="no_person")
    if not isinstance(person.email, str):
        raise RecordError("the donor has no email address, which is how ActionKit finds people", reason="no_email")
    donor: Resource = {"email": person.email.strip()}
    for name in ("first_name", "last_name"):
        if isinstance(value := getattr(person, name), str):
            donor[name] = value
    for ours, theirs in user_fields.items():
        value = person.custom.get(ours)
        if isinstance(value, str | int | bool) and str(value).strip():
            donor[f"user_{theirs}"] = value if isinstance(value, str) else str(value).lower()
    return donor | (_address(person) if with_address else {})


def _address(person: Person) -> Resource:
    """Nothing where the country is one we cannot name: it would be taken for an American address (D)."""
    country = country_name(person.country) if isinstance(person.country, str) else US
    names = {"address1": "address1", "address2": "address2", "city": "city"}
    names["state"] = "state" if country == US else "region"
    if country != US:
        names["zip"] = "postal"
    found = {theirs: value for ours, theirs in names.items() if isinstance(value := getattr(person, ours), str)}
    if country == US and isinstance(person.zip, str) and (match := _ZIP.fullmatch(person.zip.strip())):
        # Another length than five is refused, and the gift with it (D).
        found |= {"zip": match[1]} | ({"plus4": match[2]} if match[2] else {})
    return found | {"country": country} if country is not None and found else {}


def country_name(country: str) -> str | None:
    """In English, as theirs are (C), of a code or a name; None for a code nobody has."""
    code = country_code(country)
    if code is not None:
        return NAMES[code]
    country = country.strip()
    return country if len(country) > 2 else None


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
