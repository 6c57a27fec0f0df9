"""Backfills: what is under way, what a new one will do before it begins, and what there was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec
from aiohttp import web

from groundswell.config.problems import able, listing, quoted
from groundswell.errors import NotFoundError, RequestError
from groundswell.ops.dashboard.backfill_words import sends_of, span_of
from groundswell.ops.dashboard.days import ZONES, Days, days_of
from groundswell.ops.dashboard.figures import figures_of
from groundswell.ops.dashboard.visit import Trouble, Visit
from groundswell.ops.messages import AskBackfill, Backfills, BackfillStatus, CanBackfill, ListBackfills, Nothing
from groundswell.ops.operations import BACKFILL, BACKFILLS, STATUS
from groundswell.ops.requests import first_in

LOOK = "look"
"""The name of the form that asks what a backfill would do. It changes nothing, and so it is a GET."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A backfill that may be begun: in words, and as the fields of the form that begins it."""

    words: list[str]
    fields: list[tuple[str, str]]


async def show(visit: Visit) -> web.Response:
    found = await visit.ask(BACKFILLS, ListBackfills())
    status = await visit.ask(STATUS, Nothing())  # later, so that all that is under way is in its figures
    figures = figures_of(status)
    query = {name: visit.request.query.getall(name) for name in visit.request.query}
    source = _source(found, query)
    under_way = [one for one in found.backfills if one.ended_at is None]
    over = [one for one in found.backfills if one.ended_at is not None]
    plan = None
    if source is not None and query.get(LOOK) and visit.may(BACKFILL):
        try:
            plan = plan_of(source, query, status.now)
        except RequestError as exc:
            visit.trouble = visit.trouble or Trouble(LOOK, "", str(exc), query)
    return visit.page(
        "backfills.html",
        under_way=under_way,
        live=figures.texts,
        shape=figures.shape,
        sources=found.sources,
        source=source,
        is_busy=source is not None and any(one.source == source.source for one in under_way),
        plan=plan,
        chosen=_chosen(source, query),
        zones=ZONES,
        history=[(name, list(ones)) for name, ones in groupby(over, lambda one: one.source)],
        span_of=span_of,
        sends_of=sends_of,
        said=said,
        may_backfill=visit.may(BACKFILL),
    )


def plan_of(source: CanBackfill, query: Mapping[str, Sequence[str]], now: datetime) -> Plan:
    """What the chosen would do. Raises RequestError when it would be refused."""
    days = days_of(query if first_in(query, "extent") == "days" else {})
    if first_in(query, "extent") == "days" and days.since is None:
        raise RequestError("say from which day on, or choose all of it")
    if days.since is not None and days.since >= now:
        raise RequestError(f"{days.first} lies ahead: there is nothing to fetch again yet")
    collections = [name for name in source.collections if name in query.get("collections", source.collections)]
    if not collections:
        raise RequestError(f"choose something of what {source.source} looks for: {listing(source.collections)}")
    resends = first_in(query, "sends") == "resend"
    subscribes = source.can_subscribe and first_in(query, "subscribe") == "true"
    asked = AskBackfill(
        source.source,
        days.since,
        days.until,
        None if collections == source.collections else collections,
        all=days.since is None,
        sends="resend" if resends else "unsent",
        subscribe=subscribes,
    )
    return Plan(_words(source, asked, days, collections), _fields(asked))


def _words(source: CanBackfill, asked: AskBackfill, days: Days, collections: Sequence[str]) -> list[str]:
    looks = "looks" if source.account is None else f"asks {source.account}"
    words = [f"{source.source} {looks} once more for what was made or changed {days.words}: {listing(collections)}."]
    if asked.since is not None:
        until = "now" if asked.until is None else f"{asked.until:%Y-%m-%d %H:%M} UTC"
        words.append(f"That is from {asked.since:%Y-%m-%d %H:%M} UTC to {until}.")
    sinks = listing(source.sinks) or "no sink, since none takes anything from it"
    if asked.sends == "resend":
        words.append(f"All of it is sent again to {sinks}, also what was sent before.")
    else:
        words.append(
            f"Each sink is sent what it has not been sent yet: {sinks}. What lies in dead letters stays there."
        )
    if source.can_subscribe:
        yes = (
            "A gift of that time counts as a yes to email."
            if asked.subscribe
            else "Nobody is put on an email list by it."
        )
        words.append(yes)
    return [
        *words,
        "What happens meanwhile goes first. It goes on over failures and restarts, and can be held or stopped.",
    ]


def _fields(asked: AskBackfill) -> list[tuple[str, str]]:
    """The request as fields of a form: those that say something."""
    bare = msgspec.to_builtins(AskBackfill(asked.source))
    fields: list[tuple[str, str]] = [("source", asked.source)]
    for name, value in msgspec.to_builtins(asked).items():
        if value != bare[name]:
            values = value if isinstance(value, list) else ["true" if value is True else value]
            fields += [(name, one) for one in values]
    return fields


def _source(found: Backfills, query: Mapping[str, Sequence[str]]) -> CanBackfill | None:
    """The source that a new backfill is of: as the address says, or the only one there is."""
    name = first_in(query, "source")
    if not name:
        return found.sources[0] if len(found.sources) == 1 else None
    for one in found.sources:
        if one.source == name:
            return one
    who = able([one.source for one in found.sources], "be asked")
    raise NotFoundError(f"{quoted(name)} cannot be asked for a time that is past; {who}")


def _chosen(source: CanBackfill | None, query: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What stands in the form: what was chosen last, or what is meant where nobody chose."""
    collections = [] if source is None else source.collections
    return {
        "extent": first_in(query, "extent") or "all",
        "sends": first_in(query, "sends") or "unsent",
        "subscribe": first_in(query, "subscribe") == "true",
        "collections": query.get("collections", collections),
        **{name: first_in(query, name) for name in ("first", "last", "zone")},
    }


def said(done: BackfillStatus) -> str:
    """What became of it, in a sentence."""
    name = f"The backfill of {done.source}"
    if done.ended_at is not None:
        became = "has failed" if done.state == "failed" else f"is {done.state}"
        return f"{name} {became}; it brought {done.records:,} records, {done.accepted:,} of them new."
    if done.is_paused:
        return f"{name} is paused; the source's own running goes on."
    if done.state == "paused":
        return f"{done.source} is paused; its backfill begins once that goes on."
    return f"{name} is under way."
