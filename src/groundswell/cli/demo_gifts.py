"""The gifts of the demo: a small ledger at a simulated ActBlue, and what of it has reached ActionKit."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from yarl import URL

from groundswell.connectors.actblue.simulator.faults import FaultRates
from groundswell.connectors.actblue.simulator.ledger import Ledger
from groundswell.connectors.actblue.simulator.making import Shares
from groundswell.connectors.actblue.simulator.messages import messages
from groundswell.connectors.actblue.simulator.sender import Pace, Target
from groundswell.connectors.actblue.simulator.server import simulator
from groundswell.connectors.actionkit.simulator.server import Server as ActionKit

GIFTS: Final = 150
RATE_PER_S: Final = 12.0
TWICE: Final = 0.2
SINCE: Final = datetime(2026, 8, 1, tzinfo=UTC)
_MONEY: Final = "SELECT amount, status FROM core_transaction WHERE type = 'sale' AND trans_id LIKE 'actblue-%'"
UNTIL: Final = datetime(2026, 11, 15, tzinfo=UTC)


class Gifts:
    """Single gifts and series, some given back, some ended."""

    def __init__(self, webhook: URL) -> None:
        """`webhook` is where the daemon takes them, with user name and password."""
        self._target = Target.all_at(str(webhook))
        self._ledger = Ledger.make(seed=7, gifts=GIFTS, since=SINCE, until=UNTIL, shares=Shares(unshared=0.0))
        self._notices = self._ledger.notices(managed_forms=False, declined=False)

    @property
    def count(self) -> int:
        return len(self._notices)

    async def send(self) -> None:
        """All of it, a fifth of it twice."""
        async with simulator(
            self._ledger,
            webhooks=self._target,
            pace=Pace(rate_per_s=RATE_PER_S, speed=100.0),
            rates=FaultRates(webhook_twice=TWICE),
        ) as server:
            assert server.sender is not None
            await server.sender.send(messages(self._ledger, self._notices))

    def words(self, kit: ActionKit) -> str:
        """What was given, and what of it is there."""
        right = self._ledger.totals()
        rows = kit.control.rows(_MONEY)
        there = sum((Decimal(str(row["amount"])) for row in rows), Decimal(0))
        back = sum((Decimal(str(row["amount"])) for row in rows if row["status"] == "reversed"), Decimal(0))
        return (
            f"{len(right.by_lineitem):,} gifts of ${right.paid:,.2f}, ${right.refunded:,.2f} of it given back; "
            f"at ActionKit {len(rows):,} of ${there:,.2f}, ${back:,.2f} given back"
        )
