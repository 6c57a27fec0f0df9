"""The order in which people are listed: none, but steady.

As in a table read without an order, each has a place that has nothing to do with their dates. Whoever changes moves to
another place, whoever comes gets one, and those behind move up or down by one. So pages shift under a reader, by as
much as people changed, and no more.

People as made have their places by arithmetic; only those touched since are kept. A page costs the same wherever it is,
after a first look at a window that costs as much as people in it were touched.
"""

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from math import gcd
from random import Random
from typing import Final

from msgspec import Struct

from groundswell.connectors.action_network.simulator.state.directory import Directory
from groundswell.connectors.action_network.simulator.state.person import Person
from groundswell.connectors.action_network.simulator.state.population import Population

_VIEWS_MAX: Final = 16
_NEVER: Final = 1 << 62


class Window(Struct, frozen=True):
    """Which dates: from the first moment to before the second, in seconds."""

    modified: tuple[int, int] = (0, _NEVER)
    created: tuple[int, int] = (0, _NEVER)

    def narrowed(self, field: str, operator: str, seconds: int) -> "Window":
        """This window, with one more condition on `modified_date` or `created_date`. `gt` and `lt` are strict."""
        is_modified = field == "modified_date"
        first, last = self.modified if is_modified else self.created
        if operator in ("gt", "eq"):
            first = max(first, seconds + (operator == "gt"))
        if operator in ("lt", "eq"):
            last = min(last, seconds + (operator == "eq"))
        return Window((first, last), self.created) if is_modified else Window(self.modified, (first, last))


class Listing:
    """People as lists and filters see them."""

    def __init__(self, population: Population, random: Random) -> None:
        self.seen = Directory(population)
        self.version = 0
        """Moves with every change, so that what was worked out from the listing can be kept until then."""
        self._population = population
        self._random = random
        self._touched: list[int] = []
        """Numbers of the population that were changed or are gone, sorted: holes in its order."""
        self._places: dict[int, float] = {}
        """Of those who were touched or came later, 0 to 1."""
        self._by_modified: list[tuple[int, int]] = []
        """The same, sorted: when modified, number."""
        self._views: OrderedDict[Window, tuple[int, View]] = OrderedDict()

    def show(self, person: Person) -> None:
        """From now on, show this version of the person, at another place."""
        self._take_out(person.number)
        self.seen.put(person)
        self._places[person.number] = self._random.random()
        insort(self._by_modified, (person.modified, person.number))

    def hide(self, number: int) -> None:
        """From now on, show nothing of this person."""
        self._take_out(number)
        self.seen.remove(number)

    def view(self, window: Window) -> "View":
        """Those in the window, as of now."""
        known = self._views.get(window)
        if known is not None and known[0] == self.version:
            self._views.move_to_end(window)
            return known[1]
        view = self._look(window)
        self._views[window] = (self.version, view)
        self._views.move_to_end(window)
        if len(self._views) > _VIEWS_MAX:
            self._views.popitem(last=False)
        return view

    def _take_out(self, number: int) -> None:
        self.version += 1
        if self.seen.is_as_made(number):
            insort(self._touched, number)
            return
        before = self.seen.get(number)
        if before is not None:
            del self._by_modified[bisect_left(self._by_modified, (before.modified, number))]
            del self._places[number]

    def _look(self, window: Window) -> "View":
        population = self._population
        first = max(population.first_modified_at(window.modified[0]), population.first_created_at(window.created[0]))
        last = min(population.first_modified_at(window.modified[1]), population.first_created_at(window.created[1]))
        order = _Order(first, max(0, last - first))
        holes = self._touched[bisect_left(self._touched, first) : bisect_left(self._touched, last)]
        others = self._by_modified[
            bisect_left(self._by_modified, (window.modified[0],)) : bisect_left(
                self._by_modified, (window.modified[1],)
            )
        ]
        numbers = [number for _, number in others]
        if window.created != (0, _NEVER):
            numbers = [number for number in numbers if self._was_created_in(number, window.created)]
        width = max(order.size, 1)
        return View(
            order, sorted(map(order.place_of, holes)), sorted((self._places[one] * width, one) for one in numbers)
        )

    def _was_created_in(self, number: int, span: tuple[int, int]) -> bool:
        person = self.seen.get(number)
        return person is not None and span[0] <= person.created < span[1]


class View:
    """The numbers of the people in one window, in their order."""

    def __init__(self, order: "_Order", holes: list[int], others: list[tuple[float, int]]) -> None:
        self._order = order
        self._holes = holes
        """Places of the order that are empty."""
        self._others = others
        """Place and number of those who stand between."""

    def __len__(self) -> int:
        return self._before(self._order.size + 1)

    def numbers(self, start: int, count: int) -> list[int]:
        """`count` of them from `start` on; fewer at the end."""
        size = self._order.size
        place = bisect_right(range(size + 1), start, key=self._before) - 1
        skip = start - self._before(place)
        found: list[int] = []
        while place <= size and len(found) < skip + count:
            found += self._at(place)
            place += 1
        return found[skip : skip + count]

    def _before(self, place: int) -> int:
        """How many stand before this place."""
        made = min(place, self._order.size) - bisect_left(self._holes, place)
        return made + bisect_left(self._others, (place,))

    def _at(self, place: int) -> list[int]:
        """Who stands at this place and before the next."""
        found = []
        if place < self._order.size and not self._is_hole(place):
            found.append(self._order.number_at(place))
        between = slice(bisect_left(self._others, (place,)), bisect_left(self._others, (place + 1,)))
        return found + [number for _, number in self._others[between]]

    def _is_hole(self, place: int) -> bool:
        at = bisect_left(self._holes, place)
        return at < len(self._holes) and self._holes[at] == place


class _Order:
    """A permutation of `size` numbers from `first` on, both ways by arithmetic: steps of about 0.6 of the whole."""

    def __init__(self, first: int, size: int) -> None:
        self.size = size
        self._first = first
        step = max(1, int(size * 0.618))
        while gcd(step, size) != 1:
            step += 1
        self._step = step
        self._back = pow(step, -1, size) if size > 1 else 0

    def number_at(self, place: int) -> int:
        return self._first + place * self._step % self.size

    def place_of(self, number: int) -> int:
        return (number - self._first) * self._back % self.size if self.size > 1 else 0
