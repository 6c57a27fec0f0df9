"""The client against the simulated Action Network: everything its API can be asked for and given."""

from typing import Any

import pytest

from groundswell.connectors.action_network.client import ActionNetwork, EmptyAnswerError, Place, path_of, record_body
from groundswell.connectors.action_network.collections import COLLECTIONS, EMBEDS, OF_A_PERSON, RECORDS, Collection
from groundswell.connectors.action_network.filters import Condition, equals, modified_within, stamp
from groundswell.connectors.action_network.hal import id_of, person_id_of
from groundswell.connectors.action_network.simulator.server import Server
from groundswell.connectors.action_network.transport import Caller, MissingError
from groundswell.errors import RejectedError, UnauthorizedError
from tests.connectors.action_network.client_line import CALLER, Line, line
from tests.connectors.action_network.simulated import person_of

PEOPLE = COLLECTIONS["people"]
ROSA = person_of(given_name="Rosa", email="rosa@example.org")


async def everything(
    client: ActionNetwork, collection: Collection, under: Place = (), **options: Any
) -> list[dict[str, Any]]:
    return [
        resource
        async for page in client.pages(CALLER, collection, under=under, **options)
        for resource in page.resources
    ]


def parents_in(server: Server, collection: Collection) -> list[Place]:
    """Where a collection is."""
    if collection.parent is None:
        return [()]
    path = COLLECTIONS[collection.parent].path
    return [(path, thing.uuid) for thing in server.world.shelves.all(path)]


def held_in(server: Server, collection: Collection, under: Place) -> set[str]:
    """UUIDs of what the simulator holds there."""
    world = server.world
    if collection.name == "people":
        return set(server.control.uuids())
    return {thing.uuid for thing in world.shelves.all(*under, collection.path)}


# ---- collections ----


@pytest.mark.parametrize("name", [name for name in COLLECTIONS if name != "items"])
async def test_every_collection_is_read_to_its_end(name: str) -> None:
    collection = COLLECTIONS[name]
    found = 0
    async with line(people=60) as to:
        for under in parents_in(to.server, collection):
            held = held_in(to.server, collection, under)
            resources = await everything(to.client, collection, under)
            ids = [id_of(resource) for resource in resources]
            assert set(ids) == held
            assert len(ids) == len(held)
            found += len(ids)
    assert found > 0


async def test_the_items_of_lists_are_the_people_on_them() -> None:
    async with line(people=60) as to:
        for under in parents_in(to.server, COLLECTIONS["items"]):
            items = await everything(to.client, COLLECTIONS["items"], under)
            assert len(items) == len(to.server.world.members[under[1]])


@pytest.mark.parametrize("name", sorted(OF_A_PERSON))
async def test_what_a_person_did_is_under_the_person_too(name: str) -> None:
    collection = COLLECTIONS[name]
    found = 0
    async with line(people=10) as to:
        for uuid in to.server.control.uuids():
            for resource in await everything(to.client, collection, ("people", uuid)):
                assert person_id_of(resource) == uuid
                found += 1
    assert found > 0


@pytest.mark.parametrize(
    "switches",
    [
        {"next_on_last_page": True, "next_keeps_query": False},
        {"next_on_last_page": False},
        {"next_is_stuck": True},
        {"totals": False},
    ],
    ids=str,
)
async def test_paging_trusts_neither_next_nor_totals(switches: dict[str, Any]) -> None:
    async with line(people=51, **switches) as to:
        people = await everything(to.client, PEOPLE)
        assert {id_of(person) for person in people} == set(to.server.control.uuids())
        calls = to.server.counts.by_call["GET people"]
    assert (len(people), calls) == (51, 4)  # 25, 25, 1, and an empty one


async def test_a_page_is_asked_for_by_number_and_says_how_many_there_are_where_they_do() -> None:
    async with line(people=30) as to:
        second = await to.client.page(CALLER, PEOPLE, 2, per_page=20)
        beyond = await to.client.page(CALLER, PEOPLE, 9)
        under = parents_in(to.server, COLLECTIONS["signatures"])[0]
        signatures = await to.client.page(CALLER, COLLECTIONS["signatures"], under=under)
    assert (second.number, len(second.resources), second.records, second.pages) == (2, 10, None, None)
    assert list(beyond.resources) == []
    assert (signatures.records, signatures.pages) == (30, 2)


async def test_reading_may_begin_at_a_later_page() -> None:
    async with line(people=60) as to:
        assert len(await everything(to.client, PEOPLE, first=3)) == 10


@pytest.mark.parametrize(
    ("name", "under"),
    [
        ("signatures", ()),
        ("signatures", ("events", "a")),
        ("people", ("petitions", "a")),
        ("petitions", ("people", "a")),
        ("items", ("people", "a")),
        ("page_donations", ("people", "a")),
        ("signatures", ("petitions",)),
    ],
)
def test_a_collection_that_is_not_there_is_not_asked_for(name: str, under: Place) -> None:
    with pytest.raises(RejectedError, match="are not under"):
        path_of(COLLECTIONS[name], under)


@pytest.mark.parametrize("number", ["", ".", "..", "a/b", "a%2Fb", "a?b", "a#b", "a b", "ä", "a\n", "x" * 101])
async def test_a_number_that_would_lead_elsewhere_is_refused(number: str) -> None:
    async with line() as to:
        for calling in (
            to.client.get(CALLER, ("people", number)),
            to.client.put(CALLER, ("people", number), {}),
            to.client.tag(CALLER, number, "a"),
            to.client.tag(CALLER, "a", number),
            to.client.untag(CALLER, "a", number),
            to.client.send_message(CALLER, number),
            to.client.page(CALLER, COLLECTIONS["signatures"], under=("petitions", number)),
        ):
            with pytest.raises(RejectedError, match="is none of theirs"):
                await calling
        with pytest.raises(RejectedError, match="is none of theirs"):
            to.client.address("people", number)
        assert to.server.counts.calls == 0


# ---- filters ----


@pytest.mark.parametrize("email", ["rosa+1@example.org", "a&b=c@example.org", "a%2B#c@example.org"])
async def test_what_has_a_meaning_in_addresses_is_encoded_in_filters(email: str) -> None:
    async with line() as to:
        await to.client.sign_up(CALLER, person_of(email=email))
        await to.client.sign_up(CALLER, person_of(email="rosa@example.org"))
        found = await everything(to.client, PEOPLE, where=(equals("email_address", email),))
    assert [person["email_addresses"][0]["address"] for person in found] == [email]


async def test_a_filter_may_hold_spaces_and_several_conditions() -> None:
    async with line(takes_new_custom_fields=True) as to:
        names = (("Ana María", "Okafor"), ("Ana", "Okafor"), ("Ana María", "de la Cruz"))
        for number, (given, family) in enumerate(names):
            email = f"p{number}@example.org"
            await to.client.sign_up(CALLER, person_of(given_name=given, family_name=family, email=email))
        where = (equals("given_name", "Ana María"), equals("family_name", "de la Cruz"))
        (found,) = await everything(to.client, PEOPLE, where=where)
    assert found["email_addresses"][0]["address"] == "p2@example.org"


async def test_modified_within_takes_its_first_second_and_leaves_out_its_last() -> None:
    async with line() as to:
        made = {}
        for offset in range(4):
            person = await to.client.sign_up(CALLER, person_of(email=f"p{offset}@example.org"))
            made[person["modified_date"]] = id_of(person)
            await to.clock.advance(1)
        seconds = int(to.clock.now()) - 4
        assert list(made) == [stamp(seconds + offset) for offset in range(4)]
        within = await everything(to.client, PEOPLE, where=modified_within(seconds + 1, seconds + 3))
        since = await everything(to.client, PEOPLE, where=modified_within(seconds + 3, None))
        before = await everything(to.client, PEOPLE, where=modified_within(None, seconds + 1))
    ids = list(made.values())
    assert {id_of(person) for person in within} == set(ids[1:3])
    assert [id_of(person) for person in since] == ids[3:]
    assert [id_of(person) for person in before] == ids[:1]


@pytest.mark.parametrize(
    ("collection", "condition", "words"),
    [
        ("people", equals("family_name", "O'Hara"), "cannot hold this value"),
        ("people", equals("family_name", "a\\b"), "cannot hold this value"),
        ("people", equals("family_name", "a\nb"), "cannot hold this value"),
        ("people", equals("family_name", ""), "cannot hold this value"),
        ("people", equals("title", "x"), "people cannot be filtered by title"),
        ("tags", equals("name", "x"), r"tags cannot be filtered by name \(it can by nothing\)"),
        ("people", Condition("family_name", "gt", "a"), "family_name can only be filtered by what it equals"),
    ],
)
async def test_a_filter_that_could_be_misread_is_refused_before_it_is_sent(
    collection: str, condition: Condition, words: str
) -> None:
    async with line() as to:
        with pytest.raises(RejectedError, match=words) as caught:
            await to.client.page(CALLER, COLLECTIONS[collection], where=(condition,))
        assert to.server.counts.calls == 0
    assert "Hara" not in str(caught.value)


# ---- the key ----


async def test_a_good_key_is_told_from_a_bad_one() -> None:
    async with line() as to:
        assert await to.client.check(CALLER) == "the key is good"
    async with line(key="not-the-key") as to:
        assert "osdi:tags" not in (await to.client.entry_point(CALLER))["_links"]
        with pytest.raises(UnauthorizedError) as caught:
            await to.client.check(CALLER)
    assert "not-the-key" not in str(caught.value)


async def test_the_entry_point_links_to_the_collections() -> None:
    async with line() as to:
        links = (await to.client.entry_point(CALLER))["_links"]
        assert links["osdi:people"]["href"] == to.client.address("people")


# ---- people and tags ----


async def test_a_person_is_signed_up_read_and_changed() -> None:
    async with line() as to:
        made = await to.client.sign_up(CALLER, ROSA, add_tags=["volunteer", "no such tag"])
        uuid = id_of(made)
        assert uuid is not None
        await to.client.put(CALLER, ("people", uuid), {"family_name": "Okafor"})
        person = await to.client.get(CALLER, ("people", uuid))
        tagged = await everything(to.client, COLLECTIONS["taggings"], ("people", uuid))
        await to.client.sign_up(CALLER, ROSA, remove_tags=["volunteer"])
        untagged = await everything(to.client, COLLECTIONS["taggings"], ("people", uuid))
    assert (person["given_name"], person["family_name"]) == ("Rosa", "Okafor")
    assert (len(tagged), len(untagged)) == (1, 0)


async def test_tags_are_made_put_on_and_taken_off() -> None:
    async with line() as to:
        person = id_of(await to.client.sign_up(CALLER, ROSA))
        tag = id_of(await to.client.make_tag(CALLER, "Steward, Local 12"))
        again = id_of(await to.client.make_tag(CALLER, "Steward, Local 12"))
        assert person is not None
        assert tag is not None
        tagging = id_of(await to.client.tag(CALLER, tag, person))
        assert tagging is not None
        assert id_of(await to.client.tag(CALLER, tag, person)) == tagging
        await to.client.untag(CALLER, tag, tagging)
        left = await everything(to.client, COLLECTIONS["taggings"], ("tags", tag))
        with pytest.raises(MissingError):
            await to.client.untag(CALLER, tag, tagging)
    assert again == tag
    assert left == []


async def test_a_background_request_is_done_later_and_says_nothing() -> None:
    async with line(background_delay_s=(5.0, 5.0)) as to:
        assert await to.client.sign_up(CALLER, ROSA, background=True) == {}
        assert to.server.control.people == 0
        await to.clock.advance(6)
        (person,) = await everything(to.client, PEOPLE)
        assert person["given_name"] == "Rosa"
        assert to.server.counts.background


# ---- records ----


def page_for(to: Line, collection: Collection) -> Place:
    """A page that takes such records: one made over the API, as donations and outreaches need one."""
    parent = COLLECTIONS[str(collection.parent)].path
    return (parent, next(page.uuid for page in to.server.world.shelves.all(parent) if page.is_api_made))


FIELDS: dict[str, dict[str, Any]] = {
    "page_donations": {"recipients": [{"display_name": "Fund", "amount": "5.00"}], "currency": "USD"},
    "outreaches": {"targets": [{"given_name": "A", "family_name": "B"}]},
}


@pytest.mark.parametrize("name", sorted(RECORDS))
async def test_a_record_is_made_with_its_person_or_for_one_who_is_there(name: str) -> None:
    collection, fields = COLLECTIONS[name], FIELDS.get(name, {})
    async with line() as to:
        under = page_for(to, collection)
        helped = await to.client.record(CALLER, collection, under, record_body(person=ROSA, fields=fields))
        uuid = person_id_of(helped)
        assert uuid is not None
        other = id_of(await to.client.sign_up(CALLER, person_of(email="ana@example.org")))
        assert other is not None
        address = to.client.address("people", other)
        plain = await to.client.record(
            CALLER,
            collection,
            under,
            record_body(person_address=address, fields=fields, identifiers=["ours:1842"], autoresponse=False),
        )
        there = await everything(to.client, collection, under)
    assert person_id_of(plain) == other
    assert "ours:1842" in plain["identifiers"]
    assert {id_of(record) for record in there} == {id_of(helped), id_of(plain)}


async def test_an_empty_answer_to_a_record_means_that_nothing_was_recorded() -> None:
    signatures = COLLECTIONS["signatures"]
    nobody = record_body(person_address="https://example.org/api/v2/people/nobody")
    async with line(helper_failure="empty") as to:
        with pytest.raises(EmptyAnswerError, match="nothing was recorded") as caught:
            await to.client.record(CALLER, signatures, page_for(to, signatures), nobody)
    assert caught.value.reason == "empty_answer"
    async with line(helper_failure="error") as to:
        with pytest.raises(RejectedError, match="answered 400"):
            await to.client.record(CALLER, signatures, page_for(to, signatures), nobody)


async def test_an_empty_answer_to_a_blind_or_background_record_means_nothing() -> None:
    signatures = COLLECTIONS["signatures"]
    async with line() as to:
        under, body = page_for(to, signatures), record_body(person=ROSA)
        assert await to.client.record(CALLER, signatures, under, body, is_blind=True) == {}
        assert len(await everything(to.client, signatures, under)) == 1
        ana = record_body(person=person_of(email="ana@example.org"))
        assert await to.client.record(CALLER, signatures, under, ana, background=True) == {}
        assert len(await everything(to.client, signatures, under)) == 2


async def test_a_blind_call_goes_without_the_key() -> None:
    async with line(key="not-the-key") as to:
        signatures = COLLECTIONS["signatures"]
        assert (
            await to.client.record(
                CALLER, signatures, page_for(to, signatures), record_body(person=ROSA), is_blind=True
            )
            == {}
        )
        assert to.server.control.people == 1


async def test_what_is_not_recorded_on_pages_is_refused() -> None:
    async with line() as to:
        with pytest.raises(RejectedError, match="tags are not recorded on pages"):
            await to.client.record(CALLER, COLLECTIONS["tags"], (), record_body(person=ROSA))
        assert to.server.counts.calls == 0


def test_the_body_of_a_record_has_what_was_given_and_nothing_else() -> None:
    assert record_body() == {}
    assert record_body(
        person=ROSA,
        fields={"comments": "Fix it"},
        identifiers=("ours:1",),
        add_tags=["a"],
        remove_tags=["b"],
        autoresponse=True,
        referrer={"source": "may-email"},
    ) == {
        "comments": "Fix it",
        "identifiers": ["ours:1"],
        "person": ROSA,
        "add_tags": ["a"],
        "remove_tags": ["b"],
        "triggers": {"autoresponse": {"enabled": True}},
        "action_network:referrer_data": {"source": "may-email"},
    }


# ---- messages, embeds, custom fields ----


async def test_a_message_is_made_scheduled_sent_and_stopped() -> None:
    async with line(people=60) as to:
        queries = [str(id_of(query)) for query in await everything(to.client, COLLECTIONS["queries"])]
        query = next(uuid for uuid in queries if to.server.world.members[uuid])
        draft = {
            "subject": "Saturday",
            "body": "<p>Come.</p>",
            "from": "Us",
            "reply_to": "us@example.org",
            "targets": [{"href": to.client.address("queries", query)}],
        }
        uuid = id_of(await to.client.post(CALLER, ("messages",), draft))
        assert uuid is not None

        async def status() -> str:
            return str((await to.client.get(CALLER, ("messages", uuid)))["status"])

        seen = [await status()]
        await to.client.schedule_message(CALLER, uuid, stamp(int(to.clock.now()) + 3_600))
        seen.append(await status())
        await to.client.unschedule_message(CALLER, uuid)
        seen.append(await status())
        await to.client.send_message(CALLER, uuid)
        seen.append(await status())
        statistics = (await to.client.get(CALLER, ("messages", uuid)))["statistics"]
        await to.client.stop_message(CALLER, uuid)
        seen.append(await status())
        with pytest.raises(RejectedError, match="answered 400"):
            await to.client.send_message(CALLER, uuid)
    assert seen == ["draft", "scheduled", "draft", "sent", "stopped"]
    assert statistics["sent"] > 0


@pytest.mark.parametrize("name", sorted(EMBEDS))
async def test_actions_have_snippets_to_put_on_a_page(name: str) -> None:
    async with line() as to:
        (page, *_) = await everything(to.client, COLLECTIONS[name])
        snippets = await to.client.embeds(CALLER, COLLECTIONS[name], str(id_of(page)))
    assert len(snippets) == 6
    assert "embed_standard_default_styles" in snippets


async def test_what_is_no_action_has_no_snippets() -> None:
    async with line() as to:
        with pytest.raises(RejectedError, match="tags have no embed codes"):
            await to.client.embeds(CALLER, COLLECTIONS["tags"], "a")


async def test_custom_fields_are_one_list() -> None:
    async with line() as to:
        to.server.control.add_custom_field("Union local?")
        fields = await to.client.custom_fields(CALLER)
    assert "Union local?" in [field["name"] for field in fields]


async def test_messages_name_the_component_that_called() -> None:
    async with line() as to:
        with pytest.raises(MissingError, match=r"^crm: reading people: 127\.0\.0\.1:\d+ answered 404"):
            await to.client.get(Caller("crm"), ("people", "nobody"))
