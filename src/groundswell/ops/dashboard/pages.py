"""The pages there are, in the order of the navigation: a line for each, with the forms that stand on it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from aiohttp import web
from msgspec import Struct

from groundswell.ops.dashboard import overview
from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.operations import PAUSE, RELOAD, RESUME, STATUS, Operation

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
)
