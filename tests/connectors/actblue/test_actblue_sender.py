"""The simulated ActBlue sends with the login, tries again, disturbs what it is told to, and notes every answer."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from groundswell.connectors.actblue.simulator.faults import FaultRates
from groundswell.connectors.actblue.simulator.ledger import Ledger
from groundswell.connectors.actblue.simulator.making import Shares
from groundswell.connectors.actblue.simulator.messages import Message, messages
from groundswell.connectors.actblue.simulator.sender import Pace, Sender, Target
from groundswell.connectors.actblue.simulator.server import simulator
from groundswell.errors import RequestError
from tests.connectors.actblue.receiving import Receiver, receiving

LEDGER = Ledger.make(seed=2, gifts=200, shares=Shares(refunded=0.2, cancelled=0.8))
MESSAGES = messages(LEDGER, LEDGER.notices())
KEYS = {key for message in MESSAGES for key in message.keys}
QUICK = Pace(retry_after_s=(0.0, 0.0, 0.0))


def one_of_each() -> list[Message]:
    return [next(one for one in MESSAGES if one.kind == kind) for kind in ("contribution", "refund", "cancellation")]


@asynccontextmanager
async def sending(
    receiver: Receiver, *, target: Target | None = None, pace: Pace = QUICK, rates: FaultRates | None = None
) -> AsyncIterator[Sender]:
    target = target or Target.all_at(receiver.url)
    async with simulator(LEDGER, webhooks=target, pace=pace, rates=rates) as server:
        assert server.sender is not None
        yield server.sender


async def test_everything_arrives_once_in_the_order_it_happened_and_every_answer_is_noted() -> None:
    async with receiving() as receiver, sending(receiver, pace=Pace(concurrency=1)) as sender:
        await sender.send(MESSAGES)
    answers = sender.answers
    assert receiver.raw == [message.body for message in MESSAGES]
    assert answers.acknowledged == KEYS
    assert answers.by_status == {200: len(MESSAGES)}
    assert (answers.posts, answers.waiting) == (len(MESSAGES), 0)
    assert 0 < answers.percentile_ms(50) <= answers.percentile_ms(99)


async def test_each_type_goes_to_its_own_address_and_nowhere_without_one() -> None:
    async with receiving() as receiver:
        target = Target(contributions=receiver.at("/contributions"), refunds=receiver.at("/refunds"))
        async with sending(receiver, target=target) as sender:
            await sender.send(MESSAGES)
    assert set(receiver.paths) == {"/contributions", "/refunds"}
    for path, body in zip(receiver.paths, receiver.bodies, strict=True):
        assert ("refundedAt" in body["lineitems"][0]) == (path == "/refunds")
    assert sender.answers.unaddressed == sum(message.kind == "cancellation" for message in MESSAGES) > 0


@pytest.mark.parametrize("status", [204, 202, 200])
async def test_any_2xx_will_do(status: int) -> None:
    async def answer(number: int) -> int:
        return status

    async with receiving() as receiver, sending(receiver) as sender:
        receiver.answer = answer
        await sender.send(one_of_each())
    assert sender.answers.by_status == {status: 3}
    assert sender.answers.outcomes["acknowledged"] == 3


async def test_with_a_wrong_password_nothing_is_acknowledged_and_it_gives_up_after_its_tries() -> None:
    async with receiving() as receiver:
        target = Target.all_at(receiver.url.replace("p%3Aw%20d", "guess"))
        async with sending(receiver, target=target) as sender:
            await sender.send(one_of_each())
    assert sender.answers.by_status == {401: 12}
    assert sender.answers.outcomes == {"given_up": 3}
    assert sender.answers.acknowledged == set()
    assert receiver.bodies == []


async def test_what_is_refused_comes_again_the_same_to_the_byte_and_only_that() -> None:
    async def answer(number: int) -> int:
        return {1: 503, 2: 400, 3: 500}.get(number, 200)

    async with receiving() as receiver, sending(receiver, pace=Pace(concurrency=1, retry_after_s=(0, 0, 0))) as sender:
        receiver.answer = answer
        await sender.send(one_of_each())
    assert Counter(receiver.raw).total() == 6
    assert set(receiver.raw) == {message.body for message in one_of_each()}
    assert sender.answers.outcomes == {"acknowledged": 3}
    assert sender.answers.by_status == {503: 1, 400: 1, 500: 1, 200: 3}
    assert sum(len(entry.said) for entry in sender.answers.entries) == 6


async def test_statuses_that_are_final_are_not_tried_again() -> None:
    async def answer(number: int) -> int:
        return 410

    pace = Pace(retry_after_s=(0, 0), never_again=frozenset({410}))
    async with receiving() as receiver, sending(receiver, pace=pace) as sender:
        receiver.answer = answer
        await sender.send(one_of_each())
    assert sender.answers.by_status == {410: 3}
    assert sender.answers.outcomes == {"given_up": 3}


async def test_silence_is_a_failure_after_the_timeout_and_nobody_there_is_one_at_once() -> None:
    async with receiving() as receiver:
        async with sending(receiver, pace=Pace(retry_after_s=(), timeout_s=0.05)) as sender:
            receiver.answer = receiver.never
            await sender.send(one_of_each())
        assert sender.answers.by_status == {"timeout": 3}
        async with sending(receiver, target=Target.all_at("http://127.0.0.1:1/"), pace=QUICK) as sender:
            await sender.send(one_of_each())
        assert sender.answers.by_status == {"unreachable": 12}


async def test_a_share_comes_twice_though_it_was_acknowledged() -> None:
    async with receiving() as receiver, sending(receiver, rates=FaultRates(webhook_twice=0.3)) as sender:
        await sender.send(MESSAGES)
    repeated = [entry for entry in sender.answers.entries if entry.repeats]
    assert 0.15 * len(MESSAGES) < len(repeated) < 0.45 * len(MESSAGES)
    assert len(receiver.raw) == len(MESSAGES) + len(repeated)
    assert sender.answers.acknowledged == KEYS


async def test_a_share_is_never_sent_and_it_says_which() -> None:
    async with receiving() as receiver, sending(receiver, rates=FaultRates(webhook_lost=0.2)) as sender:
        await sender.send(MESSAGES)
    answers = sender.answers
    assert 0 < len(answers.lost) < 0.4 * len(KEYS)
    assert answers.acknowledged == KEYS - answers.lost
    assert len(receiver.raw) == len(answers.acknowledged)


async def test_refunds_and_cancellations_may_come_before_what_they_are_about() -> None:
    pace = Pace(concurrency=1)
    async with receiving() as receiver, sending(receiver, pace=pace, rates=FaultRates(webhook_ahead=1)) as sender:
        await sender.send(MESSAGES)
    assert sorted(receiver.raw) == sorted(message.body for message in MESSAGES)
    paid: set[str] = set()
    for body in receiver.bodies:
        number = body["contribution"]["orderNumber"]
        if "refundedAt" in body["lineitems"][0] or "cancelledAt" in body["contribution"]:
            assert number not in paid
        else:
            paid.add(number)


async def test_a_share_is_overtaken_by_those_that_come_after() -> None:
    pace = Pace(concurrency=1, speed=36_000)
    async with receiving() as receiver, sending(receiver, pace=pace, rates=FaultRates(webhook_late=0.2)) as sender:
        await sender.send(MESSAGES)
    assert receiver.raw != [message.body for message in MESSAGES]
    assert sorted(receiver.raw) == sorted(message.body for message in MESSAGES)


async def test_a_backfill_sends_old_ones_again_even_those_that_were_lost() -> None:
    rates = FaultRates(webhook_lost=0.2, webhook_again=0.5)
    async with receiving() as receiver, sending(receiver, rates=rates) as sender:
        await sender.send(MESSAGES)
        first = len(MESSAGES) - sender.answers.outcomes["lost"]
        assert 1.3 * first < len(receiver.raw) < 1.7 * first
        await sender.replay(sender.answers.entries)
    assert sender.answers.acknowledged == KEYS
    assert sender.answers.outcomes.total() == len(MESSAGES)
    assert set(receiver.raw) == {message.body for message in MESSAGES}


async def test_bursts_come_at_once_and_keep_the_rate_over_all() -> None:
    pace = Pace(rate_per_s=200, burst=20)
    async with receiving() as receiver, sending(receiver, pace=pace) as sender:
        before = time.monotonic()  # only a floor is checked, so a slow machine changes nothing
        await sender.send(MESSAGES[:61])
        took = time.monotonic() - before
    assert took >= 0.3, "the fourth burst begins 0.3 s after the first"
    assert len(receiver.raw) == 61


@pytest.mark.parametrize(
    ("target", "pace", "words"),
    [
        (Target("nonsense"), Pace(), "an address to send to is none"),
        (Target(refunds="ftp://host/"), Pace(), "an address to send to is none"),
        (Target(), Pace(rate_per_s=0), "rate is 0"),
        (Target(), Pace(timeout_s=-1), "timeout is -1"),
        (Target(), Pace(speed=float("nan")), "speed is nan"),
        (Target(), Pace(retry_after_s=(-1,)), "is negative"),
    ],
)
async def test_what_makes_no_sense_is_said(target: Target, pace: Pace, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        async with simulator(LEDGER, webhooks=target, pace=pace):
            pass


async def test_an_error_about_an_address_does_not_show_the_password() -> None:
    with pytest.raises(RequestError) as caught:
        async with simulator(LEDGER, webhooks=Target.all_at("harbor:hunter2@host")):
            pass
    assert "hunter2" not in str(caught.value)


def test_no_two_messages_are_the_same() -> None:
    assert len({message.body for message in MESSAGES}) == len(MESSAGES)
    assert all(msgspec.json.decode(message.body)["lineitems"] for message in MESSAGES)
