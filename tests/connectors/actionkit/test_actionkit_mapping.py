"""Their JSON as records: what is known, what is known to be empty, what is not known; and the ids of it all."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from groundswell.component import Arrival
from groundswell.connectors.actionkit.mapping import once, read_arrival, state
from groundswell.connectors.actionkit.people import country_of, person_of
from groundswell.errors import RecordError
from groundswell.record import Person, Record

ADA: dict[str, Any] = {
    "id": 7001,
    "resource_uri": "/rest/v1/user/7001/",
    "email": "ada@example.org",
    "first_name": "Ada",
    "last_name": "",
    "address1": " 12 Main Street ",
    "city": "Dayton",
    "state": "OH",
    "region": "OH",
    "zip": "45402",
    "postal": "45402",
    "country": "United States",
    "source": "website",
    "lang": "/rest/v1/language/100/",
    "token": ".7001.AbC-_9",
    "subscription_status": "subscribed",
    "fields": {"sms_opt_in": "Yes please", "issue": ["water", "trees"], "blank": ""},
    "phones": [
        {"id": 84, "type": "work", "phone": "937-555-0111", "updated_at": "2024-01-01T00:00:00"},
        {"id": 83, "type": "mobile", "phone": "(937) 555-0100", "updated_at": "2020-01-01T00:00:00"},
        {"id": 85, "type": "home_fax", "phone": "937-555-0199", "updated_at": "2025-01-01T00:00:00"},
    ],
    "groups": [{"name": "speaks french", "resource_uri": "/rest/v1/usergroup/12/"}],
    "created_at": "2023-01-02T03:04:05",
    "updated_at": "2024-05-06T07:08:09",
    "actions": "/rest/v1/action/?user=7001",
    "logintoken": "/rest/v1/user/7001/logintoken/",
}
ACTION: dict[str, Any] = {
    "id": 5001,
    "resource_uri": "/rest/v1/petitionaction/5001/",
    "type": "Petition",
    "user": "/rest/v1/user/7001/",
    "page": "/rest/v1/petitionpage/10/",
    "status": "complete",
    "source": "may-email",
    "created_user": False,
    "fields": {"comment": "Mend it", "colour": ["blue", "red"]},
    "mailing": "/rest/v1/mailing/12/",
    "created_at": "2024-03-01T10:00:00.123456",
}


def read(arrival: Arrival) -> Record:
    return read_arrival(arrival, "crm")


def person(**changes: Any) -> Person:
    return person_of({**ADA, **changes})


def test_a_user_is_a_person_in_the_words_of_the_field() -> None:
    record = read(state("user", ADA))
    assert record.kind == "person"
    assert record.occurred_at == "2024-05-06T07:08:09Z"
    assert record.person == Person(
        first_name="Ada",
        last_name=None,
        email="ada@example.org",
        phone="(937) 555-0100",
        address1="12 Main Street",
        city="Dayton",
        state="OH",
        zip="45402",
        country="US",
        email_opt_in=True,
        custom={
            "sms_opt_in": "Yes please",
            "issue": ["water", "trees"],
            "source": "website",
            "mobile_phone": "(937) 555-0100",
            "work_phone": "937-555-0111",
            "home_fax_phone": "937-555-0199",
            "usergroups": ["speaks french"],
        },
        ids={"actionkit": "7001"},
    )


def test_an_opt_in_word_is_not_read_here() -> None:
    assert person().sms_opt_in is UNSET
    assert person().custom["sms_opt_in"] == "Yes please"


def test_what_a_push_leaves_out_is_unknown_and_what_is_empty_is_known_to_be() -> None:
    found = person_of({"id": 7, "email": "ada@example.org", "city": ""})
    assert found == Person(email="ada@example.org", city=None, ids={"actionkit": "7"})
    assert found.first_name is UNSET


def test_phones_that_are_only_addresses_are_unknown() -> None:
    assert person(phones=["/rest/v1/phone/83/"]).phone is UNSET
    assert person(phones=[]).phone is None


def test_a_fax_is_no_phone() -> None:
    found = person(phones=[{"id": 1, "type": "work_fax", "phone": "937-555-0100"}])
    assert found.phone is None
    assert found.custom["work_fax_phone"] == "937-555-0100"


def test_of_two_mobiles_the_newer_is_the_phone() -> None:
    phones = [
        {"id": 9, "type": "mobile", "phone": "937-555-0102", "updated_at": "2020-01-01T00:00:00"},
        {"id": 2, "type": "mobile", "phone": "937-555-0101", "updated_at": "2024-01-01T00:00:00.5"},
    ]
    found = person(phones=phones)
    assert found.phone == "937-555-0101"
    assert found.custom["mobile_phone"] == ["937-555-0102", "937-555-0101"]


@pytest.mark.parametrize(
    ("status", "opt_in"),
    [("subscribed", True), ("unsubscribed", False), ("bounced", UNSET), ("never", UNSET), ("blocked", UNSET)],
)
def test_only_what_somebody_said_is_an_opt_in(status: str, opt_in: object) -> None:
    found = person(subscription_status=status)
    assert found.email_opt_in is opt_in
    assert ("subscription_status" in found.custom) is (opt_in is UNSET)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("France", "FR"),
        ("United Kingdom", "GB"),
        ("Viet Nam", "VN"),
        ("us", "US"),
        ("Ruritania", "Ruritania"),
        ("", None),
    ],
)
def test_countries_are_codes_where_that_is_sure(name: str, code: str | None) -> None:
    assert country_of({"country": name}) == code


def test_an_address_elsewhere_has_a_region_and_a_postal_code() -> None:
    found = person(state="", zip="", region="Nova Scotia", postal="B3H 1A1", country="Canada")
    assert (found.state, found.zip, found.country) == ("Nova Scotia", "B3H 1A1", "CA")


def test_a_user_field_is_not_overwritten_by_what_we_put_beside_it() -> None:
    assert person(fields={"source": "a friend"}).custom["source"] == "a friend"


def test_an_action_has_one_id_whoever_brings_it() -> None:
    record = read(once("action", 5001, {"action": ACTION, "user": ADA}))
    assert record.id == "actionkit:action/5001"
    assert record.kind == "action"
    assert record.occurred_at == "2024-03-01T10:00:00Z"
    assert record.action
    assert record.action.type == "signature"
    assert record.action.page
    assert (record.action.page.id, record.action.page.type) == ("10", "petition")
    assert record.action.fields == {"comment": "Mend it", "colour": ["blue", "red"]}
    assert record.action.source_code == "may-email"
    assert record.action.referrer == {"mailing": "12", "status": "complete", "created_user": False}
    assert record.person
    assert record.person.email == "ada@example.org"


def test_a_user_who_did_not_do_it_is_not_taken_for_the_one_who_did() -> None:
    record = read(once("action", 5001, {"action": ACTION, "user": {**ADA, "id": 7002}}))
    assert record.person == Person(ids={"actionkit": "7001"})


def test_an_action_alone_still_says_whose_it_is() -> None:
    assert read(once("action", 5001, {"action": ACTION})).person == Person(ids={"actionkit": "7001"})


def test_a_login_token_is_not_kept() -> None:
    assert b"AbC-_9" not in state("user", ADA).raw
    assert b"logintoken" not in state("user", ADA).raw


def test_a_state_is_known_again_whatever_its_keys_and_fractions() -> None:
    shuffled = dict(reversed(ADA.items())) | {
        "updated_at": "2024-05-06T07:08:09.654321",
        "phones": ADA["phones"][::-1],
        "token": ".7001.other",
    }
    assert state("user", shuffled).id == state("user", ADA).id
    assert state("user", ADA).id.startswith("actionkit:user/7001@2024-05-06T07:08:09Z.")


def test_a_field_that_changes_under_the_same_stamp_is_another_state() -> None:
    changed = ADA | {"fields": ADA["fields"] | {"sms_opt_in": "STOP"}}
    assert state("user", changed).id != state("user", ADA).id


def test_what_changed_beside_a_user_dates_its_state() -> None:
    arrival = state("user", ADA, changed_at=1_777_719_609)
    assert arrival.id.startswith("actionkit:user/7001@2026-05-02T11:00:09Z.")
    assert read(arrival).occurred_at == "2026-05-02T11:00:09Z"
    assert state("user", ADA, changed_at=1).id == state("user", ADA).id


def test_fields_of_events_are_a_list_and_names_repeat() -> None:
    entries = [{"name": "tag", "value": "a"}, {"name": "tag", "value": "b"}, {"name": "room", "value": "2"}]
    event = {"id": 3, "title": "Picnic", "fields": entries, "signups": ["/rest/v1/eventsignup/1/"], "status": "active"}
    record = read(state("event", event))
    assert record.kind == "page"
    assert record.action
    assert record.action.fields == {"tag": ["a", "b"], "room": "2", "status": "active"}
    assert state("event", event | {"signups": []}).id == state("event", event).id


def money(**transaction: Any) -> dict[str, Any]:
    return {
        "transaction": {"id": 95, "order": "/rest/v1/order/9001/", "type": "sale", "status": "completed",
                        "amount": "34.00", "currency": "GBP", "created_at": "2024-02-11T00:00:00"} | transaction,
        "order": {"id": 9001, "user": "/rest/v1/user/7001/", "action": "/rest/v1/donationaction/5003/",
                  "import_id": "AB39502", "orderrecurrings": ["/rest/v1/orderrecurring/61/"]},
        "user": ADA,
    }  # fmt: skip


def test_a_charge_is_a_donation_of_whoever_ordered() -> None:
    record = read(once("transaction", 95, money(amount="34.0000000000")))
    assert record.kind == "donation"
    assert record.donation
    assert (record.donation.amount, record.donation.currency) == ("34.00", "GBP")
    assert (record.donation.order_id, record.donation.recurring) == ("9001", True)
    assert record.donation.fields["import_id"] == "AB39502"
    assert record.donation.fields["action"] == "5003"
    assert record.person
    assert record.person.email == "ada@example.org"


@pytest.mark.parametrize("amount", ["thirty", 34.5, True, ["34.00"], "1e5"])
def test_an_amount_that_is_no_decimal_number_is_not_guessed(amount: Any) -> None:
    with pytest.raises(RecordError, match="nothing was guessed") as caught:
        read(once("transaction", 95, money(amount=amount)))
    assert caught.value.reason == "bad_amount"


def test_a_profile_that_was_stopped_is_a_cancellation() -> None:
    profile = {"id": 61, "order": "/rest/v1/order/9001/", "user": "/rest/v1/user/7001/", "amount": "5.00",
               "currency": "EUR", "period": "months", "status": "canceled_by_user",
               "updated_at": "2024-05-01T00:00:00"}  # fmt: skip
    record = read(once("cancellation", 61, {"orderrecurring": profile}))
    assert (record.kind, record.occurred_at) == ("cancellation", "2024-05-01T00:00:00Z")
    assert record.donation
    assert (record.donation.period, record.donation.recurring, record.donation.order_id) == ("months", True, "9001")
    assert record.person == Person(ids={"actionkit": "7001"})


def test_an_id_of_no_kind_is_a_dead_letter() -> None:
    with pytest.raises(RecordError) as caught:
        read(Arrival("actionkit:spaceship/1", b"{}"))
    assert caught.value.reason == "unknown_type"


def test_parts_that_are_missing_are_named() -> None:
    with pytest.raises(RecordError, match="there is no action in what came"):
        read(Arrival("actionkit:action/1", b'{"user": {}}'))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(ADA)), _JSON))
def test_whatever_stands_in_a_user_is_read_without_a_blank(odd: dict[str, Any]) -> None:
    record = read(state("user", ADA | {"id": 1} | {name: value for name, value in odd.items() if name != "id"}))
    assert record.person
    assert all(getattr(record.person, name) != "" for name in ("first_name", "email", "phone", "city", "country"))
    assert "" not in record.person.custom.values()
