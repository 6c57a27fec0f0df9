"""Requests to addresses that somebody else named stay out of this machine and its networks, whatever DNS says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from groundswell.http import public
from groundswell.http.public import NotPublicError, is_public, public_session
from tests.looking_up import Resolver

INSIDE = [
    *("127.0.0.1", "10.0.0.7", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
    *("255.255.255.255", "240.0.0.1", "::1", "::", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1"),
    *("ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.7", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b:1::1", "2002:7f00:1::1", "2001::1", "localhost", "2130706433", ""),
]
OUTSIDE = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_of_this_machine_and_of_own_networks_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_addresses_that_anybody_reaches_are_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_an_ipv6_address_is_judged_by_itself(inner: IPv4Address) -> None:
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        whole = IPv6Address(int(IPv6Address(prefix)) | int(inner))
        assert is_public(str(whole)) == is_public(str(inner))


class Inside:
    """A server of this machine."""

    def __init__(self) -> None:
        self.port = 0
        self.reached_at: list[str] = []


@asynccontextmanager
async def inside() -> AsyncIterator[Inside]:
    """It listens on all of 127.0.0.0/8, and by IPv6, and notes which address it was reached at."""
    found = Inside()

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        found.reached_at.append(request.transport.get_extra_info("sockname")[0])
        return web.Response(text="for us alone")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 0).start()
    found.port = runner.addresses[0][1]
    await web.TCPSite(runner, "::1", found.port).start()
    try:
        yield found
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("leads_to", [["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["10.0.0.7", "127.0.0.1", "::1"]])
async def test_a_public_name_that_leads_inside_is_not_connected_to(leads_to: list[str]) -> None:
    resolver = Resolver(leads_to)
    async with inside() as server, public_session({}, resolver) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.get(f"http://files.example.org:{server.port}/")
    assert isinstance(caught.value.os_error, NotPublicError)
    assert resolver.asked == ["files.example.org"]
    assert server.reached_at == []


async def test_an_address_that_leads_inside_is_not_connected_to_either() -> None:
    async with inside() as server, public_session({}) as session:
        for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"):
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(f"http://{host}:{server.port}/")
    assert server.reached_at == []


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> str:
    """One address of this machine, taken for a public one."""
    monkeypatch.setattr(public, "is_public", lambda text: text == "127.0.0.2")
    return "127.0.0.2"


async def test_of_several_addresses_the_public_ones_are_used(outside: str) -> None:
    async with inside() as server:
        for leads_to in (["127.0.0.1", outside], [outside, "127.0.0.1"], ["::1", "127.0.0.1", outside]):
            async with (
                public_session({}, Resolver(leads_to)) as session,
                session.get(f"http://files.example.org:{server.port}/") as response,
            ):
                assert response.status == 200
    assert server.reached_at == [outside] * 3


async def test_a_name_that_leads_elsewhere_at_the_next_look_misleads_nobody(outside: str) -> None:
    """DNS rebinding: what is checked is what the socket is for, at each connection."""
    resolver = Resolver([outside], ["127.0.0.1"])
    async with inside() as server:
        url = f"http://files.example.org:{server.port}/"
        async with public_session({}, resolver) as session, session.get(url) as response:
            assert response.status == 200
        async with public_session({}, resolver) as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(url)
    assert server.reached_at == [outside]
