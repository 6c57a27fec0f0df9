"""What all tests share: how hypothesis runs, and waiting for something without sleeping blindly."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, settings

from groundswell.store.store import Store

# Machines differ, and so does how long one example takes on them; pytest-timeout bounds every test as it is.
settings.register_profile("groundswell", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("groundswell")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: else one of several workers is left with them when the others are done."""
    long = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in long)


Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
EVENTUALLY_S = 10.0


@pytest.fixture
def eventually() -> Eventually:
    """`await eventually(lambda: ...)`: returns as soon as it holds, and fails when it does not hold in time."""

    async def wait(holds: Callable[[], bool]) -> None:
        with anyio.fail_after(EVENTUALLY_S):
            while not holds():
                await anyio.sleep(0.002)

    return wait


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An open state file of its own."""
    opened = await Store(tmp_path / "groundswell.db").open()
    yield opened
    await opened.close()
