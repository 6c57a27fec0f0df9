"""Which tags there are, by name. They cannot be filtered [D], so all are read once and remembered."""

from typing import Final

import anyio
import structlog

from groundswell.clock import Clock
from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.collections import COLLECTIONS
from groundswell.connectors.action_network.hal import Resource, id_of
from groundswell.connectors.action_network.transport import Caller
from groundswell.errors import UnavailableError

TAGS_MAX: Final = 20_000
"""So many are remembered: 800 pages of 25. Nobody is known to have as many."""
READ_AGAIN_S: Final = 300.0
"""A name that is not known has the list read again, but not more often than this."""

log = structlog.get_logger()


class TagDirectory:
    """Names to their numbers. One for each component is enough: it reads the list once and keeps it."""

    def __init__(self, client: ActionNetwork, clock: Clock, *, tags_max: int = TAGS_MAX) -> None:
        self._client = client
        self._clock = clock
        self._tags_max = tags_max
        self._numbers: dict[str, str] = {}
        self._read_at: float | None = None
        self._lock = anyio.Lock()

    async def number_of(self, caller: Caller, name: str, *, make: bool) -> str | None:
        """The number of the tag with this name, exactly; None when there is none and none is to be made.

        Costs nothing for a known name. Else the list is read (a page of 25 a call), at most every five minutes; then,
        with `make`, the tag is made, which gives the one there is, should the list not show it yet [L].

        Raises:
            RemoteError: as the client says; nothing is remembered of a list that was not read to its end.
        """
        name = name.strip()
        if name in self._numbers:
            return self._numbers[name]
        async with self._lock:
            if name not in self._numbers and self._is_old:
                await self._read(caller)
            if name not in self._numbers and make:
                await self._make(caller, name)
            return self._numbers.get(name)

    def forget(self, name: str) -> None:
        """They say there is no such tag any more: somebody deleted it."""
        self._numbers.pop(name.strip(), None)

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._numbers)

    @property
    def _is_old(self) -> bool:
        return self._read_at is None or self._clock.monotonic() - self._read_at >= READ_AGAIN_S

    async def _read(self, caller: Caller) -> None:
        numbers: dict[str, str] = {}
        async for page in self._client.pages(caller, COLLECTIONS["tags"]):
            for tag in page.resources:
                _note(numbers, tag)
            if len(numbers) >= self._tags_max:
                log.warning("too_many_tags", component=caller.component, read=len(numbers), then="the rest is not read")
                break
        self._numbers = numbers
        self._read_at = self._clock.monotonic()

    async def _make(self, caller: Caller, name: str) -> None:
        """They may answer with other letters than we sent: it is remembered by ours."""
        number = id_of(await self._client.make_tag(caller, name))
        if number is None:
            raise UnavailableError(
                f"{caller.component}: making a tag: the answer is no tag with a number; it will be tried again"
            )
        while len(self._numbers) >= self._tags_max:
            del self._numbers[next(iter(self._numbers))]
        self._numbers[name] = number


def _note(numbers: dict[str, str], tag: Resource) -> None:
    """The first of several with one name counts: the list does not change its mind from one reading to the next."""
    name, number = tag.get("name"), id_of(tag)
    if isinstance(name, str) and number is not None:
        numbers.setdefault(name.strip(), number)
