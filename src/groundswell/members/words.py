"""The words of opt-ins. Nobody is opted in, or out, by a word nobody agreed on."""

from typing import Final

from groundswell.members.member import Consent

TRUE_WORDS: Final = ("t", "true", "1", "y", "yes", "opt in", "opt-in")
FALSE_WORDS: Final = ("f", "false", "0", "n", "no", "opt out", "opt-out")
_MEANINGS: Final[dict[str, Consent]] = {**dict.fromkeys(TRUE_WORDS, "yes"), **dict.fromkeys(FALSE_WORDS, "no")}
_LOOKED_AT_MAX: Final = 64
"""Characters; nothing longer is looked up as a word."""


def consent_in(word: str | None) -> Consent:
    """What a word means, whatever its letters and spaces."""
    if word is None or len(word) > _LOOKED_AT_MAX:
        return "unknown"
    return _MEANINGS.get(" ".join(word.split()).casefold(), "unknown")
