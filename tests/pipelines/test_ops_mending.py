"""Records listed, dead letters mended, the configuration shown: over the API, the command line and the pages."""

import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path

import msgspec
import pytest

from groundswell.connectors.http.simulator import NO_FAULT, Fault
from groundswell.ops.client import OpsError
from groundswell.ops.dashboard.pages import PAGES
from groundswell.ops.messages import AskRecord, ListAudit, ListLetters, Nothing, ShowLetter
from groundswell.ops.operations import AUDIT, CONFIG, DEAD_EDIT, DEAD_LIST, DEAD_SHOW, RECORD, RECORDS
from groundswell.ops.record_messages import EditLetter, ListRecords
from groundswell.runtime.daemon import Daemon
from groundswell.store.inbox import Accept
from tests.pipelines.conftest import Groundswell
from tests.pipelines.ops_pipeline import PASSWORD, ask, browsing, receiving, with_ops
from tests.running import post, running, until, write_config

WRONG = {"id": "rosa", "zip": "9720", "phone": "+15035550144"}


async def refused(daemon: Daemon) -> None:
    """Rosa's record, as the CRM would not take it: dead letter 1."""
    await post(daemon, "signups", [WRONG])
    await until(lambda: daemon.metrics.totals().get("crm", {}).get("dead") == 1)


async def mended(directory: Path, **person: object) -> str:
    """The body of dead letter 1 with these fields changed."""
    body = msgspec.json.decode((await ask(directory, DEAD_SHOW, ShowLetter(1))).body)
    body["person"] |= person
    return msgspec.json.encode(body).decode()


@pytest.mark.parametrize("is_running", [True, False], ids=["a daemon runs", "none does"])
async def test_a_mended_letter_is_delivered_as_it_was_mended(is_running: bool, tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            receiver.fault = Fault(status=422)
            await refused(daemon)
            receiver.fault = NO_FAULT
            letter = EditLetter(1, await mended(tmp_path, zip="97201"))
            if is_running:
                edited = await ask(tmp_path, DEAD_EDIT, letter)
                await until(lambda: receiver.received.records == 1)
        if not is_running:
            edited = await ask(tmp_path, DEAD_EDIT, letter)
            async with running(pipeline, tmp_path):
                await until(lambda: receiver.received.records == 1)
        (record,) = (await ask(tmp_path, RECORDS, ListRecords())).records
        trace = await ask(tmp_path, RECORD, AskRecord(record.id))
        (line,) = (await ask(tmp_path, AUDIT, ListAudit(operation="dead edit"))).lines
    assert (edited.sink, edited.changed, edited.is_sink_gone) == ("crm", ["person.zip"], False)
    assert [(one.outcome, one.note) for one in trace.settled] == [
        ("dead", "rejected"),
        ("edited", "dead letter 1, by hand: person.zip"),
        ("delivered", None),
    ]
    assert record.state == "delivered"
    assert (line.outcome, bytes(line.arguments)) == ("done", b'{"id":1}')
    assert b"97201" not in msgspec.json.encode(line)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON|not a record"),
        ("{}", "not a record: object missing required field `id`"),
        ('{"id": "x", "kind": "person", "source": "signups", "Rosa Parks": 1}', r"unknown field \(left out here\)"),
        ('{"id": "x", "kind": "Rosa Parks", "source": "signups"}', r"enum value \(left out here\) - at `\$.kind`"),
        ('{"id": "x", "kind": "person", "source": "signups", "person": {"zip": 97201}}', r"\$.person.zip"),
        ('{"id": "x", "kind": "person", "source": "signups"}', "its id is not that"),
    ],
    ids=lambda text: text[:40],
)
async def test_what_is_no_record_is_refused_without_repeating_it(text: str, why: str, tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        receiver.fault = Fault(status=422)
        await refused(daemon)
        with pytest.raises(OpsError, match=why) as caught:
            await ask(tmp_path, DEAD_EDIT, EditLetter(1, text))
        left = await ask(tmp_path, DEAD_LIST, ListLetters())
    assert "Parks" not in str(caught.value)
    assert left.total == 1


def as_of_another_version(directory: Path) -> None:
    """Dead letter 1 as a groundswell would have written it that knows another field."""
    with closing(sqlite3.connect(directory / "groundswell.db", timeout=10)) as state, state:
        state.execute("UPDATE dead_letters SET body = CAST(replace(body, '\"zip\"', '\"Rosas zip\"') AS BLOB)")


DOES_NOT_READ = "dead letter 1 holds does not read as a record: object contains unknown field (left out here)"


async def test_a_letter_that_reads_as_a_record_no_more_is_a_refusal_on_page_and_api(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline):
        receiver.fault = Fault(status=422)
        ops = with_ops(pipeline, f'password = "{PASSWORD}"')
        async with running(ops, tmp_path) as daemon, browsing(daemon) as browser:
            await refused(daemon)
            letter = EditLetter(1, await mended(tmp_path, zip="97201"))
            as_of_another_version(tmp_path)
            with pytest.raises(OpsError) as of_api:
                await ask(tmp_path, DEAD_EDIT, letter)
            await browser.log_in()
            fields = {"form": "dead edit", "id": "1", "record": letter.record, "csrf": await browser.csrf()}
            page = await browser.post("/dead/1", fields)
        left = await ask(tmp_path, DEAD_LIST, ListLetters())
    assert of_api.value.status == 409
    assert DOES_NOT_READ in str(of_api.value)
    assert f"`groundswell replay signups --id {left.letters[0].record_id}`" in str(of_api.value)
    assert "Rosas" not in str(of_api.value)
    assert (page.status, DOES_NOT_READ in page.text) == (422, True)
    assert "<textarea" in page.text, "what was entered can be mended or kept"
    assert "97201" in page.text
    assert left.total == 1


@pytest.mark.usefixtures("no_log")
@pytest.mark.parametrize("is_running", [True, False], ids=["a daemon runs", "none does"])
async def test_as_a_command_it_is_neither_edited_nor_retried_and_a_replay_makes_it_anew(
    is_running: bool, type_in: Groundswell, tmp_path: Path
) -> None:
    async with receiving() as (receiver, pipeline), AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(running(pipeline, tmp_path))
        receiver.fault = Fault(status=422)
        await refused(daemon)
        receiver.fault = NO_FAULT
        (tmp_path / "mended.json").write_text(await mended(tmp_path, zip="97201"))
        if not is_running:
            await stack.aclose()
        as_of_another_version(tmp_path)
        edited = await type_in("dead", "edit", "1", "--file", str(tmp_path / "mended.json"))
        retried = await type_in("dead", "retry", "1")
        every = await type_in("dead", "retry", "--all")
        (letter,) = (await ask(tmp_path, DEAD_LIST, ListLetters())).letters
        replayed = await type_in("replay", "signups", "--id", letter.record_id)
        if not is_running:
            await stack.enter_async_context(running(pipeline, tmp_path))
        await until(lambda: receiver.received.records == 1)
    for said in (edited, retried):
        assert (said.code, DOES_NOT_READ in said.err) == (1, True)
    assert (every.code, every.out) == (0, "nothing that could be retried\n")
    assert replayed.code == 0


async def test_a_letter_for_a_sink_that_is_gone_says_so(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        receiver.fault = Fault(status=422)
        await refused(daemon)
        write_config(tmp_path, pipeline.replace("[sinks.crm]", "[sinks.other]"))
        await daemon.reload()
        assert (await ask(tmp_path, DEAD_EDIT, EditLetter(1, await mended(tmp_path, zip="97201")))).is_sink_gone


async def test_what_another_source_brought_too_is_told(tmp_path: Path) -> None:
    forms = """
[sources.forms]
type = "http.webhook"
auth = "none"
kind = "person"
id_field = "id"
"""
    async with receiving() as (_, pipeline):
        both = pipeline.replace('inputs = ["signups"]', 'inputs = ["signups", "forms"]') + forms
        async with running(both, tmp_path) as daemon:
            await post(daemon, "signups", [WRONG])
            (record,) = (await ask(tmp_path, RECORDS, ListRecords())).records
            (arrival,) = [entry.arrival for entry in await daemon.store.arrivals_after(0, 1, 2**20)]
            await daemon.store.accept(Accept("forms", 1_777_719_609_000, [arrival]))
            trace = await ask(tmp_path, RECORD, AskRecord(record.id))
    assert [(seen.source, seen.at.year) for seen in trace.sightings] == [("forms", 2026)]


async def test_the_configuration_in_force_and_why_the_next_was_refused(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        before = await ask(tmp_path, CONFIG, Nothing())
        write_config(tmp_path, pipeline.replace("[transforms.mapped]", "[transforms.mapped]\nfeilds = {}"))
        await daemon.reload()
        after = await ask(tmp_path, CONFIG, Nothing())
        write_config(
            tmp_path, pipeline.replace("[daemon]", "").replace("[webhooks]", '[daemon]\nkeep = "9d"\n[webhooks]')
        )
        await daemon.reload()
        mended_ = await ask(tmp_path, CONFIG, Nothing())
    assert before.refused is None
    assert (after.hash, after.tables) == (before.hash, before.tables)
    assert after.refused is not None
    assert [problem.path for problem in after.refused.problems] == ["transforms.mapped.feilds"]
    assert mended_.refused is None
    keep = {one.key: one for table in mended_.tables if table.heading == "daemon" for one in table.settings}["keep"]
    assert (keep.value, keep.is_written) == ('"9d"', True)


SECRETS = {"CRM_HOST": "127.0.0.1", "KEY": "key-77aa31c5", "OPS": "ops-password-5f0c", "READ": "read-password-3d12"}
HIDDEN = ("key-77aa31c5", "ops-password-5f0c", "read-password-3d12", "written-2b9f", "hidden-path-9e1d", "in-url-4c4c")


async def test_no_secret_of_the_configuration_is_on_any_page_or_in_any_answer(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline):
        secret = with_ops(pipeline, 'password = "${OPS}"', 'read_password = "${READ}"')
        secret = secret.replace("/records", "/records?in-url-4c4c").replace(
            "[sinks.crm]",
            '[sinks.crm]\nheaders = { X-Key = "${KEY}" }\nauth = { type = "bearer", token = "written-2b9f" }',
        )
        secret = secret.replace("[sources.signups]", '[sources.signups]\npath = "/hooks/hidden-path-9e1d"')
        async with running(secret, tmp_path, environ=SECRETS) as daemon, browsing(daemon) as browser:
            receiver.fault = Fault(status=422)
            await refused(daemon)
            write_config(tmp_path, secret.replace("[sinks.crm]", '[sinks.crm]\nurll = "${KEY}"\ntimeout = "${KEY}"'))
            await daemon.reload()
            assert (await browser.log_in(SECRETS["OPS"])).status == 303
            paths = [page.path.replace("{number}", "1") for page in PAGES]
            pages = {path: await browser.get(path) for path in paths if "{" not in path}
            csrf = await browser.csrf()
            reloaded = await browser.post("/settings", {"form": "reload", "csrf": csrf})
            answers = [await browser.get(path) for path in ("/api/config", "/api/status", "/api/audit")]
    seen = {path for path, page in pages.items() if page.status == 200}
    assert {"/", "/records", "/dead", "/dead/1", "/settings", "/audit"} <= seen
    assert (reloaded.status, "sinks.crm.urll" in reloaded.text) == (422, True)
    assert [hidden for hidden in HIDDEN for page in (*pages.values(), reloaded, *answers) if hidden in page.text] == []


async def test_a_new_key_is_shown_once_and_kept_by_nobody(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, f'password = "{PASSWORD}"'), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        await browser.log_in()
        csrf = await browser.csrf()
        made = await browser.post("/settings", {"form": "keys create", "name": "actblue", "csrf": csrf})
        secret = made.text.partition("<dt>Secret</dt><dd><code>")[2].partition("<")[0]
        again = await browser.get("/settings")
        question = await browser.post("/settings", {"form": "keys revoke", "name": "actblue", "csrf": csrf})
        still = await browser.get("/settings")
        sure = {"form": "keys revoke", "name": "actblue", "csrf": csrf, "sure": "yes"}
        done = await browser.post("/settings", sure)
        revoked = await browser.get("/settings")
    assert made.headers["Cache-Control"] == "no-store"
    assert len(secret) > 20
    assert secret not in again.text
    assert "Revoke the key actblue?" in question.text
    assert "Revoke<" in still.text, "nothing is done before the answer"
    assert done.status == 303
    assert "actblue is revoked." in revoked.text


# ---- as they are typed ----


@pytest.mark.usefixtures("no_log")
async def test_the_verbs_list_mend_and_show(type_in: Groundswell, tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        receiver.fault = Fault(status=422)
        await refused(daemon)
        receiver.fault = NO_FAULT
        dead = await type_in("records", "--state", "dead", "--sink", "crm")
        (tmp_path / "mended.json").write_text(await mended(tmp_path, zip="97201"))
        nothing = await type_in("dead", "edit", "1", "--file", str(tmp_path / "nowhere.json"))
        edited = await type_in("dead", "edit", "1", "--file", str(tmp_path / "mended.json"))
        await until(lambda: receiver.received.records == 1)
        as_json = await type_in("records", "--json")
        none = await type_in("records", "--state", "nowhere")
        config = await type_in("config")
        config_json = await type_in("config", "--json")
        audit = await type_in("audit", "--operation", "dead edit")
        audit_of_none = await type_in("audit", "--operation", "dead drop")
    assert [word for word in ("person", "dead", "signups:rosa") if word not in dead.out] == []
    assert (nothing.code, "cannot be read" in nothing.err) == (2, True)
    assert edited.out == "changed: person.zip; to crm again\n"
    assert [one["state"] for one in msgspec.json.decode(as_json.out)["records"]] == ["delivered"]
    assert none.out == "there are none\n"
    assert "[sinks.crm]" in config.out
    assert '\nurl = "***"\n' in config.out
    assert "\n# concurrency = 4\n" in config.out
    assert list(msgspec.json.decode(config_json.out)) == ["hash", "files", "read_at", "warnings", "tables", "refused"]
    assert '{"id":1}' in audit.out
    assert audit_of_none.out == "nobody changed anything yet\n"


@pytest.mark.usefixtures("no_log")
async def test_without_a_daemon_no_configuration_is_in_force(type_in: Groundswell, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path):
        pass
    said = await type_in("config")
    assert (said.code, "no groundswell runs" in said.err) == (1, True)
