"""Whether deliveries may go to a sink now: running, away, told to wait, refused, paused, or not connected."""

from random import Random
from typing import Final, Literal

from groundswell.errors import RateLimitedError, UnauthorizedError
from groundswell.runtime.retry import FAILURES_BEFORE_AWAY, UNAUTHORIZED_PROBE_S, asked_s, away_s

Trouble = Literal["away", "rate_limited", "unauthorized"]
State = Literal["running", "away", "rate_limited", "unauthorized", "paused", "not_connected"]

_WEIGHT: Final[dict[Trouble | None, int]] = {None: 0, "away": 1, "rate_limited": 2, "unauthorized": 3}
"""While the gate is closed, answers to what was sent before only change what it is closed for to something heavier."""


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
        self.is_paused = False
        self.is_connected = True
        """False while the account of the sink is not connected."""
        self.trouble: Trouble | None = None
        self.last_error: str | None = None

    @property
    def state(self) -> State:
        if not self.is_connected:
            return "not_connected"
        return "paused" if self.is_paused else self.trouble or "running"

    @property
    def _is_held(self) -> bool:
        return self.is_paused or not self.is_connected

    def allows(self, now: float) -> int:
        """How many turns may be taken now: none, one (a probe), or any number (a large one)."""
        if self._is_held or now < self._opens_at:
            return 0
        if self.trouble in (None, "rate_limited"):
            return 2**31
        return 0 if self._is_probing else 1

    def opens_in(self, now: float) -> float | None:
        """Seconds until it is worth asking again; None when only a change of state can open it."""
        if self._is_held or (self._is_probing and now >= self._opens_at):
            return None
        return max(0.0, self._opens_at - now)

    def took(self) -> None:
        """Something was taken for delivery."""
        self._is_probing = self.trouble in ("away", "unauthorized")

    def succeeded(self, now: float) -> bool:
        """The sink answered as it should. Returns whether that is news."""
        if self.trouble == "rate_limited" and now < self._opens_at:
            return False  # sent before it told us to wait
        was_in_trouble = self.trouble is not None
        self._failures = 0
        self._opens_at = 0.0
        self._is_probing = False
        self.trouble = None
        self.last_error = None
        return was_in_trouble

    def learnt_nothing(self) -> None:
        """What was taken has to wait by itself, and says nothing about the sink: another may be the probe."""
        self._is_probing = False

    def failed(self, error: Exception, now: float) -> bool:
        """The sink did not take it. Returns whether that is news."""
        before, trouble = self.trouble, _trouble_of(error)
        if now < self._opens_at and not self._is_probing and _WEIGHT[trouble] <= _WEIGHT[before]:
            if trouble == before == "rate_limited":
                self._opens_at = max(self._opens_at, now + self._wait_s(error))
            return False  # sent before we knew
        self._failures += 1
        self.last_error = str(error)
        # Now and then a call fails and means nothing; but a probe that fails says that the trouble goes on.
        if trouble != "away" or before in ("away", "unauthorized") or self._failures >= FAILURES_BEFORE_AWAY:
            self.trouble = trouble
            self._opens_at = max(self._opens_at, now + self._wait_s(error))
        self._is_probing = False
        return self.trouble != before

    def _wait_s(self, error: Exception) -> float:
        if isinstance(error, UnauthorizedError):
            return UNAUTHORIZED_PROBE_S
        asked = asked_s(error)
        return away_s(max(self._failures, FAILURES_BEFORE_AWAY), self._random) if asked is None else asked

    def probe_now(self) -> None:
        """Do not wait any longer: an operator mended something."""
        self._opens_at = 0.0


def _trouble_of(error: Exception) -> Trouble:
    if isinstance(error, UnauthorizedError):
        return "unauthorized"
    return "rate_limited" if isinstance(error, RateLimitedError) else "away"
