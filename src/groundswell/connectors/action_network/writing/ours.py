"""What we recorded at Action Network, told from what others did there: it comes back by webhooks and polls.

Every record we make says so where it says which website it came from (`action_network:referrer_data`): that field may
hold any text [L], comes back with the record, and costs nobody anything. A foreign identifier would do as well, but is
there for ever, and they advise against them [D]: only what must never be made twice has one.
"""

from typing import Final
from uuid import NAMESPACE_URL, uuid5

from groundswell.connectors.action_network.hal import OWN, Resource, identifiers_of
from groundswell.record import Action, Record

MARK: Final = "groundswell"
"""Unless a sink is given another, by which two daemons can tell what each of them wrote."""


def identifier_of(mark: str, page: str, record_id: str) -> str:
    """What a record is called at Action Network, the same for every try.

    It must be unique among all their customers [D]. Ids of records are not (two customers have an action number 5001 at
    some vendor), but the number of the page is. It is a hash, as nobody knows what else an identifier can hold.
    """
    return f"{mark}:{uuid5(NAMESPACE_URL, f'{page}/{record_id}')}"


def marked(mark: str, website: str | None) -> str:
    """The website as it is written: ours, and behind it what the record says."""
    return f"{mark}: {website}" if website else mark


def is_ours(resource: Resource, mark: str = MARK) -> bool:
    """Whether we recorded this: a signature, a donation, ... as the API or a webhook has it."""
    referrer = resource.get("action_network:referrer_data")
    website = referrer.get("website") if isinstance(referrer, dict) else None
    return _is_marked(website, mark) or any(one.startswith(f"{mark}:") for one in identifiers_of(resource))


def is_echo(record: Record, mark: str = MARK) -> bool:
    """Whether this record was read at Action Network and is one that we had made there."""
    if not record.id.startswith(OWN) or not isinstance(record.action, Action):
        return False
    return _is_marked(record.action.referrer.get("website"), mark)


def _is_marked(website: object, mark: str) -> bool:
    return isinstance(website, str) and (website == mark or website.startswith(f"{mark}: "))
