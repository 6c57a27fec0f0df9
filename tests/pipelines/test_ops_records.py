"""One record traced, and accepted records replayed: through a running daemon, and on the state file alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from groundswell.connectors.http.simulator import Fault
from groundswell.errors import NotFoundError, RequestError
from groundswell.ops.client import OpsError
from groundswell.ops.messages import AskRecord, AskReplay, RecordTrace
from groundswell.ops.operations import RECORD, REPLAY
from groundswell.store.inbox import Accept
from tests.pipelines.ops_pipeline import ask, receiving
from tests.running import post, running, until


async def trace_of(directory: Path, number: int, receiver_ids: list[str]) -> RecordTrace:
    (record_id,) = (found for found in receiver_ids if found.startswith(f"signups:{number}@"))
    return await ask(directory, RECORD, AskRecord(record_id))


async def test_a_delivered_record_is_told_from_its_body_to_its_delivery(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            await post(daemon, "signups", [{"id": 1, "zip": "97201"}])
            await until(lambda: daemon.metrics.totals().get("crm", {}).get("delivered") == 1)
            online = await trace_of(tmp_path, 1, list(receiver.received.times))
        offline = await trace_of(tmp_path, 1, list(receiver.received.times))
    for trace in (online, offline):
        assert (trace.source, trace.is_processed, trace.waiting, trace.dead_letters) == ("signups", True, [], [])
        assert [(s.sink, s.outcome, s.attempts) for s in trace.settled] == [("crm", "delivered", 1)]
        assert msgspec.json.decode(trace.body) == {"id": 1, "zip": "97201"}


async def test_a_record_that_waits_says_how_often_it_was_tried_and_when_it_is_again(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        receiver.fault = Fault(status=503, retry_after_s=60)
        await post(daemon, "signups", [{"id": 1, "zip": "97201"}])
        await until(lambda: daemon.metrics.totals().get("crm", {}).get("retried") == 1)
        record_id = (await daemon.store.arrivals_after(0, 1, 2**20))[0].arrival.id
        trace = await ask(tmp_path, RECORD, AskRecord(record_id))
    (waiting,) = trace.waiting
    assert (waiting.sink, waiting.attempts) == ("crm", 1)
    assert waiting.next_attempt_at is not None
    assert waiting.next_attempt_at - trace.received_at >= timedelta(seconds=59)


async def test_a_dead_record_names_its_dead_letter(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        await post(daemon, "signups", [{"id": 2, "zip": ["no text"]}])
        await until(lambda: daemon.metrics.totals().get("mapped", {}).get("dead") == 1)
        record_id = (await daemon.store.arrivals_after(0, 1, 2**20))[0].arrival.id
        trace = await ask(tmp_path, RECORD, AskRecord(record_id))
    assert [(letter.id, letter.component, letter.reason) for letter in trace.dead_letters] == [
        (1, "mapped", "bad_value")
    ]
    assert trace.settled == []


async def test_an_unknown_record_is_not_found(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path):
            with pytest.raises(OpsError, match="no record signups:9 is known") as caught:
                await ask(tmp_path, RECORD, AskRecord("signups:9"))
        with pytest.raises(NotFoundError):
            await ask(tmp_path, RECORD, AskRecord("signups:9"))
    assert caught.value.status == 404


async def test_a_replay_delivers_again_under_the_same_ids(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        await post(daemon, "signups", [{"id": n, "zip": "97201"} for n in (1, 2, 3)])
        await until(lambda: receiver.received.records == 3)
        all_of_them = await ask(tmp_path, REPLAY, AskReplay("signups", since=datetime.now(UTC) - timedelta(hours=1)))
        await until(lambda: receiver.received.records == 6)
        one_id = next(iter(receiver.received.times))
        one = await ask(tmp_path, REPLAY, AskReplay("signups", ids=[one_id]))
        await until(lambda: receiver.received.records == 7)
        none = await ask(tmp_path, REPLAY, AskReplay("signups", since=datetime.now(UTC) + timedelta(hours=1)))
    assert (all_of_them.records, one.records, none.records) == (3, 1, 0)
    assert sorted(receiver.received.times.values()) == [2, 2, 3]


async def test_a_replay_takes_what_was_accepted_from_since_to_until_both_included(tmp_path: Path) -> None:
    first = datetime(2026, 5, 2, 11, tzinfo=UTC)
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        source = daemon.supervisor.webhooks.routes["/webhooks/signups"][1]
        for hour in range(4):
            at = int((first + timedelta(hours=hour)).timestamp() * 1000)
            arrivals = [source._objects.arrival(b'{"id":%d,"zip":"9"}' % hour, {"id": hour, "zip": "9"})]  # type: ignore[attr-defined]
            await daemon.store.accept(Accept("signups", at, arrivals))
        await until(lambda: receiver.received.records == 4)
        asked = AskReplay("signups", since=first + timedelta(hours=1), until=first + timedelta(hours=2))
        replayed = await ask(tmp_path, REPLAY, asked)
        await until(lambda: receiver.received.records == 6)
    assert replayed.records == 2
    assert {record_id[:9]: times for record_id, times in receiver.received.times.items()} == {
        "signups:0": 1,
        "signups:1": 2,
        "signups:2": 2,
        "signups:3": 1,
    }


async def test_without_a_daemon_a_replay_takes_effect_when_one_starts(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            await post(daemon, "signups", [{"id": 1, "zip": "97201"}])
            await until(lambda: daemon.metrics.totals().get("crm", {}).get("delivered") == 1)
        replayed = await ask(tmp_path, REPLAY, AskReplay("signups", since=datetime(2020, 1, 1, tzinfo=UTC)))
        async with running(pipeline, tmp_path):
            await until(lambda: receiver.received.records == 2)
    assert replayed.records == 1


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (AskReplay("sign_ups", since=datetime(2026, 5, 2, tzinfo=UTC)), 'did you mean "signups"'),
        (AskReplay("crm", since=datetime(2026, 5, 2, tzinfo=UTC)), 'nothing called "crm" is a source'),
        (AskReplay("signups"), "say from when on"),
        (AskReplay("signups", until=datetime(2026, 5, 2, tzinfo=UTC)), "say from when on"),
        (
            AskReplay("signups", datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)),
            "since is later than until",
        ),
    ],
)
async def test_a_replay_that_means_nothing_is_refused(asked: AskReplay, message: str, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path):
            with pytest.raises(OpsError, match=message):
                await ask(tmp_path, REPLAY, asked)
        with pytest.raises(RequestError, match=message):
            await ask(tmp_path, REPLAY, asked)
