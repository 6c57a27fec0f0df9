"""The `action_network.tags` sink: puts tags on people who are there, or takes them off."""

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import Field, model_validator

from groundswell import record as records
from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.action_network.account import ActionNetworkAccount
from groundswell.connectors.action_network.finding import found_number
from groundswell.connectors.action_network.tag_book import TagBook
from groundswell.connectors.action_network.transport import FAULT_TRIES_MAX, Caller, MissingError
from groundswell.connectors.action_network.who import Who
from groundswell.errors import NotYetError, RecordError, RejectedError, RemoteError, UnavailableError
from groundswell.record import Action, Group, Record
from groundswell.settings import SinkSettings

LOOK_AGAIN_S: Final = (15.0, 60.0, 600.0)
"""Somebody who is not there may be made by another sink of the same daemon: a while is waited before that is final."""


class ActionNetworkTagsSettings(SinkSettings):
    """Tags people who are at Action Network, or untags them. It makes nobody: `action_network.people` does."""

    account: str = Field(description="The account to write with, of type action_network: the key of a group.")
    tags: list[str] = Field(default_factory=list, description="Tags for everybody it gets.")
    record_tags: bool = Field(
        False,
        description="Whether also those a record names: the tags of an action, and the tag a group_member record is "
        "about.",
    )
    mode: Literal["add", "remove"] = Field("add", description="Whether tags are put on or taken off.")
    make_tags: bool = Field(True, description="Whether a tag that is not there is made before it is put on.")
    unknown_people: Literal["reject", "skip"] = Field(
        "reject", description="What becomes of a record about somebody who is not there after eleven minutes."
    )

    @model_validator(mode="after")
    def _has_tags(self) -> "ActionNetworkTagsSettings":
        if not self.tags and not self.record_tags:
            raise ValueError('has no tags; write tags = ["..."], or record_tags = true')
        if any(not tag.strip() for tag in self.tags):
            raise ValueError("has a tag without a name")
        return self


class ActionNetworkTags:
    """One person a delivery."""

    def __init__(self, settings: ActionNetworkTagsSettings, context: Context) -> None:
        account: ActionNetworkAccount = context.account
        self._settings = settings
        self._name = context.name
        self._client = account.client
        self._caller = Caller(context.name)
        self._who = Who(self._client, self._caller)
        self._tags = self._new_book()

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        return [await self._deliver(records.from_json(one.body), one.attempts) for one in deliveries]

    async def aclose(self) -> None:
        """Nothing to let go of."""

    async def _deliver(self, record: Record, attempts: int) -> Outcome:
        tags = self._tags_of(record)
        if not tags:
            return Skipped("no_tags")
        try:
            number = await found_number(self._who, record)
            if number is None:
                return self._unknown(attempts)
            return await self._write(tags, number)
        except RecordError as error:
            return Rejected(error.reason, f"{self._name}: {error}")
        except MissingError:
            # Somebody deleted the tag, and its number is remembered here.
            self._tags = self._new_book()
            return Retry(UnavailableError(f"{self._name}: a tag is gone; tags are read again", FAULT_TRIES_MAX))
        except RejectedError as error:
            return Rejected(error.reason, str(error))
        except RemoteError as error:
            return Retry(error)

    async def _write(self, tags: Sequence[str], number: str) -> Outcome:
        book = self._tags
        before = book.writes
        missing = 0
        for tag in tags:
            if self._settings.mode == "remove":
                await book.remove(tag, number)
            elif not await book.add(tag, number):
                missing += 1
        if book.writes > before:
            return Delivered()
        return Skipped("no_such_tag" if missing else "unchanged")

    def _tags_of(self, record: Record) -> list[str]:
        tags = list(self._settings.tags)
        if self._settings.record_tags:
            if isinstance(record.action, Action):
                tags += record.action.tags
            group = record.group
            if record.kind == "group_member" and isinstance(group, Group) and group.type == "tag":
                tags += [group.title] if isinstance(group.title, str) else []
        return list(dict.fromkeys(tags))

    def _unknown(self, attempts: int) -> Outcome:
        if attempts < len(LOOK_AGAIN_S):
            wait_s = LOOK_AGAIN_S[attempts]
            return Retry(NotYetError(f"{self._name}: Action Network has no such person yet; looked again", wait_s))
        if self._settings.unknown_people == "skip":
            return Skipped("unknown_person")
        return Rejected(
            "unknown_person",
            f"{self._name}: Action Network has no such person; let an action_network.people sink make them first",
        )

    def _new_book(self) -> TagBook:
        return TagBook(self._client, self._caller, makes=self._settings.make_tags and self._settings.mode == "add")
