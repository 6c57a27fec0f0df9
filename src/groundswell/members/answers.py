"""What a value that was read says of the values that were sent there: written, under way still, or made something else.

A write goes over nothing but what was expected there, so whoever was there meanwhile has not been written over.
"""

from typing import Final

from msgspec import UNSET, Struct

from groundswell.members.merge import Text
from groundswell.members.values import normal
from groundswell.members.words import consent_in

Sent = tuple[str | None, ...]
"""Values of one field on their way, the oldest first."""


class Answer(Struct, frozen=True):
    """What is known of what was sent."""

    sent: Sent = ()
    """What is still under way."""
    agreed: Text = UNSET
    """In normal form, what both had since; UNSET: nothing is known."""
    is_turned: bool = False
    """Whether something else stands there now."""


NOTHING_SENT: Final = Answer()
_TURNED: Final = Answer(is_turned=True)


def answer(
    field: str, value: str | None, before: str | None, sent: Sent, *, is_written: bool, is_later: bool
) -> Answer:
    """Hold what was read against what was sent.

    Args:
        before: What was read there before.
        is_written: Whether all that was sent is known to have been written.
        is_later: Whether the state that was read is known to be later than that.
    """
    form, forms = normal(field, value), [normal(field, one) for one in sent]
    if form == normal(field, before):
        return _unchanged(form == forms[-1], sent, forms[-1], is_written, is_later)
    if form not in forms:
        return _TURNED  # somebody was there, or their system made something else of it
    # An echo. Should the later ones be written already, they were before it, and this came late.
    return Answer(() if is_later else sent[forms.index(form) + 1 :], form)


def answer_word(word: str | None, before: str | None, sent: Sent, *, is_written: bool, is_later: bool) -> Answer:
    """The same for an opt-in: whatever word somebody else writes there is not ours, though it may mean the same."""
    if word == before:
        return _unchanged(consent_in(word) == consent_in(sent[-1]), sent, sent[-1], is_written, is_later)
    if word not in sent:
        return Answer((), sent[-1], True)
    return Answer(() if is_later else sent[sent.index(word) + 1 :])


def _unchanged(is_last: bool, sent: Sent, last: str | None, is_written: bool, is_later: bool) -> Answer:
    """There stands what stood there before."""
    if not is_written:
        return Answer(sent)
    if is_last:
        return Answer(agreed=last)  # there and back
    return Answer((), last, True) if is_later else Answer(sent)
