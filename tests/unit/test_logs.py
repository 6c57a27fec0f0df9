"""The log: readable or JSON, and without personal data whatever it is handed."""

import asyncio
import gc
import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from groundswell import logs
from groundswell.record import Person
from groundswell.settings import Secret

NOON = 1_777_719_609.25  # 2026-05-02T11:00:09.250Z


class StoppedClock:
    def now(self) -> float:
        return NOON

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("logging does not wait")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class FullDisk(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`configure` is for a whole process; put everything back that it sets."""
    for module, hook in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(module, hook, getattr(module, hook))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def stream() -> io.StringIO:
    out = io.StringIO()
    logs.configure("info", out, StoppedClock())
    return out


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_away_from_a_terminal_a_line_is_one_json_object_with_time_level_and_event_first(stream: io.StringIO) -> None:
    structlog.get_logger().warning("vendor_went_away", host="example.org", retry_in_s=1.5)
    assert stream.getvalue() == (
        '{"timestamp":"2026-05-02T11:00:09.250Z","level":"warning","event":"vendor_went_away",'
        '"host":"example.org","retry_in_s":1.5}\n'
    )


def test_on_a_terminal_a_line_is_readable_and_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    logs.configure("info", terminal, StoppedClock())
    structlog.get_logger().info("started", port=8080)
    line = terminal.getvalue()
    assert "started" in line
    assert "8080" in line
    assert "\x1b[" in line
    assert not line.startswith("{")


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    logs.configure("info", terminal, StoppedClock())
    structlog.get_logger().info("started", port=8080)
    assert "\x1b" not in terminal.getvalue()


def test_a_value_cannot_move_the_cursor_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    logs.configure("info", terminal, StoppedClock())
    structlog.get_logger().info("refused", reason="\x1b[2Jgone\x07\x9b")
    assert "?[2Jgone??" in terminal.getvalue()


def test_what_is_below_the_level_is_not_written(stream: io.StringIO) -> None:
    structlog.get_logger().debug("looked_around")
    assert stream.getvalue() == ""
    logs.configure("debug", stream, StoppedClock())
    structlog.get_logger().debug("looked_around")
    assert [line["event"] for line in lines(stream)] == ["looked_around"]


def test_what_libraries_log_comes_out_the_same_way_from_warning_up(stream: io.StringIO) -> None:
    library = logging.getLogger("some.library")
    library.setLevel(logging.DEBUG)
    try:
        library.info("chatter")
        library.warning("slow answer from %s", "example.org")
        library.log(logging.ERROR + 5, "odd level")
    finally:
        library.setLevel(logging.NOTSET)
    assert [(line["level"], line["event"], line["logger"]) for line in lines(stream)] == [
        ("warning", "slow answer from example.org", "some.library"),
        ("error", "odd level", "some.library"),
    ]


def test_a_library_that_mixes_up_its_arguments_still_gets_its_line() -> None:
    stream = io.StringIO()
    logs.configure("info", stream, StoppedClock())  # here, so that pytest's own handler is gone, which would fail
    logging.getLogger("some.library").error("%d of them", "rosa@example.org")
    assert [line["event"] for line in lines(stream)] == ["%d of them"]


def test_warnings_become_lines() -> None:
    stream = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.configure("info", stream, StoppedClock())
        warnings.warn("old thing used by rosa@example.org", stacklevel=1)
        logging.captureWarnings(False)
    (line,) = lines(stream)
    assert line["logger"] == "py.warnings"
    assert "old thing used by [email]" in line["event"]


PRIVATE = [
    ("rosa@example.org", "[email]"),
    ("<rosa.o+x@mail.example.org>", "<[email]>"),
    ("no such user: rosa%40example.org", "no such user: [email]"),
    ("+15035550144 said no", "[phone] said no"),
    ("to=%2B15035550144", "to=[phone]"),
    ("+44 20 7946 0018", "[phone]"),
    ("+1 (503) 555-0144", "[phone]"),
    ("(503) 555-0144", "[phone]"),
    ("503.555.0144", "[phone]"),
    ("invalid literal: '5035550144'", "invalid literal: '[phone]'"),
    ("1-503-555-0144", "[phone]"),
    ("GET https://rosa:pa@ss@example.org/api?osdi-api-token=abc", "GET https://[login]@example.org/api?[query]"),
    ("postgres://u:p#x/?@db.example.org:5432/x", "postgres://[login]@db.example.org:5432/x"),
    ("POST /webhooks/x?who=rosa&n=1 HTTP/1.1", "POST /webhooks/x?[query] HTTP/1.1"),
    ("Authorization: Bearer abc123def456", "Authorization: Bearer [secret]"),
    ("basic cm9zYTpwYXNz0=", "basic [secret]"),
    ("signed with whsec_C2FtcGxlc2FtcGxl", "signed with [secret]"),
    ("api_key=abcdef&x", "api_key=[private]&x"),
    ("""{'given_name': 'Rosa', "family_name": "Parks"}""", """{'given_name': [private], "family_name": [private]}"""),
    ("Person(first_name='Rosa L', zip='97201')", "Person(first_name=[private], zip='97201')"),
    (
        "[type=int_parsing, input_value='Rosa', input_type=str]",
        "[type=int_parsing, input_value=[private], input_type=str]",
    ),
]


@pytest.mark.parametrize(("text", "masked"), PRIVATE)
def test_personal_data_in_text_is_taken_out(text: str, masked: str) -> None:
    assert logs.mask(text) == masked


PUBLIC = [
    "action_network:person/5a1f0c9e-1111-4035-5550-014455555555@2026-05-02T11:00:09Z.5f2a",
    "actionkit:action/5035550144",
    "actblue:contribution/990011223",
    "2026-05-02T11:00:09.250Z",
    "127.0.0.1:8080",
    "[::1]:9464",
    "https://example.org/api/v2/people",
    "basic authentication failed",
    "sources.signups.secret: is not a secret; write ${NAME}",
    "waited 1763678400 s, 12345678 records",
    "groundswell 0.1.0+g5151cd5",
    "Why? Because.",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_ids_times_addresses_and_advice_stay_as_they_are(text: str) -> None:
    assert logs.mask(text) == text


nanp = st.from_regex(r"[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True)
addresses = st.from_regex(r"[a-z0-9][a-z0-9._+-]{0,20}@[a-z0-9-]{1,20}\.(org|co\.uk)", fullmatch=True)
marked = addresses | nanp.map(lambda n: f"+1{n}") | nanp.map(lambda n: f"({n[:3]}) {n[3:6]}-{n[6:]}")
around = st.sampled_from(["", " ", "\n", "'", '"', "<", ">", "(", ")", ",", "; ", "[", "]", ": "])
values = st.recursive(
    st.builds(lambda a, m, b: (m, a + m + b), around, marked, around),
    lambda inner: (
        inner.map(lambda pair: (pair[0], [1, pair[1]]))
        | inner.map(lambda pair: (pair[0], {"what": pair[1]}))
        | inner.map(lambda pair: (pair[0], {str(pair[1]): None}))
        | inner.map(lambda pair: (pair[0], ValueError(pair[1])))
    ),
    max_leaves=4,
)


@given(values)
def test_no_email_or_phone_survives_in_any_shape_of_value(value: tuple[str, Any]) -> None:
    secret, shape = value
    line = logs.kept_private(None, "info", {"event": f"saw {secret}", "shape": shape})
    assert secret not in json.dumps(line)


@given(st.text())
def test_masking_twice_equals_masking_once(text: str) -> None:
    assert logs.mask(logs.mask(text)) == logs.mask(text)


def test_keys_that_name_personal_data_never_show_their_value(stream: io.StringIO) -> None:
    structlog.get_logger().info("x", email="none", phone=5035550144, details={"first_name": "Rosa", "body": b"{}"})
    (line,) = lines(stream)
    assert (line["email"], line["phone"]) == ("[private]", "[private]")
    assert line["details"] == {"first_name": "[private]", "body": "[private]"}


def test_objects_are_named_not_shown(stream: io.StringIO) -> None:
    structlog.get_logger().info("x", a=Person(first_name="Rosa"), b=b"Rosa", c=Secret("Rosa"), d=lambda: "Rosa")
    (line,) = lines(stream)
    assert (line["a"], line["b"], line["c"], line["d"]) == ("<Person>", "<bytes>", "<Secret>", "<function>")


def test_plain_values_are_shown(stream: io.StringIO) -> None:
    structlog.get_logger().info("x", n=2147483648, big=2**70, yes=True, none=None, path=Path("/etc/x"), t=timedelta(1))
    (line,) = lines(stream)
    assert [line[key] for key in ("n", "big", "yes", "none", "path", "t")] == [
        2147483648,
        str(2**70),
        True,
        None,
        "/etc/x",
        "1 day, 0:00:00",
    ]


def test_a_value_that_goes_on_and_on_is_cut(stream: io.StringIO) -> None:
    nested: list[Any] = []
    nested.append(nested)
    structlog.get_logger().info("x", text="rosa@example.org " * 10_000, nested=nested)
    (line,) = lines(stream)
    assert "of 170,000 characters" in line["text"]
    assert "rosa" not in line["text"]
    assert len(line["text"]) < 20_000
    assert "<list>" in json.dumps(line["nested"])


def test_text_that_is_no_unicode_is_written_all_the_same(stream: io.StringIO) -> None:
    structlog.get_logger().info("x", file="\udcff.toml")
    assert lines(stream)[0]["file"] == "\\udcff.toml"


def test_an_exception_is_written_with_its_traceback_without_locals_and_masked(stream: io.StringIO) -> None:
    def fail() -> None:
        unnamed = "local value of Rosa"
        raise KeyError(f"nobody has {'rosa@' + 'example.org'}", len(unnamed))

    try:
        try:
            fail()
        except KeyError as exc:
            raise ExceptionGroup("several of +15035550144", [ValueError("+1503555" + "0145")]) from exc
    except ExceptionGroup:
        structlog.get_logger().exception("component_failed", component="signups")
    (line,) = lines(stream)
    assert line["level"] == "error"
    assert "in fail" in line["exception"]
    assert "nobody has [email]" in line["exception"]
    assert "several of [phone]" in line["exception"]
    assert "ValueError: [phone]" in line["exception"]
    for private in ("rosa@example.org", "+15035550145", "unnamed = local value"):
        assert private not in line["exception"]


async def test_an_exception_nobody_retrieved_is_masked_like_any_other(stream: io.StringIO) -> None:
    future = asyncio.get_running_loop().create_future()
    future.set_exception(ValueError("no such person: rosa@example.org"))
    del future
    gc.collect()
    (line,) = lines(stream)
    assert line["logger"] == "asyncio"
    assert "never retrieved" in line["event"]
    assert "no such person: [email]" in line["exception"]
    assert "rosa@" not in stream.getvalue()


@pytest.mark.parametrize(
    "crash",
    [
        "raise ValueError(who)",
        "import threading\nt = threading.Thread(target=lambda: int(who)); t.start(); t.join()",
        "class Broken:\n    def __del__(self): raise ValueError(who)\nBroken()",
    ],
    ids=["at the top", "in a thread", "in a finaliser"],
)
def test_what_nobody_caught_leaves_the_process_masked(crash: str) -> None:
    program = f"from groundswell import logs\nlogs.configure()\nwho = 'rosa@' + 'example.org'\n{crash}\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=15, check=False)
    (line,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert (line["event"], line["level"]) == ("uncaught_exception", "critical")
    assert "ValueError: " in line["exception"]
    assert "[email]" in line["exception"]
    assert "rosa@example.org" not in done.stderr


def test_a_log_that_cannot_be_written_does_not_stop_the_work() -> None:
    logs.configure("info", FullDisk(), StoppedClock())
    structlog.get_logger().error("disk_full")
    logging.getLogger("some.library").error("so it is")
    closed = io.StringIO()
    logs.configure("info", closed, StoppedClock())
    closed.close()
    structlog.get_logger().error("nobody_reads")
