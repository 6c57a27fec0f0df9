"""Every parameter ActionKit's page on action processing names: sent by a sink, and heeded by a simulated ActionKit."""

from dataclasses import dataclass
from typing import Any, Final

import pytest

from groundswell.component import Delivered
from groundswell.record import Donation, Person, Record
from tests.connectors.actionkit.sinking import ROSA, sent_to, signed, sinking

NAMED: Final = frozenset(
    (
        "page", "email", "akid", "prefix", "first_name", "middle_name", "last_name", "suffix", "name", "address1",
        "address2", "city", "state", "zip", "postal", "region", "country", "phone", "phone_type", "home_phone",
        "home_fax_phone", "work_fax_phone", "work_phone", "mobile_phone", "emergency_phone", "user_favorite_color",
        "action_comments", "taf_note", "taf_subject", "taf_emails", "referring_akid", "opt_in", "lists", "required",
        "skip_confirmation", "plus4",
        # donations
        "payment_account", "card_num", "card_code", "exp_date_month", "exp_date_year", "amount_other", "created_at",
        "donation_date", "product_1", "candidate_1", "shipping_address1", "shipping_address2", "shipping_city",
        "shipping_state", "shipping_zip",
    )
)  # fmt: skip
"""`user_` and `action_` stand for any field, `product_1` and `candidate_1` for any number."""


@dataclass(frozen=True, slots=True)
class Case:
    settings: dict[str, Any]
    record: Record
    sent: dict[str, Any]
    """What of the request it is about."""
    there: str
    """What is to be seen there then, as a query..."""
    seen: tuple[Any, ...]
    """...and its one row."""
    sink: str = "actionkit.actions"


def by_path(*names: str) -> dict[str, Any]:
    """Settings that fill parameters from the custom fields of the same names."""
    return {"page": "signup", "parameters": {name: f"custom.{name}" for name in names}}


def rosa(**custom: Any) -> Record:
    return signed(email=ROSA, custom=custom)


def gift(fields: dict[str, Any] | None = None, **donation: Any) -> Record:
    who = Person(email=ROSA, first_name="Rosa", last_name="Quill")
    told = Donation(amount="25.00", fields=fields or {}, **donation)
    return Record("crm:gift/1", "donation", "gifts", "2026-03-01T09:00:00Z", who, donation=told)


STUB: Final = {"enabled": True, "way": "stub", "page": "donate", "settle": "5s"}
PARTS: Final = {"prefix": "Dr.", "middle_name": "Ana", "suffix": "Jr."}
KINDS: Final = ("home", "home_fax", "work_fax", "work", "emergency")
PHONES: Final = {f"{kind}_phone": f"503-555-01{at:02}" for at, kind in enumerate(KINDS)}
SHIPPED: Final = {
    "shipping_address1": "12 Alder St", "shipping_address2": "Apt 4", "shipping_city": "Dayton",
    "shipping_state": "OH", "shipping_zip": "45402",
}  # fmt: skip
TAF: Final = {"taf_note": "Look", "taf_subject": "A crossing", "taf_emails": ["ida@example.org", "leo@example.org"]}
USER: Final = f"FROM core_user WHERE email = '{ROSA}'"
TAKEN: Final = f"FROM core_action WHERE user_id = (SELECT id {USER}) ORDER BY id DESC LIMIT 1"
SALE: Final = "FROM core_order WHERE action_id = (SELECT max(id) FROM core_action)"

CASES: Final = {
    "an address in the US": Case(
        {"page": "signup"},
        signed(email=ROSA, first_name="Rosa", last_name="Quill", phone="+15035550144", address1="12 Alder St",
               address2="Apt 4", city="Dayton", state="OH", zip="45402-1234"),
        {"page": "signup", "email": ROSA, "first_name": "Rosa", "last_name": "Quill", "mobile_phone": "+15035550144",
         "address1": "12 Alder St", "address2": "Apt 4", "city": "Dayton", "state": "OH", "zip": "45402",
         "plus4": "1234", "country": "United States"},
        f"SELECT first_name, address2, state, zip, plus4, postal, country {USER}",
        ("Rosa", "Apt 4", "OH", "45402", "1234", "45402", "United States"),
    ),
    "an address abroad": Case(
        {"page": "signup"}, signed(email=ROSA, city="Lyon", state="Rhône", zip="69001", country="FR"),
        {"city": "Lyon", "region": "Rhône", "postal": "69001", "country": "France"},
        f"SELECT region, postal, state, zip, country {USER}", ("Rhône", "69001", "", "", "France"),
    ),
    "names in parts": Case(
        by_path(*PARTS), rosa(**PARTS), PARTS, f"SELECT prefix, middle_name, suffix {USER}", ("Dr.", "Ana", "Jr.")
    ),
    "a whole name": Case(
        by_path("name"), rosa(name="Rosa Ana Quill"), {"name": "Rosa Ana Quill"},
        f"SELECT first_name, middle_name, last_name {USER}", ("Rosa", "Ana", "Quill"),
    ),
    "a phone and its type": Case(
        by_path("phone", "phone_type"), rosa(phone="503-555-0199", phone_type="work"),
        {"phone": "503-555-0199", "phone_type": "work"},
        "SELECT type, normalized_phone FROM core_phone ORDER BY id DESC LIMIT 1", ("work", "5035550199"),
    ),
    "phones by type": Case(
        by_path(*PHONES), rosa(**PHONES), PHONES,
        f"SELECT group_concat(DISTINCT type) FROM (SELECT type FROM core_phone WHERE user_id = (SELECT id {USER}) "
        "ORDER BY type)", ("emergency,home,home_fax,work,work_fax",),
    ),
    "fields": Case(
        {"page": "signup", "user_fields": {"favorite_color": "custom.colour"}},
        signed(email=ROSA, custom={"colour": "red"}, fields={"Comments": "yes"}),
        {"user_favorite_color": "red", "action_comments": "yes"},
        "SELECT u.value, a.value AS said FROM core_userfield u, core_actionfield a WHERE u.name = 'favorite_color' "
        "AND a.name = 'comments' ORDER BY u.id DESC, a.id DESC LIMIT 1", ("red", "yes"),
    ),
    "tell a friend": Case(by_path(*TAF), rosa(**TAF), TAF, f"SELECT taf_emails_sent {TAKEN}", (2,)),
    "lists": Case(
        {"page": "signup", "subscribe": ["action"], "lists": [2]}, signed(email=ROSA, email_opt_in=True),
        {"lists": [2], "opt_in": 1},
        f"SELECT group_concat(list_id) FROM core_subscription WHERE user_id = (SELECT id {USER})", ("2",),
    ),
    "what is required, and no email": Case(
        {"page": "signup", "required": ["last_name", "zip"]}, signed(email=ROSA, last_name="Quill", zip="45402"),
        {"required": ["last_name", "zip"], "skip_confirmation": 1}, f"SELECT last_name, zip {USER}", ("Quill", "45402"),
    ),
    "a gift": Case(
        STUB | {"payment_account": "Your Stub Account"}, gift(),
        {"page": "donate", "payment_account": "Your Stub Account", "card_code": "007", "exp_date_month": "12",
         "amount_other": "25.00", "created_at": "2026-03-01T09:00:00", "email": ROSA},
        f"SELECT total, account, status, created_at {SALE}",
        ("25.00", "Your Stub Account", "completed", "2026-03-01 09:00:00"), "actionkit.donations",
    ),
    "a gift whose action is of today": Case(
        STUB | {"dated": "donation_date"}, gift(), {"donation_date": "2026-03-01T09:00:00"},
        f"SELECT created_at, (SELECT created_at FROM core_action WHERE id = action_id) > '2026-03-02' AS late {SALE}",
        ("2026-03-01 09:00:00", 1), "actionkit.donations",
    ),
    "a purchase": Case(
        STUB, gift({"product_1": 1} | SHIPPED), {"product_1": "1", "amount_other": "5.00"} | SHIPPED,
        f"SELECT (SELECT quantity FROM core_order_detail WHERE order_id = core_order.id), (SELECT zip FROM "
        f"core_order_shipping_address WHERE id = shipping_address_id) {SALE}", (1, "45402"), "actionkit.donations",
    ),
    "a candidate": Case(
        STUB | {"candidates": {"Okafor": 1}}, gift(recipients=[{"display_name": "Okafor", "amount": "25.00"}]),
        {"candidate_1": "25.00"},
        f"SELECT (SELECT amount FROM core_order_detail WHERE order_id = core_order.id) {SALE}", ("25.00",),
        "actionkit.donations",
    ),
}  # fmt: skip
BY_TOKEN: Final = ("akid", "referring_akid")
OF_ANY_GIFT: Final = ("card_num", "exp_date_year")
"""Which differ from gift to gift and from year to year: see the examples."""


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
async def test_a_parameter_is_sent_and_heeded(case: Case) -> None:
    async with sinking(case.sink, **case.settings) as it:
        outcome, (body,) = await sent_to(it, "action/", case.record)
        assert outcome == Delivered()
        assert {name: body.get(name) for name in case.sent} == case.sent
        (row,) = it.server.control.rows(case.there)
        assert tuple(row.values()) == case.seen


@pytest.mark.parametrize("name", BY_TOKEN)
async def test_an_akid_says_who_did_it_and_who_sent_them(name: str) -> None:
    settings: dict[str, Any] = {"page": "signup", "parameters": {name: "action.fields.token"}}
    async with sinking("actionkit.actions", users=3, **settings) as it:
        token = it.server.control.user(2)["token"]
        who: dict[str, Any] = {"first_name": "Rosalind"} if name == "akid" else {"email": ROSA}
        outcome, (body,) = await sent_to(it, "action/", signed(fields={"token": token}, **who))
        assert outcome == Delivered()
        assert body[name] == token
        (taken,) = it.server.control.rows("SELECT * FROM core_action ORDER BY id DESC LIMIT 1")
        assert taken["user_id" if name == "akid" else "referring_user_id"] == 2


def test_no_parameter_of_the_page_is_left_out() -> None:
    told = {name for case in CASES.values() for name in case.sent} | {*BY_TOKEN, *OF_ANY_GIFT}
    assert told == NAMED
