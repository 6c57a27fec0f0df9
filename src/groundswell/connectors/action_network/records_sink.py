"""The `action_network.records` sink: records at Action Network what somebody did elsewhere, on one page of theirs."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import anyio
from pydantic import Field, model_validator

from groundswell import record as records
from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.action_network.account import ActionNetworkAccount
from groundswell.connectors.action_network.client import Place, record_body
from groundswell.connectors.action_network.collections import COLLECTIONS, Collection
from groundswell.connectors.action_network.filters import equals
from groundswell.connectors.action_network.hal import Resource, id_of
from groundswell.connectors.action_network.outgoing import digits, known_fields, owned, person_json
from groundswell.connectors.action_network.people import person_of
from groundswell.connectors.action_network.repeats import SYSTEM, Repeats, mark_of
from groundswell.connectors.action_network.statuses import for_new_phone, for_newcomer
from groundswell.connectors.action_network.tag_book import TagBook
from groundswell.connectors.action_network.transport import Caller
from groundswell.connectors.action_network.who import UncertainError, Who
from groundswell.errors import RateLimitedError, RejectedError, UnavailableError
from groundswell.record import Action, Donation, Page, Person, Record
from groundswell.settings import SinkSettings

PAGES: Final = {
    "petitions": ("signatures", frozenset(("signature",))),
    "events": ("attendances", frozenset(("rsvp",))),
    "forms": ("submissions", frozenset(("submission", "signup"))),
    "fundraising_pages": ("page_donations", frozenset(("donation",))),
    "advocacy_campaigns": ("outreaches", frozenset(("letter", "call"))),
    "surveys": ("responses", frozenset(("survey_response",))),
}
"""Pages, what is recorded on them, and the `action.type` that belongs there."""
COUNTED_TWICE: Final = frozenset(("page_donations", "outreaches", "responses"))
"""Posted twice, they are there twice [D; of responses nobody knows]."""
API_MADE: Final = frozenset(("fundraising_pages", "advocacy_campaigns"))
"""Only pages made over the API take donations and outreaches from it [D]."""


class ActionNetworkRecordsSettings(SinkSettings):
    """Records signatures, RSVPs, submissions, donations, letters and survey responses on a page at Action Network."""

    account: str = Field(description="The account to write with, of type action_network.")
    collection: Literal["petitions", "events", "forms", "fundraising_pages", "advocacy_campaigns", "surveys"] = Field(
        description="What kind of page it is. Records that do not belong on one are skipped."
    )
    page: str | None = Field(
        None, pattern="^[A-Za-z0-9_-]{1,100}$", description="The page's number (UUID), as its address on the API ends."
    )
    make_page: str | None = Field(
        None,
        pattern=r"^[^'\\\\]{1,200}$",
        description="Instead of `page`: the title of a page that is made over the API when it is not there yet. "
        "Donations and letters can be recorded on such pages only.",
    )
    newcomers: Literal["unsubscribed", "subscribed"] = Field(
        "unsubscribed", description="What the email address of somebody new becomes when `email_opt_in` is unknown."
    )
    add_tags: list[str] = Field(default_factory=list, description="Tags everybody gets.")
    record_tags: bool = Field(True, description="Whether the tags of the record (`action.tags`) are added as well.")
    make_tags: bool = Field(True, description="Whether a tag that is not there is made. Otherwise it is left out.")
    autoresponse: bool = Field(
        False, description="Whether the page's own thank-you email goes out. Never for donations and letters."
    )
    source: str | None = Field(None, description="The source code of everything recorded, where the record has none.")
    background: bool = Field(
        False,
        description="Let Action Network do it later: faster, but nobody ever hears whether it worked, and their order "
        "is not kept.",
    )

    @model_validator(mode="after")
    def _one_page(self) -> "ActionNetworkRecordsSettings":
        if (self.page is None) == (self.make_page is None):
            raise ValueError("needs either page or make_page, and not both")
        return self

    def warnings(self) -> list[tuple[str, str]]:
        found = []
        if self.background and PAGES[self.collection][0] in COUNTED_TWICE:
            found.append(("background", "what is lost then is lost without a word; leave it out for money and letters"))
        return found


class ActionNetworkRecords:
    """One record a delivery."""

    def __init__(self, settings: ActionNetworkRecordsSettings, context: Context) -> None:
        account: ActionNetworkAccount = context.account
        self._settings = settings
        self._name = context.name
        self._client = account.client
        self._caller = Caller(context.name)
        self._collection: Collection = COLLECTIONS[PAGES[settings.collection][0]]
        self._types = PAGES[settings.collection][1]
        self._who = Who(self._client, self._caller)
        self._tags = TagBook(self._client, self._caller, makes=settings.make_tags)
        self._repeats = Repeats(self._client, self._caller, context.clock)
        self._page = settings.page
        self._finding_page = anyio.Lock()

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        return [await self._deliver(records.from_json(delivery.body)) for delivery in deliveries]

    async def aclose(self) -> None:
        """Nothing to let go of."""

    async def _deliver(self, record: Record) -> Outcome:
        action = record.action if isinstance(record.action, Action) else Action()
        kind = "donation" if record.kind == "donation" else action.type
        if record.kind not in ("action", "donation") or kind not in self._types:
            return Skipped("not_for_this_page")
        if not isinstance(record.person, Person):
            return Rejected("no_person", f"{self._name}: the record says nothing about a person")
        try:
            page = await self._number_of_page()
            if isinstance(action.page, Page) and action.page.id == page and record.id.startswith("action_network:"):
                return Skipped("came_from_there")  # an echo of what we wrote, or of what happened there
            return await self._record(record, record.person, action, (self._settings.collection, page))
        except (UnavailableError, RateLimitedError) as error:
            return Retry(error)
        except RejectedError as error:
            return Rejected(error.reason, str(error))

    async def _record(self, record: Record, person: Person, action: Action, place: Place) -> Outcome:
        mark = mark_of(place, record.id) if self._collection.name in COUNTED_TWICE else None
        if mark is not None and await self._repeats.find(self._collection, place, mark) is not None:
            return Skipped("already_there")
        who = await self._whose(person)
        if who is None:
            return Rejected(
                "no_identity", f"{self._name}: the person has no email address, no phone number and no number there"
            )
        body = record_body(
            person=who,
            fields=self._fields(record, action),
            identifiers=(mark,) if mark is not None else (),
            add_tags=await self._tags_of(action),
            autoresponse=True if self._settings.autoresponse and self._settings.collection not in API_MADE else None,
            referrer=self._referrer(action),
        )
        if mark is not None:
            self._repeats.note(mark)
        await self._client.record(self._caller, self._collection, place, body, background=self._settings.background)
        if mark is not None and not self._settings.background:
            self._repeats.forget(mark)
        return Delivered()

    async def _whose(self, person: Person) -> Resource | None:
        """How the record helper finds them. Whoever is new to Action Network is made first: the helper would subscribe
        them, which cannot be avoided [D], and a status set afterwards comes after the welcome mail."""
        mine = owned(person, None)
        try:
            theirs = await self._who.find(mine)
        except UncertainError:
            theirs = None
            if person.email_opt_in is not True:
                raise RejectedError(
                    f"{self._name}: the email address has an apostrophe, so Action Network cannot be asked whether it "
                    "is known there, and recording something would subscribe a newcomer; add the person there first"
                ) from None
            return {"email_addresses": [{"primary": True, "address": mine.email, "status": "subscribed"}]}
        if theirs is None:
            if not (isinstance(mine.email, str) or isinstance(mine.phone, str)):
                return None
            body = person_json(mine, known_fields(mine, clears=False), None, "US")
            if "email_addresses" in body:
                body["email_addresses"][0]["status"] = for_newcomer(mine.email_opt_in, self._settings.newcomers)
            status = for_new_phone(mine.sms_opt_in)
            if "phone_numbers" in body and status is not None:
                body["phone_numbers"][0]["status"] = status
            theirs = await self._client.sign_up(self._caller, body)
            self._who.note(theirs)
        return _identity(theirs)

    def _fields(self, record: Record, action: Action) -> Resource:
        fields: Resource = {}
        match self._collection.name:
            case "signatures":
                fields = _kept(action.fields, ("comments",))
            case "outreaches":
                fields = _kept(action.fields, ("subject", "message", "duration", "targets"))
            case "page_donations" if isinstance(record.donation, Donation):
                fields = donation_fields(record.donation)
                if isinstance(record.occurred_at, str):
                    fields["created_date"] = record.occurred_at
            case _:
                pass
        return fields

    async def _tags_of(self, action: Action) -> list[str]:
        tags = [*self._settings.add_tags, *(action.tags if self._settings.record_tags else ())]
        return [tag for tag in dict.fromkeys(tags) if await self._tags.number_of(tag) is not None]

    def _referrer(self, action: Action) -> Resource:
        source = action.source_code if isinstance(action.source_code, str) else self._settings.source
        website = action.referrer.get("website")
        return ({"source": source} if source else {}) | ({"website": website} if isinstance(website, str) else {})

    # ---- the page ----

    async def _number_of_page(self) -> str:
        if self._page is None:
            async with self._finding_page:
                if self._page is None:
                    self._page = await self._find_or_make_page(str(self._settings.make_page))
        return self._page

    async def _find_or_make_page(self, title: str) -> str:
        """The page of this title that we made, or a new one."""
        pages = COLLECTIONS[self._settings.collection]
        page = await self._repeats.find(pages, (), title, equals("title", title))
        if page is None:
            self._repeats.note(title)
            page = await self._client.post(self._caller, (pages.path,), {"title": title, "origin_system": SYSTEM})
            self._repeats.forget(title)
        number = id_of(page)
        if number is None:
            raise UnavailableError(f"{self._name}: making a page: the answer has no number; it will be tried again")
        return number


def donation_fields(donation: Donation) -> Resource:
    """Money as they take it: the amount is the sum of its recipients [D]. How it was paid they do not keep [L]."""
    fields: Resource = {}
    recipients = [
        {"display_name": str(one.get("display_name") or ""), "amount": str(one["amount"])}
        for one in donation.recipients
        if one.get("amount") is not None
    ]
    if not recipients:
        if not isinstance(donation.amount, str):
            raise RejectedError("action_network: the donation has no amount; nothing was guessed")
        name = donation.recipient if isinstance(donation.recipient, str) else ""
        recipients = [{"display_name": name, "amount": donation.amount}]
    for one in recipients:
        if not one["display_name"]:
            del one["display_name"]
    fields["recipients"] = recipients
    if isinstance(donation.currency, str):
        fields["currency"] = donation.currency
    if donation.recurring is True:
        period = donation.period if isinstance(donation.period, str) else "Monthly"
        fields["action_network:recurrence"] = {"recurring": True, "period": period}
    return fields


def _identity(theirs: Resource) -> Resource:
    """Just enough for the helper to find somebody: no status, so that none of theirs changes [D]."""
    person = person_of(theirs, None, False)
    if isinstance(person.email, str):
        return {"email_addresses": [{"primary": True, "address": person.email}]}
    if isinstance(person.phone, str):
        return {"phone_numbers": [{"primary": True, "number": digits(person.phone)}]}
    raise RejectedError("action_network: the person there has neither an email address nor a phone number")


def _kept(fields: dict[str, Any], names: Sequence[str]) -> Resource:
    return {name: fields[name] for name in names if fields.get(name) not in (None, "")}
