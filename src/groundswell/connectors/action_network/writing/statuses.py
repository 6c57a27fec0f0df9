"""Who may be mailed and texted: which status is sent, and when none is.

What a status does, documented by them [D]: the signup helper subscribes the email of a newcomer unless it is told
otherwise, and leaves a new mobile number unsubscribed unless it is told otherwise; without a status nothing changes for
those who are there. So: a no is always written; a yes only where it cannot undo somebody's own no; and unknown is never
a yes.
"""

from typing import Final

from msgspec import Struct

from groundswell.connectors.action_network.writing.changes import Shown
from groundswell.connectors.action_network.writing.outgoing import Status
from groundswell.record import OptIn

SUBSCRIBED: Final[Status] = "subscribed"
UNSUBSCRIBED: Final[Status] = "unsubscribed"
STOPPED: Final = ("unsubscribed", "spam complaint")
"""No mail goes there, because the person said so."""


class Policy(Struct, frozen=True):
    """What the settings allow."""

    newcomers: Status
    """For the email of a newcomer of whom nobody knows."""
    resubscribes_email: bool
    resubscribes_sms: bool


class Statuses(Struct, frozen=True):
    """Which statuses a write sends; None: none."""

    email: Status | None = None
    phone: Status | None = None

    def missing_in(self, shown: Shown) -> set[str]:
        """The canonical names of those that are not as they were sent."""
        kept = {
            "email_opt_in": _is_kept(self.email, shown.email_status),
            "sms_opt_in": _is_kept(self.phone, shown.phone_status),
        }
        return {name for name, is_kept in kept.items() if not is_kept}


def email_status(
    opt_in: OptIn, shown: Shown | None, policy: Policy, *, email: str | None, is_sent: bool
) -> Status | None:
    """The status to send with, or for, the email; None: none.

    Args:
        shown: The person as they are; None for a newcomer.
        email: What the record says.
        is_sent: Whether that is written: they have none, or another one.
    """
    if shown is None or shown.email is None:
        return _newcomer(opt_in, policy) if is_sent else None
    has_stopped = shown.email_status in STOPPED
    if opt_in is False:
        return None if has_stopped and not is_sent else UNSUBSCRIBED
    may_resubscribe = policy.resubscribes_email and shown.email_status == UNSUBSCRIBED
    # Only the address that is there: a new one may be refused [L], and then its yes would subscribe the old one.
    if opt_in is True and may_resubscribe and not is_sent and shown.has_email(email):
        return SUBSCRIBED
    # A new address must not come without the no of the one before it.
    return UNSUBSCRIBED if has_stopped and is_sent else None


def phone_status(
    opt_in: OptIn, shown: Shown | None, policy: Policy, *, digits: str | None, is_sent: bool, holder: Shown | None
) -> Status | None:
    """The status to send with, or for, the phone; None: none.

    "unsubscribed" is what every new number is [D], so nobody can tell a stop from a number that was never asked: a yes
    is written over it only where the settings say so.

    Args:
        digits: What the record says.
        is_sent: Whether that is written: they have none, or another one.
        holder: Somebody else who has the number so far.
    """
    there = shown.phone_status if shown is not None else None
    if not is_sent:
        if shown is None or shown.phone is None:
            return None
        if opt_in is False:
            return None if there == UNSUBSCRIBED else UNSUBSCRIBED
        is_asked = opt_in is True and there == UNSUBSCRIBED and shown.has_phone(digits)
        return SUBSCRIBED if is_asked and policy.resubscribes_sms else None
    if opt_in is False:
        return UNSUBSCRIBED
    if opt_in is not True:
        return None
    # As with emails: were the number refused, its yes would subscribe the one before it.
    if there not in (None, SUBSCRIBED):
        return None
    elsewhere = holder.phone_status if holder is not None else None
    may_resubscribe = policy.resubscribes_sms and elsewhere == UNSUBSCRIBED
    return SUBSCRIBED if elsewhere in (None, SUBSCRIBED) or may_resubscribe else None


def is_yes_held_back(email_opt_in: OptIn, sms_opt_in: OptIn, shown: Shown, *, digits: str | None) -> bool:
    """Whether the record says yes to what they have as a no, or as an address that cannot be mailed."""
    is_email = email_opt_in is True and shown.email_status not in (None, SUBSCRIBED)
    is_phone = sms_opt_in is True and shown.phone_status not in (None, SUBSCRIBED) and shown.has_phone(digits)
    return is_email or is_phone


def _newcomer(opt_in: OptIn, policy: Policy) -> Status:
    if isinstance(opt_in, bool):
        return SUBSCRIBED if opt_in else UNSUBSCRIBED
    return policy.newcomers


def _is_kept(sent: Status | None, there: str | None) -> bool:
    return sent is None or there == sent or (sent == UNSUBSCRIBED and there in STOPPED)
