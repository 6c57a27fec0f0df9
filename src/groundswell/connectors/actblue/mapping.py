"""ActBlue's bodies to canonical records, pure functions, and the ids of those records.

A body is what a Default webhook brings: `{"donor": {...}, "contribution": {...}, "lineitems": [{...}], "form": {...}}`.
Nothing in it names the event: `cancelledAt` tells a cancellation, `refundedAt` a refund. Where a fact comes from and
how sure it is: README.md of this folder.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct

from groundswell.connectors.actblue.donors import donor_of
from groundswell.connectors.actblue.gifts import action_of, donation_of, series_of
from groundswell.connectors.actblue.values import moment_of, number_of
from groundswell.errors import RecordError
from groundswell.record import Donation, Record, S, Text

Body = dict[str, Any]
Word = Literal["contribution", "refund", "cancellation", "declined", "pending", "elsewhere", "not_ours", "unknown"]

OWN: Final = "actblue:"
_ORDER: Final = re.compile(r"(?=.*[0-9])[A-Za-z0-9-]{1,40}", re.ASCII)
_NONE: Final[Body] = {}


class Rules(Struct, frozen=True):
    """What a source is told about whose money it is, and what a gift says."""

    entities: frozenset[str] = frozenset()
    """The own entity ids; none: all are own."""
    managed_forms: bool = False
    """Whether gifts to others are taken, as a sign of life of the donor."""
    subscribe: bool = False
    """Whether a gift is a yes to email."""


NO_RULES: Final = Rules()


def things_in(body: Body, rules: Rules = NO_RULES) -> list[tuple[str, Word]]:
    """What is in a body: id and word of each.

    One for each line item, in order; a single one where the body is a cancellation, or not understood ("unknown").
    What is "not_ours" has no id, and is not to be taken.
    """
    found = things_of(outline_of(body), rules)
    for place, (_, word) in enumerate(found):
        if word == "unknown":
            found[place] = _unknown_id(own_part(body, place) if len(found) > 1 else body), word
    return found


def own_part(body: Body, place: int) -> Body:
    """The body with nothing in `lineitems` but what stands at this place."""
    return body | {"lineitems": [body["lineitems"][place]]}


def record_of(body: Body, record_id: str, source: str, rules: Rules = NO_RULES) -> Record:
    """The record of one thing in a body, by the id that `things_in` gave it.

    Raises:
        RecordError: with reason `no_lineitem`, `no_lineitem_id`, `no_order`, `unknown_status`, `no_entity`,
            `bad_amount`, `bad_time` or `unreadable`.
    """
    word = record_id.removeprefix(OWN).partition("/")[0]
    try:
        match word:
            case "contribution" | "declined" | "pending" | "elsewhere":
                return _given(body, record_id, source, word, rules)
            case "refund":
                return _refund(body, record_id, source, rules)
            case "cancellation":
                return _cancellation(body, record_id, source)
    except RecordError as exc:
        raise RecordError(f"actblue: reading {record_id}: {exc}", exc.reason) from None
    raise _not_understood(body)


# ---- what is in a body ----


class LineItem(Struct):
    """Of a line item, what its id is made from."""

    lineitemId: Any = None  # noqa: N815 - theirs
    refundedAt: Any = None  # noqa: N815
    entityId: Any = None  # noqa: N815


class Contribution(Struct):
    """Of a contribution, what ids are made from."""

    orderNumber: Any = None  # noqa: N815
    status: Any = None
    refundedAt: Any = None  # noqa: N815
    cancelledAt: Any = None  # noqa: N815


class Outline(Struct):
    """Of a body, what ids are made from."""

    contribution: Contribution | None = None
    lineitems: Sequence[LineItem] | None = None


def outline_of(body: Body) -> Outline:
    """Whatever the body is made of; what has another shape than it should is not there."""
    contribution, items = body.get("contribution"), body.get("lineitems")
    return Outline(
        _picked(Contribution, contribution),
        [_picked(LineItem, item) for item in items] if type(items) is list else None,
    )


def things_of(outline: Outline, rules: Rules) -> list[tuple[str, Word]]:
    """As `things_in`, without ids for what is unknown: those take the whole body."""
    contribution, items = outline.contribution or Contribution(), outline.lineitems or ()
    if contribution.cancelledAt:
        if items and all(_is_elsewhere(item, rules) for item in items):
            return [("", "not_ours")]
        order = order_of(contribution.orderNumber)
        return [("", "unknown")] if order is None else [(f"{OWN}cancellation/{order}", "cancellation")]
    if not items:
        return [("", "unknown")]
    return [_thing(item, contribution, rules) for item in items]


def _thing(item: LineItem, contribution: Contribution, rules: Rules) -> tuple[str, Word]:
    number = number_of(item.lineitemId)
    word = "refund" if item.refundedAt or contribution.refundedAt else _word_of(contribution.status)
    if _is_elsewhere(item, rules):
        if not rules.managed_forms or word != "contribution":
            return "", "not_ours"
        word = "elsewhere"
    if number is None or word == "unknown":
        return "", "unknown"
    return f"{OWN}{word}/{number}", word


def _word_of(status: Any) -> Word:
    """Bodies that say no status are taken for money that came: cancellations, and rows of a CSV of paid ones."""
    if status is None or status == "":
        return "contribution"
    match status.strip().lower() if type(status) is str else None:
        case "approved":
            return "contribution"
        case "declined":
            return "declined"
        case "pending":
            return "pending"
        case _:
            return "unknown"


def _is_elsewhere(item: LineItem, rules: Rules) -> bool:
    """Whether it says that the money went to somebody else. Where it does not say, nobody knows."""
    if not rules.entities:
        return False
    entity = number_of(item.entityId)
    return entity is not None and entity not in rules.entities


def order_of(value: Any) -> str | None:
    """Their number of an order, such as AB700000123."""
    text = str(value) if type(value) is int else value.strip() if type(value) is str else ""
    return text if _ORDER.fullmatch(text) else None


def _picked(of: type[S], thing: Any) -> S:
    known = thing if type(thing) is dict else _NONE
    return of(**{name: known.get(name) for name in of.__struct_fields__})


def _unknown_id(body: Body) -> str:
    content = msgspec.json.encode(body, order="deterministic")
    return f"{OWN}unknown/sha256-{hashlib.sha256(content).hexdigest()[:32]}"


# ---- records ----


def _given(body: Body, record_id: str, source: str, word: str, rules: Rules) -> Record:
    """Money of ours that came is a donation. What did not come, or went elsewhere, is an action: no sink counts it."""
    is_ours = word != "elsewhere"
    item, gift = _item(body, record_id, rules if is_ours else NO_RULES), part(body, "contribution")
    donation = donation_of(body, gift, item, has_money=is_ours)
    is_donation = word == "contribution"
    return Record(
        id=record_id,
        kind="donation" if is_donation else "action",
        source=source,
        occurred_at=_paid_at(item, gift, donation),
        person=donor_of(body, gift, subscribes=rules.subscribe and is_donation),
        action=action_of(body, gift, "donation" if is_donation else f"donation_{word}"),
        donation=donation,
        raw=body,
    )


def _refund(body: Body, record_id: str, source: str, rules: Rules) -> Record:
    item, gift = _item(body, record_id, rules), part(body, "contribution")
    item = item | {"refundedAt": item.get("refundedAt") or gift.get("refundedAt")}
    return Record(
        id=record_id,
        kind="refund",
        source=source,
        occurred_at=moment_of(item["refundedAt"]),
        person=donor_of(body, None),
        donation=donation_of(body, gift, item),
        raw=body,
    )


def _cancellation(body: Body, record_id: str, source: str) -> Record:
    gift = part(body, "contribution")
    return Record(
        id=record_id,
        kind="cancellation",
        source=source,
        occurred_at=moment_of(gift.get("cancelledAt", UNSET)),
        person=donor_of(body, None),
        donation=series_of(body, gift),
        raw=body,
    )


def _paid_at(item: Body, gift: Body, donation: Donation) -> Text:
    """When it was paid; where it does not say, when it was given. That of a series is when its first payment was."""
    at = moment_of(item.get("paidAt", UNSET))
    if not at and donation.recurring is False:
        at = moment_of(gift.get("createdAt", UNSET))
    return at


def part(body: Body, name: str) -> Body:
    """The object under this name; {} where there is none."""
    found = body.get(name)
    return found if type(found) is dict else _NONE


def _item(body: Body, record_id: str, rules: Rules) -> Body:
    number = record_id.rpartition("/")[2]
    items = body.get("lineitems")
    for item in items if type(items) is list else ():
        if type(item) is dict and number_of(item.get("lineitemId")) == number:
            if rules.entities and number_of(item.get("entityId")) is None:
                raise RecordError(
                    "it does not say whose money it is (`entityId`), and `entities` is set; nothing was guessed",
                    reason="no_entity",
                )
            return item
    raise RecordError("there is no line item of this number in what came")


def _not_understood(body: Body) -> RecordError:
    """Why there is no record in it."""
    gift, items = part(body, "contribution"), body.get("lineitems")
    if gift.get("cancelledAt"):
        return _error("no_order", "a cancellation without an order number such as AB700000123")
    if type(items) is not list or not items:
        return _error("no_lineitem", "a body without a line item (`lineitems`): no shape we know")
    if _word_of(gift.get("status")) == "unknown":
        return _error("unknown_status", "its status is none of approved, declined and pending")
    return _error("no_lineitem_id", "a line item without a number (`lineitemId`), by which ActBlue knows a payment")


def _error(reason: str, words: str) -> RecordError:
    return RecordError(f"actblue: {words}; kept here, see the raw body", reason)
