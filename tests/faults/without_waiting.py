"""`groundswell` whose pollers take what shows at once: `python -m tests.faults.without_waiting run FILE`.

The real ones wait for a minute, since what they ask shows some things late. The simulators of these tests do not.
"""

from groundswell.cli.main import main
from groundswell.connectors.action_network.polling import rounds as network
from groundswell.connectors.actionkit.polling import rounds as actionkit

if __name__ == "__main__":
    actionkit.SETTLED_S = network.SETTLED_S = -2  # type: ignore[misc]
    main()
