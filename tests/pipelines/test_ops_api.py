"""The API as any HTTP client meets it: described by its document, and refusing in one shape."""

import sys
import zlib
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from groundswell.ops.operations import OPERATIONS
from groundswell.ops.requests import BODY_BYTES_MAX
from tests.pipelines.ops_pipeline import Answer, call, receiving
from tests.running import post, running, token_of, until

JSON = {"Content-Type": "application/json"}


def error(answer: Answer) -> str:
    """What a refusal says; fails unless it has the one shape."""
    assert answer.headers["Content-Type"] == "application/json"
    parsed = msgspec.json.decode(answer.body)
    assert parsed.keys() == {"error"}
    assert isinstance(parsed["error"], str)
    assert parsed["error"]
    return str(parsed["error"])


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_every_endpoint_refuses_in_one_shape(operation: Any, tmp_path: Path) -> None:
    other = "POST" if operation.method == "GET" else "GET"
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        stranger = await call(daemon, operation.method, operation.path, login=False)
        wrong_token = await call(daemon, operation.method, operation.path, headers={"Authorization": "Bearer gso_x"})
        wrong_method = await call(daemon, other, operation.path)
        wrong_host = await call(daemon, operation.method, operation.path, headers={"Host": "evil.example.org"})
        unknown = await call(daemon, operation.method, f"{operation.path}?nmae=x", headers=JSON, body=b"{}")
        deeper = await call(daemon, operation.method, f"{operation.path}/x")
    assert [answer.status for answer in (stranger, wrong_token, wrong_method, wrong_host, unknown, deeper)] == [
        *(401, 401, 405, 403, 400, 404)
    ]
    for answer in (stranger, wrong_token, wrong_method, wrong_host, unknown, deeper):
        assert error(answer)
    assert operation.method in wrong_method.headers["Allow"].split(", ")
    assert '"nmae" is not a parameter of this request' in error(unknown)


@pytest.mark.parametrize(
    "operation", [o for o in OPERATIONS if o.method == "POST"], ids=lambda operation: operation.name
)
async def test_every_post_wants_a_json_object_it_knows(operation: Any, tmp_path: Path) -> None:
    bad: list[tuple[int, str, dict[str, str], bytes]] = [
        (415, "send JSON", {"Content-Type": "text/plain"}, b"{}"),
        (415, "send JSON", {"Content-Type": "application/x-www-form-urlencoded"}, b"name=crm"),
        (400, "is not JSON", JSON, b"{"),
        (400, "is not JSON", JSON, b""),
        (400, "is not JSON", JSON, b'{"name": "\xff"}'),
        (400, "is not JSON", JSON, b"[" * 100_000),
        (400, "must be a JSON object", JSON, b"[]"),
        (400, "is not a field of this request", JSON, b'{"nmae": "crm"}'),
        (413, "larger than", JSON, b'{"name": "' + b"x" * BODY_BYTES_MAX + b'"}'),
    ]
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        for status, words, headers, body in bad:
            answer = await call(daemon, "POST", operation.path, headers=headers, body=body)
            assert (answer.status, words in error(answer)) == (status, True), (body[:20], answer)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=0", "Expected `int` >= 1"),
        ("limit=1001", "Expected `int` <= 1000"),
        ("limit=x", "Expected `int`"),
        ("limit=1&limit=2", "given twice"),
        ("limt=1", 'did you mean "limit"'),
        ("component=", "length >= 1"),
    ],
)
async def test_a_query_that_cannot_be_read_is_refused(query: str, words: str, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        answer = await call(daemon, "GET", f"/api/dead/list?{query}")
    assert answer.status == 400
    assert words in error(answer)


async def test_a_gzip_bomb_is_refused_unopened(tmp_path: Path) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = packer.compress(b" " * 20 * 2**20) + packer.flush()
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        answer = await call(daemon, "POST", "/api/reload", headers={**JSON, "Content-Encoding": "gzip"}, body=bomb)
    assert answer.status in (400, 413)
    assert error(answer)


async def test_what_goes_wrong_inside_is_a_500_that_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    private = "rosa-nowhere"

    async def defective() -> None:
        raise KeyError(private)

    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        monkeypatch.setattr(daemon.store, "keys", defective)
        answer = await call(daemon, "GET", "/api/keys/list")
    assert answer.status == 500
    assert "defect" in error(answer)
    assert private.encode() not in answer.body
    logged = "".join(capfd.readouterr())
    assert "ops_defect" in logged
    assert private not in logged


async def test_what_cannot_be_parsed_at_all_is_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """aiohttp would log it whole; paths and headers hold secrets."""
    start_lines = [b"GET /" + b"secret-path" * 2000 + b" HTTP/1.1", b"secret-path", b"\x16\x03secret-path"]
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        for port in (daemon.supervisor.webhooks.port, daemon.ops.port):
            assert port is not None
            for line in start_lines:
                async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                    await stream.send(line + b"\r\n\r\n")
                    assert (await stream.receive()).split()[1] in (b"400", b"431")
    assert "secret-path" not in "".join([caplog.text, *capfd.readouterr()])


async def test_nobody_on_the_way_may_keep_an_answer(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        answers = [
            await call(daemon, "GET", "/api/status"),
            await call(daemon, "POST", "/api/keys/create", headers=JSON, body=b'{"name": "x"}'),
        ]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


@pytest.mark.timeout(60)  # a process of its own, which tries every operation there is
async def test_the_api_does_what_its_document_says(tmp_path: Path) -> None:
    """Schemathesis sends every operation what the document allows and what it does not."""
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        await post(daemon, "signups", [{"id": 1, "zip": "97201"}, {"id": 2, "zip": ["no text"]}])
        await post(daemon, "signups", b"no json")
        await until(lambda: daemon.metrics.totals().get("mapped", {}).get("dead") == 1)
        document = await call(daemon, "GET", "/api/openapi.json")
        assert document.status == 200
        file = anyio.Path(tmp_path / "openapi.json")
        await file.write_bytes(document.body)
        reached = token_of(daemon)
        schemathesis = Path(sys.executable).with_name("schemathesis")
        done = await anyio.run_process(
            [
                *(str(schemathesis), "run", str(file), "--url", f"http://{reached.address}"),
                *("-H", f"Authorization: Bearer {reached.token}"),
                *("--phases", "coverage,fuzzing", "--max-examples", "10", "--seed", "1", "--no-color"),
                *("--exclude-path", "/api/tap"),  # an answer without an end
                *("--warnings", "off", "--output-truncate", "true", "--generation-database", "none"),
            ],
            cwd=tmp_path,
            check=False,
        )
        alive = await call(daemon, "GET", "/healthz")
    assert done.returncode == 0, done.stdout.decode()[-4000:]
    assert alive.status == 200
