"""Pushes get lost, a poll brings what they told, and `reconcile` names just those."""

from datetime import UTC, datetime
from pathlib import Path

import anyio
import msgspec
import pytest

from groundswell.clock import SystemClock
from groundswell.component import Arrival
from groundswell.connectors.actionkit.simulator.faults import FaultRates
from groundswell.ops import reach
from groundswell.ops.operations import RECONCILE
from groundswell.ops.reconcile_messages import AskReconcile, KindCompared, Reconciled
from groundswell.store.inbox import Accept
from groundswell.store.store import Store
from tests.connectors.actionkit.pushing import pushing
from tests.pipelines.conftest import Groundswell
from tests.pipelines.ops_pipeline import call
from tests.running import DEADLINE_S, place_in, running, until, write_config

SETTINGS = """
account = "ours"

[sinks.polled]
type = "jsonl"
inputs = ["poll"]
path = "polled.jsonl"

[sources.poll]
type = "actionkit.poll"
collections = ["actions"]
every = "100ms"
"""
ACTIONS = 40
DAY_S = 86_400
START = 1_777_633_210
"""2026-05-01T11:00:10Z."""


class LaterClock(SystemClock):
    """Two days from now: what is missing by then will not come any more."""

    def now(self) -> float:
        return super().now() + 2 * DAY_S


def actions_of(found: Reconciled) -> KindCompared:
    (actions,) = [one for one in found.kinds if one.kind == "action"]
    return actions


async def ask(directory: Path, asked: AskReconcile) -> Reconciled:
    return await reach.ask(place_in(directory), SystemClock(), RECONCILE, asked)


async def reconcile(directory: Path, asked: AskReconcile) -> Reconciled:
    """What the command says two days later, while no daemon runs."""
    return await reach.ask(place_in(directory), LaterClock(), RECONCILE, asked)


async def test_of_pushes_that_were_lost_a_poll_names_just_those(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, type_in: Groundswell, no_log: None
) -> None:
    async with pushing(tmp_path, monkeypatch, SETTINGS, is_account_given=True, is_sending=True) as rig:

        def act(count: int) -> set[int]:
            return {rig.server.control.act("signup", email=f"rosa{number}@example.org") for number in range(count)}

        first = act(1)
        await until(lambda: rig.pusher.ledger.answered_actions() >= first)
        rig.server.faults.rates = FaultRates(push_lost=0.4, push_twice=0.3, push_late=0.3, push_late_s=5_000.0)
        acted = first | act(ACTIONS)
        ledger = rig.pusher.ledger
        await until(lambda: ledger.messages == ACTIONS + 2 and ledger.waiting == 0)
        with anyio.fail_after(DEADLINE_S):
            while actions_of(beside := await ask(tmp_path, AskReconcile("pushes", "poll"))).only_one.records:
                await anyio.sleep(0.05)  # the poll has not seen all yet
        typed = await type_in("reconcile", "pushes", "poll", "--lag", "0s", "--check")
        lost = {f"actionkit:action/{one.action_id}" for one in ledger.entries if one.outcome == "lost"}
        sent = acted - {one.action_id for one in ledger.entries if one.outcome == "lost"}
    assert 5 < len(lost) < ACTIONS
    assert (beside.one.lacks, beside.other.lacks) == (0, 0), "they may still come"
    assert typed.code == 1
    assert all(one in typed.out for one in sorted(lost)[:1])
    assert f"and {len(lost) - 20:,} more" in typed.out if len(lost) > 20 else "more" not in typed.out
    found = await reconcile(tmp_path, AskReconcile("pushes", "poll", limit=1_000))
    assert {one.id for one in found.one.lacking} == lost
    assert found.one.lacks == len(lost)
    assert (found.other.lacks, found.other.lacking) == (0, [])
    actions = actions_of(found)
    assert actions.both == len(sent)
    assert actions.only_one.records == 0
    assert actions.only_other.missing == len(lost)
    assert {one.accepted_from for one in found.one.lacking} == {"poll"}
    times = [one.happened_at for one in found.one.lacking]
    assert times == sorted(times, key=lambda at: at or datetime.max.replace(tzinfo=UTC))
    assert (found.one.is_told, found.other.is_told) == (True, False)


PIPELINE = """
[ops]
listen = "127.0.0.1:0"
[webhooks]
listen = "127.0.0.1:0"

[sources.gifts]
type = "actionkit.push"

[sources.file]
type = "jsonl"
path = "${FILE}"

[sinks.archive]
type = "jsonl"
inputs = ["gifts", "file"]
path = "archive.jsonl"
"""


async def brought(directory: Path) -> None:
    """Gifts 1 to 6 of six days in the file, and pushes of 1 and 4; a push of 7 that nobody can read."""
    lines = [
        Arrival(
            f"actblue:contribution/{number}",
            msgspec.json.encode(
                {
                    "id": f"actblue:contribution/{number}",
                    "kind": "donation",
                    "source": "file",
                    "occurred_at": f"2026-05-0{number}T11:00:09Z",
                    "donation": {"amount": f"{number}.50", "currency": "USD"},
                }
            ),
        )
        for number in range(1, 7)
    ]
    async with Store(directory / "groundswell.db") as store:
        for line, at in zip(lines, range(START, START + 9 * DAY_S, DAY_S), strict=False):
            await store.accept(Accept("file", at * 1000, [line]))
            if line.id.endswith(("/1", "/4")):
                await store.accept(Accept("gifts", at * 1000 + 1, [line]))
        await store.accept(Accept("gifts", (START + 4 * DAY_S) * 1000, [Arrival("actblue:contribution/7", b"{}")]))


REPORT = """\
gifts (actionkit.push) is told of what happens; the first came 2026-05-01; the newest is of 2026-05-05T11:00:10Z
file (jsonl) goes and looks; the first came 2026-05-01; the newest is of 2026-05-06T11:00:09Z

Brought by
kind          both  only gifts  missing from file  only file  missing from gifts  cannot tell
contribution     2           1                  1          4                   4            0
1 record cannot be read, and judged by the time of acceptance

Money
kind          currency  gifts   file  missing from gifts  missing from file
contribution  USD        6.00  24.00               18.00               0.00

Missing from gifts
record                  happened              accepted              from  amount  currency
actblue:contribution/2  2026-05-02T11:00:09Z  2026-05-02T11:00:10Z  file    2.50  USD
actblue:contribution/3  2026-05-03T11:00:09Z  2026-05-03T11:00:10Z  file    3.50  USD
actblue:contribution/5  2026-05-05T11:00:09Z  2026-05-05T11:00:10Z  file    5.50  USD
and 1 more; --limit shows more of them
gifts was not told of them; file brought them, and they went the way of everything else: nothing to send

Missing from file
record                  happened  accepted              from   amount  currency
actblue:contribution/7  -         2026-05-05T11:00:10Z  gifts       -  -
file has read past their time without showing them; gifts brought them, and they went the way of everything else: \
nothing to send
"""


async def test_the_report_says_in_words_what_is_missing_and_how_far_each_has_looked(
    type_in: Groundswell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, PIPELINE)
    monkeypatch.setenv("FILE", "gifts.jsonl")
    await brought(tmp_path)
    said = await type_in("reconcile", "gifts", "file", "--limit", "3")
    assert (said.code, said.err) == (0, "")
    assert said.out == REPORT
    assert (await type_in("reconcile", "gifts", "file", "--check")).code == 1
    assert (await type_in("reconcile", "gifts", "file", "--check", "--until", "2026-05-02")).code == 0


async def test_without_a_daemon_the_configuration_must_be_whole(
    type_in: Groundswell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, PIPELINE)
    await brought(tmp_path)
    monkeypatch.delenv("FILE", raising=False)
    said = await type_in("reconcile", "gifts", "file")
    assert said.code == 78
    assert "FILE" in said.err


async def test_the_api_answers_what_the_command_prints(type_in: Groundswell, tmp_path: Path, no_log: None) -> None:
    (tmp_path / "gifts.jsonl").touch()
    await brought(tmp_path)
    async with running(PIPELINE, tmp_path, environ={"FILE": "gifts.jsonl"}) as daemon:
        answer = await call(daemon, "GET", "/api/reconcile?one=gifts&other=file&since=2026-05-02T00:00:00Z&limit=2")
        printed = await type_in("reconcile", "gifts", "file", "--since", "2026-05-02", "--limit", "2", "--json")
        refused = await call(daemon, "GET", "/api/reconcile?one=gifts&other=fil")
    assert answer.status == 200
    assert msgspec.json.decode(answer.body) == msgspec.json.decode(printed.out)
    assert [one["id"] for one in msgspec.json.decode(answer.body)["one"]["lacking"]] == [
        "actblue:contribution/2",
        "actblue:contribution/3",
    ]
    assert refused.status == 404


async def test_sources_that_brought_nothing_alike_are_not_said_to_agree(type_in: Groundswell, tmp_path: Path) -> None:
    text = PIPELINE.replace("${FILE}", "gifts.jsonl")
    write_config(tmp_path, text)
    async with Store(tmp_path / "groundswell.db") as store:
        await store.accept(Accept("gifts", START * 1000, [Arrival("actblue:contribution/1", b"{}")]))
    said = await type_in("reconcile", "gifts", "file")
    assert said.code == 0
    assert said.out.endswith("\nNothing can be said yet: no kind was brought by both.\n")
