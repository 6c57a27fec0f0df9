"""The `action_network.records` sink: signatures, attendances, submissions, donations, outreaches, responses.

One of each is recorded on a page. What Action Network would count twice (donations, outreaches, and maybe responses) is
looked for by a foreign identifier before it is posted, always: a daemon that was killed after a post does not know of
it. Filters show it some seconds later [L], so nothing is looked for before `settle` has passed since it may have been
posted: see `unsettled.py`.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

import structlog
from pydantic import Field, model_validator

from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Skipped
from groundswell.connectors.action_network.account import ActionNetworkAccount
from groundswell.connectors.action_network.client import EmptyAnswerError, record_body
from groundswell.connectors.action_network.collections import COLLECTIONS
from groundswell.connectors.action_network.filters import equals
from groundswell.connectors.action_network.hal import OWN, UUID, Resource, id_of, identifiers_of
from groundswell.connectors.action_network.people_sink import Country, Tags
from groundswell.connectors.action_network.transport import Caller, MissingError
from groundswell.connectors.action_network.writing.deeds import (
    DEEDS,
    fields_of,
    fits,
    page_of,
    referrer_of,
    website_of,
    why_not,
)
from groundswell.connectors.action_network.writing.doers import Doers, Rules
from groundswell.connectors.action_network.writing.made_page import MadePage, MadePageSettings
from groundswell.connectors.action_network.writing.ours import MARK, identifier_of, is_echo, marked
from groundswell.connectors.action_network.writing.tagging import Tagger, tidy
from groundswell.connectors.common.in_turn import in_turn
from groundswell.connectors.common.outcome import outcome_of
from groundswell.connectors.common.unsettled import Unsettled
from groundswell.errors import RecordError, RejectedError, RemoteError, UnauthorizedError, UnavailableError
from groundswell.record import Action, Person, Record, from_json
from groundswell.settings import Duration, SinkSettings

Collection = Literal["petitions", "events", "forms", "fundraising_pages", "advocacy_campaigns", "surveys"]

log = structlog.get_logger()


class ActionNetworkRecordsSettings(SinkSettings):
    """Records what people did on pages at Action Network, and subscribes nobody who did not say yes."""

    account: str = Field(description="The account to write with, of type action_network.")
    collection: Collection = Field(
        description="What kind of page is written to. Petitions take signatures; events, RSVPs; forms, submissions and "
        "signups; fundraising pages, donations; advocacy campaigns, letters and calls; surveys, responses. Others "
        "are skipped: refunds and cancellations too, which Action Network has no words for."
    )
    page: str | None = Field(
        None, pattern=f"^{UUID.pattern}$", description="The page: the last part of its address on the API."
    )
    make_page: MadePageSettings | None = Field(
        None,
        description="Instead of `page`: a page made over the API when it is not there. Fundraising pages and advocacy "
        "campaigns made in Action Network itself take no records over the API.",
    )
    pages: dict[str, str] = Field(
        default_factory=dict,
        description="Other pages for what was done on certain pages: the number in `action.page.id`, and the page at "
        "Action Network. What is not among them goes to `page` or `make_page`, and is skipped when there is neither.",
    )
    update_people: bool = Field(
        True, description="Whether what a record says about somebody who is there is written. Newcomers are, always."
    )
    country: Country = Field("US", description="The country of addresses that do not say, sent with every one of them.")
    add_tags: Tags = Field(default_factory=list, description="Tags that everybody gets.")
    tags_from_record: bool = Field(False, description="Whether people also get the tags of their action.")
    create_tags: bool = Field(True, description="Whether tags that are not there are made. Else they are left out.")
    source: str | None = Field(None, description="The source code of records that have none (`action.source_code`).")
    mark: str = Field(
        MARK,
        pattern="^[a-z][a-z0-9_-]{1,30}$",
        description="What the website of a record (`referrer_data`) begins with, so that it is known for ours when it "
        "is read back. Two daemons that write to one account need two.",
    )
    autoresponse: bool = Field(
        False, description="Whether the page sends its autoresponse. Only pages made in Action Network itself have one."
    )
    background: bool = Field(
        False,
        description="Let Action Network do it later. It says nothing more then: what it cannot record is lost without "
        "a word. Not for donations, outreaches and responses.",
    )
    settle: Duration = Field(
        timedelta(seconds=15),
        ge=timedelta(seconds=5),
        description="How long it may take until a filter finds what was posted. Up to 5 s were seen. Donations, "
        "outreaches and responses wait for it after a start and after a lost answer, somebody new once.",
    )

    @model_validator(mode="after")
    def _fit_together(self) -> "ActionNetworkRecordsSettings":
        deed = DEEDS[self.collection]
        if self.page is not None and self.make_page is not None:
            raise ValueError("has page and make_page; leave one out")
        if self.page is None and self.make_page is None and not self.pages:
            raise ValueError("has no page to write to; give page, make_page or pages")
        if any(not UUID.fullmatch(number) for number in self.pages.values()):
            raise ValueError("has something in pages that is no number of Action Network's")
        if self.background and not deed.is_once:
            raise ValueError("cannot have background: a lost answer could not be looked up, and it would count twice")
        if self.autoresponse and (deed.needs_api_page or self.make_page is not None):
            raise ValueError("cannot have autoresponse: pages made over the API, donations and outreaches have none")
        return self

    @property
    def writes_gifts(self) -> bool:
        return DEEDS[self.collection].records == "page_donations"


class ActionNetworkRecords:
    """One record a delivery."""

    def __init__(self, settings: ActionNetworkRecordsSettings, context: Context) -> None:
        account: ActionNetworkAccount = context.account
        settle_s = settings.settle.total_seconds()
        self._settings = settings
        self._name = context.name
        self._client = account.client
        self._caller = Caller(context.name)
        self._deed = DEEDS[settings.collection]
        self._collection = COLLECTIONS[self._deed.records]
        self._unsettled = Unsettled(context.clock, context.name, settle_s)
        self._made_page = (
            MadePage(self._client, self._caller, COLLECTIONS[settings.collection], settings.make_page, self._unsettled)
            if settings.make_page is not None
            else None
        )
        self._doers = Doers(
            self._client,
            self._caller,
            context.clock,
            Rules(settings.update_people, settings.autoresponse, settings.country, settle_s),
            Tagger(self._client, context.clock, makes_tags=settings.create_tags, background=False),
        )

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        return await in_turn(deliveries, self._deliver)

    async def aclose(self) -> None:
        """Nothing to let go of: the session is the daemon's."""

    async def _deliver(self, delivery: Delivery) -> Outcome:
        record = from_json(delivery.body)
        if not fits(record, self._deed):
            return Skipped(why_not(record, self._deed))
        if is_echo(record, self._settings.mark):
            return Skipped("echo")
        if not isinstance(record.person, Person):
            return Rejected("no_person", f"{self._name}: the record says nothing about a person")
        try:
            page = await self._page_for(record)
            if page is None:
                return Skipped("no_page")
            if record.id.startswith(OWN) and page_of(record) == page:
                return Skipped("already_there")
            return await self._record(record, record.person, page)
        except (RecordError, RemoteError) as error:
            return outcome_of(error, self._name)

    async def _page_for(self, record: Record) -> str | None:
        mapped = self._settings.pages.get(page_of(record) or "")
        if mapped is not None or self._made_page is None:
            return mapped or self._settings.page
        return await self._made_page.number()

    # ---- one record ----

    async def _record(self, record: Record, person: Person, page: str) -> Outcome:
        fields = fields_of(record, self._deed)
        identifier = None if self._deed.is_once else identifier_of(self._settings.mark, page, record.id)
        if identifier is not None and await self._is_there(page, identifier):
            return Skipped("already_there")
        doer = await self._doers.of(person, self._tags_of(record))
        body = record_body(
            person=doer.person,
            person_address=self._client.address("people", doer.number) if doer.number is not None else None,
            fields=fields,
            identifiers=[identifier] if identifier is not None else [],
            add_tags=doer.tags,
            # Said in so many words: what happens when it is not said is documented nowhere.
            autoresponse=None if self._deed.needs_api_page or doer.person is None else self._settings.autoresponse,
            referrer=referrer_of(record, marked(self._settings.mark, website_of(record)), self._settings.source),
        )
        try:
            made = await self._post(page, body, identifier)
        except EmptyAnswerError as error:
            if doer.number is not None:
                await self._doers.still_there(doer.number)
            raise EmptyAnswerError(f"{error}. {self._what_to_check()}") from error
        if identifier is not None and identifier not in identifiers_of(made):
            # It was not found before, so somebody's try was slower than anything that was seen; or it is not kept.
            log.error(
                "recorded_without_its_identifier",
                component=self._name,
                record=record.id,
                made=id_of(made),
                then="it may be there twice: look at the page, by hand",
            )
        return Delivered()

    async def _is_there(self, page: str, identifier: str) -> bool:
        """Whether an earlier try recorded it. Raises NotYetError where that cannot be told yet."""
        self._unsettled.check(identifier, "recording an action")
        try:
            found = await self._client.page(
                self._caller, self._collection, under=self._place(page), where=(equals("identifier", identifier),)
            )
        except MissingError as error:
            raise self._gone(page) from error
        return bool(found.resources)

    async def _post(self, page: str, body: Resource, identifier: str | None) -> Resource:
        try:
            with self._unsettled.trying(identifier):
                return await self._client.record(
                    self._caller, self._collection, self._place(page), body, background=self._settings.background
                )
        except MissingError as error:
            raise self._gone(page) from error

    def _place(self, page: str) -> tuple[str, str]:
        return (self._settings.collection, page)

    def _tags_of(self, record: Record) -> list[str]:
        tags = record.action.tags if self._settings.tags_from_record and isinstance(record.action, Action) else []
        return tidy([*self._settings.add_tags, *tags])

    # ---- what went wrong ----

    def _gone(self, page: str) -> RemoteError:
        """They answer 404 to the page: nothing is wrong with the record."""
        if self._made_page is not None and page not in self._settings.pages.values():
            self._made_page.forget()
            return UnavailableError(f"{self._name}: the page to write to is gone; looked for again")
        if page in self._settings.pages.values():
            return RejectedError(
                f"{self._name}: one of `pages` is not there, or the API key may not see it; mend it, then retry this"
            )
        return UnauthorizedError(
            f"{self._name}: the page to write to is not there, or the API key may not see it; check `page` and "
            "`collection`"
        )

    def _what_to_check(self) -> str:
        checks = ["whether the email address is one"]
        if self._deed.needs_api_page:
            checks.append("whether the page was made over the API: others take none of these (`make_page`)")
        if not self._deed.is_once:
            checks.append("whether it is there already under our identifier; then a retry finds it")
        return f"Check {'; '.join(checks)}"
