"""What somebody did, as Action Network records it: which records go to which pages, and what is kept of them. Pure."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final

from msgspec import Struct

from groundswell.connectors.action_network.hal import Resource
from groundswell.errors import RecordError
from groundswell.record import Action, Donation, Page, Record


class Deed(Struct, frozen=True):
    """What is recorded on one kind of page."""

    records: str
    """Its collection, by its name in `collections.py`."""
    types: frozenset[str]
    """What `action.type` may be; empty: records of kind "donation"."""
    is_once: bool
    """One for each person and page: a second one changes nothing, or the first [D]."""
    needs_api_page: bool = False
    """Takes records over the API only on pages that were made over the API, and never sends an autoresponse [D]."""


DEEDS: Final[dict[str, Deed]] = {
    "petitions": Deed("signatures", frozenset(("signature",)), is_once=True),
    "events": Deed("attendances", frozenset(("rsvp",)), is_once=True),
    "forms": Deed("submissions", frozenset(("submission", "signup")), is_once=True),
    "fundraising_pages": Deed("page_donations", frozenset(), is_once=False, needs_api_page=True),
    "advocacy_campaigns": Deed("outreaches", frozenset(("letter", "call")), is_once=False, needs_api_page=True),
    # Whether a second response of somebody is another one nobody says, so it is taken for one.
    "surveys": Deed("responses", frozenset(("survey_response",)), is_once=False),
}
"""By the collection of the page."""

_OUTREACH_FIELDS: Final = ("subject", "message", "duration", "targets")
_REFERRER_FIELDS: Final = ("email_referrer", "mobile_message_referrer")
"""What may be said besides source and website; `referrer` itself is theirs to fill in."""
_PERIODS: Final = {
    "week": "Weekly",
    "weekly": "Weekly",
    "month": "Monthly",
    "monthly": "Monthly",
    "quarter": "Quarterly",
    "quarterly": "Quarterly",
    "every 3 months": "Every 3 Months",
    "year": "Yearly",
    "yearly": "Yearly",
    "annual": "Yearly",
    "annually": "Yearly",
}
"""Theirs were seen as Weekly, Monthly, Quarterly, Every 3 Months, Yearly [C, L]."""
_CENT: Final = Decimal("0.01")


def fits(record: Record, deed: Deed) -> bool:
    """Whether this is something that is recorded there."""
    if not deed.types:
        return record.kind == "donation" and isinstance(record.donation, Donation)
    return record.kind == "action" and isinstance(record.action, Action) and record.action.type in deed.types


def why_not(record: Record, deed: Deed) -> str:
    """The reason to skip what does not fit. What undoes a gift has its own: somebody has to do it there by hand."""
    undoes = not deed.types and isinstance(record.donation, Donation) and record.kind in ("refund", "cancellation")
    return f"{record.kind}_by_hand" if undoes else "does_not_fit"


def page_of(record: Record) -> str | None:
    """The number of the page where it was done, at whichever vendor."""
    page = record.action.page if isinstance(record.action, Action) else None
    return page.id if isinstance(page, Page) and isinstance(page.id, str) else None


def fields_of(record: Record, deed: Deed) -> Resource:
    """What is written of it, besides who did it.

    Raises:
        RecordError: with reason `no_amount` or `bad_amount`.
    """
    fields = record.action.fields if isinstance(record.action, Action) else {}
    match deed.records:
        case "signatures":
            return _present(fields, ("comments",))
        case "outreaches":
            return _present(fields, _OUTREACH_FIELDS)
        case "page_donations" if isinstance(record.donation, Donation):
            return _donation(record, record.donation)
        case _:
            # An attendance is always accepted, and answers to a form or survey are the person's custom fields [D].
            return {}


def referrer_of(record: Record, website: str, source: str | None) -> Resource:
    """Where they came from. `source`: what is said when the record does not say it."""
    action = record.action if isinstance(record.action, Action) else Action()
    code = action.source_code if isinstance(action.source_code, str) else source
    referrer: Resource = {"website": website} | ({"source": code} if code else {})
    return referrer | _present(action.referrer, _REFERRER_FIELDS)


def website_of(record: Record) -> str | None:
    """The website they came from."""
    website = record.action.referrer.get("website") if isinstance(record.action, Action) else None
    return website if isinstance(website, str) and website else None


def _donation(record: Record, donation: Donation) -> Resource:
    """Its `amount` is the sum of its recipients' and cannot be written; payment and reference number are ignored [L].

    Empty fields are disliked there [L], so there are none. The date makes it one of that day, not of today [L].
    """
    body: Resource = {"recipients": _recipients(donation)}
    if isinstance(donation.currency, str):
        body["currency"] = donation.currency
    if isinstance(record.occurred_at, str):
        body["created_date"] = record.occurred_at
    if donation.recurring is True:
        period = _PERIODS.get(donation.period.strip().casefold()) if isinstance(donation.period, str) else None
        body["action_network:recurrence"] = {"recurring": True} | ({"period": period} if period else {})
    return body


def _recipients(donation: Donation) -> list[Resource]:
    """Those of the record, if they make up its amount; else one who gets all of it."""
    total = _amount(donation.amount)
    named = [_recipient(one.get("display_name"), one.get("amount")) for one in donation.recipients]
    parts = [one for one in named if one is not None]
    if parts and len(parts) == len(named) and sum(Decimal(one["amount"]) for one in parts) == total:
        return parts
    name = donation.recipient if isinstance(donation.recipient, str) else None
    return [({"display_name": name} if name else {}) | {"amount": f"{total:.2f}"}]


def _recipient(name: Any, amount: Any) -> Resource | None:
    try:
        return {"display_name": name, "amount": f"{_amount(amount):.2f}"} if isinstance(name, str) and name else None
    except RecordError:
        return None


def _amount(text: Any) -> Decimal:
    if not isinstance(text, str):
        raise RecordError("the donation has no amount", reason="no_amount")
    try:
        amount = Decimal(text)
        is_money = amount.is_finite() and 0 < amount < 10**12 and amount == amount.quantize(_CENT)
    except InvalidOperation:
        is_money = False
    if not is_money:
        raise RecordError('the amount of the donation is no sum of money above 0 such as "25.00"', reason="bad_amount")
    return amount


def _present(fields: dict[str, Any], names: tuple[str, ...]) -> Resource:
    return {name: fields[name] for name in names if fields.get(name) not in (None, "", [])}
