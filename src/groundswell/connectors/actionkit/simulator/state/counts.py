"""What happened to the simulator, in numbers: nothing about people."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counts:
    """Since the start, or since they were last reset."""

    calls: int = 0
    """That arrived, whatever became of them."""
    refused: int = 0
    """Answered 429 because too many were in progress."""
    most_at_once: int = 0
    by_call: Counter[str] = field(default_factory=Counter)
    """Such as "GET user" or "POST action"; ids are "*"."""
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    """Those that were met, by their word."""
    failed_donations: Counter[str] = field(default_factory=Counter)
    """Answered 201 all the same; by reason."""
    reports: Counter[str] = field(default_factory=Counter)
    """"run" and "from cache"."""
    anonymous_actions: int = 0
    """Taken from somebody without good credentials."""
    uploads: Counter[str] = field(default_factory=Counter)
    """Rows, "done" and "failed"."""

    def shown(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "refused": self.refused,
            "most_at_once": self.most_at_once,
            "by_call": dict(self.by_call.most_common()),
            "statuses": {str(status): times for status, times in sorted(self.statuses.items())},
            "faults": dict(self.faults),
            "failed_donations": dict(self.failed_donations),
            "reports": dict(self.reports),
            "anonymous_actions": self.anonymous_actions,
            "uploads": dict(self.uploads),
        }
