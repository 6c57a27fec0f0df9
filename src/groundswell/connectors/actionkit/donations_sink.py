"""The `actionkit.donations` sink: money that was given elsewhere, refunds and cancellations of it.

ActionKit would count most of this twice if it were told twice, so each is looked for, or protected by an import id,
before it is written: a daemon that was killed after a write does not know of it. Off unless it is asked for.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal

from pydantic import Field, model_validator

from groundswell.component import Context, Delivery, Outcome, Retry, Skipped
from groundswell.connectors.actionkit.account import ActionKitAccount
from groundswell.connectors.actionkit.actions_settings import PAGE
from groundswell.connectors.actionkit.donating.bodies import Place
from groundswell.connectors.actionkit.donating.gifts import donor_of, fits, gift_of
from groundswell.connectors.actionkit.donating.ledger import Ledger
from groundswell.connectors.actionkit.donating.undoing import CanceledBy, RefundBy, Undoing
from groundswell.connectors.actionkit.donating.writing import Writing
from groundswell.connectors.actionkit.faults import InvalidError
from groundswell.connectors.actionkit.parameters import FieldName
from groundswell.connectors.actionkit.times import written
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.writing.address import Country
from groundswell.connectors.actionkit.writing.left import Left
from groundswell.connectors.actionkit.writing.ours import KEY_FIELD, OWN
from groundswell.connectors.actionkit.writing.paths import Path
from groundswell.connectors.common.in_turn import in_turn
from groundswell.connectors.common.outcome import outcome_of
from groundswell.connectors.common.unsettled import Unsettled
from groundswell.errors import RecordError, RemoteError, UnauthorizedError
from groundswell.record import Donation, Person, Record, from_json
from groundswell.settings import Duration, SinkSettings

OF_THE_PLACE: Final = frozenset(("page", "donationpage", "payment_account", "card_code"))
"""Fields that are the same for every donation: wrong ones are no donation's fault."""
CARD_YEARS: Final = 3


class ActionKitDonationsSettings(SinkSettings):
    """Writes down donations made elsewhere, with refunds and cancellations."""

    type: Literal["actionkit.donations"]
    account: str = Field(description="The account to write with, of type actionkit. It needs the right to run reports.")
    enabled: bool = Field(
        False,
        description="Whether anything is written: without it every record is skipped. Where ActBlue (or anybody else) "
        "already reports donations to this ActionKit, each would count twice.",
    )
    page: str = Field(pattern=PAGE, description="The short name of the donation page.")
    payment_account: str = Field(
        "Default Import Stub", min_length=1, description="A payment account that charges nobody: an import stub."
    )
    card_code: str = Field("007", min_length=1, description="The verification number of that payment account.")
    way: Literal["push", "stub"] = Field(
        "push",
        description='"push": the donation push, for single and recurring donations; makes the page if it is not there. '
        '"stub": as an action on a page that is there; single donations only, with candidates and products '
        "(`product_7` in `donation.fields`: how many of product 7).",
    )
    key_field: FieldName = Field(
        KEY_FIELD,
        description="The action field that holds our key of a donation, by which it is found again. Two daemons that "
        "write to one instance need two.",
    )
    source: str | None = Field(None, description="The source of donations that have none.")
    subscribe: bool = Field(
        False,
        description="Whether donors who said yes to email (`email_opt_in`) are subscribed, if the page has a list and "
        "they did not leave since.",
    )
    address: bool = Field(
        True, description="Whether addresses are written: they replace those of people who are there."
    )
    country: Country = Field("US", description="The country of addresses that do not say.")
    user_fields: dict[FieldName, Path] = Field(
        default_factory=dict,
        description="Custom user fields to fill, which must be there: the name at ActionKit without `user_`, and what "
        'of the record goes there, as in { employer = "custom.employer", occupation = "custom.occupation" }.',
    )
    candidates: dict[str, int] = Field(
        default_factory=dict,
        description='With way = "stub": recipients, and the number of the candidate each of them is.',
    )
    dated: Literal["created_at", "donation_date"] = Field(
        "created_at",
        description='With way = "stub": what the time of a gift is sent as. "created_at" dates the action and the '
        'money, "donation_date" the money alone: the action is of the moment it is written down.',
    )
    refund_by: RefundBy = Field(
        "status",
        description='"status": the payment is marked as reversed, which is right for money that was taken elsewhere. '
        '"reverse": ActionKit is told to reverse it, processor and all.',
    )
    canceled_by: CanceledBy = Field("user", description="Who is said to have ended a recurring donation.")
    settle: Duration = Field(
        timedelta(seconds=30),
        ge=timedelta(seconds=5),
        description="How long ActionKit may still be busy with a call whose answer was lost. What has no import id "
        "waits for it after a start and after a lost answer, and is then looked for.",
    )

    @model_validator(mode="after")
    def _fit_together(self) -> "ActionKitDonationsSettings":
        if self.candidates and self.way != "stub":
            raise ValueError('has candidates, which only way = "stub" can name')
        if self.dated != "created_at" and self.way != "stub":
            raise ValueError('has dated = "donation_date", which only way = "stub" can send')
        return self

    def warnings(self) -> list[tuple[str, str]]:
        words = (
            "is true: donations are written down. If ActBlue or anybody else reports them to this ActionKit too, each "
            "counts twice; make sure that only one of them does"
            if self.enabled
            else "is not set, so no donation is written down: all are skipped. Set it to true to begin"
        )
        return [("enabled", words)]


class ActionKitDonations:
    """One record a delivery."""

    def __init__(self, settings: ActionKitDonationsSettings, context: Context) -> None:
        account: ActionKitAccount = context.account
        caller = Caller(context.name)
        place = Place(
            settings.page,
            settings.payment_account,
            settings.card_code,
            settings.key_field,
            dict(settings.candidates),
            settings.dated,
        )
        unsettled = Unsettled(context.clock, context.name, settings.settle.total_seconds(), shows_at_once=True)
        ledger = Ledger(account.client, caller, settings.page, settings.key_field)
        self._settings = settings
        self._name = context.name
        self._clock = context.clock
        self._client = account.client
        self._caller = caller
        self._left = Left(account.client, caller)
        self._writing = Writing(account.client, caller, ledger, unsettled, place)
        self._undoing = Undoing(
            account.client,
            caller,
            ledger,
            unsettled,
            settings.refund_by,
            settings.canceled_by,
            by_key_field=settings.way == "stub",
        )

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        return await in_turn(deliveries, self._deliver)

    async def aclose(self) -> None:
        """Nothing to let go of: the session is the daemon's."""

    async def _deliver(self, delivery: Delivery) -> Outcome:
        if not self._settings.enabled:
            return Skipped("not_enabled")
        record = from_json(delivery.body)
        if not fits(record):
            return Skipped("does_not_fit")
        if record.id.startswith(OWN):
            return Skipped("from_actionkit")
        try:
            return await self._write(record, delivery)
        except InvalidError as error:
            if OF_THE_PLACE & set(error.fields):
                wrong = "check `page`, `payment_account` and `card_code`; nothing is wrong with the donation"
                return Retry(UnauthorizedError(f"{error}: {wrong}"))
            return outcome_of(error, self._name)
        except (RecordError, RemoteError) as error:
            return outcome_of(error, self._name)

    async def _write(self, record: Record, delivery: Delivery) -> Outcome:
        match record.kind:
            case "refund":
                return await self._undoing.refund(record, delivery)
            case "cancellation":
                return await self._undoing.cancel(record, delivery)
            case _:
                return await self._give(record)

    async def _give(self, record: Record) -> Outcome:
        settings = self._settings
        gift = gift_of(record, settings.source)
        donor = donor_of(
            record, with_address=settings.address, country=settings.country, user_fields=settings.user_fields
        )
        expires = str(int(written(self._clock.now())[:4]) + CARD_YEARS)
        subscribes = settings.subscribe and await self._may_subscribe(record, donor["email"])
        if settings.way == "push":
            return await self._writing.push(gift, donor, expires, subscribes=subscribes)
        if gift.series is not None:
            raise RecordError(
                'stub payment accounts take no recurring donations over action processing; set `way = "push"`',
                reason="recurring",
            )
        donation = record.donation if isinstance(record.donation, Donation) else Donation()
        return await self._writing.record(gift, donor, donation, expires, subscribes=subscribes)

    async def _may_subscribe(self, record: Record, email: str) -> bool:
        if not isinstance(record.person, Person) or record.person.email_opt_in is not True:
            return False
        user = await self._client.find(self._caller, "user", "email", email) or {}
        return not await self._left.since(user, record.occurred_at)
