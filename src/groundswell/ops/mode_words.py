"""The modes of fields in words: what comes from there, and what goes there."""

from typing import Final

from groundswell.ops.sync_messages import SyncField

ARROWS: Final = {(True, True): "⇄", (True, False): "←", (False, True): "→"}
"""By whether anything comes from there, and whether anything goes there; the member stands on the left."""


def arrow(field: SyncField) -> str:
    return ARROWS[field.fills_member, field.fills_remote]


def from_there(field: SyncField) -> str:
    """What their values do here."""
    return _does(field.fills_member, field.overwrites_member, "the member's")


def to_there(field: SyncField) -> str:
    """What the member's values do there."""
    return _does(field.fills_remote, field.overwrites_remote, "theirs")


def _does(fills: bool, overwrites: bool, whose: str) -> str:
    if not fills:
        return "nothing"
    return f"fills an empty one, and overwrites {whose}" if overwrites else "fills an empty one"
