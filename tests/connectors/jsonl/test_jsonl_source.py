"""The `jsonl` source: every line exactly once, whatever happens to the file; a bad line is not lost nor in the way."""

# ruff: noqa: ASYNC240 (the files are small, and nothing else waits for the loop)

import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from groundswell.component import NOTHING_NEW, Arrival, Batch, Context
from groundswell.connectors.jsonl import lines as lines_module
from groundswell.connectors.jsonl.lines import LINE_BYTES_MAX, LINES_MAX, LineFile
from groundswell.connectors.jsonl.source import JsonlSource, JsonlSourceSettings
from groundswell.errors import RecordError, UnavailableError
from tests.running import until

MakeContext = Callable[[str], Context]


class Inbox:
    """Takes batches as the runtime does; keeps arrivals in order, and the cursor that came last."""

    def __init__(self, cursor: str | None = None, stop_after: int | None = None) -> None:
        self.arrivals: list[Arrival] = []
        self.batches: list[Batch] = []
        self.cursor = cursor
        self._stop_after = stop_after

    async def __call__(self, batch: Batch) -> None:
        if self._stop_after is not None and len(self.batches) >= self._stop_after:
            raise RuntimeError("killed")
        self.batches.append(batch)
        self.arrivals += batch.arrivals
        self.cursor = batch.cursor or self.cursor

    @property
    def numbers(self) -> list[Any]:
        return [json.loads(arrival.raw)["n"] for arrival in self.arrivals]


def source(context: MakeContext, **settings: Any) -> JsonlSource:
    return JsonlSource(
        JsonlSourceSettings(**{"type": "jsonl", "path": "in.jsonl", "format": "json", **settings}), context("people")
    )


def write(path: Path, *numbers: int, mode: str = "a") -> None:
    with path.open(mode) as file:
        file.write("".join(f'{{"n": {n}}}\n' for n in numbers))


@asynccontextmanager
async def following(reader: JsonlSource, inbox: Inbox) -> AsyncIterator[Callable[[int], Any]]:
    """Runs a source that follows its file; gives what waits until so many lines have arrived."""

    async def arrived(count: int) -> None:
        with anyio.fail_after(10):
            while len(inbox.arrivals) < count:
                await anyio.sleep(0.001)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader.run, inbox.cursor, inbox)
        yield arrived
        tasks.cancel_scope.cancel()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "in.jsonl"


# ---- reading once ----


async def test_every_line_arrives_in_order_as_it_stands(context: MakeContext, file: Path) -> None:
    file.write_bytes(b'{"n": 1.0}\n  {"n":2}\r\n\n{"n":  3}\n')
    inbox = Inbox()
    reader = source(context)
    await reader.run(None, inbox)
    assert [a.raw for a in inbox.arrivals] == [b'{"n": 1.0}', b'{"n":2}', b'{"n":  3}']
    assert reader.read(inbox.arrivals[2]).raw == {"n": 3}


async def test_a_last_line_without_line_end_is_a_line(context: MakeContext, file: Path) -> None:
    file.write_bytes(b'{"n":1}\n{"n":2}')
    inbox = Inbox()
    await source(context).run(None, inbox)
    assert inbox.numbers == [1, 2]


async def test_the_next_run_goes_on_where_the_last_one_ended(context: MakeContext, file: Path) -> None:
    write(file, 1, 2)
    inbox = Inbox()
    reader = source(context)
    await reader.run(None, inbox)
    await reader.run(inbox.cursor, inbox)
    assert inbox.numbers == [1, 2]
    write(file, 3)
    await reader.run(inbox.cursor, inbox)
    assert inbox.numbers == [1, 2, 3]


async def test_records_keep_their_ids(context: MakeContext, file: Path) -> None:
    file.write_text('{"id":"x:1","kind":"person","source":"y","person":{"email":"r@example.org"}}\n')
    inbox = Inbox()
    reader = source(context, format="record")
    await reader.run(None, inbox)
    record = reader.read(inbox.arrivals[0])
    assert (record.id, record.source, record.kind) == ("x:1", "people", "person")


async def test_lines_travel_in_bounded_batches(context: MakeContext, file: Path) -> None:
    write(file, *range(2 * LINES_MAX + 1))
    inbox = Inbox()
    await source(context).run(None, inbox)
    assert inbox.numbers == list(range(2 * LINES_MAX + 1))
    assert [len(batch.arrivals) for batch in inbox.batches] == [LINES_MAX, LINES_MAX, 1]


async def test_a_run_that_was_killed_goes_on_after_the_last_batch_that_was_kept(
    context: MakeContext, file: Path
) -> None:
    write(file, *range(3 * LINES_MAX))
    inbox = Inbox(stop_after=2)
    with pytest.raises(RuntimeError, match="killed"):
        await source(context).run(None, inbox)
    rest = Inbox()
    await source(context).run(inbox.cursor, rest)
    assert inbox.numbers + rest.numbers == list(range(3 * LINES_MAX))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
async def test_a_file_with_nothing_in_it_is_read_to_its_end(context: MakeContext, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    inbox = Inbox()
    reader = source(context)
    await reader.run(None, inbox)
    assert [a for a in inbox.arrivals if not a.id.startswith("people:!")] == []


async def test_a_byte_order_mark_is_passed_over(context: MakeContext, file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbf{"n":1}\n')
    inbox = Inbox()
    await source(context).run(None, inbox)
    assert inbox.numbers == [1]


# ---- lines nobody can read ----


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"n": 1', "it is not JSON"),
        (b"not json", "it is not JSON"),
        (b"[1]", "it is not a JSON object"),
        (b"5", "it is not a JSON object"),
        (b'{"n": "\xff"}', "it is not UTF-8"),
        (b'{"n": NaN}', "it is not JSON"),
        (b'{"n": "\x00"}', "it is not JSON"),
        (b'{"n":' + b"[" * 70 + b"]" * 70 + b"}", "it is nested deeper than 64 levels"),
        (b"[" * 100_000, "it is nested deeper than 64 levels"),
        (b"x" * (LINE_BYTES_MAX + 1), "it is longer than 1048576 bytes"),
        (b"x" * (3 * LINE_BYTES_MAX), "it is longer than 1048576 bytes"),
    ],
)
async def test_a_bad_line_becomes_a_dead_letter_that_says_where_and_its_neighbours_go_on(
    context: MakeContext, file: Path, line: bytes, problem: str
) -> None:
    file.write_bytes(b'{"n":1}\n' + line + b'\n{"n":2}\n')
    inbox = Inbox()
    reader = source(context)
    await reader.run(None, inbox)
    first, bad, last = inbox.arrivals
    assert [reader.read(a).raw for a in (first, last)] == [{"n": 1}, {"n": 2}]
    kept = json.loads(bad.raw)
    assert (kept["file"], kept["offset"], kept["size"]) == ("in.jsonl", 8, len(line) + 1)
    for arrival in (bad, Arrival(bad.id, bad.raw)):
        with pytest.raises(RecordError, match=rf"the line at byte 8 of in\.jsonl cannot be read: {problem}") as caught:
            reader.read(arrival)
        assert caught.value.reason == "unreadable"


async def test_a_bad_line_is_kept_whole_up_to_the_bound(context: MakeContext, file: Path) -> None:
    file.write_bytes('{"ж"\n'.encode() + b"\xff\xfe\n" + b"y" * 2 * LINE_BYTES_MAX + b"\n")
    inbox = Inbox()
    await source(context).run(None, inbox)
    text, not_utf8, long = (json.loads(a.raw) for a in inbox.arrivals)
    assert text["text"] == '{"ж"'
    assert not_utf8["base64"] == "//4="
    assert long["is_whole"] is False
    assert len(long["text"]) == lines_module.LINE_HEAD_BYTES


async def test_the_longest_line_that_fits_is_read(context: MakeContext, file: Path) -> None:
    line = b'{"n":"' + b"x" * (LINE_BYTES_MAX - 8) + b'"}'
    assert len(line) == LINE_BYTES_MAX
    file.write_bytes(line + b"\n" + line)
    inbox = Inbox()
    await source(context).run(None, inbox)
    assert [a.raw for a in inbox.arrivals] == [line, line]


async def test_a_torn_last_line_of_a_file_read_once_is_a_bad_line(context: MakeContext, file: Path) -> None:
    file.write_bytes(b'{"n":1}\n{"n":')
    inbox = Inbox()
    reader = source(context)
    await reader.run(None, inbox)
    with pytest.raises(RecordError, match="the line at byte 8"):
        reader.read(inbox.arrivals[1])


async def test_the_same_bad_line_has_one_id_and_another_has_another(context: MakeContext, file: Path) -> None:
    file.write_bytes(b"bad\nbad\nworse\n")
    inbox, again = Inbox(), Inbox()
    for box in (inbox, again):
        await source(context).run(None, box)
    assert [a.id for a in inbox.arrivals] == [a.id for a in again.arrivals]
    assert len({a.id for a in inbox.arrivals}) == 3


async def test_a_line_without_an_id_can_be_read_once_the_id_field_is_mended(context: MakeContext, file: Path) -> None:
    write(file, 5)
    inbox = Inbox()
    wrong = source(context, id_field="number")
    await wrong.run(None, inbox)
    (arrival,) = inbox.arrivals
    with pytest.raises(RecordError, match=r"the line at byte 0 .* no number or text at number") as caught:
        wrong.read(arrival)
    assert caught.value.reason == "no_id"
    mended = source(context, id_field="n")
    record = mended.read(Arrival(arrival.id, arrival.raw))
    assert (record.id, record.raw) == (arrival.id, {"n": 5})


async def test_an_error_holds_nothing_of_the_line(context: MakeContext, file: Path) -> None:
    file.write_bytes(b'{"marked": marked\n')
    inbox = Inbox()
    reader = source(context)
    await reader.run(None, inbox)
    with pytest.raises(RecordError) as caught:
        reader.read(inbox.arrivals[0])
    assert "marked" not in str(caught.value)


# ---- following ----


async def test_a_file_that_grows_is_followed(context: MakeContext, file: Path) -> None:
    write(file, 1)
    inbox = Inbox()
    async with following(source(context, follow=True), inbox) as arrived:
        await arrived(1)
        write(file, 2, 3)
        await arrived(3)
    assert inbox.numbers == [1, 2, 3]


async def test_a_line_still_being_written_is_waited_for(context: MakeContext, file: Path) -> None:
    file.write_bytes(b'{"n":1}\n{"n"')
    inbox = Inbox()
    async with following(source(context, follow=True), inbox) as arrived:
        await arrived(1)
        with file.open("ab") as out:
            out.write(b":2}")
            out.flush()
            await anyio.wait_all_tasks_blocked()
            assert inbox.numbers == [1]
            out.write(b"\n")
        await arrived(2)
    assert inbox.numbers == [1, 2]


async def test_a_file_that_is_renamed_and_begun_anew_is_read_to_its_end_first(context: MakeContext, file: Path) -> None:
    write(file, 1)
    inbox = Inbox()
    with file.open("ab") as old:
        async with following(source(context, follow=True), inbox) as arrived:
            await arrived(1)
            file.rename(file.with_name("in.jsonl.1"))
            old.write(b'{"n":2}\n')
            old.flush()
            await arrived(2)
            old.write(b'{"n":3}')  # never finished
            old.flush()
            write(file, 4)
            await arrived(4)
    assert inbox.numbers == [1, 2, 3, 4]


async def test_a_file_that_is_emptied_and_filled_again_is_read_anew(context: MakeContext, file: Path) -> None:
    write(file, 1, 2)
    inbox = Inbox()
    async with following(source(context, follow=True), inbox) as arrived:
        await arrived(2)
        write(file, 3, mode="w")
        await arrived(3)
        write(file, 4, 5, 6, mode="w")  # longer than before: only its content tells
        await arrived(6)
    assert inbox.numbers == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "change",
    [
        lambda file: write(file, 7, 8, 9, mode="w"),
        lambda file: (file.unlink(), write(file, 7, 8, 9)),
        lambda file: write(file, 7, mode="w"),
    ],
)
async def test_a_file_replaced_while_nobody_looked_is_read_from_its_start(
    context: MakeContext, file: Path, change: Callable[[Path], None]
) -> None:
    write(file, 1, 2)
    inbox = Inbox()
    reader = source(context)
    await reader.run(None, inbox)
    change(file)
    await reader.run(inbox.cursor, inbox)
    assert inbox.numbers[:3] == [1, 2, 7]
    assert len(inbox.numbers) == 2 + file.read_bytes().count(b"\n")


async def test_a_file_moved_or_copied_is_known_again(context: MakeContext, file: Path, tmp_path: Path) -> None:
    write(file, 1, 2)
    inbox = Inbox()
    await source(context).run(None, inbox)
    (tmp_path / "copy.jsonl").write_bytes(file.read_bytes())
    write(tmp_path / "copy.jsonl", 3)
    await source(context, path="copy.jsonl").run(inbox.cursor, inbox)
    assert inbox.numbers == [1, 2, 3]


@pytest.mark.parametrize(
    "cursor", ["", "nonsense", "{}", '{"offset": -1, "check": "x"}', '{"offset": 8, "check": "x"}']
)
async def test_a_cursor_nobody_understands_means_from_the_start(context: MakeContext, file: Path, cursor: str) -> None:
    write(file, 1, 2)
    inbox = Inbox()
    await source(context).run(cursor, inbox)
    assert inbox.numbers == [1, 2]


@pytest.mark.parametrize("follow", [True, False])
async def test_a_file_that_is_not_there_yet_is_unavailable_and_its_error_names_it(
    context: MakeContext, follow: bool
) -> None:
    with pytest.raises(UnavailableError, match=r"people: in\.jsonl cannot be read: No such file or directory"):
        await source(context, follow=follow).run(None, Inbox())


async def test_what_is_no_plain_file_is_refused_rather_than_waited_on(context: MakeContext, file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(UnavailableError, match="it is not a plain file"):
        await source(context).run(None, Inbox())
    file.unlink()
    file.mkdir()
    with pytest.raises(UnavailableError, match=r"not a plain file|Is a directory"):
        await source(context).run(None, Inbox())


# ---- any cut of any file ----

some_lines = st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=some_lines,
    has_end=st.booleans(),
    chunk=st.integers(1, 40),
    batch=st.integers(1, 4),
    longest=st.integers(1, 12),
    cuts=st.lists(st.integers(0, 3), max_size=8),
)
def test_any_cut_of_a_file_into_reads_gives_every_line_exactly_once(
    tmp_path: Path, content: Sequence[bytes], has_end: bool, chunk: int, batch: int, longest: int, cuts: Sequence[int]
) -> None:
    """Whatever the sizes of chunks and batches, and wherever the reader is stopped and goes on from its cursor."""
    path = tmp_path / "any.jsonl"
    path.write_bytes(b"\n".join(content) + (b"\n" if has_end else b""))
    wanted = path.read_bytes().split(b"\n")
    if not wanted[-1]:
        wanted.pop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "CHUNK_BYTES", chunk)
        patch.setattr(lines_module, "LINES_MAX", batch)
        patch.setattr(lines_module, "LINE_BYTES_MAX", longest)
        patch.setattr(lines_module, "LINE_HEAD_BYTES", min(longest, 3))
        seen = _read_with_restarts(path, cuts)
    assert [line.offset for line in seen] == [len(b"\n".join(wanted[:n])) + (n > 0) for n in range(len(wanted))]
    for line, text in zip(seen, wanted, strict=True):
        assert line.text == (text[: min(longest, 3)] if line.is_too_long else text)
        assert line.is_too_long == (len(text) > longest)
    assert sum(line.size for line in seen) == path.stat().st_size


def _read_with_restarts(path: Path, cuts: Sequence[int]) -> list[Any]:
    seen: list[Any] = []
    cursor = None
    for batches in [*cuts, None]:
        with LineFile(path, cursor) as file:
            assert not file.is_another
            left = batches
            while (left is None or left > 0) and (lines := file.next_lines()):
                seen += lines
                cursor = file.cursor
                left = None if left is None else left - 1
            if batches is None and (rest := file.rest()):
                seen.append(rest)
    return seen


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=some_lines, cuts=st.lists(st.integers(0, 200), max_size=6), chunk=st.integers(1, 40))
def test_a_file_that_grows_byte_by_byte_gives_every_line_exactly_once(
    tmp_path: Path, content: Sequence[bytes], cuts: Sequence[int], chunk: int
) -> None:
    path = tmp_path / "growing.jsonl"
    whole = b"".join(line + b"\n" for line in content)
    path.write_bytes(b"")
    seen: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch, LineFile(path, None) as file:
        patch.setattr(lines_module, "CHUNK_BYTES", chunk)
        for cut in [*sorted(cuts), len(whole)]:
            with path.open("ab") as out:
                out.write(whole[path.stat().st_size : cut])
            while lines := file.next_lines():
                seen += [line.text for line in lines]
            assert not file.was_replaced()
        assert file.rest() is None
    assert seen == list(content)


# ---- settings ----


@pytest.mark.parametrize(
    "given_",
    [{"path": ""}, {"every": "0s"}, {"format": "csv"}, {"id_field": "id"}, {"format": "json", "id_field": "a..b"}],
)
def test_settings_that_make_no_sense_are_refused(given_: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JsonlSourceSettings(**{"type": "jsonl", "path": "in.jsonl", **given_})


async def test_each_look_at_a_file_that_is_followed_says_that_it_went_well(context: MakeContext, file: Path) -> None:
    file.write_bytes(b"")
    inbox = Inbox()
    async with following(source(context, follow=True), inbox):
        await until(lambda: len(inbox.batches) > 2)
    assert {id(batch) for batch in inbox.batches} == {id(NOTHING_NEW)}
