"""Who somebody is: the first of their phones that is one, and which of several with one phone is linked."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from groundswell.members.identity import Candidate, Contender, Prefer, candidate, chosen
from groundswell.members.member import Consent, Link


def parse(phone: str) -> str | None:
    return f"+1503555{phone}" if phone.isdigit() else None


def test_the_preferred_types_come_first_then_the_usual_ones() -> None:
    phones = {"home": ["0101"], "work": ["0102"], "mobile": ["0103"], "emergency": ["0104"]}
    found = [candidate(phones, types, parse, has_opt_in=True).phone for types in ((), ("home",), ("emergency",))]
    assert found == ["+15035550103", "+15035550101", "+15035550104"]


def test_a_phone_that_is_none_is_passed_over() -> None:
    assert candidate({"mobile": ["n/a", "0103"]}, (), parse, has_opt_in=True) == Candidate("+15035550103")
    assert candidate({"mobile": ["?"], "home": ["0101"]}, (), parse, has_opt_in=True) == Candidate("+15035550101")


def test_whoever_is_no_member_is_told_why() -> None:
    assert candidate({}, (), parse, has_opt_in=True) == Candidate(None, "no_phone")
    assert candidate({"mobile": ["?"]}, (), parse, has_opt_in=True) == Candidate(None, "bad_phone")
    assert candidate({"mobile": ["0103"]}, (), parse, has_opt_in=False) == Candidate("+15035550103", "no_opt_in")
    assert candidate({"emergency": ["0104"]}, (), parse, has_opt_in=True).reason == "no_phone"


def contender(remote_id: str, at: float = 0.0, consent: Consent = "unknown") -> Contender:
    return Contender(Link("account", remote_id, None, "duplicate", remote_at=at), consent)


def test_numbers_go_by_their_size() -> None:
    assert chosen([contender("10"), contender("9"), contender("a1")], "first").link.remote_id == "9"


def test_the_newest_or_whoever_opted_in_may_be_preferred() -> None:
    several = [contender("9", 1.0), contender("10", 3.0), contender("11", 2.0, "yes")]
    assert chosen(several, "newest").link.remote_id == "10"
    assert chosen(several, "opted_in").link.remote_id == "11"
    assert chosen(several[:2], "opted_in").link.remote_id == "9"


@given(
    st.lists(st.tuples(st.integers(1, 30).map(str), st.sampled_from([1.0, 2.0])), min_size=1, unique_by=lambda x: x[0]),
    st.sampled_from(["first", "newest", "opted_in"]),
    st.randoms(),
)
def test_the_choice_does_not_depend_on_who_came_first(
    several: list[tuple[str, float]], prefer: Prefer, random: Random
) -> None:
    contenders = [contender(number, at) for number, at in several]
    shuffled = list(contenders)
    random.shuffle(shuffled)
    assert chosen(shuffled, prefer) == chosen(contenders, prefer)
