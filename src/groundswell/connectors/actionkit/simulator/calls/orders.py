"""Taking money back, and stopping what would come: reversals and cancellations."""

from groundswell.connectors.actionkit.simulator.calls.answers import Answer, RefusedCallError
from groundswell.connectors.actionkit.simulator.calls.writing import find
from groundswell.connectors.actionkit.simulator.state.catalogue import RESOURCES
from groundswell.connectors.actionkit.simulator.state.world import World


def reverse_order(world: World, key: str) -> Answer:
    """The first payment of an order; later ones are reversed one by one (D)."""
    order = find(world, RESOURCES["order"], key)
    if order["status"] == "reversed":
        raise _already("order_id")
    now = world.now()
    first = world.db.value("SELECT min(id) FROM core_transaction WHERE order_id = ?", order["id"])
    world.db.update("core_order", order["id"], status="reversed", updated_at=now)
    if first is not None:
        world.db.update("core_transaction", first, status="reversed", updated_at=now)
    return Answer(202)


def reverse_transaction(world: World, key: str) -> Answer:
    transaction = find(world, RESOURCES["transaction"], key)
    if transaction["status"] == "reversed":
        raise _already("transaction_id")
    world.db.update("core_transaction", transaction["id"], status="reversed", updated_at=world.now())
    return Answer(202)


def cancel(world: World, key: str) -> Answer:
    """No more payments."""
    profile = find(world, RESOURCES["orderrecurring"], key)
    if profile["status"] != "active" and world.behaviour.cancelled_twice == "refused":
        raise RefusedCallError(400, {"recurring_id": "Profile has already been canceled."})
    world.db.update("core_orderrecurring", profile["id"], status="canceled_by_admin", updated_at=world.now())
    return Answer(world.behaviour.cancel_status)


def _already(field: str) -> RefusedCallError:
    return RefusedCallError(400, {field: "Transaction has already been reversed."})
