"""ActBlue's default webhooks, made again from records. Pure.

A record is not what came: only what ActionKit's receiver reads is there. Names and shapes are ActBlue's, as its clients
know them (C).
"""

import re
from typing import Any, Final

from groundswell.connectors.actionkit.client import Resource
from groundswell.connectors.actionkit.donating.gifts import amount_of
from groundswell.connectors.actionkit.times import seconds_of, written
from groundswell.errors import RecordError
from groundswell.places.countries import NAMES, country_code
from groundswell.record import Action, Donation, Page, Person, Record

VENDOR: Final = "actblue:"
_LINEITEM: Final = re.compile(r"[0-9]{1,18}")
_PERIODS: Final = {"week": "weekly", "weekly": "weekly", "month": "monthly", "monthly": "monthly"}
"""ActBlue has no others besides "once"."""
_DONOR: Final = {
    "firstname": "first_name",
    "lastname": "last_name",
    "addr1": "address1",
    "city": "city",
    "state": "state",
    "zip": "zip",
    "email": "email",
    "phone": "phone",
}
_EMPLOYER: Final = ("employer", "occupation")
_LINEITEM_FIELDS: Final = ("sequence", "entityId", "committeeName", "recurringAmount")
_CONTRIBUTION_FIELDS: Final = (
    "contributionForm", "recurringDuration", "isPaypal", "isMobile", "isExpress", "uniqueIdentifier",
    "textMessageOption", "cancellationReason", "cancellationType", "recurCompleted", "recurPledged", "recurringType",
)  # fmt: skip
"""Taken from `donation.fields` where a record has them, under ActBlue's names."""


def fits(record: Record) -> bool:
    """Whether it is money ActBlue told us of. Numbers of anybody else's could be those of another gift there."""
    is_money = record.kind in ("donation", "refund", "cancellation") and isinstance(record.donation, Donation)
    return is_money and record.id.startswith(VENDOR)


def body_of(record: Record) -> Resource:
    """A webhook of ActBlue's.

    Raises:
        RecordError: something is missing that the receiver could not do without.
    """
    donation = record.donation if isinstance(record.donation, Donation) else Donation()
    match record.kind:
        case "refund":
            item = {"lineitemId": _lineitem(donation), "refundedAt": _moment(record)}
            return _with_order(donation, {"lineitems": [item | _given(donation, _LINEITEM_FIELDS)]})
        case "cancellation":
            series: Resource = {"orderNumber": _order(donation), "cancelledAt": _moment(record)}
            return {"contribution": series | _given(donation, _CONTRIBUTION_FIELDS)}
        case _:
            return _contribution(record, donation)


def _contribution(record: Record, donation: Donation) -> Resource:
    if isinstance(donation.currency, str) and donation.currency.upper() != "USD":
        raise RecordError("ActBlue takes dollars only, and this donation is in another currency", reason="bad_currency")
    paid = _moment(record)
    item: Resource = {"sequence": 0} | _given(donation, _LINEITEM_FIELDS)
    item |= {"lineitemId": _lineitem(donation), "amount": amount_of(donation.amount), "paidAt": paid}
    if isinstance(donation.recipient, str):
        item.setdefault("committeeName", donation.recipient)
    period = _period(donation)
    contribution: Resource = {"createdAt": _stamp(donation.fields.get("createdAt")) or paid, "status": "approved"}
    contribution |= _given(donation, _CONTRIBUTION_FIELDS)
    contribution |= {
        "orderNumber": _order(donation),
        "recurringPeriod": period,
        "isRecurring": period != "once",
        "refcodes": {name: str(value) for name, value in donation.refcodes.items() if value is not None},
    }
    form = _form(record)
    if form is not None:
        contribution.setdefault("contributionForm", form)
    return {"donor": _donor(record), "contribution": contribution, "lineitems": [item]}


def _donor(record: Record) -> Resource:
    """Phones go without the country's +1, as ActBlue writes them."""
    person = record.person
    if not isinstance(person, Person) or not isinstance(person.email, str):
        raise RecordError("the donor has no email address, which is how ActionKit finds people", reason="no_email")
    donor: Resource = {
        theirs: value for theirs, ours in _DONOR.items() if isinstance(value := getattr(person, ours), str)
    }
    if "phone" in donor:
        donor["phone"] = donor["phone"].removeprefix("+1")
    code = country_code(person.country) if isinstance(person.country, str) else None
    donor |= {"country": NAMES[code]} if code is not None else {}
    employer = {name: value for name in _EMPLOYER if isinstance(value := person.custom.get(name), str)}
    lane = person.custom.get("express_lane")
    return donor | {"employerData": employer, "isEligibleForExpressLane": lane in (True, "true")}


def _with_order(donation: Donation, body: Resource) -> Resource:
    known = isinstance(donation.order_id, str) and donation.order_id
    return body | ({"contribution": {"orderNumber": donation.order_id}} if known else {})


def _given(donation: Donation, names: tuple[str, ...]) -> Resource:
    return {name: value for name in names if (value := donation.fields.get(name)) is not None}


def _form(record: Record) -> str | None:
    page = record.action.page if isinstance(record.action, Action) else None
    return page.id if isinstance(page, Page) and isinstance(page.id, str) else None


def _lineitem(donation: Donation) -> int:
    number = donation.lineitem_id
    if not isinstance(number, str) or not _LINEITEM.fullmatch(number):
        raise RecordError(
            "the record has no line item number (`donation.lineitem_id`), by which ActionKit knows a payment",
            reason="no_lineitem_id",
        )
    return int(number)


def _order(donation: Donation) -> str:
    if not isinstance(donation.order_id, str) or not donation.order_id:
        raise RecordError(
            "the record has no order number (`donation.order_id`), by which ActionKit knows a contribution",
            reason="no_order_id",
        )
    return donation.order_id


def _period(donation: Donation) -> str:
    if donation.recurring is not True:
        return "once"
    word = donation.period.strip().casefold() if isinstance(donation.period, str) else "monthly"
    if word not in _PERIODS:
        raise RecordError("the donation recurs in a period ActBlue has no word for", reason="bad_period")
    return _PERIODS[word]


def _moment(record: Record) -> str:
    stamp = _stamp(record.occurred_at)
    if stamp is None:
        raise RecordError("the record does not say when it happened", reason="no_time")
    return stamp


def _stamp(text: Any) -> str | None:
    """With an offset, as all of ActBlue's."""
    seconds = seconds_of(text)
    return None if seconds is None else f"{written(seconds)}+00:00"
