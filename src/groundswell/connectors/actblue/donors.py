"""ActBlue's donor as a canonical person."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET

from groundswell.connectors.actblue.values import flag_of, text_of
from groundswell.places.countries import country_code
from groundswell.record import Person, Text

OPT_IN: Final = "opt_in"
"""The one word of `textMessageOption` that says something. "opt_out" is a box left unticked: no yes is taken back."""
_EMPLOYER: Final = {
    "employer": "employer",
    "occupation": "occupation",
    "employerAddr1": "employer_address1",
    "employerCity": "employer_city",
    "employerState": "employer_state",
    "employerZip": "employer_zip",
    "employerCountry": "employer_country",
}


def donor_of(body: Mapping[str, Any], gift: Mapping[str, Any] | None, *, subscribes: bool = False) -> Person:
    """Who gave.

    Args:
        gift: The contribution with which they said something. None: they said it earlier, if they did (a refund).
        subscribes: Whether giving is a yes to email.
    """
    donor = body.get("donor")
    if type(donor) is not dict:
        donor = {}
    return Person(
        first_name=_text(donor, "firstname"),
        last_name=_text(donor, "lastname"),
        email=_text(donor, "email"),
        phone=_text(donor, "phone"),
        address1=_text(donor, "addr1"),
        city=_text(donor, "city"),
        state=_text(donor, "state"),
        zip=_text(donor, "zip"),
        country=_country(_text(donor, "country")),
        sms_opt_in=True if gift is not None and _is_opt_in(gift.get("textMessageOption")) else UNSET,
        email_opt_in=True if subscribes else UNSET,
        custom=_custom(donor),
    )


def _text(donor: Mapping[str, Any], name: str) -> Text:
    return text_of(donor.get(name, UNSET))


def _is_opt_in(option: Any) -> bool:
    return type(option) is str and option.strip().lower() == OPT_IN


def _country(name: Text) -> Text:
    """They write English names; a code where it is sure, else what they wrote."""
    return country_code(name) or name if isinstance(name, str) else name


def _custom(donor: Mapping[str, Any]) -> dict[str, Any]:
    custom: dict[str, Any] = {}
    employer = donor.get("employerData")
    if type(employer) is dict:
        for theirs, ours in _EMPLOYER.items():
            value = text_of(employer.get(theirs, UNSET))
            if value is not UNSET:
                custom[ours] = value
    lane = flag_of(donor.get("isEligibleForExpressLane"))
    if isinstance(lane, bool):
        custom["express_lane"] = "true" if lane else "false"
    return custom
