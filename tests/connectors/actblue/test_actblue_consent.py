"""What a gift says about being texted: a ticked box is a yes, and an unticked one nothing at all."""

from random import Random
from typing import Any

import pytest
from msgspec import UNSET

from groundswell.clock import SystemClock
from groundswell.component import Context
from groundswell.connectors.actblue.mapping import Rules, record_of, things_in
from groundswell.members.member import Member
from groundswell.members.saying import heard, said_in
from groundswell.record import Person, Record
from groundswell.transforms.normalise_opt_in import NormaliseOptIn, NormaliseOptInSettings
from tests.connectors.actblue.webhook_bodies import Body, cancellation, gift, lineitem, refund

NOW = 1_800_000_000.0
TICKED = gift()
UNTICKED = gift(lineitem(990011999, paidAt="2026-10-03T09:14:11-04:00"), textMessageOption="opt_out", isRecurring=False)


def record(body: Body, rules: Rules = Rules()) -> Record:
    ((record_id, _),) = things_in(body, rules)
    return record_of(body, record_id, "gifts", rules)


def normalised(made: Record) -> Record:
    context: Any = Context("opt_in", SystemClock(), Random(1), None, None, None)  # type: ignore[arg-type] # asks nobody
    settings = NormaliseOptInSettings(type="normalise_opt_in", inputs=["gifts"])
    changed = NormaliseOptIn(settings, context).apply(made)
    assert changed is not None
    return changed


@pytest.mark.parametrize("option", ["opt_out", "unknown", "", None, "OPT_OUT", True, ["opt_in"]])
def test_only_a_ticked_box_says_something(option: Any) -> None:
    made = normalised(record(gift(textMessageOption=option)))
    assert isinstance(made.person, Person)
    assert made.person.sms_opt_in is UNSET
    assert said_in(made, NOW) is None


def test_an_unticked_box_after_a_yes_is_not_a_stop() -> None:
    member = Member(id=1, phone="+12185550147")
    for body in (TICKED, UNTICKED):
        saying = said_in(normalised(record(body)), NOW)
        if saying is not None:
            member, line = heard(member, saying, record(body), NOW)
            assert line is not None
    assert member.consent == "yes"


def test_a_stop_is_not_undone_by_the_next_payment_of_a_series_that_began_with_a_ticked_box() -> None:
    stopped = Member(id=1, phone="+12185550147", consent="no", consent_at=NOW - 10)
    later = gift(lineitem(990011999, sequence=1, paidAt="2027-01-15T09:14:11-05:00"))
    saying = said_in(normalised(record(later)), NOW + 100)
    assert saying is not None
    assert heard(stopped, saying, record(later), NOW + 100)[0].consent == "no"


@pytest.mark.parametrize("body", [refund(), cancellation()])
def test_a_refund_and_a_cancellation_repeat_nothing_that_was_said_earlier(body: Body) -> None:
    made = record(body, Rules(subscribe=True))
    assert isinstance(made.person, Person)
    assert (made.person.sms_opt_in, made.person.email_opt_in) == (UNSET, UNSET)
    assert isinstance(made.person.email, str)


@pytest.mark.parametrize(("subscribe", "said"), [(True, True), (False, UNSET)])
def test_a_gift_is_a_yes_to_email_only_where_the_source_is_told_so(subscribe: bool, said: Any) -> None:
    given = record(gift(), Rules(subscribe=subscribe)).person
    declined = record(gift(status="declined"), Rules(subscribe=subscribe)).person
    assert isinstance(given, Person)
    assert isinstance(declined, Person)
    assert given.email_opt_in is said
    assert declined.email_opt_in is UNSET
