"""The `action_network.tags` sink: puts tags on people who are there, or takes them off."""

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import Field, model_validator

from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.action_network.people_sink import Tags
from groundswell.connectors.action_network.transport import Caller
from groundswell.connectors.action_network.writing.finding import found_number
from groundswell.connectors.action_network.writing.lookup import PeopleLookup
from groundswell.connectors.action_network.writing.tagging import Tagger, tidy
from groundswell.connectors.common.in_turn import in_turn
from groundswell.connectors.common.outcome import outcome_of
from groundswell.errors import NotYetError, RecordError, RemoteError
from groundswell.record import Action, Group, Record, from_json
from groundswell.settings import SinkSettings

LOOK_AGAIN_S: Final = (15.0, 60.0, 600.0)
"""Somebody who is not there may be made by another sink of the same daemon: a while is waited before that is final."""


class ActionNetworkTagsSettings(SinkSettings):
    """Tags people who are at Action Network, or untags them. It makes nobody: `action_network.people` does."""

    account: str = Field(description="The account to write to: the key of a group, as only groups have tags.")
    tags: Tags = Field(default_factory=list, description="Tags for everybody it gets.")
    tags_from_record: bool = Field(
        False,
        description="Whether also those a record names: the tags of an action, and the tag that a group_member record "
        "is about.",
    )
    mode: Literal["add", "remove"] = Field("add", description="Whether tags are put on or taken off.")
    create_tags: bool = Field(True, description="Whether tags that are not there are made before they are put on.")
    unknown_people: Literal["reject", "skip"] = Field(
        "reject", description="What becomes of a record about somebody who is not there after eleven minutes."
    )

    @model_validator(mode="after")
    def _has_tags(self) -> "ActionNetworkTagsSettings":
        if not self.tags and not self.tags_from_record:
            raise ValueError('has no tags; write tags = ["..."], or tags_from_record = true')
        return self


class ActionNetworkTags:
    """One person a delivery."""

    def __init__(self, settings: ActionNetworkTagsSettings, context: Context) -> None:
        client = context.account.client
        self._settings = settings
        self._caller = Caller(context.name)
        self._lookup = PeopleLookup(client, context.clock)
        self._tagger = Tagger(client, context.clock, makes_tags=settings.create_tags, background=False)

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        return await in_turn(deliveries, self._deliver)

    async def aclose(self) -> None:
        """Nothing to let go of: the session is the daemon's."""

    async def _deliver(self, delivery: Delivery) -> Outcome:
        record = from_json(delivery.body)
        tags = self._tags_of(record)
        if not tags:
            return Skipped("no_tags")
        try:
            number = await found_number(self._lookup, self._caller, record)
            if number is None:
                return self._unknown(delivery.attempts)
            is_adding = self._settings.mode == "add"
            is_changed = await self._tagger.change(
                self._caller, number, add=tags if is_adding else (), remove=() if is_adding else tags
            )
        except (RecordError, RemoteError) as error:
            return outcome_of(error, self._caller.component)
        return Delivered() if is_changed else Skipped("unchanged")

    def _tags_of(self, record: Record) -> list[str]:
        tags = list(self._settings.tags)
        if self._settings.tags_from_record:
            if isinstance(record.action, Action):
                tags += record.action.tags
            group = record.group
            if record.kind == "group_member" and isinstance(group, Group) and group.type == "tag":
                tags += [group.title] if isinstance(group.title, str) else []
        return tidy(tags)

    def _unknown(self, attempts: int) -> Outcome:
        name = self._caller.component
        if attempts < len(LOOK_AGAIN_S):
            wait_s = LOOK_AGAIN_S[attempts]
            return Retry(NotYetError(f"{name}: Action Network has no such person yet; looked for again", wait_s))
        if self._settings.unknown_people == "skip":
            return Skipped("unknown_person")
        return Rejected(
            "unknown_person",
            f"{name}: Action Network has no such person; let an action_network.people sink make them first",
        )
