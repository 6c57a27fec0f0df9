"""The `actionkit.sync` sink: writes what `[sync.NAME]` found to differ, as actions on the import page.

Users are looked at before anything is written, a hundred a call where the instance allows it: a field is written only
over a value that was expected there. Whatever else is there was edited meanwhile; polling brings it, and it is decided
anew. So a write that is repeated after a lost answer finds itself done.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
from aiolimiter import AsyncLimiter
from msgspec import UNSET
from pydantic import Field

from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.actionkit.account import ActionKitAccount
from groundswell.connectors.actionkit.client import Resource
from groundswell.connectors.actionkit.faults import InvalidError, MissingError
from groundswell.connectors.actionkit.parameters import FieldName, PhoneType, email_of, user_id_of
from groundswell.connectors.actionkit.people import person_of
from groundswell.connectors.actionkit.polling.things import Things
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.writing.address import Country
from groundswell.connectors.actionkit.writing.changes import Changes, Wanted, changes_of
from groundswell.connectors.actionkit.writing.phones import Phones
from groundswell.connectors.common.abreast import abreast
from groundswell.connectors.common.canonical import CUSTOM, value_at
from groundswell.connectors.common.in_turn import is_about_all
from groundswell.connectors.common.outcome import outcome_of
from groundswell.connectors.common.wishes import Wish, wish_of
from groundswell.errors import RemoteError, UnauthorizedError
from groundswell.members.opt_in import OPT_IN
from groundswell.record import Person
from groundswell.settings import BatchSettings, Rate, RateLimit, SinkSettings

BATCH: Final = 50
AT_ONCE: Final = 4
"""Writes of a batch side by side."""


SETTLE_S: Final = 15.0
"""How long a request may go on there after its connection broke: no phone is added again sooner."""


class ActionKitSyncSettings(SinkSettings):
    """Writes what a sync found to differ. `[sync.NAME]` makes it."""

    type: Literal["actionkit.sync"]
    account: str
    import_page: str = Field(min_length=1)
    opt_in_field: FieldName = "sms_opt_in"
    member_field: FieldName = "groundswell_member"
    former_field: FieldName = "former_data"
    remote: dict[str, str] = Field(default_factory=dict)
    """By canonical name, where it stands in their people."""
    phone_type: PhoneType = "mobile"
    country: Country = "US"
    rate: RateLimit = Rate(calls=1000, per_s=60.0)
    batch: BatchSettings = BatchSettings(records=BATCH)


class ActionKitSync:
    """A batch is looked up together, and written one by one."""

    def __init__(self, settings: ActionKitSyncSettings, context: Context) -> None:
        account: ActionKitAccount = context.account
        self._client = account.client
        self._settings = settings
        self._caller = Caller(context.name)
        self._things = Things(self._client, self._caller)
        self._phones = Phones(self._client, self._caller, context.clock, settings.phone_type, SETTLE_S)
        self._pace = AsyncLimiter(1, settings.rate.per_s / settings.rate.calls)  # evenly: never more in any minute

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        wishes = [wish_of(delivery) for delivery in deliveries]
        users = await self._together(wishes)
        outcomes: dict[int, Outcome] = {}
        stopped: list[Retry] = []

        async def one(place: int) -> None:
            outcome = stopped[0] if stopped else await self._guarded(wishes[place], users)
            if isinstance(outcome, Retry) and is_about_all(outcome):
                stopped.append(outcome)
            outcomes[place] = outcome

        await abreast(one, range(len(wishes)), AT_ONCE)
        return [outcomes[place] for place in range(len(wishes))]

    async def aclose(self) -> None:
        """Nothing to let go of: the session is the daemon's."""

    async def _together(self, wishes: Sequence[Wish]) -> dict[int, Resource] | None:
        """The users, a hundred a call; None where each has to be looked at alone."""
        numbers = [number for wish in wishes if not wish.is_new and (number := user_id_of(wish.person)) is not None]
        found = await self._things.together("user", numbers) if len(numbers) > 1 else None
        return None if found is None else {user["id"]: user for user in found}

    async def _guarded(self, wish: Wish, users: Mapping[int, Resource] | None) -> Outcome:
        await self._pace.acquire()
        try:
            if wish.is_new:
                return await self._create(wish)
            user = await self._user(user_id_of(wish.person) or 0, users)
            if user is None:
                return Rejected("gone", f"{self._caller.component}: the user is not there any more: merged, or erased")
            return await self._update(wish, user)
        except RemoteError as error:
            return outcome_of(error, self._caller.component)

    async def _user(self, number: int, users: Mapping[int, Resource] | None) -> Resource | None:
        if users is not None:
            return users.get(number)
        try:
            return await self._client.get(self._caller, "user", number)
        except MissingError:
            return None

    async def _update(self, wish: Wish, user: Resource) -> Outcome:
        there = person_of(user)
        due = wish.due(lambda field: self._there(there, field))
        changes = self._changes(user, due)
        if not changes:
            return Skipped("already_there_or_edited_meanwhile")
        await self._act({"akid": user.get("token")}, wish, changes, wish.former(due))
        return Delivered()

    async def _create(self, wish: Wish) -> Outcome:
        email = email_of(wish.person)
        if email is None:
            return Rejected("no_email", f"{self._caller.component}: ActionKit makes nobody without an email address")
        user = await self._client.find(self._caller, "user", "email", email)
        if user is None:
            phone = {f"{self._settings.phone_type}_phone": wish.person.phone}
            await self._act({"email": email, **phone}, wish, self._changes({}, wish.values), {})
            return Delivered()
        # Somebody has the address: what they have stays, and what they lack is filled.
        there = person_of(user)
        lacking = {field: value for field, value in wish.values.items() if not self._there(there, field)}
        changes = self._changes(user, {field: value for field, value in lacking.items() if field != "email"})
        if isinstance(wish.person.phone, str):
            await self._phones.add(user, wish.person.phone)
        if changes:
            await self._act({"email": email}, wish, changes, {})
        return Delivered() if changes else Skipped("already_there")

    def _there(self, person: Person, field: str) -> str | None:
        value = value_at(person, self._remote(field))
        return None if value is UNSET else value

    def _remote(self, field: str) -> str:
        if field == OPT_IN:
            return f"{CUSTOM}{self._settings.opt_in_field}"
        return self._settings.remote.get(field, field)

    def _changes(self, user: Resource, values: Mapping[str, str | None]) -> Changes:
        at = {self._remote(field): value or "" for field, value in values.items() if field != "email"}
        known = {path: value for path, value in at.items() if not path.startswith(CUSTOM)}
        custom = {path.removeprefix(CUSTOM): value for path, value in at.items() if path.startswith(CUSTOM)}
        return changes_of(user, Wanted(known, custom), self._settings.country)

    async def _act(
        self, who: Mapping[str, Any], wish: Wish, changes: Changes, former: Mapping[str, str | None]
    ) -> None:
        """One action. Any action subscribes, so it says not to."""
        settings = self._settings
        body: dict[str, Any] = {
            "page": settings.import_page,
            **who,
            **changes.values,
            **{f"user_{name}": texts for name, texts in changes.fields.items()},
            f"action_{settings.member_field}": wish.person.ids.get("groundswell", ""),
            "suppress_subscribe": 1,
            "skip_confirmation": 1,
        }
        if former:
            body[f"action_{settings.former_field}"] = msgspec.json.encode(former, order="sorted").decode()
        try:
            await self._client.act(self._caller, body)
        except (InvalidError, MissingError) as error:
            if isinstance(error, InvalidError) and "page" not in error.fields:
                raise
            raise UnauthorizedError(
                f'{self._caller.component}: ActionKit has no page "{settings.import_page}" to write on: make an import '
                "page of this short name there, or put the name of another into `import_page` of the sync"
            ) from error
