"""`groundswell reconcile`: what two sources, such as a webhook and a poll, both brought, and what only one did."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import typer
from rich.console import RenderableType

from groundswell.cli.asking import EXIT_FAILED, ask
from groundswell.cli.moments import moment_option
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json, say, shown, table
from groundswell.config.problems import counted
from groundswell.ops.operations import RECONCILE
from groundswell.ops.reconcile_messages import LISTED_MAX, AskReconcile, Reconciled, SideSeen
from groundswell.settings import parse_duration

_TIME = 'A moment ("2026-05-02T11:00:09Z"), a date, or how long ago ("2h", "3d").'


def command(
    one: Annotated[str, typer.Argument(metavar="ONE", help="A source, such as a webhook.")],
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="Another that brings the same things, such as a poll or a CSV.")
    ],
    since: Annotated[str | None, typer.Option(help=f"What happened at or after. {_TIME}")] = None,
    until: Annotated[str | None, typer.Option(help="What happened before, likewise.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(help='Only these, as ids name them ("contribution"), also where only one source has any.'),
    ] = None,
    lag: Annotated[str, typer.Option(help="What happened so short a time ago may still come.")] = "1d",
    limit: Annotated[int, typer.Option(min=1, max=LISTED_MAX, help="How many to list for each source.")] = 20,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when something is missing.")] = False,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Hold two sources against each other: how many things both brought, and what one brought and the other did not.

    Whatever either brings is accepted once, so what only one has was delivered all the same. Told apart are things that
    are missing, and things the other source cannot have brought yet: too new, or of a time it has not looked at. Only
    what happens is compared, not the states of people and pages. It asks nobody, and reads what is remembered
    ([daemon] keep). Exit codes: 0 done; 1 failed, or with --check something is missing; 78 the configuration is wrong.

    Examples: groundswell reconcile gifts gifts_csv; groundswell reconcile gifts gifts_csv --since 7d --kind
    contribution; groundswell reconcile pushes poll --check --json
    """
    asked = AskReconcile(one, other, moment_option(since), moment_option(until), kind, _seconds(lag), limit)
    found = ask(config, RECONCILE, asked)
    if as_json:
        print_json(found)
    else:
        say(*_report(found, asked))
    if check and not found.is_agreed:
        raise typer.Exit(EXIT_FAILED)


def _seconds(lag: str) -> int:
    try:
        return int(parse_duration(lag).total_seconds())
    except ValueError as exc:
        raise typer.BadParameter(f"--lag: {exc}") from exc


def _report(found: Reconciled, asked: AskReconcile) -> Iterator[RenderableType]:
    one, other = found.one, found.other
    yield from (_looked(side) for side in (one, other))
    if not found.kinds:
        yield "\nneither brought anything of this" + (" kind" if asked.kind else "") + " that is remembered"
        return
    yield _counts(found)
    yield from _notes(found, asked)
    yield from _money(found)
    for side, from_ in ((one, other), (other, one)):
        yield from _lacking(side, from_)
    if not any(compared.is_compared for compared in found.kinds):
        yield "\nNothing can be said yet: no kind was brought by both."
    elif found.is_agreed:
        yield "\nThey agree, as far as that can be told."


def _looked(side: SideSeen) -> str:
    parts = [f"{side.source} ({side.type}) " + ("is told of what happens" if side.is_told else "goes and looks")]
    parts.append(f"the first came {_day(side.first_at)}" if side.first_at else "brought nothing that is remembered")
    if side.newest_at:
        parts.append(f"the newest is of {shown(side.newest_at)}")
    if side.cursor_at and not side.is_told:
        parts.append(f"cursor saved {shown(side.cursor_at)}")
    if side.backfill:
        parts.append(f"backfill of {_day(side.backfill.since)} to {_day(side.backfill.until)} {side.backfill.state}")
    return "; ".join(parts)


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _counts(found: Reconciled) -> RenderableType:
    one, other = found.one.source, found.other.source
    headings = ["both", f"only {one}", f"missing from {other}", f"only {other}", f"missing from {one}", "cannot tell"]
    rows = [
        (
            compared.kind,
            compared.both,
            compared.only_one.records,
            compared.only_one.missing if compared.is_compared else "not compared",
            compared.only_other.records,
            compared.only_other.missing if compared.is_compared else "not compared",
            sum(lone.too_new + lone.unread for lone in (compared.only_one, compared.only_other)),
        )
        for compared in found.kinds
    ]
    return table("\nBrought by", ["kind", *headings], rows, numbers=headings)


def _notes(found: Reconciled, asked: AskReconcile) -> Iterator[str]:
    lones = [lone for compared in found.kinds for lone in (compared.only_one, compared.only_other)]
    too_new, unread = sum(lone.too_new for lone in lones), sum(lone.unread for lone in lones)
    if too_new:
        yield f"cannot tell: {too_new:,} too new, within the lag or newer than all the other source has seen"
    if unread:
        yield f"cannot tell: {unread:,} of a time that the other source has not looked at, or before this was noted"
    alone = [compared.kind for compared in found.kinds if not compared.is_compared]
    if alone:
        yield f"not compared: {', '.join(alone)}, which only one of the two brings; --kind compares it all the same"
    if found.unreadable:
        yield f"{counted(found.unreadable, 'record')} cannot be read, and judged by the time of acceptance"


def _money(found: Reconciled) -> Iterator[RenderableType]:
    one, other = found.one.source, found.other.source
    headings = [one, other, f"missing from {one}", f"missing from {other}"]
    rows = [
        (compared.kind, money.currency, money.one, money.other, money.missing_from_one, money.missing_from_other)
        for compared in found.kinds
        for money in compared.money
    ]
    if rows:
        yield table("\nMoney", ["kind", "currency", *headings], rows, numbers=headings)


def _lacking(side: SideSeen, other: SideSeen) -> Iterator[RenderableType]:
    if not side.lacks:
        return
    rows = [
        (one.id, one.happened_at, one.accepted_at, one.accepted_from, one.amount, one.currency) for one in side.lacking
    ]
    headings = ["record", "happened", "accepted", "from", "amount", "currency"]
    yield table(f"\nMissing from {side.source}", headings, rows, numbers=["amount"])
    if side.lacks > len(rows):
        yield f"and {side.lacks - len(rows):,} more; --limit shows more of them"
    how = "was not told of them" if side.is_told else "has read past their time without showing them"
    yield f"{side.source} {how}; {other.source} brought them, and they went the way of everything else: nothing to send"
