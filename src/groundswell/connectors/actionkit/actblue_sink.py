"""The `actionkit.actblue` sink: tells ActionKit's own receiver what ActBlue told us.

For groups that let ActBlue report to this daemon and not to ActionKit, and still want what ActionKit makes of it: pages
per form, sources, recurring donations. The receiver has to cope with ActBlue's own repeats, so a message whose answer
was lost is sent again (I). It subscribes whoever is new to it. `backfill=1` goes along with everything but a fresh yes
to email: it keeps those who left, or whose mail bounced, off the lists (D).
"""

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from pydantic import Field

from groundswell.component import Context, Delivered, Delivery, Outcome, Retry, Skipped
from groundswell.connectors.actionkit.account import ActionKitAccount
from groundswell.connectors.actionkit.faults import MissingError
from groundswell.connectors.actionkit.forwarding.actblue import body_of, is_actblues, is_money
from groundswell.connectors.actionkit.times import seconds_of
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.common.in_turn import in_turn
from groundswell.connectors.common.outcome import outcome_of
from groundswell.errors import RecordError, RemoteError, UnauthorizedError
from groundswell.record import Person, Record, from_json
from groundswell.settings import SinkSettings

YES_S: Final = 86_400.0
"""How old a yes to email may be, to put somebody back on a list."""


class ActionKitActBlueSettings(SinkSettings):
    """Forwards ActBlue's contributions, refunds and cancellations to ActionKit's own receiver."""

    type: Literal["actionkit.actblue"]
    account: str = Field(
        description="The account to send with, of type actionkit. For this alone it needs no rights, only to be active."
    )
    enabled: bool = Field(
        False,
        description="Whether anything is sent: without it every record is skipped. Where ActBlue reports to this "
        "ActionKit itself, or `actionkit.donations` writes the same down, each donation may count twice.",
    )
    payment_account: str = Field(
        "Default ActBlue", min_length=1, description="A payment account that takes ActBlue's webhooks."
    )

    gifts_of: ClassVar[str | None] = "actblue"

    @property
    def writes_gifts(self) -> bool:
        return self.enabled

    def warnings(self) -> list[tuple[str, str]]:
        words = (
            "is true: donations are forwarded. If ActBlue reports them to this ActionKit itself, or another sink "
            "writes them down there, each may count twice; make sure that only one of them does"
            if self.enabled
            else "is not set, so nothing is forwarded: all is skipped. Set it to true to begin"
        )
        return [("enabled", words)]


class ActionKitActBlue:
    """One message a delivery."""

    def __init__(self, settings: ActionKitActBlueSettings, context: Context) -> None:
        account: ActionKitAccount = context.account
        self._settings = settings
        self._name = context.name
        self._clock = context.clock
        self._client = account.client
        self._caller = Caller(context.name)

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        return await in_turn(deliveries, self._deliver)

    async def aclose(self) -> None:
        """Nothing to let go of: the session is the daemon's."""

    async def _deliver(self, delivery: Delivery) -> Outcome:
        if not self._settings.enabled:
            return Skipped("not_enabled")
        record = from_json(delivery.body)
        if not is_money(record):
            return Skipped("does_not_fit")
        if not is_actblues(record):
            return Skipped("not_from_actblue")
        try:
            await self._client.tell_as_actblue(
                self._caller,
                self._settings.payment_account,
                body_of(record),
                is_backfill=not self._says_yes_now(record),
            )
        except MissingError as error:
            switch = "processing of ActBlue's webhooks must be switched on in ActionKit's configuration"
            return Retry(UnauthorizedError(f"{error}; {switch}"))
        except (RecordError, RemoteError) as error:
            return outcome_of(error, self._name)
        return Delivered()

    def _says_yes_now(self, record: Record) -> bool:
        """Whether who left may be put back on a list. This account may not look whether they left after they said yes,
        so a yes that is old, from a queue, a replay or the past, puts nobody back."""
        if not isinstance(record.person, Person) or record.person.email_opt_in is not True:
            return False
        said = seconds_of(record.occurred_at)
        return said is not None and self._clock.now() - said < YES_S
