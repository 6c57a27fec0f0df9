"""Who is in a tag or a list: taggings and list items, which hold no more than two numbers [D]."""

from typing import Any, Final

from msgspec import Struct, UnsetType

from groundswell.connectors.action_network.hal import Resource, id_at, id_of, link_of, person_id_of
from groundswell.connectors.action_network.mapping import stamp_of
from groundswell.connectors.action_network.people import person_of, plain_word, text_or_unset
from groundswell.connectors.action_network.polling.pages import GROUP_TYPES, word_in
from groundswell.errors import RecordError
from groundswell.record import Group, Record


class Member(Struct, frozen=True):
    """What one of their collections of members is called."""

    word: str
    """In the record's id."""
    groups: str
    """The collection of the groups."""
    link: str
    """To the group."""

    @property
    def key(self) -> str:
        """In what is kept."""
        return f"osdi:{self.word}"


MEMBERS: Final[dict[str, Member]] = {
    "taggings": Member("tagging", "tags", "osdi:tag"),
    "items": Member("item", "lists", "osdi:list"),
}
_BY_WORD: Final = {member.word: member for member in MEMBERS.values()}


def member_number(member: Member, resource: Resource, parent: Resource | None) -> str | None:
    """What comes behind the word in the id: the number of a tagging, of an item those of the list and the person.

    An item's own number is that of the person in every sample [D], and so the same on every list.
    """
    if member.word == "tagging":
        return id_of(resource)
    group = (id_of(parent) if parent is not None else None) or group_number(member, resource)
    person = person_id_of(resource) or id_of(resource)
    return f"{group}.{person}" if group and person else None


def read_member(pair: Resource, record_id: str, source: str, mobile_unsubscribed: bool | UnsetType) -> Record:
    """The record of a pair: `{"osdi:tagging": {...}, "group": {"id", "title"}, "person": {...}}`.

    Raises:
        RecordError: it does not say which group, or who; reason `no_group` or `no_person`.
    """
    member = _BY_WORD[word_in(record_id)]
    resource = _object(pair.get(member.key))
    found_in = _object(pair.get("group"))
    group = plain_word(found_in.get("id")) or group_number(member, resource)
    if group is None:
        raise RecordError(f"action_network: reading a {member.word}: it does not say of which group", reason="no_group")
    person = person_id_of(resource)
    if person is None and member.word == "item":
        person = id_of(resource)
    if person is None:
        raise RecordError(f"action_network: reading a {member.word}: it does not say of whom", reason="no_person")
    return Record(
        id=record_id,
        kind="group_member",
        source=source,
        occurred_at=stamp_of(resource.get("created_date")),
        person=person_of(pair.get("person"), person, mobile_unsubscribed),
        group=Group(id=group, title=text_or_unset(found_in.get("title")), type=GROUP_TYPES[member.groups]),
        raw=pair,
    )


def group_number(member: Member, resource: Resource) -> str | None:
    """Which group: by its link, its field, or the address of the resource: `.../tags/77ab/taggings/c2f0`."""
    found = id_at(link_of(resource, member.link)) or plain_word(resource.get("action_network:list_id"))
    if found is not None:
        return found
    before, _, _ = link_of(resource, "self").partition(f"/{member.word}s/")
    return id_at(before) if f"/{member.groups}/" in before else None


def _object(value: Any) -> Resource:
    return value if type(value) is dict else {}
