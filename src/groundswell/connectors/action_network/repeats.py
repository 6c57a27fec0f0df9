"""Our mark on what cannot be told apart otherwise: donations, letters, survey responses. A second is simply another.

A foreign identifier is unique among all customers of Action Network and stays for ever [D], so it holds a hash of the
page and of the record: the same for every try of one delivery, nobody else's, and nothing about a person. Before such a
thing is posted it is looked for. Lists lag by seconds [L], so after a try that may have worked, and after a start
(the daemon before may have died in the middle of one), that look waits until the list must show it.
"""

from collections import OrderedDict
from hashlib import blake2b
from typing import Final

from groundswell.clock import Clock
from groundswell.connectors.action_network.client import ActionNetwork, Place
from groundswell.connectors.action_network.collections import Collection
from groundswell.connectors.action_network.filters import Condition, equals
from groundswell.connectors.action_network.hal import Resource
from groundswell.connectors.action_network.transport import Caller

SYSTEM: Final = "groundswell"
LAG_S: Final = 15.0
"""Up to five seconds were seen [L]."""
TRIED_MAX: Final = 10_000


def mark_of(place: Place, record_id: str) -> str:
    """The identifier of what one record becomes on one page: "groundswell:7f0c..."."""
    return f"{SYSTEM}:{blake2b(' '.join((*place, record_id)).encode(), digest_size=16).hexdigest()}"


class Repeats:
    """Finds what was posted before."""

    def __init__(self, client: ActionNetwork, caller: Caller, clock: Clock) -> None:
        self._client = client
        self._caller = caller
        self._clock = clock
        self._began_at = clock.monotonic()
        self._tried: OrderedDict[str, float] = OrderedDict()

    async def find(
        self, collection: Collection, under: Place, mark: str, where: Condition | None = None
    ) -> Resource | None:
        """What has this mark, if it is there; or what fits another condition and comes from us."""
        tried_at = self._tried.get(mark, self._began_at)
        wait_s = tried_at + LAG_S - self._clock.monotonic()
        if wait_s > 0:
            await self._clock.sleep(wait_s)
        if where is None:
            page = await self._client.page(self._caller, collection, under=under, where=(equals("identifier", mark),))
            return next(iter(page.resources), None)
        page = await self._client.page(self._caller, collection, under=under, where=(where,))
        return next((one for one in page.resources if one.get("origin_system") == SYSTEM), None)

    def note(self, mark: str) -> None:
        """Say that it is about to be posted."""
        self._tried[mark] = self._clock.monotonic()
        self._tried.move_to_end(mark)
        if len(self._tried) > TRIED_MAX:
            self._tried.popitem(last=False)

    def forget(self, mark: str) -> None:
        """Say that it worked."""
        self._tried.pop(mark, None)
