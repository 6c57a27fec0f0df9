"""Make phone numbers E.164 ("+15035550144"), the form in which one number is one person."""

from collections import Counter
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Final, Self

import phonenumbers
from msgspec import UNSET
from pydantic import AfterValidator, Field, model_validator

from groundswell.component import Context
from groundswell.record import Record
from groundswell.settings import TransformSettings
from groundswell.transforms.changes import Set, setter
from groundswell.transforms.nanp import Read, nanp_reader
from groundswell.transforms.paths import FieldPath, TargetPath
from groundswell.transforms.values import plain_text

_CACHED_NUMBERS_MAX: Final = 4096
_TEXT_MAX: Final = 250
"""Characters; `phonenumbers` refuses longer texts, so they need not be cached."""


def _region(value: str) -> str:
    region = value.strip().upper()
    if region in phonenumbers.SUPPORTED_REGIONS:
        return region
    close = get_close_matches(region, sorted(phonenumbers.SUPPORTED_REGIONS), n=1, cutoff=0.5)
    meant = f'; did you mean "{close[0]}"?' if close else ""
    raise ValueError(f'is not a region; write two letters of ISO 3166, such as "US", "CA" or "GB"{meant}')


def _phone_field(path: FieldPath) -> FieldPath:
    if path.holds not in ("text", "anything"):
        raise ValueError(
            f'"{path}" cannot hold a phone number; name a text field, such as "phone" or "custom.Work phone"'
        )
    return path


def _custom(path: FieldPath) -> FieldPath:
    if path.slot != "custom":
        raise ValueError(f'"{path}" is not a custom field; write "custom." and a name, such as "custom.unusable_phone"')
    return path


class NormalisePhoneSettings(TransformSettings):
    """Makes phone numbers E.164, such as +15035550144; see docs/transforms.md."""

    fields: list[Annotated[TargetPath, AfterValidator(_phone_field)]] = Field(
        ["phone"], validate_default=True, min_length=1, description="The fields that hold phone numbers."
    )
    region: Annotated[str, AfterValidator(_region)] = Field(
        "US",
        description='Where a number without a country code is from: two letters of ISO 3166, such as "US" or "GB".',
    )
    keep_as: Annotated[TargetPath, AfterValidator(_custom)] = Field(
        "custom.unusable_phone",
        validate_default=True,
        description="The custom field that keeps the text of a `phone` that cannot be used.",
    )

    @model_validator(mode="after")
    def _keeps_elsewhere(self) -> Self:
        if self.keep_as in self.fields:
            raise ValueError(f'keep_as is "{self.keep_as}", which is also one of fields; name another custom field')
        return self


class NormalisePhone:
    """Makes phone numbers E.164.

    A number is usable when `phonenumbers` calls it valid: it belongs to a range that is in use somewhere. One that is
    not leaves `phone` unknown; its text is kept in the field `keep_as`, and it is counted. In any other field the
    text stays where it is, and is counted.
    """

    def __init__(self, settings: NormalisePhoneSettings, context: Context) -> None:
        self.counts: Counter[str] = Counter()
        self._e164 = e164_reader(settings.region)
        self._fields = tuple((path.get, setter(path), path.text == "phone") for path in settings.fields)
        self._keep = setter(settings.keep_as)

    def apply(self, record: Record) -> Record | None:
        changed = record
        for get, write, promises_e164 in self._fields:
            written = get(record)
            if written is UNSET or written is None:
                continue
            number = self._e164(written) if type(written) is str else self._read(written)
            if number is None:
                changed = self._without_number(changed, written, write, promises_e164)
            elif number != written:
                changed = write(changed, number)
        return changed

    def _without_number(self, record: Record, written: Any, write: Set, promises_e164: bool) -> Record:
        if type(written) is str and not written.strip():
            return write(record, None)
        self.counts["unusable_phone"] += 1
        return write(self._keep(record, written), UNSET) if promises_e164 else record

    def _read(self, written: Any) -> str | None:
        """A phone that is no text: JSON may well hold 5035550144."""
        try:
            return self._e164(plain_text(written))
        except ValueError:
            return None


def e164_reader(region: str) -> Read:
    """Reads a text as a valid phone number in E.164, without its extension; None when it is none."""

    @lru_cache(maxsize=_CACHED_NUMBERS_MAX)
    def ask_library(text: str) -> str | None:
        return e164(text, region)

    return nanp_reader(region, otherwise=lambda text: ask_library(text) if len(text) <= _TEXT_MAX else None)


def e164(text: str, region: str) -> str | None:
    """What `phonenumbers` makes of a text: E.164 if it is a valid number, else None. Takes about 30 microseconds."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
