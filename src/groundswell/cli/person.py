"""`groundswell person`: everything that is known of one person."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.people import PERSON_ARGUMENT, named
from groundswell.cli.screen import print_json, say, shown, table, warn_of_personal_data
from groundswell.config.problems import counted
from groundswell.ops.member_messages import (
    DeliveryShown,
    FieldExplained,
    FindPerson,
    HappenedShown,
    LinkShown,
    MemberShown,
    NamePerson,
    PersonShown,
)
from groundswell.ops.operations import PERSON as SHOW_PERSON


def command(
    who: Annotated[str | None, PERSON_ARGUMENT] = None,
    member: Annotated[int | None, typer.Option(help="By the number of the member.", min=1)] = None,
    account: Annotated[
        str | None, typer.Option(help="By their number in this account, with --number.", show_default=False)
    ] = None,
    number: Annotated[str | None, typer.Option(help="Their number in that account.", show_default=False)] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why each field has its value, and what the accounts have.")
    ] = False,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Show everything that is known of one person. Personal data.

    Where they are linked, or why not; what is known of them, what they said about being texted, their groups, and what
    came in and was sent lately. A person may be found by their phone or email, by the number of the member, or by their
    number in an account. Exit codes: 0 shown, 1 nobody is known, or it failed.

    Examples: groundswell person "(503) 555-0144"; groundswell person rosa@example.org --json; groundswell person
    --member 7 --explain; groundswell person --account actionkit --number 4411
    """
    if [who, member, account].count(None) != 2 or (account is None) != (number is None):
        raise typer.BadParameter("write a phone or an email; or --member; or --account and --number")
    asked = NamePerson() if who is None else named(who)
    found = ask(config, SHOW_PERSON, FindPerson(asked.phone, asked.email, member, account, number))
    warn_of_personal_data()
    if as_json:
        print_json(found)
        return
    if found.total > 1:
        first = f"; here are the first {len(found.persons)}" if len(found.persons) < found.total else ""
        say(Text(f"{found.total} people have this{first}\n", style="bold"))
    for place, person in enumerate(found.persons):
        say(*([""] if place else []), *_parts(person, explain=explain))


def _parts(person: PersonShown, *, explain: bool) -> Iterator[RenderableType]:
    if person.member is None:
        yield Text("no member", style="bold")
    else:
        yield from _member(person.member)
    if explain and person.explained:
        yield table("\nWhy", ["field", "side", "has", "why"], _explained(person.explained))
    if person.groups:
        yield table("\nGroups", ["group", "since"], person.groups.items())
    if person.links:
        yield from _links(person.links)
    if person.consents:
        lines = [(c.said_at, c.old, c.new, c.words, c.decision, c.source, c.record_id) for c in person.consents]
        yield table("\nConsents", ["said", "before", "after", "words", "decision", "source", "record"], lines)
    yield from _lately(person)


def _member(member: MemberShown) -> Iterator[RenderableType]:
    yield Text(f"member {member.id}, {shown(member.phone)}", style="bold")
    said = "" if member.consent_at is None else f", said {shown(member.consent_at)}"
    yield Text(f"may be texted: {member.consent}{said}")
    yield Text(f"since {shown(member.created_at)}, last changed {shown(member.changed_at)}")
    if member.fields:
        rows = [(name, known.value, known.source, known.at) for name, known in member.fields.items()]
        yield table("\nFields", ["field", "value", "from", "edited"], rows)


def _explained(fields: list[FieldExplained]) -> Iterator[tuple[object, ...]]:
    for field in fields:
        yield field.name, "member", field.value, field.why
        for side in field.sides:
            yield "", f"{side.account} {side.remote_id}", side.seen, side.why


def _links(links: list[LinkShown]) -> Iterator[RenderableType]:
    rows = [(link.account, link.remote_id, link.state, link.email, link.remote_at, link.why or "") for link in links]
    yield table("\nLinks", ["account", "number there", "state", "email there", "as of", "why"], rows)
    for link in links:
        if link.pending:
            what = ", ".join(f"{name}: {shown(value)}" for name, value in link.pending.items())
            yield Text(f"  being written to {link.account} {shown(link.remote_id)}: {what}")


def _lately(person: PersonShown) -> Iterator[RenderableType]:
    if person.lately:
        rows = [(one.received_at, one.source, one.record_id, _became(one)) for one in person.lately]
        yield table("\nLately", ["came", "from", "record", "became"], rows)
    newest = f"the newest {counted(person.looked_at, 'record')}"
    if person.looked_back_to is not None:
        yield Text(f"\nlooked through {newest}, back to {shown(person.looked_back_to)}", style="dim")
    elif not person.lately:
        yield Text(f"\nno record that is kept is about them ({newest} looked through)", style="dim")


def _became(one: HappenedShown) -> str:
    if not one.is_processed:
        return "waits to be processed"
    sent = [_sent(delivery) for delivery in one.sent] + [f"dead letter {number}" for number in one.dead_letters]
    return "; ".join(sent) or "sent nowhere"


def _sent(delivery: DeliveryShown) -> str:
    note = f" ({delivery.note})" if delivery.note else ""
    return f"{delivery.sink}: {delivery.outcome}{note}" + (f" {shown(delivery.at)}" if delivery.at else "")
