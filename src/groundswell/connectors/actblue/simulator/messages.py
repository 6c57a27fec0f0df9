"""The bodies of notifications: one JSON object for each line item, in the shapes that were seen of them.

Which of its shapes a body has is drawn from its line item, so a message sent again is the same to the byte.
"""

from collections.abc import Iterable
from datetime import datetime
from random import Random
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from groundswell.connectors.actblue.simulator.gifts import Donor, Form, Gift, Kind, Order
from groundswell.connectors.actblue.simulator.ledger import Ledger, Notice
from groundswell.connectors.actblue.simulator.moments import with_offset

Json = dict[str, Any]
_SITE: Final = "https://secure.actblue.example"
_NEWER: Final = ("refcodes", "merchandise", "bumpYourRecurring")
_SHIPPING: Final = ("Name", "Addr1", "City", "State", "Zip", "Country")


class Shapes(Struct, frozen=True, forbid_unknown_fields=True):
    """What differs from one body to the next: shares of them, 0 to 1, and what all have in common."""

    no_form: float = 0.02
    """Without `form`, as in 2019."""
    older: float = 0.02
    """Without the fields that were added over the years."""
    two_key_employer: float = 0.05
    """`employerData` with the employer and the occupation only."""
    no_flat_refcodes: float = 0.3
    refcodes_null: float = 0.3
    """Of those without refcodes; the others have {}."""
    numbers: float = 0.1
    """Amounts as numbers rather than text."""
    extra_keys: float = 0.05
    """With keys nobody has heard of."""
    no_payment_id: float = 0.3
    naive: float = 0.0
    """Times without an offset, as one client says there are."""
    text_ids: float = 0.0
    """Line items numbered in text."""
    history: bool = False
    """Earlier payments of the series stand in `lineitems` too, the one it is about last."""
    together: bool = False
    """One notification for all that was paid at once: two or more line items on tandem forms."""
    first_sequence: int = 0
    """(2018 to 2022: 0; one sample of 2023: 1)"""
    unique_per: Literal["payment", "order"] = "payment"
    """What `uniqueIdentifier` is unique for."""
    refunded_on: Literal["lineitem", "contribution"] = "lineitem"
    """Where `refundedAt` stands."""


class Message(Struct, frozen=True):
    """One notification, ready to be sent."""

    kind: Kind
    at: datetime
    keys: tuple[str, ...]
    """Of the notices in it."""
    order_number: str
    body: bytes


def messages(ledger: Ledger, notices: Iterable[Notice], shapes: Shapes | None = None) -> list[Message]:
    """What is sent about these notices, in their order: one each, unless they are to come together."""
    shapes = shapes or Shapes()
    made: list[Message] = []
    for group in _grouped(notices) if shapes.together else ([notice] for notice in notices):
        first = group[0]
        body = msgspec.json.encode(body_of(ledger, first, shapes, also=[notice.gift for notice in group[1:]]))
        keys = tuple(notice.key for notice in group)
        made.append(Message(first.kind, first.at, keys, first.gift.order.number, body))
    return made


def body_of(ledger: Ledger, notice: Notice, shapes: Shapes | None = None, *, also: Iterable[Gift] = ()) -> Json:
    """The body about one notice; `also` are other line items in it."""
    shapes = shapes or Shapes()
    gift, order = notice.gift, notice.gift.order
    random = Random(f"{ledger.seed} {gift.lineitem_id}")
    is_older = random.random() < shapes.older
    writer = _Writer(
        shapes,
        is_naive=random.random() < shapes.naive,
        has_numbers=random.random() < shapes.numbers,
        has_text_ids=random.random() < shapes.text_ids,
        has_payment_ids=random.random() >= shapes.no_payment_id,
        is_older=is_older,
    )
    lineitems = [*(writer.history(gift) if shapes.history else ()), gift, *also]
    body: Json = {
        "donor": _donor(random, order.donor, shapes, shares_contact=order.shares_contact, is_older=is_older),
        "contribution": writer.contribution(random, notice),
        "lineitems": [writer.lineitem(one, notice) for one in lineitems],
        "form": _form(order.form),
    }
    if random.random() < shapes.no_form:
        del body["form"]
    if random.random() < shapes.extra_keys:
        body["schemaHint"] = {"revision": 7}
        body["contribution"]["walletKind"] = random.choice(("apple_pay", None))
        body["donor"]["preferredName"] = None
    return body


class _Writer:
    """Writes the parts of one body that have times and amounts in them."""

    def __init__(
        self,
        shapes: Shapes,
        *,
        is_naive: bool,
        has_numbers: bool,
        has_text_ids: bool,
        has_payment_ids: bool,
        is_older: bool,
    ) -> None:
        self._shapes = shapes
        self._is_naive = is_naive
        self._has_numbers = has_numbers
        self._has_text_ids = has_text_ids
        self._has_payment_ids = has_payment_ids
        self._is_older = is_older

    def history(self, gift: Gift) -> list[Gift]:
        """What the same entity was paid before in the same series."""
        return [
            one
            for one in gift.order.gifts
            if one.entity == gift.entity and one.sequence < gift.sequence and one.paid_at is not None
        ]

    def contribution(self, random: Random, notice: Notice) -> Json:
        gift, order = notice.gift, notice.gift.order
        body: Json = {
            "createdAt": self._time(order.created_at),
            "orderNumber": order.number,
            "contributionForm": order.form.slug,
            "refcodes": order.refcodes or (None if random.random() < self._shapes.refcodes_null else {}),
            "refcode": order.refcodes.get("refcode"),
            "refcode2": order.refcodes.get("refcode2"),
            "creditCardExpiration": order.card_expiration or random.choice((None, "")),
            "recurringPeriod": order.period,
            "recurringDuration": order.duration,
            "weeklyRecurringSunset": order.weekly_sunset,
            "abTestName": order.ab_test[0] if order.ab_test else None,
            "abTestVariation": order.ab_test[1] if order.ab_test else None,
            "isRecurring": order.is_recurring,
            "isPaypal": order.is_paypal,
            "isMobile": order.is_mobile,
            "isExpress": order.is_express,
            "withExpressLane": order.with_express_lane,
            "expressSignup": order.express_signup,
            "uniqueIdentifier": self._unique(gift),
            "textMessageOption": order.text_option,
            "giftIdentifier": self._gift_identifier(order),
            **_shipping(order),
            "smartBoostAmount": self._amount(order.smart_boost_cents),
            "customFields": [{"label": label, "answer": answer} for label, answer in order.custom_fields],
            "merchandise": [{"name": name, "itemId": id_, "details": more} for name, id_, more in order.merchandise],
            "bumpYourRecurring": _bump(order),
        }
        if order.gift_declined is not None or random.random() < 0.5:
            body["giftDeclined"] = order.gift_declined
        if notice.kind != "cancellation":
            body["status"] = notice.status
        if notice.status == "approved":
            body["thanksUrl"] = f"{_SITE}/thanks/{order.token}"
        elif notice.status == "declined":
            body["retryUrl"] = f"{_SITE}/retry/{order.token}"
        if self._is_older:
            body = {name: value for name, value in body.items() if name not in _NEWER}
        elif random.random() < self._shapes.no_flat_refcodes:
            del body["refcode"], body["refcode2"]
        return body | self._ending(notice)

    def lineitem(self, gift: Gift, notice: Notice) -> Json:
        paid_at = gift.paid_at if notice.status == "approved" and gift.paid_at is not None else gift.attempted_at
        body: Json = {
            "sequence": gift.sequence + self._shapes.first_sequence,
            "entityId": gift.entity.id,
            "fecId": gift.entity.fec_id,
            "committeeName": gift.entity.committee,
            "amount": self._amount(gift.cents),
            "recurringAmount": self._amount(gift.recurring_cents),
            "paidAt": self._time(paid_at),
            "lineitemId": str(gift.lineitem_id) if self._has_text_ids else gift.lineitem_id,
        }
        if not self._is_older:
            body["amountLessAbFees"] = self._amount(gift.cents - gift.fee_cents)
        if self._has_payment_ids:
            body["paymentId"] = gift.payment_id
        if notice.kind == "refund" and gift.refund is not None:
            body |= {
                "refundedAt": self._time(gift.refund.at),
                "disbursedAt": self._time(gift.refund.disbursed_at),
                "recoveredAt": self._time(gift.refund.recovered_at),
            }
            if self._shapes.refunded_on == "contribution":
                del body["refundedAt"]
        return body

    def _ending(self, notice: Notice) -> Json:
        """What only the contribution of a cancellation, or of a refund with its marker there, has."""
        gift, cancellation = notice.gift, notice.gift.order.cancellation
        if notice.kind == "refund" and gift.refund is not None and self._shapes.refunded_on == "contribution":
            return {"refundedAt": self._time(gift.refund.at)}
        if notice.kind != "cancellation" or cancellation is None:
            return {}
        body: Json = {
            "cancelledAt": self._time(cancellation.at),
            "recurringType": gift.order.recurring_type,
            "recurCompleted": cancellation.completed,
            "recurPledged": cancellation.pledged,
            "cancellationType": cancellation.type,
        }
        return body if cancellation.reason is None else body | {"cancellationReason": cancellation.reason}

    def _time(self, moment: datetime | None) -> str | None:
        if moment is None:
            return None
        written = with_offset(moment)
        return written[:19] if self._is_naive else written

    def _amount(self, cents: int | None) -> str | float | None:
        """ "5.0", "25.77", or a number; never two fixed places."""
        if cents is None:
            return None
        return cents / 100 if self._has_numbers else str(cents / 100)

    def _unique(self, gift: Gift) -> str:
        number = int(gift.order.token, 16)
        if self._shapes.unique_per == "payment":
            number ^= gift.lineitem_id << 88
        # Most samples have a UUID, some the eleven characters of another scheme.
        return f"{number:032x}"[:11] if number % 10 == 0 else str(UUID(int=number, version=4))

    def _gift_identifier(self, order: Order) -> str | int | None:
        identifier = order.gift_identifier
        return int(identifier) if identifier is not None and self._has_numbers else identifier


def _donor(random: Random, donor: Donor, shapes: Shapes, *, shares_contact: bool, is_older: bool) -> Json:
    body: Json = {
        "firstname": donor.first_name,
        "lastname": donor.last_name,
        "addr1": donor.address,
        "city": donor.city,
        "state": donor.state or None,
        "zip": donor.zip,
        "country": donor.country,
        "isEligibleForExpressLane": donor.is_express,
        "employerData": {
            "employer": donor.employer,
            "occupation": donor.occupation,
            "employerAddr1": donor.employer_address,
            "employerCity": donor.employer_city,
            "employerState": donor.employer_state,
            "employerZip": donor.employer_zip,
            "employerCountry": donor.employer_country,
        },
    }
    if is_older:
        del body["employerData"]["employerZip"]
    if random.random() < shapes.two_key_employer:
        body["employerData"] = {"employer": donor.employer, "occupation": donor.occupation}
    contact: Json = {"email": donor.email, "phone": donor.phone}
    if not shares_contact:
        contact = {} if random.random() < 0.6 else dict.fromkeys(contact, random.choice((None, "")))
    elif donor.phone is None:
        contact["phone"] = random.choice((None, ""))
    return body | contact


def _form(form: Form) -> Json:
    manager = form.manager.committee if form.manager is not None else None
    return {
        "name": form.slug,
        "kind": form.kind,
        "ownerEmail": form.owner_email,
        "managingEntityName": manager,
        "managingEntityCommitteeName": manager,
    }


def _shipping(order: Order) -> Json:
    donor = order.donor
    if not order.is_shipped:
        return {f"shipping{name}": None for name in _SHIPPING}
    name = f"{donor.first_name} {donor.last_name}"
    given = (name, donor.address, donor.city, donor.state, donor.zip, donor.country)
    return {f"shipping{name}": value for name, value in zip(_SHIPPING, given, strict=True)}


def _bump(order: Order) -> Json | None:
    if order.bump is None:
        return None
    seen, accepted = order.bump
    link = f"{_SITE}/bump/{order.token}"
    return {"bumpRecurringLink": link, "recurringUpsellSeen": seen, "recurringUpsellAccepted": accepted}


def _grouped(notices: Iterable[Notice]) -> Iterable[list[Notice]]:
    """Contributions that were paid at once stand together, at the place of the first."""
    groups: dict[str, list[Notice]] = {}
    for notice in notices:
        gift = notice.gift
        is_alone = notice.kind != "contribution"
        name = notice.key if is_alone else f"{notice.status} {gift.order.number} {gift.sequence}"
        groups.setdefault(name, []).append(notice)
    return groups.values()
