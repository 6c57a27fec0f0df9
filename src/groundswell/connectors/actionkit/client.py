"""What can be asked of ActionKit and given to it over REST, one method for each thing it does.

Errors are raised as `faults.py` says, and nothing is tried twice: the runtime decides that. Marks: README.md.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from yarl import URL

from groundswell.clock import Clock
from groundswell.connectors.actionkit.faults import MissingError
from groundswell.connectors.actionkit.forms import multipart
from groundswell.connectors.actionkit.transport import Caller, Query, Reply, Transport
from groundswell.connectors.actionkit.uris import Thing
from groundswell.errors import RejectedError, UnauthorizedError, UnavailableError
from groundswell.http.client import Client
from groundswell.http.limits import Limiter

Resource = dict[str, Any]
LIMIT_MAX: Final = 100
PAGES_MAX: Final = 100_000
ROWS_MAX: Final = 10_000
"""Of one SQL report (C). So many rows may mean that there are more."""
ACTBLUE: Final = "/webhooks/actblue/payments/"
"""Their receiver of ActBlue's webhooks (D)."""
_IN_ADDRESS: Final = re.compile(r"(?!\.+$)[A-Za-z0-9_.-]+")
"""Of dots alone it would lead to what stands above."""


class Page(Struct, frozen=True):
    """One page of a collection."""

    objects: Sequence[Resource]
    total: int
    """How many there are in all, counted for this very request (W)."""
    is_last: bool


class Schema(Struct, frozen=True):
    """What a collection can be asked by, as it says itself."""

    filtering: Mapping[str, frozenset[str] | None]
    """The operators allowed for each field; None: all."""
    ordering: frozenset[str]

    def can_filter(self, field: str, operator: str) -> bool:
        """Whether `field__operator=` is allowed; operator "exact" is plain `field=`."""
        if field not in self.filtering:
            return False
        allowed = self.filtering[field]
        return allowed is None or operator in allowed


class ActionKit:
    """The REST API of one instance, as one staff account."""

    def __init__(
        self,
        url: URL,
        username: str,
        password: str,
        http: Client,
        limiter: Limiter,
        clock: Clock,
        *,
        timeout_s: float = 60.0,
    ) -> None:
        self._transport = Transport(url, username, password, http, limiter, clock, timeout_s=timeout_s)
        self._schemas: dict[str, Schema] = {}
        self.host = self._transport.host

    # ---- anything ----

    async def get(self, caller: Caller, kind: str, number: int | str) -> Resource:
        """One thing. Raises MissingError: it is gone, as pages of old actions may be (C)."""
        reply = await self._transport.call(caller, "GET", f"{kind}/{checked(number)}/", f"reading one {kind}")
        return self._object(reply, caller, f"reading one {kind}")

    async def post(self, caller: Caller, kind: str, body: Resource) -> Thing:
        """Make a thing; where it is. Raises ConflictError: there is one with this email, name, ... already."""
        reply = await self._transport.call(caller, "POST", f"{kind}/", f"making one {kind}", body=body)
        if reply.location is None:
            raise UnavailableError(
                f"{caller.component}: making one {kind}: {self.host} did not say where it is; it will be tried again"
            )
        return reply.location

    async def put(self, caller: Caller, kind: str, number: int | str, body: Resource) -> None:
        """Set what is sent; on users the rest stays as it is (W). Only typed pages and actions take it, not `page`."""
        await self._transport.call(caller, "PUT", f"{kind}/{checked(number)}/", f"changing one {kind}", body=body)

    async def patch(self, caller: Caller, kind: str, number: int | str, body: Resource) -> None:
        """Change what is sent. `fields` may be replaced as a whole, so send them all: read, merge, write (C)."""
        await self._transport.call(caller, "PATCH", f"{kind}/{checked(number)}/", f"changing one {kind}", body=body)

    async def delete(self, caller: Caller, kind: str, number: int | str) -> None:
        """Remove it."""
        await self._transport.call(caller, "DELETE", f"{kind}/{checked(number)}/", f"deleting one {kind}")

    async def do(self, caller: Caller, kind: str, number: int | str, verb: str, body: Resource | None = None) -> Reply:
        """What a thing can be told: order reverse, transaction reverse, orderrecurring cancel."""
        path = f"{kind}/{checked(number)}/{verb}/"
        return await self._transport.call(caller, "POST", path, f"{kind} {verb}", body=body or {})

    async def check(self, caller: Caller) -> str:
        """Try the account, changing nothing: one user is asked for."""
        try:
            page = await self.page(caller, "user", order_by="id", limit=1)
        except MissingError as exc:
            raise MissingError(f"{exc}. {self.host} shows no ActionKit; check `host` of the account") from exc
        return f"user name and password are good; {page.total:,} users"

    def their_now(self) -> float | None:
        """What time it is there: what `updated_at` and filters by it go by. None before the first answer."""
        return self._transport.their_now()

    # ---- collections ----

    async def schema(self, caller: Caller, kind: str) -> Schema:
        """What a collection can be filtered and ordered by: it differs from instance to instance. Asked for once."""
        if kind not in self._schemas:
            what = f"reading the schema of {kind}"
            reply = await self._transport.call(caller, "GET", f"{kind}/schema/", what)
            self._schemas[kind] = schema_of(self._object(reply, caller, what))
        return self._schemas[kind]

    async def page(
        self,
        caller: Caller,
        kind: str,
        *,
        order_by: str,
        where: Query = (),
        limit: int = LIMIT_MAX,
        offset: int = 0,
    ) -> Page:
        """One page. Without `order_by` the order is any (W), so there is always one.

        Raises:
            InvalidError: a filter or order that this collection does not allow; see `schema`.
            UnavailableError: what came is no page.
        """
        what = f"reading {kind}s"
        query = [*where, ("order_by", order_by), ("_limit", str(limit)), ("_offset", str(offset))]
        reply = await self._transport.call(caller, "GET", f"{kind}/", what, query=query)
        body = self._object(reply, caller, what)
        meta, objects = body.get("meta"), body.get("objects")
        if not isinstance(meta, dict) or not isinstance(objects, list) or not all(isinstance(o, dict) for o in objects):
            raise UnavailableError(f"{caller.component}: {what}: {self.host} sent no page; it will be tried again")
        total = meta.get("total_count")
        if meta.get("offset") not in (None, offset) or not isinstance(total, int):
            raise UnavailableError(f"{caller.component}: {what}: {self.host} sent another page; it will be tried again")
        if not objects and total > offset:
            raise UnavailableError(
                f"{caller.component}: {what}: {self.host} said there are {total:,} and showed none after {offset:,}; "
                "stopped rather than take less for all, it will be tried again"
            )
        return Page(objects, total, not meta.get("next"))

    async def after(
        self, caller: Caller, kind: str, *, where: Query = (), after_id: int = 0, field: str = "id"
    ) -> AsyncIterator[Page]:
        """All of them by rising number, each page asked for as "after the last one seen": nothing that is added,
        changed or deleted meanwhile moves anything across the border of a page, and the last costs what the first did.

        Where the schema forbids `id__gt`, pages go by offset, and rows deleted meanwhile may move one past us: the
        caller looks again, as `poll.py` does.

        Raises:
            UnavailableError: numbers did not rise; stopped rather than read for ever.
        """
        if not (await self.schema(caller, kind)).can_filter(field, "gt"):
            async for page in self._by_offset(caller, kind, where):
                yield page
            return
        for _ in range(PAGES_MAX):
            page = await self.page(caller, kind, order_by=field, where=[*where, (f"{field}__gt", str(after_id))])
            if not page.objects:
                return
            numbers = [number for one in page.objects if isinstance(number := one.get(field), int)]
            if not numbers or min(numbers) <= after_id:
                raise UnavailableError(
                    f"{caller.component}: reading {kind}s: {self.host} did not go on after number {after_id}; stopped "
                    "rather than read for ever, it will be tried again"
                )
            yield page
            after_id = max(numbers)
        raise UnavailableError(f"{caller.component}: reading {kind}s: more than {PAGES_MAX} pages")

    async def _by_offset(self, caller: Caller, kind: str, where: Query) -> AsyncIterator[Page]:
        offset = 0
        while offset < PAGES_MAX * LIMIT_MAX:
            page = await self.page(caller, kind, order_by="id", where=where, offset=offset)
            if page.objects:
                yield page
            offset += len(page.objects)
            if not page.objects or offset >= page.total:
                return
        raise UnavailableError(f"{caller.component}: reading {kind}s: more than {PAGES_MAX} pages")

    async def find(self, caller: Caller, kind: str, field: str, value: str) -> Resource | None:
        """The one whose `field` is exactly this, if there is one: users by email, pages by name, ...

        A filter they do not know they may leave out (I), and then show the first of all: so what came is looked at.
        """
        page = await self.page(caller, kind, order_by="id", where=[(field, value)], limit=2)
        return next((one for one in page.objects if _is_same(one.get(field), value)), None)

    # ---- actions ----

    async def act(self, caller: Caller, parameters: Resource) -> Resource:
        """Process an action, as a form on a page would: finds or makes the user, records it, subscribes; the action.

        With credentials that are not good this answers 201 all the same, does everything as if somebody unknown had
        sent it, and says less (W).

        Raises:
            InvalidError: fields are missing or wrong.
            UnauthorizedError: the answer is the one for somebody unknown. The action was recorded.
        """
        what = "posting an action"
        reply = await self._transport.call(caller, "POST", "action/", what, body=parameters)
        action = self._object(reply, caller, what)
        if "resource_uri" not in action or "user" not in action:
            raise self._transport.refuse(
                UnauthorizedError(
                    f"{caller.component}: {what}: {self.host} recorded it as sent by nobody it knows, so it does not "
                    "take user name and password; check `username` and `password` of the account"
                )
            )
        return action

    # ---- money from elsewhere ----

    async def push(self, caller: Caller, kind: str, body: Resource) -> Reply:
        """The donation push family: donationpush, recurringpaymentpush, profileupdatepush, profilecancelpush.

        Raises:
            ConflictError: a donation with this import id is there already.
        """
        return await self._transport.call(caller, "POST", f"{kind}/", f"posting a {kind}", body=body)

    async def tell_as_actblue(self, caller: Caller, account: str, body: Resource, *, is_backfill: bool) -> None:
        """Send ActionKit's own receiver what ActBlue would send it: a contribution, refund or cancellation (D).

        Args:
            account: The name of a payment account that takes ActBlue's webhooks.
            is_backfill: Whether people who left, or whose mail bounced, are not subscribed again (D).

        Raises:
            MissingError: processing of ActBlue's webhooks is not switched on there (I).
        """
        query = [("account", account)] + ([("backfill", "1")] if is_backfill else [])
        await self._transport.call(caller, "POST", ACTBLUE, "forwarding what ActBlue sent", query=query, body=body)

    # ---- reports ----

    async def sql(self, caller: Caller, query: str, values: Mapping[str, Any], what: str) -> list[list[Any]]:
        """Rows of a query with `{{ name }}` in it, at most 10,000; never a cached answer.

        Raises:
            UnavailableError: they sent something else.
        """
        body = {"query": query, **values, "refresh": True, "cache_duration": 1}
        reply = await self._transport.call(caller, "POST", "report/run/sql/", what, body=body)
        rows = reply.body
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise UnavailableError(f"{caller.component}: {what}: {self.host} sent no rows; it will be tried again")
        return rows

    # ---- uploads ----

    async def upload(self, caller: Caller, page: str, csv: bytes, *, autocreate_user_fields: bool = False) -> Thing:
        """Hand over a CSV file with a header; each row becomes an action on an import page. Where to ask about it."""
        fields = {"page": page, "autocreate_user_fields": "true" if autocreate_user_fields else "false"}
        reply = await self._transport.call(
            caller, "POST", "upload/", "uploading rows", content=multipart(fields, "upload", "rows.csv", csv)
        )
        if reply.location is None:
            raise UnavailableError(
                f"{caller.component}: uploading rows: {self.host} did not say where the upload is; look before it is "
                "sent again"
            )
        return reply.location

    def _object(self, reply: Reply, caller: Caller, what: str) -> Resource:
        if not isinstance(reply.body, dict):
            raise UnavailableError(
                f"{caller.component}: {what}: {self.host} answered {reply.status} without a JSON object; it will be "
                "tried again"
            )
        return reply.body


def _is_same(there: Any, value: str) -> bool:
    """As their database compares: capitals and blanks around are nothing (I)."""
    return isinstance(there, str) and there.strip().casefold() == value.strip().casefold()


def schema_of(body: Resource) -> Schema:
    """Their schema document, as far as it matters: `filtering` is field -> operators, or a word for all of them."""
    filtering = body.get("filtering")
    ordering = body.get("ordering")
    return Schema(
        {
            field: frozenset(str(operator) for operator in operators) if isinstance(operators, list) else None
            for field, operators in (filtering.items() if isinstance(filtering, dict) else ())
        },
        frozenset(str(field) for field in ordering) if isinstance(ordering, list) else frozenset(),
    )


def checked(number: int | str) -> str:
    """What may stand in an address. Raises RejectedError."""
    text = str(number)
    if _IN_ADDRESS.fullmatch(text) is None:
        raise RejectedError("actionkit: what is to stand in an address is no number of theirs")
    return text
