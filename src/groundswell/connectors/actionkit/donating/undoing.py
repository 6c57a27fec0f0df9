"""Refunds and cancellations: the payment that is taken back, the series that ends. Each is looked at before."""

from typing import Final, Literal

from groundswell.clock import Clock
from groundswell.component import Delivered, Outcome, Rejected, Skipped
from groundswell.connectors.actionkit.client import ActionKit
from groundswell.connectors.actionkit.donating.bodies import cancel_body
from groundswell.connectors.actionkit.donating.gifts import amount_of, is_same_amount, key_of, moment_of, series_of
from groundswell.connectors.actionkit.donating.ledger import ACTIVE, REVERSED, Ledger, Payment
from groundswell.connectors.actionkit.faults import InvalidError
from groundswell.connectors.actionkit.parameters import email_of
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.common.recent import Recent
from groundswell.connectors.common.unsettled import Unsettled
from groundswell.errors import OvertookError
from groundswell.record import Donation, Person, Record

LOOK_EVERY_S: Final = 60.0
WAITING_MAX: Final = 10_000
DONE: Final = float("-inf")
REMEMBERED_S: Final = 86_400.0
"""Who has waited is not made to wait again when a person retries it."""

RefundBy = Literal["status", "reverse"]
CanceledBy = Literal["user", "admin", "processor"]


class Undoing:
    """Takes back what was given."""

    def __init__(
        self,
        client: ActionKit,
        caller: Caller,
        ledger: Ledger,
        unsettled: Unsettled,
        clock: Clock,
        wait_s: float,
        refund_by: RefundBy,
        canceled_by: CanceledBy,
    ) -> None:
        """`wait_s`: how long what overtook its donation waits for it."""
        self._client = client
        self._caller = caller
        self._ledger = ledger
        self._unsettled = unsettled
        self._refund_by = refund_by
        self._canceled_by: CanceledBy = canceled_by
        self._clock = clock
        self._wait_s = wait_s
        self._missed: Recent[str, float] = Recent(clock, most=WAITING_MAX, for_s=REMEMBERED_S)
        """When each was first looked for and not there; DONE: it has waited."""

    async def refund(self, record: Record) -> Outcome:
        """Reversing again changes nothing, so nothing has to settle first."""
        email = email_of(record.person) if isinstance(record.person, Person) else None
        payment = await self._ledger.payment(key_of(record), email)
        if payment is None:
            return self._not_there(record, "the donation that was refunded")
        if payment.status == REVERSED:
            return Skipped("already_reversed")
        amount = record.donation.amount if isinstance(record.donation, Donation) else None
        if isinstance(amount, str) and not is_same_amount(amount_of(amount.removeprefix("-")), payment.amount):
            return Rejected(
                "partial_refund",
                f"{self._caller.component}: the refund is of another sum than the payment, and ActionKit reverses "
                f"whole payments; write it down by hand at transaction {payment.id} of order {payment.order}",
            )
        if self._refund_by == "status":
            await self._mark_reversed(payment)
            return Delivered()
        return await self._reverse(payment)

    async def cancel(self, record: Record) -> Outcome:
        """Each cancellation that is sent is written down (W for updates), so it is looked whether there is one."""
        series = series_of(record)
        if series is None:
            return Rejected(
                "no_order_id", f"{self._caller.component}: the cancellation does not say of which recurring donation"
            )
        self._unsettled.check(f"cancel {series}", "cancelling a recurring donation")
        found = await self._ledger.series(series)
        if found is None:
            return self._not_there(record, "the recurring donation that was cancelled")
        if found.status != ACTIVE:
            return Skipped("already_cancelled")
        with self._unsettled.trying(f"cancel {series}"):
            body = cancel_body(series, self._canceled_by, moment_of(record))
            await self._client.push(self._caller, "profilecancelpush", body)
        return Delivered()

    async def _mark_reversed(self, payment: Payment) -> None:
        """The order before its payment: after a crash in between, the payment says that something is left to do."""
        if payment.is_last_standing:
            await self._client.patch(self._caller, "order", payment.order, {"status": REVERSED})
        await self._client.patch(self._caller, "transaction", payment.id, {"status": REVERSED})

    async def _reverse(self, payment: Payment) -> Outcome:
        """By their own call, which tells the processor. Once done, again is refused with 400 (C)."""
        kind, number = ("order", payment.order) if payment.is_first else ("transaction", payment.id)
        try:
            await self._client.do(self._caller, kind, number, "reverse")
        except InvalidError:
            if (await self._client.get(self._caller, kind, number)).get("status") != REVERSED:
                raise
            return Skipped("already_reversed")
        return Delivered()

    def _not_there(self, record: Record, what: str) -> Outcome:
        """What undoes it may overtake it, and then what is undone may wait behind this, so that goes first. Not for
        long: what comes meanwhile about this person waits, too."""
        now = self._clock.monotonic()
        first = self._missed.get(record.id)
        if first is None:
            first = now
            self._missed.put(record.id, first)
        left_s = first + self._wait_s - now
        if left_s <= 0 and first != DONE:  # what came since the last look goes first as well
            self._missed.put(record.id, DONE)
        if left_s > 0 or first != DONE:
            raise OvertookError(
                f"{self._caller.component}: {what} is not there yet; looked for again",
                min(max(0.0, left_s), LOOK_EVERY_S),
            )
        return Rejected(
            "no_donation",
            f"{self._caller.component}: {what} is not at ActionKit, under the key this sink gives. It may come later, "
            "have been written down there by somebody else, or not at all: when it is there, `groundswell dead retry`; "
            "if somebody else wrote it down, undo it there by hand and drop this",
        )
