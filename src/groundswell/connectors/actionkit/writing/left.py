"""Whether somebody left after they said yes: a yes that comes late, from a queue, a backfill or a replay, puts nobody
back on a list (what lists and actions say of it: I)."""

from collections.abc import Sequence
from typing import Any, Final

from groundswell.connectors.actionkit.client import ActionKit, Resource
from groundswell.connectors.actionkit.people import flag_of
from groundswell.connectors.actionkit.times import seconds_of
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.uris import id_at, thing_at

UNSUBSCRIBE_PAGE: Final = "unsubscribepage"


class Left:
    """Looks at what a user did on unsubscribe pages, and at what became of them on these lists; without any, on all."""

    def __init__(self, client: ActionKit, caller: Caller, lists: Sequence[int] = ()) -> None:
        self._client = client
        self._caller = caller
        self._lists = {str(number) for number in lists}
        self._joins: dict[str, bool] = {}
        """Kinds of changes, by number: whether they put somebody on a list."""

    async def since(self, user: Resource, said_at: Any) -> bool:
        """Whether a user, as they show them, left at this moment or later; at any time, if nobody knows when they said
        yes. Of what they did, the latest hundred count. {} is somebody new, who never left."""
        if not user:
            return False
        said, where = seconds_of(said_at), [("user", str(user.get("id", "")))]

        def is_later(thing: Resource) -> bool:
            at = seconds_of(thing.get("created_at"))
            return said is None or at is None or at >= said

        # An unsubscription of somebody who is on no list is not in the history.
        actions = await self._client.page(self._caller, "action", order_by="-created_at", where=where)
        left = [action for action in actions.objects if _is_unsubscription(action)]
        if any(map(is_later, left)):
            return True
        # What these did is in the history when it was written down: they say themselves when it was said.
        told = {str(action.get("id")) for action in left}
        history = await self._client.page(self._caller, "subscriptionhistory", order_by="-id", where=where)
        for change in history.objects:
            is_news = id_at(change.get("action")) not in told and self._is_ours(change) and is_later(change)
            if is_news and not await self._is_joining(id_at(change.get("change"))):
                return True
        return False

    def _is_ours(self, change: Resource) -> bool:
        return not self._lists or id_at(change.get("list")) in self._lists

    async def _is_joining(self, kind: str | None) -> bool:
        """A kind that is not known is taken for leaving."""
        if kind is None:
            return False
        if kind not in self._joins:
            kinds = await self._client.page(self._caller, "subscriptionchangetype", order_by="id")
            self._joins = {str(one.get("id")): flag_of(one, "subscribed") is True for one in kinds.objects}
            self._joins.setdefault(kind, False)
        return self._joins[kind]


def _is_unsubscription(action: Resource) -> bool:
    page = thing_at(action.get("page"))
    return page is not None and page.type == UNSUBSCRIBE_PAGE
