"""What a list of records says of them and of itself, on the dashboard and on the command line."""

from collections.abc import Callable
from datetime import datetime

from groundswell.ops.record_messages import RecordListed, Records


def kind_of(record: RecordListed) -> str:
    """Its kind, or why nobody can say it: it is kept with what waits and with dead letters."""
    if record.kind is not None:
        return record.kind
    return {"waiting": "not read yet", "dead": "not known"}.get(record.state, "kept no more")


def how_far(found: Records, limit: int, *, is_first: bool, at: Callable[[datetime], str]) -> str | None:
    """How far it was looked, where that is not to be seen from the records: there are none, or few.

    Args:
        limit: How many were asked for.
        is_first: Whether it was looked from the newest on.
        at: How moments are written.
    """
    if found.next_before is None:
        return None if found.records else "there are none" if is_first else "there are no older ones"
    if len(found.records) == limit or found.looked_from is None or found.looked_back_to is None:
        return None
    which = "these are all of" if found.records else "there are none among"
    between = f"{at(found.looked_back_to)} and {at(found.looked_from)}"
    return f"{which} those accepted between {between} ({found.looked_at:,} looked at); there may be older ones"
