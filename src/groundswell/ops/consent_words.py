"""The lines of the ledger of consents in words: who said what, and what was made of it."""

from collections.abc import Mapping
from typing import Final

from groundswell.ops.member_messages import ConsentLine, Decision

DECISIONS: Final[Mapping[Decision, str]] = {
    "changed": "changed what is known",
    "same": "said what was known, at another time",
    "unknown": "meant neither yes nor no",
    "older": "older than what is known",
    "first_contact": "the member's word counted when they met",
    "forgotten": "forgotten",
}
"""By decision, what was made of it."""


def said_words(line: ConsentLine) -> str:
    """What was made of it, as a sentence."""
    match line.decision:
        case "changed":
            return f"It means {line.said}: may be texted was {line.old}, and became {line.new}."
        case "same":
            return f"It means {line.said}, as was known: {line.new}."
        case "unknown":
            return f"It means neither yes nor no, so it changed nothing: {line.new}."
        case "older":
            return f"It means {line.said}, and is older than what is known (or cannot be told from older): {line.new}."
        case "first_contact":
            return f"It means {line.said}. They met for the first time, and the member's word counts: {line.new}."
        case "forgotten":
            return f"They were forgotten; it was {line.old}. The lines before are erased."
    return f"{line.decision}: {line.old} to {line.new}."
