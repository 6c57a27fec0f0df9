"""The `action_network.unique_id_list` sink: people to write to, as one list ("ID Targets") instead of a tag on each."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from pydantic import Field

from groundswell import record as records
from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Skipped
from groundswell.connectors.action_network.account import ActionNetworkAccount
from groundswell.connectors.action_network.collections import COLLECTIONS
from groundswell.connectors.action_network.hal import id_of
from groundswell.connectors.action_network.transport import Caller
from groundswell.connectors.action_network.who import UncertainError, Who
from groundswell.errors import RejectedError
from groundswell.record import Person
from groundswell.settings import BatchSettings, SinkSettings


class ActionNetworkUniqueIdListSettings(SinkSettings):
    """Makes a list of people to target, one for each batch.

    A list cannot be read back, so none is ever added to: people who come later are on another one of the same name.
    """

    account: str = Field(description="The account to write with, of type action_network.")
    name: str = Field(
        min_length=1,
        max_length=200,
        description="What the lists are called: this, the day, and a sign of who is on them.",
    )
    batch: BatchSettings = Field(
        default_factory=lambda: BatchSettings(records=5_000, wait=timedelta(minutes=5)),
        description="How many people go on one list, and how long to wait for more.",
    )


class ActionNetworkUniqueIdList:
    """One list a batch."""

    def __init__(self, settings: ActionNetworkUniqueIdListSettings, context: Context) -> None:
        account: ActionNetworkAccount = context.account
        self._settings = settings
        self._name = context.name
        self._clock = context.clock
        self._client = account.client
        self._caller = Caller(context.name)
        self._who = Who(account.client, self._caller)

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        numbers = [await self._number_of(delivery) for delivery in deliveries]
        known = sorted({number for number in numbers if number is not None})
        was_there = not known or not await self._target(known)
        there: Outcome = Skipped("already_there") if was_there else Delivered()
        return [there if number is not None else self._unknown() for number in numbers]

    async def aclose(self) -> None:
        """Nothing to let go of."""

    async def _number_of(self, delivery: Delivery) -> str | None:
        """Whom a delivery is about, by their number. Without one they are looked for, at a call or two each."""
        person = records.from_json(delivery.body).person
        if not isinstance(person, Person):
            return None
        number = person.ids.get("action_network")
        if number is not None:
            return number
        try:
            theirs = await self._who.find(person)
        except UncertainError:
            return None
        return id_of(theirs) if theirs is not None else None

    async def _target(self, numbers: list[str]) -> bool:
        """Make the list; False if it is there: an answer may have been lost."""
        sign = blake2b(" ".join(numbers).encode(), digest_size=4).hexdigest()
        async for page in self._client.pages(self._caller, COLLECTIONS["unique_id_lists"]):
            for one in page.resources:
                name = one.get("name")
                if isinstance(name, str) and name.startswith(self._settings.name) and name.endswith(sign):
                    return False
        day = datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y-%m-%d")
        body = {"name": f"{self._settings.name} {day} {sign}", "unique_ids": numbers}
        made = await self._client.post(self._caller, ("unique_id_lists",), body)
        count = made.get("count")
        if isinstance(count, int) and count == 0:
            raise RejectedError(f"{self._name}: Action Network knows none of the {len(numbers)} people on the list")
        return True

    def _unknown(self) -> Outcome:
        return Rejected("unknown_person", f"{self._name}: Action Network has nobody like that; add them there first")
