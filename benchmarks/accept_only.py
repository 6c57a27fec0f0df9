"""The real daemon with its processor held still: webhooks are checked, committed and answered, and that is all.

This is "accept with commit", to be compared with the bare handler. Everything is as `groundswell run` has it (listener,
source, queue, state file, counters) except that nothing is taken from the inbox.

    python benchmarks/accept_only.py pipeline.toml
"""

import argparse
import logging
import os
from pathlib import Path
from random import Random
from typing import Final

import anyio
import structlog
import uvloop

from groundswell.clock import SystemClock
from groundswell.config.load import load
from groundswell.http.client import Client, new_session
from groundswell.metrics import Metrics
from groundswell.runtime import garbage
from groundswell.runtime.build import Builder
from groundswell.runtime.supervisor import Supervisor
from groundswell.store.store import Store


class NoKeys:
    """Nobody signs in here."""

    async def is_valid(self, account_id: str, secret: str) -> bool:
        return False


KEYS: Final = NoKeys()


async def serve(file: Path) -> None:
    config = load([file], os.environ)
    clock, random, metrics = SystemClock(), Random(), Metrics()
    store = Store(
        config.directory / config.daemon.state,
        size_max=config.daemon.state_max,
        disk_free_min=config.daemon.disk_free_min,
    )
    async with store, new_session() as session, anyio.create_task_group() as tasks:
        builder = Builder(clock, random, Client(session, clock), KEYS)
        supervisor = Supervisor(config, store, clock, random, metrics, builder)
        await supervisor.start(tasks)
        async with supervisor.processor.lock:
            await anyio.sleep_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    garbage.tune()
    uvloop.run(serve(options.file))


if __name__ == "__main__":
    main()
