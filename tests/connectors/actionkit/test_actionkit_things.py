"""Things asked for by their numbers: many at a time where that is allowed and works, else one by one."""

from typing import Any, cast

import pytest

from groundswell.connectors.actionkit.client import ActionKit, Page, Schema
from groundswell.connectors.actionkit.faults import MissingError
from groundswell.connectors.actionkit.polling.things import Things
from groundswell.connectors.actionkit.polling.walk import Walk
from groundswell.connectors.actionkit.transport import Caller
from groundswell.errors import UnavailableError

CALLER = Caller("crm")


class Told:
    """An ActionKit that answers as it was told, however odd."""

    host = "act.example.org"

    def __init__(
        self,
        pages: list[Page] | None = None,
        *,
        filtering: Any = None,
        missing: int | None = None,
        failing: set[int] | None = None,
    ) -> None:
        self.pages = pages or []
        self.filtering = filtering or {}
        self.missing = missing
        self.failing = failing or set()
        self.got: list[int] = []

    async def schema(self, *_: Any) -> Schema:
        return Schema(self.filtering, frozenset({"id"}))

    async def page(self, *_: Any, **__: Any) -> Page:
        return self.pages.pop(0)

    async def get(self, _: Caller, kind: str, number: int) -> dict[str, Any]:
        self.got.append(number)
        if number in self.failing:
            raise UnavailableError("not now")
        if number == self.missing:
            raise MissingError("gone")
        return {"id": number, "resource_uri": f"/rest/v1/{kind}/{number}/"}


def things(told: Told) -> Things:
    return Things(cast("ActionKit", told), CALLER)


def page(*numbers: int, total: int | None = None) -> Page:
    return Page([{"id": number} for number in numbers], len(numbers) if total is None else total, True)


async def test_what_is_gone_is_left_out() -> None:
    told = Told(missing=2)
    assert [one["id"] for one in await things(told).get("user", [3, 1, 2])] == [1, 3]


async def test_what_was_got_before_a_call_failed_is_not_asked_for_again() -> None:
    told = Told(failing={7})
    some = things(told)
    with pytest.raises(UnavailableError):
        await some.get("user", range(1, 9))
    told.failing.clear()
    assert [one["id"] for one in await some.get("user", range(1, 9))] == list(range(1, 9))
    assert len(told.got) <= 8 + 4  # those that were under way beside the one that failed
    some.let_go()
    await some.get("user", [1])
    assert told.got.count(1) == 2


async def test_many_are_asked_for_at_once_where_the_schema_allows_it() -> None:
    told = Told([page(1, 2, 3)], filtering={"id": frozenset({"in"})})
    assert [one["id"] for one in await things(told).get("user", [1, 2, 3])] == [1, 2, 3]
    assert not told.got


async def test_a_filter_that_does_nothing_is_noticed_and_not_used_again() -> None:
    told = Told([page(1, 2, 3, 4, 5, total=90_000)], filtering={"id": frozenset({"in"})})
    some = things(told)
    assert [one["id"] for one in await some.get("user", [2, 3])] == [2, 3]
    assert [one["id"] for one in await some.get("user", [4, 5])] == [4, 5]
    assert sorted(told.got) == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("pages", "filtering"),
    [
        ([page(1, 2), page(1, 2)], {"id": None}),  # asked for what comes after 2
        ([page(2, 1, total=2)], {}),  # asked for them in order
        ([page(1, total=9), page(1, total=9)], {}),  # said there are nine
        ([Page([{"email": ""}], 1, True)], {}),
    ],
    ids=["not after", "no order", "no more", "no number"],
)
async def test_a_walk_that_gets_nowhere_is_stopped_and_not_taken_for_done(pages: list[Page], filtering: Any) -> None:
    walk = Walk(cast("ActionKit", Told(pages, filtering=filtering)), CALLER, "user")
    with pytest.raises(UnavailableError, match="take less for all"):
        async for _ in walk.after():
            pass
