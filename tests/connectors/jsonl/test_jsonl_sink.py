"""The `jsonl` sink: whole lines or none, on disk before they count, in files of bounded size."""

# ruff: noqa: ASYNC240 (the files are small, and nothing else waits for the loop)

import errno
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from groundswell.component import Batch, Context, Delivered, Delivery
from groundswell.connectors.jsonl import append as append_module
from groundswell.connectors.jsonl.append import AppendFile
from groundswell.connectors.jsonl.sink import JsonlSink, JsonlSinkSettings
from groundswell.connectors.jsonl.source import JsonlSource, JsonlSourceSettings
from groundswell.errors import UnavailableError
from groundswell.record import Person, Record, to_json

MakeContext = Callable[[str], Context]


@asynccontextmanager
async def sink(context: MakeContext, **settings: Any) -> AsyncIterator[JsonlSink]:
    made = JsonlSink(
        JsonlSinkSettings(**{"type": "jsonl", "inputs": ["x"], "path": "out/people.jsonl", **settings}),
        context("archive"),
    )
    try:
        yield made
    finally:
        await made.aclose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "out" / "people.jsonl"


def deliveries(*numbers: int, padding: int = 0) -> list[Delivery]:
    records = [
        Record(
            id=f"x:{n}", kind="person", source="x", person=Person(email=f"p{n}@example.org", city="y" * padding or None)
        )
        for n in numbers
    ]
    return [Delivery(record.id, record.kind, record.id, to_json(record)) for record in records]


def lines(*numbers: int, padding: int = 0) -> bytes:
    return b"".join(d.body + b"\n" for d in deliveries(*numbers, padding=padding))


async def test_records_are_appended_one_a_line(context: MakeContext, file: Path) -> None:
    async with sink(context) as archive:
        assert await archive.deliver(deliveries(1, 2)) == [Delivered(), Delivered()]
        assert file.read_bytes() == lines(1, 2)
        await archive.deliver(deliveries(3))
    assert file.read_bytes() == lines(1, 2, 3)


async def test_a_new_file_and_directory_are_for_the_owner_only(context: MakeContext, file: Path) -> None:
    async with sink(context) as archive:
        await archive.deliver(deliveries(1))
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


async def test_a_batch_is_one_write_and_one_flush(
    context: MakeContext, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    real_write, real_fsync = os.write, os.fsync

    def write(fd: int, data: Any) -> int:
        calls.append("write")
        return real_write(fd, data)

    def fsync(fd: int) -> None:
        calls.append("fsync")
        real_fsync(fd)

    async with sink(context) as archive:
        await archive.deliver(deliveries(1))
        monkeypatch.setattr(append_module.os, "write", write)
        monkeypatch.setattr(append_module.os, "fsync", fsync)
        await archive.deliver(deliveries(*range(2, 400)))
        monkeypatch.undo()
    assert calls == ["write", "fsync"]


async def test_what_it_writes_the_source_reads(context: MakeContext, file: Path) -> None:
    async with sink(context, rotate=4096, keep_files=100) as archive:
        for n in range(0, 200, 20):
            await archive.deliver(deliveries(*range(n, n + 20)))
    seen: list[str] = []

    async def emit(batch: Batch) -> None:
        seen.extend(arrival.id for arrival in batch.arrivals)

    names = sorted(
        (p.name for p in file.parent.iterdir()), key=lambda name: -int(name.rpartition(".")[2].replace("jsonl", "0"))
    )
    assert len(names) > 2
    for name in names:
        reader = JsonlSource(JsonlSourceSettings(type="jsonl", path=f"out/{name}"), context("back"))
        await reader.run(None, emit)
    assert seen == [f"x:{n}" for n in range(200)]


# ---- rotation ----


async def test_a_file_is_renamed_before_it_would_grow_too_large(context: MakeContext, file: Path) -> None:
    size = len(lines(1, padding=2000))
    async with sink(context, rotate=2 * size, keep_files=2) as archive:
        for n in range(1, 8):
            await archive.deliver(deliveries(n, padding=2000))
    assert file.read_bytes() == lines(7, padding=2000)
    assert file.with_name("people.jsonl.1").read_bytes() == lines(5, 6, padding=2000)
    assert file.with_name("people.jsonl.2").read_bytes() == lines(3, 4, padding=2000)
    assert len(list(file.parent.iterdir())) == 3


async def test_files_kept_from_when_more_were_to_be_kept_are_deleted(context: MakeContext, file: Path) -> None:
    for keep_files in (5, 2):
        async with sink(context, rotate=4096, keep_files=keep_files) as archive:
            for n in range(7):
                await archive.deliver(deliveries(n, padding=4000))
    assert sorted(p.name for p in file.parent.iterdir()) == ["people.jsonl", "people.jsonl.1", "people.jsonl.2"]


async def test_a_batch_larger_than_a_file_may_be_is_still_written_whole(context: MakeContext, file: Path) -> None:
    async with sink(context, rotate=4096) as archive:
        await archive.deliver(deliveries(1))
        await archive.deliver(deliveries(2, 3, padding=5000))
        await archive.deliver(deliveries(4))
    assert file.read_bytes() == lines(4)
    assert file.with_name("people.jsonl.1").read_bytes() == lines(2, 3, padding=5000)
    assert file.with_name("people.jsonl.2").read_bytes() == lines(1)


@pytest.mark.parametrize("crash_at", [1, 2, 3])
async def test_a_rotation_that_was_interrupted_loses_nothing(
    context: MakeContext, file: Path, monkeypatch: pytest.MonkeyPatch, crash_at: int
) -> None:
    async with sink(context, rotate=4096, keep_files=3) as archive:
        for n in (1, 2, 3):
            await archive.deliver(deliveries(n, padding=4000))
    renames = 0
    real_replace = Path.replace

    def replace(self: Path, target: Path) -> Path:
        nonlocal renames
        renames += 1
        if renames == crash_at:
            raise OSError(errno.EIO, "Input/output error")
        return real_replace(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    async with sink(context, rotate=4096, keep_files=3) as archive:
        with pytest.raises(UnavailableError, match="Input/output error"):
            await archive.deliver(deliveries(4, padding=4000))
        monkeypatch.undo()
        await archive.deliver(deliveries(4, padding=4000))
    written = b"".join(p.read_bytes() for p in file.parent.iterdir())
    assert all(written.count(lines(n, padding=4000)) == 1 for n in (1, 2, 3, 4))


async def test_a_file_renamed_by_somebody_else_is_begun_anew(context: MakeContext, file: Path) -> None:
    async with sink(context) as archive:
        await archive.deliver(deliveries(1))
        file.rename(file.with_name("old"))
        await archive.deliver(deliveries(2))
        file.unlink()
        await archive.deliver(deliveries(3))
    assert file.with_name("old").read_bytes() == lines(1)
    assert file.read_bytes() == lines(3)


# ---- torn lines ----


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(torn=st.integers(0, 400), zeros=st.integers(0, 3))
def test_wherever_a_write_was_cut_no_two_lines_run_together(tmp_path: Path, torn: int, zeros: int) -> None:
    path = tmp_path / "torn.jsonl"
    path.unlink(missing_ok=True)
    whole = lines(1, 2, 3)
    written = whole[: min(torn, len(whole))]
    path.write_bytes(written + bytes(zeros))
    file = AppendFile(path, 10**6, 1, "archive")
    file.append(lines(4))
    file.close()
    found = path.read_bytes()
    assert found.endswith(lines(4))
    kept = found[: -len(lines(4))]
    assert kept == whole[: len(kept)]
    assert kept == b"" or kept.endswith(b"\n")
    # No whole record is lost, the last one included, of which only the line end was missing.
    is_whole = whole[len(written) :].startswith(b"\n")
    assert len(kept) == (len(written) + 1 if is_whole else written.rfind(b"\n") + 1)


@pytest.mark.parametrize("theirs", [b"hello", b'{"n": 1}', b"[1, 2", b"\xff\xfe", b'{"id":"' + b"x" * 10 + b'"}'])
async def test_a_last_line_that_is_not_a_torn_record_of_ours_is_ended_and_kept(
    context: MakeContext, file: Path, theirs: bytes
) -> None:
    file.parent.mkdir()
    file.write_bytes(lines(1) + theirs)
    async with sink(context) as archive:
        await archive.deliver(deliveries(2))
    assert file.read_bytes() == lines(1) + theirs + b"\n" + lines(2)


async def test_a_torn_line_longer_than_a_block_is_found(context: MakeContext, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(lines(1) + lines(2, padding=300_000)[:-10])
    async with sink(context) as archive:
        await archive.deliver(deliveries(3))
    assert file.read_bytes() == lines(1, 3)


# ---- trouble ----


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("call", ["write", "fsync"])
async def test_when_the_disk_refuses_nothing_of_the_batch_stays_and_it_is_tried_again(
    context: MakeContext, file: Path, monkeypatch: pytest.MonkeyPatch, error: int, call: str
) -> None:
    real_write = os.write

    def refuse(fd: int, *data: Any) -> int:
        if data and len(data[0]) > 100:
            return real_write(fd, data[0][:100])  # part of it still fits
        raise OSError(error, os.strerror(error))

    async with sink(context) as archive:
        await archive.deliver(deliveries(1))
        monkeypatch.setattr(append_module.os, call, refuse)
        with pytest.raises(
            UnavailableError, match=f"archive: writing 2 records to out/people.jsonl: {os.strerror(error)}"
        ):
            await archive.deliver(deliveries(2, 3))
        monkeypatch.undo()
        assert file.read_bytes() == lines(1)
        await archive.deliver(deliveries(2, 3))
    assert file.read_bytes() == lines(1, 2, 3)


async def test_a_really_full_device_is_unavailable(context: MakeContext) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    async with sink(context, path="/dev/full") as archive:
        with pytest.raises(UnavailableError, match="it is not a plain file"):
            await archive.deliver(deliveries(1))


async def test_a_directory_nobody_may_write_to_is_unavailable(context: MakeContext, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the directory should be")
    async with sink(context) as archive:
        with pytest.raises(UnavailableError, match=r"File exists|Not a directory"):
            await archive.deliver(deliveries(1))
        (tmp_path / "out").unlink()
        await archive.deliver(deliveries(1))


async def test_two_sinks_never_write_to_one_file(context: MakeContext, file: Path) -> None:
    async with sink(context) as first, sink(context) as second:
        await first.deliver(deliveries(1))
        with pytest.raises(UnavailableError, match="another sink or program is writing to it"):
            await second.deliver(deliveries(2))
        await first.aclose()
        await second.deliver(deliveries(2))
    assert file.read_bytes() == lines(1, 2)


async def test_a_call_that_is_cancelled_leaves_whole_lines(context: MakeContext, file: Path) -> None:
    async with sink(context) as archive:
        for n in range(20):
            with anyio.CancelScope() as scope:
                scope.cancel()
                await archive.deliver(deliveries(n))
        await archive.deliver(deliveries(99))
    assert file.read_bytes().endswith(lines(99))
    assert all(line.startswith(b'{"id"') and line.endswith(b"}") for line in file.read_bytes().splitlines())


async def test_letting_go_of_a_file_never_opened_is_nothing(context: MakeContext, file: Path) -> None:
    async with sink(context):
        pass
    assert not file.exists()


def test_there_is_one_end_to_write_at() -> None:
    made = JsonlSinkSettings(type="jsonl", inputs=["x"], path="a")
    assert (made.concurrency, made.batch.records) == (1, 500)
    with pytest.raises(ValidationError):
        JsonlSinkSettings(type="jsonl", inputs=["x"], path="a", concurrency=2)
