"""What it is to read pages one by one, so that a call that fails costs that call and no more."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

import msgspec

from groundswell.connectors.action_network.hal import Resource, id_of

Ask = Callable[[int], Awaitable[Sequence[Resource]]]
"""The resources of the page with this number, from 1."""
Verdict = Literal["complete", "too deep", "disturbed"]
"""What became of it: all is read; there are too many pages; something moved, and something may be missing."""


class Reading(Protocol):
    """Pages that are read one by one. When a call fails, `read` again goes on where it was."""

    verdict: Verdict
    """Once `read` has returned None."""

    @property
    def records(self) -> int:
        """How many different ones were taken."""
        ...

    @property
    def pages(self) -> int:
        """How many pages there are, as far as is known."""
        ...

    async def read(self, ask: Ask) -> Sequence[Resource] | None:
        """What the next page shows that was not taken yet; the same until it was taken. None at the end."""
        ...

    def took(self) -> None:
        """What `read` returned is in good hands."""
        ...


def key_of(resource: Resource) -> str:
    """What tells one from another: its number, or all of it where it has none."""
    return id_of(resource) or msgspec.json.encode(resource, order="deterministic").decode()
