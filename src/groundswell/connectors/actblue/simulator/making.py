"""Draws the orders and gifts of a ledger: who gives what where, what recurs, what fails, what is given back."""

from bisect import bisect_right
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from groundswell.connectors.actblue.simulator.content import (
    ANSWERS,
    CENTS,
    CODES,
    OUR_FORMS,
    QUESTIONS,
    REASONS,
    TANDEM_FORMS,
    THEIR_FORMS,
)
from groundswell.connectors.actblue.simulator.gifts import (
    Cancellation,
    Donor,
    Form,
    Gift,
    Order,
    Period,
    Refund,
    Status,
)
from groundswell.connectors.actblue.simulator.moments import edges, months_later, wall_day, weeks_later
from groundswell.connectors.actblue.simulator.people import new_donor

_DAY: Final = timedelta(days=1)


class Shares(Struct, frozen=True, forbid_unknown_fields=True):
    """How much of what there is, 0 to 1; of the orders unless it says otherwise. All made up."""

    monthly: float = 0.2
    weekly: float = 0.04
    infinite: float = 0.6
    """Of the series, those without an end."""
    smart: float = 0.2
    """Of the series, those whose first payment is another amount."""
    cancelled: float = 0.3
    """Of the series."""
    lapsed: float = 0.02
    """Of the later payments, those whose card fails for good."""
    tandem: float = 0.08
    their_forms: float = 0.12
    """Given to us on forms that others manage."""
    unshared: float = 0.5
    """Of these, those whose donor does not pass the email address and the phone on."""
    refunded: float = 0.02
    """Of the payments."""
    declined: float = 0.03
    """Of the first tries of a payment."""
    pending: float = 0.01
    """Of the first tries of a payment."""
    approved_later: float = 0.6
    """Of those that were declined or pending."""
    again: float = 0.4
    """By somebody who gave before."""
    abroad: float = 0.02
    """Of the donors."""
    uppercase: float = 0.3
    """Of the donors, those who typed in capital letters."""
    refcodes: float = 0.7
    opt_in: float = 0.15
    """To text messages."""
    opt_out: float = 0.05
    paypal: float = 0.1
    custom_fields: float = 0.15
    on_edge: float = 0.05
    """At the edge of a month or where clocks change."""


def make_orders(
    random: Random, gifts: int, since: datetime, until: datetime, shares: Shares
) -> tuple[list[Order], list[Gift]]:
    """So many line items, in the order of time, and the orders they belong to. Numbers rise with time."""
    maker = _Maker(random, since, until, shares)
    orders: list[Order] = []
    left = gifts
    while left > 0:
        order = maker.order(left)
        left -= len(order.gifts)
        if order.gifts:  # not where the first payment would come after the end
            orders.append(order)
    orders.sort(key=lambda one: one.created_at)
    for index, order in enumerate(orders):
        order.number = f"AB{700_000_001 + index * 7}"
    made = sorted((gift for order in orders for gift in order.gifts), key=lambda gift: gift.attempted_at)
    _number(random, made)
    return orders, made


def _number(random: Random, gifts: list[Gift]) -> None:
    lineitem_id, payment_id = 990_000_000, 880_000_000
    payments: dict[tuple[str, int], int] = {}
    for gift in gifts:
        lineitem_id += random.randint(1, 9)
        key = (gift.order.number, gift.sequence)
        if key not in payments:
            payment_id += random.randint(1, 9)
            payments[key] = payment_id
        gift.lineitem_id, gift.payment_id = lineitem_id, payments[key]


class _Maker:
    def __init__(self, random: Random, since: datetime, until: datetime, shares: Shares) -> None:
        self._random = random
        self._since, self._until = since, until
        self._span_s = int((until - since).total_seconds())
        self._shares = shares
        self._edges = edges(since, until)
        self._edges_in_order = sorted(self._edges)
        self._donors: list[Donor] = []
        self._orders_made = 0
        self._edges_used = 0
        self._refund_ids = count(770_000_001)

    def order(self, room: int) -> Order:
        """Somebody's order, with all its payments, but no more than `room` line items."""
        order = self._pledged()
        self._orders_made += 1
        self._pay(order, room)
        return order

    def _is(self, share: float) -> bool:
        return self._random.random() < share

    def _created_at(self) -> datetime:
        # The edges take turns rather than chances, so that a small ledger has each of them.
        if self._edges and int((self._orders_made + 1) * self._shares.on_edge) > self._edges_used:
            self._edges_used += 1
            return self._edges[(self._edges_used - 1) % len(self._edges)]
        return self._since + timedelta(seconds=self._random.randrange(self._span_s))

    def _donor(self) -> Donor:
        if self._donors and self._is(self._shares.again):
            return self._random.choice(self._donors)
        shares = self._shares
        made = new_donor(self._random, len(self._donors) + 1, abroad=shares.abroad, uppercase=shares.uppercase)
        self._donors.append(made)
        return made

    def _form(self) -> Form:
        drawn = self._random.random() - self._shares.tandem
        if drawn < 0:
            return self._random.choice(TANDEM_FORMS)
        return self._random.choice(THEIR_FORMS if drawn < self._shares.their_forms else OUR_FORMS)

    def _period(self) -> Period:
        drawn = self._random.random() - self._shares.monthly
        if drawn < 0:
            return "monthly"
        return "weekly" if drawn < self._shares.weekly else "once"

    def _text_option(self) -> Literal["unknown", "opt_in", "opt_out"]:
        drawn = self._random.random() - self._shares.opt_in
        if drawn < 0:
            return "opt_in"
        return "opt_out" if drawn < self._shares.opt_out else "unknown"

    def _pledged(self) -> Order:
        random, created_at, donor, form = self._random, self._created_at(), self._donor(), self._form()
        period = self._period()
        duration, recurring_type = self._duration(period)
        is_paypal = self._is(self._shares.paypal)
        is_shipped = form.kind == "merchandise"
        is_express = donor.is_express and self._is(0.8)
        return Order(
            number="",
            donor=donor,
            form=form,
            created_at=created_at,
            period=period,
            duration=duration,
            recurring_type=recurring_type,
            is_smart=period != "once" and self._is(self._shares.smart),
            refcodes=self._refcodes(),
            text_option=self._text_option(),
            shares_contact=form.is_managed or not self._is(self._shares.unshared),
            token=f"{random.getrandbits(128):032x}",
            card_expiration=None if is_paypal else f"{random.randint(1, 12):02d}/{created_at.year + 2}",
            card_type=None if is_paypal else random.choice(("Visa", "MasterCard", "AmEx")),
            is_paypal=is_paypal,
            is_mobile=self._is(0.6),
            is_express=is_express,
            with_express_lane=is_express and self._is(0.2),
            express_signup=not donor.is_express and self._is(0.1),
            ab_test=("button colour", random.choice("AB")) if self._is(0.05) else None,
            custom_fields=self._custom_fields(),
            merchandise=(("Harbor mug, large", 4711, random.choice((None, {"color": "teal", "size": "L"}))),)
            if is_shipped
            else (),
            is_shipped=is_shipped,
            gift_identifier=str(random.randint(100, 999)) if is_shipped else None,
            gift_declined=self._is(0.1) if is_shipped else None,
            smart_boost_cents=random.choice((100, 275)) if self._is(0.04) else None,
            weekly_sunset=wall_day(weeks_later(created_at, 8)) if period == "weekly" else None,
            bump=(True, self._is(0.3)) if self._is(0.2) else None,
            comments=random.choice(("Keep going!", "For my mother, who\nmarched", 'So "proud", all of you'))
            if self._is(0.05)
            else None,
        )

    def _duration(self, period: Period) -> tuple[int | Literal["infinite"], str | None]:
        if period == "once":
            return 1, None
        if self._is(self._shares.infinite):
            return "infinite", "initially forever"
        if period == "weekly":
            return self._random.choice((4, 6, 8)), "initially weekly"
        return self._random.choice((3, 6, 12)), self._random.choice(
            ("initially monthly", "initially monthly adjustable")
        )

    def _refcodes(self) -> dict[str, str]:
        if not self._is(self._shares.refcodes):
            return {}
        codes = {"refcode": self._random.choice(CODES)}
        if self._is(0.3):
            codes["refcode2"] = f"seg_{self._random.choice('abc')}"
        if self._is(0.1):
            codes |= {"refcodeTexter": "tx-19", "fundraiser_slug": "spring"}
        return codes

    def _custom_fields(self) -> tuple[tuple[str, str | None], ...]:
        if not self._is(self._shares.custom_fields):
            return ()
        asked = QUESTIONS[: self._random.randint(1, len(QUESTIONS))]
        return tuple((question, self._random.choice(ANSWERS)) for question in asked)

    def _pay(self, order: Order, room: int) -> None:
        """All payments up to the end of the series, of the span, or of the room."""
        ends_at = self._cancelled_at(order)
        cents = [self._random.choice(CENTS) for _ in order.form.recipients]
        sequence = 0
        while len(order.gifts) < room and (order.duration == "infinite" or sequence < order.duration):
            at = _due(order, sequence)
            if at >= self._until or (sequence and ends_at is not None and at >= ends_at):
                break
            is_lapsing = sequence > 0 and self._is(self._shares.lapsed)
            is_paid = self._attempt(order, sequence, at, cents, room - len(order.gifts), is_lapsing=is_lapsing)
            sequence += 1
            if not is_paid:
                ends_at = at + 7 * _DAY if sequence > 1 else None
                break
        if ends_at is not None and order.duration != sequence and len(order.gifts) < room and ends_at < self._until:
            self._cancel(order, ends_at)

    def _cancelled_at(self, order: Order) -> datetime | None:
        if not order.is_recurring or not self._is(self._shares.cancelled):
            return None
        left_s = int((self._until - order.created_at).total_seconds())
        return self._at_or_after(order.created_at + timedelta(seconds=1 + self._random.randrange(left_s)))

    def _cancel(self, order: Order, at: datetime) -> None:
        last = order.gifts[-1]
        completed = len({gift.sequence for gift in order.gifts if gift.paid_at is not None and gift.paid_at <= at})
        if last.attempted_at >= at or not completed:
            return
        is_lapsed = last.paid_at is None
        order.cancellation = Cancellation(
            at=at,
            type="Lapsed" if is_lapsed else self._random.choice(("Active", "Active", "Active", "Other")),
            reason=None if is_lapsed else self._random.choice(REASONS),
            completed=completed,
            pledged=completed + 1 if order.duration == "infinite" else order.duration,
        )

    def _attempt(
        self, order: Order, sequence: int, at: datetime, cents: list[int], room: int, *, is_lapsing: bool
    ) -> bool:
        """One payment to each recipient; whether money came of it, at once or later."""
        status, paid_at = self._fate(at, is_lapsing=is_lapsing)
        refund = self._refund(paid_at)
        refunds_all = self._is(0.5)
        for index, (entity, usual) in enumerate(zip(order.form.recipients[:room], cents, strict=False)):
            own_refund = refund if index == 0 or refunds_all else None
            order.gifts.append(
                Gift(
                    order=order,
                    sequence=sequence,
                    entity=entity,
                    cents=usual + 500 if order.is_smart and sequence == 0 else usual,
                    recurring_cents=usual if order.is_recurring else None,
                    attempted_at=at,
                    paid_at=paid_at,
                    status=status,
                    refund=replace(own_refund, id=next(self._refund_ids)) if own_refund is not None else None,
                )
            )
        return paid_at is not None

    def _fate(self, at: datetime, *, is_lapsing: bool) -> tuple[Status, datetime | None]:
        if is_lapsing:
            return "declined", None
        drawn = self._random.random() - self._shares.declined
        if drawn >= self._shares.pending:
            return "approved", at
        later = at + timedelta(seconds=self._random.randint(60, 5 * 86_400))
        is_approved = self._is(self._shares.approved_later) and later < self._until
        return "declined" if drawn < 0 else "pending", later if is_approved else None

    def _refund(self, paid_at: datetime | None) -> Refund | None:
        if paid_at is None or not self._is(self._shares.refunded):
            return None
        at = self._at_or_after(paid_at + timedelta(seconds=self._random.randint(3600, 60 * 86_400)))
        if at >= self._until:
            return None
        is_disbursed = at - paid_at > 7 * _DAY
        is_recovered = is_disbursed and self._is(0.5)
        return Refund(0, at, paid_at + 6 * _DAY if is_disbursed else None, at + 2 * _DAY if is_recovered else None)

    def _at_or_after(self, moment: datetime) -> datetime:
        """Now and then the next edge instead, so that refunds and cancellations fall on those, too."""
        index = bisect_right(self._edges_in_order, moment)
        return self._edges_in_order[index] if index < len(self._edges) and self._is(0.1) else moment


def _due(order: Order, sequence: int) -> datetime:
    """When the payment is taken: the first within seconds, later ones on the same time of the wall clock."""
    if sequence == 0:
        return order.created_at + timedelta(seconds=int(order.token[0], 16) // 4)
    later = months_later if order.period == "monthly" else weeks_later
    return later(order.created_at, sequence)
