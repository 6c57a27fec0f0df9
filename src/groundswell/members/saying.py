"""What a record says about being texted, and when that was said.

An action says it at its own time. A state is read again and again, and its time is when anything of it was changed:
only a word that is another than the one before says something, and the first word of all may be of any age. A no counts
from the latest it can have been said, a yes from the earliest: so that no stop is lost.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from groundswell.members.consent import line_of, rule
from groundswell.members.member import Consent, Member, Statement
from groundswell.members.opt_in import OPT_IN, WORDS
from groundswell.members.words import consent_in
from groundswell.record import Donation, Person, Record, seconds_of

SAID_AT: Final = "sms_opt_in_at"
"""In the state of a link, beside OPT_IN: the newest state that had their word; seconds since 1970."""
_UNDATED: Final = 0.0
"""Before everything else that was ever said."""


class Saying(Struct, frozen=True):
    """One word."""

    words: str
    """As they came."""
    at: float
    """The latest it can have been said; seconds since 1970."""
    is_dated: bool
    """Whether it was said just then. A yes that was not reopens nothing."""
    is_vague: bool = False
    """Whether it stands in a state: then a yes that is known already becomes no newer."""
    is_known: bool = False
    """Whether it was heard before, and only its time is news."""

    @property
    def said(self) -> Consent:
        return consent_in(self.words)


def said_in(record: Record, now: float) -> Saying | None:
    """What somebody said with what they did; None: nothing. `now`: nothing is said later than that.

    The payments of a recurring donation all repeat what was said with the first one, and refunds and cancellations too.
    """
    word = word_of(record.person) if isinstance(record.person, Person) else None
    if word is None or record.kind not in ("action", "donation"):
        return None
    at = moment_of(record, now)
    is_repeated = isinstance(record.donation, Donation) and record.donation.recurring is True
    return Saying(word, now if at is None else at, is_dated=at is not None and not is_repeated)


def said_in_state(
    seen: Mapping[str, str | None], word: str | None, at: float | None, now: float
) -> tuple[Saying | None, dict[str, str | None]]:
    """What a state of a person says that their last one did not, and what is to be remembered of it.

    Args:
        seen: What is remembered of this person's states.
        at: When it was modified, as they say; None: they do not.
    """
    said, moment = consent_in(word), now if at is None else at
    if word is None or said == "unknown":
        return None, dict(seen)
    known, known_at = consent_in(seen.get(OPT_IN)), float(seen.get(SAID_AT) or _UNDATED)
    if known != "unknown" and moment < known_at:
        # It came late. If it is another word, the newer one was a change: should that be a no, it counts from its time.
        is_restated = known == "no" and said == "yes"
        restated = Saying(WORDS["no"], known_at, is_dated=True, is_vague=True, is_known=True)
        return restated if is_restated else None, dict(seen)
    remembered = {**seen, OPT_IN: WORDS[said], SAID_AT: repr(moment)}
    if said == known:
        return None, remembered
    return Saying(word, moment, is_dated=at is not None and known != "unknown", is_vague=True), remembered


def heard(member: Member, saying: Saying, record: Record, now: float) -> tuple[Member, Statement | None]:
    """The member after this was said, and the line of the ledger; None where it is no news."""
    at = saying.at if saying.is_dated or saying.said == "no" else _UNDATED
    # A yes that is known and stands in one more state becomes no newer: a stop said in between would be lost.
    since = _UNDATED if saying.is_vague and saying.said == member.consent else None
    ruling = rule(member.consent, member.consent_at, saying.said, at, since=since)
    is_new = (ruling.consent, ruling.at) != (member.consent, member.consent_at)
    if not is_new and (saying.is_known or ruling.decision == "same"):
        return member, None
    line = line_of(
        member,
        ruling,
        saying.words,
        source=record.source,
        record_id=record.id,
        said_at=saying.at,
        learnt_at=now,
    )
    if is_new:
        member = msgspec.structs.replace(member, consent=ruling.consent, consent_at=ruling.at, changed_at=now)
    return member, line


def word_of(person: Person) -> str | None:
    """The opt-in of a record as a word, read or not; None where it says nothing."""
    match person.sms_opt_in:
        case True:
            return WORDS["yes"]
        case False:
            return WORDS["no"]
        case str(word) if word.strip():
            return word
    return None


def moment_of(record: Record, now: float) -> float | None:
    """When it occurred, as they say; seconds since 1970. A clock that is fast must not make it last for years."""
    at = seconds_of(record.occurred_at)
    return None if at is None else min(at, now)
