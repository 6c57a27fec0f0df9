"""Every error groundswell raises on purpose, and who handles it differently.

GroundswellError
+-- ConfigError           the configuration is wrong; carries every problem at once          -> exit 78
+-- RequestError          the person or program that asked did something wrong               -> 4xx, exit 1
|   +-- NotFoundError     there is no such thing                                             -> 404
+-- RefusedError          a webhook request we do not take; carries the HTTP status
|   +-- UnreadableError   its body cannot be read (400), and is kept as a dead letter
|   +-- NotNowError       we cannot take it now (503 with Retry-After)
+-- RecordError           this one record cannot be read or transformed: dead letter
+-- RemoteError           the other side: what we were doing, to whom, what came back
|   +-- UnavailableError  try again (timeout, 5xx, connection)
|   +-- RateLimitedError  try again after `retry_after_s`
|   |   +-- NotYetError   the same for one delivery alone; the other side is well
|   |       +-- OvertookError   it came before what it is about, which may stand behind it
|   +-- UnauthorizedError stop and tell a person
|   +-- RejectedError     this record will never be taken: dead letter
+-- StoreError            the state file; the daemon stops rather than guess
    +-- StoreFullError    the disk, or the size allowed, is full: wait, lose nothing
    +-- StoreLockedError  another groundswell has the state file

A message says what we were doing, to what, what came back, and what happens now. It never holds personal
data, tokens or bodies. `reason` is a short code that groups dead letters and labels metrics.
"""

from dataclasses import dataclass


class GroundswellError(Exception):
    """Something groundswell noticed went wrong."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in the configuration: where (`file`, `path` as written in TOML), what, and a fix."""

    file: str
    path: str
    message: str


class ConfigError(GroundswellError):
    """The configuration is wrong."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{p.file}: {p.path}: {p.message}" for p in problems))


class RequestError(GroundswellError):
    """What was asked for cannot be done as it was asked."""


class NotFoundError(RequestError):
    """There is no such thing."""


class RefusedError(GroundswellError):
    """A webhook request we do not take. `headers` go out with the answer."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.headers = headers or {}
        super().__init__(message)


class UnreadableError(RefusedError):
    """The body of a webhook request cannot be read: 400, and a dead letter when we know the sender."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)


class NotNowError(RefusedError):
    """We cannot take the request now; the sender should try again after `retry_after_s` seconds."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(503, message, {"Retry-After": str(retry_after_s)})


class RecordError(GroundswellError):
    """This one record cannot be read or transformed; it becomes a dead letter, its neighbours go on."""

    def __init__(self, message: str, reason: str = "unreadable") -> None:
        self.reason = reason
        super().__init__(message)


class RemoteError(GroundswellError):
    """The other side did not do what we asked."""

    reason = "remote"


class UnavailableError(RemoteError):
    """The other side is away (timeout, 5xx, connection); try again.

    `tries_max` is set where what we sent may be what breaks it: after so many tries it is not sent any more.
    """

    reason = "unavailable"

    def __init__(self, message: str, tries_max: int | None = None) -> None:
        self.tries_max = tries_max
        super().__init__(message)


class RateLimitedError(RemoteError):
    """The other side wants us to wait. `retry_after_s` is None when it did not say for how long."""

    reason = "rate_limited"

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class NotYetError(RateLimitedError):
    """One delivery has to wait `retry_after_s` seconds; nothing is wrong with the other side, and others may go on."""

    reason = "not_yet"


class OvertookError(NotYetError):
    """What this one is about is not there (yet): whatever else waits to be written about the same person goes first."""


class UnauthorizedError(RemoteError):
    """The other side does not take our credentials; stop and tell a person."""

    reason = "unauthorized"


class RejectedError(RemoteError):
    """The other side will never take this as it is."""

    reason = "rejected"


class StoreError(GroundswellError):
    """The state file cannot be used."""


class StoreFullError(StoreError):
    """There is no room left for the state file; what was accepted is safe, nothing new is taken."""


class StoreLockedError(StoreError):
    """Another groundswell is using the state file."""
