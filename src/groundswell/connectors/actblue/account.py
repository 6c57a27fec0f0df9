"""`[accounts.NAME] type = "actblue"`: the API credentials of one ActBlue entity, and their rate."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from yarl import URL

from groundswell.component import Context
from groundswell.connectors.actblue.client import ActBlue
from groundswell.connectors.actblue.transport import Caller, Transport
from groundswell.http.addresses import address_in
from groundswell.http.limits import Limiter
from groundswell.settings import Duration, Rate, RateLimit, SecretText, Settings, is_loopback


def _check_url(text: str) -> str:
    url = address_in(text if "://" in text else f"https://{text}")
    if url is None or url.query_string or url.fragment:
        raise ValueError('is not a host; write "secure.actblue.com"')
    if url.user is not None or url.password is not None:
        raise ValueError("holds a user name or password; write them as client_uuid and client_secret")
    if url.path not in ("", "/"):
        raise ValueError("holds a path; write the host alone, /api/v1 is known")
    return str(url.with_path("/api/v1/"))


class ActBlueAccountSettings(Settings):
    """API credentials of one ActBlue entity: for CSV files of what was given. Webhooks need no account."""

    type: Literal["actblue"]
    client_uuid: str = Field(
        min_length=1, description='The client UUID of "API Credentials" in the ActBlue dashboard.', pattern=r"^[^:\s]+$"
    )
    client_secret: SecretText = Field(description="The client secret, shown there once.")
    host: Annotated[str, AfterValidator(_check_url)] = Field(
        "https://secure.actblue.com/api/v1/", description="Where ActBlue is; a simulator, in trials."
    )
    rate: RateLimit = Field(
        Rate(calls=10, per_s=60.0), description="Calls, of all sources of this account together. ActBlue allows 10/min."
    )
    timeout: Duration = Field(
        timedelta(seconds=60), gt=timedelta(0), description="How long one call may take, its wait for a turn aside."
    )

    def warnings(self) -> list[tuple[str, str]]:
        url = URL(self.host)
        if url.scheme != "https" and not is_loopback(url.host or ""):
            return [("host", f"the client secret goes to {url.host} unencrypted; use https")]
        return []


class ActBlueAccount:
    """The client of one entity's credentials."""

    def __init__(self, settings: ActBlueAccountSettings, context: Context) -> None:
        self._name = context.name
        transport = Transport(
            URL(settings.host),
            settings.client_uuid,
            settings.client_secret.reveal(),
            context.http,
            Limiter(settings.rate, context.clock),
            timeout_s=settings.timeout.total_seconds(),
        )
        self.client = ActBlue(transport)
        self.host = transport.host

    async def check(self) -> str:
        """Try the credentials; no file is made."""
        return await self.client.check(Caller(self._name))
