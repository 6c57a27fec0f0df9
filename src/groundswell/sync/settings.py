"""`[sync.NAME]` in the configuration."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from groundswell.members.consent import FirstContact
from groundswell.members.identity import Prefer
from groundswell.members.modes import EMAIL_MODES, ModeName
from groundswell.settings import Duration, Rate, RateLimit, Settings

CANONICAL: Final = (
    "first_name", "last_name", "email", "address1", "address2", "city", "state", "zip", "country",
)  # fmt: skip
DEFAULT_REGION: Final = "US"


class FieldSettings(Settings):
    """How one field is kept in step, at length."""

    mode: ModeName = Field("populate", description="See docs/sync.md for what each mode does.")
    remote: str | None = Field(
        None, description='The field at the vendor, where it has another name: "user_favorite_color", "custom.Colour".'
    )
    clear: bool = Field(
        False, description="Whether a value that was emptied empties the other side, where it may overwrite."
    )


class ActionGroup(Settings):
    """A group of everybody who took an action with a field, perhaps with a value."""

    name: str = Field(min_length=1, description="The group.")
    page: str | None = Field(None, description="Only of this page, by its number or title; without it, any page.")
    field: str = Field(min_length=1, description="The field of the action.")
    value: str | None = Field(None, description="Only with this value; without it, with any.")


def _check_field(name: str) -> str:
    if name in CANONICAL or (name.startswith("custom.") and name != "custom."):
        return name
    if name in ("phone", "sms_opt_in"):
        raise ValueError(f'"{name}" is kept in step by itself; leave it out')
    raise ValueError(f'"{name}" is no field of a member; there is {", ".join(CANONICAL)}, and custom.<name>')


class SyncSettings(Settings):
    """Keeps one account and the members in step, field by field, in both directions."""

    account: str = Field(description="The account: of type actionkit or action_network.")
    enabled: bool = Field(
        True, description="false stops it: nothing is read or written, and what is known stays for a later return."
    )
    every: Duration = Field(timedelta(minutes=10), gt=timedelta(0), description="How often to look for what changed.")
    rate: RateLimit = Field(Rate(calls=1000, per_s=60.0), description="Records written there, at most.")
    opt_in_field: str = Field(
        "sms_opt_in", min_length=1, description="ActionKit: the user field that holds the SMS opt-in."
    )
    phone_types: list[Literal["mobile", "work", "home", "emergency"]] = Field(
        ["mobile", "work", "home"], description="ActionKit: the types of phones to look at, the best first."
    )
    region: str = Field(
        DEFAULT_REGION, pattern="^[A-Z]{2}$", description="The country of phones that are written without its code."
    )
    prefer: Prefer = Field(
        "first", description="Which of several people with one phone is linked: by their number, newest, or opted in."
    )
    first_contact: FirstContact = Field(
        "member",
        description="Whose SMS opt-in counts when a person is linked to a member who was there before: the "
        'member\'s, or "stop": whoever says no. With two syncs, "stop" keeps every no.',
    )
    create_users: bool = Field(False, description="Make people there of members who have an email and are not there.")
    create_for: Literal["group", "everybody"] = Field(
        "group", description="Of which members: those in the primary group, or all."
    )
    import_page: str | None = Field(None, description="ActionKit: the page on which every write is an action.")
    member_field: str = Field("groundswell_member", description="The action field that holds the member's number.")
    former_field: str = Field("former_data", description="The action field that holds what was there before, as JSON.")
    primary_group: str | None = Field(None, description="The group of all who are linked; without it, of no name.")
    pages: list[str] = Field(
        [], description='Pages whose actions make groups of their name, by number or title; "*" is all of them.'
    )
    usergroups: list[str] = Field([], description="ActionKit: usergroups that are mirrored, by name.")
    groups: list[ActionGroup] = Field([], description="Groups by what stood in an action.")
    fields: dict[Annotated[str, AfterValidator(_check_field)], ModeName | FieldSettings] = Field(
        {"first_name": "populate", "last_name": "populate", "email": "populate", "city": "populate",
         "state": "populate", "zip": "populate"},
        description="The fields, each with its mode, or a table of mode, remote and clear.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _keeps_emails(self) -> "SyncSettings":
        email = self.fields.get("email")
        mode = email.mode if isinstance(email, FieldSettings) else email
        if mode is not None and mode not in EMAIL_MODES:
            raise ValueError(
                f'fields.email is "{mode}", and an email is who somebody is there: write "populate" or "to_member"'
            )
        return self

    def problems(self, vendor: str, core: Sequence[str]) -> Iterator[tuple[tuple[str, ...], str]]:
        """What an account of this type needs or does not have: (where, what). `core`: the fields its people have."""
        if vendor == "actionkit" and self.import_page is None:
            yield ("import_page",), "is missing; ActionKit takes changes as actions on a page: write its short name"
        for name in self.fields:
            remote = self.remote_name(name)
            if not remote.startswith("custom.") and remote not in core:
                yield ("fields", name), f'would stand in "{remote}", which {vendor} does not have'

    def field(self, name: str) -> FieldSettings:
        """How one field is kept, at length."""
        given = self.fields[name]
        return given if isinstance(given, FieldSettings) else FieldSettings(mode=given)

    def remote_name(self, name: str) -> str:
        """Where it stands in their people, by canonical name: "user_color" is "custom.color"."""
        remote = self.field(name).remote or name
        if remote.startswith("user_"):
            return f"custom.{remote.removeprefix('user_')}"
        return remote
