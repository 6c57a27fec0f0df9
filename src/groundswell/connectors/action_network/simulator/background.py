"""Background requests: answered 200 and {} at once, done some time later in no order, and nobody hears how it went."""

import heapq
from random import Random

from groundswell.connectors.action_network.simulator.calls.answers import Call, FailedPostError, RefusedCallError
from groundswell.connectors.action_network.simulator.calls.api import answer
from groundswell.connectors.action_network.simulator.state.world import World


class Background:
    """The calls that wait."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._waiting: list[tuple[float, int, Call]] = []
        self._number = 0

    def queue(self, call: Call) -> None:
        """Take a call for later; a share of them is lost here, as nobody would notice."""
        behaviour, counts = self._world.behaviour, self._world.counts.background
        counts["queued"] += 1
        if self._random.random() < behaviour.background_loss:
            counts["lost"] += 1
            return
        self._number += 1
        due = self._world.clock.monotonic() + self._random.uniform(*behaviour.background_delay_s)
        heapq.heappush(self._waiting, (due, self._number, call))

    def run_due(self) -> None:
        """Do what has waited long enough."""
        now = self._world.clock.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            _, _, call = heapq.heappop(self._waiting)
            try:
                answer(self._world, call)
            except (RefusedCallError, FailedPostError):
                self._world.counts.background["failed"] += 1
            else:
                self._world.counts.background["done"] += 1
