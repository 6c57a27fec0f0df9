"""A page made over the API: found again when it is there, made when it is missing, and never made twice.

They take donations and outreaches over the API only on such pages [D], which nobody can make in their UI. It has no
public address and no autoresponse, and shows up for targeting only after one record is on it [D].
"""

from typing import Annotated, Final, Literal

import anyio
from pydantic import AfterValidator, Field

from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.collections import Collection
from groundswell.connectors.action_network.filters import can_be_written, equals
from groundswell.connectors.action_network.hal import Resource, id_of
from groundswell.connectors.action_network.transport import Caller
from groundswell.connectors.common.unsettled import Unsettled
from groundswell.errors import UnavailableError
from groundswell.settings import Settings

_KEY: Final = "page"


def _check_title(title: str) -> str:
    if not title or title != title.strip() or not can_be_written(title):
        raise ValueError("must be text without an apostrophe or a backslash, or the page could not be found again")
    return title


class MadePageSettings(Settings):
    """A page that is made when it is not there."""

    title: Annotated[str, AfterValidator(_check_title)] = Field(description="By this, and origin_system, it is found.")
    origin_system: Annotated[str, AfterValidator(_check_title)] = Field(
        "Groundswell", description="Which system made it, as Action Network shows it."
    )
    kind: Literal["email", "phone"] = Field("email", description="Advocacy campaigns only: letters or calls.")
    targets: str = Field("", description='Advocacy campaigns only: whom people write to or call, "U.S. Senate".')

    def body(self, collection: str) -> Resource:
        """What makes it."""
        body: Resource = {"title": self.title, "name": self.title, "origin_system": self.origin_system}
        if collection == "advocacy_campaigns":
            body |= {"type": self.kind} | ({"targets": self.targets} if self.targets else {})
        return body


class MadePage:
    """The number of that page."""

    def __init__(
        self,
        client: ActionNetwork,
        caller: Caller,
        collection: Collection,
        settings: MadePageSettings,
        unsettled: Unsettled,
    ) -> None:
        self._client = client
        self._caller = caller
        self._collection = collection
        self._settings = settings
        self._unsettled = unsettled
        self._number: str | None = None
        self._looking = anyio.Lock()

    async def number(self) -> str:
        """Found, or made.

        Raises:
            NotYetError: it is not there, and an earlier try to make it may not show yet.
        """
        async with self._looking:
            if self._number is None:
                self._number = await self._find() or await self._make()
            return self._number

    def forget(self) -> None:
        """It is gone: look again."""
        self._number = None

    async def _find(self) -> str | None:
        """The oldest page of this name, should there be several."""
        found: list[tuple[str, str]] = []
        where = (equals("title", self._settings.title),)
        async for page in self._client.pages(self._caller, self._collection, where=where):
            for resource in page.resources:
                number = id_of(resource)
                if number is not None and self._is_it(resource):
                    found.append((str(resource.get("created_date")), number))
        return min(found)[1] if found else None

    def _is_it(self, resource: Resource) -> bool:
        """What was made in their UI has their own origin, and would not take what this page is for."""
        wanted = (self._settings.title, self._settings.origin_system)
        return (resource.get("title"), resource.get("origin_system")) == wanted

    async def _make(self) -> str:
        self._unsettled.check(_KEY, "making the page to write to")
        body = self._settings.body(self._collection.name)
        with self._unsettled.trying(_KEY):
            made = await self._client.post(self._caller, (self._collection.path,), body)
        number = id_of(made)
        if number is None:
            raise UnavailableError(
                f"{self._caller.component}: making the page to write to: the answer has no number; looked for again"
            )
        return number
