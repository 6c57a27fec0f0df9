"""The push source in a real daemon: the hand-shake, each action once, what is refused, and what is said about it."""

from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
import structlog
from rich.console import Console

from groundswell.cli.status import rendered
from groundswell.connectors.actionkit import push, reread
from groundswell.connectors.actionkit.push import DEFAULT_PATH
from groundswell.connectors.actionkit.simulator.faults import SERVER_ERROR, SLOW, Fault, FaultRates
from groundswell.connectors.actionkit.simulator.logins import Logins
from groundswell.connectors.actionkit.simulator.push.signing import signing_key
from groundswell.connectors.actionkit.simulator.server import Server
from groundswell.ops.messages import NameComponent, Nothing
from groundswell.ops.operations import PAUSE, RESUME, STATUS
from tests.conftest import Eventually
from tests.connectors.actionkit.pushing import pushing
from tests.pipelines.ops_pipeline import ask
from tests.running import post, until, webhook_url

RAW = {"x-amz-sns-message-type": "Notification", "x-amz-sns-rawdelivery": "true"}


async def test_an_endpoint_turns_green_and_what_is_signed_up_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pushing(tmp_path, monkeypatch, is_sending=True) as rig:
        assert webhook_url(rig.daemon, "pushes").endswith(DEFAULT_PATH)
        action = rig.server.control.act("signup", email="rosa@example.org", first_name="Rosa", action_color="blue")
        (record,) = await rig.records(1)
        shown = await rig.status()
    assert [url.host for url in rig.fetched] == ["sns.us-east-1.amazonaws.com"] * 2, "the certificate, the confirmation"
    assert rig.pusher.ledger.challenged == 2, "each came bare first"
    assert record["id"] == f"actionkit:action/{action}"
    assert record["person"]["email"] == "rosa@example.org"
    assert record["action"]["fields"] == {"color": "blue"}
    assert (shown.state, shown.notes) == ("running", {"confirmed": 1})


async def test_status_shows_what_an_operator_looks_for_when_it_does_not_turn_green(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pushing(tmp_path, monkeypatch) as rig:
        rig.is_amazon_away = True
        assert await rig.send(rig.pusher.topic.confirmation()) == 503
        console = Console(width=200)
        with console.capture() as captured:
            console.print(rendered(await ask(tmp_path, STATUS, Nothing())))
    assert "amazon_not_reached 1" in captured.get()


async def test_a_bare_first_try_is_answered_with_a_challenge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with pushing(tmp_path, monkeypatch) as rig:
        assert (await post(rig.daemon, "pushes", {"action": {"id": 1}}))[0] == 401
        assert await rig.post({"action": {"id": 1}}, key="gsk_wrong") == 401
        assert rig.fetched == []


@pytest.mark.parametrize(
    ("is_raw", "count"),
    [(True, 1_000), (False, 100)],  # to sign an envelope takes the simulator twenty milliseconds
)
async def test_of_a_thousand_pushes_with_duplicates_and_in_any_order_each_action_arrives_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_raw: bool, count: int
) -> None:
    rates = FaultRates(push_twice=0.3, push_late=0.3, push_late_s=2_000.0)
    async with pushing(
        tmp_path, monkeypatch, is_sending=True, rates=rates, pushes_are_raw=is_raw, signature_version="2"
    ) as rig:
        with rig.server.world.db.changing():
            acted = [rig.server.control.act("signup", email=f"rosa{number}@example.org") for number in range(count)]
        ledger = rig.pusher.ledger
        await until(lambda: ledger.messages == count + 1 and ledger.waiting == 0)
        records = await rig.records(count)
        await until(lambda: rig.daemon.metrics.totals()["pushes"]["duplicates"] == ledger.repeated)
        records = await rig.records(count)
    assert Counter(record["id"] for record in records) == Counter(f"actionkit:action/{action}" for action in acted)
    assert ledger.repeated > count / 5
    assert ledger.refused == ledger.dropped == 0
    assert [record["id"] for record in records] != sorted(record["id"] for record in records)


async def test_with_an_account_action_user_and_phone_are_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pushing(tmp_path, monkeypatch, is_account_given=True, push_is_full=False) as rig:
        message = rig.notification(email="rosa@example.org", mobile_phone="503-555-0144", city="Portland")
        user_id = msgspec.json.decode(message.body)["user"]["id"]
        rig.server.control.edit(user_id, first_name="Rosa")
        assert await rig.post(message.body, RAW) == 200
        (record,) = await rig.records(1)
        shown = await rig.status()
    person = record["person"]
    assert (person["first_name"], person["city"], person["phone"]) == ("Rosa", "Portland", "503-555-0144")
    assert shown.notes == {"read_anew": 1}


async def test_when_the_account_is_away_a_push_that_says_who_is_taken_and_another_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pushing(tmp_path, monkeypatch, is_account_given=True, push_is_full=False) as rig:
        message = rig.notification(email="rosa@example.org")
        rig.server.control.fail(unavailable=1.0)
        pushed = msgspec.json.decode(message.body)
        assert await rig.post({**pushed, "user": f"/rest/v1/user/{pushed['user']['id']}/"}, RAW) == 503
        assert await rig.post(message.body, RAW) == 200
        (record,) = await rig.records(1)
        shown = await rig.status()
    assert record["person"]["email"] == "rosa@example.org"
    assert shown.notes == {"taken_as_pushed": 1}


@pytest.mark.parametrize("path", ["action/", "user/", "phone/"])
async def test_a_call_that_fails_for_a_moment_is_made_again_before_a_push_is_taken_as_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    # One 500 made a record without phones for good: the poller's is of an id that is known then.
    async with pushing(tmp_path, monkeypatch, is_account_given=True, push_is_full=False) as rig:
        message = rig.notification(email="rosa@example.org", mobile_phone="503-555-0144")
        rig.server.faults.plan(SERVER_ERROR, path=path, times=2)
        assert await rig.post(message.body, RAW) == 200
        (record,) = await rig.records(1)
        shown = await rig.status()
    assert record["person"]["phone"] == "503-555-0144"
    assert shown.notes == {"read_anew": 1}


async def test_a_push_of_what_was_deleted_since_is_taken_as_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pushing(tmp_path, monkeypatch, is_account_given=True) as rig:
        assert await rig.post({"action": {"id": 987_654, "user": "/rest/v1/user/7/"}}, RAW) == 200
        (record,) = await rig.records(1)
    assert (record["id"], record["person"]) == ("actionkit:action/987654", {"ids": {"actionkit": "7"}})


async def test_when_the_account_is_slow_the_answer_comes_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reread, "REREAD_S", 0.1)
    async with pushing(tmp_path, monkeypatch, is_account_given=True) as rig:
        rig.server.faults.plan(SLOW, times=9)
        assert await rig.post(rig.notification(email="rosa@example.org").body, RAW) == 200
        assert (await rig.status()).notes == {"taken_as_pushed": 1}


async def test_a_password_that_is_not_taken_costs_no_push_and_is_tried_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pushing(tmp_path, monkeypatch, is_account_given=True) as rig:
        rig.server.instance.logins = Logins(rig.server.world, rig.server.user, "changed")
        for number in range(5):
            assert await rig.post(rig.notification(email=f"rosa{number}@example.org").body, RAW) == 200
        assert len(await rig.records(5)) == 5
        assert rig.server.counts.calls == 1


async def test_a_source_that_is_switched_off_answers_503_and_status_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pushing(tmp_path, monkeypatch, "enabled = false") as rig:
        assert await rig.post(rig.notification(email="rosa@example.org").body, RAW) == 503
        assert await rig.send(rig.pusher.topic.confirmation()) == 503
        assert await rig.post(b"{}", key="gsk_wrong") == 401, "staff see that their key is wrong"
        shown = await rig.status()
        assert (shown.state, rig.fetched) == ("off", [])
        assert "answers 503; set `enabled = true`" in shown.attention


async def test_a_paused_source_answers_503_until_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with pushing(tmp_path, monkeypatch) as rig:
        message = rig.notification(email="rosa@example.org")
        await ask(tmp_path, PAUSE, NameComponent("pushes"))
        await until_answered(rig, message.body, 503)
        await ask(tmp_path, RESUME, NameComponent("pushes"))
        await until_answered(rig, message.body, 200)
        assert len(await rig.records(1)) == 1


async def test_the_first_topic_is_kept_over_restarts_until_it_is_unsubscribed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "arn:aws:sns:us-east-1:111122223333:somebody-else"
    async with pushing(tmp_path, monkeypatch) as rig:
        assert await rig.send(rig.pusher.topic.confirmation()) == 200
        key = rig.key
    async with pushing(tmp_path, monkeypatch, key=key) as rig:
        body = rig.notification(email="rosa@example.org").body
        assert await rig.post(body, {**RAW, "x-amz-sns-topic-arn": other}) == 503
        assert await rig.post(body, {**RAW, "x-amz-sns-topic-arn": rig.topic}) == 200
        assert await rig.post(body, {**RAW, "x-amz-sns-topic-arn": "no topic"}) == 403
        assert (await rig.status()).notes == {"of_another_topic": 1}
        assert await rig.send(rig.pusher.topic.confirmation("UnsubscribeConfirmation")) == 200
        assert await rig.post(body, {**RAW, "x-amz-sns-topic-arn": other}) == 200
        assert await rig.post(body, {**RAW, "x-amz-sns-topic-arn": rig.topic}) == 503, "a person may still mend it"


async def test_a_certificate_that_is_none_loses_no_push_and_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It was kept, and everything it should have vouched for was answered 403, which SNS takes for final.
    async with pushing(tmp_path, monkeypatch, pushes_are_raw=False) as rig:
        message = rig.notification(email="rosa@example.org")
        with monkeypatch.context() as spoilt:
            spoilt.setattr(Server, "sns_fetch", _half_a_certificate)
            assert await rig.post(message.body, message.headers) == 503
        assert (await rig.status()).notes == {"certificate_not_usable": 1}
        assert await rig.post(message.body, message.headers) == 200
        assert len(await rig.records(1)) == 1


async def _half_a_certificate(server: Server, url: str) -> tuple[int, bytes]:
    return 200, signing_key(server.world.seed).certificate().encode()[:300]


async def test_an_account_of_another_host_is_said_in_the_log_and_loses_no_push(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pushing(tmp_path, monkeypatch, is_account_given=True) as rig:
        rig.server.faults.plan(Fault("redirect", status=301), times=9)
        message = rig.notification(email="rosa@example.org")
        with structlog.testing.capture_logs() as logged:
            assert await rig.post(message.body, RAW) == 200
        assert len(await rig.records(1)) == 1
    (told,) = [entry for entry in logged if entry["event"] == "pushes_are_not_read_anew"]
    assert "put the right address in `host` of the account" in told["error"]


async def test_without_room_to_note_the_topic_a_confirmation_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    async with pushing(tmp_path, monkeypatch) as rig:
        source = rig.daemon.supervisor.sources["pushes"]
        await eventually(lambda: source._emit is not None)
        with monkeypatch.context() as full:
            full.setattr(push, "KEEP_S", 0.05)
            full.setattr(source, "_emit", lambda batch: anyio.sleep_forever())  # as while there is no room
            assert await rig.send(rig.pusher.topic.confirmation()) == 503
        assert await rig.send(rig.pusher.topic.confirmation()) == 200
        assert (await rig.status()).notes == {"confirmed": 1}


async def test_a_topic_in_the_settings_is_the_only_one_whatever_was_unsubscribed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = "arn:aws:sns:us-east-1:111122223333:ours"
    async with pushing(tmp_path, monkeypatch, f'topic = "{ours}"') as rig:
        assert await rig.send(rig.pusher.topic.confirmation()) == 503
        assert await rig.send(rig.pusher.topic.confirmation("UnsubscribeConfirmation")) == 503
        body = rig.notification(email="rosa@example.org").body
        assert await rig.post(body, {**RAW, "x-amz-sns-topic-arn": ours}) == 200
        assert rig.fetched == []


ELSEWHERE = [
    "https://evil.example/?Action=ConfirmSubscription",
    "http://sns.us-east-1.amazonaws.com/",
    "https://sns.us-east-1.amazonaws.com.evil.example/",
    "https://sns.us-east-1.amazonaws.com@evil.example/",
    "https://sns.us-east-1.amazonaws.com:8443/",
    "https://bucket.s3.us-east-1.amazonaws.com/",
    "https://127.0.0.1/",
    "file:///etc/passwd",
    "",
]


@pytest.mark.parametrize("url", ELSEWHERE)
@pytest.mark.parametrize("name", ["SubscribeURL", "SigningCertURL"])
async def test_an_address_that_leads_elsewhere_is_refused_and_never_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    async with pushing(tmp_path, monkeypatch) as rig:
        message = rig.pusher.topic.confirmation()
        assert await rig.send(message, **{name: url}) == 403
        assert {url.host for url in rig.fetched} <= {"sns.us-east-1.amazonaws.com"}
        assert not rig.pusher.is_connected


async def test_an_address_elsewhere_is_not_fetched_even_when_it_is_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can have a topic of their own, whose messages Amazon signs."""
    async with pushing(tmp_path, monkeypatch) as rig:
        message = rig.pusher.topic.confirmation()
        honest = msgspec.json.decode(message.body)
        elsewhere = honest["SubscribeURL"].replace("sns.us-east-1.amazonaws.com", "evil.example")
        assert (
            await rig.send(message, SubscribeURL=elsewhere, Signature=signed(honest | {"SubscribeURL": elsewhere}))
            == 403
        )
        assert rig.fetched == []
        assert await rig.send(message, Signature=signed(honest)) == 200, "signed so, the honest one is taken"
        assert rig.pusher.is_connected


def signed(body: dict[str, Any]) -> str:
    names = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    return signing_key(1).sign("".join(f"{name}\n{body[name]}\n" for name in names).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"Token": "another"},
        {"Timestamp": "2026-01-01T00:00:00.000Z"},
        {"Signature": "AAAA"},
        {"Signature": "no base64!"},
        {"Signature": None},
        {"SignatureVersion": "2"},
        {"SignatureVersion": "3"},
        {"SigningCertURL": None},
        {"SigningCertURL": "https://sns.us-east-1.amazonaws.com/?Action=ListTopics"},
        {"SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem?Action=ListTopics"},
        {"SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe"},
        {"Type": "Notification"},
        {"Type": "Confirmation"},
        {"Type": None},
        {"TopicArn": "arn:aws:sns:us-east-1:111122223333:another"},
        {"TopicArn": "rosa@example.org"},
        {"Message": {"not": "text"}},
    ],
)
async def test_a_message_that_was_tampered_with_confirms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    async with pushing(tmp_path, monkeypatch) as rig:
        assert await rig.send(rig.pusher.topic.confirmation(), **changes) == 403
        assert all(url.path.endswith(".pem") for url in rig.fetched)
        assert not rig.pusher.is_connected


async def test_an_envelope_whose_push_was_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with pushing(tmp_path, monkeypatch, pushes_are_raw=False) as rig:
        message = rig.notification(email="rosa@example.org")
        assert await rig.send(message, Message='{"action": {"id": 1}}') == 403
        assert await rig.send(message) == 200
        assert len(await rig.records(1)) == 1


async def test_a_confirmation_that_amazon_does_not_know_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pushing(tmp_path, monkeypatch) as rig:
        old = rig.pusher.topic.token
        rig.pusher.topic.token = "0" * len(old)
        message = rig.pusher.topic.confirmation()
        rig.pusher.topic.token = old
        assert await rig.send(message) == 503
        assert (await rig.status()).notes == {"amazon_not_reached": 1}
        assert not rig.pusher.is_connected


async def test_while_amazon_is_away_a_confirmation_comes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with pushing(tmp_path, monkeypatch) as rig:
        rig.is_amazon_away = True
        assert await rig.send(rig.pusher.topic.confirmation()) == 503
        rig.is_amazon_away = False
        assert await rig.send(rig.pusher.topic.confirmation()) == 200
        assert rig.pusher.is_connected


async def test_a_push_of_an_unknown_shape_is_kept_as_a_dead_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pushing(tmp_path, monkeypatch) as rig:
        assert await rig.post({"type": "user", "user": {"id": 7}}, RAW) == 200
        assert await rig.post({"user": {"id": 7}, "type": "user"}, RAW) == 200, "the same again"
        assert await rig.post(b"not json", RAW) == 400
        await until(lambda: not len(rig.daemon.supervisor.inbox) and not rig.daemon.supervisor.processor.in_hand)
        groups = {group.reason: group.count for group in await rig.daemon.store.dead_groups()}
    assert groups == {"unknown_push": 1, "unreadable": 1}


async def until_answered(rig: Any, body: bytes, status: int) -> None:
    answered: list[int] = []
    while not answered or answered[-1] != status:
        assert len(answered) < 200, answered
        answered.append(await rig.post(body, RAW))
