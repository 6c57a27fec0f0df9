"""The operators' verbs as they are typed: beside a running daemon, and on the state file alone."""

import re
import signal
import sys
from pathlib import Path

import anyio
import msgspec
import pytest

from groundswell.clock import SystemClock
from groundswell.component import Batch, Cursor, Emit, Progress
from groundswell.connectors.http.simulator import NO_FAULT, Fault
from groundswell.ops import reach
from groundswell.runtime.daemon import Daemon
from groundswell.store.database import Lock
from tests.pipelines.conftest import Groundswell
from tests.pipelines.ops_pipeline import receiving
from tests.running import basic, post, running, until, write_config
from tests.vendor import ACCOUNT, KEY, POLL, Backfill, Vendor, people

pytestmark = pytest.mark.usefixtures("no_log")


def with_vendor(pipeline: str) -> str:
    """The same with a source on an account, whose records go nowhere in particular."""
    return pipeline.replace('inputs = ["signups"]', 'inputs = ["signups", "people"]') + ACCOUNT + POLL


PEOPLE = [{"id": 1, "zip": "97201"}, {"id": 2, "zip": ["no text"]}, {"id": 3}]


async def traffic(daemon: Daemon) -> None:
    """One delivered, one dead, one filtered, and a body nobody could read."""
    await post(daemon, "signups", PEOPLE)
    await post(daemon, "signups", b"no \x1b[2J json")
    await until(lambda: daemon.metrics.totals().get("mapped", {}).get("dead") == 1)


def table_row(output: str, name: str) -> list[str]:
    """The cells of the row that begins with this."""
    (row,) = (line for line in output.splitlines() if line.startswith(f"{name} "))
    return re.split(r" {2,}", row.strip())


async def test_status_shows_a_table_for_each_role(type_in: Groundswell, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        await traffic(daemon)
        await until(lambda: daemon.metrics.totals().get("crm", {}).get("delivered") == 1)
        online = await type_in("status")
    offline = await type_in("status")
    assert (online.code, online.err) == (0, "")
    assert re.match(
        r"running since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(\ds\), configuration [0-9a-f]{12} read", online.out
    )
    assert table_row(online.out, "signups") == ["signups", "http.webhook", "running", "3", "0", "3", "1", "1"]
    assert table_row(online.out, "mapped") == ["mapped", "map_fields", "running", "0", "1"]
    assert table_row(online.out, "adults") == ["adults", "filter", "running", "1", "0"]
    assert table_row(online.out, "crm") == ["crm", "http", "running", "1", "0", "-", "0", "0"]
    assert "needs a person:\n  signups: 1 dead letter" in online.out
    assert offline.code == 0
    assert offline.out.startswith("not running; what waits is in the state file")
    assert table_row(offline.out, "crm") == ["crm", "http", "stopped", "-", "0", "-", "-", "0"]


async def test_status_tells_the_last_error_of_a_sink_in_trouble(type_in: Groundswell, tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        receiver.fault = Fault(status=401)
        await post(daemon, "signups", PEOPLE[:1])
        await until(lambda: daemon.supervisor.states()["crm"] == "unauthorized")
        said = await type_in("status")
    assert table_row(said.out, "crm")[:4] == ["crm", "http", "unauthorized", "0"]
    assert re.search(r"Last errors\n  crm: posting 1 record: 127.0.0.1:\d+ answered 401", said.out)


async def test_status_shows_the_accounts(type_in: Groundswell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Vendor().register(monkeypatch)
    async with receiving() as (_, pipeline), running(pipeline + ACCOUNT, tmp_path):
        said = await type_in("status")
    columns = ["account", "type", "host", "state", "since", "last good call"]
    assert table_row(said.out, "account") == columns
    row = table_row(said.out, "main")
    assert row[:4] == ["main", "vendor", "vendor.example.org", "connected"]
    assert row[5] == "-"
    assert "\n  main: used by " in said.out
    assert KEY not in said.out


async def test_status_says_how_far_a_source_has_come(
    type_in: Groundswell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began_at = SystemClock().now() - 60

    async def first_look(_: Cursor | None, emit: Emit) -> None:
        await emit(Batch(people(1, 2), "2", Progress("people", 320_000, 1_000_000, began_at)))
        await anyio.sleep_forever()

    vendor = Vendor()
    vendor.register(monkeypatch)
    vendor.run = first_look
    async with receiving() as (_, pipeline), running(with_vendor(pipeline), tmp_path) as daemon:
        await until(lambda: daemon.supervisor.running_sources["people"].progress is not None)
        said = await type_in("status")
        as_json = await type_in("status", "--json")
    assert "Under way\n  people: people, 320,000 of about 1,000,000, about " in said.out
    (shown,) = [c["progress"] for c in msgspec.json.decode(as_json.out)["components"] if c["progress"] is not None]
    assert list(shown) == ["what", "done", "total", "began_at", "left_s"]
    assert shown["left_s"] > 0


async def test_status_before_the_first_start_says_so(type_in: Groundswell, tmp_path: Path) -> None:
    write_config(tmp_path, "")
    said = await type_in("status")
    assert (said.code, said.out) == (1, "")
    assert "no groundswell runs here, and there is no state file" in said.err


async def test_status_with_json_is_one_line_with_stable_keys(type_in: Groundswell, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path):
        online = await type_in("status", "--json")
    offline = await type_in("status", "--json")
    keys = []
    for said in (online, offline):
        assert said.out.count("\n") == 1
        status = msgspec.json.decode(said.out)
        keys.append([list(status), [list(component) for component in status["components"]]])
    assert keys[0] == keys[1]
    assert list(msgspec.json.decode(online.out)) == [
        *("running", "version", "now", "state_file", "state_file_bytes", "components"),
        *("inbox_waiting", "inbox_oldest_at", "not_ready", "attention"),
        *("started_at", "config", "config_read_at", "last_reload", "accounts", "backfills"),
        "syncs",
    ]


async def test_dead_letters_are_listed_shown_retried_and_dropped(type_in: Groundswell, tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        receiver.fault = Fault(status=422)
        await traffic(daemon)
        await until(lambda: daemon.metrics.totals().get("crm", {}).get("dead") == 1)
        listed = await type_in("dead", "list")
        some = await type_in("dead", "list", "--component", "crm", "--limit", "1")
        as_json = await type_in("dead", "list", "--json")
        numbers = {letter["component"]: str(letter["id"]) for letter in msgspec.json.decode(as_json.out)["letters"]}
        shown = await type_in("dead", "show", numbers["mapped"])
        unreadable = await type_in("dead", "show", numbers["signups"])
        receiver.fault = NO_FAULT
        retried = await type_in("dead", "retry", "--component", "crm")
        await until(lambda: receiver.received.records == 1)
        nothing = await type_in("dead", "retry", "--reason", "unreadable")
        kept = await type_in("dead", "drop", "--all", typed="n\n")
        dropped = await type_in("dead", "drop", "--all", typed="y\n")
        none = await type_in("dead", "list")
    assert listed.out.startswith("3 dead letters\n")
    assert table_row(listed.out, "crm") == ["crm", "rejected", "1"]
    assert "97201" not in listed.out
    assert table_row(some.out, "component")[:2] == ["component", "reason"]
    assert "bad_value" not in some.out
    assert "personal data" in shown.err
    assert '"no text"' in shown.out
    assert re.search(r"^reason +bad_value$", shown.out, re.MULTILINE)
    assert "no \\u001b[2J json" in unreadable.out
    assert "\x1b" not in unreadable.out
    assert retried.out == "1 to crm again\n"
    assert nothing.out == "nothing that could be retried\n"
    assert (kept.code, dropped.code) == (1, 0)
    assert "Forget 2 dead letters for good?" in kept.err
    assert dropped.out.endswith("2 dead letters dropped\n")
    assert none.out == "no dead letters\n"


async def test_a_long_list_says_how_to_go_on(type_in: Groundswell, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        await post(daemon, "signups", [{"id": n, "zip": []} for n in range(3)])
        await until(lambda: daemon.metrics.totals().get("mapped", {}).get("dead") == 3)
        said = await type_in("dead", "list", "--component", "mapped", "--limit", "2")
    assert said.out.endswith("more: groundswell dead list --component mapped --limit 2 --after 2\n")


async def test_a_record_is_told_whole(type_in: Groundswell, tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        await traffic(daemon)
        await until(lambda: daemon.metrics.totals().get("crm", {}).get("delivered") == 1)
        (record_id,) = receiver.received.times
        told = await type_in("record", record_id)
        as_json = await type_in("record", record_id, "--json")
        arrivals = await daemon.store.arrivals_after(0, 3, 2**20)
        filtered = await type_in("record", arrivals[2].arrival.id)
        dead = await type_in("record", arrivals[1].arrival.id)
    assert re.search(r"^accepted \S+Z by signups\nprocessed$", told.out, re.MULTILINE)
    assert table_row(told.out, "crm")[:2] == ["crm", "delivered"]
    assert '"zip": "97201"' in told.out
    assert "personal data" in told.err
    assert msgspec.json.decode(as_json.out)["body"] == PEOPLE[0]
    assert "processed, and sent nowhere: a filter dropped it" in filtered.out
    assert "bad_value" in dead.out


async def test_a_replay_says_how_many(type_in: Groundswell, tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        await traffic(daemon)
        await until(lambda: receiver.received.records == 1)
        said = await type_in("replay", "signups", "--since", "1h")
        later = await type_in("replay", "signups", "--since", "2999-01-01", "--json")
        wrong = await type_in("replay", "sign-ups", "--since", "1h")
        await until(lambda: receiver.received.records == 2)
    assert said.out == "3 records of signups once more\n"
    assert later.out == '{"records":0}\n'
    assert (wrong.code, wrong.out) == (1, "")
    assert 'did you mean "signups"' in wrong.err


async def test_a_backfill_is_begun_shown_and_cancelled(
    type_in: Groundswell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def two_and_wait(asked: Backfill) -> None:
        await asked.emit(Batch(people(1, 2), "2", Progress("people", 2, 10)))
        await anyio.sleep_forever()

    vendor = Vendor()
    vendor.register(monkeypatch)
    vendor.backfill = two_and_wait
    async with receiving() as (_, pipeline), running(with_vendor(pipeline), tmp_path) as daemon:
        begun = await type_in("backfill", "people", "--since", "2026-05-01", "--until", "2026-05-02")
        await until(lambda: daemon.metrics.totals().get("people", {}).get("accepted") == 2)
        status = await type_in("status")
        again = await type_in("backfill", "people", "--since", "3d")
        cancelled = await type_in("backfill", "people", "--cancel")
        only = await type_in("backfill", "people", "--since", "3d", "--collection", "gifts", "--json")
        await type_in("pause", "people")
        await type_in("backfill", "people", "--cancel")
        held = await type_in("backfill", "people", "--since", "3d")
        wrong = await type_in("backfill", "signups", "--since", "3d")
    assert begun.out == (
        "people fetches again what was made or changed from 2026-05-01T00:00:00Z to 2026-05-02T00:00:00Z: "
        "people, gifts\n"
        "what has not been sent yet is sent to crm; what lies in dead letters stays there (groundswell dead retry)\n"
        "what happens meanwhile goes first\n"
        "groundswell status shows how far it has come; groundswell backfill people --cancel stops it\n"
    )
    begins, *rest = status.out.partition("\nBackfills\n")[2].splitlines()
    assert re.split(r" {2,}", begins) == [
        *("backfill of", "state", "sends", "collections", "what", "records", "new", "sent", "known", "dead", "ended")
    ]
    assert re.split(r" {2,}", rest[0]) == [
        *("people", "running", "what is unsent", "people, gifts", "from 2026-05-01T00:00:00Z to 2026-05-02T00:00:00Z"),
        *("2", "2", "0", "0", "0", "-"),
    ]
    assert "Under way\n  backfill of people: people, 2 of about 10" in status.out
    assert (again.code, "under way already" in again.err) == (1, True)
    assert cancelled.out == "the backfill of people is cancelled; it brought 2, 2 new\n"
    assert msgspec.json.decode(only.out)["collections"] == ["gifts"]
    assert "people is paused; groundswell resume people lets it begin\n" in held.out
    assert (wrong.code, "people can be asked" in wrong.err) == (1, True)


async def test_keys_are_made_listed_and_revoked(type_in: Groundswell, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        write_config(tmp_path, pipeline)
        before = await type_in("keys", "create", "actblue")
        account, secret = re.findall(r"gs[ak]_[a-z0-9]+", before.out)[:2]
        async with running(pipeline.replace('auth = "none"', 'auth = "basic"'), tmp_path) as daemon:
            assert (await post(daemon, "signups", {"id": 1}, headers=basic(account, secret)))[0] == 200
            listed = await type_in("keys", "list")
            revoked = await type_in("keys", "revoke", "actblue")
            assert (await post(daemon, "signups", {"id": 1}, headers=basic(account, secret)))[0] == 401
            again = await type_in("keys", "revoke", "actblue")
    assert f"https://{account}:{secret}@HOST/PATH" in before.out
    assert table_row(listed.out, "actblue")[:2] == ["actblue", account]
    assert secret not in listed.out
    assert revoked.out == "actblue is revoked\n"
    assert (again.code, again.err) == (
        1,
        'there is no key "actblue" in force; `groundswell keys list` shows what there is\n',
    )


async def test_a_sink_is_paused_and_resumed(type_in: Groundswell, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path):
            paused = await type_in("pause", "crm")
            resumed = await type_in("resume", "crm")
            webhook = await type_in("pause", "signups")
        later = await type_in("resume", "crm")
    assert paused.out == "crm is paused; groundswell resume crm lets it go on\n"
    assert resumed.out == "crm is running\n"
    assert (webhook.code, "cannot be paused" in webhook.err) == (1, True)
    assert later.out == "crm is stopped; it goes on when a daemon runs\n"


async def test_a_reload_says_what_changed_and_a_wrong_file_exits_78(type_in: Groundswell, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            sink = '\n[sinks.file]\ntype = "jsonl"\ninputs = ["adults"]\npath = "out.jsonl"\n'
            write_config(tmp_path, pipeline + sink)
            said = await type_in("reload")
            in_force = daemon.config.hash
            write_config(tmp_path, pipeline + sink.replace("jsonl", "jsonnl"))
            refused = await type_in("reload")
            status = await type_in("status")
            assert daemon.config.hash == in_force
        nobody = await type_in("reload")
    assert said.out == f"configuration {in_force} is in force\nstarted    file\n"
    assert (refused.code, refused.out) == (78, "")
    assert 'sinks.file.type: "jsonnl" is not a sink' in refused.err
    assert "needs a person:\n  the last reload was refused" in status.out
    assert nobody.code == 1
    assert "start one with `groundswell run`" in nobody.err


async def test_a_configuration_that_does_not_say_where_the_state_is_exits_78(
    type_in: Groundswell, tmp_path: Path
) -> None:
    missing = await type_in("status")
    write_config(tmp_path, "[daemon]\nstat = 5")
    wrong = await type_in("status")
    assert (missing.code, wrong.code) == (78, 78)
    assert "there is no such file" in missing.err
    assert "daemon.stat" in wrong.err


async def test_where_nobody_answers_it_says_which_address_and_exits_1(
    type_in: Groundswell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "PATIENCE_S", 0.1)
    write_config(tmp_path, "")
    (tmp_path / "groundswell.db.token").write_text('{"address": "127.0.0.1:1", "token": "x", "pid": 4711}')
    lock = Lock(tmp_path / "groundswell.db")
    lock.acquire()
    said = await type_in("status")
    lock.release()
    assert (said.code, said.out) == (1, "")
    assert "nothing answers at 127.0.0.1:1" in said.err


async def test_bytes_that_are_no_text_are_refused_and_not_passed_on(type_in: Groundswell, tmp_path: Path) -> None:
    write_config(tmp_path, '[sinks.crm]\ntype = "http"')
    said = await type_in("pause", "crm\udcff")
    assert (said.code, said.out) == (1, "")
    assert "not UTF-8" in said.err


async def test_watching_goes_on_through_a_start_and_ends_well_with_ctrl_c(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        config = write_config(tmp_path, pipeline)
        command = [sys.executable, "-m", "groundswell", "status", "--watch", "--json", "--config", str(config)]
        async with await anyio.open_process(command) as watching:
            assert watching.stdout is not None
            assert watching.stderr is not None
            with anyio.fail_after(15):
                not_yet = await watching.stderr.receive()
                async with running(pipeline, tmp_path):
                    line = await watching.stdout.receive()
                watching.send_signal(signal.SIGINT)
                code = await watching.wait()
    assert b"there is no state file" in not_yet
    assert msgspec.json.decode(line)["running"] is True
    assert code == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            ("dead", "list", "--component", "nobody"),
            "no such dead letters; `groundswell dead list` shows what there is",
        ),
        (("dead", "list"), "no dead letters"),
        (("dead", "drop", "--reason", "nope"), "0 dead letters dropped"),
        (("records", "--source", "nobody"), "there are none"),
        (("records", "--before", "7"), "there are no older ones"),
        (("backfills",), "no backfill was asked for yet"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_what_is_not_there_is_said_and_asked_for_nothing(
    typed: tuple[str, ...], said: str, type_in: Groundswell, tmp_path: Path
) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path):
        found = await type_in(*typed)
    assert (found.code, found.out, found.err) == (0, f"{said}\n", "")


async def test_a_refused_export_leaves_no_file_and_warns_of_nothing(type_in: Groundswell, tmp_path: Path) -> None:
    file = tmp_path / "consents.csv"
    async with receiving() as (_, pipeline), running(pipeline, tmp_path):
        refused = await type_in("consents", "export", "--phone", "5", "--output", str(file))
        shown = await type_in("consents", "export", "--phone", "5")
    assert (refused.code, file.exists(), "no phone number" in refused.err) == (1, False, True)
    assert "personal data" not in shown.err


async def test_a_kind_that_is_none_is_wrong_usage(type_in: Groundswell, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path):
        said = await type_in("tap", "--kind", "foo", "--for", "1s")
    assert said.code == 2
    assert "group_member" in said.err
