"""Backfills in words: how one is, how far it has come, and what it is about."""

from groundswell.ops.messages import BackfillStatus


def what_of(one: BackfillStatus) -> str:
    """What of one that is under way is told besides its state."""
    if one.is_paused:
        return "Held by an operator. The source's own running goes on."
    if one.state == "paused":
        return "Its source is paused, and it with it."
    if one.state == "not_connected":
        return "The account of its source is not connected. It goes on once that is."
    return f"It waits for {one.waits_for}. What is live goes first." if one.waits_for else ""


def span_of(one: BackfillStatus) -> str:
    """ "from 2026-05-01 00:00 to 2026-05-02 00:00 UTC"."""
    since = f"{one.since:%Y-%m-%d %H:%M}" if one.since.timestamp() else "the beginning"
    return f"from {since} to {one.until:%Y-%m-%d %H:%M} UTC"


def sends_of(one: BackfillStatus) -> str:
    return ("what is unsent" if one.sends == "unsent" else "all again") + (", subscribes" if one.subscribes else "")


def so_far(one: BackfillStatus) -> str:
    """What came of it until now."""
    dead = f", {one.dead:,} in dead letters" if one.dead else ""
    counts = f"{one.accepted:,} new here, {one.sent:,} on their way, {one.known:,} sent before{dead}"
    return f"{one.records:,} records: {counts}"
