"""The strings a test pulls: what it does to a simulated ActBlue without a call."""

from datetime import datetime
from typing import Any

from msgspec import convert
from msgspec.structs import asdict

from groundswell.connectors.actblue.simulator.answers import Answers
from groundswell.connectors.actblue.simulator.behaviour import Behaviour
from groundswell.connectors.actblue.simulator.csv_api import Counts, CsvApi
from groundswell.connectors.actblue.simulator.faults import FaultRates, Faults
from groundswell.connectors.actblue.simulator.ledger import Ledger


class Control:
    """Does things that are no calls: none of them is counted."""

    def __init__(self, api: CsvApi, faults: Faults) -> None:
        self._api = api
        self._faults = faults
        self.answers: Answers | None = None
        """To its webhooks, if they go anywhere."""

    @property
    def ledger(self) -> Ledger:
        return self._api.ledger

    @property
    def counts(self) -> Counts:
        return self._api.counts

    def reset_counts(self) -> None:
        self._api.counts = Counts()

    def behave(self, **changes: Any) -> None:
        """Turn switches of `Behaviour`. Raises msgspec.ValidationError for what is none."""
        self._api.behaviour = convert(asdict(self._api.behaviour) | changes, Behaviour)

    def fail(self, **rates: float) -> None:
        """Set shares of `FaultRates`; those not named are as they are without any. Raises msgspec.ValidationError."""
        self._faults.rates = convert(rates, FaultRates)

    def set_as_of(self, moment: datetime) -> None:
        """Let exports that are made from now on know nothing of what happened at this moment or later."""
        self._api.as_of = moment
