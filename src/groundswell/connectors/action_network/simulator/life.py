"""What people and organisers do by themselves in a simulated Action Network, besides what comes over the API."""

from collections.abc import Callable
from random import Random
from typing import Final

from msgspec.structs import replace

from groundswell.connectors.action_network.simulator.calls.answers import Json
from groundswell.connectors.action_network.simulator.calls.matching import sign_up
from groundswell.connectors.action_network.simulator.calls.posted import read_person
from groundswell.connectors.action_network.simulator.calls.records import Deed, carry_out, record_fields
from groundswell.connectors.action_network.simulator.calls.tags import add_tag, remove_tag, tag_as_asked, tagging_of
from groundswell.connectors.action_network.simulator.crowd import Crowd, Supporter
from groundswell.connectors.action_network.simulator.events import OFFICIALS
from groundswell.connectors.action_network.simulator.state.catalogue import PAGES, RECORDS
from groundswell.connectors.action_network.simulator.state.person import UNSUBSCRIBED, Person
from groundswell.connectors.action_network.simulator.state.world import Happening, World

_MIX: Final = {"act": 62, "upload": 6, "edit": 12, "unsubscribe": 6, "tag": 8, "charge": 3, "bounce": 3}
_ACTS: Final = {
    "petitions": 45,
    "forms": 14,
    "events": 12,
    "fundraising_pages": 11,
    "advocacy_campaigns": 8,
    "surveys": 4,
}


class Life:
    """`happen` lets one thing happen, chosen by the random source."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._crowd = Crowd(random)
        self._ways: dict[str, Callable[[], None]] = {
            "act": self.act,
            "upload": self.upload,
            "edit": self.edit,
            "unsubscribe": self.unsubscribe,
            "tag": self.tag,
            "charge": self.charge,
            "bounce": self.bounce,
        }

    def happen(self) -> None:
        self._ways[self._random.choices(tuple(_MIX), tuple(_MIX.values()))[0]]()

    def act(self) -> None:
        """Somebody, known or new, signs, comes, gives, writes or answers, on a page made in the UI."""
        random, world = self._random, self._world
        kind_of_page = random.choices(tuple(_ACTS), tuple(_ACTS.values()))[0]
        pages = [page for page in world.shelves.all(kind_of_page) if not page.is_api_made]
        if not pages:
            return
        page = random.choice(pages)
        typed = self._typed()
        person = sign_up(world, read_person(typed), "record").person
        names = [tag.fields["name"] for tag in world.shelves.all("tags")]
        person, tags = tag_as_asked(
            world, person, {"add_tags": random.sample(names, min(len(names), random.randrange(3)))}
        )
        kind = RECORDS[str(PAGES[page.kind].record)]
        bodies = self._bodies(kind.name)
        deeds = [Deed(kind, page, body, record_fields(kind, page, body), ()) for body in bodies]
        world.happened(*[carry_out(world, deed, person, typed, tags) for deed in deeds])

    def upload(self) -> None:
        """A line of an uploaded list."""
        person = sign_up(self._world, read_person(self._typed()), "signup").person
        self._world.happened(Happening("action_network:upload", person, {}))

    def edit(self) -> None:
        """An organiser corrects somebody's record by hand, or the person does. No webhook."""
        person = self._world.people.someone()
        if person is None:
            return
        changed = self._crowd.someone()
        match self._random.randrange(3):
            case 0:
                person = replace(person, family_name=changed.family_name)
            case 1:
                person = replace(person, custom=person.custom | {"Shirt size": changed.shirt})
            case _:
                person = replace(person, language=changed.language, given_name=changed.given_name)
        self._world.acted(person)

    def unsubscribe(self) -> None:
        """Somebody asks for no more email. No webhook; whether their date moves is not known."""
        self._status(UNSUBSCRIBED)

    def bounce(self) -> None:
        self._status("bouncing")

    def tag(self) -> None:
        """An organiser puts a tag on somebody, or takes it off."""
        person = self._world.people.someone()
        tags = tuple(self._world.shelves.all("tags"))
        if person is None or not tags:
            return
        tag = self._random.choice(tags)
        if tagging_of(self._world, person, tag) is None:
            add_tag(self._world, person, tag)
        else:
            remove_tag(self._world, person, tag)

    def charge(self) -> None:
        """A recurring donation is charged again: the first one's date moves, and there is no webhook (I, D)."""
        world = self._world
        recurring = [
            one for one in world.shelves.all("donations") if one.fields["action_network:recurrence"]["recurring"]
        ]
        if recurring:
            world.put(replace(self._random.choice(recurring), modified=world.now()))

    def _status(self, status: str) -> None:
        person = self._world.people.someone()
        if person is not None and person.email is not None:
            moved = {"modified": self._world.now()} if self._world.behaviour.status_bumps else {}
            self._world.save(replace(person, email_status=status, **moved))

    def _typed(self) -> Json:
        """What somebody types in: often one who is there already, else one of the crowd."""
        known = self._world.people.someone() if self._random.random() < 0.5 else None
        if known is not None:
            return _typed_by(known)
        return _typed_in(self._crowd.someone())

    def _bodies(self, kind: str) -> list[Json]:
        """What is done; a letter is one for each official, and one without anything where it was left half way."""
        random = self._random
        match kind:
            case "signatures":
                return [{"comments": "Fix the crossing before somebody is hurt there."}]
            case "donations":
                amount = random.choice(("5.00", "10.00", "25.00", "100.00"))
                recurrence = {"recurring": random.random() < 0.3, "period": "Monthly"}
                recipients = [{"display_name": "Riverside Action", "amount": amount}]
                return [{"recipients": recipients, "action_network:recurrence": recurrence}]
            case "outreaches" if random.random() < 0.8:
                letter = {"subject": "The crossing", "message": "Please fix it."}
                officials = random.sample(OFFICIALS, random.randrange(1, len(OFFICIALS) + 1))
                return [letter | {"targets": [dict(official)]} for official in officials]
            case _:
                return [{}]


def _typed_by(person: Person) -> Json:
    typed: Json = {"given_name": person.given_name, "family_name": person.family_name}
    if person.email is not None:
        typed["email_addresses"] = [{"address": person.email}]
    else:
        typed["phone_numbers"] = [{"number": person.phone}]
    return typed


def _typed_in(who: Supporter) -> Json:
    typed: Json = {
        "given_name": who.given_name,
        "family_name": who.family_name,
        "postal_addresses": [{"postal_code": who.zip, "country": who.place.country}],
        "languages_spoken": [who.language],
        "custom_fields": {"Shirt size": who.shirt},
    }
    if who.email is not None:
        typed["email_addresses"] = [{"address": who.email}]
    if who.phone is not None:
        status = {"status": "subscribed"} if who.is_texting else {}
        typed["phone_numbers"] = [{"number": who.phone, **status}]
    return typed
