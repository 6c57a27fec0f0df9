"""Who a person at a vendor is: the member behind the first of their phones that is one, if they are eligible."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from groundswell.members.member import Consent, Link

PHONE_TYPES: Final = ("mobile", "work", "home")
Prefer = Literal["first", "newest", "opted_in"]
Parse = Callable[[str], str | None]
"""A phone as it was typed to E.164; None for what is none."""


class Candidate(Struct, frozen=True):
    """Whether somebody can be a member: then `phone` is theirs, else `reason` says why not."""

    phone: str | None
    reason: str = ""
    """no_phone, bad_phone or no_opt_in."""


def candidate(
    phones: Mapping[str, Sequence[str]], types: Sequence[str], parse: Parse, *, has_opt_in: bool
) -> Candidate:
    """By preference over the types of phones, then by the order they stand in.

    Args:
        phones: By type, as they were typed.
        types: The preferred types; the usual ones after them.
        has_opt_in: Whether anything stands where the opt-in stands, even "TBD".
    """
    typed = [phone for type_ in dict.fromkeys((*types, *PHONE_TYPES)) for phone in phones.get(type_, ())]
    found = next((parsed for phone in typed if (parsed := parse(phone)) is not None), None)
    if found is None:
        return Candidate(None, "bad_phone" if typed else "no_phone")
    return Candidate(found) if has_opt_in else Candidate(found, "no_opt_in")


class Contender(Struct, frozen=True):
    """One of several who have one phone."""

    link: Link
    consent: Consent = "unknown"


def chosen(contenders: Sequence[Contender], prefer: Prefer) -> Contender:
    """Who of several with one phone is linked. Whoever is, stays: this is asked only when nobody is."""
    by_number = sorted(contenders, key=lambda one: _in_order(one.link.remote_id))
    if prefer == "newest":
        return max(by_number, key=lambda one: one.link.remote_at)
    if prefer == "opted_in":
        return next((one for one in by_number if one.consent == "yes"), by_number[0])
    return by_number[0]


def _in_order(remote_id: str) -> tuple[int, int, str]:
    """Numbers by their size, other ids by their letters."""
    return (0, int(remote_id), "") if remote_id.isascii() and remote_id.isdigit() else (1, 0, remote_id)
