"""Who lives at a simulated ActionKit and a simulated Action Network, what they do there, and how they are to end up.

Everybody has a phone; most are on both sides, some on one only. What is edited is remembered, so that in the end one
can say how every field of everybody is to be, on both sides.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from msgspec import Struct

from groundswell.connectors.action_network.simulator.calls.matching import sign_up
from groundswell.connectors.action_network.simulator.calls.posted import read_person
from groundswell.connectors.action_network.simulator.server import Server as Network
from groundswell.connectors.actionkit.simulator.server import Server as Kit

FIELDS: Final = {
    "first_name": "two_way",
    "last_name": "populate",
    "email": "populate",
    "zip": "populate",
    "custom.favorite_color": "two_way",
}
"""How both syncs are to keep them."""
_EDITED: Final = ("first_name", "favorite_color", "opt_in")
_ZIPS: Final = ("97201", "10001", "60601")
Seen = dict[str, str]


class Neighbour(Struct):
    """One person."""

    phone: str
    email: str
    wanted: Seen
    """How each field is to be in the end, on both sides."""
    user: int | None = None
    uuid: str | None = None

    @property
    def is_on_both(self) -> bool:
        return self.user is not None and self.uuid is not None


class Town:
    """Everybody. `random` decides; the same seed does the same."""

    def __init__(self, kit: Kit, network: Network, people: int, random: Random) -> None:
        self._kit = kit
        self._network = network
        self._random = random
        self._edits = 0
        self._flipped: set[str] = set()
        """Whose opt-in was changed since all came to rest. A yes right after a no may be taken for the older of the
        two, and is meant to be: so nobody here changes their mind before everybody heard of it."""
        self.people = [self._arrived(number) for number in range(people)]
        kit.control.reset_counts()
        network.control.reset_counts()

    def __len__(self) -> int:
        return len(self.people)

    # ---- what they do ----

    def edit(self, neighbour: Neighbour, later: Callable[[], None] | None = None) -> int:
        """A field of somebody changes, on the side where it always does; how many sides have to hear of it.

        Args:
            later: Lets time pass. With it the field is edited on both sides, and the later edit is to win.
        """
        field = self._random.choice(_EDITED[: 2 if neighbour.phone in self._flipped else 3])
        if field == "opt_in":
            self._flipped.add(neighbour.phone)
        value = self._value(neighbour, field)
        sides = [side for side in ("kit", "network") if self._is_there(neighbour, side)]
        is_said_by_both = later is not None and len(sides) == 2 and field == "opt_in"
        if later is not None and len(sides) == 2:
            first, last = self._random.sample(sides, 2)
            self._put(neighbour, first, field, value if field == "opt_in" else f"Older{self._edits}")
            later()
        else:
            last = sides[(int(neighbour.phone[-3:]) + len(field)) % len(sides)]
        self._put(neighbour, last, field, value)
        neighbour.wanted[field] = value
        return int(not is_said_by_both)

    def some(self, count: int) -> list[Neighbour]:
        return self._random.sample(self.people, count)

    def now_on_both(self) -> None:
        """Whoever was made on the other side since lives there, too."""
        emails = {row["email"]: row["id"] for row in self._kit.control.rows("SELECT id, email FROM core_user")}
        for one in self.people:
            found = self._network.world.people.now.by_phone(one.phone.removeprefix("+"))
            one.uuid = one.uuid or (None if found is None else found.uuid)
            one.user = one.user or emails.get(one.email)

    # ---- how they are ----

    def differences(self) -> dict[str, list[Any]]:
        """What is not as it should be, once all came to rest: by phone the side, what is there and what should be."""
        self.now_on_both()
        self._flipped.clear()
        found: dict[str, list[Any]] = {}
        for one in self.people:
            for side, there in (("kit", self._at_kit(one)), ("network", self._at_network(one))):
                if there != one.wanted:
                    wrong = {
                        name: (there.get(name), value) for name, value in one.wanted.items() if there.get(name) != value
                    }
                    found.setdefault(one.phone, []).append((side, wrong))
        return found

    def snapshot(self) -> list[tuple[Seen, Seen]]:
        """Everybody, on both sides."""
        self.now_on_both()
        return [(self._at_kit(one), self._at_network(one)) for one in self.people]

    def actions(self) -> int:
        """How often the import page was written on."""
        rows = self._kit.control.rows(
            "SELECT count(*) AS times FROM core_action a JOIN core_page p ON p.id = a.page_id "
            "WHERE p.name = 'groundswell_import'"
        )
        return int(rows[0]["times"])

    # ---- inside ----

    def _arrived(self, number: int) -> Neighbour:
        random = self._random
        phone = f"+1{('503', '212', '312')[number % 3]}{2_000_000 + number * 7}"
        one = Neighbour(phone, f"neighbour{number}@example.org", {})
        wanted = {
            "first_name": f"First{number}",
            "last_name": f"Last{number}",
            "favorite_color": f"color {number}",
            "zip": random.choice(_ZIPS),
            "opt_in": random.choice(("true", "false")),
        }
        one.wanted = wanted
        where = random.choices(("both", "kit", "network"), (6, 2, 2))[0]
        # Where both have somebody, each lacks something that the other has.
        lacks = random.sample(("first_name", "last_name", "favorite_color", "zip"), 2) if where == "both" else ["", ""]
        if where != "network":
            one.user = self._signed_up(one, {name: value for name, value in wanted.items() if name != lacks[0]})
        if where != "kit":
            one.uuid = self._listed(one, {name: value for name, value in wanted.items() if name != lacks[1]})
        return one

    def _signed_up(self, one: Neighbour, has: Seen) -> int:
        own = {"favorite_color": "user_favorite_color", "opt_in": "user_sms_opt_in"}
        values = {own.get(name, name): value for name, value in has.items()}
        self._kit.control.act("signup", email=one.email, mobile_phone=one.phone, suppress_subscribe="1", **values)
        return int(self._kit.control.rows("SELECT id FROM core_user WHERE email = ?", one.email)[0]["id"])

    def _listed(self, one: Neighbour, has: Seen) -> str:
        names = {"first_name": "given_name", "last_name": "family_name"}
        person: dict[str, Any] = {theirs: has[ours] for ours, theirs in names.items() if ours in has}
        person["email_addresses"] = [{"address": one.email}]
        person["phone_numbers"] = [{"number": one.phone.removeprefix("+"), "status": _STATUS[has["opt_in"]]}]
        if "favorite_color" in has:
            person["custom_fields"] = {"favorite_color": has["favorite_color"]}
        if "zip" in has:
            person["postal_addresses"] = [{"postal_code": has["zip"]}]
        return sign_up(self._network.world, read_person(person), "signup").person.uuid

    def _value(self, one: Neighbour, field: str) -> str:
        self._edits += 1
        if field == "opt_in":
            return "false" if one.wanted["opt_in"] == "true" else "true"
        return f"Edit{self._edits}"

    @staticmethod
    def _is_there(one: Neighbour, side: str) -> bool:
        return (one.user if side == "kit" else one.uuid) is not None

    def _put(self, one: Neighbour, side: str, field: str, value: str) -> None:
        if side == "kit":
            assert one.user is not None
            own = {"favorite_color": "favorite_color", "opt_in": "sms_opt_in"}.get(field)
            self._kit.control.edit(one.user, **({field: value} if own is None else {"fields": {own: value}}))
            return
        assert one.uuid is not None
        match field:
            case "opt_in":
                self._network.control.edit(one.uuid, phone_status=_STATUS[value])
            case "favorite_color":
                self._network.control.edit(one.uuid, custom={"favorite_color": value})
            case _:
                self._network.control.edit(one.uuid, given_name=value)

    def _at_kit(self, one: Neighbour) -> Seen:
        if one.user is None:
            return {}
        user = self._kit.control.user(one.user)
        names = {name: user[name] for name in ("first_name", "last_name", "zip")}
        fields = user["fields"]
        return names | {"favorite_color": fields.get("favorite_color"), "opt_in": fields.get("sms_opt_in")}

    def _at_network(self, one: Neighbour) -> Seen:
        if one.uuid is None:
            return {}
        person = self._network.control.person(one.uuid)
        addresses = person.get("postal_addresses") or [{}]
        return {
            "first_name": person.get("given_name", ""),
            "last_name": person.get("family_name", ""),
            "zip": addresses[0].get("postal_code", ""),
            "favorite_color": person.get("custom_fields", {}).get("favorite_color", ""),
            "opt_in": "true" if person["phone_numbers"][0]["status"] == "subscribed" else "false",
        }


_STATUS: Final = {"true": "subscribed", "false": "unsubscribed"}
