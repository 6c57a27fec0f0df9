"""Dead letters listed, shown, retried and dropped: through a running daemon, and on the state file alone."""

import re
from pathlib import Path

import msgspec
import pytest

from groundswell.connectors.http.simulator import NO_FAULT, Fault
from groundswell.errors import NotFoundError, RequestError
from groundswell.ops.client import OpsError
from groundswell.ops.messages import ListLetters, Nothing, PickLetters, ShowLetter
from groundswell.ops.operations import DEAD_DROP, DEAD_LIST, DEAD_RETRY, DEAD_SHOW, STATUS
from groundswell.runtime.daemon import Daemon
from tests.pipelines.ops_pipeline import PASSWORD, ask, browsing, receiving, with_ops
from tests.running import post, running, until, write_config
from tests.terminal import in_terminal

GOOD = {"id": 1, "zip": "97201"}
BAD = {"id": 2, "zip": ["no text"], "postcode": "97209"}
MENDED = '"raw.postcode"'


def dead(daemon: Daemon) -> float:
    return sum(counts.get("dead", 0) for counts in daemon.metrics.totals().values())


async def make_letters(daemon: Daemon) -> None:
    """One of each stage: nobody could read it, a transform failed, the sink refused."""
    await post(daemon, "signups", b"no json")
    await post(daemon, "signups", [BAD])
    await until(lambda: dead(daemon) == 2)
    await post(daemon, "signups", [GOOD])
    await until(lambda: dead(daemon) == 3)


async def test_they_are_listed_by_reason_and_one_by_one_without_bodies(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            receiver.fault = Fault(status=422)
            await make_letters(daemon)
            online = await ask(tmp_path, DEAD_LIST, ListLetters())
        offline = await ask(tmp_path, DEAD_LIST, ListLetters())
    assert online == offline
    assert online.total == 3
    assert [(group.component, group.reason, group.count) for group in online.groups] == [
        ("crm", "rejected", 1),
        ("mapped", "bad_value", 1),
        ("signups", "unreadable", 1),
    ]
    assert [(letter.id, letter.stage, letter.component) for letter in online.letters] == [
        (1, "accept", "signups"),
        (2, "process", "mapped"),
        (3, "deliver", "crm"),
    ]
    assert online.next_after is None
    assert b"no text" not in msgspec.json.encode(online)
    assert b"97201" not in msgspec.json.encode(online)


async def test_a_long_list_comes_in_pieces(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        await post(daemon, "signups", [{"id": number, "zip": []} for number in range(1, 6)])
        await until(lambda: dead(daemon) == 5)
        numbers, after = [], 0
        while True:
            piece = await ask(tmp_path, DEAD_LIST, ListLetters(component="mapped", after=after, limit=2))
            assert piece.total == 5
            numbers += [letter.id for letter in piece.letters]
            if piece.next_after is None:
                break
            after = piece.next_after
        none = await ask(tmp_path, DEAD_LIST, ListLetters(component="mapped", reason="rejected"))
    assert numbers == [1, 2, 3, 4, 5]
    assert (none.total, none.letters) == (0, [])


async def test_each_is_shown_with_what_was_in_it(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            receiver.fault = Fault(status=422)
            await make_letters(daemon)
            online = [await ask(tmp_path, DEAD_SHOW, ShowLetter(number)) for number in (1, 2, 3)]
        offline = [await ask(tmp_path, DEAD_SHOW, ShowLetter(number)) for number in (1, 2, 3)]
        with pytest.raises(NotFoundError, match="there is no dead letter 4"):
            await ask(tmp_path, DEAD_SHOW, ShowLetter(4))
    for unreadable, processed, delivered in (online, offline):
        assert (unreadable.unreadable, bytes(unreadable.body)) == (b"no json", b"null")
        assert (processed.unreadable, msgspec.json.decode(processed.body)) == (None, BAD)
        assert msgspec.json.decode(delivered.body)["person"]["zip"] == "97201"


async def test_a_mended_mapping_and_a_retry_deliver_it_at_once(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        await post(daemon, "signups", [BAD])
        await until(lambda: dead(daemon) == 1)
        write_config(tmp_path, pipeline.replace('"raw.zip"', MENDED))
        assert (await daemon.reload()).error is None
        retried = await ask(tmp_path, DEAD_RETRY, PickLetters(component="mapped"))
        await until(lambda: receiver.received.records == 1)
        left = await ask(tmp_path, DEAD_LIST, ListLetters())
    assert (retried.process, retried.deliver, retried.sinks_gone) == (1, {}, [])
    assert left.total == 0


async def test_a_refused_delivery_retried_goes_to_its_sink_at_once(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        receiver.fault = Fault(status=422)
        await post(daemon, "signups", [GOOD, {"id": 5, "zip": "97205"}])
        await until(lambda: dead(daemon) == 2)
        receiver.fault = NO_FAULT
        retried = await ask(tmp_path, DEAD_RETRY, PickLetters(ids=[1, 2]))
        await until(lambda: receiver.received.records == 2)
        await until(lambda: daemon.supervisor.sinks["crm"].waiting == 0)
    assert (retried.process, retried.deliver) == (0, {"crm": 2})
    assert sorted(receiver.received.times.values()) == [1, 1]


async def test_retried_while_records_stream_in_none_is_left_behind(tmp_path: Path) -> None:
    """A retry commits deliveries nobody offered to the sink: they must not fall behind those that are."""
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        receiver.fault = Fault(status=422)
        await post(daemon, "signups", [{"id": f"dead-{n}", "zip": "97201"} for n in range(50)])
        await until(lambda: dead(daemon) == 50)
        receiver.fault = NO_FAULT
        letters = (await ask(tmp_path, DEAD_LIST, ListLetters())).letters
        for number, letter in enumerate(letters):
            await post(daemon, "signups", [{"id": f"live-{number}", "zip": "97201"}])
            await ask(tmp_path, DEAD_RETRY, PickLetters(ids=[letter.id]))
        await until(lambda: receiver.received.records == 100)
        await until(lambda: daemon.supervisor.sinks["crm"].waiting == 0)
    assert set(receiver.received.times.values()) == {1}


async def test_without_a_daemon_a_retry_takes_effect_when_one_starts(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            receiver.fault = Fault(status=422)
            await make_letters(daemon)
        receiver.fault = NO_FAULT
        retried = await ask(tmp_path, DEAD_RETRY, PickLetters(all=True))
        waiting = await ask(tmp_path, STATUS, Nothing())
        async with running(pipeline.replace('"raw.zip"', MENDED), tmp_path):
            await until(lambda: receiver.received.records == 2)
        left = await ask(tmp_path, DEAD_LIST, ListLetters())
    assert (retried.process, retried.deliver) == (1, {"crm": 1})
    assert next(c.waiting for c in waiting.components if c.name == "crm") == 1
    assert [letter.stage for letter in left.letters] == ["accept"]


async def test_a_delivery_for_a_sink_that_is_gone_waits_and_this_is_said(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        receiver.fault = Fault(status=422)
        await post(daemon, "signups", [GOOD])
        await until(lambda: dead(daemon) == 1)
        write_config(tmp_path, pipeline.replace("[sinks.crm]", "[sinks.other]"))
        await daemon.reload()
        retried = await ask(tmp_path, DEAD_RETRY, PickLetters(all=True))
    assert (retried.deliver, retried.sinks_gone) == ({"crm": 1}, ["crm"])


async def test_what_nobody_could_read_cannot_be_retried_by_number(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        await post(daemon, "signups", b"no json")
        with pytest.raises(OpsError, match="could not be read when it came"):
            await ask(tmp_path, DEAD_RETRY, PickLetters(ids=[1]))


async def test_dropped_ones_are_gone_for_good(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            await post(daemon, "signups", b"no json")
            await post(daemon, "signups", [BAD, {"id": 3, "zip": []}])
            await until(lambda: dead(daemon) == 3)
            online = await ask(tmp_path, DEAD_DROP, PickLetters(reason="unreadable"))
        offline = await ask(tmp_path, DEAD_DROP, PickLetters(ids=[2]))
        with pytest.raises(NotFoundError, match="there is no dead letter 2"):
            await ask(tmp_path, DEAD_DROP, PickLetters(ids=[2, 3]))
        left = await ask(tmp_path, DEAD_LIST, ListLetters())
    assert (online.dropped, offline.dropped) == (1, 1)
    assert [letter.id for letter in left.letters] == [3]


@pytest.mark.parametrize(
    "picked", [PickLetters(), PickLetters(ids=[1], all=True), PickLetters(component="crm", ids=[1])], ids=repr
)
async def test_it_has_to_be_said_in_one_way_which_are_meant(picked: PickLetters, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path):
            with pytest.raises(OpsError, match="in one way"):
                await ask(tmp_path, DEAD_DROP, picked)
        with pytest.raises(RequestError, match="in one way"):
            await ask(tmp_path, DEAD_DROP, picked)


# ---- what dies while a question stands there ----


def failing(*numbers: int) -> list[dict[str, object]]:
    """Records that become dead letters of `mapped`, in this order."""
    return [{"id": number, "zip": []} for number in numbers]


@pytest.mark.parametrize("is_running", [True, False], ids=["a daemon runs", "none does"])
async def test_what_died_after_they_were_counted_is_neither_dropped_nor_retried(
    is_running: bool, tmp_path: Path
) -> None:
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            await post(daemon, "signups", failing(1, 2))
            await until(lambda: dead(daemon) == 2)
            counted = await ask(tmp_path, DEAD_LIST, ListLetters("mapped", limit=1))
            await post(daemon, "signups", failing(3, 4))
            await until(lambda: dead(daemon) == 4)
            if is_running:
                dropped = await ask(tmp_path, DEAD_DROP, PickLetters(component="mapped", up_to=counted.newest))
        if not is_running:
            dropped = await ask(tmp_path, DEAD_DROP, PickLetters(component="mapped", up_to=counted.newest))
        retried = await ask(tmp_path, DEAD_RETRY, PickLetters(all=True, up_to=3))
        left = await ask(tmp_path, DEAD_LIST, ListLetters())
        with pytest.raises(RequestError, match="leave it out beside ids"):
            await ask(tmp_path, DEAD_DROP, PickLetters(ids=[4], up_to=4))
    assert (counted.total, counted.newest, dropped.dropped) == (2, 2, 2)
    assert (retried.process, [letter.id for letter in left.letters]) == (1, [4])


async def test_where_none_was_counted_none_is_dropped(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        counted = await ask(tmp_path, DEAD_LIST, ListLetters(limit=1))
        await post(daemon, "signups", failing(1))
        await until(lambda: dead(daemon) == 1)
        dropped = await ask(tmp_path, DEAD_DROP, PickLetters(all=True, up_to=counted.newest))
    assert (counted.newest, dropped.dropped) == (0, 0)


async def test_the_pages_yes_is_for_those_that_its_question_counted(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, f'password = "{PASSWORD}"'), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        await post(daemon, "signups", failing(1, 2, 3))
        await until(lambda: dead(daemon) == 3)
        await browser.log_in()
        form = {"form": "dead drop", "at": "mapped bad_value", "component": "mapped", "reason": "bad_value"}
        question = await browser.post("/dead", {**form, "csrf": await browser.csrf()})
        await post(daemon, "signups", failing(4, 5))
        await until(lambda: dead(daemon) == 5)
        yes = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', question.text))
        done = await browser.post("/dead", yes)
        told = await browser.get("/dead")
        left = await ask(tmp_path, DEAD_LIST, ListLetters())
    assert "Drop 3 dead letters of mapped" in question.text
    assert done.status == 303
    assert "Dropped: 3 dead letters." in told.text
    assert [letter.id for letter in left.letters] == [4, 5]


async def test_the_commands_yes_is_for_those_that_its_question_counted(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        await post(daemon, "signups", failing(1, 2, 3))
        await until(lambda: dead(daemon) == 3)
        async with in_terminal(tmp_path, "dead", "drop", "--all") as terminal:
            asked = await terminal.until(lambda screen: "[y/N]" in screen)
            await post(daemon, "signups", failing(4))
            await until(lambda: dead(daemon) == 4)
            terminal.press(b"y\n")
            assert await terminal.ended() == 0
        left = await ask(tmp_path, DEAD_LIST, ListLetters())
    assert "Forget 3 dead letters for good?" in asked
    assert "3 dead letters dropped" in terminal.screen
    assert [letter.id for letter in left.letters] == [4]
