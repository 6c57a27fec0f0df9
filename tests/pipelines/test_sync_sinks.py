"""Which sinks are behind a source whose records a sync takes: everybody who says it says the same."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from groundswell.config.graph import as_data
from groundswell.ops.dashboard.backfills import plan_of
from groundswell.ops.messages import AskBackfill, ListBackfills, Nothing
from groundswell.ops.operations import ACCOUNTS, BACKFILL, BACKFILLS, STATUS
from groundswell.ops.place import outline_of
from tests.in_step import in_step, running_in_step
from tests.pipelines.ops_pipeline import ask
from tests.running import place_in

BESIDE = """
[sources.signups]
type = "http.webhook"
auth = "none"
[sinks.file]
type = "jsonl"
inputs = ["signups", "network_read"]
path = "out.jsonl"
"""
BOTH = ["actionkit_write", "network_write"]


async def test_what_a_sync_writes_to_is_behind_its_source_in_backfills_queues_graph_and_accounts(
    tmp_path: Path,
) -> None:
    async with in_step(tmp_path, actionkit={}, network={}, more=BESIDE) as it, running_in_step(it) as daemon:
        able = {one.source: one for one in (await ask(tmp_path, BACKFILLS, ListBackfills())).sources}
        begun = await ask(tmp_path, BACKFILL, AskBackfill("actionkit_read", all=True))
        status = await ask(tmp_path, STATUS, Nothing())
        accounts = (await ask(tmp_path, ACCOUNTS, Nothing())).accounts
        plan = daemon.supervisor.processor.plan
        behind = {name: plan.sinks_behind(name) for name in daemon.supervisor.sources}
        outlines = [outline_of(daemon.config).logins, place_in(tmp_path).outline.logins]
        drawn = {part["name"]: part["outputs"] for part in as_data(daemon.config)}
    assert sorted(able["actionkit_read"].sinks) == sorted(begun.sinks) == BOTH
    assert {name: sorted(sinks) for name, sinks in behind.items()} == {
        "signups": ["file"],
        "actionkit_read": BOTH,
        "network_read": [*BOTH[:1], "file", *BOTH[1:]],
    }
    assert plan.sinks_addressed_by("network_read") == ["file"], "what a sync writes is a record of its own"
    assert drawn["actionkit"] == drawn["network"] == BOTH
    assert [sorted(one.inputs) for one in status.components if one.name in BOTH] == [["actionkit", "network"]] * 2
    assert {name: login.sources for name, login in outlines[0].items()} == {
        name: login.sources for name, login in outlines[1].items()
    }
    assert {one.name: one.sources for one in accounts} == {
        name: ["actionkit_read", "network_read"] for name in ("kit", "net")
    }
    words = plan_of(able["actionkit_read"], {}, datetime.now(UTC)).words
    assert "actionkit_write, network_write" in " ".join(words)
    assert b"no sink" not in msgspec.json.encode(words)
