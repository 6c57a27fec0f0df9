"""What Action Network may answer, and what is made of it: which error, in which words, and without whose data."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from groundswell.connectors.action_network import transport
from groundswell.connectors.action_network.collections import COLLECTIONS
from groundswell.connectors.action_network.filters import equals, modified_within, stamp
from groundswell.connectors.action_network.transport import FAULT_TRIES_MAX, MissingError, shown
from groundswell.errors import (
    RateLimitedError,
    RejectedError,
    RemoteError,
    UnauthorizedError,
    UnavailableError,
)
from tests.connectors.action_network.client_line import CALLER, KEY, Answer, Asked, Scripted, scripted

PEOPLE = COLLECTIONS["people"]
HTML = "<html><head><title>We're sorry</title></head><body>Something went wrong.</body></html>"
AS_HTML = {"Content-Type": "text/html"}
PATH = ("people", "5a1f")


def page(number: int, *ids: str, **more: Any) -> Answer:
    people = [{"identifiers": [f"action_network:{one}"]} for one in ids]
    return Answer(body={"page": number, "_embedded": {"osdi:people": people}, **more})


async def refused(answer: Answer) -> RemoteError:
    """The error of a call that is answered like this."""
    async with scripted(answer) as to:
        with pytest.raises(RemoteError) as caught:
            await to.client.get(CALLER, PATH)
    return caught.value


async def read(to: Scripted) -> list[str]:
    return [
        one["identifiers"][0].partition(":")[2]
        async for found in to.client.pages(CALLER, PEOPLE)
        for one in found.resources
    ]


# ---- pages ----


def numbered(pages: dict[int, Answer]) -> Any:
    """Answers by the page that is asked for; an empty one past them."""

    def answer(asked: Asked) -> Answer:
        number = int(re.findall(r"[?&]page=(\d+)", asked.path)[0])
        return pages.get(number, page(number))

    return answer


async def test_an_empty_page_is_the_end_and_nothing_else_is() -> None:
    pages = {1: page(1, "a", total_pages=1, total_records=1), 2: page(2, "b"), 3: page(3, "c")}
    async with scripted(numbered(pages)) as to:
        assert await read(to) == ["a", "b", "c"]
        assert [asked.path for asked in to.asked] == [
            f"/api/v2/people?page={number}&per_page=25" for number in (1, 2, 3, 4)
        ]


async def test_another_page_than_was_asked_for_is_not_taken() -> None:
    async with scripted(numbered({1: page(1, "a"), 2: page(1, "a")})) as to:
        with pytest.raises(UnavailableError, match="reading people, page 2: another page came"):
            await read(to)


async def test_a_page_that_does_not_say_its_number_is_taken() -> None:
    answer = Answer(body={"_embedded": {"osdi:people": [{"identifiers": ["action_network:a"]}]}})
    async with scripted(numbered({1: answer})) as to:
        assert await read(to) == ["a"]


async def test_a_page_that_comes_again_and_again_is_not_read_for_ever() -> None:
    def stuck(asked: Asked) -> Answer:
        number = int(re.findall(r"[?&]page=(\d+)", asked.path)[0])
        return page(number, "a", "b")

    async with scripted(stuck) as to:
        with pytest.raises(UnavailableError, match="page 2 is page 1 again"):
            await read(to)
        assert len(to.asked) == 2


async def test_more_pages_than_anybody_has_are_an_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundswell.connectors.action_network.client.PAGES_MAX", 3)
    async with scripted(numbered({number: page(number, f"p{number}") for number in range(1, 9)})) as to:
        with pytest.raises(UnavailableError, match="more than 3 pages"):
            await read(to)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"_embedded": {}},
        {"_embedded": {"osdi:person": []}},
        {"_embedded": {"osdi:people": None}},
        {"_embedded": [1]},
        {"error": "x"},
    ],
    ids=str,
)
async def test_an_answer_without_the_collection_is_not_an_empty_page(body: Any) -> None:
    async with scripted(Answer(body=body)) as to:
        with pytest.raises(UnavailableError, match="the answer has no osdi:people; it will be tried again"):
            await read(to)


@pytest.mark.parametrize(("sent", "count"), [(-1, None), ("7", None), (True, None), (7.5, None), (7, 7), (0, 0)])
async def test_a_total_that_is_none_is_unknown(sent: Any, count: int | None) -> None:
    async with scripted(page(1, "a", total_records=sent, total_pages=sent)) as to:
        found = await to.client.page(CALLER, PEOPLE)
    assert (found.records, found.pages) == (count, count)


async def test_what_is_no_resource_is_left_out_of_a_page() -> None:
    body = {"_embedded": {"osdi:people": [None, 1, {"identifiers": ["action_network:a"]}, "x"]}}
    async with scripted(Answer(body=body)) as to:
        assert len((await to.client.page(CALLER, PEOPLE)).resources) == 1


async def test_a_filter_that_was_not_applied_is_noticed() -> None:
    older = {"_embedded": {"osdi:people": [{"modified_date": stamp(1_777_000_000)}]}}
    async with scripted(Answer(body=older)) as to:
        with pytest.raises(RejectedError, match="the filter was not applied; nothing of it was taken"):
            await to.client.page(CALLER, PEOPLE, where=modified_within(1_777_000_100, None))
        found = await to.client.page(CALLER, PEOPLE, where=modified_within(1_777_000_000, None))
        with pytest.raises(RejectedError, match="the filter was not applied"):
            await to.client.page(CALLER, PEOPLE, where=(equals("identifier", "ours:1842"),))
    assert len(found.resources) == 1


async def test_filters_go_out_with_every_sign_of_theirs_encoded() -> None:
    async with scripted(page(1)) as to:
        await to.client.page(CALLER, PEOPLE, where=(equals("email_address", "a+b&c=d e%#@example.org"),))
        (asked,) = to.asked
    written = asked.path.partition("filter=")[2]
    assert set(written) <= set("abcdefghijklmnopqrstuvwxyzABCDEF0123456789_.+%'@/?")
    assert "a%2Bb%26c%3Dd" in written
    assert "%25%23" in written


# ---- what is no answer ----


@pytest.mark.parametrize(
    "body",
    [HTML, "", "null", "[]", '"fine"', "{", b'{"a": "\xff"}', b"\xff\xfe", "[" * 100_000],
    ids=lambda b: str(b)[:12],
)
async def test_a_200_that_is_no_json_object_is_tried_again(body: bytes | str) -> None:
    error = await refused(Answer(body=body, headers=AS_HTML))
    assert type(error) is UnavailableError
    assert error.tries_max is None
    assert str(error).endswith("answered 200 without a JSON object; it will be tried again")


async def test_an_answer_that_is_too_long_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "BODY_BYTES_MAX", 1_000)
    error = await refused(Answer(body={"text": "x" * 2_000}))
    assert type(error) is UnavailableError
    assert "sent more than 1000 bytes" in str(error)


async def test_an_answer_that_is_cut_off_is_tried_again() -> None:
    error = await refused(Answer(body='{"given_name": "Ro', is_cut=True))
    assert type(error) is UnavailableError
    assert "closed the connection before its answer was whole" in str(error)


async def test_another_good_status_than_200_is_an_answer_too() -> None:
    async with scripted(Answer(status=201, body={"identifiers": ["action_network:a"]})) as to:
        assert (await to.client.sign_up(CALLER, {}))["identifiers"] == ["action_network:a"]
    async with scripted(Answer(status=204, body="")) as to:
        await to.client.untag(CALLER, "a", "b")


async def test_a_redirect_is_not_followed() -> None:
    async with scripted(Answer(status=302, headers={"Location": "https://evil.example/steal?k=1"})) as to:
        with pytest.raises(RejectedError, match=r"a redirect to https://evil\.example; redirects are not followed"):
            await to.client.get(CALLER, PATH)
        assert len(to.asked) == 1


# ---- errors ----


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_they_do_not_take_stops_everything_and_is_not_shown(status: int) -> None:
    error = await refused(Answer(status, {"error": f"API Key invalid or not present: {KEY}"}))
    assert type(error) is UnauthorizedError
    assert f"answered {status}: it does not take the API key; check `token` of the account" in str(error)
    assert KEY not in str(error)


@pytest.mark.parametrize(
    ("headers", "wait_s"), [({}, None), ({"Retry-After": "7"}, 7.0), ({"Retry-After": "soon"}, None)]
)
async def test_too_many_calls_wait_as_long_as_they_say(headers: dict[str, str], wait_s: float | None) -> None:
    for body in ({"error": "Too many requests"}, HTML):
        error = await refused(Answer(429, body, headers))
        assert type(error) is RateLimitedError
        assert error.retry_after_s == wait_s


@pytest.mark.parametrize(
    "body", [{"error": "Something went wrong"}, HTML, b"\xff", '{"error": "\ud800'.encode("utf-8", "surrogatepass")]
)
async def test_a_500_is_tried_a_few_times_only(body: Any) -> None:
    error = await refused(Answer(500, body))
    assert type(error) is UnavailableError
    assert error.tries_max == FAULT_TRIES_MAX
    assert f"it will be tried again, {FAULT_TRIES_MAX} times in all" in str(error)


@pytest.mark.parametrize("status", [408, 425, 502, 503, 504, 599])
async def test_what_passes_is_tried_for_as_long_as_it_takes(status: int) -> None:
    for body in ({"error": "x"}, HTML):
        error = await refused(Answer(status, body))
        assert type(error) is UnavailableError
        assert error.tries_max is None


async def test_a_503_that_says_when_waits_so_long() -> None:
    error = await refused(Answer(503, HTML, {"Retry-After": "30"}))
    assert type(error) is RateLimitedError
    assert error.retry_after_s == 30.0


async def test_what_is_not_there_is_told_from_an_address_that_is_wrong() -> None:
    missing = await refused(Answer(404, {"error": "No such person"}))
    elsewhere = await refused(Answer(404, HTML))
    assert type(missing) is MissingError
    assert missing.reason == "not_found"
    assert "answered 404 (No such person): it is not there, or this key may not see it" in str(missing)
    assert type(elsewhere) is UnavailableError
    assert "check `base_url` of the account" in str(elsewhere)


async def test_what_they_say_is_shown_without_whom_it_is_about() -> None:
    said = (
        f'Email address rosa+1@example.org of Rosa Okafor-Núñez, (503) 555-0144 or 503.555.0145, "1 Alder St" is not '
        f"valid for '{KEY}' ({KEY})"
    )
    for status in (400, 404, 422, 500):
        _, _, error = str(await refused(Answer(status, {"error": said}))).partition(" answered ")
        assert "is not valid for" in error
        for private in ("rosa", "Rosa", "Okafor", "Núñez", "example.org", "555", "0144", "Alder", KEY):
            assert private not in error


@pytest.mark.parametrize(
    "body", [{"error": None}, {"error": ["x"]}, {"error": " \n"}, {}, {"message": "Rosa"}, HTML, ""]
)
async def test_a_refusal_that_says_nothing_is_told_without_brackets(body: Any) -> None:
    error = str(await refused(Answer(400, body)))
    assert "(" not in error
    assert "answered 400" in error
    assert "it will not take this as it is" in error


async def test_a_long_refusal_is_cut() -> None:
    error = str(await refused(Answer(400, {"error": "is not valid " * 1_000})))
    assert len(error) < 400


# ---- what is shown of a text of theirs ----

WORDS = st.text("abcdefgh .,;:!?()[]'\"\n\t“”", max_size=20)
NUMBERS = st.builds(
    lambda digits, separators: "".join(d + s for d, s in zip(digits, separators, strict=True)).strip(),
    st.lists(st.sampled_from("0123456789"), min_size=10, max_size=10),
    st.lists(
        st.sampled_from(["", "", "-", ".", " ", ") ", "\u00a0", "\u2013", "/", "_", " - "]), min_size=10, max_size=10
    ),
)


@given(WORDS, st.emails(), WORDS)
@example("say '", "o'hara@example.org", "' ")
def test_no_email_address_is_ever_shown(before: str, email: str, after: str) -> None:
    said = shown(f"{before}{email}{after}", KEY)
    assert "@" not in said
    local = email.partition("@")[0]
    assert local not in said.split() or local in f"{before} {after}".split()


@given(WORDS, st.sampled_from(["", "+", "(", "+1 "]), NUMBERS, WORDS)
def test_no_phone_number_is_ever_shown(before: str, first: str, number: str, after: str) -> None:
    assert not re.search(r"\d", shown(f"{before}{first}{number}{after}", KEY))


@given(WORDS, st.text("0123456789abcdefABCDEF-_", min_size=1, max_size=40), WORDS)
def test_the_key_is_never_shown(before: str, key: str, after: str) -> None:
    for said in (shown(f"{before}{key}{after}", key), shown(f"{key}{key}{before} {key}", key)):
        assert key not in said


@given(st.text(max_size=400))
def test_what_is_shown_is_short_and_of_one_line(text: str) -> None:
    said = shown(text, KEY)
    assert len(said) <= 160
    assert "\n" not in said


@pytest.mark.parametrize("text", ["x" * 10**6, "5" * 10**6, "'" * 10**6, "1-" * 10**6], ids=lambda text: text[:2])
def test_a_text_without_end_takes_no_time(text: str) -> None:
    # Looking for addresses in one long word took the square of its length, and held up the whole daemon.
    assert len(shown(text, KEY)) <= 160


def test_an_address_where_a_long_text_is_cut_is_not_shown() -> None:
    for place in range(1_960, 2_001):
        text = '"' + "x" * (place - 3) + '" rosa.okafor@example.org is taken'
        assert "rosa" not in shown(text, KEY)


@pytest.mark.parametrize(
    "text",
    [
        "You must specify a valid person id",
        "email_addresses[0].address is invalid",
        "You can't filter by title",
        "Too many requests",
    ],
)
def test_what_is_about_nobody_is_shown_as_it_came(text: str) -> None:
    assert shown(text, KEY) == text


@pytest.mark.parametrize("name", ["Rosa", "OKAFOR", "Núñez", "ñandú", "李", "Мария"])
def test_a_name_is_not_shown(name: str) -> None:
    assert shown(f"the name {name} is taken", KEY) == "the name *** is taken"
