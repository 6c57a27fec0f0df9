"""What the Ruby gem and the node of n8n rely on, over plain HTTP.

Both are known from their public source: controlshift/action-network-rest 2.0.0 and n8n's ActionNetwork node.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace
from yarl import URL

from groundswell.connectors.action_network.simulator.server import Server, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST, Behaviour
from tests.connectors.action_network.simulated import linked, person_of, uuid_of

# What is documented or was seen, where the friendliest behaviour is kinder than that.
AS_SEEN = replace(FRIENDLIEST, helper_failure="empty", next_keeps_query=False)


class Http:
    """Calls as these clients make them; never follows a redirect."""

    def __init__(self, session: aiohttp.ClientSession, server: Server) -> None:
        self._session = session
        self.server = server

    async def __call__(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> tuple[int, Any]:
        headers = {"OSDI-API-Token": key or self.server.key, "Accept": "application/json"}
        url = URL(self.server.base_url + path, encoded=True)
        async with self._session.request(method, url, json=body, headers=headers, allow_redirects=False) as answer:
            assert answer.content_type.endswith("json"), "else the gem does not parse it"
            return answer.status, await answer.json(content_type=None)


@asynccontextmanager
async def calling(people: int = 60, behaviour: Behaviour = AS_SEEN) -> AsyncIterator[Http]:
    async with simulator(people=people, behaviour=behaviour) as server, aiohttp.ClientSession() as session:
        yield Http(session, server)


# The Ruby gem


async def test_gem_tells_a_good_key_by_the_link_to_the_tags() -> None:
    async with calling() as http:
        status, body = await http("GET", "")
        assert (status, "osdi:tags" in body["_links"]) == (200, True)
        status, body = await http("GET", "", key="wrong")
        assert (status, "osdi:tags" in body["_links"]) == (200, False)
        status, body = await http("GET", "people/?page=1", key="wrong")
        assert (status, body["error"].startswith("API Key invalid or not present")) == (403, True)


async def test_gem_reads_a_collection_until_a_page_is_empty() -> None:
    async with calling() as http:
        found: list[str] = []
        for page in range(1, 10):
            _, body = await http("GET", f"people/?page={page}")
            people = body["_embedded"]["osdi:people"]
            if not people:
                break
            found += [uuid_of(person) for person in people]
        assert page == 4
        assert sorted(found) == sorted(http.server.control.uuids())


async def test_gem_finds_a_person_by_a_filter_in_form_encoding() -> None:
    async with calling(people=0) as http:
        await http("POST", "people/", {"person": person_of(email="jane+123@example.org")})
        _, body = await http("GET", "people/?filter=email_address+eq+%27jane%2B123%40example.org%27")
        assert len(body["_embedded"]["osdi:people"]) == 1


async def test_gem_takes_an_empty_answer_for_a_record_that_was_not_made() -> None:
    async with calling() as http:
        _, petition = await http("POST", "petitions/", {"title": "Fix it", "origin_system": "gem"})
        assert await http("POST", f"petitions/{uuid_of(petition)}/signatures/", linked("nobody")) == (200, {})
        assert await http("POST", f"petitions/{uuid_of(petition)}/signatures/", {"person": {}}) == (200, {})
        person = linked(http.server.control.uuids()[0])
        status, signature = await http("POST", f"petitions/{uuid_of(petition)}/signatures/", person)
        assert (status, bool(uuid_of(signature))) == (200, True)


@pytest.mark.parametrize("kind", ["petitions", "events", "forms", "advocacy_campaigns", "event_campaigns"])
async def test_gem_wants_an_identifier_of_theirs_on_what_it_makes(kind: str) -> None:
    async with calling() as http:
        status, made = await http("POST", f"{kind}/", {"title": "Imported", "origin_system": "gem"})
        assert (status, len(uuid_of(made))) == (200, 36)
        assert (await http("PUT", f"{kind}/{uuid_of(made)}", {"title": "Changed"}))[1]["title"] == "Changed"


async def test_gem_tags_by_link_and_reads_the_notice_when_it_takes_a_tag_off() -> None:
    async with calling() as http:
        _, tag = await http("POST", "tags/", {"name": "Steward"})
        taggings = f"tags/{uuid_of(tag)}/taggings/"
        assert await http("POST", taggings, linked("nobody")) == (400, {"error": "You must specify a valid person id"})
        _, tagging = await http("POST", taggings, linked(http.server.control.uuids()[0]))
        status, body = await http("DELETE", f"{taggings}{uuid_of(tagging)}")
        assert (status, body) == (200, {"notice": "This tagging was successfully deleted."})
        assert (await http("GET", f"{taggings}{uuid_of(tagging)}"))[0] == 404


async def test_gem_unsubscribes_with_a_status_alone() -> None:
    async with calling() as http:
        uuid = http.server.control.uuids()[0]
        _, person = await http("PUT", f"people/{uuid}", {"email_addresses": [{"status": "unsubscribed"}]})
        assert person["email_addresses"][0]["status"] == "unsubscribed"


async def test_gem_survives_429_and_maps_404() -> None:
    async with calling(behaviour=replace(AS_SEEN, calls_per_s=1)) as http:
        assert (await http("GET", "people/nobody"))[0] == 404
        assert await http("GET", "people/nobody") == (429, {"error": "Too many requests"})


# n8n


async def test_n8n_tests_its_key_with_one_event() -> None:
    async with calling() as http:
        assert (await http("GET", "events?per_page=1"))[0] == 200
        assert (await http("GET", "events?per_page=1", key="wrong"))[0] in (401, 403)


@pytest.mark.parametrize(
    "kind", ["people", "petitions", "events", "tags", "forms", "fundraising_pages", "advocacy_campaigns", "lists"]
)
async def test_n8n_reads_all_pages_by_next_and_spreads_the_empty_one_at_the_end(kind: str) -> None:
    async with calling(people=110) as http:
        page: str | None = "1"
        found: list[Any] = []
        pages = 0
        while page is not None:
            _, body = await http("GET", f"{kind}?perPage=25&page={page}")
            found += body["_embedded"][f"osdi:{kind}"]  # `undefined` would throw here
            pages += 1
            href = body["_links"].get("next", {}).get("href")
            page = URL(href).query["page"] if href else None
        assert pages == -(-len(found) // 25) + 1
        assert len({uuid_of(one) for one in found}) == len(found) > 0
        if kind == "people":
            assert len(found) == 110


async def test_n8n_takes_the_primary_email_phone_and_address_of_everybody_without_looking() -> None:
    async with calling(people=200) as http:
        await http("POST", "people", {"person": person_of(phone="15035550144")})
        await http("POST", "people", {"person": person_of(email="rosa@example.org")})
        for page in range(1, 10):
            _, body = await http("GET", f"people?page={page}")
            for person in body["_embedded"]["osdi:people"]:
                for entries in ("email_addresses", "phone_numbers", "postal_addresses"):
                    assert next(one for one in person[entries] if one["primary"]).keys()
                assert person["languages_spoken"]


async def test_n8n_reads_the_creator_of_a_petition() -> None:
    async with calling() as http:
        _, body = await http("GET", "petitions")
        assert all(one["_embedded"]["osdi:creator"]["email_addresses"] for one in body["_embedded"]["osdi:petitions"])


async def test_n8n_makes_attendances_signatures_and_taggings_with_a_link_alone() -> None:
    async with calling() as http:
        person = linked(http.server.control.uuids()[0])
        for kind, records in (("events", "attendances"), ("petitions", "signatures"), ("tags", "taggings")):
            _, made = await http("POST", kind, {"title": "From n8n", "name": "From n8n", "origin_system": "n8n"})
            status, record = await http("POST", f"{kind}/{uuid_of(made)}/{records}", person)
            assert (status, bool(uuid_of(record))) == (200, True)
