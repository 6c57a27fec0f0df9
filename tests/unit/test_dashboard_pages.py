"""The pages of the dashboard, made of what operations answer, without a port."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, cast, get_args, get_origin
from urllib.parse import urlencode

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, Struct, structs

from groundswell.config.model import OpsSettings
from groundswell.errors import NotFoundError, RefusedError
from groundswell.ops.caller import Caller
from groundswell.ops.clerk import Clerk
from groundswell.ops.dashboard import components, dead, overview, records
from groundswell.ops.dashboard.figures import Line, figures_of
from groundswell.ops.dashboard.pages import PAGES, Page
from groundswell.ops.dashboard.shell import Shell
from groundswell.ops.dashboard.static import Static
from groundswell.ops.dashboard.visit import Link, Trouble, Visit
from groundswell.ops.guard import Guard
from groundswell.ops.live_messages import RatesShown
from groundswell.ops.messages import AskBackfill, ComponentStatus, LetterShown, PickLetters, Status
from groundswell.ops.record_messages import ListRecords
from groundswell.ops.requests import of_form
from groundswell.ops.sessions import Sessions
from groundswell.store.records import RecordState
from tests.virtual_time import VirtualClock

SHELL = Shell(Static().urls)
GUARD = Guard("token", OpsSettings(), VirtualClock())
SCRIPT = "<script>alert('x')</script>\" onload=\"x"
AT = datetime(2026, 5, 2, 11, 0, 9, tzinfo=UTC)


def filled(kind: Any, text: str) -> Any:
    """A value of this type, with the text wherever there is text."""
    if kind is Raw:
        return Raw(msgspec.json.encode({text: text}))
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind(**{field.name: filled(field.type, text) for field in structs.fields(kind)})
    origin, parts = get_origin(kind), get_args(kind)
    if origin is list:
        return [filled(parts[0], text)]
    if origin is dict:
        return {filled(parts[0], text): filled(parts[1], text)}
    if parts and origin is not None and type(None) in parts:
        return filled(parts[0], text)
    if parts and isinstance(parts[0], str):  # a Literal
        return parts[0]
    plain = {str: text, bool: True, int: 1_234, float: 5.0, datetime: AT, bytes: text.encode()}
    return plain[parts[0] if parts else kind]


class Answering:
    """A clerk that has one answer; or one for each operation, by name or with this text wherever there is text."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def run(self, _: Caller, operation: Any, __: Any) -> Any:
        if isinstance(self.answer, dict):
            return self.answer[operation.name]
        return filled(operation.answer, self.answer) if isinstance(self.answer, str) else self.answer


def visit_of(answer: Any, caller: Caller | None = None, path: str = "/", **match: str) -> Visit:
    who = caller or Caller("password")
    _, session = Sessions(VirtualClock()).begin(who)
    clerk = cast("Clerk", Answering(answer))
    request = make_mocked_request("GET", path, match_info=match)
    return Visit(request, who, session, GUARD, clerk, SHELL, "Overview", [Link("/", "Overview", True)])


class Tags(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)


@pytest.mark.parametrize("state", [SCRIPT, "paused"])
async def test_everything_on_the_overview_is_text_whatever_it_holds(state: str) -> None:
    status = filled(Status, SCRIPT)
    parts = [
        structs.replace(status.components[0], role=role, state=state) for role in ("source", "transform", "sink", None)
    ]
    visit = visit_of(structs.replace(status, components=parts), Caller("proxy", SCRIPT))
    visit.tell(SCRIPT)
    page = (await overview.show(visit)).text or ""
    plain = (await overview.show(visit_of(filled(Status, "x")))).text or ""
    assert Tags(page).tags.count("script") == 1
    assert Tags(page).attributes <= Tags(plain).attributes
    assert page.count("&lt;script&gt;") > 20


QUERIES = {
    "/records": ["source"],
    "/members": ["account"],
    "/members/link": ["account", "number"],
    "/groups": ["after"],
    "/groups/members": ["name"],
    "/backfills": ["source"],
    "/reconcile": ["one", "other"],
}
"""What of a question may be text, in the addresses of pages."""


async def page_with(page: Page, text: str) -> str:
    """The page where whatever can be text is this text: answers, the question, what was entered, what is found."""
    query = urlencode(dict.fromkeys(QUERIES.get(page.path, ()), text))
    visit = visit_of(text, Caller("proxy", text), f"/?{query}", number="7", member="7", name=text)
    visit.tell(text)
    for form in page.forms:
        visit.found[form.operation.name] = filled(form.operation.answer, text)
        visit.trouble = Trouble(
            form.operation.name, "", text, {name: [text] for name in form.operation.request.__struct_fields__}
        )
    response = await page.show(visit)
    assert isinstance(response, web.Response)
    return response.text or ""


@pytest.mark.parametrize("page", [page for page in PAGES if "export" not in page.path], ids=lambda page: page.path)
async def test_everything_on_every_page_is_text_whatever_it_holds(page: Page) -> None:
    hostile, plain = await page_with(page, SCRIPT), await page_with(page, "x")
    assert Tags(hostile).tags == Tags(plain).tags
    assert Tags(hostile).attributes == Tags(plain).attributes
    assert hostile.count("&lt;script&gt;") >= 3


async def test_what_cannot_be_read_is_text_and_shows_what_hides_in_it() -> None:
    unreadable = structs.replace(filled(LetterShown, "x"), unreadable=b"\x1b[2J</pre><script>\xff\xe2\x80\xae")
    page = (await dead.show_one(visit_of(unreadable, number="7"))).text or ""
    assert Tags(page).tags.count("script") == 1
    assert "\\u001b[2J&lt;/pre&gt;&lt;script&gt;\ufffd\\u202e" in page


async def test_a_question_carries_what_was_asked_and_nothing_else() -> None:
    fields = {"ids": ["3", SCRIPT], SCRIPT: ["x"]}
    page = visit_of(None).page("confirm.html", question=SCRIPT, form="dead drop", at=SCRIPT, fields=fields).text or ""
    assert Tags(page).tags.count("script") == 1
    assert page.count('<input type="hidden"') == 8, "with those of logging out and of the form itself"


def test_every_state_of_a_record_is_explained() -> None:
    assert records.STATES.keys() == set(get_args(RecordState))


async def test_the_page_of_a_component_says_what_its_state_means_and_what_to_do() -> None:
    part = ComponentStatus("crm", "sink", "http", "away", last_error="crm: no answer", place="[sinks.crm]")
    status = structs.replace(filled(Status, "x"), components=[part])
    page = (await components.show(visit_of({"status": status, "rates": filled(RatesShown, "x")}, name="crm"))).text
    assert page is not None
    assert "the sink did not answer" in page
    assert "ask those who run it" in page
    assert "crm: no answer" in page
    assert "<code>[sinks.crm]</code>" in page


async def test_a_component_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="there is x"):
        await components.show(visit_of(filled(Status, "x"), name="crn"))


def test_every_text_of_the_figures_is_without_controls_and_knows_where_it_is_about() -> None:
    part = ComponentStatus("crm", "sink", "http", "running", attention="3 dead letters\x1b", dead_letters=3)
    status = structs.replace(filled(Status, "x"), components=[part], attention=["no room", "crm: 3 dead letters\x1b"])
    figures = figures_of(status)
    assert figures.attention == [
        Line(None, None, "no room"),
        Line("crm", "/components/crm", "3 dead letters\N{REPLACEMENT CHARACTER}"),
    ]
    assert figures.texts["crm.flag"] == "dead letters"
    assert figures.texts["crm.mood"] == "bad"


def test_another_configuration_or_another_component_is_another_shape() -> None:
    status = filled(Status, "x")
    more = structs.replace(status, components=[*status.components, ComponentStatus("crm", "sink", "http", "running")])
    later = structs.replace(status, inbox_waiting=5)
    shapes = [figures_of(one).shape for one in (status, structs.replace(status, config="y"), more, later)]
    assert len(set(shapes)) == 3
    assert shapes[0] == shapes[3]


@given(st.text())
def test_no_text_ends_the_tag_it_stands_in(text: str) -> None:
    page = SHELL.page("error.html", 404, {"title": text, "message": text, "is_in": False}).text or ""
    calm = SHELL.page("error.html", 404, {"title": "x", "message": "x", "is_in": False}).text or ""
    assert Tags(page).tags == Tags(calm).tags


async def test_the_overview_says_what_needs_a_person_before_the_rest() -> None:
    page = (await overview.show(visit_of(filled(Status, "crm: 3 dead letters")))).text or ""
    headings = re.findall(r"<h[12][^>]*>([^<]+)", page)
    assert headings[:2] == ["Overview", "Needs a person"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_every_form_is_of_an_operation_once_and_says_what_it_did(page: Any) -> None:
    names = [form.operation.name for form in page.forms]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("form", "asked"),
    [
        ({"ids": ["3", "5"]}, PickLetters(ids=[3, 5])),
        ({"ids": ["3"], "component": [""]}, PickLetters(ids=[3])),
        ({"component": ["crm"], "reason": ["rejected"]}, PickLetters(component="crm", reason="rejected")),
        ({"all": ["true"]}, PickLetters(all=True)),
        ({"all": [""]}, PickLetters()),
    ],
    ids=str,
)
def test_the_fields_of_a_form_are_those_of_a_request(form: dict[str, list[str]], asked: PickLetters) -> None:
    assert of_form(form, PickLetters) == asked


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ({"idds": ["3"]}, PickLetters),
        ({"ids": ["x"]}, PickLetters),
        ({"component": ["crm", "file"]}, PickLetters),
        ({"since": ["2026-05-02"], "source": ["people"]}, AskBackfill),
        ({"source": [""]}, AskBackfill),
        ({"state": ["null"]}, ListRecords),
    ],
    ids=str,
)
def test_what_a_form_should_not_hold_is_refused(form: dict[str, list[str]], wanted: type[Struct]) -> None:
    with pytest.raises(RefusedError) as caught:
        of_form(form, wanted)
    assert caught.value.status == 400
