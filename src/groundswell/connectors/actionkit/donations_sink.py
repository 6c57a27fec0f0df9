"""The `actionkit.donations` sink: money that was given elsewhere, refunds and cancellations of it.

ActionKit would count most of this twice if it were told twice, so each is looked for, or protected by an import id,
before it is written: a daemon that was killed after a write does not know of it. Off unless it is asked for.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from groundswell.component import Context, Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.actionkit.account import ActionKitAccount
from groundswell.connectors.actionkit.donating.answers import answers_of
from groundswell.connectors.actionkit.donating.bodies import Place
from groundswell.connectors.actionkit.donating.gifts import donor_of, fits, gift_of, key_of
from groundswell.connectors.actionkit.donating.ledger import Ledger
from groundswell.connectors.actionkit.donating.pages import Pages, has_fields
from groundswell.connectors.actionkit.donating.undoing import Undoing
from groundswell.connectors.actionkit.donating.writing import Traces, Writing
from groundswell.connectors.actionkit.donations_settings import ActionKitDonationsSettings
from groundswell.connectors.actionkit.faults import InvalidError
from groundswell.connectors.actionkit.parameters import email_of
from groundswell.connectors.actionkit.times import written
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.writing.left import Left
from groundswell.connectors.actionkit.writing.ours import OWN
from groundswell.connectors.common.in_turn import in_turn
from groundswell.connectors.common.outcome import outcome_of
from groundswell.connectors.common.unsettled import Unsettled
from groundswell.errors import RecordError, RemoteError, UnauthorizedError
from groundswell.record import Donation, Person, Record, from_json

OF_THE_PAGE: Final = frozenset(("page", "donationpage"))
OF_THE_PLACE: Final = frozenset(("payment_account", "card_code"))
"""What they call what is the same for every donation: where it is wrong, it is no donation's fault."""
CARD_YEARS: Final = 3


class ActionKitDonations:
    """Gifts one after the other; those of a batch are looked for together."""

    def __init__(self, settings: ActionKitDonationsSettings, context: Context) -> None:
        account: ActionKitAccount = context.account
        caller = Caller(context.name)
        place = Place(
            settings.payment_account,
            settings.card_code,
            settings.key_field,
            dict(settings.candidates),
            settings.dated,
        )
        unsettled = Unsettled(context.clock, context.name, settings.settle.total_seconds(), shows_at_once=True)
        fixed = None if has_fields(settings.page) else settings.page
        ledger = Ledger(account.client, caller, settings.key_field, fixed)
        self._settings = settings
        self._name = context.name
        self._clock = context.clock
        self._client = account.client
        self._caller = caller
        self._left = Left(account.client, caller)
        self._writing = Writing(account.client, caller, ledger, unsettled, place, context.clock)
        self._undoing = Undoing(
            account.client,
            caller,
            ledger,
            unsettled,
            context.clock,
            settings.wait_for_gift.total_seconds(),
            settings.refund_by,
            settings.canceled_by,
        )
        self._pages = Pages(context.name, settings.page, settings.page_without_form, settings.pages_max)

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        records = {delivery.key: from_json(delivery.body) for delivery in deliveries}
        looked = await self._look(records.values()) if self._settings.enabled else {}
        return await in_turn(deliveries, lambda delivery: self._deliver(records[delivery.key], looked))

    async def aclose(self) -> None:
        """Nothing to let go of: the session is the daemon's."""

    async def _look(self, records: Iterable[Record]) -> Traces:
        """Which of these gifts are there already: one report for all."""
        sought = {}
        for record in records:
            is_gift = record.kind == "donation" and fits(record) and not record.id.startswith(OWN)
            email = email_of(record.person) if isinstance(record.person, Person) else None
            if is_gift and email is not None:
                sought[key_of(record)] = email
        return await self._writing.look(sought)

    async def _deliver(self, record: Record, looked: Traces) -> Outcome:
        if not self._settings.enabled:
            return Skipped("not_enabled")
        if not fits(record):
            return Skipped("does_not_fit")
        if record.id.startswith(OWN):
            return Skipped("from_actionkit")
        try:
            return await self._write(record, looked)
        except InvalidError as error:
            if OF_THE_PAGE & set(error.fields) and has_fields(self._settings.page):
                wrong = (
                    f'the page "{self._pages.page_for(record)}" is not there, or no donation page; mend it in '
                    "ActionKit, then retry this"
                )
                return Rejected("no_page", f"{error}: {wrong}")
            if (OF_THE_PAGE | OF_THE_PLACE) & set(error.fields):
                wrong = "check `page`, `payment_account` and `card_code`; nothing is wrong with the donation"
                return Retry(UnauthorizedError(f"{error}: {wrong}"))
            return outcome_of(error, self._name)
        except (RecordError, RemoteError) as error:
            return outcome_of(error, self._name)

    async def _write(self, record: Record, looked: Traces) -> Outcome:
        match record.kind:
            case "refund":
                return await self._undoing.refund(record)
            case "cancellation":
                return await self._undoing.cancel(record)
            case _:
                return await self._give(record, looked)

    async def _give(self, record: Record, looked: Traces) -> Outcome:
        settings = self._settings
        answers = answers_of(record, settings.action_fields, has_all=settings.all_action_fields)
        gift = gift_of(record, settings.source, page=self._pages.page_for(record), fields=answers)
        donor = donor_of(
            record, with_address=settings.address, country=settings.country, user_fields=settings.user_fields
        )
        expires = str(int(written(self._clock.now())[:4]) + CARD_YEARS)
        subscribes = settings.subscribe and await self._may_subscribe(record, donor["email"])
        if settings.way == "push":
            return await self._writing.push(gift, donor, expires, looked, subscribes=subscribes)
        if gift.series is not None:
            raise RecordError(
                'stub payment accounts take no recurring donations over action processing; set `way = "push"`',
                reason="recurring",
            )
        donation = record.donation if isinstance(record.donation, Donation) else Donation()
        return await self._writing.record(gift, donor, donation, expires, looked, subscribes=subscribes)

    async def _may_subscribe(self, record: Record, email: str) -> bool:
        if not isinstance(record.person, Person) or record.person.email_opt_in is not True:
            return False
        user = await self._client.find(self._caller, "user", "email", email) or {}
        return not await self._left.since(user, record.occurred_at)
