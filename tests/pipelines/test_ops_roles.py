"""Who may do what at the ops port: those who only look, users of a proxy; and what is written down of it."""

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from msgspec import Struct
from structlog.testing import capture_logs

from groundswell.errors import StoreFullError
from groundswell.ops.clerk import audited
from groundswell.ops.client import OpsError
from groundswell.ops.member_messages import NamePerson
from groundswell.ops.messages import AuditLines, ListAudit, NameComponent, NameKey, Nothing
from groundswell.ops.operations import AUDIT, FORGET, KEYS_CREATE, OPERATIONS, PAUSE, RELOAD, RESUME, Operation
from tests.pipelines.conftest import Groundswell
from tests.pipelines.ops_pipeline import PASSWORD, ask, browsing, call, receiving, with_ops
from tests.running import basic, running, write_config

READER = "only for looking"
BOTH = (f'password = "{PASSWORD}"', f'read_password = "{READER}"')
JSON = {"Content-Type": "application/json"}
PROXY = ('proxy_header = "X-Forwarded-User"', 'proxy_from = ["127.0.0.1"]', 'proxy_read_only = ["intern"]')


def lines_of(found: AuditLines) -> list[tuple[str, str, str | None]]:
    return [(line.operation, line.way, line.outcome) for line in found.lines]


def holds_personal(kind: Any) -> bool:
    """Whether an answer says of itself, or of a part, that it holds personal data."""
    parts = (
        (field.type for field in msgspec.structs.fields(kind))
        if isinstance(kind, type) and issubclass(kind, Struct)
        else get_args(kind)
    )
    return "Holds personal data" in (getattr(kind, "__doc__", None) or "") or any(map(holds_personal, parts))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_whatever_answers_with_personal_data_is_marked_so(operation: Operation[Any, Any]) -> None:
    assert holds_personal(operation.answer) == operation.shows_people


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_only_fields_there_are_and_none_about_a_person_are_written_down(operation: Operation[Any, Any]) -> None:
    assert set(operation.audited) <= set(operation.request.__struct_fields__) - {"phone", "email"}
    assert not (operation.only_looks and operation.audited)


@pytest.mark.parametrize("read_personal", [False, True])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_whoever_may_only_look_changes_nothing(
    operation: Operation[Any, Any], read_personal: bool, tmp_path: Path
) -> None:
    text = str(read_personal).lower()
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, *BOTH, f"read_personal = {text}"), tmp_path) as daemon,
    ):
        body = None if operation.method == "GET" else b"{}"
        login = {**basic("anybody", READER), **JSON}
        answer = await call(daemon, operation.method, operation.path, login=False, headers=login, body=body)
        found = await ask(tmp_path, AUDIT, ListAudit())
    may = operation.only_looks and (read_personal or not operation.shows_people)
    assert (answer.status != 403) == may
    assert found.lines == []
    if not may:
        assert "only for looking" in answer.text


async def test_the_dashboard_offers_nothing_to_whoever_may_only_look(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, *BOTH), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        await browser.log_in(READER)
        page = await browser.get("/")
        token = await browser.csrf()
        tried = await browser.post("/", {"form": "pause", "at": "crm", "name": "crm", "csrf": token})
        after = await browser.get("/")
    assert "only looking" in page.text
    assert "<button" in page.text, "the logout"
    assert "Pause" not in page.text
    assert "Read it again" not in page.text
    assert tried.status == 403
    assert "paused" not in after.text


# ---- a proxy's users ----


async def test_a_user_of_the_proxy_needs_no_other_login(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, *PROXY, 'names = ["ops.example.org"]'), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        by_proxy = {
            "x_forwarded_user": "rosa",
            "x_forwarded_for": "198.51.100.7, 203.0.113.9",
            "host": "ops.example.org",
        }
        page = await browser.get("/", **by_proxy)
        token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
        pause = {"form": "pause", "at": "crm", "name": "crm"}
        without = await browser.post("/", pause, **by_proxy)
        others = await browser.post("/", {**pause, "csrf": token}, **{**by_proxy, "x_forwarded_user": "zoe"})
        done = await browser.post("/", {**pause, "csrf": token}, **by_proxy)
        told = await browser.get("/", **by_proxy)
        twice = await call(daemon, "GET", "/", login=False, headers={"X-Forwarded-User": "x" * 300})
        nobody = await browser.get("/", host="ops.example.org")
        found = await ask(tmp_path, AUDIT, ListAudit())
    assert page.status == 200
    assert "rosa" in page.text
    assert "Log out" not in page.text, "that is the proxy's to do"
    assert browser.cookies() == {}
    assert [without.status, others.status, done.status] == [403, 403, 303]
    assert "crm is paused." in told.text
    assert (twice.status, nobody.status) == (400, 303)
    (line,) = found.lines
    assert (line.operation, line.way, line.name, line.place) == ("pause", "proxy", "rosa", "203.0.113.9")


async def test_some_of_its_users_may_only_look(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, *PROXY), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        page = await browser.get("/", x_forwarded_user="intern")
    assert "only looking" in page.text
    assert "Pause" not in page.text


async def test_the_header_of_anybody_else_means_nothing(tmp_path: Path) -> None:
    strangers = (PROXY[0], 'proxy_from = ["192.0.2.1"]')
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, *strangers), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        page = await browser.get("/", x_forwarded_user="rosa", x_forwarded_proto="https")
        api = await call(daemon, "GET", "/api/status", login=False, headers={"X-Forwarded-User": "rosa"})
    assert (page.status, api.status) == (303, 401)
    assert "Strict-Transport-Security" not in page.headers


async def test_behind_a_proxy_with_tls_the_cookie_is_for_tls_alone(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, BOTH[0], 'proxy_from = ["127.0.0.1"]'), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        came = await browser.post("/login", {"password": PASSWORD}, x_forwarded_proto="https")
        cookie = came.headers["Set-Cookie"]
        inside = await browser.get("/", x_forwarded_proto="https", cookie=cookie.partition(";")[0])
        planted = await browser.get("/", cookie=cookie.partition(";")[0])
    assert cookie.startswith("__Host-groundswell=")
    assert "Secure" in cookie
    assert inside.status == 200
    assert inside.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert planted.status == 303


# ---- the audit log ----


async def test_it_says_who_changed_what_from_where_and_how_it_ended(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, *BOTH), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        with capture_logs() as logged:
            await browser.log_in()
            token = await browser.csrf()
            await browser.post("/", {"form": "pause", "at": "crm", "name": "crm", "csrf": token})
            await browser.post("/", {"form": "pause", "at": "x", "name": "crn", "csrf": token})
            await call(
                daemon,
                "POST",
                "/api/resume",
                login=False,
                headers={**basic("x", PASSWORD), **JSON},
                body=b'{"name":"crm"}',
            )
            await ask(tmp_path, KEYS_CREATE, NameKey("actblue"))
            write_config(tmp_path, pipeline + "nonsense = true")
            with pytest.raises(OpsError, match="configuration is wrong"):
                await ask(tmp_path, RELOAD, Nothing())
            await call(daemon, "GET", "/api/status")
        found = msgspec.json.decode((await call(daemon, "GET", "/api/audit")).body, type=AuditLines)
    assert lines_of(found) == [
        ("reload", "token", "refused"),
        ("keys create", "token", "done"),
        ("resume", "password", "done"),
        ("pause", "password", "refused"),
        ("pause", "password", "done"),
    ]
    assert [bytes(line.arguments) for line in found.lines] == [
        *(b"{}", b'{"name":"actblue"}', b'{"name":"crm"}', b'{"name":"crn"}', b'{"name":"crm"}')
    ]
    assert {line.place for line in found.lines} == {"127.0.0.1"}
    assert "did you mean" in (found.lines[3].note or "")
    told = [(line["operation"], line["outcome"]) for line in logged if line["event"] == "operation"]
    assert told == [(line.operation, line.outcome) for line in reversed(found.lines)]
    assert [line["way"] for line in logged if line["event"] == "logged_in"] == ["password"]


async def test_nothing_about_the_person_stands_in_it(tmp_path: Path) -> None:
    phone, email = "+15035550144", "rosa@example.org"
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        with capture_logs() as logged:
            for person in (NamePerson(phone=phone), NamePerson(email=email)):
                await ask(tmp_path, FORGET, person)
            for name in (phone, email, "Rosa (503) 555-0144"):
                with pytest.raises(OpsError, match="is called"):
                    await ask(tmp_path, PAUSE, NameComponent(name))
        answer = await call(daemon, "GET", "/api/audit")
    found = msgspec.json.decode(answer.body, type=AuditLines)
    assert len(found.lines) == 5
    for trace in ("5550144", "555-0144", email):
        assert trace not in answer.text
        assert trace not in str([line for line in logged if line["event"] == "operation"])


async def test_it_goes_on_while_no_daemon_runs_and_over_restarts(tmp_path: Path, type_in: Groundswell) -> None:
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path):
            await ask(tmp_path, PAUSE, NameComponent("crm"))
        await ask(tmp_path, RESUME, NameComponent("crm"))
        found = await ask(tmp_path, AUDIT, ListAudit())
        first = await ask(tmp_path, AUDIT, ListAudit(limit=1))
        assert first.next_before is not None
        rest = await ask(tmp_path, AUDIT, ListAudit(before=first.next_before))
        said = await type_in("audit")
        as_json = await type_in("audit", "--json")
    assert lines_of(found) == [("resume", "command line", "done"), ("pause", "token", "done")]
    assert lines_of(first) + lines_of(rest) == lines_of(found)
    assert rest.next_before is None
    names = {line.name for line in found.lines}
    assert len(names) == 1
    assert None not in names, "who typed it"
    assert said.code == 0
    assert '{"name":"crm"}' in said.out
    assert msgspec.json.decode(as_json.out, type=AuditLines) == found


async def test_a_state_file_without_room_keeps_nobody_from_mending_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Any) -> Any:
        raise StoreFullError("the state file has no room")

    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        monkeypatch.setattr(daemon.store.audit, "begin", full)
        with capture_logs() as logged:
            done = await ask(tmp_path, PAUSE, NameComponent("crm"))
    assert done.state == "paused"
    assert "audit_not_written" in {line["event"] for line in logged}


def test_what_is_not_said_is_not_written_down() -> None:
    assert audited(PAUSE, NameComponent("crm")) == {"name": "crm"}
    assert audited(FORGET, NamePerson(phone="+15035550144")) == {}
