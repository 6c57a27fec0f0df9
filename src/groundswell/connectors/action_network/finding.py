"""The number of the person a record is about, for sinks that write about people and make none."""

from groundswell.connectors.action_network.hal import id_of
from groundswell.connectors.action_network.outgoing import digits
from groundswell.connectors.action_network.who import UncertainError, Who
from groundswell.errors import RecordError
from groundswell.record import Person, Record


async def found_number(who: Who, record: Record) -> str | None:
    """Their number of the person; None if they have nobody like that.

    Raises:
        RecordError: the record says nothing by which to look, reason `no_identity` or `cannot_be_looked_up`.
        RemoteError: as the client says.
    """
    person = record.person
    if not isinstance(person, Person):
        raise RecordError("the record says nothing about a person", reason="no_identity")
    has_phone = isinstance(person.phone, str) and bool(digits(person.phone))
    if not (isinstance(person.email, str) or has_phone or "action_network" in person.ids):
        raise RecordError(
            "the person has no email address, no phone number and no number at Action Network", reason="no_identity"
        )
    try:
        found = await who.find(person)
    except UncertainError:
        raise RecordError(
            "the email address has a character that no filter of theirs can hold, so the person cannot be looked up; "
            "with their number at Action Network (`person.ids.action_network`) they can",
            reason="cannot_be_looked_up",
        ) from None
    return id_of(found) if found is not None else None
