"""The receiver: it behaves as badly as it is told to, the same way for the same seed, and tells what it was given."""

import base64
from email.utils import parsedate_to_datetime
from random import Random
from typing import Any

import aiohttp
import anyio
import pytest

from groundswell.clock import SystemClock
from groundswell.connectors.http import simulator
from groundswell.connectors.http.simulator import SERVER_ERROR, Fault, Receiver, serving, simulate_receiver
from groundswell.record import Person, Record, to_json


def body(record_id: str, phone: str = "+15035550144") -> bytes:
    return to_json(Record(id=record_id, kind="action", source="s", person=Person(phone=phone)))


async def post(url: str, content: bytes, **headers: str) -> int:
    async with aiohttp.ClientSession() as session, session.post(f"{url}/x", data=content, headers=headers) as answer:
        await answer.read()
        return answer.status


async def test_it_counts_records_and_remembers_the_order_of_each_person() -> None:
    receiver = Receiver(SystemClock(), Random(1), keep_bodies=True)
    async with serving(receiver) as url:
        await post(url, body("a:1"), **{"Idempotency-Key": "1"})
        await post(url, b"[" + body("a:2") + b"," + body("a:3", "+15035550155") + b"]", **{"Idempotency-Key": "2"})
        await post(url, body("a:1") + b"\n" + body("a:4") + b"\n", **{"Idempotency-Key": "3"})
        async with aiohttp.ClientSession() as session, session.get(f"{url}/received") as answer:
            shown = await answer.json()
    assert receiver.received.times == {"a:1": 2, "a:2": 1, "a:3": 1, "a:4": 1}
    assert receiver.received.order == {"+15035550144": ["a:1", "a:2", "a:1", "a:4"], "+15035550155": ["a:3"]}
    assert receiver.received.bodies["a:2"] == body("a:2")
    assert shown == receiver.summary()
    assert (shown["requests"], shown["records"], shown["distinct"], shown["duplicates"]) == (3, 5, 4, 1)
    assert shown["statuses"] == {"200": 3}
    assert "a:1" not in str(shown)
    assert "+1503" not in str(shown)


async def test_a_receiver_that_is_full_goes_on_counting_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "REMEMBERED_MAX", 3)
    receiver = Receiver(SystemClock(), Random(1))
    async with serving(receiver) as url:
        for number in range(5):
            assert receiver.summary()["is_full"] == (number > 2)
            assert await post(url, body(f"a:{number}"), **{"Idempotency-Key": str(number)}) == 200
    assert (receiver.received.records, receiver.received.distinct) == (5, 3)


async def test_it_looks_at_idempotency_keys() -> None:
    receiver = Receiver(SystemClock(), Random(1))
    async with serving(receiver) as url:
        await post(url, body("a:1"))
        assert receiver.received.key_problems == 1
        await post(url, body("a:1"), **{"Idempotency-Key": "k"})
        await post(url, body("a:1"), **{"Idempotency-Key": "k"})
        assert (receiver.received.key_problems, receiver.received.repeated_requests) == (1, 1)
        await post(url, body("a:2"), **{"Idempotency-Key": "k"})
        assert (receiver.received.key_problems, receiver.received.repeated_requests) == (2, 1)


@pytest.mark.parametrize("content", [b"", b"{}", b"[{}]", b"<x>", b"\xff", b"[" * 10000])
async def test_what_is_no_record_is_refused_and_not_counted(content: bytes) -> None:
    receiver = Receiver(SystemClock(), Random(1))
    async with serving(receiver) as url:
        assert await post(url, content, **{"Idempotency-Key": "k"}) == 422
    assert receiver.received.records == 0


async def test_a_record_id_header_must_name_the_record() -> None:
    receiver = Receiver(SystemClock(), Random(1))
    async with serving(receiver) as url:
        assert await post(url, body("a:1"), **{"Groundswell-Record-Id": "a:2"}) == 422
        assert await post(url, body("a:%"), **{"Groundswell-Record-Id": "a:%25"}) == 200


async def test_a_schedule_is_followed_and_begins_again() -> None:
    receiver = Receiver(SystemClock(), Random(1))
    receiver.schedule([Fault(), SERVER_ERROR, Fault(status=429, retry_after_s=3)])
    async with serving(receiver) as url:
        statuses = [await post(url, body("a:1")) for _ in range(6)]
    assert statuses == [200, 500, 429] * 2
    assert receiver.received.times == {"a:1": 2}


async def test_chance_comes_from_the_seed() -> None:
    async def run(seed: int) -> list[int]:
        receiver = Receiver(SystemClock(), Random(seed))
        receiver.fail(0.5, Fault(status=502, is_html=True))
        async with serving(receiver) as url:
            return [await post(url, body("a:1")) for _ in range(20)]

    first = await run(7)
    assert first == await run(7)
    assert set(first) == {200, 502}


async def test_retry_after_has_both_forms() -> None:
    receiver = Receiver(SystemClock(), Random(1))
    receiver.schedule(
        [Fault(status=503, retry_after_s=90, retry_after_form=form) for form in ("seconds", "date")]  # type: ignore[arg-type]
    )
    seen: list[Any] = []
    async with serving(receiver) as url, aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.post(url, data=body("a:1")) as answer:
                seen.append(answer.headers["Retry-After"])
    assert seen[0] == "90"
    assert 80 < parsedate_to_datetime(seen[1]).timestamp() - SystemClock().now() <= 90


async def test_a_cut_answer_is_lost_although_the_record_was_taken() -> None:
    receiver = Receiver(SystemClock(), Random(1))
    receiver.fault = Fault(cut=True)
    async with serving(receiver) as url:
        with pytest.raises(aiohttp.ClientError):
            await post(url, body("a:1"))
    assert receiver.received.times == {"a:1": 1}
    assert receiver.received.cuts == 1


async def test_with_a_token_strangers_are_refused() -> None:
    receiver = Receiver(SystemClock(), Random(1), token="t0ken")
    async with serving(receiver) as url:
        assert await post(url, body("a:1")) == 401
        assert await post(url, body("a:1"), Authorization="Bearer t0ken") == 200
        assert await post(url, body("a:1"), Authorization="Basic " + base64.b64encode(b"t0ken").decode()) == 401
    assert receiver.received.records == 1


async def test_on_the_command_line_it_says_where_it_is_and_serves_until_it_is_stopped() -> None:
    announced: list[str] = []
    up = anyio.Event()

    def announce(url: str) -> None:
        announced.append(url)
        up.set()

    async with anyio.create_task_group() as tasks:

        async def run() -> None:
            await simulate_receiver(0, SystemClock(), Random(1), announce, chance=1.0, fault=Fault(status=429))

        tasks.start_soon(run)
        await up.wait()
        assert await post(announced[0], body("a:1")) == 429
        tasks.cancel_scope.cancel()
    with pytest.raises(aiohttp.ClientConnectorError):
        await post(announced[0], body("a:1"))
