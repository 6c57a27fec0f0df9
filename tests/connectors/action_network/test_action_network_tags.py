"""Tags by name: the list is read once, tags are made when they are missing, and nothing grows without a bound."""

import anyio
import pytest

from groundswell.connectors.action_network.simulator.faults import UNAVAILABLE
from groundswell.connectors.action_network.writing.tags import READ_AGAIN_S, TagDirectory
from groundswell.errors import UnavailableError
from tests.connectors.action_network.calling import CALLER, calling


async def test_the_list_is_read_once_for_all_names() -> None:
    async with calling() as line:
        numbers = {f"Tag {number}": line.server.control.add_tag(f"Tag {number}") for number in range(60)}
        await line.clock.advance(10)
        tags = TagDirectory(line.client, line.clock)
        for name, number in numbers.items():
            assert await tags.number_of(CALLER, name, make=True) == number
        assert set(line.calls) == {"GET tags"}
        assert line.calls["GET tags"] < 10


async def test_spaces_around_a_name_mean_nothing_and_its_letters_do() -> None:
    async with calling() as line:
        number = line.server.control.add_tag("Zebra")
        await line.clock.advance(10)
        tags = TagDirectory(line.client, line.clock)
        assert await tags.number_of(CALLER, " Zebra ", make=False) == number
        assert await tags.number_of(CALLER, "zebra", make=False) is None


async def test_a_missing_tag_is_made_only_where_that_is_wanted() -> None:
    async with calling() as line:
        tags = TagDirectory(line.client, line.clock)
        assert await tags.number_of(CALLER, "new", make=False) is None
        assert line.server.world.tag_named("new") is None
        number = await tags.number_of(CALLER, "new", make=True)
        made = line.server.world.tag_named("new")
        assert made is not None
        assert made.uuid == number
        line.hush()
        assert await tags.number_of(CALLER, "new", make=False) == number
        assert line.calls == {}


async def test_a_tag_the_list_does_not_show_yet_is_not_made_twice() -> None:
    async with calling(index_lag_s=(60.0, 60.0)) as line:
        number = line.server.control.add_tag("fresh")
        tags = TagDirectory(line.client, line.clock)
        assert await tags.number_of(CALLER, "fresh", make=True) == number
        before = len(list(line.server.world.shelves.all("tags")))
        await TagDirectory(line.client, line.clock).number_of(CALLER, "fresh", make=True)
        assert len(list(line.server.world.shelves.all("tags"))) == before


async def test_an_unknown_name_has_the_list_read_again_but_not_all_the_time() -> None:
    async with calling(index_lag_s=(0.0, 0.0)) as line:
        tags = TagDirectory(line.client, line.clock)
        assert await tags.number_of(CALLER, "later", make=False) is None
        number = line.server.control.add_tag("later")
        line.hush()
        assert await tags.number_of(CALLER, "later", make=False) is None
        assert line.calls == {}
        await line.clock.advance(READ_AGAIN_S)
        assert await tags.number_of(CALLER, "later", make=False) == number


async def test_many_who_ask_at_once_wait_for_one_reading() -> None:
    async with calling() as line:
        tags = TagDirectory(line.client, line.clock)
        found: list[str | None] = []

        async def ask() -> None:
            found.append(await tags.number_of(CALLER, "one", make=True))

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(ask)
        assert len(set(found)) == 1
        assert found[0] is not None
        assert line.calls["POST tags"] == 1


async def test_a_list_that_was_not_read_to_its_end_is_not_remembered() -> None:
    async with calling() as line:
        number = line.server.control.add_tag("there")
        await line.clock.advance(10)
        tags = TagDirectory(line.client, line.clock)
        line.server.faults.plan(UNAVAILABLE, path="tags")
        with pytest.raises(UnavailableError):
            await tags.number_of(CALLER, "there", make=True)
        assert await tags.number_of(CALLER, "there", make=False) == number


async def test_a_forgotten_name_is_looked_for_again() -> None:
    async with calling() as line:
        tags = TagDirectory(line.client, line.clock)
        number = await tags.number_of(CALLER, "gone", make=True)
        tag = line.server.world.tag_named("gone")
        assert tag is not None
        line.server.world.remove(tag)
        tags.forget("gone")
        again = await tags.number_of(CALLER, "gone", make=True)
        assert again is not None
        assert again != number


async def test_no_more_names_are_kept_than_the_bound() -> None:
    async with calling(index_lag_s=(0.0, 0.0)) as line:
        for number in range(40):
            line.server.control.add_tag(f"Tag {number}")
        tags = TagDirectory(line.client, line.clock, tags_max=25)
        assert await tags.number_of(CALLER, "another", make=True) is not None
        assert line.calls["GET tags"] == 1
        for number in range(40):
            assert await tags.number_of(CALLER, f"Tag {number}", make=True) is not None
        assert len(tags) == 25
        assert len(list(line.server.world.shelves.all("tags"))) == len(
            {thing.fields["name"] for thing in line.server.world.shelves.all("tags")}
        )
