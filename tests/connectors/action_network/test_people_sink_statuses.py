"""Who is mailed and texted after a delivery: a no is always written, a yes seldom, and unknown is never a yes."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from groundswell.component import Delivered, Outcome, Rejected, Skipped
from groundswell.connectors.action_network.writing.changes import Shown
from groundswell.connectors.action_network.writing.statuses import Policy, email_status, phone_status
from tests.connectors.action_network.people_sinking import SinkAtWork, people_sink

ROSA = "rosa@example.org"
ODD = "rosa.o'hara@example.org"
NUMBER = "15035550144"
PHONE = f"+{NUMBER}"
UNKNOWN = (UNSET, None, "maybe")
EMAIL_STATUSES = (
    "subscribed",
    "unsubscribed",
    "bouncing",
    "previous bounce",
    "spam complaint",
    "previous spam complaint",
)
PHONE_STATUSES = ("subscribed", "unsubscribed", "bouncing", "previous bounce")


def email_status_of(it: SinkAtWork, whom: str = ROSA) -> str:
    return str(it.person(whom)["email_addresses"][0]["status"])


def phone_status_of(it: SinkAtWork, whom: str = NUMBER) -> str:
    return str(it.person(whom)["phone_numbers"][0]["status"])


async def with_status(it: SinkAtWork, *, email: str = ROSA, **statuses: str) -> None:
    """Rosa is there, with these statuses."""
    number = await it.there(email=email, phone=NUMBER)
    it.line.server.control.edit(number, **statuses)
    await it.line.clock.advance(10)


# ---- newcomers ----


@pytest.mark.parametrize(
    ("opt_in", "newcomers", "status"),
    [
        (True, "unsubscribed", "subscribed"),
        (False, "subscribed", "unsubscribed"),
        *((unknown, "unsubscribed", "unsubscribed") for unknown in UNKNOWN),
        *((unknown, "subscribed", "subscribed") for unknown in UNKNOWN),
    ],
)
async def test_newcomers_are_subscribed_by_a_yes_only_unless_the_settings_say_so(
    opt_in: Any, newcomers: str, status: str
) -> None:
    async with people_sink(newcomers=newcomers) as it:
        assert await it.deliver(email=ROSA, email_opt_in=opt_in) == Delivered()
        assert email_status_of(it) == status


@pytest.mark.parametrize(
    ("opt_in", "status"),
    [(True, "subscribed"), (False, "unsubscribed"), *((unknown, "unsubscribed") for unknown in UNKNOWN)],
)
async def test_new_numbers_are_subscribed_by_a_yes_only(opt_in: Any, status: str) -> None:
    async with people_sink() as it:
        assert await it.deliver(email=ROSA, phone=PHONE, sms_opt_in=opt_in) == Delivered()
        assert phone_status_of(it) == status


@pytest.mark.parametrize("opt_in", [True, False, UNSET])
async def test_an_email_that_a_number_gets_is_a_newcomer(opt_in: Any) -> None:
    async with people_sink() as it:
        await it.there(phone=NUMBER)
        assert await it.deliver(email=ROSA, phone=PHONE, email_opt_in=opt_in) == Delivered()
        assert email_status_of(it) == ("subscribed" if opt_in is True else "unsubscribed")


# ---- those who are there ----


@pytest.mark.parametrize("status", EMAIL_STATUSES)
@pytest.mark.parametrize("opt_in", [True, *UNKNOWN])
async def test_without_a_no_the_email_status_of_who_is_there_stays(status: str, opt_in: Any) -> None:
    async with people_sink(newcomers="subscribed") as it:
        await with_status(it, email_status=status)
        assert await it.deliver(email=ROSA, first_name="Rosa", email_opt_in=opt_in) == Delivered()
        assert email_status_of(it) == status


@pytest.mark.parametrize("status", EMAIL_STATUSES)
async def test_a_no_to_email_is_written_over_everything_but_a_no(status: str) -> None:
    async with people_sink() as it:
        await with_status(it, email_status=status)
        outcome: Outcome = await it.deliver(email=ROSA, email_opt_in=False)
        if status in ("unsubscribed", "spam complaint"):
            assert outcome == Skipped("unchanged")
            assert email_status_of(it) == status
        else:
            assert outcome == Delivered()
            assert email_status_of(it) == "unsubscribed"


@pytest.mark.parametrize("status", EMAIL_STATUSES)
async def test_a_yes_to_email_is_written_over_unsubscribed_where_the_settings_say_so(status: str) -> None:
    async with people_sink(resubscribe=["email"]) as it:
        await with_status(it, email_status=status)
        await it.deliver(email=ROSA, email_opt_in=True)
        assert email_status_of(it) == ("subscribed" if status == "unsubscribed" else status)


async def test_a_yes_to_another_address_subscribes_nobody() -> None:
    async with people_sink(resubscribe=["email", "sms"], fields=["first_name"]) as it:
        await with_status(it, email_status="unsubscribed", phone_status="unsubscribed")
        number = it.person(ROSA)["_links"]["self"]["href"].rpartition("/")[2]
        outcome = await it.deliver(
            ids={"action_network": number}, email="else@example.org", phone="+15035550199",
            email_opt_in=True, sms_opt_in=True,
        )  # fmt: skip
        assert outcome == Skipped("unsubscribed_stays")
        assert (email_status_of(it), phone_status_of(it)) == ("unsubscribed", "unsubscribed")


@pytest.mark.parametrize("opt_ins", [{"email_opt_in": True}, {"sms_opt_in": True}])
async def test_a_yes_that_is_not_written_is_told_apart_from_nothing_to_write(opt_ins: dict[str, bool]) -> None:
    async with people_sink() as it:
        await with_status(it, email_status="unsubscribed", phone_status="unsubscribed")
        assert await it.deliver(email=ROSA, phone=PHONE, **opt_ins) == Skipped("unsubscribed_stays")
        await with_status(it, email_status="subscribed", phone_status="subscribed")
        assert await it.deliver(email=ROSA, phone=PHONE, **opt_ins) == Skipped("unchanged")


async def test_a_yes_to_an_address_that_is_refused_does_not_subscribe_the_one_before_it() -> None:
    async with people_sink(resubscribe=["email"]) as it:
        await it.there(email="taken@example.org")
        await with_status(it, email_status="unsubscribed")
        number = it.person(ROSA)["_links"]["self"]["href"].rpartition("/")[2]
        person = {"ids": {"action_network": number}, "email_opt_in": True}
        assert isinstance(await it.deliver(**person, email="taken@example.org"), Rejected)
        assert email_status_of(it) == "unsubscribed"
        # A free one is subscribed once it is seen to be there.
        assert await it.deliver(**person, email="new@example.org") == Delivered()
        assert email_status_of(it, "new@example.org") == "unsubscribed"
        assert await it.deliver(**person, email="new@example.org") == Delivered()
        assert email_status_of(it, "new@example.org") == "subscribed"


async def test_a_no_needs_no_address_to_be_about_somebody() -> None:
    async with people_sink() as it:
        await with_status(it, email_status="subscribed", phone_status="subscribed")
        number = it.person(ROSA)["_links"]["self"]["href"].rpartition("/")[2]
        outcome = await it.deliver(ids={"action_network": number}, email_opt_in=False, sms_opt_in=False)
        assert outcome == Delivered()
        assert (email_status_of(it), phone_status_of(it)) == ("unsubscribed", "unsubscribed")
        assert it.line.calls["PUT people/*"] == 1


async def test_a_no_goes_along_to_a_new_address() -> None:
    async with people_sink() as it:
        await with_status(it, email_status="spam complaint")
        number = it.person(ROSA)["_links"]["self"]["href"].rpartition("/")[2]
        assert (
            await it.deliver(ids={"action_network": number}, email="new@example.org", email_opt_in=True) == Delivered()
        )
        assert email_status_of(it, "new@example.org") == "unsubscribed"


@pytest.mark.parametrize("status", PHONE_STATUSES)
@pytest.mark.parametrize("opt_in", [True, *UNKNOWN])
async def test_without_a_no_the_phone_status_of_who_is_there_stays(status: str, opt_in: Any) -> None:
    async with people_sink() as it:
        await with_status(it, phone_status=status)
        assert await it.deliver(email=ROSA, phone=PHONE, first_name="Rosa", sms_opt_in=opt_in) == Delivered()
        assert phone_status_of(it) == status


@pytest.mark.parametrize("status", PHONE_STATUSES)
async def test_a_yes_to_texts_is_written_over_unsubscribed_where_the_settings_say_so(status: str) -> None:
    async with people_sink(resubscribe=["sms"]) as it:
        await with_status(it, phone_status=status)
        await it.deliver(email=ROSA, phone=PHONE, sms_opt_in=True)
        assert phone_status_of(it) == ("subscribed" if status == "unsubscribed" else status)


@pytest.mark.parametrize("status", PHONE_STATUSES)
async def test_a_no_to_texts_is_always_written(status: str) -> None:
    async with people_sink() as it:
        await with_status(it, phone_status=status)
        await it.deliver(email=ROSA, phone=PHONE, sms_opt_in=False)
        assert phone_status_of(it) == "unsubscribed"


@pytest.mark.parametrize("status", ["subscribed", "unsubscribed"])
@pytest.mark.parametrize("resubscribe", [[], ["sms"]])
async def test_a_yes_to_a_new_number_counts_unless_the_number_before_it_was_not_to_be_texted(
    status: str, resubscribe: list[str]
) -> None:
    async with people_sink(resubscribe=resubscribe) as it:
        await with_status(it, phone_status=status)
        assert await it.deliver(email=ROSA, phone="+15035550199", sms_opt_in=True) == Delivered()
        assert phone_status_of(it, "15035550199") == status


async def test_somebody_without_a_number_gets_one_with_a_yes() -> None:
    async with people_sink() as it:
        await it.there(email=ROSA)
        assert await it.deliver(email=ROSA, phone=PHONE, sms_opt_in=True) == Delivered()
        assert phone_status_of(it) == "subscribed"


# ---- addresses that cannot be looked for ----


@pytest.mark.parametrize(
    ("opt_in", "newcomers", "status"),
    [
        (True, "unsubscribed", "subscribed"),
        (False, "subscribed", "unsubscribed"),
        (UNSET, "unsubscribed", "unsubscribed"),
        (UNSET, "subscribed", "subscribed"),
    ],
)
async def test_a_newcomer_with_an_apostrophe_is_treated_as_any(opt_in: Any, newcomers: str, status: str) -> None:
    async with people_sink(newcomers=newcomers) as it:
        assert await it.deliver(email=ODD, email_opt_in=opt_in) == Delivered()
        assert email_status_of(it, ODD) == status


@pytest.mark.parametrize(("status", "opt_in"), list(product(("subscribed", "unsubscribed"), (True, False, UNSET))))
async def test_somebody_with_an_apostrophe_keeps_their_statuses_but_for_a_no(status: str, opt_in: Any) -> None:
    async with people_sink() as it:
        await with_status(it, email=ODD, email_status=status, phone_status=status)
        outcome = await it.deliver(
            email=ODD, phone="+15035550199", first_name="Rosa", email_opt_in=opt_in, sms_opt_in=opt_in
        )
        assert outcome == Delivered()
        assert it.person(ODD)["given_name"] == "Rosa"
        assert email_status_of(it, ODD) == ("unsubscribed" if opt_in is False else status)
        assert phone_status_of(it, "15035550199") == "unsubscribed"


async def test_somebody_with_an_apostrophe_is_found_by_the_phone() -> None:
    async with people_sink() as it:
        await with_status(it, email=ODD, email_status="subscribed")
        assert await it.deliver(email=ODD, phone=PHONE) == Skipped("unchanged")
        assert "POST people" not in it.line.calls


# ---- what they do not take ----


async def test_a_no_that_did_not_stick_is_a_dead_letter_and_not_a_silence() -> None:
    async with people_sink() as it:
        await with_status(it, email_status="bouncing")
        save = it.line.server.world.save
        it.line.server.world.save = lambda person: save(_still_bouncing(person))  # type: ignore[method-assign]
        outcome = await it.deliver(email=ROSA, email_opt_in=False)
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "not_taken"
        assert "email_opt_in" in outcome.message


def _still_bouncing(person: Any) -> Any:
    return replace(person, email_status="bouncing")


# ---- the rules by themselves ----

OPT_INS = st.sampled_from((True, False, *UNKNOWN))
MAYBE_EMAIL = st.sampled_from((None, ROSA))
MAYBE_NUMBER = st.sampled_from((None, NUMBER))
POLICIES = st.builds(Policy, st.sampled_from(("subscribed", "unsubscribed")), st.booleans(), st.booleans())


@st.composite
def shown_people(draw: st.DrawFn) -> Shown:
    values = {}
    email, phone = draw(MAYBE_EMAIL), draw(MAYBE_NUMBER)
    if email is not None:
        values["email"] = email
    if phone is not None:
        values["phone"] = phone
    return Shown(
        id="1",
        values=values,
        email_status=draw(st.sampled_from(EMAIL_STATUSES)) if email else None,
        phone_status=draw(st.sampled_from(PHONE_STATUSES)) if phone else None,
        is_located=False,
        is_new=False,
    )


@given(OPT_INS, st.none() | shown_people(), POLICIES, MAYBE_EMAIL, st.booleans())
def test_an_email_is_subscribed_only_by_a_yes_or_as_a_newcomer_by_the_settings(
    opt_in: Any, shown: Shown | None, policy: Policy, email: str | None, is_sent: bool
) -> None:
    status = email_status(opt_in, shown, policy, email=email, is_sent=is_sent)
    is_newcomer = shown is None or shown.email is None
    if status == "subscribed":
        assert opt_in is True or (is_newcomer and opt_in is not False and policy.newcomers == "subscribed")
        assert is_newcomer or (policy.resubscribes_email and shown is not None and shown.email_status == "unsubscribed")
    if opt_in is False and not is_newcomer:
        assert status == "unsubscribed" or (
            shown is not None and shown.email_status in ("unsubscribed", "spam complaint")
        )
    if is_newcomer and is_sent:
        assert status is not None


@given(OPT_INS, st.none() | shown_people(), POLICIES, MAYBE_NUMBER, st.booleans(), st.none() | shown_people())
def test_a_phone_is_subscribed_only_by_a_yes_that_undoes_no_stop(
    opt_in: Any, shown: Shown | None, policy: Policy, digits: str | None, is_sent: bool, holder: Shown | None
) -> None:
    status = phone_status(opt_in, shown, policy, digits=digits, is_sent=is_sent, holder=holder)
    before = {person.phone_status for person in (shown, holder if is_sent else None) if person is not None}
    if status == "subscribed":
        assert opt_in is True
        assert policy.resubscribes_sms or "unsubscribed" not in before
        assert not before & {"bouncing", "previous bounce"}
    if opt_in is False and is_sent:
        assert status == "unsubscribed"
