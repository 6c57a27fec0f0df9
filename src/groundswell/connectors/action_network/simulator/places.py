"""Where made-up people live: real cities, postal codes and area codes, made-up streets."""

from dataclasses import dataclass
from typing import Final

STREETS: Final = ("Alder St", "Birch Ave", "Canal Rd", "Depot St", "Elm Ct", "Foundry Ln", "Grove Ave", "Harbor Blvd")


@dataclass(frozen=True, slots=True)
class Place:
    city: str
    region: str
    country: str
    zips: tuple[str, ...]
    area_codes: tuple[str, ...]
    latitude: float
    longitude: float


PLACES: Final = (
    Place("Portland", "Oregon", "US", ("97201", "97211", "97214", "97232"), ("503", "971"), 45.52, -122.68),
    Place("Eugene", "Oregon", "US", ("97401", "97405"), ("541", "458"), 44.05, -123.09),
    Place("Seattle", "Washington", "US", ("98101", "98118", "98144"), ("206",), 47.61, -122.33),
    Place("Oakland", "California", "US", ("94601", "94607", "94612"), ("510", "341"), 37.8, -122.27),
    Place("Fresno", "California", "US", ("93701", "93722"), ("559",), 36.74, -119.79),
    Place("Los Angeles", "California", "US", ("90011", "90026", "90044"), ("213", "323"), 34.05, -118.24),
    Place("Phoenix", "Arizona", "US", ("85004", "85033"), ("602", "480"), 33.45, -112.07),
    Place("Albuquerque", "New Mexico", "US", ("87102", "87121"), ("505",), 35.08, -106.65),
    Place("Denver", "Colorado", "US", ("80204", "80219"), ("303", "720"), 39.74, -104.99),
    Place("Houston", "Texas", "US", ("77004", "77036"), ("713", "832"), 29.76, -95.37),
    Place("San Antonio", "Texas", "US", ("78207", "78228"), ("210",), 29.42, -98.49),
    Place("Minneapolis", "Minnesota", "US", ("55404", "55411"), ("612",), 44.98, -93.27),
    Place("Milwaukee", "Wisconsin", "US", ("53204", "53206"), ("414",), 43.04, -87.91),
    Place("Chicago", "Illinois", "US", ("60608", "60623", "60640"), ("312", "773"), 41.88, -87.63),
    Place("Detroit", "Michigan", "US", ("48201", "48227"), ("313",), 42.33, -83.05),
    Place("Cleveland", "Ohio", "US", ("44102", "44120"), ("216",), 41.5, -81.69),
    Place("Pittsburgh", "Pennsylvania", "US", ("15206", "15213"), ("412",), 40.44, -80.0),
    Place("Philadelphia", "Pennsylvania", "US", ("19104", "19140"), ("215", "267"), 39.95, -75.17),
    Place("Brooklyn", "New York", "US", ("11207", "11221", "11233"), ("718", "347"), 40.68, -73.94),
    Place("Boston", "Massachusetts", "US", ("02119", "02124"), ("617", "857"), 42.36, -71.06),
    Place("Washington", "District of Columbia", "US", ("20002", "20009", "20011"), ("202",), 38.91, -77.04),
    Place("Atlanta", "Georgia", "US", ("30310", "30314"), ("404", "678"), 33.75, -84.39),
    Place("Miami", "Florida", "US", ("33127", "33142"), ("305", "786"), 25.76, -80.19),
    Place("New Orleans", "Louisiana", "US", ("70113", "70117"), ("504",), 29.95, -90.07),
    Place("San Juan", "Puerto Rico", "US", ("00901", "00926"), ("787",), 18.47, -66.11),
    Place("Toronto", "Ontario", "CA", ("M4C 1M5", "M6H 2A8"), ("416", "647"), 43.65, -79.38),
)

AREA_CODES: Final = (
    *(area for place in PLACES for area in place.area_codes),
    "201", "203", "205", "207", "208", "209", "212", "214", "217", "218", "219", "224", "225", "228", "229", "231",
    "234", "239", "240", "248", "251", "252", "253", "254", "256", "260", "262", "269", "270", "276", "281", "301",
    "302", "304", "307", "308", "309", "310", "314", "315", "316", "317", "318", "319", "320", "321", "325", "330",
    "334", "336", "337", "339", "352", "360", "361", "385", "386", "401", "402", "405", "406", "407", "408", "409",
    "410", "413", "415", "417", "419", "423", "424", "425", "432", "434", "435", "440", "443", "469", "478", "479",
)  # fmt: skip
"""Those of the places first, then enough others for a million people."""
