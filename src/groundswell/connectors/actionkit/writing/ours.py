"""What we recorded there, told from what others did: each action of ours carries a key in an action field."""

from hashlib import blake2b
from typing import Final

from groundswell.record import Action, Record

KEY_FIELD: Final = "groundswell_id"
"""Sent as `action_groundswell_id`, unless a sink is given another: two daemons at one instance need two."""
OWN: Final = "actionkit:"
"""What the ids of records begin with that were read at an ActionKit."""
_LENGTH_MAX: Final = 200


def key_of(record_id: str, page: str) -> str:
    """What the action of a record on a page is called there, the same for every try.

    The id of the record, so that people there can tell where it came from; by its hash where it is long, or has letters
    that their database might keep otherwise.
    """
    key = f"{record_id} {page}"
    if len(key) <= _LENGTH_MAX and key.isascii() and key.isprintable():
        return key
    return f"{blake2b(record_id.encode(), digest_size=16).hexdigest()} {page}"


def is_echo(record: Record, key_field: str) -> bool:
    """Whether this record was read at an ActionKit and is one that we had made there."""
    return record.id.startswith(OWN) and isinstance(record.action, Action) and key_field in record.action.fields
