"""What became of each message that was sent, so that a test can hold the receiver to what it said."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from groundswell.connectors.actblue.simulator.messages import Message

Outcome = Literal["waiting", "acknowledged", "given_up", "lost"]
_TIMES_MAX: Final = 100_000


@dataclass(slots=True)
class Entry:
    """What became of one message."""

    message: Message
    outcome: Outcome = "waiting"
    said: list[int | str] = field(default_factory=list)
    """The status of each POST, or "timeout" or "unreachable", in their order."""
    repeats: int = 0
    """POSTs after it was acknowledged, on purpose."""


@dataclass(slots=True)
class Answers:
    """All messages, in the order in which they were first to be sent."""

    entries: list[Entry] = field(default_factory=list)
    posts: int = 0
    by_status: Counter[int | str] = field(default_factory=Counter)
    """Of all POSTs: the status, "timeout" or "unreachable"."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    unaddressed: int = 0
    """Messages of a type that no address was given for."""
    times_s: deque[float] = field(default_factory=lambda: deque(maxlen=_TIMES_MAX))
    """How long each of the latest answers took."""

    @property
    def waiting(self) -> int:
        return len(self.entries) - self.outcomes.total()

    @property
    def acknowledged(self) -> set[str]:
        """Keys of all that the receiver said 2xx to, such as "contribution/990000123": none of these may be lost."""
        return set(_keys(entry for entry in self.entries if entry.outcome == "acknowledged"))

    @property
    def lost(self) -> set[str]:
        """Keys of what was never sent, on purpose."""
        return set(_keys(entry for entry in self.entries if entry.outcome == "lost"))

    def percentile_ms(self, percent: float) -> float:
        """Within how many milliseconds that share of the answers came; 0.0 without any."""
        times = sorted(self.times_s)
        return times[int((len(times) - 1) * percent / 100)] * 1000 if times else 0.0

    def shown(self) -> dict[str, Any]:
        """In numbers, for the controls."""
        return {
            "messages": len(self.entries),
            "posts": self.posts,
            "waiting": self.waiting,
            "outcomes": dict(self.outcomes),
            "by_status": {str(said): times for said, times in self.by_status.items()},
        }

    def note(self, entry: Entry, said: int | str, took_s: float | None) -> None:
        """One POST, and what came back."""
        self.posts += 1
        self.by_status[said] += 1
        entry.said.append(said)
        if took_s is not None:
            self.times_s.append(took_s)

    def settle(self, entry: Entry, outcome: Outcome) -> None:
        """The last word about a message, until it is sent anew."""
        if entry.outcome != "waiting":
            self.outcomes[entry.outcome] -= 1
        entry.outcome = outcome
        self.outcomes[outcome] += 1


def _keys(entries: Iterable[Entry]) -> Iterable[str]:
    return (key for entry in entries for key in entry.message.keys)
