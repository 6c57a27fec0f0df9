"""Who is subscribed to what: what may be written, so that nobody is subscribed by accident.

Their rules [D]: a status that is not sent leaves an existing one alone; a new email address without one is subscribed,
a new mobile number is not. Ours: an unknown opt-in is never a yes; a no is always written; a yes brings somebody back
who is unsubscribed only where that is asked for; and an address that bounced or complained is left alone.
"""

from typing import Literal

from groundswell.connectors.action_network.hal import Resource
from groundswell.record import OptIn

Status = Literal["subscribed", "unsubscribed"]


def for_newcomer(opt_in: OptIn, otherwise: Status) -> Status:
    """What the email address of somebody new is to be; `otherwise` where nothing is known."""
    if opt_in is True:
        return "subscribed"
    return "unsubscribed" if opt_in is False else otherwise


def for_new_phone(opt_in: OptIn) -> Status | None:
    """What a number they do not have yet is to be; None leaves it unsubscribed, as all new numbers are."""
    return "subscribed" if opt_in is True else "unsubscribed" if opt_in is False else None


def for_known(opt_in: OptIn, theirs: str | None, *, may_return: bool) -> Status | None:
    """What to write to an address or number they have; None: nothing."""
    if opt_in is False and theirs in ("subscribed", None):
        return "unsubscribed"
    if opt_in is True and theirs == "unsubscribed" and may_return:
        return "subscribed"
    return None


def status_in(person: Resource, entries: str) -> str | None:
    """The status of the primary address or number of a person of theirs."""
    found = person.get(entries)
    if not isinstance(found, list):
        return None
    kept = [entry for entry in found if isinstance(entry, dict)]
    primary = next((entry for entry in kept if entry.get("primary") is True), kept[0] if kept else {})
    status = primary.get("status")
    return status if isinstance(status, str) else None
