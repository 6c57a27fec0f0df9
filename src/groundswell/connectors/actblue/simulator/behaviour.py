"""What is not known for sure about ActBlue's CSV API, as switches; each default is the one that is harder on a client.

Marks: D documented, C only a client's code says so, I inferred by us, ? nobody knows.
"""

from typing import Literal

from msgspec import Struct


class Behaviour(Struct, frozen=True, forbid_unknown_fields=True):
    """How this CSV API behaves. What is certain is no switch."""

    # Calls
    calls_per_minute: int | None = 10
    """In any sixty seconds; more are answered 429 (C). Downloads do not count (I). None: no limit."""
    refused_count: bool = False
    """Whether calls that were answered 429 count, too (?)."""
    storage_refuses_logins: bool = True
    """Whether a download with an Authorization header is answered 400, as storage with signed addresses does (I)."""

    # Exports
    polls: int = 2
    """So many times an export is answered `in_progress` (C: it takes 2 to 17 minutes)."""
    build_s: float = 0.0
    """And no less time than this passes before it is complete."""
    url_s: float = 600.0
    """How long an address can be downloaded from after it was given (C: about ten minutes)."""
    months_max: int = 6
    """Of one range (C)."""
    dates_in: Literal["eastern", "utc"] = "eastern"
    """Where a date begins, and a time without an offset is read (I, of the times in the files)."""
    cuts_times: bool = False
    """Whether the time is dropped from a moment that was asked for (?)."""

    # Files
    columns: Literal["newer", "older"] = "newer"
    """Those of 2026, or those of before (C)."""
    is_shuffled: bool = True
    """Whether the columns stand in another order each time (C: "read by header, order varies")."""
    pages_are: Literal["url", "slug"] = "url"
    """What stands under Fundraising Page (C: either)."""
    booleans: tuple[str, str] = ("true", "false")
    """(?)"""
    text_options: tuple[str, str, str] = ("opt_in", "opt_out", "unknown")
    """What stands under Text Message Opt In (?)."""
    managed_keeps_refunded: bool = True
    """Whether managed forms' gifts stay in their file once given back (?)."""
