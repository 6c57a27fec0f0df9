"""Consent: which of two sayings counts, what a word at a counterpart says, and which word is written there."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.members.answers import WrittenAt
from groundswell.members.consent import FirstContact, Ruling, rule
from groundswell.members.linked import SyncRules, in_step, read
from groundswell.members.member import Consent, Link, Member, Sent
from groundswell.members.opt_in import OPT_IN, heard
from groundswell.members.words import consent_in

consents = st.sampled_from(["yes", "no", "unknown"])
moments = st.sampled_from([0.0, 1.0, 2.0, 3.0])


# ---- which of two sayings counts ----


@given(consents, moments, consents, moments, moments, st.sampled_from([None, "member", "stop"]))
def test_no_stop_is_lost_and_no_vaguer_word_counts(
    known: Consent, known_at: float, said: Consent, said_at: float, since: float, first_contact: FirstContact | None
) -> None:
    now = rule(known, known_at, said, said_at, since=since, first_contact=first_contact)
    if said == "unknown":
        assert (now.consent, now.at) == (known, known_at)
    if known == "no" and now.consent == "yes":
        assert min(since, said_at) >= known_at
        assert first_contact is None
    if said == "no" and said_at >= known_at and first_contact != "member":
        assert now.consent == "no"
    assert now.consent in (known, said)
    assert now.at >= known_at or now.consent != known


@given(st.lists(st.tuples(st.sampled_from(["yes", "no"]), st.integers(1, 5)), min_size=1), st.randoms())
def test_statements_give_the_same_in_whatever_order_they_come(said: list[tuple[Consent, int]], random: Random) -> None:
    def after(statements: list[tuple[Consent, int]]) -> tuple[Consent, float]:
        consent: Consent = "unknown"
        at = 0.0
        for word, moment in statements:
            now = rule(consent, at, word, moment)
            consent, at = now.consent, now.at
        return consent, at

    shuffled = list(said)
    random.shuffle(shuffled)
    assert after(shuffled) == after(said)


def test_at_first_contact_the_member_counts_or_whoever_says_stop() -> None:
    assert rule("yes", 1, "no", 9, first_contact="member") == Ruling("yes", 1, "first_contact")
    assert rule("no", 1, "yes", 9, first_contact="member") == Ruling("no", 1, "first_contact")
    assert rule("yes", 9, "no", 1, first_contact="stop") == Ruling("no", 1, "changed")
    assert rule("no", 1, "yes", 9, first_contact="stop") == Ruling("no", 1, "first_contact")
    assert rule("unknown", 0, "yes", 9, first_contact="member") == Ruling("yes", 9, "changed")


@pytest.mark.parametrize("word", ["t", "TRUE", "1", " y ", "Yes", "opt  in", "OPT-IN"])
def test_words_that_mean_yes(word: str) -> None:
    assert consent_in(word) == "yes"


@pytest.mark.parametrize("word", ["f", "FALSE", "0", " n ", "No", "opt  out", "OPT-OUT"])
def test_words_that_mean_no(word: str) -> None:
    assert consent_in(word) == "no"


@pytest.mark.parametrize("word", [None, "", "TBD", "maybe", "optin", "yes please", "x" * 1000])
def test_words_that_mean_nothing(word: str | None) -> None:
    assert consent_in(word) == "unknown"


# ---- what a word there says ----


def member(consent: Consent, at: float) -> Member:
    return Member(1, "+15035550144", consent=consent, consent_at=at)


def link(seen: str | None, remote_at: float, *sent: str) -> Link:
    pending = {OPT_IN: tuple(Sent(word, number) for number, word in enumerate(sent, 1))} if sent else {}
    return Link("account", "7", 1, "synced", remote_at=remote_at, seen={OPT_IN: seen}, pending=pending)


def not_yet(_: int) -> None:
    return None


def test_a_word_that_stands_as_it_stood_says_nothing_however_new_the_state() -> None:
    assert heard(member("no", 50), link("Yes", 10), "Yes", 99, not_yet) is None
    assert heard(member("yes", 50), link("no", 10), "no", 99, not_yet) is None


def test_a_state_that_came_late_says_nothing() -> None:
    assert heard(member("yes", 5), link("true", 60), "no", 59, not_yet) is None


def test_a_yes_reopens_only_when_it_was_surely_said_after_the_no() -> None:
    # Read at 40 as TBD and at 99 as yes: it may have been said at 41, before the no.
    assert heard(member("no", 50), link("TBD", 40), "yes", 99, not_yet) == Ruling("no", 50, "older")
    # Stamps have whole seconds: what stood there at 50 may have been read before the no.
    assert heard(member("no", 50), link("TBD", 50), "yes", 99, not_yet) == Ruling("no", 50, "older")
    assert heard(member("no", 50), link("TBD", 51), "yes", 99, not_yet) == Ruling("yes", 50, "changed")


@pytest.mark.parametrize(("stood_at", "counts_from"), [(40, 50.4), (50, 50.4), (51, 51)])
def test_a_yes_reopens_where_the_no_itself_stood_though_the_clocks_are_apart(stood_at: int, counts_from: float) -> None:
    ruling = heard(member("no", 50.4), link("false", stood_at), "yes", 99, not_yet)
    assert ruling == Ruling("yes", counts_from, "changed")


def test_a_no_said_again_elsewhere_since_is_not_reopened_by_a_yes_that_may_be_older() -> None:
    assert heard(member("no", 500), link("false", 50), "yes", 999, not_yet) == Ruling("no", 500, "older")
    # The no is written over it, and has stood there since: whoever says yes again is heard.
    assert heard(member("no", 500), link("false", 1000), "yes", 2000, not_yet) == Ruling("yes", 1000, "changed")


def test_a_no_counts_from_the_latest_it_can_have_been_said() -> None:
    assert heard(member("yes", 50), link("true", 40), "no", 60, not_yet) == Ruling("no", 60, "changed")
    assert heard(member("yes", 50), link("true", 10), "no", 49, not_yet) == Ruling("yes", 50, "older")


def test_our_own_word_read_back_says_nothing() -> None:
    written = {1: 61.0}.get
    assert heard(member("no", 50), link("Yes", 10, "false"), "false", 60, written) is None
    assert heard(member("yes", 55), link("Yes", 10, "false"), "false", 90, written) is None
    assert heard(member("yes", 50), link("no", 10, "true"), "true", 60, not_yet) is None


def test_a_no_like_ours_of_another_time_than_our_write_is_a_persons() -> None:
    behind = link("Yes", 10, "false")
    assert heard(member("yes", 50), behind, "false", 60, not_yet) == Ruling("no", 60, "changed")
    assert heard(member("yes", 50), behind, "false", 60, {1: 500.0}.get) == Ruling("no", 60, "changed")
    assert heard(member("yes", 50), behind, "false", 500, {1: 60.0}.get) == Ruling("no", 500, "changed")
    assert heard(member("yes", 70), behind, "false", 60, not_yet) == Ruling("yes", 70, "older")


@pytest.mark.parametrize(("written_at", "expected"), [(not_yet, None), ({1: 55.0}.get, Ruling("no", 60, "changed"))])
def test_a_no_that_stands_there_again_once_our_yes_was_written_counts(
    written_at: WrittenAt, expected: Ruling | None
) -> None:
    assert heard(member("yes", 50), link("no", 10, "true"), "no", 60, written_at) == expected


def test_a_yes_in_words_of_their_own_is_a_statement_while_a_no_is_under_way() -> None:
    ruling = heard(member("no", 50), link("true", 10, "false"), "Yes", 60, not_yet)
    assert ruling == Ruling("no", 50, "older")


# ---- which word is written ----

RULES = SyncRules("crm", "account", [])


def word_written(of: Member, at: Link) -> str | None:
    _, (step,) = in_step(of, [(RULES, at)], 9)
    return step.writes[0].after if step.writes else None


@pytest.mark.parametrize(
    ("consent", "seen", "sent", "expected"),
    [
        ("yes", "TBD", (), "true"),
        ("no", "TBD", (), "false"),
        ("yes", None, (), "true"),
        ("unknown", "TBD", (), None),
        ("yes", "Y", (), None),
        ("no", "opt-out", (), None),
        ("no", "yes", ("false",), None),
        ("no", "TBD", ("true",), "false"),  # a no is sent whatever is under way
        ("yes", "TBD", ("false",), None),  # a yes waits for the no
        ("yes", "no", ("true", "false"), "true"),  # but not where a no stood anyhow
    ],
)
def test_the_word_that_is_written(consent: Consent, seen: str | None, sent: tuple[str, ...], expected: str) -> None:
    assert word_written(member(consent, 50), link(seen, 10, *sent)) == expected


def test_a_yes_that_waits_is_written_once_the_no_was_seen_there() -> None:
    waiting, of = link("TBD", 10, "false"), member("yes", 70)
    seen = read(waiting, {OPT_IN: "false"}, 60, not_yet)
    assert heard(of, waiting, "false", 60, {1: 60.0}.get) is None
    assert word_written(of, seen) == "true"


def test_a_word_that_never_stays_is_left_alone_in_the_end() -> None:
    at, here, writes = 10.0, link("TBD", 10), 0
    for _ in range(10):
        at += 10
        _, (step,) = in_step(member("yes", 5), [(RULES, here)], 1)
        writes += len(step.writes)
        here = read(step.link, {OPT_IN: "TBD"}, at, {1: at - 5}.get)
    assert writes == 3
    _, (step,) = in_step(msgspec.structs.replace(member("no", 99)), [(RULES, here)], 1)
    assert [edit.after for edit in step.writes] == ["false"]  # a no is tried all the same
