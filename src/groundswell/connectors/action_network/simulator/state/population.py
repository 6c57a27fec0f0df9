"""The people nobody has touched yet: each is made from the seed and a number whenever they are asked for.

So a million of them take no memory and no time to make. What can be looked up (UUID, email, phone, foreign identifier,
the dates) can be turned back into the number. Addresses end in example.org; numbers are 555-0100 to 555-0199 while
there are enough of those, then others of the exchange 555, which nobody is given either.
"""

import hashlib
import re
from bisect import bisect_left
from random import Random
from typing import Final

from groundswell.connectors.action_network.simulator.names import FAMILY, GIVEN, SHIRTS, plain
from groundswell.connectors.action_network.simulator.places import AREA_CODES, PLACES, STREETS, Place
from groundswell.connectors.action_network.simulator.state.numbering import Numbering
from groundswell.connectors.action_network.simulator.state.person import SUBSCRIBED, UNSUBSCRIBED, Address, Person
from groundswell.places.regions import region_code

CREATED: Final = (1_451_606_400, 1_777_507_200)
"""2016-01-01 to 2026-04-30: fixed, so that the same seed gives the same people whenever it is started."""
MODIFIED: Final = (1_672_531_200, 1_777_593_600)
"""2023-01-01 to 2026-05-01. Both rise with the number."""

_UPLOAD_EVERY: Final = 10
_UPLOAD_MAX: Final = 5_000
"""Each tenth block of people came with an uploaded list, all in the same second: no window can part them."""

_PHONES_PER_AREA: Final = 9_998
_RESERVED: Final = ("1212", "4334")
"""The only two lines of the exchange 555 that were given to somebody for good."""
_LINES: Final = tuple(f"{line:04d}" for line in range(100, 200)) + tuple(
    line for line in (f"{number:04d}" for number in (*range(100), *range(200, 10_000))) if line not in _RESERVED
)
_LINE_NUMBERS: Final = {line: number for number, line in enumerate(_LINES)}
_AREA_NUMBERS: Final = {area: number for number, area in enumerate(AREA_CODES)}

_EMAIL: Final = re.compile(r"[a-z.]+?([0-9]{1,15})@example\.org")
_FOREIGN: Final = re.compile(r"memberdb:([0-9]{1,15})")
_FOREIGN_EVERY: Final = 30

_PLAIN_GIVEN: Final = tuple(map(plain, GIVEN))
_PLAIN_FAMILY: Final = tuple(map(plain, FAMILY))
_CODES: Final = {place.region: region_code(place.region) for place in PLACES}
_EMAIL_STATUSES: Final = (
    *(SUBSCRIBED,) * 82,
    *(UNSUBSCRIBED,) * 13,
    *("bouncing",) * 2,
    "previous bounce",
    "spam complaint",
    "previous spam complaint",
)


class Population:
    """`size` people, numbered from 0."""

    def __init__(self, seed: int, size: int) -> None:
        self.size = size
        self._numbering = Numbering(Random(f"people {seed}"))
        self._key = hashlib.blake2b(str(seed).encode(), digest_size=16).digest()
        self._block = min(_UPLOAD_MAX, max(30, size // 40))

    def person(self, number: int) -> Person:
        """The person with this number, always the same. Numbers from `size` on make people, too; nobody finds those."""
        draw = _Draw(hashlib.blake2b(number.to_bytes(8), key=self._key, digest_size=24).digest())
        given, family = draw.below(len(GIVEN)), draw.below(len(FAMILY))
        place = PLACES[draw.below(len(PLACES))]
        phone = self._phone(number, draw.below(100))
        has_email = phone is None or draw.below(100) >= 3
        return Person(
            number=number,
            uuid=self._numbering.uuid_of(number),
            created=self.created_of(number),
            modified=self.modified_of(number),
            given_name=GIVEN[given] if draw.below(20) else "",
            family_name=FAMILY[family] if draw.below(15) else "",
            email=f"{_PLAIN_GIVEN[given]}.{_PLAIN_FAMILY[family]}{number}@example.org" if has_email else None,
            email_status=_EMAIL_STATUSES[draw.below(100)],
            phone=phone,
            phone_status=SUBSCRIBED if draw.below(100) < 40 else UNSUBSCRIBED,
            address=_address(place, draw) if draw.below(100) < 85 else None,
            language=("en", "en", "en", "en", "en", "en", "en", "en", "es", "fr")[draw.below(10)],
            custom=_custom(draw),
            identifiers=(f"memberdb:{number}",) if number % _FOREIGN_EVERY == 7 else (),
        )

    def uuid_of(self, number: int) -> str:
        """Also for the numbers from `size` on, which those have who came later."""
        return self._numbering.uuid_of(number)

    def number_of(self, uuid: str) -> int | None:
        """The number this UUID stands for, whether or not anybody has it. None when it is no UUID of theirs."""
        return self._numbering.number_of(uuid)

    def number_by_email(self, email: str) -> int | None:
        """Whose address this is; given in lower case."""
        match = _EMAIL.fullmatch(email)
        number = self._known(int(match[1])) if match else None
        return number if number is not None and self.person(number).email == email else None

    def number_by_phone(self, phone: str) -> int | None:
        area, line = _AREA_NUMBERS.get(phone[1:4]), _LINE_NUMBERS.get(phone[7:])
        if area is None or line is None:
            return None
        number = self._known(line * len(AREA_CODES) + area)
        return number if number is not None and self.person(number).phone == phone else None

    def number_by_identifier(self, identifier: str) -> int | None:
        """Whose foreign identifier this is."""
        match = _FOREIGN.fullmatch(identifier)
        number = self._known(int(match[1])) if match else None
        return number if number is not None and identifier in self.person(number).identifiers else None

    def created_of(self, number: int) -> int:
        return self._moment(number, CREATED)

    def modified_of(self, number: int) -> int:
        return self._moment(number, MODIFIED)

    def first_modified_at(self, seconds: int) -> int:
        """The first number that was modified then or later; `size` when there is none."""
        return bisect_left(range(self.size), seconds, key=self.modified_of)

    def first_created_at(self, seconds: int) -> int:
        """The first number that was created then or later; `size` when there is none."""
        return bisect_left(range(self.size), seconds, key=self.created_of)

    def _moment(self, number: int, span: tuple[int, int]) -> int:
        block = number // self._block
        if block % _UPLOAD_EVERY == 3:
            number = block * self._block
        return span[0] + (span[1] - span[0]) * number // max(self.size, 1)

    def _phone(self, number: int, chance: int) -> str | None:
        line, area = divmod(number, len(AREA_CODES))
        if chance >= 60 or line >= _PHONES_PER_AREA:
            return None
        return f"1{AREA_CODES[area]}555{_LINES[line]}"

    def _known(self, number: int | None) -> int | None:
        return number if number is not None and number < self.size else None


class _Draw:
    """Chance out of one hash: much quicker to begin than a `Random`."""

    __slots__ = ("_left",)

    def __init__(self, digest: bytes) -> None:
        self._left = int.from_bytes(digest)

    def below(self, limit: int) -> int:
        self._left, drawn = divmod(self._left, limit)
        return drawn


def _address(place: Place, draw: _Draw) -> Address:
    has_street = draw.below(100) < 25
    return Address(
        line=f"{draw.below(4000) + 1} {STREETS[draw.below(len(STREETS))]}" if has_street else "",
        locality=place.city,
        region=_CODES[place.region],
        postal_code=place.zips[draw.below(len(place.zips))],
        country=place.country,
        latitude=place.latitude,
        longitude=place.longitude,
        accuracy="Rooftop" if has_street else "Approximate",
    )


def _custom(draw: _Draw) -> dict[str, str]:
    """Values are texts; a ticked box is "1", and one that is not ticked is not there."""
    custom = {}
    if draw.below(100) < 35:
        custom["Shirt size"] = SHIRTS[draw.below(len(SHIRTS))]
    if draw.below(100) < 20:
        custom["is_member"] = "1"
    return custom
