"""What is not known for sure about ActionKit, as switches; each default is the one that is harder on a client.

Marks: D documented, W seen in recorded traffic, C only a client's code says so, I inferred by us, ? nobody knows.
"""

from typing import Literal

from msgspec import Struct


class Behaviour(Struct, frozen=True, forbid_unknown_fields=True):
    """How this ActionKit behaves. What is certain is no switch."""

    # Calls
    simultaneous: int | None = 10
    """Requests in progress at once; more are answered 429 (D: "too many simultaneous"; how many: ?). None: no limit."""
    latency_s: float = 0.0
    """How long each answer takes. Recorded ones took 0.5 to 1 s (W)."""
    retry_after_s: float | None = None
    """Sent with a 429 (never seen)."""
    bad_logins: int | None = 5
    """So many wrong passwords in a row lock the account (C; how many: ?). None: never."""
    locked_s: float = 300.0
    """For how long (?)."""
    redirects_writes: bool = False
    """Whether a write without the slash at the end is answered 308 rather than taken (two clients rely on it; C)."""
    micros: bool = False
    """Six digits of a second in whatever GET shows, too (C: some newer ones do; W: none)."""
    errors_are: Literal["fields", "list", "text"] = "fields"
    """What stands under `errors` in a refusal: texts by field (D), a list of texts, or one text (C: all were met)."""
    language: Literal["en", "de"] = "en"
    """Of the messages in validation errors: that of the page (C)."""

    # Collections
    limit_max: int = 100
    """(D) Asked for more, this is what one gets (?)."""
    id_filters: bool = False
    """`id__gt` and the like (?: read the schema)."""
    created_at_filters: bool = False
    """(?)"""
    updated_at_filters: bool = False
    """(?: one client found no way, C)"""
    updated_at_ordering: bool = False
    """(C: not on events)"""
    group_filter: bool = False
    """`user/?groups=ID` (I)."""
    schema_numbers: bool = False
    """`filtering` shows 1 and 2 for "all" and "all with relations", as the library under it does (I)."""
    next_keeps_filters: bool = True
    """(I)"""

    # Users
    fields_bump_user: bool = False
    """Whether a custom field that changes moves `updated_at` of the user (?)."""
    phones_bump_user: bool = False
    """(?)"""
    subscriptions_bump_user: bool = False
    """(?)"""
    existing_email: Literal["conflict", "updated"] = "conflict"
    """POST of a user who is there: 409 with Location (I), or an update."""
    user_fields_patch: Literal["merge", "replace"] = "merge"
    """PATCH of a user's `fields` (C)."""
    fields_patch: Literal["merge", "replace"] = "replace"
    """PATCH of an action's or page's `fields` (C: three clients read and merge before they write)."""
    phone_of_action: Literal["added", "replaced"] = "added"
    """A phone in an action beside another one of its type (?)."""
    zip_sets_city: bool = True
    """City and state follow the ZIP code (D by a vendor)."""

    # Actions
    unknown_page_status: Literal[400, 404] = 400
    """(W 400; D hints at 404)"""
    repeat_where_forbidden: Literal["refused", "recorded"] = "refused"
    """A second action on a page that allows one (?)."""
    suppresses_subscribe: bool = True
    """Whether `suppress_subscribe` keeps people off lists, in actions (C) and in pushes (I). The easier side: all we
    write stands on it."""
    dangling_pages: bool = True
    """Some old actions are on pages that are gone (C)."""

    # Donations
    card_code: str = "007"
    """(D)"""
    duplicate_window_s: float = 300.0
    """The same donation again in this time fails, with 201 (D: it fails; "some minutes": W)."""
    requires_import_id: bool = False
    """(C: no)"""
    push_takes_zones: bool = False
    """Whether the three profile endpoints take a zone in `created_at` (C: no)."""
    cancel_status: Literal[201, 202] = 202
    """Of `orderrecurring/ID/cancel/` (?; one mock says 201)."""
    cancelled_twice: Literal["refused", "taken"] = "refused"
    """(?)"""

    # Uploads
    upload_rows_per_s: float = 500.0
    """(?)"""
    upload_500_for_400: bool = True
    """An upload that makes no sense is answered 500 (C)."""
    user_fields_only_with_zip_fails: bool = True
    """(C)"""

    # Reports
    report_rows_max: int = 10_000
    """(C)"""
    report_cache_s: float = 600.0
    """How old an answer may be unless the call says `refresh` or `cache_duration` (D: cached; how long: ?)."""
    background_s: float = 2.0
    """How long a background report takes (?)."""

    # Pushes
    sns_hosts: Literal["amazon", "local"] = "amazon"
    """Whether `SubscribeURL` and `SigningCertURL` name Amazon's hosts (D), or the simulator's own: plain HTTP."""
    pushes_are_raw: bool = True
    """Without the envelope and its signature (C), or with them (I)."""
    signature_version: Literal["1", "2"] = "1"
    pushes_bare_first: bool = True
    """Every request comes without its credentials first, and again when it is answered 401 (D by AWS)."""
    push_is_full: bool = True
    """Whether the action and the user in a push are as the API shows them (I), or a few fields of them."""
    push_timeout_s: float = 15.0
    push_retry_s: float = 20.0
    """Between tries (D by AWS: its default)."""


FRIENDLIEST = Behaviour(
    simultaneous=None,
    bad_logins=None,
    id_filters=True,
    created_at_filters=True,
    updated_at_filters=True,
    updated_at_ordering=True,
    group_filter=True,
    fields_bump_user=True,
    phones_bump_user=True,
    subscriptions_bump_user=True,
    fields_patch="merge",
    phone_of_action="replaced",
    repeat_where_forbidden="recorded",
    dangling_pages=False,
    duplicate_window_s=0.0,
    push_takes_zones=True,
    cancelled_twice="taken",
    upload_rows_per_s=1e9,
    upload_500_for_400=False,
    user_fields_only_with_zip_fails=False,
    report_cache_s=0.0,
    background_s=0.0,
    sns_hosts="local",
    pushes_bare_first=False,
)
"""Every doubt in the client's favour: for tests that are about something else."""
