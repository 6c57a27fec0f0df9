"""The state a US ZIP code is in, by its first three digits: as of the USPS data in zipcodes 3.0 (2026)."""

import re
from typing import Final

_PREFIXES: Final = {
    "AA": "340", "AE": "090-098", "AK": "995-999", "AL": "350-352 354-369", "AP": "962-966", "AR": "716-729",
    "AZ": "850-853 855-857 859-860 863-865", "CA": "900-908 910-928 930-961", "CO": "800-816", "CT": "060-069",
    "DC": "200 202-205 569 888", "DE": "197-199", "FL": "320-339 341-342 344 346-347 349", "GA": "300-319 398-399",
    "HI": "967-968", "IA": "500-516 520-528", "ID": "832-838", "IL": "600-620 622-629", "IN": "460-479",
    "KS": "660-662 664-679", "KY": "400-418 420-427", "LA": "700-701 703-708 710-714", "MA": "010-027 055",
    "MD": "206-212 214-219", "ME": "039-049", "MI": "480-499", "MN": "550-551 553-567",
    "MO": "630-631 633-641 644-658", "MS": "386-397", "MT": "590-599", "NC": "270-289", "ND": "580-588",
    "NE": "680-681 683-693", "NH": "030-038", "NJ": "070-089", "NM": "870-871 873-884",
    "NV": "889-891 893-895 897-898", "NY": "005 100-149", "OH": "430-459", "OK": "730-731 734-741 743-749",
    "OR": "970-979", "PA": "150-196", "PR": "006-007 009", "RI": "028-029", "SC": "290-299", "SD": "570-577",
    "TN": "370-385", "TX": "733 750-770 772-799 885", "UT": "840-847", "VA": "201 220-246", "VI": "008",
    "VT": "050-054 056-059", "WA": "980-986 988-994", "WI": "530-532 534-535 537-549", "WV": "247-268",
    "WY": "820-831",
}  # fmt: skip
_OTHERS: Final = {
    "06390": "NY",
    "20588": "MD",
    "20598": "VA",
    "72643": "MO",
    "73960": "TX",
    "83414": "WY",
    "96799": "AS",
}
"""ZIP codes that lie in another state than their neighbours."""
US_ZIP: Final = re.compile(r"([0-9]{5})(?:[- ]?([0-9]{4}))?")
"""A ZIP code, perhaps with its four more digits."""


def state_of_zip(zip_code: str) -> str | None:
    """The code of the state, or the military "state"; None for what is no ZIP code, or could be in several."""
    match = US_ZIP.fullmatch(zip_code.strip())
    return None if match is None else _OTHERS.get(match[1], _STATES.get(match[1][:3]))


def _by_prefix() -> dict[str, str]:
    found: dict[str, str] = {}
    for state, ranges in _PREFIXES.items():
        for one in ranges.split():
            first, _, last = one.partition("-")
            found |= {f"{number:03}": state for number in range(int(first), int(last or first) + 1)}
    return found


_STATES: Final = _by_prefix()
