"""The `actionkit.actions` sink by itself, given batches as the runtime gives them, without a daemon around it.

python benchmarks/actions_only.py URL USER PASSWORD RECORDS WORKERS
"""

import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import cast

import anyio
import uvloop

from actions import PAGE
from groundswell.clock import SystemClock
from groundswell.component import Context, Delivered, Delivery, Keys
from groundswell.connectors.actionkit.account import ActionKitAccount, ActionKitAccountSettings
from groundswell.connectors.actionkit.actions_settings import ActionKitActionsSettings
from groundswell.connectors.actionkit.actions_sink import ActionKitActions
from groundswell.http.client import Client, new_session
from groundswell.record import from_json, lane_of
from groundswell.settings import Rate

_SETTLED_S = 2.0


def batches(lines: Sequence[bytes], size: int) -> Iterator[list[Delivery]]:
    records = [from_json(line) for line in lines]
    made = [
        Delivery(record.id, record.kind, lane_of(record), line, 0) for record, line in zip(records, lines, strict=True)
    ]
    yield from (made[start : start + size] for start in range(0, len(made), size))


async def record(url: str, user: str, password: str, lines: Sequence[bytes], workers: int) -> tuple[float, float]:
    """Seconds until all are taken, and of CPU."""
    clock = SystemClock()
    settings = ActionKitActionsSettings(
        type="actionkit.actions", account="crm", inputs=["people"], page=PAGE, settle="0s"
    )
    async with new_session() as session:
        context = Context("actions", clock, Random(1), Client(session, clock), cast("Keys", None), Path())
        account = ActionKitAccountSettings(
            type="actionkit",
            host=url,
            username=user,
            password=password,
            rate=Rate(calls=100_000, per_s=1.0),
            at_once=workers,
        )
        context = dataclasses.replace(context, account=ActionKitAccount(account, context))
        sink = ActionKitActions(settings, context)
        left = iter(list(batches(lines, settings.batch.records)))
        await clock.sleep(_SETTLED_S)  # a new limiter begins by waiting for the window before it

        async def work() -> None:
            for batch in left:
                outcomes = await sink.deliver(batch)
                assert all(outcome == Delivered() for outcome in outcomes), outcomes

        began_s, before_s = time.perf_counter(), time.process_time()
        async with anyio.create_task_group() as tasks:
            for _ in range(workers):
                tasks.start_soon(work)
        return time.perf_counter() - began_s, time.process_time() - before_s


def main() -> None:
    url, user, password, file, workers = sys.argv[1:]
    lines = Path(file).read_bytes().splitlines()
    seconds, cpu_seconds = uvloop.run(record(url, user, password, lines, int(workers)))
    print(f'{{"seconds": {seconds}, "cpu_seconds": {cpu_seconds}}}')


if __name__ == "__main__":
    main()
