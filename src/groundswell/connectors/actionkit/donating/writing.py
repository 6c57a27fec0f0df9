"""Gifts, written down at ActionKit: each once, whatever becomes of the answers."""

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Final
from weakref import WeakValueDictionary

import anyio
import structlog

from groundswell.clock import Clock
from groundswell.component import Delivered, Outcome, Rejected, Skipped
from groundswell.connectors.actionkit.client import ActionKit, Resource
from groundswell.connectors.actionkit.donating.bodies import (
    Place,
    parts_of,
    payment_body,
    products_in,
    push_body,
    stub_parameters,
    update_body,
)
from groundswell.connectors.actionkit.donating.gifts import Gift, amount_of, is_same_amount
from groundswell.connectors.actionkit.donating.ledger import FAILED, Ledger, Series, Trace, failure_in, failure_of
from groundswell.connectors.actionkit.faults import ConflictError
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.writing.unasked import Unasked
from groundswell.connectors.common.recent import Recent
from groundswell.connectors.common.unsettled import Unsettled
from groundswell.errors import RejectedError, RemoteError, UnauthorizedError, UnavailableError
from groundswell.http.said import shown
from groundswell.record import Donation

USED_MAX: Final = 10_000
USED_S: Final = 3_600.0
"""Longer than any batch takes."""

log = structlog.get_logger()


Traces = Mapping[str, Trace | None]
"""By key: payments that were looked for together, and where they are. One that is missing was not looked for."""


class Writing:
    """One gift at a time of each series."""

    def __init__(
        self, client: ActionKit, caller: Caller, ledger: Ledger, unsettled: Unsettled, place: Place, clock: Clock
    ) -> None:
        self._client = client
        self._caller = caller
        self._ledger = ledger
        self._unsettled = unsettled
        self._place = place
        self._unasked = Unasked(client, caller)
        self._keeps_import_ids = True
        self._used: Recent[str, bool] = Recent(clock, most=USED_MAX, for_s=USED_S)
        """Keys whose look of before was used."""
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    async def look(self, sought: Mapping[str, str]) -> Traces:
        """Look for many payments at once, each by its key and its donor's address.

        Those that may be under way still are left out: they have to be looked for later.
        """
        sought = {key: email for key, email in sought.items() if self._unsettled.has_settled(key)}
        if len(sought) < 2:
            return {}
        try:
            found = await self._ledger.traces(sought)
        except RejectedError:
            return {}  # each is looked for by itself, and whose fault it is shows there
        except UnavailableError as exc:
            raise UnavailableError(str(exc)) from exc  # whatever breaks them: no gift has used up one of its tries
        return {key: found.get(key) for key in sought}

    async def push(self, gift: Gift, donor: Resource, expires: str, looked: Traces, *, subscribes: bool) -> Outcome:
        """By the donation push. A single gift is safe by its import id, too; a payment of a series has to settle."""
        if not self._keeps_import_ids:
            raise UnauthorizedError(
                f"{self._caller.component}: {self._client.host} does not keep the import ids of donations, so that a "
                'repeated one would count twice; nothing more is sent. Set `way = "stub"`'
            )
        await self._unasked.check()
        if gift.series is None:
            # An import id is unique in one payment account only (D), and the settings may have been others.
            if _counts(await self._trace(gift, donor, looked)):
                return Skipped("already_there")
            return await self._push(gift, donor, expires, subscribes=subscribes)
        # Two payments that both find no series would begin two.
        lock = self._locks.setdefault(gift.series, anyio.Lock())
        async with lock:
            return await self._pay(gift, donor, expires, looked, subscribes=subscribes)

    async def record(
        self, gift: Gift, donor: Resource, donation: Donation, expires: str, looked: Traces, *, subscribes: bool
    ) -> Outcome:
        """By action processing, on a stub payment account. Looked for first, always."""
        self._unsettled.check(gift.key, "writing a donation down")
        if _counts(await self._trace(gift, donor, looked)):
            return Skipped("already_there")
        await self._unasked.check()
        prices = {number: await self._price(number) for number in products_in(donation)}
        parts = parts_of(gift, self._place, donation, prices)
        parameters = stub_parameters(gift, self._place, donor, parts, subscribes=subscribes, expires=expires)
        with self._unsettled.trying(gift.key):
            action = await self._client.act(self._caller, parameters)
        if action.get("status") == FAILED and not isinstance(action.get("order"), dict):
            action = await self._client.get(self._caller, "donationaction", action["id"])
        return await self._outcome(gift, donor, action, subscribes=subscribes)

    async def _trace(self, gift: Gift, donor: Resource, looked: Traces) -> Trace | None:
        """A look of before counts once: another record may be of the same payment, and have been written since."""
        if gift.key in looked and self._used.get(gift.key) is None:
            self._used.put(gift.key, True)
            return looked[gift.key]
        return await self._ledger.trace(gift.key, donor["email"])

    async def _push(self, gift: Gift, donor: Resource, expires: str, *, subscribes: bool) -> Outcome:
        body = push_body(gift, self._place, donor, subscribes=subscribes, expires=expires)
        try:
            reply = await self._client.push(self._caller, "donationpush", body)
        except ConflictError as error:
            return await self._there(gift, error)
        action = reply.body if isinstance(reply.body, dict) else {}
        await self._check_kept(gift, action)
        return await self._outcome(gift, donor, action, subscribes=subscribes)

    async def _check_kept(self, gift: Gift, action: Resource) -> None:
        """Whether the order has the import id: without it a repeated gift would count twice."""
        order = action.get("order")
        if isinstance(order, dict) and order.get("import_id") == gift.key:
            return
        with suppress(RemoteError):  # asked again after the next one
            if await self._ledger.order(gift.key) is None:
                self._keeps_import_ids = False
                log.error(
                    "donation_taken_without_its_import_id",
                    component=self._caller.component,
                    action=action.get("id"),
                    then='a repeated donation would count twice, so nothing more is sent; set `way = "stub"`',
                )

    async def _price(self, product: int) -> Decimal:
        return Decimal(amount_of((await self._client.get(self._caller, "product", product)).get("price")))

    async def _there(self, gift: Gift, error: ConflictError) -> Outcome:
        """409: it was pushed before. It may have failed then."""
        order = await self._ledger.order(gift.key, error.existing)
        if order is None:
            raise error
        if order.get("status") != FAILED:
            return Skipped("already_there")
        return await self._failed_before(order["id"])

    async def _pay(self, gift: Gift, donor: Resource, expires: str, looked: Traces, *, subscribes: bool) -> Outcome:
        """The first payment makes the series, those after it are added; theirs is no import id, so look first (W).

        It begins with whichever payment comes first, and is of that one's sum until one of another sum comes.
        """
        assert gift.series is not None
        for key in (gift.key, gift.series):
            self._unsettled.check(key, "writing a donation down")
        trace = await self._trace(gift, donor, looked)
        if _counts(trace):
            return Skipped("already_there")
        series = await self._ledger.series(gift.series)
        if series is None:
            with self._unsettled.trying(gift.series):
                return await self._push(gift, donor, expires, subscribes=subscribes)
        if trace is not None:
            return await self._failed_before(trace.order)
        with self._unsettled.trying(gift.key):
            if _changes(gift, series):
                await self._client.push(self._caller, "profileupdatepush", update_body(gift))
            await self._client.push(self._caller, "recurringpaymentpush", payment_body(gift))
        return Delivered()

    async def _outcome(self, gift: Gift, donor: Resource, action: Resource, *, subscribes: bool) -> Outcome:
        unasked = None if subscribes else self._unasked.outcome(gift.page, action)
        failure = failure_of(action)
        if failure is None:
            return unasked or Delivered()
        # The exact same one within some minutes fails because the first one worked (I, W): perhaps it was ours.
        if _counts(await self._ledger.trace(gift.key, donor["email"])):
            return unasked or Delivered()
        return self._failed(*failure)

    async def _failed_before(self, order: int) -> Rejected:
        return self._failed(*failure_in(await self._ledger.transactions(order)))

    def _failed(self, code: str, words: str) -> Rejected:
        said = ": ".join(shown(part) for part in (code, words) if part) or "they do not say why"
        return Rejected(
            "failed",
            f"{self._caller.component}: ActionKit wrote the donation down as failed ({said}); check `card_code` and "
            "`payment_account`, and look at it there: it does not count",
        )


def _counts(trace: Trace | None) -> bool:
    return trace is not None and trace.status != FAILED


def _changes(gift: Gift, series: Series) -> bool:
    """Whether this payment is of another sum: payments that are pushed have none, they are of what the series is."""
    return not is_same_amount(gift.amount, series.amount) or gift.currency not in (None, series.currency)
