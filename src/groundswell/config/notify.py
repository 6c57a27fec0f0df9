"""`[[ops.notify]]`: who is told when something needs a person."""

from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from groundswell.http.addresses import PostUrl, is_host
from groundswell.settings import Duration, SecretText, Settings

_ADDRESS: Final = r"^[^\s@<>,]+@[^\s@<>,]+$"


def _check_host(name: str) -> str:
    if not is_host(name):
        raise ValueError('is no name of a machine; write "mail.example.org"')
    return name


class NotifySettings(Settings):
    """What all ways have."""

    after: Duration = Field(
        timedelta(minutes=2), description="How long something must stand before it is told; likewise that it is well."
    )


class WebhookNotify(NotifySettings):
    """Posts `{"text": "..."}`, which Slack, Mattermost and others take as a message."""

    type: Literal["webhook"]
    url: PostUrl = Field(description="Where to post. Whoever knows it can post there: keep it where secrets are kept.")


class MailNotify(NotifySettings):
    """Sends a mail."""

    type: Literal["mail"]
    host: Annotated[str, AfterValidator(_check_host)] = Field(description="The mail server.")
    port: int = Field(587, ge=1, le=65_535, description="Its port.")
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description='"starttls" (port 587), "tls" from the first byte (465), or "none" on this machine.'
    )
    username: str | None = Field(None, description="The login there; left out where it takes none.")
    password: SecretText | None = Field(None, description="Its password.")
    sender: str = Field(pattern=_ADDRESS, description="The address it comes from.")
    to: list[Annotated[str, Field(pattern=_ADDRESS)]] = Field(min_length=1, max_length=20, description="Who gets it.")

    @model_validator(mode="after")
    def _can_log_in(self) -> "MailNotify":
        if (self.username is None) != (self.password is None):
            raise ValueError("needs both username and password, or neither")
        if self.password is not None and not f"{self.username}{self.password.reveal()}".isascii():
            raise ValueError("can log in only with a username and password of ASCII characters")
        return self


Notify = Annotated[WebhookNotify | MailNotify, Field(discriminator="type")]
