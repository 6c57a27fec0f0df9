"""Who may post: the right proof gets in, every other is a 401 that says how to prove it and not what was wrong."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import TypeAdapter, ValidationError

from groundswell.clock import SystemClock
from groundswell.component import WebhookRequest
from groundswell.errors import RefusedError
from groundswell.http.auth import WebhookAuth, authenticator
from groundswell.http.signature import sign

NOW = 1_800_000_000
SECRETS = ["whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2)]
SIGNED = {"type": "standard_webhooks", "secrets": SECRETS}
BASIC = {"type": "basic", "username": "röschen", "password": "p:ässword"}
BEARER = {"type": "bearer", "token": "t0ken"}


class FixedClock(SystemClock):
    def now(self) -> float:
        return NOW


class OneKey:
    async def is_valid(self, account_id: str, secret: str) -> bool:
        return (account_id, secret) == ("gsa_one", "gsk:one")


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


async def let_in(auth: Any, headers: Mapping[str, str], body: bytes = b"{}") -> bool:
    status = await answer(auth, headers, body)
    assert status in (200, 401)
    return status == 200


async def answer(auth: Any, headers: Mapping[str, str], body: bytes) -> int:
    check = authenticator(TypeAdapter(WebhookAuth).validate_python(auth), OneKey(), FixedClock())
    try:
        await check(WebhookRequest("/hook", CIMultiDict(headers), body, NOW))
    except RefusedError as exc:
        return exc.status
    return 200


@pytest.mark.parametrize("auth", ["none", {"type": "none"}])
async def test_none_lets_everybody_in(auth: Any) -> None:
    assert await let_in(auth, {})


@pytest.mark.parametrize("auth", ["basic", {"type": "basic"}])
async def test_basic_without_a_user_name_takes_api_keys(auth: Any) -> None:
    assert await let_in(auth, basic("gsa_one:gsk:one"))
    for wrong in ("gsa_one:gsk:two", "gsa_two:gsk:one", "gsa_one", "gsa_one:", ":gsk:one", ":"):
        assert not await let_in(auth, basic(wrong))


async def test_basic_with_a_user_name_takes_that_one() -> None:
    assert await let_in(BASIC, basic("röschen:p:ässword"))
    for wrong in ("röschen:p", "röschen:", "roschen:p:ässword", "gsa_one:gsk:one", "röschen:p:ässword "):
        assert not await let_in(BASIC, basic(wrong))


async def test_bearer_takes_the_token() -> None:
    assert await let_in(BEARER, {"authorization": "bearer t0ken"})
    for wrong in ("Bearer t0ken2", "Bearer t0ke", "Bearer", "t0ken", "Basic t0ken", "Bearer  ", "Token t0ken"):
        assert not await let_in(BEARER, {"Authorization": wrong})


async def test_standard_webhooks_takes_either_secret_of_a_rotation() -> None:
    for n in (1, 2):
        assert await let_in(SIGNED, sign([bytes([n]) * 32], "msg_1", NOW, b"{}"))
    assert not await let_in(SIGNED, sign([bytes([3]) * 32], "msg_1", NOW, b"{}"))
    assert not await let_in(SIGNED, sign([bytes([1]) * 32], "msg_1", NOW - 301, b"{}"))
    assert not await let_in(SIGNED, sign([bytes([1]) * 32], "msg_1", NOW, b"{}"), body=b"{ }")


@pytest.mark.parametrize("auth", ["basic", BASIC, BEARER, SIGNED])
async def test_nothing_at_all_is_refused(auth: Any) -> None:
    assert not await let_in(auth, {})


@pytest.mark.parametrize("auth", ["basic", BASIC, BEARER])
@given(scheme=st.sampled_from(["Basic ", "Bearer ", ""]), rest=st.text(max_size=50))
async def test_no_header_a_stranger_can_think_of_is_more_than_a_401(auth: Any, scheme: str, rest: str) -> None:
    assert not await let_in(auth, {"Authorization": scheme + rest})


@pytest.mark.parametrize(
    "header", ["Basic \udcff", "Bearer \udcff", "Basic " + "A" * 100_000, "Basic ////", "Basic Og=="]
)
@pytest.mark.parametrize("auth", ["basic", BASIC, BEARER])
async def test_broken_and_huge_headers_are_refused(auth: Any, header: str) -> None:
    assert not await let_in(auth, {"Authorization": header})


@pytest.mark.parametrize(
    ("auth", "challenge"), [("basic", "Basic realm="), (BASIC, "Basic realm="), (BEARER, "Bearer realm=")]
)
async def test_a_refusal_is_the_same_whatever_was_wrong_and_says_how_to_do_it(auth: Any, challenge: str) -> None:
    check = authenticator(TypeAdapter(WebhookAuth).validate_python(auth), OneKey(), FixedClock())
    seen = set()
    for headers in ({}, basic("röschen:wrong"), basic("wrong:p:ässword"), {"Authorization": "Bearer wrong"}):
        with pytest.raises(RefusedError) as caught:
            await check(WebhookRequest("/hook", CIMultiDict(headers), b"{}", NOW))
        assert caught.value.headers["WWW-Authenticate"].startswith(challenge)
        seen.add((str(caught.value), tuple(caught.value.headers.items())))
    assert len(seen) == 1


@pytest.mark.parametrize(
    "auth",
    [
        "bearer",
        "oauth",
        {"type": "basic", "username": "x"},
        {"type": "basic", "password": "hunter2hunter2"},
        {"type": "standard_webhooks", "secrets": []},
        {"type": "standard_webhooks", "secrets": ["hunter2hunter2!"]},
        {"type": "bearer", "token": ""},
        {"type": "none", "token": "x"},
    ],
)
def test_settings_that_make_no_sense_are_refused(auth: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(WebhookAuth).validate_python(auth)


@pytest.mark.parametrize("auth", [BASIC, BEARER, SIGNED])
def test_settings_do_not_print_their_secrets(auth: Any) -> None:
    settings = TypeAdapter(WebhookAuth).validate_python(auth)
    for text in (repr(settings), settings.model_dump_json()):
        assert not any(secret in text for secret in ("ässword", "t0ken", *SECRETS))
