"""A vendor of the tests: an account, and a source on it that goes and looks and can be asked for what is past.

    vendor = Vendor()
    vendor.register(monkeypatch)

What its sources and accounts do, the test tells `vendor`; what was built and asked, it finds there.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import anyio
import pytest
from pydantic import Field

from groundswell import registry
from groundswell.component import Arrival, Context, Cursor, Emit, History
from groundswell.record import Person, Record
from groundswell.registry import ComponentType
from groundswell.runtime.build import Unconnected
from groundswell.settings import SecretText, Settings, SourceSettings

GIFT = "vendor:gift/"
KEY = "the-key-of-the-vendor"
ACCOUNT = f"""
    [accounts.main]
    type = "vendor"
    token = "{KEY}"
"""
POLL = """
    [sources.people]
    type = "vendor.poll"
    account = "main"
"""


class VendorAccountSettings(Settings):
    """A login at the vendor."""

    type: Literal["vendor"]
    token: SecretText = Field(description="The key.")
    host: str = Field("vendor.example.org", description="Where it is.")


class VendorPollSettings(SourceSettings):
    """Asks the vendor."""

    account: str = Field(description="Name of the account.")
    page: int = Field(1, description="Says nothing; another one makes another source.")


@dataclass(frozen=True, slots=True)
class Backfill:
    """One call of a source's `backfill`."""

    source: "VendorPoll"
    history: History
    cursor: Cursor | None
    emit: Emit


async def forever(_: object, __: object) -> None:
    await anyio.sleep_forever()


class Vendor:
    """What the test tells it, and what came of it."""

    def __init__(self) -> None:
        self.accounts: list[VendorAccount] = []
        """Every one ever built."""
        self.sources: list[VendorPoll] = []
        self.backfills: list[Backfill] = []
        """Every call, in order."""
        self.running = 0
        """Calls of `backfill` under way."""
        self.run: Callable[[Cursor | None, Emit], Awaitable[None]] = forever
        self.backfill: Callable[[Backfill], Awaitable[None]] = lambda asked: forever(asked, None)
        self.check: Callable[[VendorAccount], Awaitable[str]] = self._is_good

    @staticmethod
    async def _is_good(_: "VendorAccount") -> str:
        return "the key is good"

    def register(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Be known to configurations, as `vendor` and `vendor.poll`, for as long as the test lasts."""
        account = ComponentType(VendorAccountSettings, self._account)
        monkeypatch.setitem(registry.ACCOUNTS, "vendor", account)
        monkeypatch.setitem(registry.SOURCES, "vendor.poll", POLL_TYPE)

    def _account(self, settings: VendorAccountSettings, context: Context) -> "VendorAccount":
        self.accounts.append(VendorAccount(self, settings, context))
        return self.accounts[-1]


class VendorAccount:
    def __init__(self, vendor: Vendor, settings: VendorAccountSettings, context: Context) -> None:
        self.vendor = vendor
        self.name = context.name
        self.host = settings.host
        self.token = settings.token.reveal()

    async def check(self) -> str:
        return await self.vendor.check(self)


class VendorPoll:
    collections: Sequence[str] = ("people", "gifts")

    def __init__(self, settings: VendorPollSettings, context: Context) -> None:
        assert isinstance(context.account, VendorAccount | Unconnected)
        self.account = context.account
        self.name = context.name
        if isinstance(context.account, VendorAccount):
            self.vendor = context.account.vendor
            self.vendor.sources.append(self)

    async def run(self, cursor: Cursor | None, emit: Emit) -> None:
        await self.vendor.run(cursor, emit)

    async def backfill(self, asked: History, cursor: Cursor | None, emit: Emit) -> None:
        call = Backfill(self, asked, cursor, emit)
        self.vendor.backfills.append(call)
        self.vendor.running += 1
        try:
            await self.vendor.backfill(call)
        finally:
            self.vendor.running -= 1

    def read(self, arrival: Arrival) -> Record:
        kind: Literal["person", "donation"] = "donation" if arrival.id.startswith(GIFT) else "person"
        return Record(arrival.id, kind, self.name, person=Person(email=f"{arrival.id.replace('/', '.')}@example.org"))


POLL_TYPE = ComponentType(VendorPollSettings, VendorPoll, account="vendor")


def gifts(*numbers: int) -> list[Arrival]:
    return [Arrival(f"{GIFT}{number}", b"{}") for number in numbers]


def people(*numbers: int) -> list[Arrival]:
    return [Arrival(f"vendor:person/{number}", b"{}") for number in numbers]
