"""What can be asked of Action Network and given to it, one method for each thing its API does.

Errors are raised as `transport.py` says, and nothing is tried twice: the runtime decides that. Every write can be made
a background request; then they answer `{}` at once, do it later, and never say whether it worked [D, I].
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from msgspec import Struct
from yarl import URL

from groundswell.clock import Clock
from groundswell.connectors.action_network.collections import COLLECTIONS, EMBEDS, OF_A_PERSON, RECORDS, Collection
from groundswell.connectors.action_network.filters import Condition, contradicts, written
from groundswell.connectors.action_network.hal import UUID, Resource, embedded_in, id_of
from groundswell.connectors.action_network.transport import Caller, Transport
from groundswell.errors import RejectedError, UnavailableError
from groundswell.http.client import Client
from groundswell.http.limits import Limiter

PER_PAGE_MAX: Final = 25
PAGES_MAX: Final = 400_000
"""Of one walk: ten million resources."""

Place = tuple[str, ...]
"""Below the entry point, what a collection is under: ("petitions", UUID); () at the top."""
TOP: Final[Place] = ()


class EmptyAnswerError(RejectedError):
    """200 and `{}` where a record was to be made: it was not, and they do not say why [L]."""

    reason = "empty_answer"


class Page(Struct, frozen=True):
    """One page of a collection."""

    number: int
    """From 1."""
    resources: Sequence[Resource]
    """As they came, at most 25. None at all means that the last page was the one before; nothing else does."""
    records: int | None = None
    """How many there are in all, where they say so: never on people and list items, elsewhere not always [D]."""
    pages: int | None = None


class ActionNetwork:
    """The API of one key.

    `caller` in every call is who asks, for messages and metrics, and how urgent it is.
    """

    def __init__(
        self,
        url: URL,
        token: str,
        http: Client,
        limiter: Limiter,
        clock: Clock,
        *,
        timeout_s: float = 60.0,
    ) -> None:
        self._transport = Transport(url, token, http, limiter, clock, timeout_s=timeout_s)

    # ---- anything ----

    async def get(self, caller: Caller, path: Place, query: dict[str, str] | None = None) -> Resource:
        """One resource, as it is now: by its number it is fresh, where lists and filters lag by seconds [L]."""
        return await self._transport.call(caller, "GET", checked(path), f"reading {named(path)}", query=query)

    async def post(self, caller: Caller, path: Place, body: Any, *, background: bool = False) -> Resource:
        """Make something. They answer 200 with it."""
        return await self._write(caller, "POST", path, f"posting to {named(path)}", body, background=background)

    async def put(self, caller: Caller, path: Place, body: Any, *, background: bool = False) -> Resource:
        """Change the fields that are sent. 200 may mean that nothing changed: compare what comes back [L]."""
        return await self._write(caller, "PUT", path, f"changing {named(path)}", body, background=background)

    async def delete(self, caller: Caller, path: Place, *, background: bool = False) -> Resource:
        """Remove something. Proven for taggings and for the sending of messages only."""
        return await self._write(caller, "DELETE", path, f"deleting {named(path)}", None, background=background)

    async def entry_point(self, caller: Caller) -> Resource:
        """What the API holds, as links. It answers 200 to any key, a wrong one too [L]: see `check`."""
        return await self.get(caller, TOP)

    async def check(self, caller: Caller) -> str:
        """Try the key, changing nothing: one event is asked for, as the entry point proves nothing [L]."""
        await self.get(caller, ("events",), {"per_page": "1"})
        has_tags = "osdi:tags" in (await self.entry_point(caller)).get("_links", {})
        return "the key is good" if has_tags else "the key is good, but it is no group's: tags cannot be used"

    def address(self, *path: str) -> str:
        """The full address of something, as links in bodies must have it."""
        return str(self._transport.url(checked(path)))

    # ---- collections ----

    async def page(
        self,
        caller: Caller,
        collection: Collection,
        number: int = 1,
        *,
        under: Place = TOP,
        where: tuple[Condition, ...] = (),
        per_page: int = PER_PAGE_MAX,
    ) -> Page:
        """One page. Its address is made here: their `next` is there on the last page too, may lose the filter, and
        has looped [D, L].

        Raises:
            UnavailableError: what came is not the page that was asked for.
            RejectedError: the collection is not there, cannot be filtered like this, or was not filtered.
        """
        query = {"page": str(number), "per_page": str(per_page)}
        if where:
            query["filter"] = written(collection, where)
        what = f"reading {collection.name}, page {number}"
        answer = await self._transport.call(caller, "GET", path_of(collection, under), what, query=query)
        resources = embedded_in(answer, collection.key)
        if resources is None:
            raise UnavailableError(
                f"{caller.component}: {what}: the answer has no {collection.key}; it will be tried again"
            )
        if _count(answer, "page") not in (None, number):
            raise UnavailableError(f"{caller.component}: {what}: another page came; it will be tried again")
        if any(contradicts(condition, resource) for condition in where for resource in resources):
            raise RejectedError(f"{caller.component}: {what}: the filter was not applied; nothing of it was taken")
        return Page(number, resources, _count(answer, "total_records"), _count(answer, "total_pages"))

    async def pages(
        self,
        caller: Caller,
        collection: Collection,
        *,
        under: Place = TOP,
        where: tuple[Condition, ...] = (),
        first: int = 1,
    ) -> AsyncIterator[Page]:
        """Page after page until one is empty: nothing else is the end, neither `next` nor totals. A failure raises.

        The collection may change meanwhile, and then things move from page to page: whoever must not miss one has to
        look again, as `walk.py` does.
        """
        before: list[str | None] = []
        for number in range(first, PAGES_MAX + 1):
            page = await self.page(caller, collection, number, under=under, where=where)
            if not page.resources:
                return
            ids = [id_of(resource) for resource in page.resources]
            if ids == before:
                raise UnavailableError(
                    f"{caller.component}: reading {collection.name}: page {number} is page {number - 1} again; stopped "
                    "rather than read it for ever, it will be tried again"
                )
            before = ids
            yield page
        raise UnavailableError(f"{caller.component}: reading {collection.name}: more than {PAGES_MAX} pages")

    async def custom_fields(self, caller: Caller) -> list[Resource]:
        """The custom fields there are: no collection, one array whole [D]. Each has `name`, maybe `notes`."""
        answer = await self._transport.call(caller, "GET", ("metadata", "custom_fields"), "reading custom fields")
        fields = answer.get("action_network:custom_fields")
        if not isinstance(fields, list):
            raise UnavailableError(
                f"{caller.component}: reading custom fields: there is no list; it will be tried again"
            )
        return [field for field in fields if isinstance(field, dict)]

    async def embeds(self, caller: Caller, collection: Collection, uuid: str) -> dict[str, str]:
        """The snippets of HTML that put an action on a page: `embed_standard_default_styles` and five more [D]."""
        if collection.name not in EMBEDS:
            raise RejectedError(f"{caller.component}: {collection.name} have no embed codes")
        answer = await self.get(caller, (collection.path, uuid, "embed"))
        return {name: text for name, text in answer.items() if name.startswith("embed_") and isinstance(text, str)}

    # ---- people and tags ----

    async def sign_up(
        self,
        caller: Caller,
        person: Resource,
        *,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
        background: bool = False,
    ) -> Resource:
        """The person signup helper: finds by email, else mobile number, makes or changes; the person.

        Without a status a new email address is subscribed and a new mobile number is not [D]. Tags that do not exist
        are left out without a word [D]. It makes an upload webhook, without tags and custom fields [D].
        """
        body = {"person": person} | _tags(add_tags, remove_tags)
        return await self._write(caller, "POST", ("people",), "signing up a person", body, background=background)

    async def tag(self, caller: Caller, tag: str, person: str, *, background: bool = False) -> Resource:
        """Put a tag on a person, both by number; one they have already stays one [D]. The tagging."""
        body = {"_links": {"osdi:person": {"href": self.address("people", person)}}}
        return await self._write(
            caller, "POST", ("tags", tag, "taggings"), "tagging a person", body, background=background
        )

    async def untag(self, caller: Caller, tag: str, tagging: str, *, background: bool = False) -> None:
        """Take a tag off a person: the tagging is removed."""
        path = ("tags", tag, "taggings", tagging)
        await self._write(caller, "DELETE", path, "removing a tagging", None, background=background)

    async def make_tag(self, caller: Caller, name: str) -> Resource:
        """A tag of this name: made, or the one there is [L]."""
        return await self.post(caller, ("tags",), {"name": name})

    # ---- records ----

    async def record(
        self,
        caller: Caller,
        collection: Collection,
        under: Place,
        body: Resource,
        *,
        background: bool = False,
        is_blind: bool = False,
    ) -> Resource:
        """Record what somebody did on a page of theirs: a signature, an attendance, a submission, ...

        With `person` in the body it is the record helper: the person is found or made first, and a new one is
        subscribed to email, which cannot be avoided [D]. With `_links.osdi:person` it is a plain record.

        Args:
            body: As `record_body` makes it.
            is_blind: Without the key, as a page in a browser would. The answer says nothing then [D].

        Raises:
            EmptyAnswerError: they answered 200 and `{}`, so nothing was recorded.
        """
        if collection.name not in RECORDS:
            raise RejectedError(f"{caller.component}: {collection.name} are not recorded on pages")
        query = {"background_request": "true"} if background else None
        what = f"posting to {collection.name}"
        answer = await self._transport.call(
            caller, "POST", path_of(collection, under), what, query=query, body=body, is_blind=is_blind
        )
        if not answer and not background and not is_blind:
            raise EmptyAnswerError(
                f"{caller.component}: {what}: they answered 200 and {{}}, which means that nothing was recorded; they "
                "do not say why"
            )
        return answer

    # ---- messages ----

    async def send_message(self, caller: Caller, uuid: str) -> Resource:
        """Send a message that is a draft, complete and has targets [D]. People get it: there is no way back."""
        return await self.post(caller, ("messages", uuid, "send"), {})

    async def stop_message(self, caller: Caller, uuid: str) -> Resource:
        """Stop one that is being sent."""
        return await self.delete(caller, ("messages", uuid, "send"))

    async def schedule_message(self, caller: Caller, uuid: str, start: str) -> Resource:
        """Send it later; `start` as "2026-05-02T11:00:09Z"."""
        return await self.post(caller, ("messages", uuid, "schedule"), {"scheduled_start_date": start})

    async def unschedule_message(self, caller: Caller, uuid: str) -> Resource:
        """Not later after all."""
        return await self.delete(caller, ("messages", uuid, "schedule"))

    async def _write(
        self, caller: Caller, method: str, path: Place, what: str, body: Any, *, background: bool
    ) -> Resource:
        query = {"background_request": "true"} if background else None
        return await self._transport.call(caller, method, checked(path), what, query=query, body=body)


def record_body(
    *,
    person: Resource | None = None,
    person_address: str | None = None,
    fields: Resource | None = None,
    identifiers: Sequence[str] = (),
    add_tags: Sequence[str] = (),
    remove_tags: Sequence[str] = (),
    autoresponse: bool | None = None,
    referrer: Resource | None = None,
) -> Resource:
    """The body of a record: one of `person` (record helper) and `person_address` (plain record) says whose it is.

    Args:
        identifiers: Foreign ones, "ours:1842". Unique among all their customers, and there for ever [D].
        autoresponse: Whether the page's own may go out. Only pages made in their UI have one; never for donations and
            outreaches [D].
        referrer: `source`, `website`, `email_referrer`, `mobile_message_referrer`; `referrer` itself is theirs.
    """
    body: Resource = dict(fields or {})
    if identifiers:
        body["identifiers"] = list(identifiers)
    if person is not None:
        body["person"] = person
        body |= _tags(add_tags, remove_tags)
    if person_address is not None:
        body["_links"] = {"osdi:person": {"href": person_address}}
    if autoresponse is not None:
        body["triggers"] = {"autoresponse": {"enabled": autoresponse}}
    if referrer:
        body["action_network:referrer_data"] = referrer
    return body


def path_of(collection: Collection, under: Place) -> Place:
    """Where a collection is. Raises RejectedError if it is not there."""
    parent = under[-2] if len(under) > 1 else None
    is_there = parent == _path_of_parent(collection) or (parent == "people" and collection.name in OF_A_PERSON)
    if not is_there:
        raise RejectedError(f"action_network: {collection.name} are not under {parent or 'the entry point'}")
    return checked((*under, collection.path))


def checked(path: Place) -> Place:
    """The path, if nothing in it could lead elsewhere. Raises RejectedError."""
    for part in path:
        if not UUID.fullmatch(part):
            raise RejectedError("action_network: a number that is to stand in an address is none of theirs")
    return path


def named(path: Place) -> str:
    """A path for messages, without numbers: "petitions/signatures"."""
    return "/".join(part for part in path if part in _WORDS) or "the entry point"


_WORDS: Final = {collection.path for collection in COLLECTIONS.values()} | {"embed", "send", "schedule", "metadata"}


def _path_of_parent(collection: Collection) -> str | None:
    return None if collection.parent is None else COLLECTIONS[collection.parent].path


def _tags(add: Sequence[str], remove: Sequence[str]) -> Resource:
    return ({"add_tags": list(add)} if add else {}) | ({"remove_tags": list(remove)} if remove else {})


def _count(answer: Resource, name: str) -> int | None:
    value = answer.get(name)
    return value if type(value) is int and value >= 0 else None
