"""`groundswell forget`: one person erased."""

from typing import Annotated, Final

import typer

from groundswell.cli.asking import answer_at, ask_at, fail, place_or_exit
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.people import PERSON, named
from groundswell.cli.screen import print_json, say, shown, table
from groundswell.config.problems import counted
from groundswell.errors import GroundswellError, NotFoundError
from groundswell.members.member import is_marker
from groundswell.ops.client import OpsError
from groundswell.ops.member_messages import FindPerson, NamePerson, PersonForgotten, PersonShown
from groundswell.ops.operations import FORGET
from groundswell.ops.operations import PERSON as SHOW_PERSON
from groundswell.ops.place import Place

_NOT_FOUND: Final = 404


def command(
    who: PERSON,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Erase one person for good: the member, their links, what they said, and every record, delivery and dead letter
    about them. Asks first.

    A hash of the phone and email stays, so that an old record does not bring them back. The accounts themselves are not
    touched: erase them there too. Exit codes: 0 done, 1 failed, or you said no.

    Examples: groundswell forget "(503) 555-0144"; groundswell forget rosa@example.org --yes --json
    """
    place, person = place_or_exit(config), named(who)
    if not yes:
        typer.confirm(_question(place, person), abort=True, err=True)
    done = ask_at(place, FORGET, person)
    if as_json:
        print_json(done)
    else:
        _say(done)


def _question(place: Place, named: NamePerson) -> str:
    try:
        found = answer_at(place, SHOW_PERSON, FindPerson(named.phone, named.email))
    except GroundswellError as exc:
        if not isinstance(exc, NotFoundError) and not (isinstance(exc, OpsError) and exc.status == _NOT_FOUND):
            fail(exc)
        return f"{exc}.\nLook through all records for them all the same, and never let them in?"
    whom = "; and ".join(map(_described, found.persons))
    return f"Forget {whom}, with every record about them, for good?"


def _described(person: PersonShown) -> str:
    """Without phone and email: whoever looks over a shoulder need not read them."""
    member = person.member
    mine = [link for link in person.links if member is None or link.member == member.id]
    own = [link for link in mine if not is_marker(link.remote_id)]
    links = ", ".join(f"{link.account} {shown(link.remote_id)}" for link in own)
    what = "somebody who is no member" if member is None else f"member {member.id}"
    consents = counted(len(person.consents), "line") + " about consent"
    return f"{what} ({links or 'no links'}; {consents})"


def _say(done: PersonForgotten) -> None:
    rows = [(name, count) for name, count in done.rows.items() if count]
    if rows:
        say(table("Erased", ["table", "rows"], rows, numbers=["rows"]))
    else:
        say("nothing about them was there; from now on nothing will be kept")
    if done.recalled:
        say(f"{'1 delivery' if done.recalled == 1 else f'{done.recalled:,} deliveries'} that waited will not be made")
    if not done.is_log_empty:
        say("SQLite's log still has what was erased, since somebody read all the time; it will be written over")
    say("the accounts still have them: erase them there too")
