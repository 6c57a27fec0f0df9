"""The poller by itself, reading all people and dropping them, as peers do: python benchmarks/poll_only.py URL KEY"""

import sys
import time
from pathlib import Path
from random import Random
from typing import cast

import uvloop

from groundswell.clock import SystemClock
from groundswell.component import Batch, Context, Keys
from groundswell.connectors.action_network.account import ActionNetworkAccount, ActionNetworkAccountSettings
from groundswell.connectors.action_network.poll import ActionNetworkPoll, ActionNetworkPollSettings
from groundswell.http.client import Client, new_session


class RoundOverError(Exception):
    """The source rests until its next round."""


class OneRoundClock(SystemClock):
    async def sleep(self, seconds: float) -> None:
        if seconds > 60:
            raise RoundOverError
        await super().sleep(seconds)


async def read(url: str, key: str) -> tuple[int, float]:
    people = 0

    async def emit(batch: Batch) -> None:
        nonlocal people
        people += len(batch.arrivals)

    clock = OneRoundClock()
    async with new_session() as session:
        context = Context("people", clock, Random(1), Client(session, clock), cast("Keys", None), Path())
        settings = ActionNetworkAccountSettings(type="action_network", token=key, rate="100000/s", base_url=f"{url}/")
        account = ActionNetworkAccount(settings, context)
        context = Context("people", clock, context.random, context.http, context.keys, Path(), account)
        source = ActionNetworkPoll(ActionNetworkPollSettings(type="action_network.poll", account="network"), context)
        await clock.sleep(2.0)  # a new limiter begins by waiting for the window before it
        began_s = time.perf_counter()
        try:
            await source.run(None, emit)
        except RoundOverError:
            return people, time.perf_counter() - began_s
    raise AssertionError("a source never ends by itself")


if __name__ == "__main__":
    people, seconds = uvloop.run(read(*sys.argv[1:3]))
    print(f'{{"people": {people}, "seconds": {seconds}}}')
