"""One visit to a page: who came, what they may do, and how they are answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct

from groundswell.errors import NotFoundError
from groundswell.ops.caller import Caller
from groundswell.ops.clerk import Clerk, may
from groundswell.ops.dashboard.shell import Shell
from groundswell.ops.guard import BY_ITSELF_HEADER, Guard
from groundswell.ops.operations import Operation
from groundswell.ops.requests import Form, first_in, of_form
from groundswell.ops.sessions import Session

REFUSED: Final = 422
"""Of a page that says why its form was not done."""

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation."""

    path: str
    title: str
    is_here: bool
    is_above: bool = False
    """Whether the page stands under it, as that of one account does under the accounts."""
    is_in_bar: bool = True
    """Whether it always shows; the others are under "More"."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why what a form asked for was not done; shown where the form stands."""

    form: str
    """Which: the name of its operation."""
    at: str
    """And which of several alike."""
    message: str
    entered: Form
    """What was entered, so that nobody has to type it again."""
    status: int = REFUSED
    """Of the page."""

    def value(self, field: str) -> str:
        """What was entered there."""
        return first_in(self.entered, field)


@dataclass(frozen=True, slots=True)
class Question:
    """What has to be answered with yes before something is done."""

    text: str
    means: Mapping[str, str] = field(default_factory=dict)
    """Fields that go with the yes, so that it is for what was asked about and for nothing else."""


class Visit:
    """What the handler of a page is given."""

    def __init__(
        self,
        request: web.Request,
        caller: Caller,
        session: Session | None,
        guard: Guard,
        clerk: Clerk,
        shell: Shell,
        title: str,
        links: list[Link],
    ) -> None:
        self.request = request
        self.caller = caller
        self.trouble: Trouble | None = None
        """What came of a form that was sent, if not what was wanted."""
        self.found: dict[str, Any] = {}
        """What forms that only look have found, by the name of their operation."""
        self.sent: dict[str, Any] = {}
        """What they were asked, likewise."""
        self._session = session
        self._guard = guard
        self._clerk = clerk
        self._shell = shell
        self._title = title
        self._links = links

    async def ask(self, operation: Operation[Q, A], asked: Q) -> A:
        """Have an operation done for this caller. Raises what it raises."""
        return await self._clerk.run(self.caller, operation, asked)

    def asked(self, wanted: type[Q]) -> Q:
        """What the address of the page asks for; what is left blank is not asked for. Raises RefusedError (400)."""
        query = self.request.query
        return of_form({name: query.getall(name) for name in query}, wanted)

    def link(self, **changes: str | int | None) -> str:
        """The address of this page with another query: None takes a part out."""
        query = {**self.request.query, **changes}
        words = urlencode({name: value for name, value in query.items() if value not in (None, "")})
        return f"{self.request.path}?{words}"

    def may(self, operation: Operation[Any, Any]) -> bool:
        """Whether to offer it."""
        return may(self.caller, operation)

    def tell(self, note: str) -> None:
        """Say it on the next page."""
        if self._session is not None:
            self._session.tell(note)

    def kept(self) -> Form | None:
        """What was entered on this page when the login before this one had ended; said once."""
        return None if self._session is None else self._session.kept_for(self.request.path)

    @property
    def is_still_in(self) -> bool:
        """Whether they would still be let in: for what is sent for as long as a page is open."""
        return self._guard.is_still_in(self.request)

    def page(self, template: str, **values: Any) -> web.Response:
        """The page, made of its template and these values. A script that asks for it leaves the notes to the reader."""
        has_reader = BY_ITSELF_HEADER not in self.request.headers
        shared = {
            "title": self._title,
            "links": self._links,
            "caller": self.caller,
            "can_log_out": self._session is not None and self.caller.way != "proxy",
            "csrf": "" if self._session is None else self._session.csrf,
            "notes": self._session.told() if self._session is not None and has_reader else [],
            "trouble": self.trouble,
            "may": self.may,
        }
        return self._shell.page(template, 200 if self.trouble is None else self.trouble.status, {**shared, **values})

    def nobody(self, why: NotFoundError) -> web.Response:
        """The page where there is no such thing or person."""
        response = self.page("nobody.html", message=str(why))
        response.set_status(404)
        return response


def without_secrets(fields: Form) -> Form:
    """What of a form may stand in a page again."""
    return {name: values for name, values in fields.items() if not name.startswith(NOT_SHOWN_AGAIN)}


NOT_SHOWN_AGAIN: Final = "secret."
"""How the names of fields begin that nobody is to see again."""
