"""What people and staff do by themselves in a simulated ActionKit, besides what comes over the API."""

from collections.abc import Callable
from random import Random
from typing import Final

from groundswell.connectors.actionkit.simulator.calls import phones, processing, subscribing, users
from groundswell.connectors.actionkit.simulator.calls.answers import RefusedCallError
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.names import COLOURS, FAMILY, GIVEN, PLACES, plain
from groundswell.connectors.actionkit.simulator.state.world import World

_MIX: Final = {
    "act": 50, "sign_up": 10, "edit": 14, "set_field": 8, "set_phone": 6, "unsubscribe": 6, "bounce": 2, "give": 4,
}  # fmt: skip
_ACTS: Final = ("signup", "newsletter", "save_the_crossing", "what_matters", "write_the_mayor", "call_the_council")
_CODE: Final = "4111111111111111"


class Life:
    """`happen` lets one thing happen, chosen by the random source."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._made = 0
        self._ways: dict[str, Callable[[], object]] = {
            "act": self.act,
            "sign_up": self.newcomer,
            "edit": self.edit,
            "set_field": self.set_field,
            "set_phone": self.set_phone,
            "unsubscribe": self.unsubscribe,
            "bounce": self.bounce,
            "give": self.give,
        }

    def happen(self) -> None:
        self._ways[self._random.choices(tuple(_MIX), tuple(_MIX.values()))[0]]()

    def newcomer(self) -> int:
        """Somebody new signs up; their id."""
        random = self._random
        self._made += 1
        given, family, place = random.choice(GIVEN), random.choice(FAMILY), random.choice(PLACES)
        number = 1_000_000 + self._world.db.value("SELECT coalesce(max(id), 0) FROM core_user")
        body = {
            "email": f"{plain(given)}.{plain(family)}{number + self._made}@example.org",
            "first_name": given,
            "last_name": family,
            "country": place.country,
            "postal": random.choice(place.zips),
            "mobile_phone": f"{place.area or '503'}555{random.randrange(100, 200):04d}",
            "user_sms_opt_in": random.choice(("true", "false")),
        }
        action_id = self._take(random.choice(_ACTS), body)
        return int(self._world.db.value("SELECT user_id FROM core_action WHERE id = ?", action_id))

    def act(self) -> None:
        """Somebody who is known acts on a page, and with that is subscribed again."""
        user = self._someone()
        if user is not None:
            fields = {"action_comment": "Fix it before somebody is hurt there."} if self._random.random() < 0.5 else {}
            self._take(self._random.choice(_ACTS), {"email": user["email"], "source": "website", **fields})

    def edit(self) -> None:
        """Somebody's record is corrected by hand."""
        user = self._someone()
        if user is None:
            return
        field, values = self._random.choice((("last_name", FAMILY), ("first_name", GIVEN)))
        with self._world.db.changing():
            users.change(self._world, user, {field: self._random.choice(values)}, is_put=False)

    def set_field(self) -> None:
        """A custom field changes; whether the user's date moves is a switch."""
        user = self._someone()
        if user is not None:
            fields = {"favorite_color": self._random.choice(COLOURS)}
            with self._world.db.changing():
                users.write_fields(self._world, user["id"], fields, is_merging=True)

    def set_phone(self) -> None:
        user = self._someone()
        if user is not None:
            with self._world.db.changing():
                phones.take(self._world, user["id"], "mobile", f"503555{self._random.randrange(100, 200):04d}")

    def unsubscribe(self) -> None:
        """On the unsubscribe page, which is an action, too."""
        user = self._someone()
        if user is not None:
            self._take("unsubscribe", {"email": user["email"]})

    def bounce(self) -> None:
        user = self._someone()
        if user is not None:
            with self._world.db.changing():
                subscribing.unsubscribe(self._world, user["id"], change="bounce")

    def give(self) -> None:
        user = self._someone()
        if user is not None:
            amount = f"{self._random.randrange(3, 200)}.00"
            card = {"card_num": _CODE, "card_code": self._world.behaviour.card_code, "amount_other": amount}
            self._take("donate", {"email": user["email"], "name": "Ada Quill", **card})

    def _someone(self) -> Row | None:
        highest = self._world.db.value("SELECT max(id) FROM core_user") or 0
        number = self._random.randrange(1, highest + 1) if highest else 0
        return self._world.db.row("SELECT * FROM core_user WHERE id >= ? ORDER BY id LIMIT 1", number)

    def _take(self, page: str, body: Row) -> int:
        """The id of the action; 0 when the page refuses it, as a real one may."""
        try:
            with self._world.db.changing():
                return processing.take_action(self._world, processing.page_named(self._world, page), body)
        except RefusedCallError:
            return 0
