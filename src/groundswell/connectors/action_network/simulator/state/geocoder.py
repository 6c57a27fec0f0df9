"""What becomes of an address that is sent: it is completed and rewritten.

Seen live by others (2022): the country is "US" as soon as any address is sent without one, a postal code brings city
and region and the other way round, and only the first line of an address is kept. So what is read back is not what was
written. This geocoder knows the cities of `places.py`; other addresses keep what was sent.
"""

from typing import Any, Final

from groundswell.connectors.action_network.simulator.places import PLACES, Place
from groundswell.connectors.action_network.simulator.state.person import Address
from groundswell.places.regions import region_code

_BY_ZIP: Final = {code: place for place in PLACES for code in place.zips}
_BY_CITY: Final = {place.city.lower(): place for place in PLACES}
_DEFAULT_COUNTRY: Final = "US"


def saved_address(sent: dict[str, Any], before: Address | None, *, geocodes: bool, clears: bool) -> Address:
    """The address after `sent` was written over `before`.

    Args:
        geocodes: False keeps what was sent, but for the country.
        clears: Whether null empties a part. Region and country stay in any case (seen live).
    """
    parts = _Parts(sent, before or Address(), clears)
    line, locality, postal_code = parts.line(), parts.text("locality"), parts.text("postal_code")
    region = parts.text("region", clears=False)
    if parts.has("postal_code") and not parts.has("locality"):
        locality = ""
    if parts.has("locality") and not parts.has("postal_code"):
        postal_code = ""
    country = sent.get("country")
    country = country.upper() if isinstance(country, str) and country else _DEFAULT_COUNTRY
    region = region_code(region) if country in ("US", "CA") else region
    address = Address(line=line, locality=locality, region=region, postal_code=postal_code, country=country)
    return _geocoded(address, is_region_sent=parts.has("region")) if geocodes else address


def _geocoded(address: Address, *, is_region_sent: bool) -> Address:
    place = _place(address, is_region_sent=is_region_sent)
    if place is None:
        return address
    is_known_code = address.postal_code[:5] in place.zips or address.postal_code in place.zips
    return Address(
        line=address.line,
        locality=place.city,
        region=region_code(place.region),
        postal_code=address.postal_code if is_known_code else place.zips[0],
        country=address.country,
        latitude=place.latitude,
        longitude=place.longitude,
        accuracy="Rooftop" if address.line else "Approximate",
    )


def _place(address: Address, *, is_region_sent: bool) -> Place | None:
    code = address.postal_code
    place = _BY_ZIP.get(code) or _BY_ZIP.get(code[:5])
    if place is None and not code:
        place = _BY_CITY.get(address.locality.lower())
        if place is not None and is_region_sent and address.region != region_code(place.region):
            return None
    return place if place is not None and place.country == address.country else None


class _Parts:
    """What was sent of an address, over what was known."""

    def __init__(self, sent: dict[str, Any], before: Address, clears: bool) -> None:
        self._sent = sent
        self._before = before
        self._clears = clears

    def has(self, key: str) -> bool:
        value = self._sent.get(key)
        return isinstance(value, str) and bool(value)

    def text(self, key: str, *, clears: bool = True) -> str:
        if self.has(key):
            return str(self._sent[key]).strip()
        is_cleared = self._clears and clears and key in self._sent and self._sent[key] is None
        return "" if is_cleared else str(getattr(self._before, key))

    def line(self) -> str:
        """The first of the lines; the others are dropped."""
        lines = self._sent.get("address_lines")
        if isinstance(lines, list) and lines and isinstance(lines[0], str) and lines[0]:
            return lines[0].strip()
        is_cleared = self._clears and "address_lines" in self._sent and not lines
        return "" if is_cleared else self._before.line
