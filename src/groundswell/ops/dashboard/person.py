"""One person explained: each field and why it has its value, links, consents, groups, what came and went; forgetting.

A person's page is found by a number, of the member or of an account: nobody's phone or email stands in a URL.
"""

from aiohttp import web
from msgspec import Struct

from groundswell.errors import NotFoundError
from groundswell.members.member import is_marker
from groundswell.ops.consent_words import said_words
from groundswell.ops.dashboard.visit import REFUSED, Visit
from groundswell.ops.member_messages import FindPerson, PersonForgotten, PersonShown
from groundswell.ops.messages import Name
from groundswell.ops.operations import FORGET, PERSON
from groundswell.ops.people_shown import name_in


class Counterpart(Struct, frozen=True):
    """One of an account's people."""

    account: Name
    number: Name


async def of_member(visit: Visit) -> web.Response:
    return await _page(visit, FindPerson(member=int(visit.request.match_info["member"])))


async def of_account(visit: Visit) -> web.Response:
    named = visit.asked(Counterpart)
    return await _page(visit, FindPerson(account=named.account, remote_id=named.number))


def forgotten(done: PersonForgotten) -> str:
    """What is said once somebody is forgotten."""
    erased = ", ".join(f"{name} {count:,}" for name, count in done.rows.items() if count)
    deliveries = "delivery" if done.recalled == 1 else "deliveries"
    recalled = f" {done.recalled:,} {deliveries} that waited will not be made." if done.recalled else ""
    left = "" if done.is_log_empty else " SQLite's log still has it, and will be written over."
    there = " The accounts still have them: erase them there."
    return f"Forgotten (rows erased: {erased or 'none'}).{recalled}{left}{there}"


async def _page(visit: Visit, named: FindPerson) -> web.Response:
    try:
        found = await visit.ask(PERSON, named)
    except NotFoundError as exc:
        return visit.nobody(exc)
    person = found.persons[0]
    response = visit.page(
        "person.html",
        person=person,
        name=_name(person),
        said=[(line, said_words(line)) for line in person.consents],
        forget_by=_forget_by(person),
        own=[link for link in person.links if _is_own(person, link.member) and not is_marker(link.remote_id)],
        may_forget=visit.may(FORGET),
    )
    if visit.trouble is not None:
        response.set_status(REFUSED)
    return response


def _name(person: PersonShown) -> str | None:
    if person.member is not None:
        known = {name: field.value for name, field in person.member.fields.items()}
    else:
        known = dict(person.links[0].seen) if person.links else {}
    return name_in(known)


def _is_own(person: PersonShown, member: int | None) -> bool:
    return person.member is None or member == person.member.id


def _forget_by(person: PersonShown) -> tuple[str, str] | None:
    """(field of the request, value): whom to erase."""
    if person.member is not None:
        return "phone", person.member.phone
    for link in person.links:
        if link.phone is not None:
            return "phone", link.phone
        if link.email is not None:
            return "email", link.email
    return None
