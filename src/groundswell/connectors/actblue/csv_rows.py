"""A row of a CSV file as the webhook would have told it: the same names, so that one mapping reads both.

An empty cell says nothing: it becomes no key, never an empty value.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from groundswell.connectors.actblue import eastern
from groundswell.connectors.actblue.client import CANCELLED, MANAGED, PAID, REFUNDED
from groundswell.connectors.actblue.table import Cells
from groundswell.connectors.actblue.windows import CANCELLATIONS, CONTRIBUTIONS, MANAGED_FORMS, REFUNDS
from groundswell.errors import RecordError

LINEITEM_ID: Final = "Lineitem ID"
RECEIPT_ID: Final = "Receipt ID"
DATE: Final = "Date"
AMOUNT: Final = "Amount"
ADDRESS2: Final = "Donor Addr2"
PAGE: Final = "Fundraising Page"
REFUND_DATE: Final = "Refund Date"
CANCELLED_ON: Final = "Cancelled On"
NEEDED: Final = ((LINEITEM_ID, RECEIPT_ID, DATE, AMOUNT), (RECEIPT_ID, CANCELLED_ON))
"""What a file must have for its rows to be known again: of gifts and refunds, or of cancellations."""
LEFT_OUT: Final = frozenset({"Donor US Passport Number", "Reserved"})
"""Never kept, not even as it came."""

Body = dict[str, Any]

_DONOR: Final = {
    "firstname": "Donor First Name",
    "lastname": "Donor Last Name",
    "addr1": "Donor Addr1",
    "city": "Donor City",
    "state": "Donor State",
    "zip": "Donor ZIP",
    "country": "Donor Country",
    "email": "Donor Email",
    "phone": "Donor Phone",
}
_EMPLOYER: Final = {
    "employer": "Donor Employer",
    "occupation": "Donor Occupation",
    "employerAddr1": "Employer Addr1",
    "employerCity": "Employer City",
    "employerState": "Employer State",
    "employerZip": "Employer ZIP",
    "employerCountry": "Employer Country",
}
_CONTRIBUTION: Final = {
    "abTestName": "AB Test Name",
    "abTestVariation": "AB Variation",
    "creditCardExpiration": "Card Expiration",
    "giftIdentifier": "Gift Identifier",
    "shippingAddr1": "Shipping Addr1",
    "shippingCity": "Shipping City",
    "shippingState": "Shipping State",
    "shippingZip": "Shipping Zip",
    "shippingCountry": "Shipping Country",
    "smartBoostAmount": "Smart Boost Amount",
    "weeklyRecurringSunset": "Weekly Recurring Sunset",
    "recurringType": "Recurring Type",
    "recurPledged": "Recurring Pledged",
}
_FLAGS: Final = {
    "giftDeclined": "Gift Declined",
    "isPaypal": "Paypal",
    "isMobile": "Mobile",
    "isExpress": "ActBlue Express Donor",
    "withExpressLane": "ActBlue Express Lane",
    "expressSignup": "New Express Signup",
}
_LINEITEM: Final = {
    "fecId": "Recipient Gov ID",
    "paymentId": "Payment ID",
}
_BUMP: Final = {"recurringUpsellSeen": "Bump Recurring Seen", "recurringUpsellAccepted": "Bump Recurring Succeeded"}
_FORM: Final = {
    "kind": "Kind",
    "managingEntityName": "Managed Entity Name",
    "managingEntityCommitteeName": "Managed Entity Committee Name",
}
_CANCELLATION: Final = {
    "recurPledged": "Initial Pledge Length",
    "recurringType": "Recurring Type",
}
_REASONS: Final = {
    "cancellationReason": ("Cancelation Reason", "Cancellation Reason"),
    "cancellationType": ("Cancelation Type", "Cancellation Type"),
}
"""ActBlue writes "Cancelation" (C)."""
_TRUE: Final = frozenset({"true", "t", "yes", "y", "1"})
_FALSE: Final = frozenset({"false", "f", "no", "n", "0"})
_OPTED_IN: Final = _TRUE | {"opt in", "opt-in", "opt_in", "opted in"}
_WHOLE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9]+")


def csv_type_of(columns: Collection[str]) -> str:
    """What a file holds of which nobody says it: cancellations have no line items; gifts and refunds look the same."""
    return CANCELLED if LINEITEM_ID not in columns else PAID


class Told(Struct, frozen=True):
    """One thing that a row tells of."""

    collection: str
    at: float
    """When it happened, seconds since 1970."""
    body: Body
    """As a webhook would have told it."""
    rest: dict[str, str]
    """What only files know, under names like ActBlue's: "Donor ID" is `donorId`."""


def told_by(csv_type: str, cells: Cells) -> list[Told]:
    """What the row tells of, oldest first: of a gift that was paid back, both.

    Raises:
        RecordError: it cannot be told what happened, or when.
    """
    row = _Row(cells)
    row.use(ADDRESS2)
    if csv_type == CANCELLED:
        return [Told(CANCELLATIONS, row.seconds(CANCELLED_ON), _cancellation(row), row.rest())]
    gifts = MANAGED_FORMS if csv_type == MANAGED else CONTRIBUTIONS
    contribution = _contribution(row)
    told = [Told(gifts, row.seconds(DATE), contribution, row.rest())]
    if csv_type == REFUNDED or REFUND_DATE in cells:
        (lineitem,) = contribution["lineitems"]
        refund = {**contribution, "lineitems": [{**lineitem, "refundedAt": row.stamp(REFUND_DATE)}]}
        told.append(Told(REFUNDS, row.seconds(REFUND_DATE), refund, row.rest()))
    return told


def _contribution(row: "_Row") -> Body:
    period = _period(row.cells)
    lineitem = {
        "lineitemId": _number(row.needed(LINEITEM_ID)),
        "amount": _amount(row.needed(AMOUNT)),
        "paidAt": row.stamp(DATE),
        **row.texts(_LINEITEM),
        **row.read("entityId", "Recipient ID", _number),
        **row.read("sequence", "Recurrence Number", _sequence),
        **row.read("recurringAmount", "Weekly Recurring Amount" if period == "weekly" else "Monthly Recurring Amount"),
        **row.read("disbursedAt", "Disbursement Date", _stamp_or_text),
        **row.read("recoveredAt", "Recovery Date", _stamp_or_text),
        **row.first("committeeName", "Recipient Committee", "Recipient"),
    }
    bump = row.flags(_BUMP)
    contribution = {
        "orderNumber": row.needed(RECEIPT_ID),
        "status": _status(row),
        "recurringPeriod": period,
        "isRecurring": period != "once",
        "refcodes": row.texts({"refcode": "Reference Code", "refcode2": "Reference Code 2"}),
        "customFields": _custom_fields(row),
        **row.texts(_CONTRIBUTION),
        **row.flags(_FLAGS),
        **row.read("recurringDuration", "Recurring Total Months", _duration),
        **row.read("textMessageOption", "Text Message Opt In", _text_message_option),
        **({"bumpYourRecurring": bump} if bump else {}),
    }
    contribution |= {"contributionForm": slug} if (slug := _slug(row)) else {}
    form = row.texts(_FORM) | _page(row)
    row.use(REFUND_DATE)
    return {"donor": _donor(row), "contribution": contribution, "lineitems": [lineitem], "form": form}


def _cancellation(row: "_Row") -> Body:
    frequency = row.cells.get("Recurrence Frequency", "").lower()
    row.use("Recurrence Frequency")
    contribution = {
        "orderNumber": row.needed(RECEIPT_ID),
        "cancelledAt": row.stamp(CANCELLED_ON),
        "recurringPeriod": "weekly" if "week" in frequency else "monthly",  # there is no third (C)
        "isRecurring": True,
        "refcodes": row.texts({"refcode": "Reference Code", "refcode2": "Reference Code 2"}),
        **row.texts(_CANCELLATION),
        **row.read("createdAt", "Initial Contribution Date", _stamp_or_text),
        **{key: value for name, columns in _REASONS.items() for key, value in row.first(name, *columns).items()},
        **row.read("textMessageOption", "Text Message Opt In", _text_message_option),
    }
    recipient = row.first("committeeName", "Recipient Committee", "Recipient")
    recipient |= row.read("entityId", "Recipient ID", _number)
    lineitems = [recipient | row.texts(_LINEITEM)] if recipient else []
    form = row.texts(_FORM) | _page(row)
    return {"donor": _donor(row), "contribution": contribution, "lineitems": lineitems, "form": form}


def _donor(row: "_Row") -> Body:
    donor = row.first("addr1", "Donor Addr1", "Donor Address") | row.texts(_DONOR)
    employer = row.texts(_EMPLOYER)
    return donor | ({"employerData": employer} if employer else {})


def _page(row: "_Row") -> Body:
    """The form by its short name, or by its address where that is what the cell holds, without what was asked there."""
    page = row.cells.get(PAGE)
    row.use(PAGE)
    if page is None:
        return {}
    slug = _slug(row)
    return {"name": page if slug == page else page.partition("#")[0].partition("?")[0]}


def _slug(row: "_Row") -> str:
    """The form's short name: of an address the last part."""
    page = row.cells.get(PAGE, "")
    if not page.startswith(("https://", "http://")):
        return page
    return page.partition("#")[0].partition("?")[0].rstrip("/").rpartition("/")[2]


def _status(row: "_Row") -> str:
    """Files hold what was paid. Older ones had a column that says so (C)."""
    approved = row.cells.get("Approved", "").lower()
    row.use("Approved")
    return "declined" if approved in _FALSE else "approved"


def _custom_fields(row: "_Row") -> list[Body]:
    """A file has the first of the questions only."""
    label, answer = "Custom Field 1 Label", "Custom Field 1 Value"
    row.use(label, answer)
    if label not in row.cells:
        return []
    return [{"label": row.cells[label], "answer": row.cells.get(answer)}]


def _period(cells: Mapping[str, str]) -> str:
    """How often it is given. A single gift has one month, or none, and is the first of its kind (I)."""
    kind = cells.get("Recurring Type", "").lower()
    if cells.get("Recur Weekly", "").lower() in _TRUE or "week" in kind:
        return "weekly"
    months = cells.get("Recurring Total Months", "")
    is_series = months not in ("", "0", "1") or cells.get("Recurrence Number", "1") not in ("0", "1")
    return "monthly" if is_series or "month" in kind or "forever" in kind else "once"


def _amount(text: str) -> str:
    """As a plain number; a file of refunds may write it with a minus (I)."""
    return text.replace("$", "").replace(",", "").lstrip("-")


def _number(text: str) -> int | str:
    """Spreadsheets write 990011223.0 where a column has empty cells."""
    whole = text.removesuffix(".0")
    return int(whole) if _WHOLE.fullmatch(whole) else text


def _sequence(text: str) -> int | str:
    """Files count payments from 1, webhooks from 0 (C)."""
    number = _number(text)
    return max(0, number - 1) if isinstance(number, int) else number


def _duration(text: str) -> int | str:
    number = _number(text)
    return number if isinstance(number, int) else "infinite"


def _text_message_option(text: str) -> str:
    return "opt_in" if text.lower() in _OPTED_IN else text


def _stamp_or_text(text: str) -> str:
    found = eastern.moment(text)
    return text if found is None else found.isoformat()


class _Row:
    """The cells of a row, and which of them have found their place."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self._used: set[str] = set(LEFT_OUT)

    def use(self, *columns: str) -> None:
        self._used.update(columns)

    def needed(self, column: str) -> str:
        self.use(column)
        if column not in self.cells:
            raise RecordError(f'its "{column}" is empty', reason="missing_value")
        return self.cells[column]

    def stamp(self, column: str) -> str:
        """As webhooks write times."""
        return self._moment(column).isoformat()

    def seconds(self, column: str) -> float:
        return self._moment(column).timestamp()

    def _moment(self, column: str) -> datetime:
        found = eastern.moment(self.needed(column))
        if found is None:
            raise RecordError(f'its "{column}" is no time that we know how to read', reason="bad_time")
        return found

    def read(self, key: str, column: str, parse: Callable[[str], Any] = str) -> Body:
        self.use(column)
        return {key: parse(self.cells[column])} if column in self.cells else {}

    def first(self, key: str, *columns: str) -> Body:
        """Of several columns the first that holds something; all of them are done with."""
        self.use(*columns)
        return next(({key: self.cells[column]} for column in columns if column in self.cells), {})

    def texts(self, names: Mapping[str, str]) -> Body:
        return {key: value for name, column in names.items() for key, value in self.read(name, column).items()}

    def flags(self, names: Mapping[str, str]) -> Body:
        return {key: value for name, column in names.items() for key, value in self.read(name, column, _flag).items()}

    def rest(self) -> dict[str, str]:
        """The cells that have found no place."""
        return {_camel(column): value for column, value in self.cells.items() if column not in self._used}


def _flag(text: str) -> bool | str:
    word = text.lower()
    return True if word in _TRUE else False if word in _FALSE else text


def _camel(column: str) -> str:
    words: list[str] = _WORD.findall(column) or [column]
    first, *others = words
    return first.lower() + "".join(word.capitalize() for word in others)
