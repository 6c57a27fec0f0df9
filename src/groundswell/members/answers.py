"""What a value that was read says of the values that were sent there: written, under way still, or made something else.

A write goes over nothing but what was expected there, so whoever was there meanwhile has not been written over.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Final

from msgspec import UNSET, Struct

from groundswell.members.member import Sent
from groundswell.members.merge import Text
from groundswell.members.values import normal
from groundswell.members.words import consent_in

WrittenAt = Callable[[int], float | None]
"""When what an entry of the inbox sent there is known to have been written, all of it; None: it may be under way."""
NOTHING_SENT: Final = ()


class Answer(Struct, frozen=True):
    """What is known of what was sent."""

    sent: tuple[Sent, ...] = NOTHING_SENT
    """What is still under way."""
    agreed: Text = UNSET
    """In normal form, what both had since; UNSET: nothing is known."""
    is_turned: bool = False
    """Whether something else stands there now."""


_TURNED: Final = Answer(is_turned=True)


def answer(
    field: str,
    value: str | None,
    before: str | None,
    sent: Sequence[Sent],
    at: float,
    written_at: WrittenAt,
    *,
    is_derived: bool = False,
) -> Answer:
    """Hold what was read against what was sent.

    Args:
        before: What was read there before.
        at: When the state that was read was modified.
        is_derived: Whether their system makes this of another field: then it stands there as soon as it is written, and
            the state need not be later.
    """
    form, forms = normal(field, value), [normal(field, one.value) for one in sent]
    if form == normal(field, before):
        return _unchanged(form == forms[-1], sent, forms[-1], at, written_at, is_derived=is_derived)
    if form not in forms:
        return _TURNED  # somebody was there, or their system made something else of it
    under_way = _after(form, forms, sent, inf if is_derived else at, written_at)
    # Made of another field, it may be like an earlier one, and is not like the last one that was written.
    return Answer(under_way, form, is_turned=is_derived and form != forms[-1] and not under_way)


def answer_word(word: str | None, before: str | None, sent: Sequence[Sent], at: float, written_at: WrittenAt) -> Answer:
    """The same for an opt-in: whatever word somebody else writes there is not ours, though it may mean the same."""
    words = [one.value for one in sent]
    if word == before:
        return _unchanged(consent_in(word) == consent_in(words[-1]), sent, words[-1], at, written_at)
    if word not in words:
        return Answer((), words[-1], is_turned=True)
    return Answer(_after(word, words, sent, at, written_at))


def _unchanged(
    is_last: bool,
    sent: Sequence[Sent],
    last: str | None,
    at: float,
    written_at: WrittenAt,
    *,
    is_derived: bool = False,
) -> Answer:
    """There stands what stood there before."""
    written = written_at(sent[-1].seq)
    if written is not None and is_last:
        return Answer(agreed=last)  # there and back
    if written is not None and (is_derived or at > written):
        return Answer(agreed=last, is_turned=True)
    return Answer(tuple(sent))


def _after(
    echo: str | None, forms: Sequence[str | None], sent: Sequence[Sent], at: float, written_at: WrittenAt
) -> tuple[Sent, ...]:
    """What was sent after an echo. What was written before it has come and gone: a write was tried again."""
    if echo == forms[-1] and written_at(sent[-1].seq) is not None:
        return ()
    later = sent[forms.index(echo) + 1 :]
    return tuple(one for one in later if (written := written_at(one.seq)) is None or at <= written)
