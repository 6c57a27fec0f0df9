"""Lists: who is on one, and the history of it. A row in `core_subscription` is the membership; it goes with it (I)."""

from collections.abc import Iterable
from typing import Final, Literal

from groundswell.connectors.actionkit.simulator.state.world import World

CHANGES: Final = {
    "subscribe": (1, "Subscribed by an action", True),
    "subscribe_import": (2, "Subscribed by an import", True),
    "subscribe_admin": (3, "Subscribed by staff", True),
    "unsubscribe": (4, "Unsubscribed by the user", False),
    "unsubscribe_admin": (5, "Unsubscribed by staff", False),
    "unsubscribe_import": (6, "Unsubscribed by an import", False),
    "bounce": (7, "Hard bounce", False),
    "spam_report": (8, "Reported a mailing as spam", False),
}
"""Kinds of change; their numbers and words are ours (?)."""
Change = Literal[
    "subscribe", "subscribe_import", "subscribe_admin", "unsubscribe", "unsubscribe_admin", "unsubscribe_import",
    "bounce", "spam_report",
]  # fmt: skip


def subscribe(
    world: World, user_id: int, lists: Iterable[int], change: Change = "subscribe", action_id: int | None = None
) -> bool:
    """Put somebody on lists, whatever they said before; whether it is on one more than before."""
    email = world.db.value("SELECT email FROM core_user WHERE id = ?", user_id)
    if world.db.value("SELECT 1 FROM core_blackholedemail WHERE email = ?", email):
        return False
    now, joined = world.now(), False
    for list_id in dict.fromkeys(lists):
        if world.db.get("core_list", list_id) is None:
            continue
        added = world.db.run(
            "INSERT OR IGNORE INTO core_subscription (user_id, list_id, created_at, updated_at) VALUES (?, ?, ?, ?)",
            user_id, list_id, now, now,
        )  # fmt: skip
        if added:
            _note(world, user_id, list_id, change, action_id)
            joined = True
    if joined:
        _set_status(world, user_id, "subscribed")
    return joined


def unsubscribe(
    world: World,
    user_id: int,
    lists: Iterable[int] | None = None,
    change: Change = "unsubscribe",
    action_id: int | None = None,
) -> None:
    """Take somebody off these lists; by default off all of them."""
    on = world.db.column("SELECT list_id FROM core_subscription WHERE user_id = ?", user_id)
    chosen = on if lists is None else [list_id for list_id in on if list_id in set(lists)]
    for list_id in chosen:
        world.db.run("DELETE FROM core_subscription WHERE user_id = ? AND list_id = ?", user_id, list_id)
        _note(world, user_id, list_id, change, action_id)
    if len(chosen) == len(on):
        _set_status(world, user_id, "bounced" if change == "bounce" else "unsubscribed")
    elif chosen:
        world.touch_user(user_id, is_bumping=world.behaviour.subscriptions_bump_user)


def _note(world: World, user_id: int, list_id: int, change: Change, action_id: int | None) -> None:
    now = world.now()
    world.db.insert(
        "core_subscriptionhistory",
        user_id=user_id,
        list_id=list_id,
        change_id=CHANGES[change][0],
        action_id=action_id,
        created_at=now,
        updated_at=now,
    )


def _set_status(world: World, user_id: int, status: str) -> None:
    there = world.db.value("SELECT subscription_status FROM core_user WHERE id = ?", user_id)
    if there != status:
        world.db.update("core_user", user_id, subscription_status=status)
    world.touch_user(user_id, is_bumping=world.behaviour.subscriptions_bump_user)
