"""dedupe_phone: who a record is about, what they said, and whether it is passed on."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from sample_records import person_of, problem_with

from groundswell.component import Context
from groundswell.errors import RecordError
from groundswell.members.book import Book, EmptyShelf
from groundswell.members.member import Consent, Statement
from groundswell.record import Action, Donation, Kind, OptIn, Page, Person, Record, utc_stamp
from groundswell.transforms.dedupe_phone import DedupePhone, DedupePhoneSettings

NOW = 1_800_000_000.0
LONG_AGO = 1_700_000_000
ROSA = "+15035550144"
KEN = "+15035550145"


class StandingClock:
    """It is always now."""

    def now(self) -> float:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a transform does not wait")


class Shelf(EmptyShelf):
    """Nobody is known, and some are to be forgotten."""

    def __init__(self, *forgotten: str) -> None:
        self._forgotten = forgotten

    def is_forgotten(self, word: str, at: float | None = None) -> bool:
        return word in self._forgotten


class Chain:
    """A transform called "people" and the members it knows."""

    def __init__(self, *forgotten: str, **settings: Any) -> None:
        nothing: Any = None
        model = DedupePhoneSettings(type="dedupe_phone", inputs=["opt_in"], **settings)
        self.transform = DedupePhone(model, Context("people", StandingClock(), Random(1), nothing, nothing, Path()))
        self.book = Book(Shelf(*forgotten))

    def passed(self, record: Record) -> Sequence[Record]:
        results = self.transform.apply(record, self.book)
        self.book.keep()
        return results

    @property
    def counts(self) -> Counter[str]:
        return self.transform.counts

    @property
    def ledger(self) -> list[Statement]:
        return self.book.changes.statements

    def consent_of(self, phone: str) -> Consent:
        member = self.book.by_phone(phone)
        assert member is not None
        return member.consent


def at(second: int) -> str:
    return utc_stamp(datetime.fromtimestamp(LONG_AGO + second, UTC))


def state(who: str = "a", second: int = 0, opt_in: OptIn = True, vendor: str = "network", **person: Any) -> Record:
    """Somebody as they are at a vendor."""
    known = {"phone": ROSA, "sms_opt_in": opt_in, "ids": {vendor: who}, **person}
    stamp = at(second)
    return Record(f"{vendor}:person/{who}@{stamp}.{second}", "person", "in", stamp, Person(**known))


def event(second: int = 0, opt_in: OptIn = UNSET, kind: Kind = "action", phone: Any = ROSA, **record: Any) -> Record:
    """Something somebody did."""
    person = Person(phone=phone, sms_opt_in=opt_in, ids=record.pop("ids", {}))
    stamp = record.pop("stamp", at(second))
    return Record(f"network:{kind}/{second}", kind, "in", stamp, person, **record)


# ---- who it is ----


def test_everybody_with_one_phone_is_one_member() -> None:
    chain = Chain(without_consent="pass")
    numbers = [
        person_of(one).ids["groundswell"]
        for record in (state("a"), event(5), state("7", vendor="crm"), event(6, phone=KEN))
        for one in chain.passed(record)
    ]
    assert numbers == ["1", "1", "1", "2"]


def test_what_somebody_did_whose_phone_is_not_in_it_is_theirs_all_the_same() -> None:
    chain = Chain()
    chain.passed(state("a"))
    (going,) = chain.passed(event(5, phone=UNSET, ids={"network": "a"}))
    assert (person_of(going).phone, person_of(going).ids["groundswell"]) == (ROSA, "1")
    chain.passed(event(6, opt_in=False, phone=UNSET, ids={"network": "a"}))
    assert chain.consent_of(ROSA) == "no"


def test_a_record_about_nobody_goes_on_as_it_is() -> None:
    page = Record("network:page/1", "page", "in", action=Action(page=Page(id="1")))
    assert Chain().passed(page) == (page,)


def test_a_phone_that_is_not_e164_makes_a_dead_letter_that_does_not_say_it() -> None:
    with pytest.raises(RecordError, match="put `normalise_phone` before") as caught:
        Chain().passed(state(phone="(503) 555-0144"))
    assert caught.value.reason == "bad_phone"
    assert "0144)" not in str(caught.value)


def test_people_who_are_to_be_forgotten_do_not_come_back() -> None:
    chain = Chain(ROSA, "ken@example.org")
    assert not chain.passed(state("a"))
    assert not chain.passed(state("b", phone=KEN, email="Ken@example.org "))
    assert chain.counts == {"forgotten": 2}
    assert not chain.book.changes


def test_people_without_a_phone_are_passed_on_once_per_change_or_dropped() -> None:
    chain, strict = Chain(), Chain(without_phone="drop")
    records = [state(second=second, phone=None, zip=zip_) for second, zip_ in enumerate(["1", "1", "2"])]
    assert [list(chain.passed(record)) for record in records] == [[records[0]], [], [records[2]]]
    assert [list(strict.passed(record)) for record in records] == [[], [], []]
    assert (chain.counts["no_phone"], strict.counts["no_phone"]) == (3, 3)


# ---- once per change ----


def test_a_state_is_passed_on_once_per_change_and_what_happens_always() -> None:
    chain = Chain()
    zips = ["97201", "97201", "97202", "97201"]
    assert [len(chain.passed(state(second=second, zip=zip_))) for second, zip_ in enumerate(zips)] == [1, 0, 1, 1]
    assert chain.counts == {"unchanged": 1}
    assert [len(chain.passed(event(5))) for _ in range(2)] == [1, 1]


def test_what_changes_by_itself_is_no_change() -> None:
    chain = Chain(not_compared=["custom.seen"])
    assert [len(chain.passed(state(second=second, custom={"seen": second}))) for second in range(3)] == [1, 0, 0]


def test_a_state_that_is_older_than_one_that_came_is_not_passed_on() -> None:
    chain = Chain()
    assert len(chain.passed(state(second=9, zip="97202"))) == 1
    assert not chain.passed(state(second=3, zip="97201"))
    assert chain.counts == {"older_state": 1}


def test_whom_no_vendor_numbers_is_told_by_the_phone() -> None:
    chain = Chain()
    assert [len(chain.passed(state(second=second, ids={}, zip="97201"))) for second in range(2)] == [1, 0]


# ---- several with one phone ----


@pytest.mark.parametrize(("duplicates", "marks"), [("pass", [UNSET, UNSET]), ("mark", [UNSET, "b"]), ("drop", [UNSET])])
def test_the_first_with_a_phone_stays_and_the_others_are(duplicates: str, marks: list[Any]) -> None:
    chain = Chain(duplicates=duplicates)
    passed = [one for who in "ba" for one in chain.passed(state(who, second=1))]
    assert [person_of(one).custom.get("duplicate_of", UNSET) for one in passed] == marks
    assert chain.counts["duplicate"] == (duplicates == "drop")


def test_what_a_duplicate_gives_is_never_dropped() -> None:
    chain = Chain(duplicates="drop")
    chain.passed(state("a"))
    chain.passed(state("b"))
    gift = event(5, kind="donation", donation=Donation(amount="25.00"), ids={"network": "b"})
    assert len(chain.passed(gift)) == 1


def test_one_person_at_two_vendors_is_no_duplicate() -> None:
    chain = Chain()
    assert all("duplicate_of" not in person_of(one).custom for one in chain.passed(state("a")))
    assert all("duplicate_of" not in person_of(one).custom for one in chain.passed(state("9", vendor="crm")))


@pytest.mark.parametrize(("prefer", "linked"), [("first", "b"), ("newest", "d"), ("opted_in", "c")])
def test_when_the_first_went_to_another_phone_another_takes_their_place(prefer: str, linked: str) -> None:
    chain = Chain(prefer=prefer, without_consent="pass")
    for second, (who, opt_in) in enumerate([("a", UNSET), ("b", False), ("c", True), ("d", UNSET)]):
        chain.passed(state(who, second, opt_in))
    chain.passed(state("a", 5, phone=KEN))
    (going,) = chain.passed(state("c", 2, zip="97201") if linked == "b" else state("b", 1, False, zip="97201"))
    assert person_of(going).custom == {"duplicate_of": linked}


# ---- consent ----


def test_people_who_did_not_say_yes_are_held_back_until_they_do() -> None:
    chain = Chain()
    assert not chain.passed(state(opt_in=UNSET))
    assert not chain.passed(event(1))
    assert not chain.passed(event(2, False))
    assert chain.counts == {"no_consent": 3}
    assert [person_of(one).sms_opt_in for one in chain.passed(event(3, True))] == [True]


def test_whoever_was_passed_on_gets_their_stop_passed_on_once() -> None:
    chain = Chain()
    chain.passed(state(zip="97201"))
    assert [person_of(one).sms_opt_in for one in chain.passed(event(1, False))] == [False]
    assert not chain.passed(event(2))
    assert not chain.passed(state(second=3, zip="97202"))
    assert [person_of(one).sms_opt_in for one in chain.passed(event(4, True))] == [True]


def test_a_stop_that_stands_in_a_dropped_record_is_passed_on_by_itself() -> None:
    chain = Chain(duplicates="drop")
    chain.passed(state("a", email="rosa@example.org"))
    chain.passed(state("b"))
    (notice,) = chain.passed(state("b", second=9, opt_in=False))
    assert (notice.kind, notice.source) == ("person", "people")
    ids = {"network": "a", "groundswell": "1"}
    assert notice.person == Person(email="rosa@example.org", phone=ROSA, sms_opt_in=False, ids=ids)
    assert chain.counts == {"duplicate": 2, "opt_in_told": 1}


def test_a_stop_is_passed_on_with_the_phone_where_the_record_no_longer_has_it() -> None:
    chain = Chain()
    chain.passed(state())
    _, notice = chain.passed(state(second=9, opt_in=False, phone=None))
    assert (person_of(notice).phone, person_of(notice).sms_opt_in) == (ROSA, False)


def test_who_goes_to_another_phone_opens_that_one_too_and_leaves_what_was_said_with_the_old_one() -> None:
    chain = Chain()
    chain.passed(state(second=1))
    assert [person_of(one).sms_opt_in for one in chain.passed(state(second=5, phone=KEN))] == [True]
    (notice,) = chain.passed(state(second=3, opt_in=False))  # late: from when they had the old one
    assert (person_of(notice).phone, person_of(notice).sms_opt_in) == (ROSA, False)
    assert (chain.consent_of(ROSA), chain.consent_of(KEN)) == ("no", "yes")


def test_a_yes_that_stands_in_a_state_is_older_than_every_stop_until_it_changes() -> None:
    chain = Chain(without_consent="pass")
    chain.passed(event(5, False))
    assert person_of(chain.passed(state(second=9))[0]).sms_opt_in is False
    chain.passed(state(second=10, opt_in=False))
    assert person_of(chain.passed(state(second=11))[0]).sms_opt_in is True


def test_a_yes_of_nobody_knows_when_reopens_nothing() -> None:
    chain = Chain(without_consent="pass")
    chain.passed(event(1, False))
    monthly = event(8, True, kind="donation", donation=Donation(recurring=True))
    for record in (event(7, True, stamp=UNSET), monthly, event(9, True, kind="refund")):
        assert person_of(chain.passed(record)[0]).sms_opt_in is False
    assert [line.decision for line in chain.ledger] == ["changed", "older", "older"]


def test_a_fast_clock_somewhere_does_not_make_a_yes_last_for_years() -> None:
    chain = Chain(without_consent="pass")
    chain.passed(event(1, True, stamp="2099-01-01T00:00:00Z"))
    chain.passed(event(2, False, stamp=UNSET))
    assert chain.consent_of(ROSA) == "no"


def test_every_change_of_consent_and_every_refusal_is_in_the_ledger() -> None:
    chain = Chain(without_consent="pass")
    for record in (event(5, "Yes"), event(3, False), event(7, False), event(7, False), event(6, True), event(8, "TBD")):
        chain.passed(record)
    said = [(line.words, line.said, line.old, line.new, line.decision) for line in chain.ledger]
    assert said == [
        ("Yes", "yes", "unknown", "yes", "changed"),
        ("false", "no", "yes", "yes", "older"),
        ("false", "no", "yes", "no", "changed"),
        ("true", "yes", "no", "no", "older"),
        ("TBD", "unknown", "no", "no", "unknown"),
    ]
    line = chain.ledger[0]
    assert (line.phone, line.source, line.record_id) == (ROSA, "in", "network:action/5")
    assert (line.said_at, line.learnt_at) == (LONG_AGO + 5, NOW)


def test_a_record_that_fails_further_on_takes_nothing_with_it() -> None:
    chain = Chain()
    first = chain.transform.apply(state(), chain.book)
    chain.book.undo()
    assert chain.book.by_phone(ROSA) is None
    again = chain.passed(state())
    assert [person_of(one).sms_opt_in for one in first] == [person_of(one).sms_opt_in for one in again] == [True]


def test_only_settings_that_exist_are_taken() -> None:
    assert problem_with("dedupe_phone", without_consent="text")[0] == ("without_consent",)


# ---- whatever comes, in whatever order ----


class Said(NamedTuple):
    """What comes in about one phone."""

    second: int
    opt_in: OptIn
    who: str | None
    """A state of somebody; None: something that was done."""
    zip: str

    @property
    def record(self) -> Record:
        if self.who is None:
            return event(self.second, self.opt_in)
        return state(self.who, self.second, self.opt_in, zip=self.zip)


def in_time(said: Sequence[Said], *, is_yes_as_new_as_its_states: bool = False) -> Consent:
    """What counts, by when it was said: a first yes in a state is of any age.

    Args:
        is_yes_as_new_as_its_states: Count a yes that took the place of a no from the newest state that has it, not from
            the first: when that one comes late, nobody can know of it.
    """
    last: dict[str, OptIn] = {}
    reopened: set[str] = set()
    words: list[tuple[int, bool]] = []
    for one in sorted(said, key=lambda one: one.second):
        if not isinstance(one.opt_in, bool):
            continue
        if one.who is None:
            words.append((one.second, one.opt_in))
        elif last.get(one.who) is not one.opt_in:
            is_of_any_age = one.opt_in and one.who not in last
            words.append((-1 if is_of_any_age else one.second, one.opt_in))
            if one.opt_in and not is_of_any_age:
                reopened.add(one.who)
            last[one.who] = one.opt_in
        elif is_yes_as_new_as_its_states and one.opt_in and one.who in reopened:
            words.append((one.second, True))
    # Of all that are of any age and a no, the no is later.
    return "unknown" if not words else "yes" if max(words, key=lambda word: (word[0], not word[1]))[1] else "no"


opt_ins = st.sampled_from([True, False, UNSET])
acts = st.builds(Said, st.integers(0, 30), opt_ins, st.none(), st.just(""))
everything = st.lists(
    st.builds(
        Said, st.integers(0, 30), opt_ins, st.none() | st.sampled_from("ab"), st.sampled_from(["97201", "97202"])
    ),
    max_size=12,
    unique_by=lambda said: said.second,
)


@given(st.lists(acts, min_size=1, max_size=10))
def test_the_last_word_by_when_it_was_said_counts_in_whatever_order_they_come(said: list[Said]) -> None:
    chain = Chain(without_consent="pass")
    passed = [one for act in said for one in chain.passed(act.record)]
    assert len(passed) == len(said)
    words: dict[Consent, OptIn] = {"yes": True, "no": False, "unknown": UNSET}
    assert person_of(passed[-1]).sms_opt_in is words[in_time(said)]


@given(everything)
def test_in_the_order_of_their_times_the_last_word_counts(said: list[Said]) -> None:
    chain = Chain(without_consent="pass")
    for one in sorted(said, key=lambda one: one.second):
        chain.passed(one.record)
    if said:
        assert chain.consent_of(ROSA) == in_time(said)


@settings(max_examples=500)
@given(everything, st.sampled_from(["hold", "pass"]), st.sampled_from(["pass", "mark", "drop"]))
def test_no_stop_is_lost_in_whatever_order_states_and_actions_come(
    said: list[Said], without_consent: str, duplicates: str
) -> None:
    chain = Chain(without_consent=without_consent, duplicates=duplicates)
    told: list[OptIn] = []
    for one in said:
        going = [person_of(record).sms_opt_in for record in chain.passed(one.record)]
        if without_consent == "hold":
            assert going in ([], [True]) or (going == [False] and told[-1:] == [True])
        told += going
        consent = chain.consent_of(ROSA)
        assert not told or consent == "unknown" or told[-1] is (consent == "yes")
    if in_time(said, is_yes_as_new_as_its_states=True) == "no":
        assert chain.consent_of(ROSA) == "no"


@given(everything)
def test_a_state_that_is_read_again_and_again_says_and_brings_nothing(said: list[Said]) -> None:
    chain = Chain()
    for one in said:
        chain.passed(one.record)
    for one in (one for one in said if one.who is not None):
        chain.passed(one.record)  # who was held back may be passed on by now
        consent, lines, was_passed = chain.consent_of(ROSA), len(chain.ledger), chain.counts.copy()
        assert not chain.passed(one.record)
        assert (chain.consent_of(ROSA), len(chain.ledger)) == (consent, lines)
        assert chain.counts.total() == was_passed.total() + 1
