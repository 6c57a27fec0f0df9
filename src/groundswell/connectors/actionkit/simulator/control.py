"""The strings a test pulls: what staff, people and time do to a simulated ActionKit, without a call."""

from random import Random
from typing import Any

from msgspec import convert

from groundswell.connectors.actionkit.simulator.calls import processing, subscribing, users
from groundswell.connectors.actionkit.simulator.calls.answers import Json
from groundswell.connectors.actionkit.simulator.calls.shapes import shown
from groundswell.connectors.actionkit.simulator.faults import FaultRates
from groundswell.connectors.actionkit.simulator.instance import Instance
from groundswell.connectors.actionkit.simulator.life import Life
from groundswell.connectors.actionkit.simulator.state.catalogue import RESOURCES
from groundswell.connectors.actionkit.simulator.state.counts import Counts
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.world import World
from groundswell.errors import NotFoundError


class Control:
    """Does things to the instance that are no calls: none of them is counted."""

    def __init__(self, instance: Instance, random: Random) -> None:
        self._instance = instance
        self._life = Life(instance.world, random)

    @property
    def world(self) -> World:
        return self._instance.world

    @property
    def counts(self) -> Counts:
        return self.world.counts

    def reset_counts(self) -> None:
        self.world.counts = Counts()

    @property
    def users(self) -> int:
        """How many there are."""
        return int(self.world.db.value("SELECT count(*) FROM core_user"))

    @property
    def user_ids(self) -> list[int]:
        return self.world.db.column("SELECT id FROM core_user ORDER BY id")

    def user(self, user_id: int) -> Json:
        """As `GET user/ID` would show them."""
        return shown(self.world, RESOURCES["user"], self._found(user_id))

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """Whatever is in the tables."""
        return self.world.db.rows(sql, *values)

    def add_users(self, count: int) -> list[int]:
        """So many newcomers, who sign up; their ids."""
        return [self._life.newcomer() for _ in range(count)]

    def edit(self, user_id: int, **fields: Any) -> Json:
        """Change a user as PATCH would. Raises RefusedCallError where PATCH would be refused."""
        with self.world.db.changing():
            users.change(self.world, self._found(user_id), fields, is_put=False)
        return self.user(user_id)

    def edit_some(self, count: int) -> None:
        """Edit so many users, whoever they are."""
        for _ in range(count):
            self._life.edit()

    def act(self, page: str, **parameters: Any) -> int:
        """Somebody fills in the form of a page; the id of the action."""
        with self.world.db.changing():
            return processing.take_action(self.world, processing.page_named(self.world, page), parameters)

    def bounce(self, user_id: int) -> None:
        with self.world.db.changing():
            subscribing.unsubscribe(self.world, user_id, change="bounce")

    def unsubscribe(self, user_id: int, *lists: int) -> None:
        """Staff take somebody off these lists; by default off all."""
        with self.world.db.changing():
            subscribing.unsubscribe(self.world, user_id, lists or None, change="unsubscribe_admin")

    def happen(self, count: int = 1) -> None:
        """Let so many things happen: actions, edits, unsubscribes, phones, custom fields, donations, bounces."""
        for _ in range(count):
            self._life.happen()

    def behave(self, **changes: Any) -> None:
        """Turn switches of `Behaviour`. Raises msgspec.ValidationError for what is none."""
        self.world.behave(**changes)

    def fail(self, **rates: float) -> None:
        """Set shares of `FaultRates`; those not named are as they are without any. Raises msgspec.ValidationError."""
        self._instance.faults.rates = convert(rates, FaultRates)

    def unlock(self) -> None:
        """Forget wrong passwords."""
        self._instance.logins.unlock()

    def _found(self, user_id: int) -> Row:
        row = self.world.db.get("core_user", user_id)
        if row is None:
            raise NotFoundError(f"simulator: no user has the id {user_id}")
        return row
