"""The states a component can be in: what each means, and what to do. docs/operating.md has the same table."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Meaning(Struct, frozen=True):
    """What a state says to an operator. Words in backquotes are typed, or are names."""

    means: str
    do: str
    """"": nothing."""


STATES: Final[Mapping[str, Meaning]] = {
    "running": Meaning("all well", ""),
    "away": Meaning(
        "the sink did not answer, or not as it should, three times in a row; one delivery at a time is tried, "
        "at most a minute apart",
        "nothing, if it comes back; else ask those who run it",
    ),
    "rate_limited": Meaning("it asked us to wait", "nothing; if it lasts, lower `concurrency` or set `rate`"),
    "unauthorized": Meaning(
        "our credentials are refused, or a setting (a page that is not there); tried with one delivery every "
        "five minutes",
        "mend what the last error names, `groundswell reload`",
    ),
    "waiting": Meaning(
        "a source cannot read; it is tried again and again, from its cursor, until it can",
        "read its last error in `status`",
    ),
    "paused": Meaning("an operator paused it; stays so over restarts", "`groundswell resume NAME`"),
    "not_connected": Meaning(
        "its account is not connected; nothing is lost, and deliveries wait",
        "`groundswell accounts` says why; `groundswell connect ACCOUNT`",
    ),
    "off": Meaning(
        "its configuration says `enabled = false`; what is sent to it is answered 503",
        "`enabled = true`, `groundswell reload`",
    ),
    "finished": Meaning("a file that was read to its end", ""),
    "stopped": Meaning("no daemon runs; shown is what waits in the state file", "`systemctl start groundswell`"),
    "removed": Meaning(
        "the configuration no longer has it, and deliveries still wait for it",
        "put it back and reload, or leave them: nothing is dropped",
    ),
}
