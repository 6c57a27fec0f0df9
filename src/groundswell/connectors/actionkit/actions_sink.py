"""The `actionkit.actions` sink: records what people did as actions on pages, by `POST /action/`.

An action has no natural key, and one that is sent twice is there twice (I). So each carries ours in an action field,
and is looked for before it is posted, always: a daemon that was killed after a post does not know of it. One query does
for a batch. What may have been sent a moment ago may still be under way there, so nothing is looked for before `settle`
has passed since: see `unsettled.py`.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, Literal

import structlog
from msgspec import Struct
from pydantic import Field, model_validator

from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.actionkit.account import ActionKitAccount
from groundswell.connectors.actionkit.faults import InvalidError, MissingError
from groundswell.connectors.actionkit.parameters import (
    FieldName,
    ParameterName,
    PhoneType,
    Rules,
    email_of,
    parameters_of,
    unsubscribing,
    user_id_of,
    user_in,
)
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.writing.address import Country
from groundswell.connectors.actionkit.writing.allowed import AllowedFields
from groundswell.connectors.actionkit.writing.leaving import is_on
from groundswell.connectors.actionkit.writing.ours import KEY_FIELD, OWN, is_echo, key_of
from groundswell.connectors.actionkit.writing.paths import Path
from groundswell.connectors.actionkit.writing.recorded import Doer, Look, Recorded
from groundswell.connectors.in_turn import in_turn
from groundswell.connectors.recent import Recent
from groundswell.connectors.unsettled import Unsettled
from groundswell.errors import NotYetError, RateLimitedError, RejectedError, RemoteError, UnauthorizedError
from groundswell.http.said import shown
from groundswell.record import Action, Page, Person, Record, from_json
from groundswell.settings import BatchSettings, Duration, SinkSettings

COMPLETE: Final = ("complete", "completed")
"""(D, C)"""
TOLD_S: Final = 3600.0
"""That a kind of value cannot be written is said once in so long."""
_PAGE: Final = r"^[A-Za-z0-9_-]{1,255}$"

log = structlog.get_logger()


class ActionKitActionsSettings(SinkSettings):
    """Records actions at ActionKit, and makes and changes their users with it; subscribes nobody unless told to."""

    type: Literal["actionkit.actions"]
    account: str = Field(description="The account to write with, of type actionkit.")
    page: str | None = Field(None, pattern=_PAGE, description="The short name of the page the actions are taken on.")
    pages: dict[str, str] = Field(
        default_factory=dict,
        description="Other pages for what was done on certain pages: the number in `action.page.id`, and the short "
        "name at ActionKit. What is not among them goes to `page`, and is skipped when there is none.",
    )
    kinds: list[Literal["action", "person"]] = Field(
        ["action", "person"], min_length=1, description="Kinds of records that become actions. Others are skipped."
    )
    from_actionkit: bool = Field(
        False,
        description="Whether records that were read at an ActionKit are recorded: only where that is another one. "
        "Else every reading would make an action, and every action something to read.",
    )
    phone_type: PhoneType = Field("mobile", description="What kind of phone `phone` is.")
    country: Country = Field("US", description="The country of addresses that do not say.")
    user_fields: dict[FieldName, Path] = Field(
        default_factory=dict,
        description="Custom user fields to fill: the name at ActionKit without `user_`, and what of the record goes "
        'there, as in { favorite_color = "custom.Favorite color", sms_opt_in = "sms_opt_in" }.',
    )
    create_user_fields: bool = Field(
        False,
        description="Whether custom user fields that are not there are made. Else an action with one is refused.",
    )
    action_fields: dict[FieldName, Path] = Field(
        default_factory=dict,
        description="Custom action fields to fill, as `user_fields`: names without `action_`.",
    )
    all_action_fields: bool = Field(
        True, description="Whether all fields of the record's action go along, by their own names in small letters."
    )
    parameters: dict[ParameterName, Path] = Field(
        default_factory=dict,
        description="Other parameters to fill: `akid`, names in parts, phones by type, `referring_akid`, `mailing_id`, "
        '`created_at`, `event_id` and the like, as in { referring_akid = "action.fields.akid" }.',
    )
    source: str | None = Field(None, min_length=1, description="The source of records without `action.source_code`.")
    subscribe: list[Literal["action", "person"]] = Field(
        default_factory=list,
        description="Kinds of records that subscribe whoever says yes to email in them (`email_opt_in`), even if they "
        "left. Nothing else ever subscribes.",
    )
    lists: list[int] = Field(
        default_factory=list, description="The lists `subscribe` puts people on, by number. Without: that of the page."
    )
    unsubscribe_page: str | None = Field(
        None,
        pattern=_PAGE,
        description="An unsubscribe page: subscribers who say no to email in a record are unsubscribed on it.",
    )
    unsubscribe_lists: list[int] = Field(
        default_factory=list, description="The lists people are taken off, by number. Without: all."
    )
    required: list[str] = Field(
        default_factory=list, description="Parameters without which an action is refused, besides those of the page."
    )
    skip_confirmation: bool = Field(True, description="Whether the confirmation email of the page is not sent.")
    key_field: FieldName = Field(
        KEY_FIELD,
        description="The action field that holds our key, by which an action is found again. Two daemons that write "
        "to one instance need two.",
    )
    look: Look = Field(
        "sql",
        description="How actions are looked for: by an SQL report, one for a batch, or one by one in `actionfield`, "
        "where the staff account may not run reports.",
    )
    settle: Duration = Field(
        timedelta(seconds=15),
        ge=timedelta(0),
        description="How long a request may go on there after its connection broke. Nothing is looked for sooner.",
    )
    batch: BatchSettings = Field(
        BatchSettings(records=25), description="How many deliveries travel together: they are looked for in one query."
    )

    @model_validator(mode="after")
    def _check_together(self) -> "ActionKitActionsSettings":
        if self.page is None and not self.pages:
            raise ValueError("has no page to record anything on; set page, or pages")
        if self.lists and not self.subscribe:
            raise ValueError('has lists and subscribes nobody; set subscribe = ["action"], or take lists out')
        if self.unsubscribe_lists and self.unsubscribe_page is None:
            raise ValueError("has unsubscribe_lists and no unsubscribe_page, which is where people are taken off")
        return self

    def warnings(self) -> list[tuple[str, str]]:
        if "person" in self.subscribe:
            return [("subscribe", "a person is how somebody was elsewhere: whoever left ActionKit since is put back")]
        return []


class _Plan(Struct, frozen=True):
    """What one delivery asks for."""

    record_id: str
    page: str
    is_mapped: bool
    """Whether the page is one of `pages`."""
    key: str
    body: dict[str, Any]
    user_fields: list[str]
    doer: Doer
    no_key: str | None
    """The key of the unsubscription, if there is to be one."""

    @property
    def keys(self) -> list[str]:
        return [self.key] if self.no_key is None else [self.key, self.no_key]


class ActionKitActions:
    """One action a delivery, and perhaps an unsubscription."""

    def __init__(self, settings: ActionKitActionsSettings, context: Context) -> None:
        account: ActionKitAccount = context.account
        self._settings = settings
        self._name = context.name
        self._client = account.client
        self._caller = Caller(context.name)
        self._rules = _rules(settings)
        self._recorded = Recorded(self._client, self._caller, settings.key_field, settings.look)
        self._allowed = AllowedFields(self._client, self._caller)
        self._unsettled = Unsettled(context.clock, settings.settle.total_seconds())
        self._told: Recent[tuple[str, str], bool] = Recent(context.clock, most=1_000, for_s=TOLD_S)

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        planned = {delivery.key: await self._planned(delivery) for delivery in deliveries}
        plans = [plan for plan in planned.values() if isinstance(plan, _Plan)]
        there = await self._recorded.among({key: plan.doer for plan in plans for key in plan.keys})

        async def one(delivery: Delivery) -> Outcome:
            plan = planned[delivery.key]
            return await self._guarded(plan, there) if isinstance(plan, _Plan) else plan

        return await in_turn(deliveries, one)

    async def aclose(self) -> None:
        """Nothing to let go of: the session is the daemon's."""

    # ---- what is to be done ----

    async def _planned(self, delivery: Delivery) -> _Plan | Outcome:
        record = from_json(delivery.body)
        if record.kind not in self._settings.kinds:
            return Skipped("does_not_fit")
        if is_echo(record, self._settings.key_field):
            return Skipped("echo")
        if record.id.startswith(OWN) and not self._settings.from_actionkit:
            return Skipped("from_actionkit")
        page = self._page_for(record)
        if page is None:
            return Skipped("no_page")
        if not isinstance(record.person, Person):
            return Rejected("no_person", f"{self._name}: the record says nothing about a person")
        try:
            return await self._plan(record, record.person, page)
        except RemoteError as error:
            return _outcome_of(error)

    async def _plan(self, record: Record, person: Person, page: str) -> _Plan | Outcome:
        key = key_of(record.id, page)
        parameters = parameters_of(record, page, key, self._rules)
        for field, why in parameters.left_out.items():
            self._tell(record, field, why)
        body = parameters.body
        if (email := email_of(person)) is not None:
            body["email"] = email
            doer = Doer(email=email)
        elif isinstance(akid := body.get("akid"), str) and (number := user_in(akid)) is not None:
            doer = Doer(user_id=number)
        elif (number := user_id_of(person)) is not None:
            body["akid"] = await self._token_of(number)
            doer = Doer(user_id=number)
        else:
            return Rejected(
                "no_identity",
                f"{self._name}: the record has no email address, no akid and no number of ActionKit's, and ActionKit "
                "knows people by nothing else",
            )
        wait_s = self._unsettled.wait_s(key)
        if wait_s:
            return Retry(NotYetError(f"{self._name}: {_MAYBE}; looked for in {wait_s:.0f} s", wait_s))
        leaves = self._settings.unsubscribe_page if person.email_opt_in is False else None
        no_key = key_of(record.id, leaves) if leaves is not None and leaves != page else None
        is_mapped = page in self._settings.pages.values()
        return _Plan(record.id, page, is_mapped, key, body, parameters.user_fields, doer, no_key)

    def _page_for(self, record: Record) -> str | None:
        action = record.action if isinstance(record.action, Action) else Action()
        number = action.page.id if isinstance(action.page, Page) else None
        mapped = self._settings.pages.get(number) if isinstance(number, str) else None
        return mapped or self._settings.page

    async def _token_of(self, number: int) -> str:
        try:
            token = (await self._client.get(self._caller, "user", number)).get("token")
        except MissingError as error:
            raise RejectedError(f"{self._name}: reading one user: nobody has the number the record gives") from error
        if not isinstance(token, str) or not token:
            raise RejectedError(f"{self._name}: reading one user: there is no token with which to act as them")
        return token

    # ---- doing it ----

    async def _guarded(self, plan: _Plan, there: set[str]) -> Outcome:
        try:
            return await self._carry_out(plan, there)
        except RemoteError as error:
            return _outcome_of(error)

    async def _carry_out(self, plan: _Plan, there: set[str]) -> Outcome:
        outcome: Outcome = Skipped("already_there")
        if plan.key not in there:
            outcome = await self._act(plan)
        if plan.no_key is None or plan.no_key in there or isinstance(outcome, Rejected):
            return outcome
        has_left = await self._unsubscribe(plan, plan.no_key)
        return Delivered() if has_left else outcome

    async def _act(self, plan: _Plan) -> Outcome:
        if self._settings.create_user_fields:
            await self._allowed.ensure(plan.user_fields)
        try:
            action = await self._post(plan.key, plan.body)
        except (InvalidError, MissingError) as error:
            if isinstance(error, MissingError) or "page" in error.fields:
                raise self._gone(plan) from error
            raise
        status = action.get("status")
        if isinstance(status, str) and status not in COMPLETE:
            return Rejected(
                "not_complete",
                f"{self._name}: posting an action: it was recorded, and is {shown(status)}, not complete; look at it "
                "in ActionKit. A retry will find it and leave it as it is",
            )
        return Delivered()

    async def _unsubscribe(self, plan: _Plan, key: str) -> bool:
        """Take them off, if they are on; the look is what keeps a second try from doing it again."""
        page = self._settings.unsubscribe_page
        assert page is not None
        if not await self._is_on(plan.doer):
            return False
        who = {name: plan.body[name] for name in ("email", "akid") if name in plan.body}
        try:
            await self._post(plan.key, unsubscribing(page, key, self._settings.unsubscribe_lists, self._rules) | who)
        except (InvalidError, MissingError) as error:
            if isinstance(error, MissingError) or "page" in error.fields:
                raise UnauthorizedError(
                    f"{self._name}: the page to unsubscribe on is not there; check `unsubscribe_page`"
                ) from error
            raise
        return True

    async def _is_on(self, doer: Doer) -> bool:
        if doer.user_id is not None:
            user = await self._client.get(self._caller, "user", doer.user_id)
        else:
            user = await self._client.find(self._caller, "user", "email", doer.email or "") or {}
        return await is_on(self._client, self._caller, user, self._settings.unsubscribe_lists)

    async def _post(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            with self._unsettled.trying(key):
                action = await self._client.act(self._caller, body)
        except (RateLimitedError, RejectedError):
            self._unsettled.forget(key)
            raise
        self._unsettled.forget(key)
        return action

    # ---- what went wrong ----

    def _gone(self, plan: _Plan) -> RemoteError:
        """There is no such page: nothing is wrong with the record."""
        if plan.is_mapped:
            return RejectedError(f"{self._name}: one of `pages` is not there; mend it, then retry this")
        return UnauthorizedError(f"{self._name}: the page to record actions on is not there; check `page`")

    def _tell(self, record: Record, field: str, why: str) -> None:
        """Once in a while: a source that sends such values sends many."""
        if self._told.get((field, why)) is None:
            self._told.put((field, why), True)
            log.warning("field_left_out", component=self._name, record=record.id, fields=[field], because=why)


_MAYBE: Final = "it may have been recorded a moment ago, by a try whose answer was lost or by a daemon that was stopped"


def _outcome_of(error: RemoteError) -> Outcome:
    return Rejected(error.reason, str(error)) if isinstance(error, RejectedError) else Retry(error)


def _rules(settings: ActionKitActionsSettings) -> Rules:
    return Rules(
        phone_type=settings.phone_type,
        country=settings.country,
        user_fields=settings.user_fields,
        action_fields=settings.action_fields,
        has_all_fields=settings.all_action_fields,
        parameters=settings.parameters,
        source=settings.source,
        subscribing=settings.subscribe,
        lists=settings.lists,
        required=settings.required,
        skips_confirmation=settings.skip_confirmation,
        key_field=settings.key_field,
    )
