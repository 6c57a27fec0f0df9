"""What each reason of a dead letter means, and what to do: for the dashboard, and as it stands in docs/operating.md."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, in words for a person."""

    meaning: str
    what_to_do: str
    needs_person: bool = True
    """False: it is no trouble, and stands there only to be seen."""


_MEND_MAPPING: Final = "mend the mapping, reload, retry"
_MEND_RECORD: Final = "add it by hand and retry, or drop"
_UPGRADE: Final = "upgrade, then retry; if this is the newest version, report it"

REASONS: Final[dict[str, Reason]] = {
    "unreadable": Reason(
        "a body or a line nobody could read; the sender was answered 400", "look, tell the sender, drop"
    ),
    "test_event": Reason('somebody pressed "Send Test" in Action Network: it works', "drop", needs_person=False),
    "unknown_type": Reason("the vendor sends something this version does not know", _UPGRADE),
    "unknown_push": Reason("ActionKit pushed something this version does not know", _UPGRADE),
    "unknown_status": Reason("ActBlue gave a payment a status this version does not know", _UPGRADE),
    "bad_value": Reason("a transform met a value it cannot use", _MEND_MAPPING),
    "missing_value": Reason("a column that has to be filled is empty", "look at the file, ask its vendor, drop"),
    "rejected": Reason("the receiver will not take it as it is (4xx)", "mend it there, here or in the mapping, retry"),
    "not_found": Reason("who or what it is to be written to is not there", "make it there, or mend the setting; retry"),
    "invalid": Reason("the receiver refuses one of its fields", "mend it by hand or in the mapping, retry"),
    "empty_answer": Reason("Action Network answered 200 and did nothing, mostly because it refuses a field", "retry"),
    "conflict": Reason("ActionKit has one already that cannot be told from this", "look at both there; retry, or drop"),
    "gave_up": Reason("tried for `give_up_after`", "when the receiver is well again, retry"),
    "no_source": Reason("the configuration no longer has the source that took it", "put it back, reload, retry"),
    "defect": Reason("a mistake in groundswell", "report it; after the fix, retry"),
    "no_id": Reason("it has no id, or none that can be kept", "tell the sender, or name another field in the source"),
    "bad_time": Reason("its time is none we can read; nothing was guessed", "look, ask the sender, drop"),
    "no_time": Reason("it does not say when it happened", _MEND_RECORD),
    "no_lineitem": Reason("ActBlue sent a body without a payment in it", _UPGRADE),
    "no_lineitem_id": Reason("a payment without its number at ActBlue", _UPGRADE),
    "no_order": Reason("a cancellation without its order number", _UPGRADE),
    "no_order_id": Reason("a gift without an order number", _MEND_RECORD),
    "no_entity": Reason("it does not say whose money it is", "look at the gift in ActBlue; write it down there, drop"),
    "no_amount": Reason("a gift without a sum", _MEND_RECORD),
    "bad_amount": Reason("its sum is none, or does not fit the gift", "mend it by hand or in the mapping, retry"),
    "bad_currency": Reason("the receiver does not take this currency", "write the gift down there by hand, drop"),
    "bad_period": Reason("it recurs in a period the receiver has no word for", "write it down there by hand, drop"),
    "recurring": Reason("the way this sink writes takes no gifts that recur", 'set `way = "push"`, reload, retry'),
    "no_person": Reason("it says nothing about a person", _MEND_RECORD),
    "no_email": Reason("the receiver knows people by email, and there is none", _MEND_RECORD),
    "no_identity": Reason("nothing in it says who that is at the receiver", _MEND_RECORD),
    "no_group": Reason("a member of a group that is not named", _UPGRADE),
    "bad_phone": Reason("a phone that is not in E.164", "put `normalise_phone` before it, reload, retry"),
    "cannot_be_looked_up": Reason(
        "Action Network cannot look for such an email or phone", "mend it by hand, or add their number there; retry"
    ),
    "unknown_person": Reason(
        "Action Network has nobody with that number or email any more", "make them there first, or drop"
    ),
    "no_user": Reason(
        "nobody at ActionKit has that number: merged, or erased", "correct the number and retry, or drop"
    ),
    "gone": Reason("the person is not there any more: merged, or deleted", "drop"),
    "no_page": Reason("the page is not there, or no donation page", "mend it in ActionKit, retry"),
    "no_donation": Reason(
        "what is to be undone is not at ActionKit",
        "when it is there, retry; if written down by hand, undo it there, drop",
    ),
    "partial_refund": Reason(
        "only a part was paid back, and ActionKit undoes whole payments", "do it there by hand, drop"
    ),
    "failed": Reason(
        "ActionKit wrote the gift down as failed", "check `card_code` and `payment_account`, look at it there, retry"
    ),
    "not_complete": Reason("recorded at ActionKit, and not complete", "look at it there; a retry leaves it as it is"),
    "row_error": Reason("ActionKit could not import this row", "mend it by hand or in the mapping, retry"),
    "subscribed_unasked": Reason(
        "recorded, and the receiver put them on a list though told not to", "unsubscribe them there, drop"
    ),
    "email_taken": Reason("another person there has the email", "merge the two there, or correct the email; retry"),
    "not_taken": Reason("a field was not taken, without a word why", "look at the person there; mend it, retry"),
    "refused": Reason("Action Network refused the person, or a field", "mend it there, here or in the mapping, retry"),
}
"""By their codes, the commonest first."""

OTHERWISE: Final = Reason("see the message of each", "mend what it names, then retry, or drop")


def reason_of(code: str) -> Reason:
    """What to tell of a reason; of one that is a connector's own, where to read on."""
    return REASONS.get(code, OTHERWISE)
