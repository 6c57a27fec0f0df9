"""What a component of the jsonl connector is handed in tests."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import anyio
import anyio.lowlevel
import pytest

from groundswell.component import Context


class BusyClock:
    """Sleeping only lets others have their turn, so that a file that is followed is looked at all the time."""

    def now(self) -> float:
        return 1_800_000_000.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()


@pytest.fixture
def context(tmp_path: Path) -> Callable[[str], Context]:
    """Makes a context for the component of this name; paths are relative to `tmp_path`."""

    def make(name: str) -> Context:
        return Context(name, BusyClock(), Random(1), None, None, tmp_path)  # type: ignore[arg-type]

    return make
