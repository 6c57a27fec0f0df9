"""The pages there are, a line for each, with the forms that stand on it; and which of them are always at hand."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from aiohttp import web
from msgspec import Struct

from groundswell.ops.dashboard import (
    accounts,
    audit,
    backfills,
    components,
    consents,
    dead,
    groups,
    households,
    members,
    metrics,
    overview,
    person,
    reconcile,
    records,
    settings,
    syncs,
    tap,
)
from groundswell.ops.dashboard.visit import Question, Visit
from groundswell.ops.operations import (
    ACCOUNTS,
    AUDIT,
    BACKFILL,
    BACKFILLS,
    CONFIG,
    CONNECT,
    CONSENTS_EXPORT,
    DEAD_DROP,
    DEAD_EDIT,
    DEAD_LIST,
    DEAD_RETRY,
    DEAD_SHOW,
    DISCONNECT,
    FORGET,
    GROUPS_LIST,
    KEYS_CREATE,
    KEYS_LIST,
    KEYS_REVOKE,
    MEMBERS_HOUSEHOLDS,
    MEMBERS_LIST,
    METRICS,
    PAUSE,
    PERSON,
    POLL,
    RATES,
    RECONCILE,
    RECORD,
    RECORDS,
    RELOAD,
    RESUME,
    STATUS,
    SYNCS,
    Operation,
)
from groundswell.ops.requests import Form

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)


@dataclass(frozen=True, slots=True)
class FormOf(Generic[Q, A]):
    """A form that has an operation done. In the template: `{% call form("pause", at=name) %} fields {% endcall %}`.

    Its fields are those of the operation's request. What changes something is told on the page that is loaded next, and
    what only looks is in `Visit.found` of the page that is shown at once: who it is about never stands in a URL.
    """

    operation: Operation[Q, A]
    said: Callable[[A], str] = lambda _: ""
    """What to say once it is done."""
    asks: Callable[[Visit, Q], Awaitable[Question]] | None = None
    """Makes the question that has to be answered with yes before it is done."""
    then: str | None = None
    """The page to go to once it is done; None: the same."""
    is_shown: bool = False
    """Whether its answer is in `Visit.found` of the page that is shown at once, and nowhere else: a secret."""
    read: Callable[[Form], Q] | None = None
    """Makes the request of the fields, where these are not its own."""
    is_look: Callable[[Q], bool] = lambda _: False
    """Whether this very request only looks, so that what it found is shown at once, too."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    path: str
    """As aiohttp writes routes; one with a `{name}` in it stands in no navigation."""
    title: str
    show: Callable[[Visit], Awaitable[web.StreamResponse]]
    needs: tuple[Operation[Any, Any], ...] = ()
    """What it cannot be shown without: whoever may not ask these is not led here."""
    forms: tuple[FormOf[Any, Any], ...] = ()
    is_in_navigation: bool = True


BAR: Final = ("/", "/records", "/dead", "/members", "/consents", "/accounts", "/backfills")
"""What the navigation always shows, in this order: more would take a second line on a laptop. A phone has room for the
first three. The other pages are under "More", in the order of PAGES."""

_FORGET: Final = FormOf(FORGET, person.forgotten)

PAGES: Final[tuple[Page, ...]] = (
    Page(
        "/",
        "Overview",
        overview.show,
        (STATUS,),
        (
            FormOf(PAUSE, lambda done: f"{done.name} is {done.state}."),
            FormOf(RESUME, lambda done: f"{done.name} goes on."),
            FormOf(RELOAD, overview.reloaded),
        ),
    ),
    Page(
        "/components/{name}",
        "Component",
        components.show,
        (STATUS, RATES),
        (
            FormOf(PAUSE, lambda done: f"{done.name} is {done.state}."),
            FormOf(RESUME, lambda done: f"{done.name} goes on."),
            FormOf(POLL, components.polled),
        ),
    ),
    Page("/accounts", "Accounts", accounts.show_all, (ACCOUNTS,)),
    Page(
        "/accounts/{name}",
        "Account",
        accounts.show,
        (ACCOUNTS, BACKFILLS),
        (
            FormOf(CONNECT, accounts.connected, read=accounts.asked, is_look=lambda asked: asked.try_only),
            FormOf(DISCONNECT, accounts.disconnected),
        ),
    ),
    Page(
        "/backfills",
        "Backfills",
        backfills.show,
        (BACKFILLS,),
        (FormOf(BACKFILL, backfills.said, then="/backfills"),),
    ),
    Page("/reconcile", "Reconcile", reconcile.show, (STATUS, RECONCILE)),
    Page("/members", "Members", members.show, (STATUS,), (FormOf(MEMBERS_LIST),)),
    Page(
        "/members/households",
        "Shared phones",
        households.show,
        (MEMBERS_HOUSEHOLDS,),
        is_in_navigation=False,
    ),
    Page("/members/link", "Person", person.of_account, (PERSON,), (_FORGET,), is_in_navigation=False),
    Page("/members/{member:[0-9]{1,15}}", "Person", person.of_member, (PERSON,), (_FORGET,)),
    Page("/syncs", "Fields", syncs.show, (SYNCS,)),
    Page("/syncs/{name}", "Fields", syncs.show_one, (SYNCS,)),
    Page("/groups", "Groups", groups.show, (GROUPS_LIST,)),
    Page("/groups/members", "Group", groups.show_one, (GROUPS_LIST,), is_in_navigation=False),
    Page("/consents", "Consents", consents.show, (STATUS,), (FormOf(CONSENTS_EXPORT),)),
    Page("/consents/export.{kind:csv|jsonl}", "Consents", consents.download, (CONSENTS_EXPORT,)),
    Page("/records", "Deliveries", records.show, (RECORDS, STATUS), (FormOf(RECORD),)),
    Page(
        "/dead",
        "Dead letters",
        dead.show,
        (DEAD_LIST,),
        (FormOf(DEAD_RETRY, dead.retried), FormOf(DEAD_DROP, dead.dropped, dead.ask_to_drop)),
    ),
    Page(
        "/dead/{number}",
        "Dead letter",
        dead.show_one,
        (DEAD_SHOW,),
        (
            FormOf(DEAD_RETRY, dead.retried, then="/dead"),
            FormOf(DEAD_EDIT, dead.edited, then="/dead"),
            FormOf(DEAD_DROP, dead.dropped, dead.ask_to_drop, then="/dead"),
        ),
    ),
    Page(
        "/settings",
        "Settings",
        settings.show,
        (CONFIG, KEYS_LIST),
        (
            FormOf(RELOAD, overview.reloaded),
            FormOf(KEYS_CREATE, is_shown=True),
            FormOf(KEYS_REVOKE, lambda done: f"{done.name} is revoked.", settings.ask_to_revoke),
        ),
    ),
    Page("/audit", "Audit", audit.show, (AUDIT,)),
    Page("/tap", "Tap", tap.show, (STATUS,)),
    Page("/help/metrics", "Metrics", metrics.show, (METRICS,)),
)
