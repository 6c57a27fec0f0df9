"""The `actionkit.upload` sink: people in bulk, by CSV files, for backfills that are too large for a call each.

An upload has no key of its own, and each of its rows becomes an action. So each row carries the id of its record in an
action field, and which of them are there is looked for before anything is handed over: a daemon that was killed, or
whose answer was lost, uploads only what has not landed.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal

import anyio
from pydantic import Field

from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.actionkit.account import ActionKitAccount
from groundswell.connectors.actionkit.actions_settings import PAGE
from groundswell.connectors.actionkit.parameters import FieldName, PhoneType
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.uploading.imports import Imports
from groundswell.connectors.actionkit.uploading.rows import File, cells_of, files_of
from groundswell.connectors.actionkit.writing.address import Country
from groundswell.connectors.actionkit.writing.ours import KEY_FIELD, OWN
from groundswell.connectors.actionkit.writing.paths import Path
from groundswell.connectors.common.outcome import outcome_of
from groundswell.connectors.common.unsettled import Unsettled
from groundswell.errors import RecordError, RejectedError, RemoteError
from groundswell.http.limits import Priority
from groundswell.record import Donation, Person, Record, from_json
from groundswell.settings import BatchSettings, Duration, SinkSettings

_UPLOAD: Final = "upload"


class ActionKitUploadSettings(SinkSettings):
    """Uploads people in bulk, each as an action on an import page."""

    type: Literal["actionkit.upload"]
    account: str = Field(description="The account to write with, of type actionkit. It needs the right to run reports.")
    page: str = Field(
        pattern=PAGE,
        description="The short name of an import page. Best one that nothing else uploads to.",
    )
    key_field: FieldName = Field(
        KEY_FIELD,
        description="The action field that holds the id of the record, by which a row is found again. Two daemons that "
        "write to one instance need two.",
    )
    subscribe: bool = Field(
        False,
        description="Whether the page may have a list, on which everybody is put who is uploaded. Then only people are "
        "uploaded who said yes to email (`email_opt_in`); who left since is put back.",
    )
    address: bool = Field(True, description="Whether addresses are written. They replace those that are there.")
    country: Country = Field("US", description="The country of addresses that do not say.")
    phone_type: PhoneType | Literal["none"] = Field(
        "mobile", description="What phones are written as; none: they are not."
    )
    user_fields: dict[FieldName, Path] = Field(
        default_factory=dict,
        description="Custom user fields to fill: the name at ActionKit without `user_`, and what of the record goes "
        'there, as in { shirt = "custom.Shirt size" }. Several values go as one text, with commas.',
    )
    create_user_fields: bool = Field(False, description="Whether user fields that are not there are made.")
    patience: Duration = Field(
        timedelta(minutes=5),
        gt=timedelta(0),
        description="How long an upload is waited for at a time. It goes on, and is looked at again.",
    )
    settle: Duration = Field(
        timedelta(seconds=30),
        ge=timedelta(seconds=5),
        description="How long ActionKit may still be busy with an upload whose answer was lost. Nothing is uploaded so "
        "long after a start and after a lost answer.",
    )
    concurrency: int = Field(1, ge=1, le=1, description="One upload at a time.")
    batch: BatchSettings = Field(
        BatchSettings(records=2_000, wait=timedelta(seconds=10)),
        description="How many deliveries travel together. People of whom different things are known go in files of "
        "their own: a blank cell would erase what is there.",
    )

    def warnings(self) -> list[tuple[str, str]]:
        if self.subscribe:
            return [("subscribe", "an upload puts back on the list whoever left it after they said yes")]
        return []


class ActionKitUpload:
    """A batch is one upload for each combination of columns."""

    def __init__(self, settings: ActionKitUploadSettings, context: Context) -> None:
        account: ActionKitAccount = context.account
        caller = Caller(context.name, Priority.BACKFILL)
        self._settings = settings
        self._name = context.name
        self._imports = Imports(
            account.client, caller, context.clock, settings.page, settings.key_field, settings.patience.total_seconds()
        )
        self._unsettled = Unsettled(context.clock, context.name, settings.settle.total_seconds(), shows_at_once=True)
        self._lock = anyio.Lock()
        self._is_unsure = True
        """Whether an upload of ours may go on that nobody waits for."""

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        async with self._lock:
            outcomes: dict[str, Outcome] = {}
            rows: dict[str, dict[str, str]] = {}
            for delivery in deliveries:
                read = self._read(from_json(delivery.body))
                if isinstance(read, dict):
                    rows[delivery.record_id] = read
                else:
                    outcomes[delivery.record_id] = read
            if rows:
                outcomes |= await self._upload(rows)
            return [outcomes[delivery.record_id] for delivery in deliveries]

    async def aclose(self) -> None:
        """Nothing to let go of: the session is the daemon's."""

    def _read(self, record: Record) -> dict[str, str] | Outcome:
        settings = self._settings
        if record.kind not in ("person", "action"):
            return Skipped("does_not_fit")
        if isinstance(record.donation, Donation):
            return Skipped("no_gift")  # declined, pending, or somebody else's
        if record.id.startswith(OWN):
            return Skipped("from_actionkit")
        if settings.subscribe and not (isinstance(record.person, Person) and record.person.email_opt_in is True):
            return Skipped("no_opt_in")
        try:
            return cells_of(
                record,
                key_field=settings.key_field,
                address=settings.address,
                country=settings.country,
                phone_column=f"{settings.phone_type}_phone" if settings.phone_type != "none" else None,
                user_fields=settings.user_fields,
            )
        except RecordError as error:
            return outcome_of(error, self._name)

    async def _upload(self, rows: dict[str, dict[str, str]]) -> dict[str, Outcome]:
        """By record id. What is not known in the end is tried again: then it is seen what has landed."""
        outcomes: dict[str, Outcome] = {}
        try:
            await self._prepare()
            there = await self._imports.landed(list(rows))
            outcomes |= dict.fromkeys(there, Skipped("already_there"))
            for file in files_of(row for id_, row in rows.items() if id_ not in there):
                outcomes |= await self._run(file)
        except RejectedError:
            raise  # the runtime tries the halves, and what has landed is seen
        except RemoteError as error:
            outcomes |= {id_: Retry(error) for id_ in rows if id_ not in outcomes}
        return {id_: outcomes[id_] for id_ in rows}

    async def _prepare(self) -> None:
        await self._imports.check_page(subscribes=self._settings.subscribe)
        if self._is_unsure:
            self._unsettled.check(_UPLOAD, "uploading a file")
            await self._imports.check_idle()
            self._is_unsure = False

    async def _run(self, file: File) -> dict[str, Outcome]:
        """One file; what became of each of its rows."""
        self._is_unsure = True
        with self._unsettled.trying(_UPLOAD):
            upload = await self._imports.run(file, autocreate=self._settings.create_user_fields)
        self._is_unsure = False
        ids = [row[f"action_{self._settings.key_field}"] for row in file.rows]
        if not upload.get("has_errors"):
            return dict.fromkeys(ids, Delivered())
        landed = await self._imports.landed(ids)
        said = await self._imports.errors(upload)
        return {
            id_: Delivered() if id_ in landed else self._refused(said.get(line) or said.get(0))
            for line, id_ in enumerate(ids, 2)
        }

    def _refused(self, words: str | None) -> Rejected:
        return Rejected(
            "row_error", f"{self._name}: ActionKit could not import this row ({words or 'it does not say why'})"
        )
