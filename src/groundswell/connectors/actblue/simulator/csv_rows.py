"""What stands in the CSVs, row by row: values by header, times on the wall clock of US Eastern time."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final, Literal

from msgspec import Struct

from groundswell.connectors.actblue.simulator.behaviour import Behaviour
from groundswell.connectors.actblue.simulator.columns import (
    CANCELLATIONS,
    CONTRIBUTIONS,
    OLDER_CANCELLATIONS,
    OLDER_CONTRIBUTIONS,
)
from groundswell.connectors.actblue.simulator.gifts import Cancellation, Gift, Order
from groundswell.connectors.actblue.simulator.ledger import Ledger, dollars
from groundswell.connectors.actblue.simulator.moments import wall_day, wall_time

CsvType = Literal[
    "paid_contributions",
    "refunded_contributions",
    "managed_form_contributions",
    "cancelled_recurring_contributions",
]
Row = dict[str, str]
_SITE: Final = "https://secure.actblue.example/donate"
_ROWS_AT_ONCE: Final = 200


class Range(Struct, frozen=True):
    """Which rows are asked for: from `start` on, before `end`; what ActBlue knows at `as_of`."""

    csv_type: CsvType
    start: datetime
    end: datetime
    as_of: datetime

    def has(self, moment: datetime | None) -> bool:
        return moment is not None and self.start <= moment < min(self.end, self.as_of)


def chunks(ledger: Ledger, asked: Range, behaviour: Behaviour, random: Random) -> Iterator[bytes]:
    """The file, in pieces of some rows; the first is the header."""
    headers = list(_headers(asked.csv_type, behaviour))
    if behaviour.is_shuffled:
        random.shuffle(headers)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headers)
    for number, row in enumerate(rows(ledger, asked, behaviour)):
        if number % _ROWS_AT_ONCE == 0:
            yield _taken(text)
        writer.writerow([row.get(header, "") for header in headers])
    yield _taken(text)


def rows(ledger: Ledger, asked: Range, behaviour: Behaviour) -> Iterator[Row]:
    """Values by header; what is not there is empty, as are the columns called Reserved."""
    writer = _Writer(behaviour)
    if asked.csv_type == "cancelled_recurring_contributions":
        for order in ledger.orders:
            ours = [gift for gift in order.gifts if ledger.is_own(gift)]
            if ours and order.cancellation is not None and asked.has(order.cancellation.at):
                yield writer.cancellation(order.cancellation, ours)
        return
    for gift in ledger.gifts:
        refund = gift.refund if gift.refund is not None and gift.refund.at < asked.as_of else None
        if asked.csv_type == "refunded_contributions":
            is_in = ledger.is_own(gift) and refund is not None and asked.has(refund.at)
        elif asked.csv_type == "managed_form_contributions":
            is_kept = refund is None or behaviour.managed_keeps_refunded
            is_in = gift.order.form.is_managed and asked.has(gift.paid_at) and is_kept
        else:
            is_in = ledger.is_own(gift) and asked.has(gift.paid_at) and refund is None
        if is_in:
            yield writer.contribution(gift, is_refunded=refund is not None)


def _headers(csv_type: CsvType, behaviour: Behaviour) -> tuple[str, ...]:
    is_older = behaviour.columns == "older"
    if csv_type == "cancelled_recurring_contributions":
        return OLDER_CANCELLATIONS if is_older else CANCELLATIONS
    return OLDER_CONTRIBUTIONS if is_older else CONTRIBUTIONS


def _taken(text: io.StringIO) -> bytes:
    taken = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return taken


class _Writer:
    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    def contribution(self, gift: Gift, *, is_refunded: bool) -> Row:
        order, donor, paid_at = gift.order, gift.order.donor, gift.paid_at
        assert paid_at is not None
        row = self._person(order) | self._recipient(gift) | self._pledge(gift)
        row |= {
            "Receipt ID": order.number,
            "Date": wall_time(paid_at),
            "Amount": str(dollars(gift.cents)),
            "Recurrence Number": str(gift.sequence + 1),
            "Donor Addr1": donor.address,
            "New Express Signup": self._word(order.express_signup),
            "Comments": order.comments or "",
            "Lineitem ID": str(gift.lineitem_id),
            "Payment ID": str(gift.payment_id),
            "Payment Date": wall_time(paid_at),
            "Fee": str(dollars(gift.fee_cents)),
            "ActBlue Express Lane": self._word(order.with_express_lane),
            "ActBlue Express Donor": self._word(donor.is_express),
            "Card Type": order.card_type or "",
            "Card Expiration": order.card_expiration or "",
            "Approved": self._word(True),
            "Mobile": self._word(order.is_mobile),
            "Paypal": self._word(order.is_paypal),
            "Text Message Opt In": self._text_option(order),
            "Gift Identifier": order.gift_identifier or "",
            "Gift Declined": "" if order.gift_declined is None else self._word(order.gift_declined),
            "Smart Boost Amount": _amount(order.smart_boost_cents),
            "Smart Boost Shown": self._word(order.smart_boost_cents is not None),
        }
        if order.custom_fields:
            label, answer = order.custom_fields[0]
            row |= {"Custom Field 1 Label": label, "Custom Field 1 Value": answer or ""}
        if order.is_shipped:
            row |= {
                "Shipping Addr1": donor.address,
                "Shipping City": donor.city,
                "Shipping State": donor.state,
                "Shipping Zip": donor.zip,
                "Shipping Country": donor.country,
            }
        return row | _later(gift, paid_at, is_refunded=is_refunded)

    def cancellation(self, cancellation: Cancellation, gifts: list[Gift]) -> Row:
        """Of a series; `gifts` are our payments of it. No line item is named."""
        order, last = gifts[0].order, gifts[-1]
        paid = [gift for gift in gifts if gift.paid_at is not None]
        row = self._person(order) | self._recipient(last)
        row |= {
            "Receipt ID": order.number,
            "Recurrence Amount": _amount(last.recurring_cents),
            "Total Amount": str(dollars(sum(gift.cents for gift in paid))),
            "Initial Pledge Length": str(order.duration),
            "Recurrence Frequency": order.period,
            "Initial Contribution Date": wall_time(order.created_at),
            "Cancelled On": wall_time(cancellation.at),
            "Express Donor": self._word(order.donor.is_express),
            "Donor Address": order.donor.address,
            "Cancelation Reason": cancellation.reason or "",
            "Mobile": self._word(order.is_mobile),
            "Recurring Type": order.recurring_type or "",
            "Recurring Pledged": str(cancellation.pledged),
        }
        return row

    def _person(self, order: Order) -> Row:
        """Who gave, and what brought them; the address has another header in each file."""
        donor = order.donor
        return {
            "Donor First Name": donor.first_name,
            "Donor Last Name": donor.last_name,
            "Donor City": donor.city,
            "Donor State": donor.state,
            "Donor ZIP": donor.zip,
            "Donor Country": donor.country,
            "Donor Occupation": donor.occupation or "",
            "Donor Employer": donor.employer or "",
            "Donor Email": donor.email if order.shares_contact else "",
            "Donor Phone": (donor.phone or "") if order.shares_contact else "",
            "Employer Addr1": donor.employer_address or "",
            "Employer City": donor.employer_city or "",
            "Employer State": donor.employer_state or "",
            "Employer ZIP": donor.employer_zip or "",
            "Employer Country": donor.employer_country or "",
            "Donor ID": str(donor.id),
            "Reference Code": order.refcodes.get("refcode", ""),
            "Reference Code 2": order.refcodes.get("refcode2", ""),
            "AB Test Name": order.ab_test[0] if order.ab_test else "",
            "AB Variation": order.ab_test[1] if order.ab_test else "",
            "Bump Recurring Seen": self._word(order.bump is not None and order.bump[0]),
            "Bump Recurring Succeeded": self._word(order.bump is not None and order.bump[1]),
        }

    def _recipient(self, gift: Gift) -> Row:
        form, entity = gift.order.form, gift.entity
        manager = form.manager.committee if form.manager is not None else ""
        return {
            "Recipient": entity.committee,
            "Recipient Committee": entity.committee,
            "Recipient ID": str(entity.id),
            "Recipient Gov ID": entity.fec_id or "",
            "Fundraising Page": f"{_SITE}/{form.slug}" if self._behaviour.pages_are == "url" else form.slug,
            "Kind": form.kind,
            "Managed Entity Name": manager,
            "Managed Entity Committee Name": manager,
        }

    def _pledge(self, gift: Gift) -> Row:
        order = gift.order
        weekly, monthly = order.period == "weekly", order.period == "monthly"
        return {
            "Recurring Total Months": str(order.duration),
            "Recur Weekly": self._word(weekly),
            "Smart Recurring": self._word(order.is_smart),
            "Monthly Recurring Amount": _amount(gift.recurring_cents) if monthly else "",
            "Weekly Recurring Amount": _amount(gift.recurring_cents) if weekly else "",
            "Weekly Recurring Sunset": order.weekly_sunset or "",
            "Recurring Type": order.recurring_type or "",
            "Recurring Pledged": str(order.duration) if order.is_recurring else "",
        }

    def _text_option(self, order: Order) -> str:
        yes, no, unknown = self._behaviour.text_options
        return {"opt_in": yes, "opt_out": no, "unknown": unknown}[order.text_option]

    def _word(self, value: bool) -> str:
        return self._behaviour.booleans[0 if value else 1]


def _later(gift: Gift, paid_at: datetime, *, is_refunded: bool) -> Row:
    """What became of the money: it is paid out after six days, unless it was given back before."""
    refund = gift.refund if is_refunded else None
    if refund is None:
        return {"Disbursement ID": str(gift.payment_id % 10_000), "Disbursement Date": wall_day(paid_at + _PAYOUT)}
    row = {"Refund ID": str(refund.id), "Refund Date": wall_time(refund.at)}
    if refund.disbursed_at is not None:
        row |= {"Disbursement ID": str(gift.payment_id % 10_000), "Disbursement Date": wall_day(refund.disbursed_at)}
    if refund.recovered_at is not None:
        row |= {"Recovery ID": str(refund.id + 5), "Recovery Date": wall_day(refund.recovered_at)}
    return row


_PAYOUT: Final = timedelta(days=6)


def _amount(cents: int | None) -> str:
    return str(dollars(cents)) if cents is not None else ""
