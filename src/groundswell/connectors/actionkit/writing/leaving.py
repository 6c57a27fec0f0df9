"""Takes people off lists who said no to email, on an unsubscribe page, and only those who are on one."""

from collections.abc import Sequence
from typing import Any, Final

from groundswell.connectors.actionkit.client import ActionKit, Resource
from groundswell.connectors.actionkit.faults import InvalidError, MissingError
from groundswell.connectors.actionkit.times import seconds_of, written
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.uris import id_at
from groundswell.errors import UnauthorizedError

SUBSCRIBED: Final = "subscribed"
"""On one list at least (D)."""


class Leaving:
    """One unsubscribe page, and the lists people are taken off there; none: all of them."""

    def __init__(self, client: ActionKit, caller: Caller, page: str, lists: Sequence[int], key_field: str) -> None:
        self._client = client
        self._caller = caller
        self._lists = lists
        self._key_field = key_field
        self.page = page

    async def leave(self, user: Resource, key: str, said_at: Any = None, *, on_none_too: bool = False) -> bool:
        """Take a user, as they show them, off these lists; whether anything was done. Twice it is as once.

        Args:
            said_at: When they said no.
            on_none_too: Whether who is on none of them unsubscribes all the same: for `Left` to find.

        Raises:
            UnauthorizedError: there is no such page: a person has to mend the settings.
        """
        if not user or not (on_none_too or await self._is_on(user)):
            return False
        try:
            await self._client.act(self._caller, self._parameters(user, key, said_at))
        except (InvalidError, MissingError) as error:
            if isinstance(error, MissingError) or "page" in error.fields:
                raise UnauthorizedError(
                    f'{self._caller.component}: {self._client.host} has no page "{self.page}" to unsubscribe on; check '
                    "`unsubscribe_page`"
                ) from error
            raise
        return True

    def _parameters(self, user: Resource, key: str, said_at: Any) -> dict[str, Any]:
        """An action on an unsubscribe page: off all lists (W), or off some (C)."""
        who = {"email": user["email"]} if user.get("email") else {"akid": user.get("token")}
        some = {"have_unsub_lists": 1, "unsub_lists": list(self._lists)} if self._lists else {}
        said = seconds_of(said_at)
        at = {} if said is None else {"created_at": written(said)}
        return {"page": self.page, f"action_{self._key_field}": key, "skip_confirmation": 1, **who, **some, **at}

    async def _is_on(self, user: Resource) -> bool:
        if user.get("subscription_status") != SUBSCRIBED:
            return False
        if not self._lists:
            return True
        number = str(user.get("id", ""))
        page = await self._client.page(self._caller, "subscription", order_by="id", where=[("user", number)])
        return bool({str(one) for one in self._lists} & {id_at(one.get("list")) for one in page.objects})
