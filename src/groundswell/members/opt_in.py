"""The opt-in of a member and the word for it at one counterpart: what a word there says, and which word is written.

Where it cannot be told who wrote a word, a no is taken for a person's, and a yes for ours.
"""

from collections.abc import Sequence
from typing import Final

from groundswell.members.answers import WrittenAt
from groundswell.members.consent import FirstContact, Ruling, rule
from groundswell.members.member import Consent, Link, Member, Sent
from groundswell.members.words import consent_in

OPT_IN: Final = "sms_opt_in"
"""In the state of a link: their word, as it stands there."""
WORDS: Final[dict[Consent, str]] = {"yes": "true", "no": "false"}
"""How an opt-in is written there."""
CLOCKS_S: Final = 60.0
"""How far their clock may be from ours, with the time a write takes."""
STAMP_S: Final = 1.0
"""What a stamp of theirs may leave out, in seconds."""


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
    since = _since(member, link)
    return rule(member.consent, member.consent_at, consent_in(word), at, since=since, first_contact=first_contact)


def _since(member: Member, link: Link) -> float:
    """When what stands there now was said, at the earliest: after the state before, where another word stood."""
    if OPT_IN not in link.seen:
        return 0.0
    if consent_in(link.seen[OPT_IN]) != "no":
        return link.remote_at - STAMP_S
    # Where the member's no stood too, whatever was said since was said after it.
    stood_too = member.consent == "no" and link.remote_at >= member.consent_at - CLOCKS_S
    return max(link.remote_at, member.consent_at) if stood_too else link.remote_at


def _is_news(member: Member, link: Link, word: str | None, at: float, written_at: WrittenAt) -> bool:
    if OPT_IN not in link.seen:
        return True
    said, sent = consent_in(word), link.pending.get(OPT_IN, ())
    if word == link.seen[OPT_IN]:
        # Our yes is known to be written, and there stands a no: somebody said so again.
        return said == "no" and bool(sent) and at > link.remote_at and written_at(sent[-1].seq) is not None
    ours = next((one for one in sent if word == one.value), None)
    if ours is not None:
        # Our own word comes with the time of our write. A no of another time may be a person's.
        written = written_at(ours.seq)
        return said == "no" and (written is None or abs(at - written) > CLOCKS_S)
    return said != "yes" or not any(word == one.value and _may_be(one, at, written_at) for one in link.lost)


def lost(link: Link, word: str | None, under_way: Sequence[Sent], at: float, written_at: WrittenAt) -> tuple[Sent, ...]:
    """Of all that was sent, what may stand there later, though this state does not show it.

    A word goes only over what was expected there; but what is there may have been taken back by then.
    """
    left = [one for one in (*link.lost, *link.pending.get(OPT_IN, ())) if one not in under_way]
    return tuple(
        one
        for one in left
        if not (word == one.value and _may_be(one, at, written_at))
        and ((written := written_at(one.seq)) is None or at <= written + CLOCKS_S)
    )


def _may_be(ours: Sent, at: float, written_at: WrittenAt) -> bool:
    """Whether a word that stands there since then may be this one of ours."""
    written = written_at(ours.seq)
    return written is None or abs(at - written) <= CLOCKS_S


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
