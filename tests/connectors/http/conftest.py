"""What a component of the http connector is handed in tests."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from groundswell.component import Context
from groundswell.http.client import Client

NOW = 1_800_000_000.0


class HandClock:
    """Time moves when the test says so; sleeping takes no time and is noted."""

    def __init__(self) -> None:
        self.time = NOW
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class OneKey:
    async def is_valid(self, account_id: str, secret: str) -> bool:
        return (account_id, secret) == ("gsa_one", "gsk_one")


class NoNetwork:
    """Stands for the client where nothing may be called."""

    def __getattr__(self, name: str) -> None:
        raise AssertionError("a source that is pushed to calls nobody")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def context(clock: HandClock, tmp_path: Path) -> Callable[..., Context]:
    """Makes a context: `context("signups")`, or with a client, `context("crm", http)`."""

    def make(name: str, http: Client | None = None) -> Context:
        return Context(
            name=name,
            clock=clock,
            random=Random(1),
            http=http or NoNetwork(),  # type: ignore[arg-type]
            keys=OneKey(),
            directory=tmp_path,
        )

    return make
