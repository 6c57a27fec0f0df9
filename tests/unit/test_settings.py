from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict, TypeAdapter, ValidationError

from groundswell.config.webhook_paths import is_guessable
from groundswell.settings import (
    Duration,
    Listen,
    Private,
    PrivateText,
    Rate,
    RateLimit,
    Secret,
    SecretText,
    Size,
    WebhookSourceSettings,
)

DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)
SIZE: TypeAdapter[int] = TypeAdapter(Size)
RATE: TypeAdapter[Rate] = TypeAdapter(RateLimit)
LISTEN: TypeAdapter[Listen] = TypeAdapter(Listen)
SECRET: TypeAdapter[Secret] = TypeAdapter(SecretText, config=ConfigDict(arbitrary_types_allowed=True))
PRIVATE: TypeAdapter[Secret] = TypeAdapter(PrivateText, config=ConfigDict(arbitrary_types_allowed=True))


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("0s", 0), ("1.5s", 1.5), (" 10m ", 600), ("2h", 7200), ("30d", 2_592_000)]
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert DURATION.validate_python(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "value", ["", "10", "10 m", "m", "-1s", "1e3s", "10 minutes", 10, True, None, "\u0663s", "9" * 400 + "d", "36501d"]
)
def test_what_is_no_duration_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match=r"is not a duration|is longer than"):
        DURATION.validate_python(value)


@given(st.integers(0, 10**9), st.sampled_from([1, 1_000, 60_000, 3_600_000, 86_400_000]))
def test_a_duration_is_written_as_it_can_be_read(number: int, unit_ms: int) -> None:
    duration = timedelta(milliseconds=min(number * unit_ms, 10**12))
    written = DURATION.dump_python(duration)
    assert DURATION.validate_python(written) == duration


@pytest.mark.parametrize(
    ("value", "size"),
    [(7, 7), ("7", 7), ("7B", 7), ("1 KB", 1000), ("1KiB", 1024), ("2MiB", 2**21), ("3GB", 3 * 10**9)],
)
def test_a_size_is_bytes_or_a_number_and_a_unit(value: Any, size: int) -> None:
    assert SIZE.validate_python(value) == size


@pytest.mark.parametrize("value", ["", "1.5MiB", "1mb", "-1", -1, True, None, 1.0, 10**400, "999999999999GiB"])
def test_what_is_no_size_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="is not a size"):
        SIZE.validate_python(value)


@given(st.integers(0, 2**62))
def test_a_size_is_written_as_it_can_be_read(size: int) -> None:
    assert SIZE.validate_python(SIZE.dump_python(size, mode="json")) == size


@pytest.mark.parametrize(
    ("text", "calls", "per_s"), [("4/s", 4, 1), ("1000/min", 1000, 60), ("10/5s", 10, 5), ("3 / h", 3, 3600)]
)
def test_a_rate_is_calls_per_time(text: str, calls: int, per_s: float) -> None:
    assert RATE.validate_python(text) == Rate(calls=calls, per_s=per_s)


@pytest.mark.parametrize("value", ["", "4", "0/s", "4/0s", "4/00s", "4/week", "-4/s", 4, None])
def test_what_is_no_rate_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="is not a rate"):
        RATE.validate_python(value)


@given(st.integers(1, 10**9 - 1), st.integers(1, 10**6), st.sampled_from(["s", "min", "h", "d"]))
def test_a_rate_is_written_as_it_can_be_read(calls: int, times: int, unit: str) -> None:
    rate = RATE.validate_python(f"{calls}/{times}{unit}")
    assert RATE.validate_python(RATE.dump_python(rate)) == rate


@pytest.mark.parametrize(
    ("text", "host", "port", "is_loopback"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("127.9.9.9:0", "127.9.9.9", 0, True),
        ("localhost:80", "localhost", 80, True),
        ("[::1]:80", "::1", 80, True),
        ("0.0.0.0:65535", "0.0.0.0", 65535, False),
        ("[::]:80", "::", 80, False),
        ("localhost.example.org:80", "localhost.example.org", 80, False),
    ],
)
def test_an_address_is_host_and_port(text: str, host: str, port: int, is_loopback: bool) -> None:
    listen = LISTEN.validate_python(text)
    assert (listen.host, listen.port, listen.is_loopback) == (host, port, is_loopback)
    assert LISTEN.dump_python(listen) == text


@pytest.mark.parametrize("value", ["", "8080", ":8080", "host:", "host:99999", "::1:80", "a b:80", 8080, None])
def test_what_is_no_address_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="is not an address"):
        LISTEN.validate_python(value)


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = SECRET.validate_python("hunter2")
    assert secret.reveal() == "hunter2"
    assert f"{secret} {secret!r} {SECRET.dump_python(secret)}" == "*** *** ***"
    assert secret == Secret("hunter2") != Secret("hunter3")


@pytest.mark.parametrize("adapter", [SECRET, PRIVATE])
def test_a_secret_elsewhere_is_read_by_who_was_handed_in(adapter: TypeAdapter[Secret]) -> None:
    places: list[Any] = []

    def reader(where: Any) -> str:
        places.append(where)
        return "hunter2"

    assert adapter.validate_python({"file": "x"}, context=reader).reveal() == "hunter2"
    assert places == [{"file": "x"}]


@pytest.mark.parametrize("value", ["", 3, None, ["x"], {"file": "x"}, b"x"])
def test_what_is_no_secret_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match=r"is not a secret|is empty"):
        SECRET.validate_python(value)


def test_private_text_is_told_from_a_secret() -> None:
    assert isinstance(PRIVATE.validate_python("https://example.org"), Private)
    assert isinstance(PRIVATE.validate_python(Secret("https://example.org")), Private)
    assert not isinstance(SECRET.validate_python("hunter2"), Private)


@pytest.mark.parametrize("path", ["/a", "/a/b-c_d.e~f/", "/webhooks/action_network/v1/3f7c0d"])
def test_a_webhook_path_is_what_any_proxy_passes_on(path: str) -> None:
    settings = WebhookSourceSettings(type="x", path=path)
    assert settings.path_for("signups") == path


@pytest.mark.parametrize("path", ["", "/", "a", "//", "/a//b", "/a b", "/a?b", "/a#b", "/{a}", "/a%20b", "/ü"])
def test_another_path_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="is not a path"):
        WebhookSourceSettings(type="x", path=path)


def test_a_source_without_a_path_listens_under_its_name() -> None:
    assert WebhookSourceSettings(type="x").path_for("signups") == "/webhooks/signups"


def test_a_random_path_is_hard_to_guess() -> None:
    random = Random(1)
    for _ in range(1_000):
        token = random.randbytes(16)
        assert not is_guessable(f"/webhooks/{token.hex()}")
        assert not is_guessable(f"/{UUID(bytes=token, version=4)}/signups")


@pytest.mark.parametrize(
    "path", ["/", "/webhooks/signups", "/v1/v2/v3", "/action_network", "/signup2026", "/a1b2c", "/May2026Petition"]
)
def test_words_and_years_are_easy_to_guess(path: str) -> None:
    assert is_guessable(path)
