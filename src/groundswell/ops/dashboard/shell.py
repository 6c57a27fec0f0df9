"""What all pages share: templates, and the words for times and numbers in them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from groundswell import __version__
from groundswell.ops.amounts import lasting, size
from groundswell.ops.dashboard.figures import NOTHING, page_of, tidy


class Shell:
    """Makes pages of templates. Everything that is put into one is escaped."""

    def __init__(self, static: Mapping[str, str]) -> None:
        """`static` has the URL of each file by name."""
        self._templates = Environment(
            loader=PackageLoader("groundswell.ops.dashboard", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(static=static, version=__version__, lasting_between=_between)
        self._templates.filters.update(
            moment=_moment,
            number=_number,
            size=size,
            lasting=lasting,
            tidy=tidy,
            page_of=page_of,
            amount=_amount,
            code=_with_code,
            sentence=_sentence,
        )

    def page(self, template: str, status: int, values: Mapping[str, Any]) -> web.Response:
        """The template with these values in it."""
        text = self._templates.get_template(template).render(values)
        return web.Response(text=text, status=status, content_type="text/html")


def _moment(at: datetime | None) -> str:
    """ "2026-05-02 11:00:09 UTC", as a time that programs can read."""
    if at is None:
        return NOTHING
    return Markup('<time datetime="{0}">{1}</time>').format(f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M:%S} UTC")


def _amount(value: float) -> str:
    """A value of a metric: whole ones without a point."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3f}"


def _sentence(text: str | None) -> str:
    """Words that stand in the middle of a line elsewhere, as a sentence of their own."""
    return f"{text[0].upper()}{text[1:]}." if text else NOTHING


def _number(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def _between(since: datetime, until: datetime) -> str:
    return lasting((until - since).total_seconds())


def _with_code(text: str) -> Markup:
    """What stands between backquotes, as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )
