"""What was read, as arrivals, with what belongs to it: whoever did it, the phones of a user, the order of a charge."""

from collections.abc import Sequence

from groundswell.component import Arrival
from groundswell.connectors.actionkit.client import Resource
from groundswell.connectors.actionkit.mapping import once, state
from groundswell.connectors.actionkit.money import is_cancelled, is_paid, refunded_number
from groundswell.connectors.actionkit.polling.things import Things
from groundswell.connectors.actionkit.polling.walk import Stretch
from groundswell.connectors.actionkit.uris import id_at


async def arrivals_of(resource: str, stretch: Stretch, things: Things) -> list[Arrival]:
    """The arrivals of some of one collection. Those of money that did not move are none."""
    objects = stretch.objects
    match resource:
        case "user":
            users = await things.with_phones(objects)
            return [state("user", user, changed_at=stretch.changed.get(str(user["id"]))) for user in users]
        case "action":
            return await _actions(objects, things)
        case "subscriptionhistory":
            return await _changes(objects, things)
        case "eventsignup":
            return [state("eventsignup", one, parts) for one, parts in await _with_users("signup", objects, things)]
        case "transaction":
            return await _money(objects, things)
        case "orderrecurring":
            stopped = [one for one in objects if is_cancelled(one)]
            return [
                once("cancellation", one["id"], {"orderrecurring": one} | parts)
                for one, parts in zip(stopped, await _behind(stopped, things), strict=True)
            ]
        case _:
            return [state(resource, one) for one in objects]


async def _actions(objects: Sequence[Resource], things: Things) -> list[Arrival]:
    made = []
    for one, parts in await _with_users("action", objects, things):
        if (page := await things.page(one.get("page"))) is not None:
            parts["page"] = {name: page[name] for name in ("id", "name", "title") if name in page}
        made.append(once("action", one["id"], parts))
    return made


async def _changes(objects: Sequence[Resource], things: Things) -> list[Arrival]:
    made = []
    for one, parts in await _with_users("subscriptionhistory", objects, things):
        if (kind := await things.kind_of_change(one.get("change"))) is not None:
            parts["change"] = kind
        made.append(once("subscriptionhistory", one["id"], parts))
    return made


async def _money(objects: Sequence[Resource], things: Things) -> list[Arrival]:
    moved = [one for one in objects if is_paid(one) or refunded_number(one) is not None]
    made = []
    for one, parts in zip(moved, await _behind(moved, things), strict=True):
        parts = {"transaction": one} | parts
        if is_paid(one):
            made.append(once("transaction", one["id"], parts))
        if (number := refunded_number(one)) is not None:
            made.append(once("refund", number, parts))
    return made


async def _behind(objects: Sequence[Resource], things: Things) -> list[Resource]:
    """The order of each, and who gave."""
    orders = {
        str(order["id"]): order for order in await things.get("order", [id_at(one.get("order")) for one in objects])
    }
    givers = await things.users([id_at(order.get("user")) for order in orders.values()])
    made = []
    for one in objects:
        order = orders.get(id_at(one.get("order")) or "")
        giver = givers.get(id_at(order.get("user")) or "") if order is not None else None
        made.append({name: part for name, part in (("order", order), ("user", giver)) if part is not None})
    return made


async def _with_users(name: str, objects: Sequence[Resource], things: Things) -> list[tuple[Resource, Resource]]:
    """Each, and it under its name beside the user it is about."""
    users = await things.users([id_at(one.get("user")) for one in objects])
    made = []
    for one in objects:
        user = users.get(id_at(one.get("user")) or "")
        made.append((one, {name: one} if user is None else {name: one, "user": user}))
    return made
