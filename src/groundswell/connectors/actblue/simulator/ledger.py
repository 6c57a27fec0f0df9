"""Everything that was given, and all that is said about it is drawn from here: notifications, CSVs, and what is right.

`Ledger.totals` says to the cent what a reader must arrive at.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Final, TypeVar

from msgspec import Struct

from groundswell.connectors.actblue.simulator.content import OWN
from groundswell.connectors.actblue.simulator.gifts import Entity, Form, Gift, Kind, Order, Status
from groundswell.connectors.actblue.simulator.making import Shares, make_orders
from groundswell.errors import RequestError

SINCE: Final = datetime(2025, 10, 15, tzinfo=UTC)
UNTIL: Final = datetime(2026, 11, 15, tzinfo=UTC)
"""Three changes of the clocks lie between the two."""
Key = TypeVar("Key", int, str)
GIFTS_MAX: Final = 1_000_000
"""About 1 kB each."""


class Notice(Struct, frozen=True):
    """Something a webhook is sent about: one line item paid, declined, pending or refunded; or one series ended."""

    kind: Kind
    at: datetime
    gift: Gift
    """Of a cancellation: the last payment."""
    status: Status = "approved"

    @property
    def key(self) -> str:
        """The same for all that say the same, such as "contribution/990000123" or "cancellation/AB700000001"."""
        if self.kind == "cancellation":
            return f"cancellation/{self.gift.order.number}"
        return f"{self.kind if self.status == 'approved' else self.status}/{self.gift.lineitem_id}"


@dataclass(frozen=True, slots=True)
class Totals:
    """Money that came, in dollars with two places. `by_` sums are of what was paid, given back or not."""

    paid: Decimal
    refunded: Decimal
    by_lineitem: dict[int, Decimal]
    by_order: dict[str, Decimal]
    by_form: dict[str, Decimal]
    by_entity: dict[int, Decimal]
    refunded_by_lineitem: dict[int, Decimal]

    @property
    def net(self) -> Decimal:
        return self.paid - self.refunded


class Ledger:
    """Orders and their gifts, in the order of time; nothing in it changes once it is made."""

    def __init__(
        self, seed: int, own: Entity, orders: list[Order], gifts: list[Gift], since: datetime, until: datetime
    ) -> None:
        self.seed = seed
        self.own = own
        """The entity whose ActBlue account this is."""
        self.orders = orders
        self.gifts = gifts
        self.since = since
        self.until = until
        self.by_lineitem: dict[int, Gift] = {gift.lineitem_id: gift for gift in gifts}
        self.by_number: dict[str, Order] = {order.number: order for order in orders}

    @classmethod
    def make(
        cls,
        seed: int = 1,
        gifts: int = 20_000,
        since: datetime = SINCE,
        until: datetime = UNTIL,
        shares: Shares | None = None,
    ) -> "Ledger":
        """Draw a ledger of exactly so many line items, declined ones included; a second for 20,000 of them.

        Args:
            since: The first moment at which somebody may give; `until` is the first at which nothing happens any more.

        Raises:
            RequestError: there is no time between the two, or there are too many gifts.
        """
        if not 0 <= gifts <= GIFTS_MAX:
            raise RequestError(f"simulate: gifts is {gifts}; it must be from 0 to {GIFTS_MAX}")
        if since.tzinfo is None or until.tzinfo is None:
            raise RequestError("simulate: since and until must say their time zone")
        since, until = (moment.astimezone(UTC).replace(microsecond=0) for moment in (since, until))
        if since >= until:
            raise RequestError("simulate: nothing can be given between since and until; make it at least a second")
        orders, made = make_orders(Random(f"ledger {seed}"), gifts, since, until, shares or Shares())
        return cls(seed, OWN, orders, made, since, until)

    @property
    def forms(self) -> tuple[Form, ...]:
        """On which something was given, by slug."""
        return tuple(sorted({order.form for order in self.orders}, key=lambda form: form.slug))

    def is_own(self, gift: Gift) -> bool:
        """Whether the money came to us."""
        return gift.entity.id == self.own.id

    def notices(self, *, managed_forms: bool = True, declined: bool = True) -> list[Notice]:
        """All there is to notify about, in the order in which it happened.

        Args:
            managed_forms: Also of money for others that came through our forms: "Notify for all managed pages".
            declined: Also of payments that did not, or not yet, succeed.
        """
        wanted = [gift for gift in self.gifts if managed_forms or self.is_own(gift)]
        found = [*_contributions(wanted, declined=declined)]
        found += [Notice("refund", gift.refund.at, gift) for gift in wanted if gift.refund is not None]
        found += self._cancellations(managed_forms=managed_forms)
        return sorted(found, key=lambda notice: notice.at)

    def _cancellations(self, *, managed_forms: bool) -> Iterator[Notice]:
        for order in self.orders:
            if order.cancellation is None:
                continue
            paid = [gift for gift in order.gifts if gift.paid_at is not None]
            ours = [gift for gift in paid if self.is_own(gift)]
            if ours or managed_forms:
                yield Notice("cancellation", order.cancellation.at, (ours or paid)[-1])

    def totals(self, *, own_only: bool = True, since: datetime | None = None, until: datetime | None = None) -> Totals:
        """What was paid from `since` on and before `until`, and how much of that was given back, whenever it was.

        Args:
            own_only: False counts what others got through our forms, too.
        """
        paid: list[Gift] = []
        for gift in self.gifts:
            is_within = gift.paid_at is not None and (since or self.since) <= gift.paid_at < (until or self.until)
            if is_within and (self.is_own(gift) or not own_only):
                paid.append(gift)
        refunded = [gift for gift in paid if gift.refund is not None]
        return Totals(
            paid=dollars(sum(gift.cents for gift in paid)),
            refunded=dollars(sum(gift.cents for gift in refunded)),
            by_lineitem={gift.lineitem_id: dollars(gift.cents) for gift in paid},
            by_order=_summed((gift.order.number, gift.cents) for gift in paid),
            by_form=_summed((gift.order.form.slug, gift.cents) for gift in paid),
            by_entity=_summed((gift.entity.id, gift.cents) for gift in paid),
            refunded_by_lineitem={gift.lineitem_id: dollars(gift.cents) for gift in refunded},
        )


def dollars(cents: int) -> Decimal:
    """With two places."""
    return Decimal(cents).scaleb(-2)


def _contributions(gifts: Iterable[Gift], *, declined: bool) -> Iterator[Notice]:
    for gift in gifts:
        if gift.status != "approved" and declined:
            yield Notice("contribution", gift.attempted_at, gift, gift.status)
        if gift.paid_at is not None:
            yield Notice("contribution", gift.paid_at, gift)


def _summed(amounts: Iterable[tuple[Key, int]]) -> dict[Key, Decimal]:
    cents: dict[Key, int] = defaultdict(int)
    for key, amount in amounts:
        cents[key] += amount
    return {key: dollars(total) for key, total in cents.items()}
