"""ActBlue's contribution with one of its line items as a canonical donation, and where it was given as an action.

What records have no field for is kept under ActBlue's own name in `donation.fields`: all they are known to send, and
nothing else. Null and "" are null there, what was not sent is absent.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import UNSET, UnsetType

from groundswell.connectors.actblue.values import (
    amount_of,
    flag_of,
    number_of,
    plain,
    side_amount_of,
    side_flag_of,
    side_moment_of,
    side_number_of,
    side_text_of,
    text_of,
)
from groundswell.record import Action, Donation, Page, Text

Part = Mapping[str, Any]
_Reader = Callable[[Any], Any]

CURRENCY: Final = "USD"
"""They say none: ActBlue takes dollars only."""
PERIODS: Final = ("weekly", "monthly")


def _all(read: _Reader, *names: str) -> dict[str, _Reader]:
    return dict.fromkeys(names, read)


_OF_GIFT: Final = (
    _all(side_moment_of, "createdAt", "cancelledAt")
    | _all(
        side_text_of, "contributionForm", "creditCardExpiration", "recurringPeriod", "weeklyRecurringSunset",
        "abTestName", "abTestVariation", "uniqueIdentifier", "status", "thanksUrl", "retryUrl", "textMessageOption",
        "giftIdentifier", "shippingName", "shippingAddr1", "shippingCity", "shippingState", "shippingZip",
        "shippingCountry", "recurringType", "cancellationReason", "cancellationType",
    )
    | _all(
        side_flag_of, "isRecurring", "isPaypal", "isMobile", "isExpress", "withExpressLane", "expressSignup",
        "giftDeclined",
    )
    | _all(side_number_of, "recurringDuration", "recurCompleted", "recurPledged")
    | _all(side_amount_of, "smartBoostAmount")
    | _all(plain, "merchandise", "bumpYourRecurring")
)  # fmt: skip
_OF_ITEM: Final = (
    _all(side_number_of, "sequence", "entityId", "paymentId")
    | _all(side_text_of, "fecId")
    | _all(side_amount_of, "recurringAmount", "amountLessAbFees")
    | _all(side_moment_of, "paidAt", "refundedAt", "disbursedAt", "recoveredAt")
)
_OF_FORM: Final = _all(side_text_of, "ownerEmail", "managingEntityName", "managingEntityCommitteeName")
_MONEY: Final = ("recurringAmount", "amountLessAbFees", "smartBoostAmount")
_FLAT_REFCODES: Final = ("refcode", "refcode2")


def donation_of(body: Part, gift: Part, item: Part, *, has_money: bool = True) -> Donation:
    """The money of one line item; without `has_money` who gave and where, and no amount of it.

    Raises:
        RecordError: reason `bad_amount`.
    """
    fields = _kept(gift, _OF_GIFT) | _kept(item, _OF_ITEM) | _kept(_form(body), _OF_FORM)
    if not has_money:
        fields = {name: value for name, value in fields.items() if name not in _MONEY}
    recurring = _is_recurring(gift)
    return Donation(
        amount=amount_of(item.get("amount", UNSET)) if has_money else UNSET,
        currency=CURRENCY if has_money else UNSET,
        recurring=recurring,
        period=_period(gift) if recurring is True else UNSET,
        order_id=text_of(gift.get("orderNumber", UNSET)),
        lineitem_id=number_of(item.get("lineitemId")) or UNSET,
        recipient=text_of(item.get("committeeName", UNSET)),
        refcodes=_refcodes(gift),
        fields=fields,
    )


def series_of(body: Part, gift: Part) -> Donation:
    """A recurring gift that was stopped. Its amounts are those of the last payment, so it has none."""
    items = body.get("lineitems")
    names = {text_of(item.get("committeeName")) for item in items if type(item) is dict} if type(items) is list else ()
    return Donation(
        recurring=True,
        period=_period(gift),
        order_id=text_of(gift.get("orderNumber", UNSET)),
        recipient=next(iter(names)) or UNSET if len(names) == 1 else UNSET,
        refcodes=_refcodes(gift),
        fields=_kept(gift, _OF_GIFT) | _kept(_form(body), _OF_FORM),
    )


def action_of(body: Part, gift: Part, type_: str) -> Action:
    """Where it was given, and what was answered there."""
    return Action(type=type_, page=_page(body, gift), fields=_answers(gift), source_code=_source_code(gift))


def _kept(part: Part, readers: Mapping[str, _Reader]) -> dict[str, Any]:
    return {name: read(part[name]) for name, read in readers.items() if name in part}


def _form(body: Part) -> Part:
    form = body.get("form")
    return form if type(form) is dict else {}


def _page(body: Part, gift: Part) -> Page | UnsetType:
    """The form by its slug. A CSV may give its address, of which the slug is the last part."""
    form = _form(body)
    slug, kind = text_of(form.get("name")) or text_of(gift.get("contributionForm")), text_of(form.get("kind"))
    url: Text = UNSET
    if isinstance(slug, str) and slug.startswith(("https://", "http://")):
        url = slug
        slug = slug.partition("?")[0].rstrip("/").rpartition("/")[2]
    if not slug and not kind:
        return UNSET
    return Page(id=slug or UNSET, type=kind or UNSET, url=url)


def _answers(gift: Part) -> dict[str, Any]:
    """{label: answer}; without a label its place stands for it, and of one label there may be several answers."""
    found: dict[str, list[Any]] = {}
    asked = gift.get("customFields")
    for place, one in enumerate(asked if type(asked) is list else (), 1):
        if type(one) is dict:
            label = text_of(one.get("label"))
            found.setdefault(label if isinstance(label, str) else f"custom field {place}", []).append(
                plain(one.get("answer"))
            )
    return {label: answers[0] if len(answers) == 1 else answers for label, answers in found.items()}


def _refcodes(gift: Part) -> dict[str, Any]:
    """Those that say something; the flat copies of older bodies where the object does not have them."""
    codes = gift.get("refcodes")
    known = {name: code for name, value in codes.items() if (code := text_of(value))} if type(codes) is dict else {}
    for name in _FLAT_REFCODES:
        if name not in known and (code := text_of(gift.get(name))):
            known[name] = code
    return known


def _source_code(gift: Part) -> Text:
    code = _refcodes(gift).get("refcode")
    if code is not None:
        return str(code)
    return None if "refcodes" in gift or "refcode" in gift else UNSET


def _is_recurring(gift: Part) -> bool | UnsetType:
    said = flag_of(gift.get("isRecurring"))
    if isinstance(said, bool):
        return said
    period = text_of(gift.get("recurringPeriod"))
    if period == "once":
        return False
    return True if _period(gift) is not UNSET else UNSET


def _period(gift: Part) -> Text:
    word = text_of(gift.get("recurringPeriod"))
    word = word.lower() if isinstance(word, str) else ""
    return word if word in PERIODS else UNSET
