"""On which page a gift is written down: one for all, or one for each form, campaign or recipient.

Only what groups name themselves can be part of a page's name. What donors write or bring along (refcodes stand in links
that anybody may change) could make any number of pages, and names of people have no business in an address.
"""

import re
from hashlib import blake2b
from typing import Annotated, Any, Final

import structlog
from pydantic import AfterValidator

from groundswell.connectors.actionkit.writing.paths import value_at
from groundswell.record import Record

LENGTH_MAX: Final = 255
FIELDS: Final = (
    "action.page.id",
    "action.page.title",
    "action.page.type",
    "donation.recipient",
    "donation.period",
    "donation.currency",
    "source",
)
_PIECE: Final = re.compile(r"\{([^{}]*)\}|([A-Za-z0-9_-]+)|(.)", re.DOTALL)
_ILLEGAL: Final = re.compile(r"[^A-Za-z0-9_-]+")

log = structlog.get_logger()


def _check_page(text: str) -> str:
    """A short name, or a template of one."""
    if not 0 < len(text) <= LENGTH_MAX:
        raise ValueError(f"must be a short name of at most {LENGTH_MAX} letters")
    for match in _PIECE.finditer(text):
        path, _, stray = match.groups()
        if stray is not None:
            raise ValueError(
                f"has a letter that no short name has, at {match.start() + 1}; there is A-Z, a-z, 0-9, _ and -, and "
                'fields in braces, as in "actblue_{action.page.id}"'
            )
        if path is not None and path not in FIELDS:
            raise ValueError(f'names "{path}", which cannot be in the name of a page; there is {", ".join(FIELDS)}')
    return text


PageText = Annotated[str, AfterValidator(_check_page)]
"""In settings: the short name of a page, perhaps with fields of the record in it."""


def has_fields(text: str) -> bool:
    """Whether it names a page for each of something."""
    return "{" in text


class Pages:
    """The page of each gift."""

    def __init__(self, component: str, page: str, without_form: str | None, pages_max: int) -> None:
        """`without_form`: where gifts go whose record lacks a field that `page` names; None where it names none."""
        self._component = component
        self._page = page
        self._without_form = without_form
        self._pages_max = pages_max
        self._known: set[str] = set()
        self._has_told = False

    def page_for(self, record: Record) -> str:
        """A short name. Past `pages_max` of them it is the one for records without a form."""
        if self._without_form is None:
            return self._page
        page = filled(self._page, record)
        if page is None:
            return self._without_form
        if page not in self._known:
            if len(self._known) >= self._pages_max:
                self._tell()
                return self._without_form
            self._known.add(page)
        return page

    def _tell(self) -> None:
        if not self._has_told:
            log.warning(
                "too_many_donation_pages",
                component=self._component,
                pages_max=self._pages_max,
                then="gifts of other forms go to `page_without_form`; raise `pages_max` if that many forms are right",
            )
        self._has_told = True


def filled(page: str, record: Record) -> str | None:
    """The short name for this record; None where something it names is unknown or empty."""
    pieces = []
    for path, literal, _ in _PIECE.findall(page):
        if literal:
            pieces.append(literal)
        elif (text := _legal(value_at(record, path))) is not None:
            pieces.append(text)
        else:
            return None
    return _short("".join(pieces))


def _legal(value: Any) -> str | None:
    """In the letters of a short name. What has none of them is told apart by a hash."""
    if not isinstance(value, str) or not value.strip():
        return None
    return _ILLEGAL.sub("-", value.strip()).strip("-") or _hash(value.strip())


def _short(name: str) -> str:
    return name if len(name) <= LENGTH_MAX else f"{name[: LENGTH_MAX - 9]}-{_hash(name)}"


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=4).hexdigest()
