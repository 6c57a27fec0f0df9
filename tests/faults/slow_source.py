"""`groundswell` with one more type of source, slow and easy to count: `python -m tests.faults.slow_source run FILE`."""

from collections.abc import Sequence
from typing import Literal

import anyio
from pydantic import Field

from groundswell import registry
from groundswell.cli.main import main
from groundswell.component import Arrival, Batch, Context, Cursor, Emit, History
from groundswell.record import Person, Record
from groundswell.registry import ComponentType
from groundswell.settings import SourceSettings

PER_PAGE = 10
REST_S = 0.005


class SlowSettings(SourceSettings):
    """Counts."""

    pages: int = Field(description="How many pages a backfill has.")
    kind: Literal["person", "donation"] = Field("person", description="What a backfill brings.")


class SlowSource:
    """Its own running counts on for ever, a backfill to the end of its pages; every page is two batches."""

    collections: Sequence[str] = ("numbers",)

    def __init__(self, settings: SlowSettings, context: Context) -> None:
        self._name = context.name
        self._pages = settings.pages
        self._kind = settings.kind
        self._past = "past" if settings.kind == "person" else "gift"

    async def run(self, cursor: Cursor | None, emit: Emit) -> None:
        number = int(cursor or "0")
        while True:
            number += 1
            await emit(Batch([_arrival("live", number)], str(number)))
            await anyio.sleep(REST_S)

    async def backfill(self, asked: History, cursor: Cursor | None, emit: Emit) -> None:
        for page in range(int(cursor or "0"), self._pages):
            arrivals = [_arrival(self._past, page * PER_PAGE + place) for place in range(PER_PAGE)]
            await emit(Batch(arrivals[: PER_PAGE // 2]))
            await anyio.sleep(REST_S)
            await emit(Batch(arrivals[PER_PAGE // 2 :], str(page + 1)))

    def read(self, arrival: Arrival) -> Record:
        kind = self._kind if arrival.id.startswith(self._past) else "person"
        return Record(arrival.id, kind, self._name, person=Person(email=f"{arrival.id}@example.org"))


def _arrival(kind: str, number: int) -> Arrival:
    return Arrival(f"{kind}-{number}", b"{}")


if __name__ == "__main__":
    registry.SOURCES["slow"] = ComponentType(SlowSettings, SlowSource)
    main()
