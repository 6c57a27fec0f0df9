"""Signups sent as a careful sender sends them: each person's one after the other, again until answered 200."""

from collections import defaultdict
from random import Random
from uuid import UUID

import aiohttp
import anyio
import msgspec


def signature(number: UUID, person: int) -> bytes:
    """One Action Network signature event, of somebody with that number."""
    link = "https://actionnetwork.org/api/v2"
    body = {
        "identifiers": [f"action_network:{number}"],
        "created_date": "2026-05-02T11:00:09Z",
        "modified_date": "2026-05-02T11:00:09Z",
        "person": {
            "given_name": "Rosa",
            "email_addresses": [{"primary": True, "address": f"p{person}@example.org", "status": "subscribed"}],
        },
        "_links": {
            "self": {"href": f"{link}/petitions/77ab/signatures/{number}"},
            "osdi:person": {"href": f"{link}/people/{UUID(int=person)}"},
        },
    }
    return msgspec.json.encode([{"osdi:signature": body, "idempotency_key": number.hex}])


class Sender:
    """Sends signatures of some people side by side, and remembers what was answered 200, per person in order."""

    def __init__(self, url: str, random: Random, people: int = 16) -> None:
        self.url = url
        self._random = random
        self._people = people
        self.accepted: defaultdict[int, list[str]] = defaultdict(list)
        """By person, the ids of records answered 200, in the order they were sent."""
        self.statuses: defaultdict[int, int] = defaultdict(int)
        self._pending: dict[int, UUID] = {}
        """What a person sent and nobody answered yet; sent again first."""

    @property
    def ids(self) -> set[str]:
        return {one for ids in self.accepted.values() for one in ids}

    async def run(self, each: int | None = None) -> None:
        """Send until cancelled, or `each` signatures of every person."""
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
            anyio.create_task_group() as tasks,
        ):
            for person in range(self._people):
                tasks.start_soon(self._send, session, person, each)

    async def _send(self, session: aiohttp.ClientSession, person: int, each: int | None) -> None:
        sent = 0
        while each is None or sent < each:
            number = self._pending.setdefault(person, UUID(int=self._random.getrandbits(128), version=4))
            try:
                async with session.post(
                    self.url, data=signature(number, person), headers={"Content-Type": "application/json"}
                ) as answer:
                    await answer.read()
                    status = answer.status
            except (aiohttp.ClientError, OSError):
                status = 0
            self.statuses[status] += 1
            if status == 200:
                self.accepted[person].append(f"action_network:signature/{number}")
                del self._pending[person]
                sent += 1
            else:
                await anyio.sleep(0.01)
