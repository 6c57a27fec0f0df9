"""What somebody said about being texted, and which of two sayings counts.

An explicit no beats every older yes, and nothing older or vaguer beats it; only a yes that was said later reopens.
Unknown changes nothing.
"""

from typing import Literal

from msgspec import Struct

from groundswell.members.member import Consent

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
    first_contact: FirstContact | None = None,
    is_vague: bool = False,
) -> Ruling:
    """Hold what is known against what is said.

    Args:
        known_at: When that was said; seconds since 1970.
        first_contact: None but when a counterpart is linked to a member who was there before. Then what their record
            says is no statement of now, and `said_at` only says when the record was changed.
        is_vague: Whether `said_at` is when a record was changed, rather than when the words were said. Then saying yes
            again does not make the yes any newer: a stop said in between would lose.
    """
    if said == "unknown":
        return Ruling(known, known_at, "unknown")
    if said == known:
        # A no that is said again is as new as it can be: an older yes that comes late must not reopen.
        return Ruling(known, known_at if is_vague and said == "yes" else max(known_at, said_at), "same")
    if known == "unknown":
        return Ruling(said, said_at, "changed")
    if first_contact is not None:
        if first_contact == "stop" and said == "no":
            return Ruling("no", said_at, "changed")
        return Ruling(known, known_at, "first_contact")
    is_newer = said_at >= known_at if said == "no" else said_at > known_at
    return Ruling(said, said_at, "changed") if is_newer else Ruling(known, known_at, "older")
