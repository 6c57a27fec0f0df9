"""The users a simulated ActionKit starts with, and all that hangs on them: made from the seed, always the same."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from groundswell.connectors.actionkit.simulator.state.names import COLOURS, FAMILY, GIVEN, PLACES, STREETS, plain
from groundswell.connectors.actionkit.simulator.state.world import World

FIRST: Final = datetime(2016, 1, 1)  # noqa: DTZ001 - theirs are without a zone
_CREATED_S: Final = 320_000_000
"""Users were created in ten years up to February 2026, in the order of their numbers."""
_EDITED: Final = datetime(2023, 1, 1)  # noqa: DTZ001
_EDITED_S: Final = 100_000_000
_IMPORT_EVERY: Final = 10
_OPT_IN: Final = ("true", "Yes", "y", "1", "opt-in", "false", "No", "n", "TBD", "")
_USER: Final = (
    "id", "email", "prefix", "first_name", "last_name", "subscription_status", "address1", "city", "state", "region",
    "postal", "zip", "country", "source", "rand_id", "created_at", "updated_at",
)  # fmt: skip
_PHONE_KINDS: Final = ("mobile", "mobile", "mobile", "home", "work")
_PLAIN: Final = {name: plain(name) for name in (*GIVEN, *FAMILY)}
_LINES: Final = 10_000


class Population:
    """Fills the tables. One pass over the users; what hangs on them is kept back in lists and written at the end."""

    def __init__(self, world: World, users: int, page_ids: list[int], list_id: int, group_ids: list[int]) -> None:
        self._world = world
        self._users = users
        self._random = Random(f"people {world.seed}")
        self._pages = page_ids
        self._list = list_id
        self._groups = group_ids
        self._fields: list[tuple[Any, ...]] = []
        self._phones: list[tuple[Any, ...]] = []
        self._subscriptions: list[tuple[Any, ...]] = []
        self._history: list[tuple[Any, ...]] = []
        self._actions: list[tuple[Any, ...]] = []
        self._members: list[tuple[Any, ...]] = []

    def fill(self) -> None:
        db = self._world.db
        with db.changing():
            db.insert_many("core_user", _USER, self._made())
            stamps = ("created_at", "updated_at")
            db.insert_many("core_userfield", ("parent_id", "name", "value", *stamps), self._fields)
            db.insert_many(
                "core_phone", ("user_id", "type", "phone", "normalized_phone", "source", *stamps), self._phones
            )
            db.insert_many("core_subscription", ("user_id", "list_id", *stamps), self._subscriptions)
            db.insert_many("core_subscriptionhistory", ("user_id", "list_id", "change_id", *stamps), self._history)
            columns = ("user_id", "page_id", "type", "source", "created_user", "subscribed_user", *stamps)
            db.insert_many("core_action", columns, sorted(self._actions, key=lambda row: str(row[6])))
            db.insert_many("core_usergroup_users", ("group_id", "user_id", "created_at"), self._members)

    def _made(self) -> Iterator[tuple[Any, ...]]:
        random, kept = self._random, self._world.kept
        kinds = {row["id"]: row["type"] for row in self._world.db.rows("SELECT id, type FROM core_page")}
        for number in range(1, self._users + 1):
            given, family = random.choice(GIVEN), random.choice(FAMILY)
            place = random.choice(PLACES)
            created, updated = self._moments(number)
            made, edited = kept(created), kept(updated)
            draw = random.random()
            status = "subscribed" if draw < 0.8 else "unsubscribed" if draw < 0.92 else "bounced"
            status = "never" if draw > 0.96 else status
            zip_ = random.choice(place.zips)
            is_us = place.country == "United States"
            self._hang(number, made, edited, status, kinds, place.area)
            yield (
                number,
                f"{_PLAIN[given]}.{_PLAIN[family]}{number}@example.org",
                "",
                given if draw > 0.03 else "",
                family if draw > 0.05 else "",
                status,
                f"{random.randrange(1, 4000)} {random.choice(STREETS)}" if draw > 0.5 else "",
                place.city,
                place.state if is_us else "",
                place.state,
                zip_,
                zip_ if is_us else "",
                place.country,
                "website" if draw > 0.4 else "import",
                random.randrange(10**9),
                made,
                edited,
            )

    def _moments(self, number: int) -> tuple[datetime, datetime]:
        """Both rise with the number; each tenth block came with one import, all in the same second."""
        size = max(self._users, 1)
        block = max(30, size // 40)
        if (number // block) % _IMPORT_EVERY == 3:
            number = number // block * block
        created = FIRST + timedelta(seconds=_CREATED_S * number // size)
        return created, max(created, _EDITED + timedelta(seconds=_EDITED_S * number // size))

    def _hang(self, number: int, made: str, edited: str, status: str, kinds: dict[int, str], area: str) -> None:
        random = self._random
        if random.random() < 0.6:
            digits = self._number(number, area)
            phone = random.choice((digits, f"{digits[:3]}-{digits[3:6]}-{digits[6:]}", f"+1 {digits}"))
            self._phones.append((number, random.choice(_PHONE_KINDS), phone, digits, "user", made, made))
        if random.random() < 0.45:
            self._fields.append((number, "sms_opt_in", random.choice(_OPT_IN), edited, edited))
        if random.random() < 0.3:
            self._fields.append((number, "favorite_color", random.choice(COLOURS), made, made))
        if status == "subscribed":
            self._subscriptions.append((number, self._list, made, made))
        if status != "never":
            self._history.append((number, self._list, 1, made, made))
        if status in ("unsubscribed", "bounced"):
            self._history.append((number, self._list, 4 if status == "unsubscribed" else 7, edited, edited))
        if random.random() < 0.7:
            page = random.choice(self._pages)
            source = "website" if number % 3 else "import"
            self._actions.append((number, page, kinds[page], source, 1, int(status != "never"), made, made))
        if self._groups and random.random() < 0.05:
            self._members.append((random.choice(self._groups), number, made))

    def _number(self, number: int, area: str) -> str:
        """Of the exchange 555, which nobody is given; the first hundred of each area are those for stories."""
        line = (100 + number) % 200 if number < 100 else number % _LINES
        return f"{area or '503'}555{line:04d}"
