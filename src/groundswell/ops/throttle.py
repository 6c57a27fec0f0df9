"""Holding up whoever guesses: by the place they come from, for a minute."""

from collections import OrderedDict
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from groundswell.clock import Clock
from groundswell.errors import RefusedError

FAILURES_MAX: Final = 10
"""Wrong guesses from one place within FAILURES_S; then it is asked to wait."""
FAILURES_S: Final = 60.0
PLACES_MAX: Final = 1024
"""Places whose failures are remembered."""


class Throttle:
    """Counts failures by place."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """Place -> (failures, when the first of them is forgotten)."""

    def __len__(self) -> int:
        return len(self._failures)

    def check(self, place: str) -> None:
        """Raises RefusedError (429) while too many guesses from there were wrong."""
        count, until = self._failures.get(place, (0, 0.0))
        left_s = until - self._clock.monotonic()
        if count >= FAILURES_MAX and left_s > 0:
            raise RefusedError(
                429, "too many wrong passwords from there; wait a minute", {"Retry-After": str(int(left_s) + 1)}
            )

    def note_failure(self, place: str) -> bool:
        """Count one more; whether it was the last that is heard."""
        now = self._clock.monotonic()
        count, until = self._failures.pop(place, (0, 0.0))
        if now >= until:
            count, until = 0, now + FAILURES_S
        self._failures[place] = (count + 1, until)
        if len(self._failures) > PLACES_MAX:
            self._failures.popitem(last=False)
        return count + 1 == FAILURES_MAX


def address_of(remote: str | None) -> IPv4Address | IPv6Address | None:
    """The address a peer or a proxy names; an IPv4 address is one however it is written."""
    try:
        address: IPv4Address | IPv6Address = ip_address((remote or "").strip().partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def place_of(remote: str | None) -> str:
    """An address; of IPv6 the network, for whoever has one address has 2**64."""
    address = address_of(remote)
    if address is None:
        return ""
    return str(address) if address.version == 4 else str(ip_network((int(address), 64), strict=False))
