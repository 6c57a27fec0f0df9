"""What is an address of the open internet: where a request may go that somebody else named the address of.

A name says nothing of where it leads, and may lead elsewhere at the next look-up. So it is the address itself that is
looked at, when the socket to it is made: there is no look-up after that.
"""

import socket
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.connector import AddrInfoType

_NAT64: Final = IPv6Network("64:ff9b::/96")
"""Networks that have IPv6 alone reach any IPv4 address by these."""
_COMPATIBLE: Final = IPv6Network("::/96")


class NotPublicError(OSError):
    """The address is of this machine, of a network of somebody's own, or of nobody."""

    def __init__(self) -> None:
        super().__init__("leads to an address that is not public")


def is_public(text: str) -> bool:
    """Whether an address is one that anybody could reach; an IPv6 address with an IPv4 address in it is as that one."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address in _COMPATIBLE:  # out of use, but for ::1 and ::
            return False
        address = _inner_of(address) or address
    is_odd = address.is_multicast or address.is_reserved or (isinstance(address, IPv6Address) and address.is_site_local)
    return address.is_global and not is_odd


def public_session(headers: Mapping[str, str], resolver: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """A session that connects to addresses of the open internet alone, whatever the name. Close it after use.

    Where a name leads to several addresses, those that are not public are passed over. A call with none left fails with
    a ClientConnectorError, whose `os_error` is a NotPublicError.
    """
    connector = aiohttp.TCPConnector(resolver=resolver, socket_factory=_public_socket)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers=headers)


def _public_socket(info: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise NotPublicError
    return socket.socket(family, kind, protocol)


def _inner_of(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour
