"""Whether deliveries may go to a sink now: running, away, told to wait, refused, or paused by an operator."""

from random import Random
from typing import Literal

from groundswell.errors import RateLimitedError, UnauthorizedError
from groundswell.runtime.retry import FAILURES_BEFORE_AWAY, UNAUTHORIZED_PROBE_S, away_s

State = Literal["running", "away", "rate_limited", "unauthorized", "paused"]


class Gate:
    """One sink's gate. Times are the clock's monotonic seconds.

    While the sink is away or refuses our credentials, one probe at a time goes through when its time has come; the
    first success opens the gate again.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._failures = 0
        self._opens_at = 0.0
        self._is_probing = False
        self._error_type: type[Exception] | None = None
        self.is_paused = False
        self.trouble: Literal["away", "rate_limited", "unauthorized"] | None = None
        self.last_error: str | None = None

    @property
    def state(self) -> State:
        return "paused" if self.is_paused else self.trouble or "running"

    def allows(self, now: float) -> int:
        """How many turns may be taken now: none, one (a probe), or any number (a large one)."""
        if self.is_paused or now < self._opens_at:
            return 0
        if self.trouble in (None, "rate_limited"):
            return 2**31
        return 0 if self._is_probing else 1

    def opens_in(self, now: float) -> float | None:
        """Seconds until it is worth asking again; None when only a change of state can open it."""
        if self.is_paused or (self._is_probing and now >= self._opens_at):
            return None
        return max(0.0, self._opens_at - now)

    def took(self) -> None:
        """Something was taken for delivery."""
        self._is_probing = self.trouble in ("away", "unauthorized")

    def succeeded(self) -> bool:
        """The sink answered as it should. Returns whether it was in trouble before."""
        was_in_trouble = self.trouble is not None
        self._failures = 0
        self._opens_at = 0.0
        self._is_probing = False
        self.trouble = None
        self.last_error = None
        return was_in_trouble

    def failed(self, error: Exception, now: float) -> bool:
        """The sink did not take it. Returns whether this is news."""
        before = self.trouble
        if before is not None and not self._is_probing and type(error) is self._error_type:
            return False  # sent before we knew; it tells nothing new
        self._error_type = type(error)
        self._failures += 1
        self._is_probing = False
        self.last_error = str(error)
        if isinstance(error, UnauthorizedError):
            self.trouble = "unauthorized"
            self._opens_at = now + UNAUTHORIZED_PROBE_S
        elif isinstance(error, RateLimitedError):
            self.trouble = "rate_limited"
            wait = error.retry_after_s
            self._opens_at = now + (wait if wait is not None else away_s(self._failures + 2, self._random))
        elif self._failures >= FAILURES_BEFORE_AWAY:
            self.trouble = "away"
            self._opens_at = now + away_s(self._failures, self._random)
        return self.trouble != before

    def probe_now(self) -> None:
        """Do not wait any longer: an operator mended something."""
        self._opens_at = 0.0
