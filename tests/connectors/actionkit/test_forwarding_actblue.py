"""ActBlue's messages, made again from the records they became: nothing is lost that ActionKit could have read."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.component import Delivered
from groundswell.connectors.actblue.mapping import Rules, record_of, things_in
from groundswell.connectors.actionkit.forwarding.actblue import body_of
from groundswell.connectors.actionkit.simulator.server import Server
from groundswell.places.countries import country_code
from groundswell.record import Record, from_json, to_json
from tests.connectors.actionkit.giving import Giving, giving

Body = dict[str, Any]

WORD = st.text("abcdefghijklmnopqrstuvwxyz ABCDEÉñ-'.", min_size=1, max_size=12).map(str.strip).filter(bool)
TEXT = st.one_of(WORD, st.none(), st.just(""))
FLAG = st.booleans()
MONEY = st.decimals("0.01", "9999.99", places=2).map(str) | st.sampled_from(["5.0", "25.77", "100", "0.50"])
EASTERN = timezone(timedelta(hours=-4))
MOMENT = st.integers(1_514_764_800, 1_793_000_000).map(
    lambda second: datetime.fromtimestamp(second, EASTERN).isoformat()
)


def some(**values: Any) -> Any:
    """An object with these, of which some may be missing."""
    return st.fixed_dictionaries({}, optional=values)


def whole(needed: Body, **optional: Any) -> Any:
    return st.fixed_dictionaries(needed, optional=optional)


EMPLOYER = (
    "employer", "occupation", "employerAddr1", "employerCity", "employerState", "employerZip", "employerCountry",
)  # fmt: skip
SHIPPING = ("shippingName", "shippingAddr1", "shippingCity", "shippingState", "shippingZip", "shippingCountry")
MERCHANDISE = {"name": WORD, "itemId": st.integers(1, 99), "details": st.just({"color": "red"}) | st.none()}
CODES = st.sampled_from(["refcode", "refcode2", "c3", "utm_source"])
DONOR = whole(
    {"email": st.emails()},
    **dict.fromkeys(("firstname", "lastname", "addr1", "city", "state", "zip"), TEXT),
    phone=st.sampled_from(["2185550147", "(555) 010-7087 x5082", "", None, "+44 20 7946 0000"]),
    country=st.sampled_from(["United States", "Canada", "Atlantis", None, "United Kingdom"]),
    isEligibleForExpressLane=FLAG,
    employerData=some(**dict.fromkeys(EMPLOYER, TEXT)),
)
CONTRIBUTION = {
    "createdAt": MOMENT,
    "contributionForm": st.just("harbor-fund-sms"),
    "refcodes": st.dictionaries(CODES, WORD, max_size=4) | st.none(),
    "creditCardExpiration": st.sampled_from(["11/2029", "", None]),
    "recurringDuration": st.sampled_from([1, 12, "infinite", None]),
    "weeklyRecurringSunset": TEXT,
    "abTestName": TEXT,
    "abTestVariation": TEXT,
    **dict.fromkeys(("isPaypal", "isMobile", "isExpress", "withExpressLane", "expressSignup"), FLAG),
    "uniqueIdentifier": st.uuids().map(str),
    "thanksUrl": st.just("https://secure.actblue.example/thanks/AB7"),
    "textMessageOption": st.sampled_from(["unknown", "opt_in", "opt_out"]),
    "giftDeclined": FLAG | st.none(),
    "giftIdentifier": st.integers(1, 10**6) | st.just("G-1") | st.none(),
    **dict.fromkeys(SHIPPING, TEXT),
    "smartBoostAmount": MONEY | st.none(),
    "customFields": st.lists(st.fixed_dictionaries({"label": WORD, "answer": WORD}), max_size=4),
    "merchandise": st.lists(st.fixed_dictionaries(MERCHANDISE), max_size=2),
    "bumpYourRecurring": st.none() | st.fixed_dictionaries({"recurringUpsellSeen": FLAG, "bumpRecurringLink": WORD}),
}  # fmt: skip
LINEITEM = {
    "sequence": st.integers(0, 40),
    "entityId": st.integers(1, 99_999),
    "fecId": st.just("C00000001") | st.none(),
    "committeeName": WORD,
    "recurringAmount": MONEY | st.none(),
    "amountLessAbFees": MONEY,
    "paymentId": st.integers(1, 10**9),
}
FORM = whole(
    {"name": st.just("harbor-fund-sms")},
    kind=st.sampled_from(["page", "event", "embed"]),
    ownerEmail=st.just("digital@harborfund.example") | st.none(),
    managingEntityName=TEXT,
    managingEntityCommitteeName=TEXT,
)
RECURRENCE = st.sampled_from([("once", False), ("monthly", True), ("weekly", True)])


@st.composite
def contributions(draw: Any) -> Body:
    period, is_recurring = draw(RECURRENCE)
    contribution = draw(some(**CONTRIBUTION)) | {
        "orderNumber": "AB700000123", "status": "approved", "recurringPeriod": period, "isRecurring": is_recurring,
    }  # fmt: skip
    item = draw(some(**LINEITEM)) | {
        "lineitemId": draw(st.integers(1, 10**12)),
        "amount": draw(MONEY),
        "paidAt": draw(MOMENT),
    }
    body = {"donor": draw(DONOR), "contribution": contribution, "lineitems": [item]}
    return body | ({"form": draw(FORM)} if draw(FLAG) else {})


@st.composite
def refunds(draw: Any) -> Body:
    body = draw(contributions())
    times = {
        "refundedAt": draw(MOMENT),
        "disbursedAt": draw(MOMENT | st.none()),
        "recoveredAt": draw(MOMENT | st.none()),
    }
    (item,) = body["lineitems"]
    body = body | {"lineitems": [item | times]}
    for name in draw(st.sets(st.sampled_from(["donor", "contribution", "form"]))):
        body.pop(name, None)
    return body


@st.composite
def cancellations(draw: Any) -> Body:
    ends = {
        "cancelledAt": draw(MOMENT), "recurringType": "initially forever", "recurCompleted": draw(st.integers(0, 40)),
        "recurPledged": draw(st.integers(0, 40)), "cancellationReason": draw(TEXT),
        "cancellationType": draw(st.sampled_from(["Active", "Lapsed", "Other"])),
    }  # fmt: skip
    body = draw(contributions())
    contribution = body["contribution"] | ends | {"recurringPeriod": "monthly", "isRecurring": True}
    del body["lineitems"]
    return body | {"contribution": contribution}


# ---- what one can read in a body ----


def readable(body: Body) -> dict[str, Any]:
    """Every value of a body by its path, as it is meant; what is empty is not there."""
    found: dict[str, Any] = {}
    for part in ("donor", "contribution", "form"):
        found |= {f"{part}.{name}": value for name, value in (body.get(part) or {}).items()}
    for item in body.get("lineitems") or ():
        found |= {f"lineitem.{name}": value for name, value in item.items()}
    found |= {f"employer.{name}": value for name, value in (found.pop("donor.employerData", None) or {}).items()}
    codes = found.pop("contribution.refcodes", None) or {}
    found |= {f"refcodes.{name}": value for name, value in codes.items()}
    for name in ("refcode", "refcode2"):
        flat = found.pop(f"contribution.{name}", None)
        assert flat in (None, codes.get(name))
    # Answers to one question stay in order; which question comes first nobody needs.
    asked = found.pop("contribution.customFields", None) or ()
    found["answers"] = sorted((one["label"], place, one["answer"]) for place, one in enumerate(_by_label(asked)))
    meant = {path: _meant(path, value) for path, value in found.items()}
    return {path: value for path, value in meant.items() if value not in (None, "", [], {})}


def _by_label(asked: Any) -> list[Body]:
    return sorted(asked, key=lambda one: one["label"])


def _meant(path: str, value: Any) -> Any:
    name = path.rpartition(".")[2]
    match name, value:
        case "merchandise", list():
            return [{each: _meant("", inner) for each, inner in entry.items()} for entry in value]
        case "giftIdentifier", int():
            return str(value)
        case "phone", str():
            return value.strip().removeprefix("+1")
        case "country", str():
            return country_code(value) or value
        case _, str() if value and name.endswith("At"):
            return datetime.fromisoformat(value)
        case _, str() if value and "mount" in name:
            return Decimal(value)
        case _, str():
            return value.strip()
        case _:
            return value


def recorded(body: Body) -> Record:
    """As it reaches a sink."""
    ((number, _),) = things_in(body)
    return from_json(to_json(record_of(msgspec.json.decode(msgspec.json.encode(body)), number, "hook", Rules())))


@given(contributions())
def test_a_contribution_says_all_it_said(body: Body) -> None:
    told = readable(body)
    again = readable(body_of(recorded(body)))
    assert {path: again.get(path) for path in told} == told
    added = again.keys() - told.keys()
    assert added <= {"contribution.createdAt", "contribution.contributionForm", "form.name", "lineitem.sequence"}


@given(refunds())
def test_a_refund_says_all_it_said(body: Body) -> None:
    """Of the form its name is enough, and answers were told with the gift."""
    told = {path: value for path, value in readable(body).items() if path not in ("form.kind", "answers")}
    if "contribution" not in body:
        told.pop("form.name", None)
    again = readable(body_of(recorded(body)))
    expected = {path: again.get(path) for path in told if path != "form.name"}
    assert expected == {path: value for path, value in told.items() if path != "form.name"}


@given(cancellations())
def test_a_cancellation_says_all_it_said(body: Body) -> None:
    told = {path: value for path, value in readable(body).items() if path not in ("form.kind", "form.name", "answers")}
    again = readable(body_of(recorded(body)))
    assert {path: again.get(path) for path in told} == told
    assert "lineitems" not in body_of(recorded(body))


@given(contributions() | refunds() | cancellations())
def test_what_is_told_again_is_the_same_kind_of_message_and_becomes_the_same_record(body: Body) -> None:
    first = recorded(body)
    again = recorded(body_of(first))
    assert (again.id, again.kind, again.occurred_at) == (first.id, first.kind, first.occurred_at)
    assert body_of(again) == body_of(first)


def test_a_form_that_a_csv_names_by_its_address_goes_by_its_slug() -> None:
    body = {
        "donor": {"email": "ada@example.org"},
        "contribution": {
            "orderNumber": "AB7",
            "contributionForm": "https://secure.actblue.com/donate/winter?refcode=a",
        },
        "lineitems": [{"lineitemId": 1, "amount": "5.0", "paidAt": "2026-08-03T09:14:11-04:00"}],
    }
    again = body_of(recorded(body))
    assert (again["contribution"]["contributionForm"], again["form"]["name"]) == ("winter", "winter")


# ---- what ActionKit makes of it ----

ORDER = {"orderNumber": "AB700000123", "createdAt": "2026-08-03T09:14:07-04:00", "contributionForm": "winter"}
ADA = {
    "firstname": "ADA", "lastname": "QUILL", "addr1": "77 Larkspur Lane", "city": "Duluth", "state": "MN",
    "zip": "55802-1234", "country": "United States", "isEligibleForExpressLane": True, "email": "ada@example.org",
    "phone": "(218) 555-0147", "employerData": {"employer": "Not employed", "occupation": "Baker"},
}  # fmt: skip
SERIES = ORDER | {
    "recurringPeriod": "monthly", "isRecurring": True, "recurringDuration": "infinite", "status": "approved",
    "refcodes": {"refcode": "sms_1", "refcode2": "seg_b"}, "customFields": [{"label": "Host?", "answer": "Maybe"}],
}  # fmt: skip


def payment(number: int, amount: str, month: int) -> Body:
    item = {
        "lineitemId": number,
        "sequence": number - 1,
        "amount": amount,
        "paidAt": f"2026-{month:02}-03T23:14:11-04:00",
    }
    return {"donor": ADA, "contribution": SERIES, "lineitems": [item], "form": {"name": "winter", "kind": "page"}}


STORY: list[Body] = [
    payment(1, "15.0", 1),
    payment(2, "10.0", 2),
    payment(3, "10.0", 3),
    {
        "donor": ADA | {"email": "bo@example.org"},
        "contribution": ORDER | {"orderNumber": "AB8", "refcodes": {}},
        "lineitems": [{"lineitemId": 9, "amount": "25.77", "paidAt": "2026-04-01T00:00:00-04:00"}],
    },
    {
        "contribution": ORDER,
        "lineitems": [{"lineitemId": 2, "amount": "10.0", "refundedAt": "2026-05-01T10:00:00-04:00"}],
    },
    {"contribution": ORDER | {"cancelledAt": "2026-06-01T10:00:00-04:00", "recurringType": "initially forever"}},
]
TABLES = {
    "core_user": "email, first_name, last_name, city, state, zip, country",
    "core_userfield": "name, value",
    "core_order": "import_id, total, currency, status, payment_method, created_at",
    "core_orderrecurring": "recurring_id, period, amount, status, start",
    "core_transaction": "trans_id, amount, status, type, created_at",
    "core_action": "source, type, created_at",
    "core_page": "name",
}


def state(server: Server) -> dict[str, list[tuple[Any, ...]]]:
    rows = {
        table: server.world.db.rows(f"SELECT {columns} FROM {table} ORDER BY id") for table, columns in TABLES.items()
    }
    return {table: [tuple(row.values()) for row in found] for table, found in rows.items()}


async def as_actblue(sink: Giving, body: Body) -> None:
    """Post it to the receiver as it is."""
    await sink.sink._client.tell_as_actblue(sink.sink._caller, "Default ActBlue", body, is_backfill=True)


async def test_actionkit_is_left_as_if_actblue_had_told_it() -> None:
    async with giving("actionkit.actblue", enabled=True) as straight, giving("actionkit.actblue", enabled=True) as told:
        for body in STORY:
            await as_actblue(straight, body)
            assert await told.deliver(recorded(body)) == Delivered()
            assert state(told.server) == state(straight.server)
        assert len(told.payments()) == 4
        assert told.field("SELECT status FROM core_orderrecurring") == "canceled_by_user"


@pytest.mark.parametrize("times", [2, 3])
async def test_a_story_told_again_changes_nothing(times: int) -> None:
    async with giving("actionkit.actblue", enabled=True) as sink:
        for body in STORY:
            await sink.deliver(recorded(body))
        before = state(sink.server)
        for body in STORY * times:
            assert await sink.deliver(recorded(body)) == Delivered()
        assert state(sink.server) == before
