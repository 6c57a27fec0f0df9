"""States, territories and provinces by code, so that "Oregon" (webhook) and "OR" (API) are the same place."""

from typing import Final

US: Final = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas",
    "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan",
    "MN": "Minnesota", "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York", "NC": "North Carolina",
    "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania",
    "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas",
    "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin",
    "WY": "Wyoming", "AS": "American Samoa", "GU": "Guam", "MP": "Northern Mariana Islands", "PR": "Puerto Rico",
    "VI": "U.S. Virgin Islands", "UM": "U.S. Minor Outlying Islands", "AA": "Armed Forces Americas",
    "AE": "Armed Forces Europe", "AP": "Armed Forces Pacific",
}  # fmt: skip
CANADA: Final = {
    "AB": "Alberta", "BC": "British Columbia", "MB": "Manitoba", "NB": "New Brunswick",
    "NL": "Newfoundland and Labrador", "NS": "Nova Scotia", "NT": "Northwest Territories", "NU": "Nunavut",
    "ON": "Ontario", "PE": "Prince Edward Island", "QC": "Quebec", "SK": "Saskatchewan", "YT": "Yukon",
}  # fmt: skip
REGION_COUNTRIES: Final = frozenset(("US", "CA", "PR", "GU", "VI", "AS", "MP", "UM"))
"""Where a region is written by its code."""
_OTHER_SPELLINGS: Final = {
    "washington dc": "DC", "washington d.c.": "DC", "washington, d.c.": "DC", "washington, dc": "DC", "d.c.": "DC",
    "virgin islands": "VI", "us virgin islands": "VI", "united states virgin islands": "VI",
    "commonwealth of the northern mariana islands": "MP", "united states minor outlying islands": "UM",
    "québec": "QC", "newfoundland": "NL", "newfoundland & labrador": "NL", "yukon territory": "YT",
}  # fmt: skip


def _spellings() -> dict[str, str]:
    """Every way to write a region, to its code: as it usually comes first, then in lower case."""
    spellings = dict(_OTHER_SPELLINGS)
    for code, name in (*US.items(), *CANADA.items()):
        spellings |= {code: code, name: code, code.lower(): code, name.lower(): code}
    return spellings


_CODES: Final = _spellings()


def region_code(region: str) -> str:
    """The code of a US state or territory or a Canadian province; what is neither comes back as it is.

    The caller asks only about addresses in these two countries: "WA" is Western Australia elsewhere.
    """
    code = _CODES.get(region)
    return code if code is not None else _CODES.get(region.lower(), region)
