"""The `action_network.sync` sink: writes what `[sync.NAME]` found to differ.

A person is looked at by number before anything is written, and a field is written only over a value that was expected
there. Whatever else is there was edited meanwhile; polling brings it, and it is decided anew.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from aiolimiter import AsyncLimiter
from msgspec import UNSET
from pydantic import Field

from groundswell.component import Context, Delivery, Outcome, Rejected, Skipped
from groundswell.connectors.action_network.account import ActionNetworkAccount
from groundswell.connectors.action_network.people_sink import Country
from groundswell.connectors.action_network.transport import Caller
from groundswell.connectors.action_network.writing.changes import Shown
from groundswell.connectors.action_network.writing.lookup import Identity, PeopleLookup, identity_of
from groundswell.connectors.action_network.writing.outgoing import ADDRESS
from groundswell.connectors.action_network.writing.person import PeopleWriter, Rules, Wanted
from groundswell.connectors.action_network.writing.statuses import SUBSCRIBED, UNSUBSCRIBED, Policy
from groundswell.connectors.action_network.writing.tagging import Tagger
from groundswell.connectors.common.in_turn import in_turn
from groundswell.connectors.common.outcome import outcome_of
from groundswell.connectors.common.wishes import Wish, wish_of
from groundswell.errors import RecordError, RemoteError
from groundswell.members.opt_in import OPT_IN
from groundswell.settings import Rate, RateLimit, SinkSettings

_WORDS: Final[dict[str, str]] = {SUBSCRIBED: "true", UNSUBSCRIBED: "false"}


class ActionNetworkSyncSettings(SinkSettings):
    """Writes what a sync found to differ. `[sync.NAME]` makes it."""

    type: Literal["action_network.sync"]
    account: str
    remote: dict[str, str] = Field(default_factory=dict)
    """By canonical name, where it stands in their people."""
    country: Country = "US"
    rate: RateLimit = Rate(calls=1000, per_s=60.0)


class ActionNetworkSync:
    """Each delivery is looked at and written by itself."""

    def __init__(self, settings: ActionNetworkSyncSettings, context: Context) -> None:
        account: ActionNetworkAccount = context.account
        client = account.client
        self._settings = settings
        self._caller = Caller(context.name)
        # Whether a yes counts over a no was decided by the ledger of consents: it is written.
        rules = Rules(Policy(UNSUBSCRIBED, False, True), settings.country, moves_phones=False, background=False)
        tagger = Tagger(client, context.clock, makes_tags=False, background=False)
        self._writer = PeopleWriter(client, context.clock, self._caller, rules, tagger)
        self._lookup = PeopleLookup(client, context.clock)
        self._pace = AsyncLimiter(1, settings.rate.per_s / settings.rate.calls)  # evenly: never more in any minute

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        return await in_turn(deliveries, self._deliver)

    async def aclose(self) -> None:
        """Nothing to let go of: the session is the daemon's."""

    async def _deliver(self, delivery: Delivery) -> Outcome:
        await self._pace.acquire()
        wish = wish_of(delivery)
        try:
            return await (self._create(wish) if wish.is_new else self._update(wish))
        except (RecordError, RemoteError) as error:
            return outcome_of(error, self._caller.component)

    async def _update(self, wish: Wish) -> Outcome:
        number = wish.person.ids.get("action_network")
        shown = await self._lookup.by_number(self._caller, number) if number else None
        if shown is None:
            return Rejected("gone", f"{self._caller.component}: the person is not there any more: merged, or deleted")
        due = wish.due(lambda field: self._there(shown, field))
        if shown.email is not None:
            due.pop("email", None)  # it is who they are there
        if not due:
            return Skipped("already_there_or_edited_meanwhile")
        return await self._writer.change(self._wanted(wish, Identity(shown.id, None, shown.phone), due, shown), shown)

    async def _create(self, wish: Wish) -> Outcome:
        identity = identity_of(wish.person)
        values = {**wish.values, "phone": identity.digits}
        found = await self._lookup.find(self._caller, identity)
        if found.shown is None:
            return await self._writer.add(self._wanted(wish, identity, values), found.holder)
        # Somebody has the address: what they have stays, and what they lack is filled.
        shown = found.shown
        self._lookup.remember(identity, shown)
        lacking = {field: value for field, value in values.items() if not self._there(shown, field)}
        return await self._writer.change(self._wanted(wish, identity, lacking, shown), shown)

    def _there(self, shown: Shown, field: str) -> str | None:
        if field == OPT_IN:
            return _WORDS.get(shown.phone_status or "")
        if field == "country" and not shown.is_located:
            return None  # the one they give to everybody
        return shown.values.get(self._settings.remote.get(field, field))

    def _wanted(
        self, wish: Wish, identity: Identity, values: Mapping[str, str | None], shown: Shown | None = None
    ) -> Wanted:
        sms = values.get(OPT_IN)
        written = {self._settings.remote.get(name, name): value for name, value in values.items() if name != OPT_IN}
        if shown is not None and shown.is_located and any(name in ADDRESS for name in written):
            # A part of an address that comes alone takes others away, so the rest of it goes along.
            rest: dict[str, str | None] = {name: shown.values[name] for name in ADDRESS if name in shown.values}
            written = rest | written
        return Wanted(
            record_id=wish.record_id,
            identity=identity,
            values=written,
            email_opt_in=UNSET,
            sms_opt_in=UNSET if sms is None else sms == "true",
        )
