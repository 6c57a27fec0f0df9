"""ActBlue's gifts at a simulated ActionKit: a page for each form, what was asked there, and series in any order."""

import re
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import ValidationError
from structlog.testing import capture_logs

from groundswell.component import Delivered, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.actionkit.actions_settings import PAGE
from groundswell.connectors.actionkit.donating.answers import NAME_MAX, free_fields
from groundswell.connectors.actionkit.donating.pages import filled
from groundswell.connectors.actionkit.donations_settings import ActionKitDonationsSettings
from groundswell.errors import UnauthorizedError
from groundswell.record import UNSET, Action, Donation, Page, Record
from tests.connectors.actionkit.giving import Giving, gift, giving, monthly

FORMS = {"enabled": True, "page": "actblue_{action.page.id}", "page_without_form": "actblue_other"}
FIXED = {"enabled": True, "page": "given_elsewhere"}
STUB = {"enabled": True, "page": "donate", "way": "stub"}


def on_form(record: Record, form: str | None, **action: Any) -> Record:
    """A gift made on a form of ActBlue's; None: nobody knows on which."""
    page = UNSET if form is None else Page(id=form, type="page")
    return replace(record, action=Action(type="donation", page=page, **action))


def pages(sink: Giving) -> list[str]:
    """Of every donation action, in order."""
    sql = (
        "SELECT p.name FROM core_action a JOIN core_page p ON p.id = a.page_id WHERE a.type = 'Donation' ORDER BY a.id"
    )
    return [row["name"] for row in sink.rows(sql)]


def answers(sink: Giving) -> dict[str, list[str]]:
    """The fields of all actions, without our key."""
    found: dict[str, list[str]] = {}
    for row in sink.rows("SELECT name, value FROM core_actionfield WHERE name <> 'groundswell_id' ORDER BY id"):
        found.setdefault(row["name"], []).append(row["value"])
    return found


async def until_done(sink: Giving, record: Record) -> Outcome:
    for attempts in range(20):
        outcome = await sink.deliver(record, attempts)
        if not isinstance(outcome, Retry):
            return outcome
        sink.settle()
    raise AssertionError("never done")


# ---- pages ----


async def test_each_form_has_a_page_and_gifts_without_one_have_theirs() -> None:
    async with giving(**FORMS) as sink:
        for number, form in enumerate(["harbor-fund-sms", "winter", None, "harbor-fund-sms", "Spring Gala!", " "]):
            assert await sink.deliver(on_form(gift(number), form)) == Delivered()
        assert pages(sink) == [
            "actblue_harbor-fund-sms", "actblue_winter", "actblue_other", "actblue_harbor-fund-sms",
            "actblue_Spring-Gala", "actblue_other",
        ]  # fmt: skip
        assert len(sink.totals()) == 6


async def test_a_series_stays_on_the_page_where_it_began() -> None:
    async with giving(**FORMS) as sink:
        await sink.deliver(on_form(monthly(1), "winter"))
        await sink.deliver(on_form(monthly(2), "spring"))
        await sink.deliver(on_form(monthly(3), None))
        assert pages(sink) == ["actblue_winter"]
        assert len(sink.payments()) == 3


async def test_no_more_pages_are_made_than_allowed() -> None:
    async with giving(**FORMS, pages_max=2) as sink:
        with capture_logs() as logs:
            for number, form in enumerate(["a", "b", "c", "d", "a"]):
                assert await sink.deliver(on_form(gift(number), form)) == Delivered()
        assert pages(sink) == ["actblue_a", "actblue_b", "actblue_other", "actblue_other", "actblue_a"]
        assert [one["event"] for one in logs] == ["too_many_donation_pages"]


@given(st.text(max_size=400), st.sampled_from(["{action.page.id}", "x_{action.page.id}_y", "{action.page.id}{source}"]))
def test_a_page_of_any_form_has_a_legal_short_name(form: str, page: str) -> None:
    name = filled(page, on_form(gift(), form))
    assert (name is None) == (not form.strip())
    assert name is None or re.fullmatch(PAGE, name)


@given(st.text(min_size=300, max_size=320), st.text(min_size=300, max_size=320))
def test_long_names_stay_apart(one: str, other: str) -> None:
    names = [filled("{action.page.id}", on_form(gift(), "a" * 300 + form)) for form in (one, other)]
    same = [name.strip() for name in (one, other)]
    assert same[0] != same[1] or names[0] == names[1]
    assert names[0] is not None
    assert len(names[0]) <= 255


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"page": "actblue_{action.page.id}"}, "page_without_form"),
        ({"page": "given", "page_without_form": "other"}, "leave it out"),
        ({"page": "{email}", "page_without_form": "other"}, "cannot be in the name of a page"),
        ({"page": "{donation.refcodes.refcode}", "page_without_form": "other"}, "cannot be in the name of a page"),
        ({"page": "a {action.page.id}", "page_without_form": "other"}, "letter that no short name has"),
        ({"page": "a{", "page_without_form": "other"}, "letter that no short name has"),
        ({"page": ""}, "short name"),
        ({"page": "a" * 256}, "short name"),
    ],
)
def test_pages_that_cannot_be_are_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        ActionKitDonationsSettings(type="actionkit.donations", inputs=["a"], account="crm", **settings)


async def test_a_form_whose_page_cannot_take_gifts_stops_only_its_own() -> None:
    async with giving(**(FORMS | {"page": "{action.page.id}"})) as sink:
        outcome = await sink.deliver(on_form(gift(1), "signup"))
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "no_page"
        assert '"signup"' in outcome.message
        assert await sink.deliver(on_form(gift(2), "winter")) == Delivered()
    async with giving(**(FORMS | {"page": "{action.page.id}", "way": "stub"})) as sink:
        outcome = await sink.deliver(on_form(gift(1), "nothing-there"))
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "no_page"
        assert await sink.deliver(on_form(gift(2), "donate")) == Delivered()
    async with giving(**(FIXED | {"page": "signup"})) as sink:
        outcome = await sink.deliver(gift(1))
        assert isinstance(outcome, Retry)
        assert isinstance(outcome.error, UnauthorizedError), "where there is one page for all, no gift is to blame"


# ---- once, whatever the settings were before ----

OTHERWISE: list[dict[str, Any]] = [
    FIXED,
    STUB,
    {**FIXED, "payment_account": "Default ActBlue"},
    FORMS,
]


@pytest.mark.parametrize(("before", "after"), list(permutations(range(len(OTHERWISE)), 2)))
async def test_other_settings_make_no_second_gift_of_one_that_is_there(before: int, after: int) -> None:
    record = on_form(gift(1), "winter")
    async with giving(**OTHERWISE[before]) as sink:
        assert await sink.deliver(record) == Delivered()
        sink.restart_with(**OTHERWISE[after])
        assert await sink.deliver(record) == Skipped("already_there")
        assert sink.totals() == ["25.00"]
        assert await sink.deliver(gift(1, kind="refund")) == Delivered()
        assert sink.totals() == []


async def test_another_page_or_account_makes_no_second_payment_of_a_series() -> None:
    series = [on_form(monthly(number), "winter") for number in (1, 2)]
    async with giving(**FIXED) as sink:
        for record in series:
            await sink.deliver(record)
        for settings in (FORMS, {**FIXED, "payment_account": "Default ActBlue"}):
            sink.restart_with(**settings)
            for record in series:
                assert await sink.deliver(record) == Skipped("already_there")
        assert len(sink.payments()) == 2
        assert sink.field("SELECT count(*) FROM core_orderrecurring") == 1


# ---- what was asked ----


async def test_what_donors_answered_and_where_they_came_from_is_kept() -> None:
    asked = {"Would you host an event?": "Maybe", "¿Dónde?": ["Duluth", "St. Paul"], "志愿": "好", "none": None}
    who = {"custom": {"employer": "Not employed", "occupation": "Baker", "express_lane": "true"}}
    own = {name: f"custom.{name}" for name in ("employer", "occupation", "express_lane")}
    named = {
        "refcode2": "donation.refcodes.refcode2",
        "committee": "donation.recipient",
        "entity": "donation.fields.entityId",
    }
    async with giving(**FIXED, user_fields=own, action_fields=named) as sink:
        record = gift(
            1,
            person=who,
            recipient="Harbor Fund",
            refcodes={"refcode": "sms_1", "refcode2": "b"},
            fields={"entityId": 7},
        )
        record = on_form(record, "winter", fields=asked, source_code="sms_1")
        assert await sink.deliver(record) == Delivered()
        found = answers(sink)
        assert found.pop("would_you_host_an_event") == ["Maybe"]
        assert found.pop("d_nde") == ["Duluth", "St. Paul"]
        assert (found.pop("refcode2"), found.pop("committee"), found.pop("entity")) == (["b"], ["Harbor Fund"], ["7"])
        ((odd, said),) = found.items()
        assert odd.startswith("field_")
        assert said == ["好"]
        assert sink.field("SELECT source FROM core_action WHERE type = 'Donation'") == "sms_1"
        fields = sink.rows("SELECT name, value FROM core_userfield ORDER BY name")
        kept = [("employer", "Not employed"), ("express_lane", "true"), ("occupation", "Baker")]
        assert [(row["name"], row["value"]) for row in fields] == kept


@pytest.mark.parametrize("way", [FIXED, STUB], ids=["push", "stub"])
async def test_answers_stay_away_where_that_is_asked_for_and_never_replace_our_key(way: dict[str, Any]) -> None:
    asked = {"Groundswell ID": "mine", "Why?": "Because"}
    async with giving(**way) as sink:
        assert await sink.deliver(on_form(gift(1), "winter", fields=asked)) == Delivered()
        assert answers(sink) == {"why": ["Because"]}
        assert sink.field("SELECT value FROM core_actionfield WHERE name = 'groundswell_id'") == "actblue-1"
        sink.restart_with(**way, all_action_fields=False)
        assert await sink.deliver(on_form(gift(2), "winter", fields=asked)) == Delivered()
        assert answers(sink) == {"why": ["Because"]}


@given(st.dictionaries(st.text(max_size=300), st.text(min_size=1).filter(str.strip), max_size=6))
def test_every_answer_has_a_legal_name_and_none_is_lost(asked: dict[str, str]) -> None:
    found = free_fields(asked)
    assert all(re.fullmatch(r"[a-z0-9_]+", name) and len(name) <= NAME_MAX for name in found)
    told = [one for texts in found.values() for one in ([texts] if isinstance(texts, str) else texts)]
    assert sorted(told) == sorted(answer.strip() for answer in asked.values())


# ---- series ----


async def test_a_series_that_began_before_anybody_listened_begins_with_the_payment_that_comes_first() -> None:
    seventh = monthly(7, "10.00", at="2026-08-03T13:14:11Z", fields={"sequence": 6, "recurringAmount": "10.0"})
    async with giving(**FORMS) as sink:
        assert await sink.deliver(on_form(seventh, "winter")) == Delivered()
        (profile,) = sink.rows("SELECT * FROM core_orderrecurring")
        assert (profile["recurring_id"], profile["period"], profile["amount"]) == ("actblue-AB7", "months", "10.00")
        assert (profile["status"], profile["start"]) == ("active", "2026-08-03")
        first = monthly(1, "15.00", at="2026-02-03T13:14:11Z", fields={"sequence": 0, "recurringAmount": "10.0"})
        assert await sink.deliver(on_form(first, "winter")) == Delivered()
        assert await sink.deliver(monthly(8, "10.00", at="2026-09-03T13:14:11Z")) == Delivered()
        assert [(key, amount) for key, amount, _ in sink.payments()] == [
            ("actblue-7", "10.00"), ("actblue-1", "15.00"), ("actblue-8", "10.00"),
        ]  # fmt: skip
        times = sink.rows("SELECT created_at FROM core_transaction WHERE type = 'sale' ORDER BY id")
        assert [row["created_at"][:10] for row in times] == ["2026-08-03", "2026-02-03", "2026-09-03"]
        assert sink.field("SELECT amount FROM core_orderrecurring") == "10.00"
        assert sink.field("SELECT count(*) FROM core_orderrecurring") == 1


@pytest.mark.parametrize("seed", range(8))
async def test_a_series_adds_up_in_whatever_order_it_comes(seed: int) -> None:
    """Payments of several sums, a refund of one, and the end: what came too early is retried as a person would."""
    random = Random(seed)
    paid = [
        monthly(number, random.choice(["15.00", "10.00", "3.25"]), at=f"2026-0{number}-03T09:00:00Z")
        for number in range(1, 6)
    ]
    refunded = random.choice(paid)
    assert isinstance(refunded.donation, Donation)
    number = str(refunded.donation.lineitem_id)
    undone = [
        replace(refunded, id=f"actblue:refund/{number}", kind="refund"),
        Record(
            "actblue:cancellation/AB7",
            "cancellation",
            "actblue",
            "2026-05-04T09:00:00Z",
            donation=Donation(order_id="AB7"),
        ),
    ]
    waiting = [*paid, *undone]
    random.shuffle(waiting)
    async with giving(**FORMS) as sink:
        dead = [one for one in waiting if isinstance(await until_done(sink, one), Rejected)]
        assert set(map(id, dead)) <= set(map(id, undone)), "only what undoes a gift can be too early"
        assert [await until_done(sink, one) for one in dead] == [Delivered()] * len(dead)
        amounts = {key: amount for key, amount, _ in sink.payments()}
        assert amounts == {f"actblue-{n}": one.donation.amount for n, one in enumerate(paid, 1)}  # type: ignore[union-attr]
        assert [key for key, _, status in sink.payments() if status == "reversed"] == [f"actblue-{number}"]
        assert sink.field("SELECT status FROM core_orderrecurring") == "canceled_by_user"
        assert sink.field("SELECT count(*) FROM core_orderrecurring") == 1


async def test_a_refund_or_an_end_is_never_taken_for_that_of_another() -> None:
    async with giving(**FORMS) as sink:
        await sink.deliver(gift(1))
        await sink.deliver(monthly(11, series="AB1"))
        for wrong in (
            gift(11111, kind="refund"),
            monthly(12, kind="refund", series="AB1"),
            monthly(1, kind="cancellation", series="AB"),
        ):
            outcome = await until_done(sink, wrong)
            assert isinstance(outcome, Rejected)
            assert outcome.reason == "no_donation"
        assert [status for _, _, status in sink.payments()] == ["completed"] * 2
        assert sink.field("SELECT status FROM core_orderrecurring") == "active"


# ---- no gift ----


@pytest.mark.parametrize("type_", ["donation_declined", "donation_pending", "donation_elsewhere"])
async def test_a_gift_that_was_not_made_is_none(type_: str) -> None:
    declined = replace(
        gift(1), id=f"actblue:{type_.removeprefix('donation_')}/1", kind="action", action=Action(type=type_)
    )
    async with giving(**FORMS) as sink:
        assert await sink.deliver(declined) == Skipped("does_not_fit")
        assert await sink.deliver(gift(1)) == Delivered(), "once it is approved it comes as a contribution"
        assert sink.totals() == ["25.00"]
    for sink_type in ("actionkit.actions", "actionkit.upload"):
        async with giving(sink_type, page="signup" if sink_type == "actionkit.actions" else "import") as sink:
            assert await sink.deliver(declined) == Skipped("no_gift")
            assert sink.field("SELECT count(*) FROM core_action") == 0


@pytest.mark.parametrize("opt_in", [False, None, UNSET])
async def test_a_page_with_a_list_subscribes_nobody_who_did_not_say_yes(opt_in: Any) -> None:
    async with giving(**STUB, subscribe=True) as sink:
        await sink.deliver(gift(1, person={"email_opt_in": opt_in}))
        assert sink.field("SELECT count(*) FROM core_subscription") == 0
        await sink.deliver(gift(2, person={"email_opt_in": True}))
        assert sink.field("SELECT count(*) FROM core_subscription") == 1


@pytest.mark.parametrize("opt_in", [False, None, UNSET])
async def test_a_push_that_subscribes_somebody_unasked_is_the_last_one(opt_in: Any) -> None:
    """That pushes heed `suppress_subscribe` nobody says, and the simulated ones do not."""
    async with giving(**(FIXED | {"page": "donate", "subscribe": True})) as sink:
        outcome = await sink.deliver(gift(1, person={"email_opt_in": opt_in}))
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "subscribed_unasked"
        assert isinstance(await sink.deliver(gift(2)), Retry)
        assert sink.totals() == ["25.00"]
