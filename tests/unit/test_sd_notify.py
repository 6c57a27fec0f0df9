"""What systemd is told, over the kind of socket it listens on."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from groundswell.runtime.sd_notify import ServiceManager


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A listening datagram socket, and its address as $NOTIFY_SOCKET gives it."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@groundswell-test-{uuid4()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(address.replace("@", "\0", 1) if request.param == "abstract" else address)
        sock.settimeout(5)
        yield sock, address


@pytest.mark.parametrize(
    ("tell", "heard"),
    [
        (lambda manager: manager.ready("taking 2 sources"), b"READY=1\nSTATUS=taking 2 sources"),
        (lambda manager: manager.stopping("draining"), b"STOPPING=1\nSTATUS=draining"),
        (lambda manager: manager.status("crm is away"), b"STATUS=crm is away"),
        (lambda manager: manager.alive(), b"WATCHDOG=1"),
        (lambda manager: manager.status("two\nlines\nWATCHDOG=trigger"), b"STATUS=two lines WATCHDOG=trigger"),
    ],
    ids=["ready", "stopping", "status", "alive", "a status stays one line"],
)
def test_each_state_is_one_datagram(
    systemd: tuple[socket.socket, str], tell: Callable[[ServiceManager], None], heard: bytes
) -> None:
    sock, address = systemd
    tell(ServiceManager({"NOTIFY_SOCKET": address}))
    assert sock.recv(4096) == heard


def test_reloading_carries_the_time_on_the_clock_systemd_uses(systemd: tuple[socket.socket, str]) -> None:
    sock, address = systemd
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    ServiceManager({"NOTIFY_SOCKET": address}).reloading()
    state, moment = sock.recv(4096).decode().split("\n")
    assert state == "RELOADING=1"
    name, microseconds = moment.split("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(microseconds) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/notify"}])
def test_without_systemd_nothing_happens(environ: dict[str, str]) -> None:
    manager = ServiceManager(environ)
    manager.ready("")
    manager.alive()


def test_a_deaf_systemd_does_not_hold_up_the_daemon(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(address)
        manager = ServiceManager({"NOTIFY_SOCKET": address})
        for _ in range(2_000):  # far more than a datagram socket queues
            manager.alive()
        assert sock.recv(4096) == b"WATCHDOG=1"
