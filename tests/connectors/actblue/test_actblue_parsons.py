"""Parsons, as it comes from PyPI, fetches from the simulated CSV API what the ledger holds."""

import warnings
from decimal import Decimal
from typing import Any

import anyio.to_thread
import pytest

from groundswell.connectors.actblue.simulator import faults
from groundswell.connectors.actblue.simulator.behaviour import Behaviour
from groundswell.connectors.actblue.simulator.ledger import Ledger
from groundswell.connectors.actblue.simulator.server import Server, simulator

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that installing it has changed
    from parsons.actblue.actblue import ActBlue

LEDGER = Ledger.make(seed=3, gifts=2_000)


async def fetch(server: Server, monkeypatch: pytest.MonkeyPatch, csv_type: str, start: str, end: str) -> list[Any]:
    """It is called in a thread: it knows no asyncio."""
    monkeypatch.setattr("parsons.actblue.actblue.time.sleep", lambda seconds: None)
    client = ActBlue(*server.credentials, actblue_uri=f"{server.base_url}/")

    def call() -> list[Any]:
        return [dict(row) for row in client.get_contributions(csv_type, start, end)]

    return await anyio.to_thread.run_sync(call)


async def test_it_gets_what_was_paid_and_what_was_given_back_in_two_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    halves = (("2025-10-01", "2026-04-01"), ("2026-04-01", "2026-10-01"), ("2026-10-01", "2026-12-01"))
    async with simulator(LEDGER, behaviour=Behaviour(calls_per_minute=None)) as server:
        paid = [row for half in halves for row in await fetch(server, monkeypatch, "paid_contributions", *half)]
        back = [row for half in halves for row in await fetch(server, monkeypatch, "refunded_contributions", *half)]
    totals = LEDGER.totals()
    assert {int(row["Lineitem ID"]) for row in back} == totals.refunded_by_lineitem.keys()
    assert sum(Decimal(row["Amount"]) for row in paid) == totals.net
    assert sum(Decimal(row["Amount"]) for row in back) == totals.refunded


async def test_it_polls_as_often_as_it_has_to_and_ten_calls_a_minute_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("managed_form_contributions", "2026-05-01", "2026-06-01")
    async with simulator(LEDGER, behaviour=Behaviour(polls=8)) as server:
        assert await fetch(server, monkeypatch, *asked)
        assert server.counts.calls == 10
        with pytest.raises(Exception, match="429"):
            await fetch(server, monkeypatch, *asked)


async def test_it_says_so_when_an_export_fails_or_the_range_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with simulator(LEDGER) as server:
        server.faults.plan(faults.EXPORT_FAILED)
        with pytest.raises(ValueError, match="CSV generation failed"):
            await fetch(server, monkeypatch, "paid_contributions", "2026-05-01", "2026-06-01")
        with pytest.raises(Exception, match="422"):
            await fetch(server, monkeypatch, "paid_contributions", "2026-06-01", "2026-05-01")
