"""Rows as records: the same line item has the same id and money, whether a webhook or a file told of it."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.component import Arrival
from groundswell.connectors.actblue import eastern
from groundswell.connectors.actblue.client import CANCELLED, CSV_TYPES, PAID, REFUNDED
from groundswell.connectors.actblue.csv_arrivals import record_in
from groundswell.connectors.actblue.mapping import Rules, record_of, things_in
from groundswell.errors import RecordError
from groundswell.record import Donation, Record
from tests.connectors.actblue.csv_server import CANCELLATION_COLUMNS, COLUMNS, Cells, cancellation, gift

WEBHOOK = {
    "donor": {
        "firstname": "ROSALIND", "lastname": "OKAFOR", "addr1": "77 Larkspur Lane", "city": "Duluth", "state": "MN",
        "zip": "55802", "country": "United States", "email": "r.okafor@example.org", "phone": "2185550147",
        "employerData": {"employer": "Not employed", "occupation": "Not employed"},
    },
    "contribution": {
        "orderNumber": "AB700000123", "contributionForm": "harbor-fund-sms", "status": "approved",
        "refcodes": {"refcode": "sms_20260803", "refcode2": "seg_b"}, "recurringPeriod": "monthly",
        "recurringDuration": "infinite", "isRecurring": True, "isMobile": True, "textMessageOption": "opt_in",
        "customFields": [{"label": "Would you host an event?", "answer": "Maybe"}],
    },
    "lineitems": [{
        "sequence": 2, "entityId": 90210, "committeeName": "Harbor Fund", "amount": "15.0", "recurringAmount": "10.0",
        "paidAt": "2026-08-03T09:14:11-04:00", "lineitemId": 990011223,
    }],
    "form": {"name": "harbor-fund-sms", "kind": "page", "managingEntityName": "Harbor Fund"},
}  # fmt: skip
ROW = {
    "Receipt ID": "AB700000123", "Date": "2026-08-03 09:14:11", "Amount": "15.0",
    "Recurring Total Months": "unlimited", "Recurrence Number": "3", "Recipient": "Harbor Fund",
    "Fundraising Page": "https://secure.actblue.com/donate/harbor-fund-sms?refcode=x",
    "Reference Code": "sms_20260803", "Reference Code 2": "seg_b", "Donor First Name": "ROSALIND",
    "Donor Last Name": "OKAFOR", "Donor Addr1": "77 Larkspur Lane", "Donor Addr2": "Apt 4", "Donor City": "Duluth",
    "Donor State": "MN", "Donor ZIP": "55802", "Donor Country": "United States", "Donor Occupation": "Not employed",
    "Donor Employer": "Not employed", "Donor Email": "r.okafor@example.org", "Donor Phone": "2185550147",
    "Donor ID": "4711", "Fee": "0.59", "Lineitem ID": "990011223", "Recipient Committee": "Harbor Fund",
    "Recipient ID": "90210", "Monthly Recurring Amount": "10.0", "Mobile": "true", "Text Message Opt In": "true",
    "Custom Field 1 Label": "Would you host an event?", "Custom Field 1 Value": "Maybe", "Kind": "page",
    "Managed Entity Name": "Harbor Fund", "Refund ID": "", "A Column Of 2027": "new",
}  # fmt: skip


def record(row: Cells, csv_type: str = PAID, record_id: str = "tests/1") -> Record:
    cells = {name: value for name, value in row.items() if value}
    raw = msgspec.json.encode({"csv_type": csv_type, "row": cells})
    return record_in(Arrival(record_id, raw), "gifts", Rules())


def money(row: Record) -> Donation:
    assert isinstance(row.donation, Donation)
    return row.donation


def test_a_row_and_a_webhook_of_one_line_item_make_one_record() -> None:
    ((record_id, _),) = things_in(WEBHOOK)
    told = record_of(WEBHOOK, record_id, "gifts")
    read = record(ROW)
    assert read.id == told.id == "actblue:contribution/990011223"
    assert read.occurred_at == told.occurred_at == "2026-08-03T13:14:11Z"
    for field in ("amount", "currency", "recurring", "period", "order_id", "lineitem_id", "recipient", "refcodes"):
        assert getattr(money(read), field) == getattr(money(told), field), field
    ours, theirs = money(read).fields, money(told).fields
    assert {name: ours[name] for name in theirs} == theirs
    assert msgspec.structs.replace(read.person, address2=told.person.address2) == told.person
    assert read.action.page.id == told.action.page.id == "harbor-fund-sms"
    assert read.action.page.url == "https://secure.actblue.com/donate/harbor-fund-sms"
    assert (read.action.fields, read.action.source_code) == (told.action.fields, told.action.source_code)


def test_what_only_files_know_is_kept_under_names_like_actblues() -> None:
    found = record(ROW)
    fields = money(found).fields
    assert (fields["donorId"], fields["fee"], fields["aColumnOf2027"]) == ("4711", "0.59", "new")
    assert found.person.address2 == "Apt 4"
    assert not {"refundId", "date", "amount", "lineitemId"} & set(fields)


def test_an_empty_cell_says_nothing_about_a_person() -> None:
    found = record(ROW | {"Donor Phone": "", "Donor Email": "", "Text Message Opt In": "false"})
    assert not isinstance(found.person.phone, str | None)
    assert not isinstance(found.person.email, str | None)
    assert not isinstance(found.person.sms_opt_in, bool | str)


@pytest.mark.parametrize(
    ("cells", "period"),
    [
        ({}, "once"),
        ({"Recurring Total Months": ""}, "once"),
        ({"Recurring Total Months": "12"}, "monthly"),
        ({"Recurring Total Months": "infinite"}, "monthly"),
        ({"Recurrence Number": "4"}, "monthly"),
        ({"Recur Weekly": "true", "Recurring Total Months": "3"}, "weekly"),
        ({"Recurring Type": "initially weekly"}, "weekly"),
        ({"Recurring Type": "initially forever"}, "monthly"),
    ],
)
def test_how_often_is_told_as_a_webhook_does(cells: Cells, period: str) -> None:
    found = money(record(gift(1, "2026-05-01 12:00:00") | cells))
    assert found.fields["recurringPeriod"] == period
    assert found.recurring == (period != "once")
    assert isinstance(found.period, str) == (period != "once")


def test_a_refund_row_reads_as_the_thing_its_id_names() -> None:
    row = gift(5, "2026-02-01 12:00:00", Refund_Date="2026-03-01", Amount="-1,015.50")
    bought, back = (record(row, REFUNDED, f"actblue:{word}/5") for word in ("contribution", "refund"))
    assert (bought.kind, bought.occurred_at) == ("donation", "2026-02-01T17:00:00Z")
    assert (back.kind, back.occurred_at) == ("refund", "2026-03-01T05:00:00Z")
    assert money(bought).amount == money(back).amount == "1015.50"


def test_a_cancellation_goes_by_its_receipt() -> None:
    found = record(cancellation(9, "2026-04-01 08:00:00"), CANCELLED)
    assert (found.id, found.kind, found.occurred_at) == (
        "actblue:cancellation/AB9", "cancellation", "2026-04-01T12:00:00Z",
    )  # fmt: skip
    assert (money(found).period, money(found).fields["recurrenceAmount"]) == ("monthly", "10.0")


@given(
    cells=st.dictionaries(
        st.sampled_from([*COLUMNS, *CANCELLATION_COLUMNS]),
        st.text(max_size=30) | st.sampled_from(["1", "-", "true", "2026-05-01", "9" * 5_000, "https://", "5/1/26"]),
    ),
    csv_type=st.sampled_from(CSV_TYPES),
)
def test_any_row_is_told_or_read_as_a_record(cells: Cells, csv_type: str) -> None:
    base = cancellation(9, "2026-04-01 08:00:00") if csv_type == CANCELLED else gift(9, "2026-04-01 08:00:00")
    with suppress(RecordError):
        assert record(base | cells, csv_type).id.startswith("actblue:")


@pytest.mark.parametrize("column", ["Lineitem ID", "Receipt ID", "Date", "Amount"])
def test_a_row_without_what_it_must_have_says_what_is_missing(column: str) -> None:
    with pytest.raises(RecordError, match=column):
        record(gift(1, "2026-05-01 12:00:00") | {column: ""})


def test_a_row_that_is_none_is_told() -> None:
    with pytest.raises(RecordError, match="csv_type"):
        record_in(Arrival("x", b"[]"), "gifts", Rules())


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-05-11 12:15:54", "2026-05-11T16:15:54+00:00"),
        ("2026-05-11", "2026-05-11T04:00:00+00:00"),
        ("5/11/2026 12:15", "2026-05-11T16:15:00+00:00"),
        ("5/11/26 12:15", "2026-05-11T16:15:00+00:00"),
        ("2026-05-11T12:15:54-07:00", "2026-05-11T19:15:54+00:00"),
        ("2026-11-01 01:30:00", "2026-11-01T05:30:00+00:00"),
        ("2026-03-08 02:30:00", "2026-03-08T07:30:00+00:00"),
    ],
)
def test_times_are_those_of_new_york_unless_they_say_otherwise(text: str, utc: str) -> None:
    found = eastern.moment(text)
    assert found is not None
    assert found.astimezone(eastern.UTC).isoformat() == utc


def test_what_is_no_time_is_none() -> None:
    assert [eastern.moment(text) for text in ("", "soon", "2026-13-01", "13/13/2026")] == [None] * 4
