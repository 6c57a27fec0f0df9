"""Who is on lists, so that only those are taken off who are."""

from collections.abc import Sequence
from typing import Final

from groundswell.connectors.actionkit.client import ActionKit, Resource
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.uris import id_at

SUBSCRIBED: Final = "subscribed"
"""On one list at least (D)."""


async def is_on(client: ActionKit, caller: Caller, user: Resource, lists: Sequence[int]) -> bool:
    """Whether a user, as they show them, is on any of these lists; on any at all where none is named."""
    if user.get("subscription_status") != SUBSCRIBED:
        return False
    if not lists:
        return True
    page = await client.page(caller, "subscription", order_by="id", where=[("user", str(user.get("id", "")))])
    return bool({str(number) for number in lists} & {id_at(one.get("list")) for one in page.objects})
