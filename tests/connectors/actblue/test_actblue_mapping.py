"""ActBlue's bodies as records: everything that is known to be sent, in every shape it was seen in."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from groundswell.connectors.actblue.mapping import Rules, record_of, things_in
from groundswell.connectors.actblue.values import exact
from groundswell.connectors.actionkit.forwarding.actblue import body_of
from groundswell.errors import RecordError
from groundswell.record import Action, Donation, Page, Person, Record, from_json, to_json
from tests.connectors.actblue.webhook_bodies import (
    FORM,
    ORDER,
    PAID_AT_UTC,
    Body,
    cancellation,
    contribution,
    donor,
    gift,
    lineitem,
    refund,
    without,
)

MANAGING = Rules(entities=frozenset(("90210",)), managed_forms=True, subscribe=True)


def read(body: Body, rules: Rules = MANAGING) -> Record:
    ((record_id, _),) = things_in(body, rules)
    return record_of(body, record_id, "gifts", rules)


def person_of(**changes: Any) -> Person:
    person = read(gift(donor=donor(**changes))).person
    assert isinstance(person, Person)
    return person


def donation_of(body: Body) -> Donation:
    donation = read(body).donation
    assert isinstance(donation, Donation)
    return donation


def action_of(body: Body) -> Action:
    action = read(body).action
    assert isinstance(action, Action)
    return action


# ---- the three kinds ----


def test_a_contribution_is_a_donation_with_who_where_and_how_much() -> None:
    body = gift()
    record = read(body)
    assert (record.id, record.kind, record.source) == ("actblue:contribution/990011223", "donation", "gifts")
    assert (record.occurred_at, record.raw) == (PAID_AT_UTC, body)
    assert record.person == Person(
        first_name="ROSALIND",
        last_name="OKAFOR",
        email="r.okafor@example.org",
        phone="2185550147",
        address1="77 Larkspur Lane",
        city="Duluth",
        state="MN",
        zip="55802",
        country="US",
        sms_opt_in=True,
        email_opt_in=True,
        custom={
            "employer": "Harbor School",
            "occupation": "Teacher",
            "employer_address1": None,
            "employer_city": None,
            "employer_state": None,
            "employer_zip": None,
            "employer_country": None,
            "express_lane": "true",
        },
    )
    assert record.action == Action(
        type="donation",
        page=Page(id="harbor-fund-sms", type="page"),
        fields={"Would you host an event?": "Maybe"},
        source_code="sms_20260803",
    )
    donation = donation_of(body)
    assert (donation.amount, donation.currency, donation.recurring, donation.period) == (
        "15.00",
        "USD",
        True,
        "monthly",
    )
    assert (donation.order_id, donation.lineitem_id, donation.recipient) == (ORDER, "990011223", "Harbor Fund")
    assert donation.refcodes == {"refcode": "sms_20260803", "refcode2": "seg_b"}
    assert donation.fields["recurringAmount"] == "10.00"
    assert donation.fields["createdAt"] == "2026-08-03T13:14:07Z"


def test_every_field_that_is_known_to_be_sent_is_kept_under_its_own_name() -> None:
    mapped = {"orderNumber", "refcodes", "refcode", "refcode2", "customFields", "committeeName", "amount", "lineitemId"}
    body = gift(retryUrl=None)
    sent = {*body["contribution"], *body["lineitems"][0], *without(FORM, "name", "kind")}
    assert set(donation_of(body).fields) == sent - mapped


def test_a_key_nobody_knows_stays_in_raw_alone() -> None:
    body = gift(lineitem(brandNew=1), brandNew="2") | {"brandNew": {}}
    assert "brandNew" not in to_json(read(body)).decode()
    assert read(body).raw == body


def test_a_refund_is_the_gift_with_when_it_went_back() -> None:
    record = read(refund())
    assert (record.id, record.kind) == ("actblue:refund/990011223", "refund")
    assert record.occurred_at == "2026-08-05T14:00:00Z"
    donation = donation_of(refund())
    assert (donation.amount, donation.order_id, donation.lineitem_id) == ("15.00", ORDER, "990011223")
    assert {name: donation.fields[name] for name in ("refundedAt", "disbursedAt", "recoveredAt", "paidAt")} == {
        "refundedAt": "2026-08-05T14:00:00Z",
        "disbursedAt": None,
        "recoveredAt": None,
        "paidAt": PAID_AT_UTC,
    }


def test_a_refund_whose_time_stands_in_the_contribution_is_the_same() -> None:
    body = gift(lineitem(refundedAt=None), refundedAt="2026-08-05T10:00:00-04:00")
    assert read(body).occurred_at == donation_of(body).fields["refundedAt"] == "2026-08-05T14:00:00Z"


def test_a_refund_of_a_line_item_alone_is_enough() -> None:
    record = read({"lineitems": refund()["lineitems"]})
    assert (record.kind, record.person) == ("refund", Person())
    assert isinstance(record.donation, Donation)
    assert (record.donation.amount, record.donation.order_id, record.donation.recurring) == ("15.00", UNSET, UNSET)


def test_a_cancellation_is_of_a_series_and_has_no_amount() -> None:
    record = read(cancellation())
    assert (record.id, record.kind) == (f"actblue:cancellation/{ORDER}", "cancellation")
    assert record.occurred_at == "2026-11-02T23:20:00Z"
    donation = donation_of(cancellation())
    assert (donation.order_id, donation.recurring, donation.period, donation.amount) == (ORDER, True, "monthly", UNSET)
    assert donation.recipient == "Harbor Fund"
    names = ("recurringType", "recurCompleted", "recurPledged", "cancellationReason", "cancellationType", "cancelledAt")
    assert [donation.fields[name] for name in names] == [
        "initially forever",
        3,
        4,
        "Budget",
        "Active",
        "2026-11-02T23:20:00Z",
    ]


def test_a_cancellation_without_line_items_is_enough() -> None:
    donation = donation_of({"contribution": cancellation()["contribution"]})
    assert (donation.order_id, donation.recipient) == (ORDER, UNSET)


@pytest.mark.parametrize("status", ["declined", "pending"])
def test_money_that_did_not_come_is_an_action_that_no_sink_of_money_counts(status: str) -> None:
    record = read(gift(status=status))
    assert (record.id, record.kind) == (f"actblue:{status}/990011223", "action")
    assert action_of(gift(status=status)).type == f"donation_{status}"
    assert donation_of(gift(status=status)).amount == "15.00"
    assert record.person != UNSET


def test_money_for_somebody_else_says_who_gave_and_no_amount() -> None:
    body = gift(lineitem(entityId=5), smartBoostAmount="3.0")
    record = read(body)
    assert (record.id, record.kind) == ("actblue:elsewhere/990011223", "action")
    assert action_of(body).type == "donation_elsewhere"
    donation = donation_of(body)
    assert (donation.amount, donation.currency) == (UNSET, UNSET)
    assert b"15.0" not in to_json(record)
    assert not {"recurringAmount", "amountLessAbFees", "smartBoostAmount"} & set(donation.fields)
    assert isinstance(record.person, Person)
    assert (record.person.sms_opt_in, record.person.email_opt_in) == (True, UNSET)


def test_of_several_line_items_the_one_of_the_id_is_read() -> None:
    body = gift(lineitem(1, amount="1.0"), lineitem("2", amount="2.0"), lineitem(3, amount="3.0"))
    records = [record_of(body, record_id, "gifts", MANAGING) for record_id, _ in things_in(body, MANAGING)]
    amounts = [record.donation.amount for record in records if isinstance(record.donation, Donation)]
    assert amounts == ["1.00", "2.00", "3.00"]


# ---- what varies ----


def test_absent_null_and_empty_donors_are_told_apart() -> None:
    assert person_of(email=None, phone="").email is None
    assert person_of(email=None, phone="").phone is None
    body = gift(donor=without(donor(), "email", "phone"))
    person = read(body).person
    assert isinstance(person, Person)
    assert (person.email, person.phone) == (UNSET, UNSET)
    assert read(without(body, "donor")).person == Person(sms_opt_in=True, email_opt_in=True)


def test_names_and_phones_stay_as_they_were_typed() -> None:
    person = person_of(firstname=" ROSALIND ", phone="(555) 010-7087 x5082", zip=55802)
    assert (person.first_name, person.phone, person.zip) == ("ROSALIND", "(555) 010-7087 x5082", "55802")


@pytest.mark.parametrize(("country", "known"), [("Canada", "CA"), ("us", "US"), ("Atlantis", "Atlantis"), (None, None)])
def test_a_country_is_its_code_where_it_is_known(country: str | None, known: str | None) -> None:
    assert person_of(country=country).country == known


def test_employers_come_with_two_keys_too_or_not_at_all() -> None:
    two = person_of(employerData={"employer": "Not employed", "occupation": ""}, isEligibleForExpressLane="false")
    assert two.custom == {"employer": "Not employed", "occupation": None, "express_lane": "false"}
    assert person_of(employerData=None, isEligibleForExpressLane=None).custom == {}


@pytest.mark.parametrize(
    ("changes", "refcodes", "source_code"),
    [
        ({"refcodes": {"refcode": "a", "flyer": "c"}, "refcode2": None}, {"refcode": "a", "flyer": "c"}, "a"),
        ({"refcodes": {"refcode": "a"}, "refcode": "old", "refcode2": "b"}, {"refcode": "a", "refcode2": "b"}, "a"),
        ({"refcodes": None, "refcode": "a", "refcode2": None}, {"refcode": "a"}, "a"),
        ({"refcodes": {}, "refcode": "", "refcode2": ""}, {}, None),
        ({"refcodes": {"refcode": None, "refcode2": 7}, "refcode": None, "refcode2": None}, {"refcode2": "7"}, None),
        ({"refcodes": ["a"], "refcode": "a", "refcode2": None}, {"refcode": "a"}, "a"),
    ],
)  # fmt: skip
def test_refcodes_are_all_kept_and_the_flat_ones_fill_in(
    changes: Body, refcodes: Body, source_code: str | None
) -> None:
    body = gift(**changes)
    assert (donation_of(body).refcodes, action_of(body).source_code) == (refcodes, source_code)


def test_without_any_refcode_the_source_is_unknown() -> None:
    body = gift()
    body["contribution"] = without(contribution(), "refcodes", "refcode", "refcode2")
    assert (donation_of(body).refcodes, action_of(body).source_code) == ({}, UNSET)


@pytest.mark.parametrize(
    ("period", "is_recurring", "known"),
    [
        ("monthly", True, (True, "monthly")),
        ("weekly", "true", (True, "weekly")),
        ("once", False, (False, UNSET)),
        ("once", "false", (False, UNSET)),
        ("monthly", None, (True, "monthly")),
        ("once", None, (False, UNSET)),
        (None, True, (True, UNSET)),
        (None, None, (UNSET, UNSET)),
        ("monthly", False, (False, UNSET)),
    ],
)
def test_a_gift_recurs_when_they_say_so_in_either_way(period: Any, is_recurring: Any, known: Any) -> None:
    donation = donation_of(gift(recurringPeriod=period, isRecurring=is_recurring))
    assert (donation.recurring, donation.period) == known


@pytest.mark.parametrize(("sent", "known"), [(1, 1), (12, 12), ("12", 12), ("infinite", "infinite"), (None, None)])
def test_a_duration_is_a_count_or_infinite(sent: Any, known: Any) -> None:
    assert donation_of(gift(recurringDuration=sent)).fields["recurringDuration"] == known


def test_a_gift_identifier_is_text_whether_it_came_as_number_or_text() -> None:
    for sent in (77, "77"):
        assert donation_of(gift(giftIdentifier=sent)).fields["giftIdentifier"] == "77"


def test_merchandise_is_kept_with_its_details() -> None:
    sent = [{"name": "Shirt", "itemId": 7, "details": {"color": "", "size": "M"}}, {"name": "Mug", "details": None}]
    kept = donation_of(gift(merchandise=sent)).fields["merchandise"]
    assert kept == [
        {"name": "Shirt", "itemId": 7, "details": {"color": None, "size": "M"}},
        {"name": "Mug", "details": None},
    ]


def test_questions_without_a_label_are_numbered_and_answers_may_be_missing() -> None:
    asked = [
        {"label": "Shirt size", "answer": "M"},
        {"label": None, "answer": "yes"},
        {"label": "Volunteer?", "answer": None},
        {"label": "Shirt size", "answer": "L"},
        {"answer": ""},
        "nonsense",
    ]
    assert action_of(gift(customFields=asked)).fields == {
        "Shirt size": ["M", "L"],
        "custom field 2": "yes",
        "Volunteer?": None,
        "custom field 5": None,
    }


def test_the_form_is_told_by_the_contribution_where_it_is_missing() -> None:
    assert action_of(without(gift(), "form")).page == Page(id="harbor-fund-sms")
    assert action_of(without(gift(contributionForm=None), "form")).page is UNSET
    address = "https://secure.actblue.example/donate/harbor-fund?refcode=a"
    assert action_of(without(gift(contributionForm=address), "form")).page == Page(id="harbor-fund", url=address)


@pytest.mark.parametrize("amount", [25.77, "25.77"])
def test_amounts_in_json_are_exact_in_either_form(amount: float | str) -> None:
    body = msgspec.json.Decoder(float_hook=exact).decode(msgspec.json.encode(gift(lineitem(amount=amount))))
    record = read(body)
    assert isinstance(record.donation, Donation)
    assert record.donation.amount == "25.77"
    assert from_json(to_json(record)).donation == record.donation


def test_a_gift_that_does_not_say_when_it_was_paid_was_paid_when_it_was_given_unless_it_recurs() -> None:
    once = gift(lineitem(paidAt=None), isRecurring=False)
    assert read(once).occurred_at == "2026-08-03T13:14:07Z"
    assert read(gift(without(lineitem(), "paidAt"))).occurred_at is UNSET


def test_the_second_month_has_the_same_order_and_is_a_record_of_its_own() -> None:
    second = gift(lineitem(990011999, sequence=1, amount="10.0", paidAt="2026-09-03T09:14:11-04:00"))
    first, later = read(gift()), read(second)
    assert first.id != later.id
    assert donation_of(gift()).order_id == donation_of(second).order_id
    assert (later.occurred_at, donation_of(second).amount) == ("2026-09-03T13:14:11Z", "10.00")


def test_what_is_read_can_be_told_to_actionkits_own_receiver() -> None:
    told = body_of(read(gift()))
    assert told["lineitems"][0]["lineitemId"] == 990011223
    assert told["contribution"]["recurringPeriod"] == "monthly"
    assert body_of(read(refund()))["lineitems"][0]["refundedAt"].startswith("2026-08-05T14:00:00")
    assert body_of(read(cancellation()))["contribution"]["recurPledged"] == 4


# ---- what cannot be read ----


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "no_lineitem"),
        (gift() | {"lineitems": None}, "no_lineitem"),
        (gift(lineitem("n/a")), "no_lineitem_id"),
        (gift() | {"lineitems": [5]}, "no_lineitem_id"),
        (gift(status="chargeback"), "unknown_status"),
        (cancellation(orderNumber=None), "no_order"),
        (gift(lineitem(entityId=None)), "no_entity"),
        (gift(lineitem(amount="-5.0")), "bad_amount"),
        (gift(lineitem(amount="NaN")), "bad_amount"),
        (refund(amount="-15.0"), "bad_amount"),
        (gift(lineitem(paidAt="soon")), "bad_time"),
        (refund(refundedAt="soon"), "bad_time"),
        (cancellation(cancelledAt=True), "bad_time"),
    ],
)
def test_what_cannot_be_read_says_why_and_nothing_of_what_came(body: Body, reason: str) -> None:
    with pytest.raises(RecordError) as refused:
        read(body)
    assert refused.value.reason == reason
    assert str(refused.value).startswith("actblue: ")
    for personal in ("okafor", "ROSALIND", "5550147", "soon", "chargeback", "n/a"):
        assert personal not in str(refused.value)


def test_odd_values_beside_the_amount_are_kept_as_they_came() -> None:
    odd = lineitem(recurringAmount="n/a", sequence="first", fecId=["C1"], disbursedAt="later")
    fields = donation_of(gift(odd, isPaypal="maybe", createdAt=5)).fields
    assert (fields["recurringAmount"], fields["sequence"], fields["fecId"]) == ("n/a", "first", ["C1"])
    assert (fields["disbursedAt"], fields["isPaypal"], fields["createdAt"]) == ("later", "maybe", 5)


nonsense = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)
LEAVES = [
    (part, name)
    for part, names in (
        ("donor", donor()),
        ("contribution", contribution(refundedAt=None, cancelledAt=None)),
        ("lineitems", lineitem(refundedAt=None)),
        ("form", FORM),
        ("", gift()),
    )
    for name in names
]


def texts_in(value: Any) -> list[str]:
    """Every text anywhere in it, names aside."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in texts_in(one)]
    if isinstance(value, list):
        return [text for one in value for text in texts_in(one)]
    return [value] if isinstance(value, str) else []


@given(
    st.sampled_from([gift, refund, cancellation]),
    st.lists(st.tuples(st.sampled_from(LEAVES), st.just(...) | nonsense), min_size=1, max_size=5),
    st.sampled_from([Rules(), MANAGING]),
)
def test_whatever_is_missing_or_of_another_kind_only_a_record_or_a_reason_comes_out(
    make: Any, changes: list[tuple[tuple[str, str], Any]], rules: Rules
) -> None:
    body = make()
    for (where, name), value in changes:
        part = body if where == "" else body.get(where)
        part = part[0] if isinstance(part, list) and part else part
        if isinstance(part, dict):
            changed = without(part, name) if value is ... else part | {name: value}
            body = changed if where == "" else body | {where: [changed] if where == "lineitems" else changed}
    for record_id, word in things_in(body, rules):
        if word == "not_ours":
            continue
        try:
            record = record_of(body, record_id, "gifts", rules)
        except RecordError as refused:
            assert refused.reason  # noqa: PT017 - whether it raises is up to what was drawn
            continue
        assert from_json(to_json(record)).id == record_id == record.id
        assert "" not in texts_in(msgspec.json.decode(to_json(record)))
