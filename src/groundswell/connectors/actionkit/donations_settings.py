"""The settings of the `actionkit.donations` sink."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from groundswell.connectors.actionkit.actions_settings import PAGE
from groundswell.connectors.actionkit.donating.pages import PageText, has_fields
from groundswell.connectors.actionkit.donating.undoing import CanceledBy, RefundBy
from groundswell.connectors.actionkit.parameters import FieldName
from groundswell.connectors.actionkit.writing.address import Country
from groundswell.connectors.actionkit.writing.ours import KEY_FIELD
from groundswell.connectors.actionkit.writing.paths import Path
from groundswell.settings import BatchSettings, Duration, SinkSettings


class ActionKitDonationsSettings(SinkSettings):
    """Writes down donations made elsewhere, with refunds and cancellations."""

    type: Literal["actionkit.donations"]
    account: str = Field(description="The account to write with, of type actionkit. It needs the right to run reports.")
    enabled: bool = Field(
        False,
        description="Whether anything is written: without it every record is skipped. Where ActBlue (or anybody else) "
        "already reports donations to this ActionKit, each would count twice.",
    )
    page: PageText = Field(
        description="The short name of the donation page; or, with fields in braces, of many: "
        '"actblue_{action.page.id}" is one for each form. What a short name cannot hold becomes a hyphen. A series '
        "stays where it began.",
        examples=["given_elsewhere", "actblue_{action.page.id}"],
    )
    page_without_form: str | None = Field(
        None,
        pattern=PAGE,
        description="With fields in `page`: the page of gifts whose record does not say all of them.",
    )
    pages_max: int = Field(
        1_000,
        ge=1,
        le=100_000,
        description="With fields in `page`: on so many pages gifts are written down from one start to the next. Those "
        "of any other form go to `page_without_form`, with a warning in the log.",
    )
    payment_account: str = Field(
        "Default Import Stub", min_length=1, description="A payment account that charges nobody: an import stub."
    )
    card_code: str = Field("007", min_length=1, description="The verification number of that payment account.")
    way: Literal["push", "stub"] = Field(
        "push",
        description='"push": the donation push, for single and recurring donations; makes the page if it is not there. '
        '"stub": as an action on a page that is there; single donations only, with candidates and products '
        "(`product_7` in `donation.fields`: how many of product 7).",
    )
    key_field: FieldName = Field(
        KEY_FIELD,
        description="The action field that holds our key of a donation, by which it is found again. Two daemons that "
        "write to one instance need two.",
    )
    source: str | None = Field(None, description="The source of donations that have none.")
    subscribe: bool = Field(
        False,
        description="Whether donors who said yes to email (`email_opt_in`) are subscribed, if the page has a list and "
        "they did not leave since.",
    )
    address: bool = Field(
        True, description="Whether addresses are written: they replace those of people who are there."
    )
    country: Country = Field("US", description="The country of addresses that do not say.")
    user_fields: dict[FieldName, Path] = Field(
        default_factory=dict,
        description="Custom user fields to fill, which must be there: the name at ActionKit without `user_`, and what "
        'of the record goes there, as in { employer = "custom.employer", occupation = "custom.occupation" }.',
    )
    action_fields: dict[FieldName, Path] = Field(
        default_factory=dict,
        description="Custom action fields to fill: the name at ActionKit without `action_`, and what of the record "
        'goes there, as in { refcode2 = "donation.refcodes.refcode2", committee = "donation.recipient" }. Of a series, '
        "its first payment alone has an action.",
    )
    all_action_fields: bool = Field(
        True,
        description="Whether all fields of the record's action go along, such as the answers to a form's questions, by "
        "their own names in small letters.",
    )
    candidates: dict[str, int] = Field(
        default_factory=dict,
        description='With way = "stub": recipients, and the number of the candidate each of them is.',
    )
    dated: Literal["created_at", "donation_date"] = Field(
        "created_at",
        description='With way = "stub": what the time of a gift is sent as. "created_at" dates the action and the '
        'money, "donation_date" the money alone: the action is of the moment it is written down.',
    )
    refund_by: RefundBy = Field(
        "status",
        description='"status": the payment is marked as reversed, which is right for money that was taken elsewhere. '
        '"reverse": ActionKit is told to reverse it, processor and all.',
    )
    canceled_by: CanceledBy = Field("user", description="Who is said to have ended a recurring donation.")
    batch: BatchSettings = Field(
        BatchSettings(records=25),
        description="How many gifts are looked for in one report. They are written down one by one.",
    )
    wait_for_gift: Duration = Field(
        timedelta(minutes=2),
        le=timedelta(days=1),
        description="How long a refund or cancellation waits for a donation that is not there (yet), before it becomes "
        "a dead letter. What waits about the same person goes first; what comes meanwhile waits up to a minute.",
    )
    settle: Duration = Field(
        timedelta(seconds=30),
        ge=timedelta(seconds=5),
        description="How long ActionKit may still be busy with a call whose answer was lost. What has no import id "
        "waits for it after a start and after a lost answer, and is then looked for.",
    )

    @model_validator(mode="after")
    def _fit_together(self) -> "ActionKitDonationsSettings":
        if has_fields(self.page) and self.page_without_form is None:
            raise ValueError("has fields in `page`, and no page_without_form for gifts that lack them; give one")
        if not has_fields(self.page) and self.page_without_form is not None:
            raise ValueError("has page_without_form, and no field in `page` that could be missing; leave it out")
        if self.candidates and self.way != "stub":
            raise ValueError('has candidates, which only way = "stub" can name')
        if self.dated != "created_at" and self.way != "stub":
            raise ValueError('has dated = "donation_date", which only way = "stub" can send')
        return self

    @property
    def writes_gifts(self) -> bool:
        return self.enabled

    def warnings(self) -> list[tuple[str, str]]:
        words = (
            "is true: donations are written down. If ActBlue or anybody else reports them to this ActionKit too, each "
            "counts twice; make sure that only one of them does"
            if self.enabled
            else "is not set, so no donation is written down: all are skipped. Set it to true to begin"
        )
        return [("enabled", words)]
