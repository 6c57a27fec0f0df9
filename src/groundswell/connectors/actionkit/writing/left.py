"""Whether somebody left after they said yes: a yes that comes late, from a queue, a backfill or a replay, puts nobody
back on a list (the history of lists: I)."""

from collections.abc import Sequence
from typing import Any

from groundswell.connectors.actionkit.client import ActionKit, Resource
from groundswell.connectors.actionkit.people import flag_of
from groundswell.connectors.actionkit.times import seconds_of
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.uris import id_at


class Left:
    """Looks at the history of these lists, without any of all, before somebody is put on one."""

    def __init__(self, client: ActionKit, caller: Caller, lists: Sequence[int] = ()) -> None:
        self._client = client
        self._caller = caller
        self._lists = {str(number) for number in lists}
        self._joins: dict[str, bool] = {}
        """Kinds of changes, by number: whether they put somebody on a list."""

    async def since(self, user: Resource, said_at: Any) -> bool:
        """Whether a user, as they show them, left a list at this moment or later; at any time, if nobody knows when
        they said yes. Only the latest hundred changes count. {} is somebody new, who left none."""
        if not user:
            return False
        said = seconds_of(said_at)
        where = [("user", str(user.get("id", "")))]
        latest = await self._client.page(self._caller, "subscriptionhistory", order_by="-id", where=where)
        for change in latest.objects:
            if self._lists and id_at(change.get("list")) not in self._lists:
                continue
            at = seconds_of(change.get("created_at"))
            is_later = said is None or at is None or at >= said
            if is_later and not await self._is_joining(id_at(change.get("change"))):
                return True
        return False

    async def _is_joining(self, kind: str | None) -> bool:
        """A kind that is not known is taken for leaving."""
        if kind is None:
            return False
        if kind not in self._joins:
            kinds = await self._client.page(self._caller, "subscriptionchangetype", order_by="id")
            self._joins = {str(one.get("id")): flag_of(one, "subscribed") is True for one in kinds.objects}
            self._joins.setdefault(kind, False)
        return self._joins[kind]
