"""The `actionkit.users` sink: keeps the users of one instance as the records that come say they are.

It reads, compares, and writes only what differs, so that what is read back after a write causes none. It subscribes
nobody: that takes an action (see `actionkit.actions`).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, Literal

import anyio
import structlog
from msgspec import UNSET
from pydantic import Field, model_validator

from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.actionkit.account import ActionKitAccount
from groundswell.connectors.actionkit.actions_settings import PAGE
from groundswell.connectors.actionkit.client import Resource
from groundswell.connectors.actionkit.faults import FAULT_TRIES_MAX, ConflictError, InvalidError, MissingError
from groundswell.connectors.actionkit.parameters import OWNED, FieldName, OwnedFields, PhoneType, email_of, user_id_of
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.writing.address import Country
from groundswell.connectors.actionkit.writing.allowed import AllowedFields, explained
from groundswell.connectors.actionkit.writing.changes import Changes, Wanted, body_of, changes_of
from groundswell.connectors.actionkit.writing.leaving import Leaving
from groundswell.connectors.actionkit.writing.ours import KEY_FIELD, key_of
from groundswell.connectors.actionkit.writing.paths import Path, Texts, texts_of, value_at
from groundswell.connectors.actionkit.writing.phones import Phones
from groundswell.connectors.common.in_turn import in_turn
from groundswell.connectors.common.outcome import outcome_of
from groundswell.connectors.common.recent import Recent
from groundswell.errors import RemoteError, UnavailableError
from groundswell.record import Person, Record, from_json
from groundswell.settings import Duration, SinkSettings

GIVEN_UP_S: Final = 3600.0
"""For so long, what they did not keep as it was written is not written again."""
LANES: Final = 64

log = structlog.get_logger()


class ActionKitUsersSettings(SinkSettings):
    """Changes users at ActionKit, and makes them if told to; subscribes nobody."""

    type: Literal["actionkit.users"]
    account: str = Field(description="The account to write with, of type actionkit.")
    fields: OwnedFields = Field(
        list(OWNED), description="The fields that are ours to write, by canonical name. Others are left alone."
    )
    user_fields: dict[FieldName, Path] = Field(
        default_factory=dict,
        description="Custom user fields to keep: the name at ActionKit, and what of the record goes there, as in "
        '{ favorite_color = "custom.Favorite color", sms_opt_in = "sms_opt_in" }.',
    )
    create_user_fields: bool = Field(
        False, description="Whether custom user fields that are not there are made. Else a user with one is refused."
    )
    create_users: bool = Field(False, description="Whether people who are not there are made. Else they are skipped.")
    source: str | None = Field(None, min_length=1, description="The source of users this sink makes.")
    clear_empty: bool = Field(False, description="Whether a field that is known to be empty empties theirs.")
    phone_type: PhoneType = Field("mobile", description="What kind of phone `phone` is added as.")
    country: Country = Field("US", description="The country of addresses where neither record nor user says.")
    own_numbers: bool = Field(
        True,
        description="Whether the number in `ids.actionkit` is one of this instance. Not where records were read at "
        "another ActionKit: there it is somebody else.",
    )
    unsubscribe_page: str | None = Field(
        None,
        pattern=PAGE,
        description="An unsubscribe page: subscribers who say no to email in a record are unsubscribed on it.",
    )
    unsubscribe_lists: list[int] = Field(
        default_factory=list, description="The lists people are taken off, by number. Without: all."
    )
    settle: Duration = Field(
        timedelta(seconds=15),
        ge=timedelta(0),
        description="How long a request may go on there after its connection broke. No phone is added again sooner.",
    )

    @model_validator(mode="after")
    def _check_together(self) -> "ActionKitUsersSettings":
        if self.unsubscribe_lists and self.unsubscribe_page is None:
            raise ValueError("has unsubscribe_lists and no unsubscribe_page, which is where people are taken off")
        return self


class ActionKitUsers:
    """Each delivery is looked up, compared and written by itself; `concurrency` says how many at once."""

    def __init__(self, settings: ActionKitUsersSettings, context: Context) -> None:
        account: ActionKitAccount = context.account
        self._settings = settings
        self._name = context.name
        self._client = account.client
        self._caller = Caller(context.name)
        self._allowed = AllowedFields(self._client, self._caller)
        self._phones = Phones(
            self._client, self._caller, context.clock, settings.phone_type, settings.settle.total_seconds()
        )
        page = settings.unsubscribe_page
        self._leaving = (
            Leaving(self._client, self._caller, page, settings.unsubscribe_lists, KEY_FIELD)
            if page is not None
            else None
        )
        self._given_up: Recent[tuple[int, str], Texts] = Recent(context.clock, most=100_000, for_s=GIVEN_UP_S)
        """By user and name there, the value they did not keep."""
        self._told: Recent[tuple[str, str], bool] = Recent(context.clock, most=1_000, for_s=GIVEN_UP_S)
        self._locks = [anyio.Lock() for _ in range(LANES)]

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        return await in_turn(deliveries, self._deliver)

    async def aclose(self) -> None:
        """Nothing to let go of: the session is the daemon's."""

    async def _deliver(self, delivery: Delivery) -> Outcome:
        record = from_json(delivery.body)
        if not isinstance(record.person, Person):
            return Skipped("no_person")
        email = email_of(record.person)
        number = user_id_of(record.person) if self._settings.own_numbers else None
        if email is None and number is None:
            return Rejected(
                "no_identity",
                f"{self._name}: the record has no email address and no number of ActionKit's, and ActionKit knows "
                "people by nothing else",
            )
        try:
            # Lanes may differ for one user, by phone and by email; read, merge and write must not mix.
            async with self._locks[hash(email or number) % LANES]:
                return await self._write(record, record.person, email, number)
        except MissingError:
            return Retry(
                UnavailableError(
                    f"{self._name}: the user is gone meanwhile, merged or erased; looked for again", FAULT_TRIES_MAX
                )
            )
        except InvalidError as error:
            return outcome_of(explained(error, self._settings.user_fields), self._name)
        except RemoteError as error:
            return outcome_of(error, self._name)

    # ---- one person ----

    async def _write(self, record: Record, person: Person, email: str | None, number: int | None) -> Outcome:
        wanted = self._wanted(record, person)
        user = await self._find(email, number)
        is_new = False
        if user is None and email is None:
            return Skipped("no_user")
        if user is None and email is not None:
            if not self._settings.create_users:
                return Skipped("no_user")
            user, is_new = await self._make(email, wanted)
        assert user is not None
        has_changed = await self._change(record, user, wanted)
        if "phone" in self._settings.fields and isinstance(person.phone, str) and person.phone:
            has_changed |= await self._phones.add(user, person.phone)
        if self._leaving is not None and person.email_opt_in is False:
            has_changed |= await self._leaving.leave(user, key_of(record.id, self._leaving.page), record.occurred_at)
        return Delivered() if is_new or has_changed else Skipped("unchanged")

    async def _find(self, email: str | None, number: int | None) -> Resource | None:
        """By number if there is one: an address may have changed there since."""
        if number is not None:
            try:
                return await self._client.get(self._caller, "user", number)
            except MissingError:
                pass  # merged or erased
        return await self._client.find(self._caller, "user", "email", email) if email is not None else None

    async def _make(self, email: str, wanted: Wanted) -> tuple[Resource, bool]:
        """The user, and whether it was made: somebody may have been quicker, or an earlier try of ours."""
        changes = changes_of({}, wanted, self._settings.country)
        await self._allow(changes)
        source = {"source": self._settings.source} if self._settings.source else {}
        try:
            made = await self._client.post(self._caller, "user", {"email": email, **source, **body_of({}, changes)})
            return await self._client.get(self._caller, "user", made.id), True
        except ConflictError as error:
            if error.existing is None:
                raise UnavailableError(
                    f"{self._name}: making one user: there is one already, and they did not say which; it will be "
                    "looked for again",
                    FAULT_TRIES_MAX,
                ) from error
            return await self._client.get(self._caller, "user", error.existing.id), False

    async def _change(self, record: Record, user: Resource, wanted: Wanted) -> bool:
        """Write what differs, and read it back: what they did not keep is not written again for a while."""
        number = user["id"]

        def is_given_up(name: str, value: Texts) -> bool:
            return self._given_up.get((number, name)) == value

        changes = changes_of(user, wanted, self._settings.country, is_given_up)
        for field, why in changes.left_out.items():
            self._tell(record, field, why)
        if not changes:
            return False
        await self._allow(changes)
        await self._client.patch(self._caller, "user", number, body_of(user, changes))
        now = await self._client.get(self._caller, "user", number)
        refused = changes_of(now, wanted, self._settings.country, is_given_up).differing
        for name, value in refused.items():
            self._given_up.put((number, name), value)
        if refused:
            log.warning("not_kept_as_written", component=self._name, record=record.id, fields=sorted(refused))
        return True

    async def _allow(self, changes: Changes) -> None:
        if self._settings.create_user_fields:
            await self._allowed.ensure(changes.fields)

    def _wanted(self, record: Record, person: Person) -> Wanted:
        known = {name: getattr(person, name) for name in self._settings.fields if name != "phone"}
        fields = {name: value_at(record, path) for name, path in self._settings.user_fields.items()}
        return Wanted(
            {name: text for name, value in known.items() if isinstance(text := self._text(value), str)},
            {name: texts for name, value in fields.items() if (texts := self._text(value)) is not None},
        )

    def _text(self, value: Any) -> Texts | None:
        """As it is written; "" to empty it, None to leave it."""
        texts = texts_of(value)
        if texts is None and value is not UNSET and self._settings.clear_empty:
            return ""
        return " ".join(texts.split()) if isinstance(texts, str) else texts

    def _tell(self, record: Record, field: str, why: str) -> None:
        """Once in a while: a source that sends such values sends many."""
        if self._told.get((field, why)) is None:
            self._told.put((field, why), True)
            log.warning("field_left_out", component=self._name, record=record.id, fields=[field], because=why)
