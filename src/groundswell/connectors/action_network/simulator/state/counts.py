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
    """Answered 429 because they came too fast. A client that keeps to the limit has none."""
    most_in_one_second: int = 0
    """Of the calls that arrived, in any second."""
    by_call: Counter[str] = field(default_factory=Counter)
    """As "GET people", "POST petitions/*/signatures"."""
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    """That were injected, by kind."""
    silent_failures: Counter[str] = field(default_factory=Counter)
    """Records that were not made although the answer was 200, by the reason the real one would not tell."""
    background: Counter[str] = field(default_factory=Counter)
    """Background requests: "queued", "done", "failed", "lost"."""
    autoresponses: int = 0
    """Emails that thank somebody, asked for by a record helper."""
    webhooks: Counter[str] = field(default_factory=Counter)
    """Messages: "sent" (handed to the sender), "lost"."""

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "calls": self.calls,
            "refused": self.refused,
            "most_in_one_second": self.most_in_one_second,
            "by_call": dict(self.by_call.most_common()),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "faults": dict(self.faults),
            "silent_failures": dict(self.silent_failures),
            "background": dict(self.background),
            "autoresponses": self.autoresponses,
            "webhooks": dict(self.webhooks),
        }
