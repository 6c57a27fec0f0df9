"""The money of a donation: texts with two digits after the point, in recipients that make up the whole."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final

from groundswell.connectors.action_network.simulator.calls.answers import FailedPostError, Json
from groundswell.connectors.action_network.simulator.state.thing import Thing
from groundswell.connectors.action_network.simulator.state.world import SPONSOR

_AMOUNT_MAX: Final = 10_000_000
_PERIODS: Final = ("Weekly", "Monthly", "Every 3 Months", "Quarterly", "Yearly")


def donation_fields(body: Json, page: Thing) -> Json:
    """What is kept of a donation to this page. `payment` is not among it: theirs ignores it (seen live).

    Raises:
        FailedPostError: there is no amount.
    """
    recipients = _recipients(body.get("recipients"))
    if not recipients:
        raise FailedPostError("a donation without recipients and amounts")
    sent = body.get("currency")
    currency = sent if isinstance(sent, str) and sent else str(page.fields.get("currency", "USD"))
    recurrence = body.get("action_network:recurrence")
    return {
        # What was sent over the API as USD comes back as usd (seen live); the documentation has USD.
        "currency": currency.lower() if page.is_api_made else currency,
        "amount": _sum(recipients),
        "recipients": recipients,
        "action_network:recurrence": _recurrence(recurrence if isinstance(recurrence, dict) else {}),
    }


def with_recipients(fields: Json, sent: Any) -> Json:
    """The recipients that are PUT are added to those that are there (seen live)."""
    recipients = [*fields["recipients"], *_recipients(sent)]
    return {"recipients": recipients, "amount": _sum(recipients)}


def _recipients(sent: Any) -> list[Json]:
    recipients = []
    for one in sent if isinstance(sent, list) else ():
        amount = _amount(one.get("amount")) if isinstance(one, dict) else None
        if amount is not None:
            name = one.get("display_name")
            recipients.append({"display_name": name if isinstance(name, str) else SPONSOR, "amount": f"{amount:.2f}"})
    return recipients


def _amount(sent: Any) -> Decimal | None:
    try:
        amount = Decimal(str(sent))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 < amount < _AMOUNT_MAX else None


def _sum(recipients: list[Json]) -> str:
    return f"{sum(Decimal(one['amount']) for one in recipients):.2f}"


def _recurrence(sent: Json) -> Json:
    if sent.get("recurring") is not True:
        return {"recurring": False}
    period = sent.get("period")
    return {"recurring": True, "period": period if period in _PERIODS else "Monthly"}
