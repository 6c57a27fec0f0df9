"""Tags put on and taken off by number."""

import pytest

from groundswell.connectors.action_network.writing.tagging import REMEMBERED_S, Tagger
from groundswell.errors import UnavailableError
from tests.connectors.action_network.calling import CALLER, Line, calling


def tagger(line: Line, *, makes_tags: bool = True, background: bool = False) -> Tagger:
    return Tagger(line.client, line.clock, makes_tags=makes_tags, background=background)


def on(line: Line, person: str) -> set[str]:
    shelves = line.server.world.shelves
    tags = [shelves.get("tags", tagging.parent) for tagging in shelves.all("people", person, "taggings")]
    return {str(tag.fields["name"]) for tag in tags if tag is not None}


async def test_a_tag_put_on_a_moment_ago_comes_off_although_it_is_not_listed_yet() -> None:
    async with calling(1, index_lag_s=(5.0, 5.0)) as line:
        (person,) = line.server.control.uuids()
        tags = tagger(line)
        assert await tags.change(CALLER, person, add=["a"], remove=[])
        assert on(line, person) == {"a"}
        assert await tags.change(CALLER, person, add=[], remove=["a"])
        assert on(line, person) == set()


async def test_a_tag_that_somebody_else_took_off_meanwhile_is_off() -> None:
    async with calling(1, index_lag_s=(5.0, 5.0)) as line:
        (person,) = line.server.control.uuids()
        await tagger(line).change(CALLER, person, add=["a"], remove=[])
        await line.clock.advance(10)
        assert await tagger(line).change(CALLER, person, add=[], remove=["a"])
        # The list still shows it.
        assert await tagger(line).change(CALLER, person, add=[], remove=["a"])
        assert on(line, person) == set()


async def test_a_tag_that_somebody_took_off_by_hand_comes_back_after_a_while() -> None:
    async with calling(1) as line:
        (person,) = line.server.control.uuids()
        tags = tagger(line)
        await tags.change(CALLER, person, add=["a"], remove=[])
        await line.clock.advance(10)
        await tagger(line).change(CALLER, person, add=[], remove=["a"])
        assert not await tags.change(CALLER, person, add=["a"], remove=[])
        await line.clock.advance(REMEMBERED_S)
        assert await tags.change(CALLER, person, add=["a"], remove=[])
        assert on(line, person) == {"a"}


async def test_a_tag_that_does_not_exist_cannot_be_on_anybody() -> None:
    async with calling(1) as line:
        (person,) = line.server.control.uuids()
        assert not await tagger(line).change(CALLER, person, add=[], remove=["nowhere"])
        assert not await tagger(line, makes_tags=False).change(CALLER, person, add=["nowhere"], remove=[])
        assert "POST tags" not in line.calls


async def test_a_deleted_tag_is_tried_again() -> None:
    async with calling(2) as line:
        one, other = line.server.control.uuids()
        tags = tagger(line)
        await tags.change(CALLER, one, add=["a"], remove=[])
        tag = line.server.world.tag_named("a")
        assert tag is not None
        line.server.world.remove(tag)
        with pytest.raises(UnavailableError, match="deleted"):
            await tags.change(CALLER, other, add=["a"], remove=[])
        assert await tags.change(CALLER, other, add=["a"], remove=[])
        assert on(line, other) == {"a"}


async def test_in_the_background_it_happens_later() -> None:
    async with calling(1) as line:
        (person,) = line.server.control.uuids()
        tags = tagger(line, background=True)
        assert await tags.change(CALLER, person, add=["a"], remove=[])
        assert on(line, person) == set()
        assert not await tags.change(CALLER, person, add=["a"], remove=[])
        await line.clock.advance(60)
        line.server.network.settle()
        assert on(line, person) == {"a"}
