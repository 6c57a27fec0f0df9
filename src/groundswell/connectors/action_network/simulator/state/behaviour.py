"""What is not known for sure about Action Network, as switches; each default is the one that is harder on a client.

Marks: D documented, L somebody saw it live, C only a client's code says so, I inferred by us, ? nobody knows.
"""

from typing import Literal

from msgspec import Struct


class Behaviour(Struct, frozen=True, forbid_unknown_fields=True):
    """How this Action Network behaves. What is certain is no switch."""

    # Limits
    calls_per_s: int | None = 4
    """In any second that slides (D: "4 calls per second"; whether it slides: I). None: no limit."""
    refused_calls_count: bool = True
    """Whether a call that is answered 429 counts towards the limit as well (?)."""
    retry_after_s: float | None = None
    """Sent with a 429 (?: two clients read it if it is there)."""
    message_every_s: float = 30.0
    """Creating or re-targeting a message: one call in so many seconds (C)."""
    bad_key_status: Literal[401, 403] = 403
    """403 was seen live, one client's tests have 401 (L, C)."""

    # Reading
    index_lag_s: tuple[float, float] = (0.0, 5.0)
    """How long lists and filters lag behind what GET by id shows; drawn for each change (L: "up to a few seconds")."""
    next_on_last_page: bool = True
    """(D 2016, L; some samples without)"""
    next_keeps_query: bool = False
    """Whether `next` carries `filter` and `per_page` on (?)."""
    next_is_stuck: bool = False
    """`next` leads to the same page for ever: an old fault, mended on "at least some" endpoints (L). Off by default."""
    totals: bool = True
    """On collections other than people and items (D samples)."""
    totals_when_filtered: bool = False
    """(?)"""
    filter_not_understood: Literal["refused", "ignored"] = "refused"
    """A filter on an unknown field or that is no filter: 400, or everything is returned as if there were none (?)."""
    filter_not_possible: Literal["refused", "ignored"] = "ignored"
    """A filter on a collection that has none, such as tags (?; Parsons sends them)."""
    takes_unquoted_dates: bool = False
    """(C: one client sends them)"""
    apostrophes: frozenset[Literal["doubled", "backslash", "raw"]] = frozenset()
    """Which ways of writing an apostrophe in a value are understood (?). By default none: such a value is refused."""

    # People
    geocodes: bool = True
    """Rewrites addresses (L)."""
    locality_lost: float = 0.1
    """How often the city does not stick when the first address of a person is saved (L: "sometimes")."""
    merged_keeps: Literal["email", "mobile"] = "email"
    """A new address with the number of a mobile-only record: whose UUID goes on (D: they merge; which one: ?)."""
    taken_email: Literal["kept", "refused"] = "kept"
    """PUT of an address another record has: 200, the old one is kept and the rest is applied (L)."""
    null_clears: bool = False
    """Whether null in a PUT empties a field (D says so, L says not for names and addresses)."""
    takes_new_custom_fields: bool = False
    """Whether a custom field nobody made before is made, or dropped (C and L against C)."""
    same_again_bumps: bool = True
    """Whether a write that changes nothing moves `modified_date` (?)."""
    status_bumps: bool = False
    """Whether a changed subscription alone moves `modified_date` (?; one public project assumes it does)."""
    tagging_bumps: bool = False
    """Whether tagging alone moves the person's `modified_date` (?)."""

    # Actions and records
    helper_failure: Literal["empty", "error"] = "empty"
    """A record that cannot be made: 200 with {} (L for helpers), or 400."""
    requires_origin_system: bool = False
    """Documented as required (D); Parsons leaves it out (C), and so it is off."""
    takes_query_parameters: bool = False
    """Whether fields in the query of a POST count as its body (C: Parsons sends forms, attendances, ... like that)."""
    identifier_taken: Literal["left out", "refused", "returns first", "moved"] = "left out"
    """A foreign identifier that another record has, on POST (?)."""
    repeat_keeps_uuid: bool = True
    """Whether a second signature of the same person overwrites the first under its UUID (?)."""
    responses_repeat: bool = True
    """Whether a second response of the same person to a survey is another one (?)."""
    parent_bumps: bool = False
    """Whether a new record moves the `modified_date` of its petition, event, ... (?)."""
    misspells_submission_person: bool = True
    """`action:person_id` instead of `action_network:person_id` on submissions (D sample)."""

    # Background requests
    background_delay_s: tuple[float, float] = (1.0, 30.0)
    """Drawn for each, so that two of them may swap places (I: no order is promised)."""
    background_loss: float = 0.0
    """Share that is never carried out, and nobody hears of it (I)."""


FRIENDLIEST = Behaviour(
    calls_per_s=None,
    index_lag_s=(0.0, 0.0),
    next_keeps_query=True,
    totals_when_filtered=True,
    locality_lost=0.0,
    takes_new_custom_fields=True,
    same_again_bumps=False,
    status_bumps=True,
    tagging_bumps=True,
    helper_failure="error",
    takes_query_parameters=True,
    identifier_taken="returns first",
    background_delay_s=(0.0, 0.0),
    message_every_s=0.0,
)
"""The friendliest that is possible, without a limit: for tests that are about something else, and for benchmarks."""
