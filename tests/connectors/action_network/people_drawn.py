"""Canonical people as they come from anywhere: whole, full of gaps, and with what cannot be said."""

from typing import Any

from hypothesis import strategies as st
from msgspec import UNSET

from groundswell.connectors.action_network.simulator.places import PLACES
from groundswell.record import Person

NAMES = st.sampled_from(("Rosa", "Ana  Lucía", "de la Cruz", "O'Brien", "李", "X Æ", "Jean-Luc", "Smith, Jr."))
EMAILS = st.builds(
    "{}{}@{}".format, st.sampled_from(("rosa", "Ana.B", "o+tag")), st.integers(0, 5), st.just("example.org")
)
PHONES = st.builds("+1503555{:04d}".format, st.integers(100, 105))
PLACE = st.sampled_from(PLACES)
CUSTOM = st.dictionaries(
    st.sampled_from(("Shirt size", "is_member", "nobody_made_this")),
    st.one_of(st.sampled_from(("M", " L ", "1", "")), st.booleans(), st.integers(0, 9), st.none(), st.just([1])),
    max_size=3,
)


def or_unknown(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.just(UNSET), st.none())


@st.composite
def addresses(draw: st.DrawFn) -> dict[str, Any]:
    """Of one place, or with parts that do not belong together."""
    place = draw(PLACE)
    other = draw(st.one_of(st.just(place), PLACE))
    return {
        "address1": draw(or_unknown(st.sampled_from(("12 Alder St", "4 Rue  Neuve", "PO Box 9")))),
        "city": draw(or_unknown(st.sampled_from((place.city, place.city.upper(), "Elsewhere")))),
        "state": draw(or_unknown(st.sampled_from((place.region, other.region, "Bavaria")))),
        "zip": draw(or_unknown(st.sampled_from((place.zips[0], f"{place.zips[-1]}-1234", other.zips[0])))),
        "country": draw(or_unknown(st.sampled_from((place.country, "us", "United States", "DE", "Narnia")))),
    }


@st.composite
def people(draw: st.DrawFn, emails: st.SearchStrategy[Any] = EMAILS) -> Person:
    return Person(
        first_name=draw(or_unknown(NAMES)),
        last_name=draw(or_unknown(NAMES)),
        email=draw(emails),
        phone=draw(or_unknown(PHONES)),
        **draw(addresses()),
        language=draw(or_unknown(st.sampled_from(("en", "es", "fr-CA", "EN_us", "tlh", "English")))),
        sms_opt_in=draw(st.sampled_from((True, False, UNSET))),
        email_opt_in=draw(st.sampled_from((True, False, UNSET))),
        custom=draw(CUSTOM),
    )
