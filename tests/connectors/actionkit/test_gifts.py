"""What records say about money, by rules that hold for all of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.actionkit.donating.bodies import card_of
from groundswell.connectors.actionkit.donating.gifts import (
    KEY_MAX,
    amount_of,
    donor_of,
    gift_of,
    key_of,
    series_of,
    short,
)
from groundswell.errors import RecordError
from groundswell.record import Donation, Record
from tests.connectors.actionkit.giving import gift, monthly


@given(st.text(max_size=200))
def test_a_key_always_fits_and_is_always_the_same(text: str) -> None:
    key = short(text)
    assert 1 <= len(key) <= KEY_MAX
    assert key.isascii()
    assert short(text) == key == short(key)


@given(st.lists(st.text(max_size=60), min_size=2, max_size=20, unique=True))
def test_two_gifts_have_two_keys(texts: list[str]) -> None:
    assert len({short(text) for text in texts}) == len(texts)


@given(st.decimals(min_value="0.01", max_value="999999999.99", places=2))
def test_amounts_stay_to_the_cent(amount: Decimal) -> None:
    written = amount_of(str(amount))
    assert Decimal(written) == amount
    assert written.partition(".")[2].isdigit()
    assert len(written.partition(".")[2]) == 2


@given(st.text(max_size=20))
def test_what_is_no_sum_of_money_is_refused_and_nothing_else_happens(text: str) -> None:
    try:
        amount = Decimal(amount_of(text))
    except RecordError:
        return
    assert amount == Decimal(text) > 0


def test_a_refund_has_the_key_of_its_gift_and_vendors_do_not_share_any() -> None:
    assert key_of(gift(990011223)) == key_of(gift(990011223, kind="refund")) == "actblue-990011223"
    other = Record("crm:gift/990011223", "donation", "crm", donation=Donation(amount="1"))
    assert key_of(other) == "crm-990011223"
    network = Record(
        "action_network:donation/5a1f0c9e-0000-4000-8000-5f2a9c7e1d44", "donation", "x", donation=Donation()
    )
    assert key_of(network).startswith("gs-")


def test_payments_of_a_series_share_its_key_alone() -> None:
    one, two = gift_of(monthly(1)), gift_of(monthly(2))
    assert one.series == two.series == series_of(monthly(9, kind="cancellation")) == "actblue-AB7"
    assert one.key != two.key
    assert (one.period, gift_of(gift(1, order_id="AB7")).series) == ("months", None)


def test_times_are_naive_utc() -> None:
    assert gift_of(gift(1, at="2026-05-02T11:00:09Z")).at == "2026-05-02T11:00:09"
    assert gift_of(gift(1, at="2026-05-02T11:00:09-04:00")).at == "2026-05-02T15:00:09"


@pytest.mark.parametrize(
    ("person", "address"),
    [
        (
            {"zip": "45402-1234", "state": "OH"},
            {"zip": "45402", "plus4": "1234", "state": "OH", "country": "United States"},
        ),
        ({"zip": "not one", "state": "OH"}, {"state": "OH", "country": "United States"}),
        ({"zip": "75001", "state": "IDF", "country": "FR"}, {"postal": "75001", "region": "IDF", "country": "France"}),
        ({"zip": "75001", "country": "XX"}, {}),
        ({"country": "FR"}, {"country": "France"}),
        ({"city": " ", "zip": ""}, {}),
    ],
)
def test_an_address_that_would_be_refused_or_misread_is_left_out(
    person: dict[str, str], address: dict[str, str]
) -> None:
    donor = donor_of(gift(1, person=person), with_address=True, country="US", user_fields={})
    assert donor == {"email": "ada@example.org", "first_name": "Ada", "last_name": "Quill"} | address
    assert "zip" not in donor_of(gift(1, person=person), with_address=False, country="US", user_fields={})


def test_a_blank_is_not_sent_since_it_might_erase() -> None:
    blank = gift(1, person={"first_name": " ", "last_name": "", "custom": {"employer": " "}})
    fields = {"employer": "custom.employer", "occupation": "custom.occupation"}
    assert donor_of(blank, with_address=True, country="US", user_fields=fields) == {"email": "ada@example.org"}


def test_an_address_that_does_not_say_is_in_the_country_of_the_settings() -> None:
    abroad = donor_of(gift(1, person={"zip": "75001"}), with_address=True, country="FR", user_fields={})
    assert (abroad["postal"], abroad["country"]) == ("75001", "France")


def test_card_numbers_differ_from_gift_to_gift() -> None:
    cards = {card_of(gift_of(gift(number))) for number in range(100)}
    assert len(cards) > 90
    assert all(len(card) == 16 and card.isdigit() for card in cards)
