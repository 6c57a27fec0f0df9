"""What is kept of people, as operators are shown it."""

from collections.abc import Mapping
from typing import Final, get_args

from groundswell.members.member import CREATING, Link, LinkState, Member, Statement
from groundswell.ops.explained import explained
from groundswell.ops.member_messages import (
    AccountCounts,
    ConsentLine,
    DeliveryShown,
    FieldShown,
    HappenedShown,
    LinkShown,
    MemberRow,
    MemberShown,
    PersonShown,
)
from groundswell.ops.messages import Moment, moment
from groundswell.ops.place import SyncPart
from groundswell.store.lately import Happened, Lately
from groundswell.store.listing import LinkRow
from groundswell.store.people import Person

STATES: Final[tuple[LinkState, ...]] = get_args(LinkState)
WHY: Final[Mapping[str, str]] = {
    "no_phone": "has no phone there: no member without one",
    "bad_phone": "has phones there, and none of them is a number that is in use",
    "no_opt_in": "has nothing in the opt-in field there; any value makes them a member, even TBD",
    CREATING: "is being made there; linked once the next reading brings them",
    "not_seen": "did something there, and was not read as a person yet",
    "forgotten": "has a phone or email that was forgotten: nothing is kept of them but the number",
    "gone": "was deleted there; is not made again",
}


def person_of(person: Person, lately: Lately, syncs: Mapping[str, SyncPart]) -> PersonShown:
    """`syncs`: those of the configuration, by name."""
    linked = {link.account: link.remote_id for link in person.links if link.member is not None}
    return PersonShown(
        member=None if person.member is None else _member(person.member),
        links=[_link(link, linked) for link in person.links],
        consents=[line_of(line) for line in person.consents],
        groups={name: moment(since) for name, since in person.groups.items()},
        lately=[_happened(one) for one in lately.happened],
        looked_at=lately.looked_at,
        looked_back_to=None if lately.is_all or lately.since is None else moment(lately.since),
        explained=explained(person, syncs),
    )


def why(link: Link, linked: Mapping[str, str]) -> str | None:
    """Why it is not synced. `linked`: by account, who is linked to the same member."""
    if link.state == "synced":
        return None
    if link.state == "duplicate":
        who = linked.get(link.account)
        return f"has the same phone as {who or 'somebody else'} there, who is linked to the member"
    if link.state == "pending" and not link.reason:
        return "a write waits (`groundswell status` shows the sink), or failed (`groundswell dead list`)"
    return WHY.get(link.reason) or f"{link.reason or 'no reason is known'}; see `groundswell dead list`"


def counts_of(account: str, counted: Mapping[LinkState, int]) -> AccountCounts:
    return AccountCounts(account, sum(counted.values()), {state: counted.get(state, 0) for state in STATES})


def row_of(row: LinkRow) -> MemberRow:
    link, member = row.link, row.member
    return MemberRow(
        account=link.account,
        remote_id=link.remote_id,
        state=link.state,
        reason=link.reason,
        since=moment(row.since),
        member=_whose(link),
        phone=link.phone or (None if member is None else member.phone),
        email=link.email or _value(row, "email"),
        name=name_in({name: _value(row, name) for name in _NAMES}),
    )


_NAMES: Final = ("first_name", "last_name")


def name_in(fields: Mapping[str, str | None]) -> str | None:
    """How somebody is called, by what is known of them."""
    return " ".join(name for name in map(fields.get, _NAMES) if name) or None


def line_of(said: Statement) -> ConsentLine:
    return ConsentLine(
        phone=said.phone,
        old=said.old,
        new=said.new,
        said=said.said,
        words=said.words,
        decision=said.decision,
        source=said.source,
        record_id=said.record_id,
        said_at=moment(said.said_at * 1000),
        learnt_at=moment(said.learnt_at * 1000),
    )


def _member(member: Member) -> MemberShown:
    return MemberShown(
        id=member.id,
        phone=member.phone,
        consent=member.consent,
        consent_at=_at(member.consent_at),
        created_at=moment(member.created_at * 1000),
        changed_at=moment(member.changed_at * 1000),
        fields={
            name: FieldShown(known.value, known.source, moment(known.at * 1000))
            for name, known in sorted(member.fields.items())
        },
    )


def _link(link: Link, linked: Mapping[str, str]) -> LinkShown:
    return LinkShown(
        account=link.account,
        remote_id=link.remote_id,
        state=link.state,
        reason=link.reason,
        why=why(link, linked),
        member=link.member if link.state == "duplicate" else _whose(link),
        duplicate_of=link.of if link.state == "duplicate" else None,
        phone=link.phone,
        email=link.email,
        remote_at=_at(link.remote_at),
        seen=link.seen,
        pending={name: sent[-1].value for name, sent in link.pending.items() if sent},
    )


def _happened(one: Happened) -> HappenedShown:
    settled = [DeliveryShown(sink, outcome, note, tries, moment(at)) for sink, outcome, note, tries, at in one.settled]
    waiting = [
        DeliveryShown(sink, "waiting", None, tries, moment(at) if at else None) for sink, tries, at in one.waiting
    ]
    sent = [*settled, *waiting]
    return HappenedShown(one.record_id, one.source, moment(one.received_at), one.is_processed, sent, one.dead)


def _whose(link: Link) -> int | None:
    """The member they are linked to, are to be linked to, or whose phone they have too."""
    return link.of if link.member is None else link.member


def _value(row: LinkRow, name: str) -> str | None:
    """What the member has, of whoever is linked; of others what was seen there."""
    link, member = row.link, row.member
    if link.member is not None and member is not None and name in member.fields:
        return member.fields[name].value
    return link.seen.get(name)


def _at(seconds: float) -> Moment | None:
    return moment(seconds * 1000) if seconds else None
