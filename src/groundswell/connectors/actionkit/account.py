"""`[accounts.NAME] type = "actionkit"`: one staff account of one ActionKit instance, and its rate."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from yarl import URL

from groundswell.component import Context
from groundswell.connectors.actionkit.client import ActionKit
from groundswell.connectors.actionkit.transport import Caller
from groundswell.http.addresses import address_in
from groundswell.http.limits import Limiter
from groundswell.settings import Duration, Rate, RateLimit, SecretText, Settings


def _check_url(text: str) -> str:
    url = address_in(text if "://" in text else f"https://{text}")
    if url is None or url.query_string or url.fragment:
        raise ValueError('is not a host; write "act.example.org" or "https://act.example.org"')
    if url.user is not None or url.password is not None:
        raise ValueError("holds a user name or password; write them as username and password")
    if url.path not in ("", "/"):
        raise ValueError("holds a path; write the host alone, /rest/v1/ is known")
    return str(url.with_path("/rest/v1/"))


class ActionKitAccountSettings(Settings):
    """A staff account of one ActionKit instance."""

    type: Literal["actionkit"]
    host: Annotated[str, AfterValidator(_check_url)] = Field(
        description='The instance: "act.example.org", or "example.actionkit.com".'
    )
    username: str = Field(min_length=1, description="The staff account's user name.")
    password: SecretText = Field(description="The staff account's password.")
    rate: RateLimit = Field(
        Rate(calls=1000, per_s=60.0), description="Calls, of all sources and sinks of this account together."
    )
    at_once: int = Field(
        4,
        ge=1,
        le=64,
        description="Calls under way at a time. ActionKit answers 429 to too many; how many, nobody says.",
    )
    timeout: Duration = Field(
        timedelta(seconds=60), gt=timedelta(0), description="How long one call may take, its wait for a turn aside."
    )

    def warnings(self) -> list[tuple[str, str]]:
        url = URL(self.host)
        if url.scheme != "https" and url.host not in ("127.0.0.1", "localhost", "::1"):
            return [("host", f"user name and password go to {url.host} unencrypted; use https")]
        return []


class ActionKitAccount:
    """The client of one staff account."""

    def __init__(self, settings: ActionKitAccountSettings, context: Context) -> None:
        self._name = context.name
        self.client = ActionKit(
            URL(settings.host),
            settings.username,
            settings.password.reveal(),
            context.http,
            Limiter(settings.rate, context.clock, settings.at_once),
            context.clock,
            timeout_s=settings.timeout.total_seconds(),
        )
        self.host = self.client.host

    async def check(self) -> str:
        """Try user name and password, changing nothing."""
        return await self.client.check(Caller(self._name))
