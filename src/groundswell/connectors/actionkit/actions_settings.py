"""The settings of the `actionkit.actions` sink."""

from datetime import timedelta
from typing import Final, Literal

from pydantic import Field, model_validator

from groundswell.connectors.actionkit.parameters import OWNED, FieldName, OwnedFields, ParameterName, PhoneType, Rules
from groundswell.connectors.actionkit.writing.address import Country
from groundswell.connectors.actionkit.writing.ours import KEY_FIELD
from groundswell.connectors.actionkit.writing.paths import Path
from groundswell.connectors.actionkit.writing.recorded import Look
from groundswell.settings import BatchSettings, Duration, SinkSettings

PAGE: Final = r"^[A-Za-z0-9_-]{1,255}$"
"""A short name."""


class ActionKitActionsSettings(SinkSettings):
    """Records actions at ActionKit, and makes and changes their users with it; subscribes nobody unless told to."""

    type: Literal["actionkit.actions"]
    account: str = Field(description="The account to write with, of type actionkit.")
    page: str | None = Field(None, pattern=PAGE, description="The short name of the page the actions are taken on.")
    pages: dict[str, str] = Field(
        default_factory=dict,
        description="Other pages for what was done on certain pages: the number in `action.page.id`, and the short "
        "name at ActionKit. What is not among them goes to `page`, and is skipped when there is none.",
    )
    kinds: list[Literal["action", "person"]] = Field(
        ["action", "person"], min_length=1, description="Kinds of records that become actions. Others are skipped."
    )
    from_actionkit: bool = Field(
        False,
        description="Whether records that were read at an ActionKit are recorded: only where that is another one. "
        "Else every reading would make an action, and every action something to read.",
    )
    fields: OwnedFields = Field(
        list(OWNED),
        description="What of a person is sent, by canonical name, besides the email: it overwrites what is there.",
    )
    phone_type: PhoneType = Field("mobile", description="What kind of phone `phone` is.")
    country: Country = Field("US", description="The country of addresses that do not say.")
    user_fields: dict[FieldName, Path] = Field(
        default_factory=dict,
        description="Custom user fields to fill: the name at ActionKit without `user_`, and what of the record goes "
        'there, as in { favorite_color = "custom.Favorite color", sms_opt_in = "sms_opt_in" }.',
    )
    create_user_fields: bool = Field(
        False,
        description="Whether custom user fields that are not there are made. Else an action with one is refused.",
    )
    action_fields: dict[FieldName, Path] = Field(
        default_factory=dict,
        description="Custom action fields to fill, as `user_fields`: names without `action_`.",
    )
    all_action_fields: bool = Field(
        True, description="Whether all fields of the record's action go along, by their own names in small letters."
    )
    parameters: dict[ParameterName, Path] = Field(
        default_factory=dict,
        description="Other parameters to fill: `akid`, names in parts, phones by type, `referring_akid`, `mailing_id`, "
        '`created_at`, `event_id` and the like, as in { referring_akid = "action.fields.akid" }.',
    )
    source: str | None = Field(None, min_length=1, description="The source of records without `action.source_code`.")
    subscribe: list[Literal["action", "person"]] = Field(
        default_factory=list,
        description="Kinds of records that subscribe whoever says yes to email in them (`email_opt_in`), even if they "
        "left before they said so. Nothing else ever subscribes.",
    )
    lists: list[int] = Field(
        default_factory=list, description="The lists `subscribe` puts people on, by number. Without: that of the page."
    )
    unsubscribe_page: str | None = Field(
        None,
        pattern=PAGE,
        description="An unsubscribe page: subscribers who say no to email in a record are unsubscribed on it.",
    )
    unsubscribe_lists: list[int] = Field(
        default_factory=list, description="The lists people are taken off, by number. Without: all."
    )
    required: list[str] = Field(
        default_factory=list, description="Parameters without which an action is refused, besides those of the page."
    )
    skip_confirmation: bool = Field(True, description="Whether the confirmation email of the page is not sent.")
    key_field: FieldName = Field(
        KEY_FIELD,
        description="The action field that holds our key, by which an action is found again. Two daemons that write "
        "to one instance need two.",
    )
    look: Look = Field(
        "sql",
        description="How actions are looked for: by an SQL report, one for a batch, or one by one in `actionfield`, "
        "where the staff account may not run reports.",
    )
    settle: Duration = Field(
        timedelta(seconds=15),
        ge=timedelta(0),
        description="How long a request may go on there after its connection broke. Nothing is looked for sooner.",
    )
    batch: BatchSettings = Field(
        BatchSettings(records=25), description="How many deliveries travel together: they are looked for in one query."
    )

    @model_validator(mode="after")
    def _check_together(self) -> "ActionKitActionsSettings":
        if self.page is None and not self.pages:
            raise ValueError("has no page to record anything on; set page, or pages")
        if self.lists and not self.subscribe:
            raise ValueError('has lists and subscribes nobody; set subscribe = ["action"], or take lists out')
        if self.unsubscribe_lists and self.unsubscribe_page is None:
            raise ValueError("has unsubscribe_lists and no unsubscribe_page, which is where people are taken off")
        return self

    def warnings(self) -> list[tuple[str, str]]:
        found = []
        if "person" in self.subscribe:
            words = "a person's yes may be older than their record: whoever left ActionKit in between is put back"
            found.append(("subscribe", words))
        if self.subscribe and self.unsubscribe_page is None:
            words = "puts people on lists, and without unsubscribe_page nobody is taken off who says no"
            found.append(("subscribe", words))
        return found

    def rules(self) -> Rules:
        """What they say about every action."""
        return Rules(
            fields=self.fields,
            phone_type=self.phone_type,
            country=self.country,
            user_fields=self.user_fields,
            action_fields=self.action_fields,
            has_all_fields=self.all_action_fields,
            parameters=self.parameters,
            source=self.source,
            subscribing=self.subscribe,
            lists=self.lists,
            required=self.required,
            skips_confirmation=self.skip_confirmation,
            key_field=self.key_field,
        )
