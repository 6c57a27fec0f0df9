"""Records that are only under their parents, what cannot be filtered at all, and who did what."""

from typing import Any

import msgspec
import pytest

from groundswell.component import Batch
from groundswell.connectors.action_network.polling.sweep import HAND_OVER_AT
from groundswell.connectors.action_network.simulator.calls.records import Deed, carry_out, record_fields
from groundswell.connectors.action_network.simulator.server import Server, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST
from groundswell.connectors.action_network.simulator.state.catalogue import PAGES, RECORDS
from groundswell.connectors.action_network.simulator.state.thing import Thing
from tests.connectors.action_network.polling import Killed, PollClock, Poller, polling, seen

SIGNATURES = "GET petitions/*/signatures"
ROUND_S = 600


def page_of(server: Server, kind: str, number: int = 0) -> Thing:
    return list(server.world.shelves.all(kind))[number]


def act(server: Server, page: Thing, uuid: str) -> str:
    """Somebody does what is done on this page; the UUID of the record."""
    kind = RECORDS[str(PAGES[page.kind].record)]
    person = server.world.people.now.by_uuid(uuid)
    assert person is not None
    deed = Deed(kind, page, {}, record_fields(kind, page, {}), ())
    happening = carry_out(server.world, deed, server.world.acted(person), {}, ())
    assert happening.record is not None
    return happening.record.uuid


def newcomers(server: Server, count: int = 1) -> list[str]:
    return server.control.add_people(count)


def numbers(poller: Poller, word: str) -> set[str]:
    return {arrival.id.partition("/")[2] for arrival in poller.inbox.of(word)}


async def after(poller: Poller, rounds: int = 1) -> None:
    for _ in range(rounds):
        poller.clock.pass_by(ROUND_S)
        await poller.round()


# ---- under parents ----


@pytest.mark.parametrize(
    ("collection", "word"),
    [
        ("signatures", "signature"),
        ("attendances", "attendance"),
        ("submissions", "submission"),
        ("donations", "donation"),
        ("outreaches", "outreach"),
        ("responses", "response"),
    ],
)
async def test_all_records_of_all_pages_are_taken(collection: str, word: str) -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["people", collection]) as poller,
    ):
        await poller.round()
        pages = list(server.world.shelves.all(RECORDS[collection].page))
        made = {one.uuid for page in pages for one in server.world.shelves.all(page.kind, page.uuid, collection)}
        assert numbers(poller, word) == made
        assert made


async def test_only_parents_whose_total_has_moved_are_asked() -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["people", "signatures"]) as poller,
    ):
        await poller.round()
        await after(poller)
        server.control.reset_counts()
        await after(poller)
        assert server.counts.by_call[SIGNATURES] == 0
        record = act(server, page_of(server, "petitions"), newcomers(server)[0])
        await after(poller)
        assert record in numbers(poller, "signature")
        assert 0 < server.counts.by_call[SIGNATURES] <= 2


async def test_a_signature_of_the_last_minute_is_counted_before_its_window_and_not_forgotten() -> None:
    """The total moves at once, the window ends a minute earlier: the petition must be asked once more."""
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["people", "signatures"]) as poller,
    ):
        await poller.round()
        poller.clock.pass_by(ROUND_S)
        record = act(server, page_of(server, "petitions"), newcomers(server)[0])
        await poller.round()
        assert record not in numbers(poller, "signature")
        await after(poller)
        assert record in numbers(poller, "signature")
        server.control.reset_counts()
        await after(poller)
        assert server.counts.by_call[SIGNATURES] == 0


async def test_parents_without_totals_are_asked_every_time() -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["people", "signatures"]) as poller,
    ):
        await poller.round()
        server.control.reset_counts()
        with without_total(server, "petitions"):
            await after(poller)
        assert server.counts.by_call[SIGNATURES] == server.world.shelves.count("petitions")


class without_total:  # noqa: N801 # reads as what it is
    """Pages of this kind do not say how many records they have."""

    def __init__(self, server: Server, kind: str) -> None:
        self._kind, self._patch = kind, pytest.MonkeyPatch()

    def __enter__(self) -> None:
        self._patch.setitem(PAGES, self._kind, msgspec.structs.replace(PAGES[self._kind], total=None))

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


async def test_a_petition_that_is_new_is_asked() -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["people", "signatures"]) as poller,
    ):
        await poller.round()
        await after(poller)
        old = page_of(server, "petitions")
        new = msgspec.structs.replace(old, uuid=server.world.new_uuid(), created=server.world.now())
        server.world.put(new)
        record = act(server, new, newcomers(server)[0])
        await after(poller)
        assert record in numbers(poller, "signature")


async def test_once_in_a_while_all_parents_are_asked_for_everything_since_they_all_were() -> None:
    """A donation that is changed moves no total; neither does a signature that comes as another one goes."""
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["people", "signatures"], full_every="1h") as poller,
    ):
        await poller.round()
        await after(poller)
        petition = page_of(server, "petitions")
        gone = next(iter(server.world.shelves.all("petitions", petition.uuid, "signatures")))
        record = act(server, petition, newcomers(server)[0])
        server.world.remove(gone)
        await after(poller, 2)
        assert record not in numbers(poller, "signature")
        await after(poller, 4)
        assert record in numbers(poller, "signature")


async def test_after_a_restart_all_parents_are_asked_since_they_all_were() -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["people", "signatures"]) as poller,
    ):
        await poller.round()
        await after(poller, 3)
        taken = poller.inbox.handed_over()
        poller.restart()
        record = act(server, page_of(server, "petitions"), newcomers(server)[0])
        server.control.reset_counts()
        await after(poller)
        assert record in numbers(poller, "signature")
        assert server.counts.by_call[SIGNATURES] == server.world.shelves.count("petitions") + 1
        assert poller.inbox.handed_over() - taken < 10, "nothing old is read again"


async def test_a_round_over_parents_goes_on_at_the_parent_where_it_was_killed() -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["signatures"]) as poller,
    ):
        await add_petitions(server, 40)

        async def kill_in_the_middle(_: Batch) -> None:
            if poller.inbox.cursor is not None and of_cursor(poller, "signatures").get("at", "") > "8":
                raise Killed

        poller.inbox.after = kill_in_the_middle
        with pytest.raises(AssertionError, match="not done"):
            await poller.round()
        assert of_cursor(poller, "signatures").get("to") is None
        poller.inbox.after = poller.inbox.before
        server.control.reset_counts()
        await poller.round()
        assert server.counts.by_call[SIGNATURES] < 43
        assert of_cursor(poller, "signatures")["to"]
        made = {
            one.uuid
            for page in server.world.shelves.all("petitions")
            for one in server.world.shelves.all("petitions", page.uuid, "signatures")
        }
        assert numbers(poller, "signature") == made
        assert len(made) == 3 * 60 + 40


async def add_petitions(server: Server, count: int) -> None:
    """With one signature each."""
    old = page_of(server, "petitions")
    for uuid in server.control.uuids(count):
        new = msgspec.structs.replace(old, uuid=server.world.new_uuid(), created=server.world.now() - 100)
        server.world.put(new)
        act(server, new, uuid)
    server.world.clock.pass_by(ROUND_S)  # type: ignore[attr-defined] # a PollClock


def of_cursor(poller: Poller, name: str) -> dict[str, Any]:
    assert poller.inbox.cursor is not None
    found: dict[str, Any] = msgspec.json.decode(poller.inbox.cursor)["of"].get(name, {})
    return found


async def test_many_signatures_of_one_petition_are_read_in_windows() -> None:
    async with (
        simulator(people=3_000, records=2_500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["people", "signatures"]) as poller,
    ):
        await poller.round()
        assert len(poller.inbox.of("signature")) == 3 * 2_500
        assert max(len(batch.arrivals) for batch in poller.inbox.batches) <= HAND_OVER_AT + 25


async def test_events_that_others_host_in_our_campaign_are_asked_for_who_comes() -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["people", "attendances"]) as ours,
        polling(server, collections=["people", "campaign_events", "attendances"]) as all_of_them,
    ):
        (elsewhere,) = [
            event
            for event in server.world.shelves.all("event_campaigns", campaign(server), "events")
            if event.is_elsewhere
        ]
        there = {one.uuid for one in server.world.shelves.all("events", elsewhere.uuid, "attendances")}
        await ours.round()
        await all_of_them.round()
        assert there
        assert not there & numbers(ours, "attendance")
        assert there <= numbers(all_of_them, "attendance")
        assert numbers(ours, "attendance") < numbers(all_of_them, "attendance")


def campaign(server: Server) -> str:
    return page_of(server, "event_campaigns").uuid


# ---- who did it ----


async def test_nobody_is_asked_for_whom_the_round_has_seen() -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["people", "signatures"]) as poller,
    ):
        await poller.round()
        record = act(server, page_of(server, "petitions"), newcomers(server)[0])
        await after(poller)
        assert server.counts.by_call["GET people/*"] == 0
        (signature,) = [arrival for arrival in poller.inbox.of("signature") if arrival.id.endswith(record)]
        person = server.control.person(newest(server))
        assert person["identifiers"][0].encode() in signature.raw
        assert person["email_addresses"][0]["address"].encode() in signature.raw


def newest(server: Server) -> str:
    person = server.world.people.now.get(server.control.people - 1)
    assert person is not None
    return person.uuid


async def test_without_people_each_person_is_asked_for_once() -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["signatures", "submissions"]) as poller,
    ):
        await poller.round()
        did = {
            one.person
            for kind in ("petitions", "forms")
            for page in server.world.shelves.all(kind)
            for one in server.world.shelves.all(kind, page.uuid, str(PAGES[kind].record))
        }
        assert server.counts.by_call["GET people/*"] == len(did)


async def test_somebody_who_is_gone_leaves_the_action_with_a_number() -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["people", "donations"]) as poller,
    ):
        gift = page_of(server, "donations")
        gone = server.world.people.now.by_uuid(gift.person)
        assert gone is not None
        server.world.people.remove(gone, server.world.behaviour)
        await poller.round()
        (donation,) = [arrival for arrival in poller.inbox.of("donation") if arrival.id.endswith(gift.uuid)]
        assert gift.person.encode() in donation.raw
        assert b"email_addresses" not in donation.raw


# ---- whole passes ----


async def test_what_takes_no_filter_is_read_whole_at_its_own_interval_also_across_a_restart() -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["people", "tags"], full_every="1h") as poller,
    ):
        await poller.round()
        tags = server.world.shelves.count("tags")
        assert len(poller.inbox.of("tag")) == tags
        server.control.add_tag("autumn")
        server.control.reset_counts()
        await after(poller, 2)
        poller.restart()
        await after(poller, 2)
        assert server.counts.by_call["GET tags"] == 0
        await after(poller, 2)
        assert len(poller.inbox.of("tag")) == tags + 1
        assert server.counts.by_call["GET tags"] == 2


async def test_a_pass_over_parents_goes_on_at_the_parent_where_it_was_killed() -> None:
    async with (
        simulator(people=500, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=["taggings", "items"]) as poller,
    ):
        for number in range(40):
            server.control.add_tag(f"tag {number}")

        async def kill_in_the_middle(_: Batch) -> None:
            if poller.inbox.cursor is not None and of_cursor(poller, "taggings").get("at", "") > "8":
                raise Killed

        poller.inbox.after = kill_in_the_middle
        with pytest.raises(AssertionError, match="not done"):
            await poller.round()
        poller.inbox.after = poller.inbox.before
        server.control.reset_counts()
        await poller.round()
        assert server.counts.by_call["GET tags/*/taggings"] < 40
        assert of_cursor(poller, "taggings")["to"]
        taggings = sum(
            server.world.shelves.count("tags", tag.uuid, "taggings") for tag in server.world.shelves.all("tags")
        )
        items = sum(len(server.world.members.get(one.uuid, ())) for one in server.world.shelves.all("lists"))
        taken = {arrival.id.partition("@")[0] for arrival in poller.inbox.arrivals.values()}
        assert taggings > 0
        assert len(taken) >= taggings + 250
        assert items >= 300


async def test_every_collection_there_is_can_be_read() -> None:
    """Each of them on its own finds what the simulator has of it, and none fails."""
    names = [
        "people", "petitions", "signatures", "events", "attendances", "event_campaigns", "campaign_events", "forms",
        "submissions", "fundraising_pages", "donations", "advocacy_campaigns", "outreaches", "surveys", "responses",
        "campaigns", "tags", "taggings", "lists", "items", "queries", "messages", "wrappers", "unique_id_lists",
    ]  # fmt: skip
    async with (
        simulator(people=200, clock=PollClock(), behaviour=FRIENDLIEST) as server,
        polling(server, collections=names) as poller,
    ):
        await poller.round()
        await after(poller, 2)
        assert of_cursor(poller, "wrappers")["to"]
        assert {name for name in names if not of_cursor(poller, name).get("is_first", True)} == set(names)
        assert all(seen(arrival) for arrival in poller.inbox.arrivals.values())
