"""What comes back is not what was written (addresses by ZIP code, dropped blanks), and it goes quiet all the same."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from groundswell.component import Delivered, Retry, Skipped
from groundswell.connectors.actionkit.simulator.state.names import PLACES
from groundswell.errors import NotYetError, RateLimitedError, UnavailableError
from groundswell.record import Person
from tests.connectors.actionkit.sinking import Sinking, sinking

USERS = "actionkit.users"
FIELDS = {"favorite_color": "custom.colour", "employer": "custom.employer", "shirt": "custom.shirt"}
NAMES = st.sampled_from(("Rosa", "Ana  Lucía", " de la Cruz", "O'Brien", "李", "ROSA", "Smith, Jr."))
EMAILS = st.builds("{}{}@example.org".format, st.sampled_from(("rosa", "Ana.B", "o+tag")), st.integers(0, 2))
PHONES = st.sampled_from(("+15035550144", "+15035550145", "+493012345678", "503-555-0144"))
CUSTOM = st.dictionaries(
    st.sampled_from(("colour", "employer", "shirt")),
    st.one_of(
        st.sampled_from(("red", " blue ", "", "2026-03-01T09:00:00Z")),
        st.booleans(),
        st.integers(-9, 9),
        st.none(),
        st.lists(st.sampled_from(("S", "M")), max_size=2),
        st.just({"a": [1]}),
    ),
    max_size=3,
)


def or_unknown(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.just(UNSET), st.none())


@st.composite
def people(draw: st.DrawFn) -> Person:
    place, other = draw(st.sampled_from(PLACES)), draw(st.sampled_from(PLACES))
    return Person(
        first_name=draw(or_unknown(NAMES)),
        last_name=draw(or_unknown(NAMES)),
        email=draw(EMAILS),
        phone=draw(or_unknown(PHONES)),
        address1=draw(or_unknown(st.sampled_from(("12 Alder St", "4 Rue  Neuve")))),
        address2=draw(or_unknown(st.just("Apt 4"))),
        city=draw(or_unknown(st.sampled_from((place.city, place.city.upper(), "Elsewhere")))),
        state=draw(or_unknown(st.sampled_from((place.state, other.state, "Rhône")))),
        zip=draw(or_unknown(st.sampled_from((place.zips[0], f"{place.zips[-1]}-1234", other.zips[0], "69001 A")))),
        country=draw(or_unknown(st.sampled_from(("US", "United States", "fr", "Narnia")))),
        email_opt_in=draw(st.sampled_from((True, False, UNSET))),
        custom=draw(CUSTOM),
    )


async def is_quiet(it: Sinking, person: dict[str, Any]) -> bool:
    it.server.control.reset_counts()
    return await it.deliver(**person) == Skipped("unchanged") and it.writes() == 0


def said(person: Person) -> dict[str, Any]:
    return {name: value for name in person.__struct_fields__ if (value := getattr(person, name)) is not UNSET}


@settings(max_examples=60, deadline=None)
@given(
    everybody=st.lists(people(), min_size=1, max_size=5),
    clear_empty=st.booleans(),
    patch=st.sampled_from(("merge", "replace")),
    zip_sets_city=st.booleans(),
)
async def test_what_was_written_is_never_written_again(
    everybody: list[Person], clear_empty: bool, patch: str, zip_sets_city: bool
) -> None:
    """Several records are about one user, each over what the others left."""
    switches = {"user_fields_patch": patch, "zip_sets_city": zip_sets_city}
    options = {"create_users": True, "clear_empty": clear_empty, "create_user_fields": True, "user_fields": FIELDS}
    async with sinking(USERS, switches=switches, unsubscribe_page="unsubscribe", **options) as it:
        for person in map(said, everybody):
            outcome = await it.deliver(**person)
            assert outcome in (Delivered(), Skipped("unchanged"))
            assert await is_quiet(it, person)


@settings(max_examples=15, deadline=None)
@given(everybody=st.lists(people(), min_size=1, max_size=4), seed=st.integers(0, 3))
async def test_faults_delay_it_and_change_nothing_of_where_it_ends(everybody: list[Person], seed: int) -> None:
    options = {"create_users": True, "create_user_fields": True, "user_fields": FIELDS}
    async with sinking(USERS, **options) as calm, sinking(USERS, **options) as it:
        it.server.control.fail(server_error=0.1, server_error_done=0.1, dropped=0.1, answer_lost=0.1, too_many=0.1)
        for person in map(said, everybody):
            await calm.deliver(**person)
            for try_ in range(100):
                if try_ % 5 == seed:
                    it.restart()
                it.settle()
                outcome = await it.deliver(**person)
                if not isinstance(outcome, Retry):
                    break
                assert isinstance(outcome.error, UnavailableError | RateLimitedError | NotYetError)
            assert not isinstance(outcome, Retry)
        for email in {str(person.email).lower() for person in everybody}:
            assert shown(it, email) == shown(calm, email)


def shown(it: Sinking, email: str) -> Any:
    """What a record can change of somebody."""
    user = it.user(email)
    names = ("first_name", "last_name", "address1", "address2", "city", "state", "zip", "postal", "country", "fields")
    return {name: user[name] for name in names}, it.phones(email)
