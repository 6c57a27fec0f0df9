"""Background requests: 200 and {} at once, done later in no order, and nobody hears how it went."""

import pytest

from tests.connectors.action_network.simulated import Desk, linked, person_of, uuid_of

ROSA = {"person": person_of(email="rosa@example.org")}


async def test_a_background_request_is_answered_at_once_and_done_later() -> None:
    desk = Desk(background_delay_s=(5.0, 5.0))
    assert desk.post("people", ROSA, background_request="true") == {}
    assert desk.listed("people") == []
    await desk.clock.advance(5)
    assert len(desk.listed("people")) == 1
    assert desk.control.counts.background == {"queued": 1, "done": 1}


async def test_two_of_them_may_be_done_in_the_other_order() -> None:
    desk = Desk(background_delay_s=(0.0, 30.0))
    uuid = uuid_of(desk.post("people", ROSA))
    for number in range(12):
        desk.put(f"people/{uuid}", {"given_name": str(number)}, background_request="true")
    done = []
    for _ in range(300):
        await desk.clock.advance(0.1)
        name = desk.get(f"people/{uuid}").get("given_name")
        if name is not None and name not in done:
            done.append(name)
    assert len(done) > 6
    assert done != sorted(done, key=int)


async def test_what_fails_in_the_background_fails_in_silence() -> None:
    desk = Desk(background_delay_s=(1.0, 1.0), helper_failure="error")
    assert desk.post("people", {"person": {}}, background_request="true") == {}
    assert desk.put("people/nobody", {"given_name": "x"}, background_request="true") == {}
    await desk.clock.advance(1)
    desk.network.settle()
    assert desk.control.counts.background == {"queued": 2, "failed": 2}


async def test_by_switch_some_are_never_done() -> None:
    desk = Desk(background_delay_s=(1.0, 1.0), background_loss=0.5)
    for number in range(100):
        desk.post("people", {"person": person_of(email=f"rosa{number}@example.org")}, background_request="true")
    await desk.clock.advance(1)
    assert len(desk.listed("people")) == 100 - desk.control.counts.background["lost"]
    assert 20 < desk.control.counts.background["lost"] < 80


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "petitions/{petitions}/signatures"),
        ("POST", "events/{events}/attendances"),
        ("POST", "forms/{forms}/submissions"),
        ("POST", "fundraising_pages/{fundraising_pages}/donations"),
        ("POST", "advocacy_campaigns/{advocacy_campaigns}/outreaches"),
        ("POST", "surveys/{surveys}/responses"),
        ("PUT", "petitions/{petitions}/signatures/x"),
        ("PUT", "people/x"),
        ("POST", "people"),
        ("POST", "tags/x/taggings"),
        ("DELETE", "tags/x/taggings/y"),
    ],
)
def test_people_records_and_taggings_can_be_written_in_the_background(method: str, path: str) -> None:
    desk = Desk(background_delay_s=(5.0, 5.0))
    pages = ("petitions", "events", "forms", "fundraising_pages", "advocacy_campaigns", "surveys")
    path = path.format(**{kind: desk.page_of(kind) for kind in pages})
    answer = desk.answer(method, path, linked("x"), background_request="true")
    assert (answer.status, answer.body) == (200, {})
    assert desk.control.counts.background["queued"] == 1


@pytest.mark.parametrize("path", ["petitions", "tags", "unique_id_lists"])
def test_pages_and_tags_are_made_at_once_whatever_is_asked(path: str) -> None:
    assert Desk().post(path, {"title": "x", "name": "x"}, background_request="true")["identifiers"]


def test_background_processing_is_no_parameter_of_theirs() -> None:
    assert Desk().post("people", ROSA, background_processing="true")["identifiers"]


async def test_a_background_request_is_a_call_like_any_other() -> None:
    desk = Desk(calls_per_s=1)
    assert desk.answer("POST", "people", ROSA, background_request="true").status == 200
    assert desk.answer("POST", "people", ROSA, background_request="true").status == 429
