"""The `actionkit.actions` sink: records what people did as actions on pages, by `POST /action/`.

An action has no natural key, and one that is sent twice is there twice (I). So each carries ours in an action field,
and is looked for before it is posted, always: a daemon that was killed after a post does not know of it. One query does
for a batch. What may have been sent a moment ago may still be under way there, so nothing is looked for before `settle`
has passed since: see `unsettled.py`.
"""

from collections.abc import Sequence
from typing import Any, Final

import anyio
import structlog
from msgspec import Struct

from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Skipped
from groundswell.connectors.actionkit.account import ActionKitAccount
from groundswell.connectors.actionkit.actions_settings import ActionKitActionsSettings
from groundswell.connectors.actionkit.client import Resource
from groundswell.connectors.actionkit.faults import InvalidError, MissingError
from groundswell.connectors.actionkit.parameters import (
    email_of,
    parameters_of,
    suppressed,
    user_id_of,
    user_in,
)
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.writing.allowed import AllowedFields, explained
from groundswell.connectors.actionkit.writing.leaving import Leaving
from groundswell.connectors.actionkit.writing.left import Left
from groundswell.connectors.actionkit.writing.ours import OWN, is_echo, key_of
from groundswell.connectors.actionkit.writing.recorded import Doer, Recorded
from groundswell.connectors.actionkit.writing.unasked import Unasked
from groundswell.connectors.common.in_turn import in_turn
from groundswell.connectors.common.outcome import outcome_of
from groundswell.connectors.common.recent import Recent
from groundswell.connectors.common.unsettled import Unsettled
from groundswell.errors import RejectedError, RemoteError, UnauthorizedError
from groundswell.http.said import shown
from groundswell.record import Action, Donation, Page, Person, Record, from_json

COMPLETE: Final = ("complete", "completed")
"""(D, C)"""
LANES: Final = 64
TOLD_S: Final = 3600.0
"""That a kind of value cannot be written is said once in so long."""

log = structlog.get_logger()


class _Plan(Struct, frozen=True):
    """What one delivery asks for."""

    record_id: str
    is_mapped: bool
    """Whether its page is one of `pages`."""
    key: str
    body: dict[str, Any]
    user_fields: list[str]
    doer: Doer
    said_at: Any
    """When they did it, and said yes or no to email, if they did."""
    no_key: str | None
    """The key of the unsubscription, if there is to be one."""

    @property
    def subscribes(self) -> bool:
        return "suppress_subscribe" not in self.body

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
        self._rules = settings.rules()
        self._recorded = Recorded(self._client, self._caller, settings.key_field, settings.look)
        self._allowed = AllowedFields(self._client, self._caller)
        page, lists, field = settings.unsubscribe_page, settings.unsubscribe_lists, settings.key_field
        self._leaving = Leaving(self._client, self._caller, page, lists, field) if page is not None else None
        self._left = Left(self._client, self._caller, settings.lists)
        self._unasked = Unasked(self._client, self._caller)
        self._unsettled = Unsettled(context.clock, context.name, settings.settle.total_seconds(), shows_at_once=True)
        self._locks = [anyio.Lock() for _ in range(LANES)]
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
        if isinstance(record.donation, Donation):
            # A gift that was declined, is pending, or is somebody else's: on a page it would look like one.
            return Skipped("no_gift")
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
            return outcome_of(error, self._name)

    async def _plan(self, record: Record, person: Person, page: str) -> _Plan | Outcome:
        key = key_of(record.id, page)
        parameters = parameters_of(record, page, key, self._rules)
        for field, why in parameters.left_out.items():
            self._tell(record.id, field, why)
        body = parameters.body
        if (email := email_of(person)) is not None:
            body["email"] = email
            akid = body.get("akid")
            # Which of the two they go by, where they name different people, nobody knows: it is looked for at both.
            doer = Doer(email=email, user_id=user_in(akid) if isinstance(akid, str) else None)
        elif isinstance(akid := body.get("akid"), str) and (number := user_in(akid)) is not None:
            doer = Doer(user_id=number)
        elif not self._settings.from_actionkit and (number := user_id_of(person)) is not None:
            token = await self._token_of(number)
            if token is None:
                return Rejected(
                    "no_user",
                    f"{self._name}: nobody at ActionKit has the number in `ids.actionkit`, merged or erased perhaps, "
                    "and the record has no email address to find them by",
                )
            body["akid"] = token
            doer = Doer(user_id=number)
        else:
            return Rejected(
                "no_identity",
                f"{self._name}: the record has no email address, no akid and no number of ActionKit's, and ActionKit "
                "knows people by nothing else",
            )
        self._unsettled.check(key, "posting an action")
        leaving = self._leaving if person.email_opt_in is False else None
        no_key = key_of(record.id, leaving.page) if leaving is not None and leaving.page != page else None
        is_mapped = page in self._settings.pages.values()
        return _Plan(record.id, is_mapped, key, body, parameters.user_fields, doer, record.occurred_at, no_key)

    def _page_for(self, record: Record) -> str | None:
        action = record.action if isinstance(record.action, Action) else Action()
        number = action.page.id if isinstance(action.page, Page) else None
        mapped = self._settings.pages.get(number) if isinstance(number, str) else None
        return mapped or self._settings.page

    async def _token_of(self, number: int) -> str | None:
        """With which to act as them; None: there is nobody of this number."""
        try:
            token = (await self._client.get(self._caller, "user", number)).get("token")
        except MissingError:
            return None
        if not isinstance(token, str) or not token:
            raise RejectedError(f"{self._name}: reading one user: there is no token with which to act as them")
        return token

    # ---- doing it ----

    async def _guarded(self, plan: _Plan, there: set[str]) -> Outcome:
        try:
            # Lanes may differ for one person, by phone and by email; a yes and a no must not mix.
            async with self._locks[hash(plan.doer.email or plan.doer.user_id) % LANES]:
                return await self._carry_out(plan, there)
        except RemoteError as error:
            return outcome_of(error, self._name)

    async def _carry_out(self, plan: _Plan, there: set[str]) -> Outcome:
        """The action, and then the no: it has the last word, and holds where the action itself is refused."""
        outcome: Outcome = Skipped("already_there")
        if plan.key not in there:
            try:
                outcome = await self._act(plan)
            except RejectedError as error:
                if plan.doer.email is None:
                    raise  # an akid that was refused may be made up: it speaks for nobody
                outcome = outcome_of(error, self._name)
        if self._leaving is None or plan.no_key is None or plan.no_key in there:
            return outcome
        has_left = await self._unsubscribe(plan, self._leaving, plan.no_key)
        return Delivered() if has_left and isinstance(outcome, Skipped) else outcome

    async def _act(self, plan: _Plan) -> Outcome:
        if self._settings.create_user_fields:
            await self._allowed.ensure(plan.user_fields)
        await self._unasked.check()
        body, subscribes = plan.body, plan.subscribes
        if subscribes and await self._left.since(await self._user_of(plan.doer), plan.said_at):
            self._tell(plan.record_id, "email_opt_in", "they left after they said yes, and are not put back")
            body, subscribes = suppressed(body), False
        try:
            with self._unsettled.trying(plan.key):
                action = await self._client.act(self._caller, body)
        except (InvalidError, MissingError) as error:
            if isinstance(error, MissingError) or "page" in error.fields:
                raise self._gone(plan) from error
            raise explained(error, plan.user_fields) from error
        if not subscribes and (unasked := self._unasked.outcome(body["page"], action)) is not None:
            return unasked
        status = action.get("status")
        if isinstance(status, str) and status not in COMPLETE:
            return Rejected(
                "not_complete",
                f"{self._name}: posting an action: it was recorded, and is {shown(status)}, not complete; look at it "
                "in ActionKit. A retry will find it and leave it as it is",
            )
        return Delivered()

    async def _unsubscribe(self, plan: _Plan, leaving: Leaving, key: str) -> bool:
        user = await self._user_of(plan.doer)
        with self._unsettled.trying(plan.key):
            # Where a yes may still be on its way, a no leaves a trace that it meets.
            return await leaving.leave(user, key, plan.said_at, on_none_too=bool(self._settings.subscribe))

    async def _user_of(self, doer: Doer) -> Resource:
        """{} for somebody new."""
        if doer.email is None:
            return await self._client.get(self._caller, "user", doer.user_id or 0)
        return await self._client.find(self._caller, "user", "email", doer.email) or {}

    # ---- what went wrong ----

    def _gone(self, plan: _Plan) -> RemoteError:
        """There is no such page: nothing is wrong with the record."""
        missing = f'{self._name}: {self._client.host} has no page "{plan.body["page"]}" to record actions on'
        if plan.is_mapped:
            return RejectedError(f"{missing}; mend `pages`, then retry this dead letter")
        return UnauthorizedError(f"{missing}; check `page`")

    def _tell(self, record_id: str, field: str, why: str) -> None:
        """Once in a while: a source that sends such values sends many."""
        if self._told.get((field, why)) is None:
            self._told.put((field, why), True)
            log.warning("field_left_out", component=self._name, record=record_id, fields=[field], because=why)
