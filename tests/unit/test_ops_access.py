"""Who gets in at the ops port, without a port."""

from base64 import b64encode
from contextlib import suppress

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.config.model import OpsSettings
from groundswell.errors import RefusedError
from groundswell.http.api_keys import hash_password
from groundswell.ops.access import Access, Origin, check_host, origin_of
from groundswell.ops.caller import Caller
from groundswell.ops.throttle import FAILURES_MAX, FAILURES_S, PLACES_MAX, Throttle
from groundswell.settings import Listen, Secret
from tests.virtual_time import VirtualClock

TOKEN = "gso_" + "5f" * 32


def basic(password: str, user: str = "anybody") -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def access_with(clock: VirtualClock, throttle: Throttle | None = None, **settings: object) -> Access:
    given = {name: Secret(value) if "password" in name else value for name, value in settings.items()}
    return Access(TOKEN, OpsSettings.model_validate(given), clock, Throttle(clock) if throttle is None else throttle)


async def status(access: Access, authorization: str | None, remote: str | None = "192.0.2.1") -> int:
    """What comes back: 200, or the status of the refusal."""
    try:
        await access.check(authorization, remote)
    except RefusedError as exc:
        return exc.status
    return 200


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def throttle(clock: VirtualClock) -> Throttle:
    return Throttle(clock)


@pytest.fixture
def access(clock: VirtualClock, throttle: Throttle) -> Access:
    return access_with(clock, throttle, password="sésame")


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {TOKEN}", f"bearer  {TOKEN}", basic("sésame"), basic("sésame", ""), basic("sésame", "zoë")],
)
async def test_the_token_and_the_password_with_any_user_name_let_in(access: Access, authorization: str) -> None:
    assert await status(access, authorization) == 200


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
async def test_nothing_else_does(access: Access, authorization: str | None) -> None:
    assert await status(access, authorization) == 401


@given(st.text())
def test_no_text_is_taken_by_chance_and_none_breaks_it(authorization: str) -> None:
    async def ask() -> int:
        return await status(access_with(VirtualClock(), password="sesame"), authorization)

    assert anyio.run(ask) in (401, 429)


async def test_without_a_password_none_lets_in(clock: VirtualClock) -> None:
    access = access_with(clock)
    assert [await status(access, basic(password)) for password in ("", "None", "null")] == [401] * 3


async def test_guesses_are_held_up_by_place_and_for_a_minute(access: Access, clock: VirtualClock) -> None:
    assert [await status(access, basic("guess")) for _ in range(FAILURES_MAX)] == [401] * FAILURES_MAX
    assert await status(access, basic("guess")) == 429
    assert await status(access, basic("sésame")) == 429, "the right password must not be found out meanwhile"
    assert await status(access, f"Bearer {TOKEN}") == 200
    assert await status(access, basic("sésame"), "192.0.2.2") == 200
    await clock.advance(FAILURES_S - 1)
    assert await status(access, basic("sésame")) == 429
    await clock.advance(1)
    assert await status(access, basic("sésame")) == 200
    assert await status(access, basic("guess")) == 401


async def test_a_few_mistakes_hours_apart_hold_nobody_up(access: Access, clock: VirtualClock) -> None:
    for _ in range(3 * FAILURES_MAX):
        assert await status(access, basic("typo")) == 401
        await clock.advance(FAILURES_S / (FAILURES_MAX - 1))


async def test_whoever_has_one_address_of_ipv6_has_the_whole_network(access: Access) -> None:
    statuses = [await status(access, basic("guess"), f"2001:db8::{n:x}") for n in range(1, FAILURES_MAX + 2)]
    assert statuses == [401] * FAILURES_MAX + [429]
    assert await status(access, basic("sésame"), "2001:db8:0:1::1") == 200
    assert await status(access, basic("sésame"), "fe80::1%eth0") == 200


async def test_only_so_many_places_are_remembered(access: Access, throttle: Throttle) -> None:
    for number in range(PLACES_MAX + 50):
        await status(access, basic("guess"), f"10.0.{number // 256}.{number % 256}")
    assert len(throttle) == PLACES_MAX


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


# ---- passwords, hashed and to read with ----


async def test_a_password_may_stand_as_its_hash(clock: VirtualClock) -> None:
    access = access_with(clock, password=hash_password("correct horse"), read_password="battery staple")
    assert await status(access, basic("correct horse")) == 200
    assert await status(access, basic("wrong horse")) == 401
    assert await status(access, basic(hash_password("correct horse"))) == 401, "the hash itself is no password"


@pytest.mark.parametrize("read_personal", [False, True])
async def test_the_password_to_read_with_changes_nothing(clock: VirtualClock, read_personal: bool) -> None:
    access = access_with(clock, password="all", read_password="some", read_personal=read_personal)
    assert await access.by_password("some", "192.0.2.1") == Caller(
        "read_password", may_change=False, may_see_people=read_personal, place="192.0.2.1"
    )
    assert await access.by_password("all", "192.0.2.1") == Caller("password", place="192.0.2.1")


async def test_the_user_of_a_command_is_noted_unless_it_is_no_name(access: Access) -> None:
    assert (await access.check(f"Bearer {TOKEN}", "::1", "rosa")).name == "rosa"
    for name in (None, "", "two words", "x" * 65, "a\r\nb"):
        assert (await access.check(f"Bearer {TOKEN}", "::1", name)).name is None


# ---- a proxy's word ----


def proxied(clock: VirtualClock) -> Access:
    return access_with(
        clock,
        proxy_header="X-Forwarded-User",
        proxy_from=["127.0.0.1", "10.0.0.0/8"],
        proxy_read_only=["intern@example.org"],
    )


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.200.0.1", "::ffff:10.0.0.1"])
def test_a_proxy_says_who_it_let_in(clock: VirtualClock, peer: str) -> None:
    caller = proxied(clock).by_proxy(["rosa@example.org"], peer, "203.0.113.9")
    assert caller == Caller("proxy", "rosa@example.org", place="203.0.113.9")


@pytest.mark.parametrize("peer", ["127.0.0.2", "192.0.2.1", "::1", None, "", "nonsense"])
def test_from_anybody_else_the_header_means_nothing(clock: VirtualClock, peer: str | None) -> None:
    assert proxied(clock).by_proxy(["rosa@example.org"], peer, "") is None


def test_users_of_a_proxy_may_be_there_to_look_only(clock: VirtualClock) -> None:
    caller = proxied(clock).by_proxy(["intern@example.org"], "127.0.0.1", "")
    assert caller is not None
    assert (caller.may_change, caller.may_see_people) == (False, False)


def test_a_proxy_that_names_nobody_lets_nobody_in(clock: VirtualClock) -> None:
    assert proxied(clock).by_proxy([], "127.0.0.1", "") is None
    assert proxied(clock).by_proxy([" "], "127.0.0.1", "") is None


@pytest.mark.parametrize("names", [["rosa", "root"], ["x" * 201], ["a\tb"], ["\x00"], ["{http.auth.user.id}"]])
def test_what_a_proxy_should_not_send_is_refused(clock: VirtualClock, names: list[str]) -> None:
    with pytest.raises(RefusedError) as caught:
        proxied(clock).by_proxy(names, "127.0.0.1", "")
    assert caught.value.status == 400


# ---- hosts and origins ----


@pytest.mark.parametrize("host", ["ops.example.org", "OPS.example.org:443", "localhost:9464", "127.0.0.1"])
def test_a_name_it_is_given_is_its_own(host: str) -> None:
    check_host(host, LOOPBACK, ["ops.example.org"])
    check_host(host, Listen(host="10.0.0.1", port=9464), ["Ops.Example.org"])


@pytest.mark.parametrize("listen", [LOOPBACK, Listen(host="10.0.0.1", port=9464)])
def test_with_names_no_others_are_heard(listen: Listen) -> None:
    with pytest.raises(RefusedError):
        check_host("evil.example", listen, ["ops.example.org"])


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({}, "unsaid"),
        ({"Sec-Fetch-Site": "same-origin"}, "own"),
        ({"Sec-Fetch-Site": "none"}, "own"),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, "own"),
        ({"Sec-Fetch-Site": "same-site"}, "foreign"),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:9464"}, "foreign"),
        ({"Sec-Fetch-Site": "nonsense"}, "foreign"),
        ({"Origin": "http://localhost:9464"}, "own"),
        ({"Origin": "HTTP://LOCALHOST:9464"}, "own"),
        ({"Origin": "https://ops.example.org"}, "own"),
        ({"Origin": "null"}, "hidden"),
        ({"Origin": "http://localhost:9465"}, "foreign"),
        ({"Origin": "http://localhost"}, "foreign"),
        ({"Origin": "http://localhost:9464.evil.example"}, "foreign"),
        ({"Origin": "http://evil.example"}, "foreign"),
        ({"Origin": "http://["}, "foreign"),
        ({"Origin": ""}, "foreign"),
    ],
)
def test_which_site_a_request_is_sent_for(headers: dict[str, str], origin: Origin) -> None:
    assert origin_of({"Host": "localhost:9464", **headers}, ["ops.example.org"]) == origin
