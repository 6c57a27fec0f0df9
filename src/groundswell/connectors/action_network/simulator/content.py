"""What a simulated Action Network holds before anybody calls it: pages and what was done on them, tags, lists, emails.

Its dates are fixed and its ids come from the seed, so that the same seed is the same Action Network whenever started.
"""

from random import Random
from typing import Any, Final

from groundswell.connectors.action_network.simulator.calls.messages import statistics
from groundswell.connectors.action_network.simulator.calls.records import REFERRER, record_fields
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST
from groundswell.connectors.action_network.simulator.state.catalogue import ACTIONS, PAGES, RECORDS, RecordKind
from groundswell.connectors.action_network.simulator.state.person import stamp
from groundswell.connectors.action_network.simulator.state.population import MODIFIED
from groundswell.connectors.action_network.simulator.state.thing import Json, Thing
from groundswell.connectors.action_network.simulator.state.world import World

TAGS: Final = ("volunteer", "member", "housing", "transit", "spring 2026", "Steward, Local 9")
CUSTOM_FIELDS: Final = ("Shirt size", "is_member", "How did you hear about us?", "age")
_DAY_S: Final = 86_400
_LAST: Final = MODIFIED[1]
_TITLES: Final = {
    "petitions": ("Fix the crossing on Alder St", "Keep the 14 bus", "Imported petition"),
    "events": ("Canvass on Saturday", "Tenants' meeting", "Imported event"),
    "forms": ("Volunteer with us", "Tell us your story", "Imported form"),
    "fundraising_pages": ("Spring drive", "Bail fund", "Imported donations"),
    "advocacy_campaigns": ("Write to your senators", "Call the council", "Imported letters"),
    "surveys": ("What should we do next?", "After the march", "Imported survey"),
}
"""Of each kind two pages made in the UI and one made over the API, which alone takes donations and outreaches."""


def fill(world: World, records: int) -> None:
    """Put everything there. `records`: how many are on each page, as far as there are people."""
    filler = _Filler(world, Random(f"content {world.seed}"), min(records, world.population.size))
    filler.tags()
    filler.pages()
    filler.event_campaign()
    filler.lists_and_messages()


class _Filler:
    def __init__(self, world: World, random: Random, records: int) -> None:
        self._world = world
        self._random = random
        self._records = records
        self._made = 0

    def tags(self) -> None:
        for name in CUSTOM_FIELDS:
            self._world.custom_fields[name] = MODIFIED[0]
        for number, name in enumerate(TAGS):
            tag = self._put("tags", {"name": name})
            for index in range(self._records // 2 if number < 2 else 0):
                self._put("taggings", {"item_type": "osdi:person"}, parent=tag.uuid, person=self._person(index))

    def pages(self) -> None:
        for kind in ACTIONS:
            for number, title in enumerate(_TITLES[kind]):
                self._page(kind, title, number)

    def event_campaign(self) -> None:
        """With an event of ours and one of another group, which shows nowhere but here."""
        campaign = self._put(
            "event_campaigns", {**_titles("Door to door"), "host_pitch": "Host one", "host_url": _url("door-to-door")}
        )
        self._page("events", "Door to door, downtown", 0, parent=campaign.uuid)
        self._page("events", "Door to door, in the next county", 0, parent=campaign.uuid, is_elsewhere=True)
        actions = [{"title": _TITLES["petitions"][0], "browser_url": _url("crossing")}]
        self._put("campaigns", {**_titles("Safe streets"), "browser_url": _url("safe-streets"), "actions": actions})

    def lists_and_messages(self) -> None:
        world, size = self._world, self._world.population.size
        wrappers = [
            self._put(
                "wrappers",
                {"name": name, "header": "", "footer": "", "wrapper_type": "email", "default": number == 0}
                | {"action_network:suffix": "via Riverside Action"},
            )
            for number, name in enumerate(("Plain", "With the logo"))
        ]
        for name, members in (("Everybody in Oregon", range(0, size, 20)), ("Nobody yet", range(0))):
            query = self._put("queries", {"name": name, "browser_url": _url("query")})
            world.members[query.uuid] = members
        for name, kind, members in (
            ("Active volunteers", "Report", range(0, size, 10)),
            ("Empty report", "Report", range(0)),
            ("April news", "Email", range(0, size, 2)),
        ):
            found = self._put(
                "lists", {"name": name, "title": name, "description": kind, "browser_url": _url("report")}
            )
            world.members[found.uuid] = members
        email: Json = {
            "subject": "April news",
            "body": "<p>What we did, and what comes next.</p>",
            "from": "Riverside Action",
            "reply_to": "organiser@example.org",
            "name": "April news",
            "type": "email",
        }
        sent = {"status": "sent", "sent_start_date": stamp(_LAST - 20 * _DAY_S), "total_targeted": size // 2}
        sent |= {"targets": [], "statistics": statistics(size // 2, size // 6, size // 40)}
        self._put("messages", email | sent, parent=wrappers[0].uuid, related=found.uuid)
        draft = {"name": "May news", "subject": "May news", "status": "draft", "targets": [], "total_targeted": 0}
        self._put("messages", email | draft)
        targets = self._put("unique_id_lists", {"name": "Door knockers", "count": min(size, 5)})
        world.members[targets.uuid] = range(min(size, 5))

    def _page(self, kind: str, title: str, number: int, **more: Any) -> None:
        is_api_made = number == 2
        page = self._put(kind, _page_fields(kind, title, number), is_api_made=is_api_made, **more)
        for index in range(self._records):
            self._record(RECORDS[str(PAGES[kind].record)], page, index)
        if kind == "fundraising_pages" and is_api_made and self._records:
            # A donation whose person is nowhere to be found (seen live).
            self._record(RECORDS["donations"], page, 0, person=self._uuid())

    def _record(self, kind: RecordKind, page: Thing, index: int, person: str | None = None) -> None:
        """Somebody did something on the page; `index` says who, unless `person` does."""
        uuid = self._uuid()
        fields = record_fields(kind, page, _body(kind, index))
        if kind.name == "donations":
            payment = {"method": "Credit Card", "reference_number": uuid, "authorization_stored": index % 3 == 0}
            fields |= {"payment": payment}
        who = person or self._person(index)
        self._put(kind.name, fields, parent=page.uuid, person=who, is_api_made=page.is_api_made)

    def _put(self, kind: str, fields: Json, **more: Any) -> Thing:
        """In the order in which it was made, an hour and a bit apart, the last of it before the end of April 2026."""
        self._made += 1
        made = _LAST - 300 * _DAY_S + self._made * 4_000
        thing = Thing(kind, self._uuid(), min(made, _LAST), min(made, _LAST), fields, **more)
        self._world.shelves.put(thing, FRIENDLIEST)
        return thing

    def _person(self, index: int) -> str:
        """Spread over all people, the same ones on every page."""
        return self._world.population.uuid_of(index * self._world.population.size // self._records)

    def _uuid(self) -> str:
        bits = f"{self._random.getrandbits(128):032x}"
        return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"


def _page_fields(kind: str, title: str, number: int) -> Json:
    fields = _titles(title)
    if number < 2:
        fields |= {"browser_url": _url(title.lower().replace(" ", "-")), "featured_image_url": _url("banner.png")}
    match kind:
        case "petitions":
            return fields | {"petition_text": "We ask you to act.", "target": [{"name": "The mayor"}]}
        case "events":
            return fields | _event_fields(number)
        case "forms" | "surveys":
            return fields | {"call_to_action": "Send"}
        case "fundraising_pages":
            return fields | {"currency": "USD"}
        case _:
            return fields | {"type": "phone" if number == 1 else "email", "targets": "U.S. Senate"}


def _event_fields(number: int) -> Json:
    """The times are what the clock in Portland shows; their Z is not true (seen live)."""
    return {
        "instructions": "Bring water",
        "status": "cancelled" if number == 1 else "confirmed",
        "start_date": "2026-06-06T10:00:00Z",
        "end_date": "2026-06-06T13:00:00Z",
        "transparence": "opaque",
        "visibility": "public",
        "guests_can_invite_others": True,
        "reminders": [{"method": "email", "minutes": 1440}],
        "location": {
            "venue": "Library",
            "address_lines": ["801 Alder St"],
            "locality": "Portland",
            "region": "OR",
            "postal_code": "97201",
            "country": "US",
            "language": "en",
            "location": {"latitude": 45.52, "longitude": -122.68, "accuracy": "Rooftop"},
        },
    } | ({"capacity": 40} if number == 0 else {})


def _body(kind: RecordKind, index: int) -> Json:
    """As if it had been posted."""
    body: Json = {"action_network:referrer_data": {"source": ("may-email", "homepage")[index % 2]}} if index % 3 else {}
    match kind.name:
        case "signatures" if index % 2:
            return body | {"comments": "Fix it before somebody is hurt there."}
        case "donations":
            amounts = ("20.00", "5.00") if index % 4 == 0 else ("25.00",)
            names = ("Riverside Action", "Bail Fund")
            recipients = [
                {"display_name": name, "amount": amount} for name, amount in zip(names, amounts, strict=False)
            ]
            recurrence = {"recurring": index % 3 == 0, "period": "Monthly"}
            return body | {"recipients": recipients, "action_network:recurrence": recurrence}
        case "outreaches":
            target = {"title": "Senator", "given_name": "Ada", "family_name": "Quill"}
            return body | {"subject": "The crossing", "message": "Please fix it.", "targets": [target]}
        case _:
            return body


def _titles(title: str) -> Json:
    return {"origin_system": "Action Network", "name": title, "title": title, "description": f"<p>{title}.</p>"}


def _url(slug: str) -> str:
    return f"https://actionnetwork.org/{REFERRER}/{slug}"
