"""The `actionkit.sync` sink: writes what `[sync.NAME]` found to differ, as actions on the import page.

Users are looked at before anything is written, a hundred a call where the instance allows it: a field is written only
over a value that was expected there. Whatever else is there was edited meanwhile; polling brings it, and it is decided
anew. So a write that is repeated after a lost answer finds itself done.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
from aiolimiter import AsyncLimiter
from msgspec import UNSET, Struct
from pydantic import Field

from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Skipped
from groundswell.connectors.actionkit.account import ActionKitAccount
from groundswell.connectors.actionkit.client import Resource
from groundswell.connectors.actionkit.faults import InvalidError, MissingError
from groundswell.connectors.actionkit.parameters import FieldName, PhoneType, email_of, user_id_of
from groundswell.connectors.actionkit.people import person_of
from groundswell.connectors.actionkit.polling.abreast import abreast
from groundswell.connectors.actionkit.polling.things import Things
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.writing.address import Country
from groundswell.connectors.actionkit.writing.changes import Changes, Wanted, changes_of
from groundswell.connectors.actionkit.writing.phones import Phones
from groundswell.connectors.common.canonical import CUSTOM, text_of, value_at
from groundswell.connectors.common.outcome import outcome_of
from groundswell.errors import RemoteError, UnauthorizedError
from groundswell.members.values import is_same
from groundswell.record import Action, Person, from_json
from groundswell.settings import BatchSettings, Rate, RateLimit, SinkSettings

CREATE: Final = "create"
OPT_IN: Final = "sms_opt_in"
BATCH: Final = 50


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


class _Write(Struct, frozen=True):
    """One delivery, read."""

    place: int
    person: Person
    number: int | None
    """None: somebody who is to be made."""
    values: dict[str, str | None]
    """By canonical name."""
    fields: Mapping[str, Any]
    """Of the record's action: what is expected there, and what was."""


class ActionKitSync:
    """A batch is looked up together, and written one by one."""

    def __init__(self, settings: ActionKitSyncSettings, context: Context) -> None:
        account: ActionKitAccount = context.account
        self._client = account.client
        self._settings = settings
        self._caller = Caller(context.name)
        self._things = Things(self._client, self._caller)
        self._phones = Phones(self._client, self._caller, context.clock, settings.phone_type, 0.0)
        self._pace = AsyncLimiter(settings.rate.calls, settings.rate.per_s)

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        writes = [_read(place, delivery) for place, delivery in enumerate(deliveries)]
        users = await self._users(writes)
        outcomes: list[Outcome] = [Skipped("nothing")] * len(deliveries)

        async def one(write: _Write) -> None:
            outcomes[write.place] = await self._guarded(write, users)

        await abreast(one, writes, 4)
        return outcomes

    async def aclose(self) -> None:
        """Nothing to let go of: the session is the daemon's."""

    async def _users(self, writes: Sequence[_Write]) -> dict[int, Resource]:
        try:
            found = await self._things.get("user", [write.number for write in writes if write.number is not None])
        finally:
            self._things.let_go()
        return {user["id"]: user for user in found}

    async def _guarded(self, write: _Write, users: Mapping[int, Resource]) -> Outcome:
        try:
            await self._pace.acquire()
            if write.number is None:
                return await self._create(write)
            user = users.get(write.number)
            if user is None:
                return Rejected("gone", f"{self._caller.component}: the user is not there any more: merged, or erased")
            return await self._update(write, user)
        except (InvalidError, MissingError) as error:
            if isinstance(error, MissingError) or "page" in error.fields:
                wrong = UnauthorizedError(f"{self._caller.component}: there is no such page; check `import_page`")
                return outcome_of(wrong, self._caller.component)
            return outcome_of(error, self._caller.component)
        except RemoteError as error:
            return outcome_of(error, self._caller.component)

    async def _update(self, write: _Write, user: Resource) -> Outcome:
        there = person_of(user)
        expected = write.fields.get("expected")
        wanted: dict[str, str | None] = {}
        for field, value in write.values.items():
            now = self._there(there, field)
            if is_same(field, now, value):
                continue
            if isinstance(expected, dict) and not any(is_same(field, now, one) for one in expected.get(field, ())):
                continue  # edited meanwhile
            wanted[field] = value
        if not wanted:
            return Skipped("already_there_or_edited_meanwhile")
        changes = self._changes(user, wanted)
        if not changes:
            return Skipped("cannot_be_said_there")
        former = write.fields.get("former")
        told = {field: former.get(field) for field in wanted} if isinstance(former, dict) else {}
        await self._act({"akid": user.get("token")}, write, changes, told)
        return Delivered()

    async def _create(self, write: _Write) -> Outcome:
        email = email_of(write.person)
        if email is None:
            return Rejected("no_email", f"{self._caller.component}: ActionKit makes nobody without an email address")
        user = await self._client.find(self._caller, "user", "email", email)
        if user is None:
            phone = {f"{self._settings.phone_type}_phone": write.person.phone}
            await self._act({"email": email, **phone}, write, self._changes({}, write.values), {})
            return Delivered()
        # Somebody has the address: what they have stays, and what they lack is filled.
        there = person_of(user)
        lacking = {field: value for field, value in write.values.items() if not self._there(there, field)}
        changes = self._changes(user, {field: value for field, value in lacking.items() if field != "email"})
        if isinstance(write.person.phone, str):
            await self._phones.add(user, write.person.phone)
        if changes:
            await self._act({"email": email}, write, changes, {})
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
        self, who: Mapping[str, Any], write: _Write, changes: Changes, former: Mapping[str, str | None]
    ) -> None:
        """One action. Any action subscribes, so it says not to."""
        settings = self._settings
        body: dict[str, Any] = {
            "page": settings.import_page,
            **who,
            **changes.values,
            **{f"user_{name}": texts for name, texts in changes.fields.items()},
            f"action_{settings.member_field}": write.person.ids.get("groundswell", ""),
            "suppress_subscribe": 1,
            "skip_confirmation": 1,
        }
        if former:
            body[f"action_{settings.former_field}"] = msgspec.json.encode(former, order="sorted").decode()
        await self._client.act(self._caller, body)


def _read(place: int, delivery: Delivery) -> _Write:
    record = from_json(delivery.body)
    person = record.person if isinstance(record.person, Person) else Person()
    action = record.action if isinstance(record.action, Action) else Action()
    values: dict[str, str | None] = {
        name: value
        for name in Person.__struct_fields__
        if name not in ("custom", "ids", "phone", "email_opt_in", OPT_IN)
        and (value := getattr(person, name)) is not UNSET
    }
    values |= {f"{CUSTOM}{name}": text_of(value) for name, value in person.custom.items()}
    if isinstance(person.sms_opt_in, bool):
        values[OPT_IN] = "true" if person.sms_opt_in else "false"
    number = None if action.type == CREATE else user_id_of(person)
    return _Write(place, person, number, values, action.fields)
