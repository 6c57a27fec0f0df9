"""Stops a sink whose actions put people on lists although they were told not to: that `suppress_subscribe` keeps them
off is known from clients alone (C), and on pushes not even from those (I). The answer says what was done (D)."""

from groundswell.component import Rejected
from groundswell.connectors.actionkit.client import ActionKit, Resource
from groundswell.connectors.actionkit.transport import Caller
from groundswell.errors import UnauthorizedError


class Unasked:
    """Remembers the pages that did it, for as long as they have a list: a few, since nothing is written meanwhile."""

    def __init__(self, client: ActionKit, caller: Caller) -> None:
        self._client = client
        self._caller = caller
        self._pages: dict[str, None] = {}

    async def check(self) -> None:
        """Raises UnauthorizedError: nothing may be written before a person has mended the page."""
        for name in list(self._pages):
            page = await self._client.find(self._caller, "page", "name", name)
            if page is not None and page.get("list"):
                raise UnauthorizedError(
                    f'{self._caller.component}: {self._client.host} put somebody on the list of page "{name}", '
                    "although it was told not to; nothing more is sent until the page has no list: take it off the "
                    "page in ActionKit, or use another page"
                )
            self._pages.pop(name, None)

    def outcome(self, page: str, action: Resource) -> Rejected | None:
        """A dead letter, if this action put on a list who was not to be."""
        if action.get("subscribed_user") is not True:
            return None
        self._pages[page] = None
        return Rejected(
            "subscribed_unasked",
            f"{self._caller.component}: it was recorded, and ActionKit put this person on a list, although it was told "
            "not to; unsubscribe them there unless they had asked for it. A retry will find it and leave it as it is",
        )
