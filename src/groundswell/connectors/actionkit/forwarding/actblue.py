"""ActBlue's default webhooks, made again from records. Pure.

What came is not delivered, but a record of ActBlue's holds all of it: whatever has no place of its own is in
`donation.fields` under ActBlue's own name, and goes back where ActBlue has it. Names and shapes are ActBlue's, as its
clients know them (C).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET

from groundswell.connectors.actionkit.client import Resource
from groundswell.connectors.actionkit.donating.gifts import amount_of
from groundswell.connectors.actionkit.times import seconds_of, written
from groundswell.errors import RecordError
from groundswell.places.countries import NAMES, country_code
from groundswell.record import Action, Donation, Page, Person, Record

VENDOR: Final = "actblue:"
_MONEY: Final = ("donation", "refund", "cancellation")
_LINEITEM: Final = re.compile(r"[0-9]{1,18}")
_OFFSET: Final = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$")
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
_EMPLOYER: Final = {
    "employer": "employer",
    "occupation": "occupation",
    "employerAddr1": "employer_address1",
    "employerCity": "employer_city",
    "employerState": "employer_state",
    "employerZip": "employer_zip",
    "employerCountry": "employer_country",
}
"""ActBlue's name, and the custom field."""
_OF_LINEITEMS: Final = (
    "sequence", "entityId", "fecId", "committeeName", "amount", "recurringAmount", "amountLessAbFees", "paidAt",
    "paymentId", "refundedAt", "disbursedAt", "recoveredAt",
)  # fmt: skip
_OF_FORMS: Final = ("ownerEmail", "managingEntityName", "managingEntityCommitteeName")
_TIMES: Final = ("createdAt", "paidAt", "refundedAt", "cancelledAt")
"""They must have an offset: without one nobody says whether it is Eastern time or UTC."""


def is_money(record: Record) -> bool:
    """Whether money moved, or will not any more. A declined or pending gift is an action, and none."""
    return record.kind in _MONEY and isinstance(record.donation, Donation)


def is_actblues(record: Record) -> bool:
    """Whether ActBlue told us of it. Numbers of anybody else's could be those of another gift there."""
    return record.id.startswith(VENDOR)


def body_of(record: Record) -> Resource:
    """A webhook of ActBlue's.

    Raises:
        RecordError: something is missing that the receiver could not do without.
    """
    donation = record.donation if isinstance(record.donation, Donation) else Donation()
    fields = {name: value for name, value in donation.fields.items() if name not in _TIMES or _has_offset(value)}
    match record.kind:
        case "refund":
            contribution = _contribution(record, donation, fields)
            item = _lineitem(donation, fields) | {"refundedAt": _moment(record, fields, "refundedAt")}
            donor = _donor(record, fields)
        case "cancellation":
            contribution = _contribution(record, donation, fields)
            contribution |= {"orderNumber": _order(donation), "cancelledAt": _moment(record, fields, "cancelledAt")}
            item, donor = _lineitem(donation, fields) if donation.lineitem_id else {}, _donor(record, fields)
        case _:
            contribution, item, donor = _given(record, donation, fields)
    parts: Resource = {"donor": donor, "contribution": contribution, "form": _form(record, fields)}
    return {name: part for name, part in parts.items() if part} | ({"lineitems": [item]} if item else {})


def _given(record: Record, donation: Donation, fields: Resource) -> tuple[Resource, Resource, Resource]:
    """A contribution, its line item and its donor: what the receiver makes a gift of, whole."""
    if isinstance(donation.currency, str) and donation.currency.upper() != "USD":
        raise RecordError("ActBlue takes dollars only, and this donation is in another currency", reason="bad_currency")
    donor = _donor(record, fields)
    if not donor.get("email"):
        raise RecordError("the donor has no email address, which is how ActionKit finds people", reason="no_email")
    paid = _moment(record, fields, "paidAt")
    item: Resource = (
        {"sequence": 0} | _lineitem(donation, fields) | {"amount": amount_of(donation.amount), "paidAt": paid}
    )
    contribution: Resource = {"createdAt": paid, "status": "approved"} | _contribution(record, donation, fields)
    is_recurring = donation.recurring is True
    contribution |= {"orderNumber": _order(donation), "isRecurring": is_recurring}
    return contribution | {"recurringPeriod": _period(donation, fields)}, item, donor


def _contribution(record: Record, donation: Donation, fields: Resource) -> Resource:
    """Everything that is no line item's, no form's and no donor's."""
    elsewhere = (*_OF_LINEITEMS, *_OF_FORMS, "isEligibleForExpressLane")
    contribution = {name: value for name, value in fields.items() if name not in elsewhere}
    form = _slug(record, fields)
    if form is not None:
        contribution["contributionForm"] = form
    codes = {name: str(value) for name, value in donation.refcodes.items() if value is not None}
    contribution["refcodes"] = codes
    # Older bodies had these two besides, and an older receiver may look nowhere else.
    contribution |= {name: codes.get(name) for name in ("refcode", "refcode2")}
    contribution["customFields"] = _answers(record)
    if isinstance(donation.recurring, bool):
        contribution |= {"recurringPeriod": _period(donation, fields), "isRecurring": donation.recurring}
    if isinstance(donation.order_id, str) and donation.order_id:
        contribution["orderNumber"] = donation.order_id
    return contribution


def _answers(record: Record) -> list[Resource]:
    """What was asked on the form: a question that is there twice has two answers."""
    fields = record.action.fields if isinstance(record.action, Action) else {}
    answers: list[Resource] = []
    for label, answer in fields.items():
        answers += [{"label": label, "answer": one} for one in (answer if isinstance(answer, list) else [answer])]
    return answers


def _lineitem(donation: Donation, fields: Resource) -> Resource:
    item: Resource = {name: fields[name] for name in _OF_LINEITEMS if name in fields}
    item["lineitemId"] = _number(donation)
    if isinstance(donation.recipient, str):
        item["committeeName"] = donation.recipient
    if isinstance(donation.amount, str):
        item["amount"] = amount_of(donation.amount.removeprefix("-"))
    return item


def _form(record: Record, fields: Resource) -> Resource:
    form = {name: fields[name] for name in _OF_FORMS if name in fields}
    known = {"name": _slug(record, fields), "kind": _page(record).type}
    return {name: value for name, value in known.items() if isinstance(value, str)} | form


def _donor(record: Record, fields: Resource) -> Resource:
    """Phones go without the country's +1, as ActBlue writes them."""
    person = record.person if isinstance(record.person, Person) else Person()
    donor: Resource = {
        theirs: value for theirs, ours in _DONOR.items() if (value := getattr(person, ours)) is not UNSET
    }
    if isinstance(person.phone, str):
        donor["phone"] = person.phone.removeprefix("+1")
    if person.country is not UNSET:
        code = country_code(person.country) if isinstance(person.country, str) else None
        donor["country"] = NAMES[code] if code is not None else person.country
    employer = {theirs: person.custom[ours] for theirs, ours in _EMPLOYER.items() if ours in person.custom}
    if employer:
        donor["employerData"] = employer
    lane = person.custom.get("express_lane", fields.get("isEligibleForExpressLane"))
    return donor if lane is None else donor | {"isEligibleForExpressLane": lane in (True, "true")}


def _slug(record: Record, fields: Resource) -> str | None:
    """A CSV may have the form's address instead: its slug is in the page then. A refund has no page."""
    page, came = _page(record), fields.get("contributionForm")
    slug = page.id if isinstance(page.id, str) else came
    return slug if isinstance(slug, str) else None


def _page(record: Record) -> Page:
    page = record.action.page if isinstance(record.action, Action) else None
    return page if isinstance(page, Page) else Page()


def _number(donation: Donation) -> int:
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


def _period(donation: Donation, fields: Resource) -> str:
    """As it came, where the record has no word of its own for it."""
    if donation.recurring is not True:
        return "once"
    if not isinstance(donation.period, str):
        came = fields.get("recurringPeriod")
        return came if isinstance(came, str) else "monthly"
    word = donation.period.strip().casefold()
    if word not in _PERIODS:
        raise RecordError("the donation recurs in a period ActBlue has no word for", reason="bad_period")
    return _PERIODS[word]


def _moment(record: Record, fields: Mapping[str, Any], name: str) -> str:
    """When it happened: as it came, while that is the same moment; else what the record says now."""
    now, came = seconds_of(record.occurred_at), fields.get(name)
    if now is None:
        raise RecordError("the record does not say when it happened", reason="no_time")
    return came if isinstance(came, str) and seconds_of(came) == now else f"{written(now)}+00:00"


def _has_offset(value: Any) -> bool:
    return isinstance(value, str) and _OFFSET.search(value) is not None and seconds_of(value) is not None
