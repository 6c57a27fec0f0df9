"""The source of CSV files, exported by hand: new and changed ones, half ones, and what is no such file."""

from pathlib import Path

import pytest

from groundswell.component import NOTHING_NEW
from groundswell.errors import RecordError, UnavailableError
from groundswell.http.client import new_session
from tests.connectors.actblue.csv_server import (
    CANCELLATION_COLUMNS,
    COLUMNS,
    Killed,
    Taking,
    cancellation,
    gift,
    written,
)  # fmt: skip


def exported(*numbers: int) -> bytes:
    return written([gift(number, "2026-02-01 12:00:00") for number in numbers], COLUMNS)


async def looking(directory: Path, **settings: object) -> Taking:
    async with new_session() as session:  # nothing is asked of anybody
        return Taking(None, session, directory, files=["exports/*.csv"], **settings)


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


async def test_files_are_read_once_and_again_when_they_change(tmp_path: Path, exports: Path) -> None:
    taken = await looking(tmp_path)
    (exports / "may.csv").write_bytes(exported(1, 2))
    (exports / "stopped.csv").write_bytes(written([cancellation(9, "2026-04-01 08:00:00")], CANCELLATION_COLUMNS))
    (exports / "notes.txt").write_text("not one of them")
    await taken.round()
    assert taken.ids == {"contribution/1", "contribution/2", "cancellation/AB9"}
    taken.restart()
    await taken.round()
    assert taken.repeats == 0
    (exports / "may.csv").write_bytes(exported(1, 2, 3))
    await taken.round()
    assert "contribution/3" in taken.ids


async def test_a_refund_in_a_file_tells_of_the_gift_too(tmp_path: Path, exports: Path) -> None:
    taken = await looking(tmp_path)
    row = gift(5, "2024-02-01 12:00:00", Refund_Date="2026-03-01 10:00:00")
    (exports / "refunds.csv").write_bytes(written([row], COLUMNS))
    await taken.round()
    assert list(taken.arrivals) == ["actblue:contribution/5", "actblue:refund/5"]


async def test_killed_in_a_file_it_goes_on_in_it(tmp_path: Path, exports: Path) -> None:
    taken = await looking(tmp_path)
    (exports / "may.csv").write_bytes(exported(*range(1, 700)))
    taken.dies_after = 2
    with pytest.raises(Killed):
        await taken.round()
    assert len(taken.ids) == 400
    taken.restart()
    taken.dies_after = None
    await taken.round()
    assert len(taken.ids) == 699
    assert taken.repeats == 0


async def test_a_file_that_is_still_being_written_is_not_taken_for_whole(tmp_path: Path, exports: Path) -> None:
    taken = await looking(tmp_path)
    whole = exported(1, 2)
    (exports / "may.csv").write_bytes(whole[:-20])
    taken.clock.on_sleep = lambda: (exports / "may.csv").write_bytes(whole)
    await taken.round()
    assert not taken.arrivals
    taken.clock.on_sleep = None
    await taken.round()
    assert taken.ids == {"contribution/1", "contribution/2"}


async def test_a_file_that_stays_half_gives_its_whole_rows_and_a_dead_letter(tmp_path: Path, exports: Path) -> None:
    taken = await looking(tmp_path)
    (exports / "may.csv").write_bytes(exported(*range(1, 301))[:-25])
    (exports / "next.csv").write_bytes(exported(900))
    await taken.round()
    gifts = {record_id for record_id in taken.arrivals if record_id.startswith("actblue:")}
    assert "actblue:contribution/900" in gifts
    assert "actblue:contribution/300" not in gifts
    (bad,) = taken.arrivals.keys() - gifts
    with pytest.raises(RecordError, match=r"may\.csv cannot be read: it breaks off in row 300"):
        taken.source.read(taken.arrivals[bad])


async def test_a_last_row_without_a_line_end_is_taken_once_nobody_writes_on(tmp_path: Path, exports: Path) -> None:
    taken = await looking(tmp_path)
    (exports / "may.csv").write_bytes(exported(1, 2).removesuffix(b"\r\n"))
    await taken.round()
    assert taken.ids == {"contribution/1", "contribution/2"}


async def test_what_is_no_file_of_theirs_is_a_dead_letter_that_says_what_is_missing(
    tmp_path: Path, exports: Path
) -> None:
    taken = await looking(tmp_path)
    (exports / "people.csv").write_text("Name,Amount\nRosa,5\n")
    await taken.round()
    await taken.round()
    (bad,) = taken.arrivals.values()
    with pytest.raises(RecordError, match=r'people\.csv cannot be read: it has no column "Receipt ID"'):
        taken.source.read(bad)
    assert taken.repeats == 0


async def test_a_file_that_cannot_be_opened_is_said_after_the_others_were_read(tmp_path: Path, exports: Path) -> None:
    taken = await looking(tmp_path)
    (exports / "b.csv").write_bytes(exported(1))
    (exports / "c.csv").write_bytes(exported(2))
    original = Path.open

    def refuses(path: Path, *args: object, **kwargs: object) -> object:
        if path.name == "b.csv":
            raise PermissionError(13, "Permission denied")
        return original(path, *args, **kwargs)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", refuses)
        with pytest.raises(UnavailableError, match=r"b\.csv \(Permission denied\) cannot be read"):
            await taken.round()
    assert taken.ids == {"contribution/2"}
    await taken.round()
    assert taken.ids == {"contribution/1", "contribution/2"}


async def test_a_backfill_of_files_takes_what_is_of_that_time(tmp_path: Path, exports: Path) -> None:
    taken = await looking(tmp_path)
    rows = [gift(1, "2026-02-01 12:00:00"), gift(2, "2026-03-01 00:00:00"), gift(3, "2026-02-28 23:59:59")]
    (exports / "may.csv").write_bytes(written(rows, COLUMNS))
    await taken.backfill("2026-02-01T17:00:01+00:00", "2026-03-01T05:00:00+00:00", "contributions")
    assert taken.ids == {"contribution/3"}
    assert taken.record("contribution/3").kind == "donation"


async def test_since_leaves_out_what_was_before(tmp_path: Path, exports: Path) -> None:
    taken = await looking(tmp_path, since="2026-02-15")
    (exports / "may.csv").write_bytes(
        written([gift(1, "2026-02-01 12:00:00"), gift(2, "2026-03-01 12:00:00")], COLUMNS)
    )
    await taken.round()
    assert taken.ids == {"contribution/2"}


async def test_money_of_others_is_counted_and_left_out(tmp_path: Path, exports: Path) -> None:
    taken = await looking(tmp_path, entities=[90210])
    rows = [gift(1, "2026-02-01 12:00:00"), gift(2, "2026-02-01 12:00:00", Recipient_ID="555")]
    (exports / "may.csv").write_bytes(written(rows, COLUMNS))
    await taken.round()
    assert taken.ids == {"contribution/1"}
    assert taken.source.counts["not_ours"] == 1


async def test_a_look_at_a_folder_without_news_says_that_it_went_well(tmp_path: Path, exports: Path) -> None:
    taken = await looking(tmp_path)
    await taken.round()
    assert taken.batches == [NOTHING_NEW]
