"""Logins of browsers, and the codes that begin one, without a port."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.ops.caller import Caller
from groundswell.ops.dashboard.login import local_path
from groundswell.ops.sessions import (
    CODE_LASTS_S,
    CODES_MAX,
    IDLE_S,
    LASTS_S,
    NOTE_MAX,
    NOTES_MAX,
    SESSIONS_MAX,
    Codes,
    Sessions,
)
from tests.virtual_time import VirtualClock

ROSA = Caller("password", place="192.0.2.1")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def sessions(clock: VirtualClock) -> Sessions:
    return Sessions(clock)


def test_a_session_is_found_by_its_id_alone(sessions: Sessions) -> None:
    session_id, session = sessions.begin(ROSA)
    assert len(session_id) == 64
    assert sessions.of_id(session_id) is session
    for other in (None, "", session_id[:-1], session_id + "0", session.csrf, "é", "\udc80"):
        assert sessions.of_id(other) is None


def test_no_two_have_the_same_id_or_token(sessions: Sessions) -> None:
    made = [sessions.begin(ROSA) for _ in range(50)]
    assert len({session_id for session_id, _ in made} | {session.csrf for _, session in made}) == 100


async def test_a_session_nobody_uses_ends(sessions: Sessions, clock: VirtualClock) -> None:
    session_id, _ = sessions.begin(ROSA)
    await clock.advance(IDLE_S)
    assert sessions.of_id(session_id) is not None
    await clock.advance(IDLE_S + 1)
    assert sessions.of_id(session_id) is None
    assert len(sessions) == 0


async def test_one_that_is_used_all_the_time_ends_too(sessions: Sessions, clock: VirtualClock) -> None:
    session_id, _ = sessions.begin(ROSA)
    for _ in range(int(LASTS_S // IDLE_S)):
        await clock.advance(IDLE_S)
        assert sessions.of_id(session_id) is not None
    await clock.advance(1)
    assert sessions.of_id(session_id) is None


def test_there_are_only_so_many_and_the_one_unused_for_longest_goes(sessions: Sessions) -> None:
    first, _ = sessions.begin(ROSA)
    second, _ = sessions.begin(ROSA)
    for _ in range(SESSIONS_MAX - 2):
        sessions.begin(ROSA)
    assert sessions.of_id(first) is not None
    sessions.begin(ROSA)
    assert len(sessions) == SESSIONS_MAX
    assert sessions.of_id(first) is not None
    assert sessions.of_id(second) is None


def test_all_end_at_once(sessions: Sessions) -> None:
    ids = [sessions.begin(ROSA)[0] for _ in range(3)]
    sessions.end(ids[0])
    assert [sessions.of_id(one) is None for one in ids] == [True, False, False]
    last = sessions.of_id(ids[2])
    assert last is not None
    assert not sessions.has_ended(last)
    sessions.end_all()
    assert [sessions.of_id(one) is None for one in ids] == [True, True, True]
    assert sessions.has_ended(last), "who still holds it sees it"


def test_a_user_of_a_proxy_keeps_the_session_until_they_may_do_something_else(sessions: Sessions) -> None:
    rosa, zoe = Caller("proxy", "rosa"), Caller("proxy", "zoe")
    session = sessions.of_proxy(rosa)
    assert sessions.of_proxy(rosa) is session
    assert sessions.of_proxy(zoe) is not session
    assert sessions.of_proxy(Caller("proxy", "rosa", may_change=False)) is not session


def test_what_is_to_be_told_is_told_once_and_bounded(sessions: Sessions) -> None:
    _, session = sessions.begin(ROSA)
    for number in range(NOTES_MAX + 5):
        session.tell(f"{number} " + "x" * 2 * NOTE_MAX)
    notes = session.told()
    assert [note.split()[0] for note in notes] == [str(number) for number in range(5, NOTES_MAX + 5)]
    assert {len(note) for note in notes} == {NOTE_MAX}
    assert session.told() == []


@given(st.text())
def test_no_text_is_the_token_of_a_form_by_chance(text: str) -> None:
    _, session = Sessions(VirtualClock()).begin(ROSA)
    assert not session.is_own(text)
    assert session.is_own(session.csrf)


async def test_a_code_lets_in_once_and_for_a_minute(clock: VirtualClock) -> None:
    codes = Codes(clock)
    code, late = codes.new(), codes.new()
    assert not codes.take(code[:-1])
    assert codes.take(f" {code.upper()} ")
    assert not codes.take(code)
    await clock.advance(CODE_LASTS_S + 1)
    assert not codes.take(late)


def test_only_so_many_codes_wait(clock: VirtualClock) -> None:
    codes = Codes(clock)
    made = [codes.new() for _ in range(CODES_MAX + 1)]
    assert len(codes) == CODES_MAX
    assert not codes.take(made[0])
    assert codes.take(made[1])


@pytest.mark.parametrize(
    "path", ["/", "/dead", "/?after=17&x=y", "/record?id=action_network%3Asignature%2F1", "/a/b.c~"]
)
def test_after_the_login_it_goes_on_at_a_path_of_our_own(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *(
            None,
            "",
            "dead",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
        ),
        *(
            "http://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x=y",
            "/\n/evil.example",
        ),
        *("/.//evil.example", "/a//../evil", " /dead", "/dead\x00", "/<script>", '/"', "/é"),
    ],
)
def test_and_nowhere_else(path: str | None) -> None:
    assert local_path(path) == "/"


@given(st.text(alphabet="/\\:.@?#%\t\r\n evil0azAZ[]", max_size=30))
def test_no_path_leads_to_another_site(path: str) -> None:
    found = local_path(path)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert found.isprintable()
    assert " " not in found


async def test_a_page_that_asks_by_itself_does_not_keep_a_login(sessions: Sessions, clock: VirtualClock) -> None:
    session_id, session = sessions.begin(ROSA)
    await clock.advance(IDLE_S)
    assert sessions.of_id(session_id, is_use=False) is session
    await clock.advance(1.0)
    assert sessions.of_id(session_id, is_use=False) is None
    assert sessions.has_ended(session)
