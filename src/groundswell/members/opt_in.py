"""The opt-in of a member and the word for it at one counterpart: what a word there says, and which word is written.

Where it cannot be told who wrote a word, a no is taken for a person's, and a yes for ours.
"""

from math import inf, nextafter
from typing import Final

from groundswell.members.answers import WrittenAt
from groundswell.members.consent import FirstContact, Ruling, rule
from groundswell.members.member import Consent, Link, Member
from groundswell.members.words import consent_in

OPT_IN: Final = "sms_opt_in"
"""In the state of a link: their word, as it stands there."""
WORDS: Final[dict[Consent, str]] = {"yes": "true", "no": "false"}
"""How an opt-in is written there."""


def heard(
    member: Member,
    link: Link,
    word: str | None,
    at: float,
    written_at: WrittenAt,
    first_contact: FirstContact | None = None,
) -> Ruling | None:
    """What a word in a state makes of the member's consent; None where it says nothing new.

    To be asked before the state is `read`, with the link as it was.

    Args:
        at: When the state was last modified. The word was changed some time since the state before: a yes counts from
            the earliest it can have been said, a no from the latest.
        first_contact: As for `rule`.
    """
    if at < link.remote_at or not _is_news(member, link, word, at, written_at):
        return None
    # Another word stood there in the state before, so this one was said after that.
    since = nextafter(link.remote_at, inf) if OPT_IN in link.seen else 0.0
    if member.consent == "no" == consent_in(link.seen.get(OPT_IN)) and not link.pending.get(OPT_IN):
        since = at  # that no stood here too when this was last read: whatever was said here since was said after it
    return rule(member.consent, member.consent_at, consent_in(word), at, since=since, first_contact=first_contact)


def _is_news(member: Member, link: Link, word: str | None, at: float, written_at: WrittenAt) -> bool:
    if OPT_IN not in link.seen:
        return True
    said, sent = consent_in(word), link.pending.get(OPT_IN, ())
    if word == link.seen[OPT_IN]:
        # Our yes is known to be written, and there stands a no: somebody said so again.
        return said == "no" and bool(sent) and at > link.remote_at and written_at(sent[-1].seq) is not None
    if any(word == one.value for one in sent):
        # Our own word; but a no that stands there since they said yes to us could be theirs.
        return said == "no" and member.consent == "yes" and at >= member.consent_at
    return True


def wanted(member: Member, link: Link, turns_max: int) -> str | None:
    """The word to be written there; None: it says what the member said, or is going to.

    A no is sent at once. A yes waits for the no before it: until that has been seen there, a no that is read could be
    ours or a person's, and the yes would go over it.
    """
    word = WORDS.get(member.consent)
    if word is None:
        return None
    seen, sent = link.seen.get(OPT_IN), link.pending.get(OPT_IN, ())
    if consent_in(sent[-1].value if sent else seen) == member.consent:
        return None
    if word == WORDS["yes"] and sent and consent_in(seen) != "no":
        return None
    if link.turned.get(OPT_IN, 0) >= turns_max and link.base.get(OPT_IN) == word:
        return None  # it does not stay there
    return word
