"""Whatever is sent, it is answered as theirs would: no call breaks the simulator."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import MultiDict

from groundswell.connectors.actionkit.simulator.instance import Arrived
from groundswell.connectors.actionkit.simulator.state.catalogue import LOOSE, RESOURCES
from tests.connectors.actionkit.simulated import AUTHORIZATION, Desk

NAMES = (
    "page", "email", "akid", "user", "name", "title", "type", "phone", "phone_type", "list", "lists", "opt_in", "zip",
    "postal", "country", "required", "user_sms_opt_in", "action_a", "fields", "phones", "groups", "tags", "followup",
    "card_num", "card_code", "amount_other", "amount", "product_1", "candidate_1", "payment_account", "created_at",
    "donation_date", "event_id", "order", "order_id", "recurring_id", "canceled_by", "donationpage", "action",
    "status", "query", "refresh", "cache_duration", "referring_akid", "mailing_id", "unsub_lists",
    "have_unsub_lists", "event", "creator", "campaign", "primary_user", "users", "ttl", "sql", "short_name",
    "required_fields", "contribution", "lineitems", "donor", "lineitemId", "refundedAt", "cancelledAt", "orderNumber",
    "starts_at", "max_attendees", "import_id", "trans_id", "success", "lang", "rand_id",
)  # fmt: skip
VALUES = (
    "signup", "donate", "unsubscribe", "come_to_a_festival", "host_a_festival", "rosa@example.org", "45402", "1", "0",
    "true", "007", "25.00", "1e400", "NaN", "-5", "Default Import Stub", "2026-06-06T10:00:00Z", "0001-01-01",
    "/rest/v1/user/1/", "/rest/v1/page/1/", "SELECT * FROM core_user", "SELECT {{ a }}", "mobile", ".1.x", "1.1.x", "",
    "99/99/99", "\x00", "9" * 25, "9999-12-31T23:59:59-23:59",
)  # fmt: skip
SPECIAL = (
    "donationpush", "recurringpaymentpush", "profileupdatepush", "profilecancelpush", "eraser", "usermerge",
    "user/1/logintoken", "order/1/reverse", "transaction/1/reverse", "orderrecurring/1/cancel", "report/run/sql",
    "report/run/users", "report/background/users", "mailer/1/queue", "mailer/1/copy", "upload",
    "campaign/1/event_search", "backgroundtask/1", "report/download/1", "location/1", "userpublic/.1.x",
)  # fmt: skip
PATHS = (
    *RESOURCES,
    *(f"{name}/1" for name in RESOURCES),
    *(f"{name}/sms_opt_in" for name in RESOURCES),
    *LOOSE,
    *SPECIAL,
)

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(VALUES)
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)
bodies = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), values, max_size=10)
FINE = {200, 201, 202, 204, 301, 400, 404, 405, 409}


@given(
    calls=st.lists(
        st.tuples(st.sampled_from(("POST", "PUT", "PATCH", "DELETE")), st.sampled_from(PATHS), bodies), max_size=8
    )
)
@settings(max_examples=120, deadline=None)
def test_a_body_of_anything_is_answered(calls: list[tuple[str, str, Any]]) -> None:
    desk = Desk(users=3, upload_500_for_400=False)
    for method, path, body in calls:
        outcome = desk.call(method, f"{path}/", _encodable(body))
        assert outcome.status in FINE, outcome
        msgspec.json.encode(outcome.answer.body)
    for resource in RESOURCES:
        desk.get(f"{resource}/", _limit=100)


@given(
    page=st.sampled_from(("signup", "donate", "unsubscribe", "host_a_festival", "come_to_a_festival", "nope")),
    body=bodies,
)
@settings(max_examples=150, deadline=None)
def test_an_action_of_anything_is_answered(page: str, body: dict[str, Any]) -> None:
    desk = Desk(users=1)
    sent = _encodable({"email": "rosa@example.org", **body, "page": page})
    assert desk.call("POST", "action/", sent, authorization=None).status in (201, 400)


@given(
    path=st.sampled_from(tuple(RESOURCES)),
    query=st.dictionaries(
        st.tuples(
            st.sampled_from((*NAMES, "id", "user", "updated_at")),
            st.sampled_from(
                ("", "__in", "__gt", "__range", "__isnull", "__icontains", "__user__email", "__exact", "__")
            ),
        ).map("".join),
        st.sampled_from(VALUES) | st.text(max_size=10),
        max_size=3,
    ),
    limit=st.sampled_from(VALUES),
    order=st.sampled_from(("id", "-id", "", "-", ",,", "name", "nothing")),
)
@settings(max_examples=150, deadline=None)
def test_a_get_of_anything_is_answered(path: str, query: dict[str, str], limit: str, order: str) -> None:
    desk = Desk(id_filters=True, updated_at_filters=True)
    outcome = desk.call("GET", f"{path}/", query=query | {"_limit": limit, "order_by": order})
    assert outcome.status in (200, 400), outcome


@given(
    body=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")),
    kind=st.sampled_from(("application/json", "application/xml", "application/x-www-form-urlencoded", "text/plain")),
)
@settings(deadline=None)
def test_bytes_of_any_kind_are_answered(body: bytes, kind: str) -> None:
    desk = Desk()
    arrived = Arrived("POST", "action/", MultiDict(), body=body, content_type=kind, authorization=AUTHORIZATION)
    assert desk.instance.take(arrived).status in (201, 400)


@given(body=bodies)
@settings(deadline=None)
def test_actblues_receiver_answers_anything(body: dict[str, Any]) -> None:
    desk = Desk()
    content = msgspec.json.encode(_encodable(body) or {})
    arrived = Arrived("POST", "", MultiDict(), body=content, authorization=AUTHORIZATION, is_actblue=True)
    assert desk.instance.take(arrived).status in (200, 400)


@given(text=st.text(max_size=80))
@settings(deadline=None, max_examples=60)
def test_an_uploaded_file_of_anything_is_worked_through(text: str) -> None:
    desk = Desk(upload_rows_per_s=1e9)
    content = f"email,user_id,zip,created_at,donation_amount\n{text}".encode("utf-8", "replace")
    outcome = desk.call("POST", "upload/", form={"page": "groundswell_import"}, upload=content)
    assert outcome.status in (201, 500)
    desk.clock.set_calendar(1)
    desk.instance.settle()
    desk.get("uploaderror/")


def _encodable(body: Any) -> Any:
    """JSON knows no NaN, and msgspec writes null for it; a lone surrogate cannot be sent."""
    try:
        return msgspec.json.decode(msgspec.json.encode(body))
    except (UnicodeEncodeError, msgspec.DecodeError):
        return None
