"""What somebody said about being texted, and which of two sayings counts.

An explicit no beats every older yes, and nothing older or vaguer beats it; only a yes that was said later reopens.
Unknown changes nothing.
"""

from typing import Literal

from msgspec import Struct

from groundswell.members.member import Consent, Member, Statement
from groundswell.members.words import consent_in

Decision = Literal["changed", "same", "unknown", "older", "first_contact"]
FirstContact = Literal["member", "stop"]
"""Who is believed when a member and a counterpart meet for the first time: the member, or whoever says no."""


class Ruling(Struct, frozen=True):
    """What counts now."""

    consent: Consent
    at: float
    """When it was said."""
    decision: Decision


def rule(
    known: Consent,
    known_at: float,
    said: Consent,
    said_at: float,
    *,
    since: float | None = None,
    first_contact: FirstContact | None = None,
) -> Ruling:
    """Hold what is known against what is said.

    Args:
        known_at: When that was said; seconds since 1970.
        said_at: When this was said, at the latest.
        since: It was said after this; None: at `said_at`. A yes counts from here, so that no stop said in between is
            lost.
        first_contact: None but when a counterpart is linked to a member who was there before. Then what their record
            says is no statement of now, and `said_at` only says when the record was changed.
    """
    at = said_at if said == "no" or since is None else min(since, said_at)
    if said == "unknown":
        return Ruling(known, known_at, "unknown")
    if said == known:
        return Ruling(known, max(known_at, at), "same")
    if known == "unknown":
        return Ruling(said, at, "changed")
    if first_contact is not None:
        if first_contact == "stop" and said == "no":
            return Ruling("no", at, "changed")
        return Ruling(known, known_at, "first_contact")
    is_newer = at > known_at or (at == known_at and (said == "no" or since is not None))
    return Ruling(said, at, "changed") if is_newer else Ruling(known, known_at, "older")


def line_of(
    member: Member, ruling: Ruling, words: str, *, source: str, record_id: str, said_at: float, learnt_at: float
) -> Statement:
    """The line of the ledger about this ruling. `member`: as they were before it; `words`: as they came."""
    return Statement(
        phone=member.phone,
        old=member.consent,
        new=ruling.consent,
        said=consent_in(words),
        words=words,
        decision=ruling.decision,
        source=source,
        record_id=record_id,
        said_at=said_at,
        learnt_at=learnt_at,
    )
