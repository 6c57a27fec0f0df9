"""The pages there are, in the order of the navigation: a line for each, with the forms that stand on it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from aiohttp import web
from msgspec import Struct

from groundswell.ops.dashboard import accounts, backfills, overview, reconcile
from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.operations import (
    ACCOUNTS,
    BACKFILL,
    BACKFILLS,
    CONNECT,
    DISCONNECT,
    PAUSE,
    RECONCILE,
    RELOAD,
    RESUME,
    STATUS,
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
    read: Callable[[Form], Q] | None = None
    """Makes the request of the fields, where these are not its own."""
    is_shown_at_once: Callable[[Q], bool] = lambda _: False
    """Whether what came of this is shown where the form stands, with what was entered, like that of a mere look."""
    then: str = ""
    """The page to go on to; else the one it was sent from."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    path: str
    """As aiohttp writes routes; one with a `{name}` in it stands in no navigation."""
    title: str
    show: Callable[[Visit], Awaitable[web.Response]]
    needs: tuple[Operation[Any, Any], ...] = ()
    """What it cannot be shown without: whoever may not ask these is not led here."""
    forms: tuple[FormOf[Any, Any], ...] = ()


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
    Page("/accounts", "Accounts", accounts.show_all, (ACCOUNTS,)),
    Page(
        "/accounts/{name}",
        "Account",
        accounts.show,
        (ACCOUNTS, BACKFILLS),
        (
            FormOf(CONNECT, accounts.connected, accounts.asked, lambda asked: asked.try_only),
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
)
