"""Phone numbers of the North American Numbering Plan (+1), read about forty times as fast as the library reads them.

Only the plainest ways of writing one are read here: ten digits, perhaps a 1 or +1 before them, perhaps brackets, dots,
dashes and spaces. Everything else is left to the library. Which numbers exist is not written down here: it is made,
when the daemon starts, from the metadata of the `phonenumbers` that is installed, into one regular expression.
"""

import re
from collections.abc import Callable
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc

REGIONS: Final[tuple[str, ...]] = COUNTRY_CODE_TO_REGION_CODE[1]
"""The countries and territories whose numbers start with +1, in the order in which the library asks them."""

Read = Callable[[str], str | None]
"""Reads a text as a phone number in E.164; None when it is none."""

_DIGITS: Final = 10
_NOTHING: Final = "(?!)"
"""The expression that fits nothing."""
_PLAIN: Final = r"\(?([2-9][0-9]{2})\)?[-. ]{0,3}([0-9]{3})[-. ]{0,3}([0-9]{4})"
_WITH_PLUS: Final = re.compile(rf"\+1[-. ]{{0,3}}{_PLAIN}")
_WITHOUT_PLUS: Final = re.compile(rf"(?:\+?1[-. ]{{0,3}})?{_PLAIN}")


def nanp_reader(region: str, otherwise: Read) -> Read:
    """Reads the numbers of this plan itself, and leaves every text that is not written plainly to `otherwise`.

    Where `region` is outside the plan, only numbers with their +1 are read here.
    """
    written_plainly = (_WITHOUT_PLUS if region in REGIONS else _WITH_PLUS).fullmatch
    exists = _existing_numbers().fullmatch

    def read(text: str) -> str | None:
        if exists(text):
            return text
        match = written_plainly(text)
        if match is None:
            return otherwise(text)
        number = "+1" + "".join(match.groups())
        return number if exists(number) else None

    return read


def _existing_numbers() -> re.Pattern[str]:
    """The numbers `phonenumbers.is_valid_number` accepts, in E.164, as one expression, from its own metadata.

    The library asks each region of the plan in turn. The first whose leading digits fit decides alone; a region
    without leading digits decides when it knows the number. So each region's answer is nested in the "otherwise" of
    the one before.
    """
    pattern = _NOTHING
    for region in reversed(REGIONS):
        metadata = PhoneMetadata.metadata_for_region(region)
        if metadata is None:
            continue
        known, leading = _numbers_of(metadata), metadata.leading_digits
        pattern = f"(?:(?={leading}){known}|(?!{leading}){pattern})" if leading else f"(?:{known}|{pattern})"
    return re.compile(rf"\+1{pattern}", re.ASCII)  # \d must not take the digits of other scripts: they are no E.164


def _numbers_of(metadata: PhoneMetadata) -> str:
    """The numbers of one region: of its general form, and of at least one type. Commonest types first, for speed."""
    types = (
        metadata.fixed_line,
        metadata.mobile,
        metadata.toll_free,
        metadata.premium_rate,
        metadata.shared_cost,
        metadata.voip,
        metadata.personal_number,
        metadata.pager,
        metadata.uan,
        metadata.voicemail,
    )
    patterns = dict.fromkeys(filter(None, map(_pattern, types)))
    return rf"(?:(?=(?:{_pattern(metadata.general_desc) or _NOTHING})\Z)(?:{'|'.join(patterns) or _NOTHING})\Z)"


def _pattern(desc: PhoneNumberDesc | None) -> str | None:
    """The expression for ten-digit numbers of this description; None when it has none."""
    if desc is None or (desc.possible_length and _DIGITS not in desc.possible_length):
        return None
    return desc.national_number_pattern or None
