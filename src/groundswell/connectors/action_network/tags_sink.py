"""The `action_network.tags` sink: puts a tag on people who are at Action Network, or takes it off."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from groundswell import record as records
from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.action_network.account import ActionNetworkAccount
from groundswell.connectors.action_network.hal import id_of
from groundswell.connectors.action_network.tag_book import TagBook
from groundswell.connectors.action_network.transport import Caller
from groundswell.connectors.action_network.who import UncertainError, Who
from groundswell.errors import RateLimitedError, RejectedError, UnavailableError
from groundswell.record import Group, Person, Record
from groundswell.settings import SinkSettings


class ActionNetworkTagsSettings(SinkSettings):
    """Tags people, or takes a tag off them. It makes nobody: whoever is not there becomes a dead letter."""

    account: str = Field(description="The account to write with, of type action_network. It must be a group's.")
    tag: str | None = Field(
        None, min_length=1, description="The tag. Without it: the group of the record, as membership records have one."
    )
    mode: Literal["add", "remove"] = Field("add", description="Whether the tag is put on or taken off.")
    make_tags: bool = Field(True, description="Whether a tag that is not there is made.")


class ActionNetworkTags:
    """One person a delivery."""

    def __init__(self, settings: ActionNetworkTagsSettings, context: Context) -> None:
        account: ActionNetworkAccount = context.account
        caller = Caller(context.name)
        self._settings = settings
        self._name = context.name
        self._who = Who(account.client, caller)
        self._tags = TagBook(account.client, caller, makes=settings.make_tags and settings.mode == "add")

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        return [await self._deliver(records.from_json(delivery.body)) for delivery in deliveries]

    async def aclose(self) -> None:
        """Nothing to let go of."""

    async def _deliver(self, record: Record) -> Outcome:
        tag = self._settings.tag
        if tag is None and isinstance(record.group, Group) and isinstance(record.group.title, str):
            tag = record.group.title
        if tag is None:
            return Skipped("no_tag")
        if not isinstance(record.person, Person):
            return Rejected("no_person", f"{self._name}: the record says nothing about a person")
        try:
            return await self._tag(record.person, tag)
        except (UnavailableError, RateLimitedError) as error:
            return Retry(error)
        except RejectedError as error:
            return Rejected(error.reason, str(error))

    async def _tag(self, person: Person, tag: str) -> Outcome:
        try:
            theirs = await self._who.find(person)
        except UncertainError:
            theirs = None
        number = id_of(theirs) if theirs is not None else None
        if number is None:
            return Rejected(
                "unknown_person", f"{self._name}: Action Network has nobody like that; add them there first"
            )
        before = self._tags.writes
        if self._settings.mode == "remove":
            await self._tags.remove(tag, number)
        elif not await self._tags.add(tag, number):
            return Rejected("unknown_tag", f"{self._name}: there is no such tag; make it, or set make_tags = true")
        return Delivered() if self._tags.writes > before else Skipped("unchanged")
