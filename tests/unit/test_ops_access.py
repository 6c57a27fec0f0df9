"""Who gets in at the ops port, without a port."""

from base64 import b64encode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.errors import RefusedError
from groundswell.ops.access import FAILURES_MAX, FAILURES_S, PLACES_MAX, Access, check_host
from groundswell.settings import Listen
from tests.virtual_time import VirtualClock

TOKEN = "gso_" + "5f" * 32


def basic(password: str, user: str = "anybody") -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def status(access: Access, authorization: str | None, remote: str | None = "192.0.2.1") -> int:
    """What comes back: 200, or the status of the refusal."""
    try:
        access.check(authorization, remote)
    except RefusedError as exc:
        return exc.status
    return 200


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def access(clock: VirtualClock) -> Access:
    return Access(TOKEN, "sésame", clock)


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {TOKEN}", f"bearer  {TOKEN}", basic("sésame"), basic("sésame", ""), basic("sésame", "zoë")],
)
def test_the_token_and_the_password_with_any_user_name_let_in(access: Access, authorization: str) -> None:
    assert status(access, authorization) == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Token {TOKEN}",
        TOKEN,
        basic(""),
        basic("sesame"),
        basic("sésame:"),
        basic(TOKEN),
        "Basic sésame",
        "Basic " + b64encode(b"no colon").decode(),
        "Basic " + b64encode(b"\xff\xfe").decode(),
        "Bearer " + "x" * 100_000,
    ],
)
def test_nothing_else_does(access: Access, authorization: str | None) -> None:
    assert status(access, authorization) == 401


@given(st.text())
def test_no_text_is_taken_by_chance_and_none_breaks_it(authorization: str) -> None:
    assert status(Access(TOKEN, "sesame", VirtualClock()), authorization) in (401, 429)


def test_without_a_password_none_lets_in(clock: VirtualClock) -> None:
    access = Access(TOKEN, None, clock)
    assert [status(access, basic(password)) for password in ("", "None", "null")] == [401] * 3


async def test_guesses_are_held_up_by_place_and_for_a_minute(access: Access, clock: VirtualClock) -> None:
    assert [status(access, basic("guess")) for _ in range(FAILURES_MAX)] == [401] * FAILURES_MAX
    assert status(access, basic("guess")) == 429
    assert status(access, basic("sésame")) == 429, "the right password must not be found out meanwhile"
    assert status(access, f"Bearer {TOKEN}") == 200
    assert status(access, basic("sésame"), "192.0.2.2") == 200
    await clock.advance(FAILURES_S - 1)
    assert status(access, basic("sésame")) == 429
    await clock.advance(1)
    assert status(access, basic("sésame")) == 200
    assert status(access, basic("guess")) == 401


async def test_a_few_mistakes_hours_apart_hold_nobody_up(access: Access, clock: VirtualClock) -> None:
    for _ in range(3 * FAILURES_MAX):
        assert status(access, basic("typo")) == 401
        await clock.advance(FAILURES_S / (FAILURES_MAX - 1))


def test_whoever_has_one_address_of_ipv6_has_the_whole_network(access: Access) -> None:
    statuses = [status(access, basic("guess"), f"2001:db8::{n:x}") for n in range(1, FAILURES_MAX + 2)]
    assert statuses == [401] * FAILURES_MAX + [429]
    assert status(access, basic("sésame"), "2001:db8:0:1::1") == 200
    assert status(access, basic("sésame"), "fe80::1%eth0") == 200


def test_only_so_many_places_are_remembered(access: Access) -> None:
    for number in range(PLACES_MAX + 50):
        status(access, basic("guess"), f"10.0.{number // 256}.{number % 256}")
    assert len(access._failures) == PLACES_MAX


LOOPBACK = Listen(host="127.0.0.1", port=9464)


@pytest.mark.parametrize("host", ["localhost", "LocalHost:1", "127.0.0.1", "127.0.0.2:80", "[::1]", "[::1]:9464", None])
def test_on_loopback_what_is_addressed_to_this_machine_is_heard(host: str | None) -> None:
    check_host(host, LOOPBACK)


@pytest.mark.parametrize(
    "host", ["", "example.org", "localhost.example.org", "10.0.0.1", "[", "[::2]", "a@localhost.x"]
)
def test_on_loopback_what_is_addressed_to_others_is_not(host: str) -> None:
    with pytest.raises(RefusedError) as caught:
        check_host(host, LOOPBACK)
    assert caught.value.status == 403


@given(st.text())
def test_no_host_header_breaks_the_check(host: str) -> None:
    with suppress(RefusedError):
        check_host(host, LOOPBACK)


def test_elsewhere_any_name_will_do() -> None:
    check_host("ops.example.org", Listen(host="10.0.0.1", port=9464))
