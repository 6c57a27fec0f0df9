"""What the daemon tells systemd about itself; see sd_notify(3). Without systemd every call does nothing."""

import socket
import time
from collections.abc import Mapping
from contextlib import suppress


class ServiceManager:
    """The other end of $NOTIFY_SOCKET, if there is one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):  # an abstract socket, which the kernel marks with NUL
            self._address = "\0" + self._address[1:]

    def ready(self, status: str) -> None:
        """Started, or done reloading."""
        self._send("READY=1", _status(status))

    def reloading(self) -> None:
        # systemd compares this with its own clock, so it is the machine's, never one handed in.
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self, status: str) -> None:
        self._send("STOPPING=1", _status(status))

    def status(self, text: str) -> None:
        """One line that `systemctl status` shows. No personal data."""
        self._send(_status(text))

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *assignments: str) -> None:
        if not self._address:
            return
        # systemd restarts a service it does not hear from; that it cannot be reached is no reason to stop working.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)
            sock.sendto("\n".join(assignments).encode(), self._address)


def _status(text: str) -> str:
    return "STATUS=" + " ".join(text.split())
