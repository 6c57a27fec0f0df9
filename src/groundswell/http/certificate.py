"""A certificate and its key in files, for a port that serves HTTPS; read anew when the files have changed."""

import hashlib
import os
import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog

from groundswell.clock import Clock

HANDSHAKE_S: Final = 5.0
"""How long a TLS handshake may take."""
LOOK_EVERY_S: Final = 1.0
"""How often, at most, connections that come make us look whether the files have changed."""

SOON_S: Final = 7 * 86400.0
SOON_SHARE: Final = 4
"""Who is to renew it has not done so when a week is left, or of a short life a quarter."""

log = structlog.get_logger()

_Mark = tuple[int, int, int] | None


class CertificateError(Exception):
    """A pair of files that cannot be used; `setting` is the one at fault, "certificate" or "key"."""

    def __init__(self, setting: str, message: str) -> None:
        self.setting = setting
        super().__init__(message)


class Pair(NamedTuple):
    """A certificate and its key, ready to serve with."""

    context: ssl.SSLContext
    fingerprint: str
    """SHA-256 of the certificate, in hex."""
    begins_at: datetime
    ends_at: datetime

    def warning(self, now: float) -> str | None:
        """What is unwise about serving with it, at this time (seconds since 1970)."""
        left_s = self.ends_at.timestamp() - now
        if left_s < 0:
            return f"ended on {self.ends_at:%Y-%m-%d}; browsers and senders refuse it"
        if left_s < min(SOON_S, (self.ends_at - self.begins_at).total_seconds() / SOON_SHARE):
            return f"ends on {self.ends_at:%Y-%m-%d}; renew it, or browsers and senders refuse it from then on"
        return None


def read_pair(certificate: Path, key: Path) -> Pair:
    """Read and check both files.

    Raises:
        CertificateError: one cannot be read or is no such thing, the key has a password, or is of something else.
    """
    from cryptography import x509  # 10 MB that nobody else needs

    pem = _content(certificate, "certificate")
    _content(key, "key")
    try:
        first = x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise CertificateError("certificate", f"{certificate} holds no certificate in PEM form") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_refuse)
    except ssl.SSLError as exc:
        if exc.reason == "KEY_VALUES_MISMATCH":
            raise CertificateError("key", f"{key} is not the key of the certificate in {certificate}") from None
        raise CertificateError("key", f"{key} holds no key in PEM form that fits {certificate}") from None
    except OSError as exc:  # replaced while it was read
        raise CertificateError("certificate", f"{certificate} or {key} cannot be read: {exc.strerror}") from None
    fingerprint = hashlib.sha256(first.public_bytes(_der())).hexdigest()
    return Pair(context, fingerprint, first.not_valid_before_utc, first.not_valid_after_utc)


def _der() -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER


def _refuse() -> str:
    """Without this, OpenSSL asks the terminal, and waits."""
    raise CertificateError("key", "the key has a password; put it there without (openssl pkey), readable by us only")


def _content(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise CertificateError(setting, f"{path} cannot be read: {exc.strerror}") from None


def live_certificate(
    table: str, certificate: str | None, key: str | None, clock: Clock, changed: Callable[[], None] = lambda: None
) -> "LiveCertificate | None":
    """What a port serves with, as its table of the configuration says; None: it has no TLS.

    Raises:
        OSError: it cannot be served with.
    """
    if certificate is None or key is None:
        return None
    try:
        return LiveCertificate(Path(certificate), Path(key), clock, changed)
    except CertificateError as exc:
        raise OSError(None, f"[{table}] {exc.setting}: {exc}") from exc


class LiveCertificate:
    """What a port serves with. Whoever connects after the files have changed gets the new one.

    A pair that cannot be used (half of it is written) leaves the old one in place.
    """

    def __init__(self, certificate: Path, key: Path, clock: Clock, changed: Callable[[], None]) -> None:
        """`changed` is called after each exchange. Raises CertificateError."""
        self._files = certificate, key
        self._clock = clock
        self._changed = changed
        self._seen: tuple[_Mark, ...] = _marks(*self._files)
        self._looked_at = clock.monotonic()
        self._pair = read_pair(certificate, key)
        self.context = self._pair.context
        """What the port listens with; each handshake gets the pair of the moment."""
        self.context.sni_callback = self._choose

    @property
    def fingerprint(self) -> str:
        """Of the certificate served now."""
        return self._pair.fingerprint

    def use(self, certificate: str | None, key: str | None) -> None:
        """Serve with these files from now on, as far as they can be used. None: that takes a restart."""
        if certificate is None or key is None:
            return
        if self._files != (files := (Path(certificate), Path(key))):
            self._files, self._seen = files, ()
        self._look()

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        if self._clock.monotonic() - self._looked_at >= LOOK_EVERY_S:
            self._look()
        connection.context = self._pair.context

    def _look(self) -> None:
        self._looked_at = self._clock.monotonic()
        marks = _marks(*self._files)
        if marks == self._seen:
            return
        self._seen = marks
        try:
            self._pair = read_pair(*self._files)
        except CertificateError as exc:
            log.error(
                "certificate_not_read", file=str(self._files[0]), problem=str(exc), then="the one before stays in use"
            )
        else:
            log.info("certificate_read", file=str(self._files[0]), ends_at=self._pair.ends_at)
            self._changed()


def _marks(*files: Path) -> tuple[_Mark, ...]:
    """What is different about files after they have been written or replaced."""
    return tuple(_mark(file) for file in files)


def _mark(file: Path) -> _Mark:
    try:
        status = os.stat(file)  # noqa: PTH116 - the same, in one call less
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
