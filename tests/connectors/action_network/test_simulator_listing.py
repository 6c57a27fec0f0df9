"""The order of people: steady under a reader, and the same as looking at each one."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from groundswell.connectors.action_network.simulator.state.listing import Listing, Window
from groundswell.connectors.action_network.simulator.state.population import Population

SIZE = 120
moments = st.integers(1_672_000_000, 1_778_000_000)
changes = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.integers(0, SIZE + 20), moments),
        st.tuples(st.just("hide"), st.integers(0, SIZE + 20), moments),
    ),
    max_size=60,
)


def everybody(listing: Listing, window: Window) -> list[int]:
    view = listing.view(window)
    found: list[int] = []
    while page := view.numbers(len(found), 7):
        found += page
    assert len(found) == len(view)
    return found


@given(changes=changes, first=moments, last=moments, came=moments)
@settings(max_examples=200)
def test_a_window_holds_exactly_those_with_such_dates(
    changes: list[tuple[str, int, int]], first: int, last: int, came: int
) -> None:
    population = Population(seed=5, size=SIZE)
    listing = Listing(population, Random(1))
    expected = {number: population.person(number) for number in range(SIZE)}
    for word, number, moment in changes:
        if word == "hide":
            expected.pop(number, None)
            listing.hide(number)
        else:
            expected[number] = replace(population.person(number), modified=moment)
            listing.show(expected[number])
    for window in (Window(), Window((first, last)), Window((first, last), (0, came))):
        numbers = everybody(listing, window)
        assert len(numbers) == len(set(numbers))
        assert set(numbers) == {
            number
            for number, person in expected.items()
            if window.modified[0] <= person.modified < window.modified[1]
            and window.created[0] <= person.created < window.created[1]
        }


@given(changes=changes, start=st.integers(0, SIZE + 40), count=st.integers(0, 30))
def test_a_page_from_the_middle_is_the_middle_of_the_whole(
    changes: list[tuple[str, int, int]], start: int, count: int
) -> None:
    population = Population(seed=5, size=SIZE)
    listing = Listing(population, Random(1))
    for _, number, moment in changes:
        listing.show(replace(population.person(number), modified=moment))
    whole = everybody(listing, Window())
    assert listing.view(Window()).numbers(start, count) == whole[start : start + count]


def test_people_are_not_in_the_order_of_their_dates() -> None:
    listing = Listing(Population(seed=5, size=SIZE), Random(1))
    numbers = everybody(listing, Window())
    assert numbers not in (sorted(numbers), sorted(numbers, reverse=True))


def test_who_changes_moves_and_the_others_stay_in_their_order() -> None:
    population = Population(seed=5, size=SIZE)
    listing = Listing(population, Random(1))
    before = everybody(listing, Window())
    listing.show(replace(population.person(before[10]), modified=1_777_700_000))
    after = everybody(listing, Window())
    assert [number for number in after if number != before[10]] == [number for number in before if number != before[10]]
    assert after.index(before[10]) != 10


def test_who_leaves_a_window_pulls_the_others_up_by_one() -> None:
    population = Population(seed=5, size=SIZE)
    listing = Listing(population, Random(1))
    window = Window((0, 1_777_600_000))
    before = everybody(listing, window)
    listing.show(replace(population.person(before[0]), modified=1_777_700_000))
    assert everybody(listing, window) == before[1:]


def test_conditions_narrow_a_window_strictly() -> None:
    window = Window().narrowed("modified_date", "gt", 100).narrowed("modified_date", "lt", 200)
    assert window.modified == (101, 200)
    assert Window().narrowed("created_date", "eq", 150).created == (150, 151)
