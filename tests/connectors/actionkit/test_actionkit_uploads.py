"""Bulk imports: taken at once, done bit by bit, bad rows kept as errors."""

import gzip
from typing import Any

import pytest

from tests.connectors.actionkit.simulated import Desk, id_of

PAGE = "groundswell_import"


def upload(desk: Desk, text: str | bytes, status: int = 201, **form: Any) -> int:
    """The id of the upload; 0 where it was refused."""
    data = text.encode() if isinstance(text, str) else text
    outcome = desk.call("POST", "upload/", form={"page": PAGE, **form}, upload=data)
    assert outcome.status == status, outcome
    return id_of(outcome.answer.location) if outcome.answer.location else 0


async def test_rows_are_worked_through_in_time_and_become_actions() -> None:
    desk = Desk(upload_rows_per_s=10)
    lines = [f"rosa{number}@example.org,Rosa,web,yes" for number in range(25)]
    id_ = upload(desk, "\n".join(["email,first_name,source,action_volunteer", *lines]))
    seen = []
    for _ in range(3):
        shown = desk.get(f"upload/{id_}/")
        seen.append((shown["rows_done"], shown["is_completed"]))
        await desk.clock.advance(2)
    assert seen == [(0, False), (20, False), (25, True)]
    action = desk.objects("importaction/", order_by="-id", _limit=1)[0]
    assert (action["type"], action["source"], action["fields"]) == ("Import", "web", {"volunteer": "yes"})
    assert desk.get(f"upload/{id_}/")["has_errors"] == 0


async def done(desk: Desk, id_: int) -> dict[str, Any]:
    await desk.clock.advance(60)
    return desk.get(f"upload/{id_}/")


async def test_a_bad_row_is_an_error_and_its_neighbours_go_on() -> None:
    desk = Desk(users=3)
    text = "user_id,email,zip,user_shoe_size\n1,,45402,\n99,,45402,\n,nobody,45402,\n,ada@example.org,45402,40\n"
    id_ = upload(desk, text)
    assert (await done(desk, id_))["has_errors"] == 3, "the field was never allowed"
    id_ = upload(desk, text, autocreate_user_fields=1)
    assert (await done(desk, id_))["has_errors"] == 2
    errors = desk.objects("uploaderror/", upload=id_, order_by="id", _limit=1)
    assert (errors[0]["row"], errors[0]["upload"]) == (3, f"/rest/v1/upload/{id_}/")
    assert "99" in errors[0]["message"]
    assert desk.get("uploaderror/", upload=id_)["meta"]["total_count"] == 2


async def test_a_blank_cell_erases_and_a_missing_column_does_not() -> None:
    desk = Desk()
    user = desk.act(email="rosa@example.org", first_name="Rosa", last_name="Quill", user_employer="Acme")["user"]
    await done(desk, upload(desk, "email,first_name,user_employer\nrosa@example.org,,\n"))
    shown = desk.get(user.partition("/rest/v1/")[2])
    assert (shown["first_name"], shown["last_name"], shown["fields"]) == ("", "Quill", {})


async def test_user_fields_alone_make_no_action() -> None:
    desk = Desk(users=2)
    before = desk.get("action/")["meta"]["total_count"]
    shown = await done(desk, upload(desk, "user_id\tuser_employer\n1\tAcme\n7777\tAcme\n", user_fields_only=1))
    assert (shown["is_completed"], shown["has_errors"]) == (True, 1)
    assert desk.get("user/1/")["fields"]["employer"] == "Acme"
    assert desk.get("action/")["meta"]["total_count"] == before


async def test_a_donation_is_imported_once() -> None:
    desk = Desk()
    text = (
        "email,donation_import_id,donation_amount,donation_date,donation_currency\na@example.org,d1,5,2024-01-02,EUR\n"
    )
    assert (await done(desk, upload(desk, text)))["has_errors"] == 0
    assert (await done(desk, upload(desk, text)))["has_errors"] == 1
    (order,) = desk.objects("order/", import_id="d1")
    assert (order["total"], order["currency"], order["created_at"]) == ("5.00", "EUR", "2024-01-02T00:00:00")
    bad = text.replace("d1,5", "d2,much")
    before = desk.get("action/")["meta"]["total_count"]
    assert (await done(desk, upload(desk, bad)))["has_errors"] == 1
    assert desk.get("action/")["meta"]["total_count"] == before, "nothing of a bad row stays"


async def test_a_packed_file_is_unpacked() -> None:
    desk = Desk()
    assert (await done(desk, upload(desk, gzip.compress(b"email\na@example.org\n"))))["line_count"] == 1
    packed = gzip.compress(b"email,user_employer\nhost@example.org,Acme\n")
    upload(desk, packed, 500, user_fields_only=1)


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"first_name\nRosa\n", {}),
        (b"email\n\xff\xfe\n", {}),
        (b"", {}),
        (b"PK nonsense", {}),
        (b"\x1f\x8b nonsense", {}),
        (b"email\na@example.org\n", {"page": "signup"}),
        (b"email\na@example.org\n", {"page": "nope"}),
        (b"email,city\na@example.org,x\n", {"user_fields_only": "1"}),
    ],
)
def test_an_upload_that_makes_no_sense_is_500_where_400_is_meant(data: bytes, form: dict[str, str]) -> None:
    upload(Desk(), data, 500, **form)
    upload(Desk(upload_500_for_400=False), data, 400, **form)
