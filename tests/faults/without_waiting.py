"""`groundswell` that takes what shows at once: `python -m tests.faults.without_waiting run FILE`.

The real one's pollers wait for a minute, since what they ask shows some things late; and its sinks of gifts for five
seconds at least, after a start and after a lost answer, for a call may be under way still. With the simulators of these
tests a thing has been done and shows, or never will.
"""

from typing import Any

from groundswell.cli.main import main
from groundswell.connectors.action_network import records_sink
from groundswell.connectors.action_network.polling import rounds as network
from groundswell.connectors.actionkit import donations_sink
from groundswell.connectors.actionkit.polling import rounds as actionkit
from groundswell.connectors.common.unsettled import Unsettled

SETTLED_SOON_S = 0.3


class Settled(Unsettled):
    """Settles soon, whatever the settings say."""

    def __init__(self, clock: Any, component: str, settle_s: float, *, shows_at_once: bool = False) -> None:
        super().__init__(clock, component, min(settle_s, SETTLED_SOON_S), shows_at_once=shows_at_once)


if __name__ == "__main__":
    actionkit.SETTLED_S = network.SETTLED_S = -2  # type: ignore[misc]
    donations_sink.Unsettled = records_sink.Unsettled = Settled  # type: ignore[misc]
    main()
