"""The `action_network.people` sink: keeps the people of one account as the records that come say they are."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import structlog
from pydantic import AfterValidator, Field, model_validator

from groundswell.component import Context, Delivery, Outcome, Skipped
from groundswell.connectors.action_network.transport import Caller
from groundswell.connectors.action_network.writing.lookup import known_identity
from groundswell.connectors.action_network.writing.outgoing import FIELDS, OwnedFields, outgoing
from groundswell.connectors.action_network.writing.person import PeopleWriter, Rules, Wanted
from groundswell.connectors.action_network.writing.statuses import Policy
from groundswell.connectors.action_network.writing.tagging import Tagger, tidy
from groundswell.connectors.common.in_turn import in_turn
from groundswell.connectors.common.outcome import outcome_of
from groundswell.connectors.common.recent import Recent
from groundswell.errors import RateLimitedError, RecordError, RejectedError, UnavailableError
from groundswell.places.countries import country_code
from groundswell.record import Action, Person, Record, from_json
from groundswell.settings import SinkSettings

TOLD_S: Final = 3600.0
"""That a kind of value cannot be written is said once in so long."""

log = structlog.get_logger()


def _check_country(country: str) -> str:
    code = country_code(country)
    if code is None:
        raise ValueError('is no country; write its code, such as "US"')
    return code


def _check_tags(tags: list[str]) -> list[str]:
    if any(not tag.strip() for tag in tags):
        raise ValueError("has a tag without a name")
    return [tag.strip() for tag in tags]


Country = Annotated[str, AfterValidator(_check_country)]
Tags = Annotated[list[str], AfterValidator(_check_tags)]


class ActionNetworkPeopleSettings(SinkSettings):
    """Makes and changes people at Action Network: from people, and from the person of every action and donation."""

    type: Literal["action_network.people"]
    account: str = Field(description="The account to write to.")
    fields: OwnedFields = Field(
        list(FIELDS),
        description="The fields that are ours to write: canonical names, and `custom.NAME`. Others are left alone.",
    )
    clear_empty: bool = Field(
        False,
        description="Whether a field that is known to be empty empties theirs. Action Network may not do it.",
    )
    newcomers: Literal["unsubscribed", "subscribed"] = Field(
        "unsubscribed",
        description="The email status of people who are not there yet, where the record does not say whether they want "
        "email.",
    )
    resubscribe: list[Literal["email", "sms"]] = Field(
        default_factory=list,
        description="Where a yes may be written over the status `unsubscribed` of somebody who is there. Addresses "
        "that bounced or complained are never subscribed.",
    )
    on_taken_phone: Literal["leave_out", "move"] = Field(
        "leave_out",
        description="What becomes of a phone that another person with an email has there: it is left out, or taken "
        "from them.",
    )
    country: Country = Field("US", description="The country of addresses that do not say, sent with every one of them.")
    add_tags: Tags = Field(default_factory=list, description="Tags that everybody gets.")
    remove_tags: Tags = Field(default_factory=list, description="Tags that are taken off everybody.")
    tags_from_record: bool = Field(False, description="Whether people also get the tags of their action.")
    create_tags: bool = Field(True, description="Whether tags that are not there are made. Else they are left out.")
    background: bool = Field(
        False,
        description="Whether writes are background requests: they are answered at once, done later in any order, and "
        "nobody hears of it when one fails.",
    )

    @model_validator(mode="after")
    def _check_both(self) -> "ActionNetworkPeopleSettings":
        if both := sorted(set(self.add_tags) & set(self.remove_tags)):
            raise ValueError(f'adds and removes the tag "{both[0]}"; take it out of one of them')
        return self

    def warnings(self) -> list[tuple[str, str]]:
        found = []
        if self.newcomers == "subscribed":
            found.append(("newcomers", "people who never said so will get email; unknown is not a yes"))
        if "sms" in self.resubscribe:
            found.append(("resubscribe", "a stop by text looks like a number never asked, and would be undone"))
        return found


class ActionNetworkPeople:
    """Each delivery is looked up, compared and written by itself; `concurrency` says how many at once."""

    def __init__(self, settings: ActionNetworkPeopleSettings, context: Context) -> None:
        client = context.account.client
        self._settings = settings
        self._caller = Caller(context.name)
        self._told: Recent[tuple[str, str], bool] = Recent(context.clock, most=1_000, for_s=TOLD_S)
        rules = Rules(
            policy=Policy(settings.newcomers, "email" in settings.resubscribe, "sms" in settings.resubscribe),
            country=settings.country,
            moves_phones=settings.on_taken_phone == "move",
            background=settings.background,
        )
        tagger = Tagger(client, context.clock, makes_tags=settings.create_tags, background=settings.background)
        self._writer = PeopleWriter(client, context.clock, self._caller, rules, tagger)

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        return await in_turn(deliveries, self._deliver)

    async def aclose(self) -> None:
        """Nothing to let go of: the session is the daemon's."""

    async def _deliver(self, delivery: Delivery) -> Outcome:
        record = from_json(delivery.body)
        if not isinstance(record.person, Person):
            return Skipped("no_person")
        try:
            return await self._writer.write(self._wanted(record, record.person))
        except (RecordError, RejectedError, UnavailableError, RateLimitedError) as error:
            return outcome_of(error, self._caller.component)

    def _wanted(self, record: Record, person: Person) -> Wanted:
        settings = self._settings
        said = outgoing(person, settings.fields)
        for field, why in said.left_out.items():
            self._tell(record, field, why)
        tags = record.action.tags if settings.tags_from_record and isinstance(record.action, Action) else []
        return Wanted(
            record_id=record.id,
            identity=known_identity(person),
            values={name: value for name, value in said.values.items() if value is not None or settings.clear_empty},
            email_opt_in=person.email_opt_in,
            sms_opt_in=person.sms_opt_in,
            add_tags=[tag for tag in tidy([*settings.add_tags, *tags]) if tag not in settings.remove_tags],
            remove_tags=settings.remove_tags,
        )

    def _tell(self, record: Record, field: str, why: str) -> None:
        """Once in a while: a source that sends such values sends many."""
        if self._told.get((field, why)) is None:
            self._told.put((field, why), True)
            log.warning(
                "field_left_out", component=self._caller.component, record=record.id, fields=[field], because=why
            )
