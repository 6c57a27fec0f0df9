"""People uploaded in bulk to a simulated ActionKit: each row once, nothing erased, errors where they belong."""

from random import Random
from typing import Any

import pytest

from groundswell.component import Delivered, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.actionkit.simulator.faults import ANSWER_LOST, DROPPED, SERVER_ERROR_DONE
from groundswell.connectors.actionkit.upload_sink import ActionKitUploadSettings
from groundswell.connectors.actionkit.uploading.rows import files_of
from groundswell.errors import NotYetError, UnauthorizedError
from groundswell.record import Person, Record
from tests.connectors.actionkit.giving import Giving, gift, giving

PAGE = {"page": "groundswell_import"}


def person(number: int, **known: Any) -> Record:
    who = {"email": f"person{number}@example.org", "first_name": f"P{number}", **known}
    return Record(f"crm:person/{number}@2026", "person", "crm", "2026-05-02T11:00:09Z", Person(**who))


def upload(**settings: Any) -> Any:
    return giving("actionkit.upload", **(PAGE | settings))


def landed(sink: Giving) -> list[str]:
    """The records whose rows are actions there."""
    return [row["value"] for row in sink.rows("SELECT value FROM core_actionfield WHERE name = 'groundswell_id'")]


def uploads(sink: Giving) -> int:
    return int(sink.field("SELECT count(*) FROM core_upload"))


async def until_done(sink: Giving, records: list[Record], *, restarts: bool = False) -> dict[str, Outcome]:
    """As the runtime would: those that are not done, again."""
    done: dict[str, Outcome] = {}
    for attempts in range(20):
        waiting = [one for one in records if one.id not in done]
        if not waiting:
            return done
        outcomes = await sink.deliver_together(waiting, attempts)
        pairs = zip(waiting, outcomes, strict=True)
        done |= {one.id: outcome for one, outcome in pairs if not isinstance(outcome, Retry)}
        if restarts:
            sink.start()
        sink.settle()
    raise AssertionError("never done")


async def test_a_batch_is_one_upload_and_each_row_an_action() -> None:
    async with upload(user_fields={"favorite_color": "custom.Colour"}) as sink:
        people = [person(number, zip="45402", custom={"Colour": "red"}, phone="+15035550144") for number in range(200)]
        assert set(await sink.deliver_together(people)) == {Delivered()}
        assert uploads(sink) == 1
        assert sorted(landed(sink)) == sorted(one.id for one in people)
        (user,) = sink.rows("SELECT * FROM core_user WHERE email = 'person7@example.org'")
        assert (user["first_name"], user["zip"]) == ("P7", "45402")
        assert sink.field("SELECT value FROM core_userfield WHERE parent_id = ?", user["id"]) == "red"
        assert sink.field("SELECT type FROM core_phone WHERE user_id = ?", user["id"]) == "mobile"


async def test_what_a_record_does_not_know_is_not_erased() -> None:
    async with upload() as sink:
        whole = {"last_name": "Quill", "address1": "1 Elm St", "city": "Dayton", "state": "OH", "zip": "45402"}
        await sink.deliver_together([person(1, **whole), person(2, **whole)])
        later = [
            Record("crm:person/1@2027", "person", "crm", person=Person(email="person1@example.org", city="Xenia")),
            Record("crm:person/2@2027", "person", "crm", person=Person(email="person2@example.org", last_name=None)),
        ]
        assert set(await sink.deliver_together(later)) == {Delivered()}
        one, two = sink.rows("SELECT * FROM core_user WHERE email LIKE 'person%' ORDER BY email")
        assert (one["first_name"], one["last_name"], one["address1"], one["city"]) == (
            "P1",
            "Quill",
            "1 Elm St",
            "Xenia",
        )
        assert (two["first_name"], two["last_name"], two["city"]) == ("P2", "Quill", "Dayton")


def test_no_file_has_a_blank_cell() -> None:
    random = Random(1)
    columns = ("email", "city", "zip", "source")
    rows = [{name: "x" for name in columns if name == "email" or random.random() < 0.5} for _ in range(200)]
    files = files_of(rows)
    assert sum(len(file.rows) for file in files) == 200
    assert len(files) == 8
    for file in files:
        assert all(set(row) == set(file.columns) for row in file.rows)
        assert b",," not in file.csv()


async def test_errors_of_rows_go_to_exactly_their_records() -> None:
    async with upload() as sink:
        people = [person(number, zip="45402", email="no address" if number in (3, 8) else f"p{number}@example.org")
                  for number in range(12)]  # fmt: skip
        outcomes = await sink.deliver_together(people)
        wrong = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Rejected)]
        assert wrong == [3, 8]
        assert all(isinstance(one, Delivered) for number, one in enumerate(outcomes) if number not in wrong)
        refused = outcomes[3]
        assert isinstance(refused, Rejected)
        assert refused.reason == "row_error"
        assert "email" in refused.message
        assert len(landed(sink)) == 10


@pytest.mark.parametrize("restarts", [False, True], ids=["goes on", "is killed"])
@pytest.mark.parametrize("fault", [ANSWER_LOST, SERVER_ERROR_DONE, DROPPED], ids=lambda fault: fault.word)
@pytest.mark.parametrize("path", ["upload/?", "report/run", "upload/1"])
async def test_a_lost_answer_uploads_no_row_twice(path: str, fault: Any, restarts: bool) -> None:
    async with upload(switches={"upload_rows_per_s": 5.0}) as sink:
        people = [person(number, **({"zip": "45402"} if number % 2 else {})) for number in range(100)]
        sink.server.faults.plan(fault, path=path, times=2)
        outcomes = await until_done(sink, people, restarts=restarts)
        assert all(isinstance(outcome, Delivered | Skipped) for outcome in outcomes.values())
        assert sorted(landed(sink)) == sorted(one.id for one in people)


async def test_an_upload_that_takes_long_is_looked_at_again() -> None:
    async with upload(switches={"upload_rows_per_s": 1.0}, patience="1m") as sink:
        people = [person(number) for number in range(150)]
        first = await sink.deliver_together(people)
        assert all(isinstance(one, Retry) and isinstance(one.error, NotYetError) for one in first)
        assert uploads(sink) == 1
        outcomes = await until_done(sink, people, restarts=True)
        assert set(outcomes.values()) == {Skipped("already_there")}
        assert uploads(sink) == 1


async def test_a_page_with_a_list_puts_nobody_on_it_by_accident() -> None:
    async with upload() as sink:
        sink.server.world.db.run("UPDATE core_page SET list_id = 1 WHERE name = 'groundswell_import'")
        outcome = await sink.deliver(person(1))
        assert isinstance(outcome, Retry)
        assert isinstance(outcome.error, UnauthorizedError)
        assert uploads(sink) == 0
    async with upload(subscribe=True) as sink:
        sink.server.world.db.run("UPDATE core_page SET list_id = 1 WHERE name = 'groundswell_import'")
        outcomes = await sink.deliver_together([person(1), person(2, email_opt_in=True)])
        assert list(outcomes) == [Skipped("no_opt_in"), Delivered()]
        assert landed(sink) == ["crm:person/2@2026"]


async def test_a_page_that_is_given_a_list_later_puts_nobody_on_it_either() -> None:
    async with upload() as sink:
        assert await sink.deliver(person(1)) == Delivered()
        sink.server.world.db.run("UPDATE core_page SET list_id = 1 WHERE name = 'groundswell_import'")
        assert isinstance(await sink.deliver(person(2)), Retry)
        assert uploads(sink) == 1


def test_who_uploads_to_a_list_is_told_whom_that_puts_back() -> None:
    settings: dict[str, Any] = {"type": "actionkit.upload", "inputs": ["a"], "account": "crm", "page": "p"}
    assert ActionKitUploadSettings(**settings).warnings() == []
    ((field, words),) = ActionKitUploadSettings(**settings, subscribe=True).warnings()
    assert field == "subscribe"
    assert "left" in words


async def test_a_page_that_is_not_there_stops_the_sink() -> None:
    async with upload(page="nowhere") as sink:
        outcome = await sink.deliver(person(1))
        assert isinstance(outcome, Retry)
        assert isinstance(outcome.error, UnauthorizedError)


async def test_who_has_no_address_and_what_is_no_person_is_not_uploaded() -> None:
    async with upload() as sink:
        nobody = Record("crm:person/9@2026", "person", "crm", person=Person(phone="+15035550144"))
        blank = person(8, email="  ")
        outcomes = await sink.deliver_together([nobody, gift(1), person(1), blank])
        assert isinstance(outcomes[0], Rejected)
        assert outcomes[0].reason == "no_email"
        assert list(outcomes[1:3]) == [Skipped("does_not_fit"), Delivered()]
        assert isinstance(outcomes[3], Rejected), "a file without addresses is answered 500, over and over"
