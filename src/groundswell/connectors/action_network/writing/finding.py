"""The number of the person a record is about, for sinks that write about people and make none."""

from groundswell.connectors.action_network.transport import Caller
from groundswell.connectors.action_network.writing.lookup import PeopleLookup, known_identity
from groundswell.errors import RecordError
from groundswell.record import Person, Record


async def found_number(lookup: PeopleLookup, caller: Caller, record: Record) -> str | None:
    """Their number of the person; None if they have nobody like that.

    Raises:
        RecordError: there is nothing by which to look: reason `no_identity` or `cannot_be_looked_up`.
        RemoteError: as the client says.
    """
    if not isinstance(record.person, Person):
        raise RecordError("the record says nothing about a person", reason="no_identity")
    identity = known_identity(record.person)
    found = await lookup.find(caller, identity)
    if found.shown is None and identity.has_odd_email:
        raise RecordError(
            "the email address has a character that no filter of theirs can hold, so the person cannot be looked up; "
            "with their number at Action Network (`person.ids.action_network`) they can",
            reason="cannot_be_looked_up",
        )
    return found.shown.id if found.shown is not None else None
