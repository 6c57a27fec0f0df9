"""About how many there are, where nobody says so: for people to read, while the first run is under way."""

from typing import Final

from groundswell.connectors.action_network.client import PER_PAGE_MAX, ActionNetwork
from groundswell.connectors.action_network.collections import Collection
from groundswell.connectors.action_network.filters import Condition
from groundswell.connectors.action_network.transport import Caller
from groundswell.errors import UnavailableError

_GOOD_ENOUGH: Final = 0.02
_PAGES_MAX: Final = 2**20


async def about_how_many(
    client: ActionNetwork, caller: Caller, collection: Collection, where: tuple[Condition, ...]
) -> int | None:
    """How many there are, to two in a hundred. A million people take some twenty-five calls.

    People have no total [D], but pages can be asked for by number: further and further away until one is empty, then
    half-way between. Deep pages may be too slow [D]: that is not worth failing for, and None. Where the first page does
    not come, nothing will, and whoever waits had better hear of it now.
    """
    first = await client.page(caller, collection, 1, where=where)
    if first.records is not None:
        return first.records
    filled, empty, on_filled = (1, None, len(first.resources)) if first.resources else (0, 1, 0)
    while empty is None or empty - filled > max(1, int(filled * _GOOD_ENOUGH)):
        number = filled * 2 if empty is None else (filled + empty) // 2
        if number > _PAGES_MAX:
            break
        try:
            page = await client.page(caller, collection, number, where=where)
        except UnavailableError:
            return None
        if page.resources:
            filled, on_filled = number, len(page.resources)
        else:
            empty = number
    middle = (filled + (empty or filled) - 1) // 2
    return max(middle - 1, 0) * PER_PAGE_MAX + on_filled
