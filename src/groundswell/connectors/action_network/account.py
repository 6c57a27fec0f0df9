"""`[accounts.NAME] type = "action_network"`: one API key, and the rate that all its sources and sinks share."""

from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field
from yarl import URL

from groundswell.component import Context
from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.transport import Caller
from groundswell.http.addresses import address_in
from groundswell.http.client import host_of
from groundswell.http.limits import Limiter
from groundswell.settings import Duration, Rate, RateLimit, SecretText, Settings, is_loopback

BASE_URL: Final = "https://actionnetwork.org/api/v2/"


def _check_base_url(text: str) -> str:
    url = address_in(text)
    if url is None or url.query_string or url.fragment:
        raise ValueError('is not an address; write "https://host/path/"')
    if url.user is not None or url.password is not None:
        raise ValueError("holds a user name or password, which Action Network does not take; leave them out")
    return text if text.endswith("/") else f"{text}/"


class ActionNetworkAccountSettings(Settings):
    """An API key of one Action Network group (or, without tags, of one person)."""

    type: Literal["action_network"]
    token: SecretText = Field(description="The API key, from the group's page under Details, API & Sync.")
    rate: RateLimit = Field(
        Rate(calls=4, per_s=1.0), description="Calls of all this account's sources and sinks together. They allow 4/s."
    )
    timeout: Duration = Field(
        timedelta(seconds=60), gt=timedelta(0), description="How long one call may take, its wait for the rate aside."
    )
    base_url: Annotated[str, AfterValidator(_check_base_url)] = Field(
        BASE_URL, description="The entry point of the API. Another one is for trying things against the simulator."
    )

    def warnings(self) -> list[tuple[str, str]]:
        found = []
        url = URL(self.base_url)
        if url.scheme != "https" and not is_loopback(url.host or ""):
            found.append(("base_url", f"the API key goes to {url.host} unencrypted; use https"))
        if url.host == "actionnetwork.org" and self.rate.calls > 4 * self.rate.per_s:
            found.append(("rate", 'is more than the 4 calls a second Action Network allows; write "4/s"'))
        return found


class ActionNetworkAccount:
    """The client of one API key."""

    def __init__(self, settings: ActionNetworkAccountSettings, context: Context) -> None:
        url = URL(settings.base_url)
        self.host = host_of(url)
        self._name = context.name
        self.client = ActionNetwork(
            url,
            settings.token.reveal(),
            context.http,
            Limiter(settings.rate, context.clock),
            context.clock,
            timeout_s=settings.timeout.total_seconds(),
        )

    async def check(self) -> str:
        """Try the key, changing nothing."""
        return await self.client.check(Caller(self._name))
