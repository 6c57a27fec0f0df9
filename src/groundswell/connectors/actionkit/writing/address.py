"""A canonical address in their words: US ones have `state` and `zip`, all others `region` and `postal` (D)."""

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Struct
from pydantic import AfterValidator

from groundswell.places.countries import NAMES, country_code
from groundswell.places.zips import US_ZIP

ADDRESS: Final = ("address1", "address2", "city", "state", "zip", "country")
US: Final = "US"


def _check_country(country: str) -> str:
    code = country_code(country)
    if code is None:
        raise ValueError('is no country; write its code, such as "US"')
    return code


Country = Annotated[str, AfterValidator(_check_country)]
"""In settings: a country, kept as its code."""


class Placed(Struct, frozen=True):
    """An address as they take it."""

    values: dict[str, str]
    left_out: dict[str, str]
    """Canonical names of what cannot be said there, and why, in words without the value."""


def placed(known: Mapping[str, str], otherwise: str) -> Placed:
    """What is known of an address, in their words.

    They know countries by their English names only, and take an address without one for a US one (D). A ZIP code that
    is none is refused, and all of the action with it (D), so it is left out.

    Args:
        known: By canonical name; "" empties.
        otherwise: The code of the country of an address that does not say.
    """
    if not known:
        return Placed({}, {})
    said = known.get("country")
    code = country_code(said) if said else otherwise
    if code is None:
        return Placed({}, dict.fromkeys(known, "the country is none with an ISO code"))
    values = {name: known[name] for name in ("address1", "address2", "city") if name in known}
    left_out: dict[str, str] = {}
    if code == US:
        values |= {"state": known["state"]} if "state" in known else {}
        if "zip" in known:
            zip_code = US_ZIP.fullmatch(known["zip"].strip())
            if zip_code is not None:
                values |= {"zip": zip_code[1]} | ({"plus4": zip_code[2]} if zip_code[2] else {})
            elif not known["zip"]:
                values |= {"zip": "", "plus4": ""}
            else:
                left_out["zip"] = "it is no ZIP code of the US"
    else:
        values |= {theirs: known[ours] for ours, theirs in (("state", "region"), ("zip", "postal")) if ours in known}
    if said or any(values.values()):
        values["country"] = NAMES[code]
    return Placed(values, left_out)
