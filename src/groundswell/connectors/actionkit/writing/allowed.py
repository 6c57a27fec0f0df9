"""Custom user fields: each must be there, as an "allowed user field", before anybody can have a value in it (D)."""

from collections.abc import Iterable

import anyio

from groundswell.connectors.actionkit.client import ActionKit
from groundswell.connectors.actionkit.faults import ConflictError, InvalidError, MissingError
from groundswell.connectors.actionkit.transport import Caller


def explained(error: InvalidError, names: Iterable[str]) -> InvalidError:
    """With what to do about it, where it is about one of these custom fields."""
    about = {told for name in names for told in (name, f"user_{name}")} & error.fields.keys()
    if not about:
        return error
    words = "if the field is not there, make it in ActionKit or set `create_user_fields = true`, then retry this"
    return InvalidError(f"{error}; {words}", error.fields)


class AllowedFields:
    """Makes those that are missing. What was there once is not asked for again until the next start."""

    def __init__(self, client: ActionKit, caller: Caller) -> None:
        self._client = client
        self._caller = caller
        self._there: set[str] = set()
        self._lock = anyio.Lock()

    async def ensure(self, names: Iterable[str]) -> None:
        """See to it that these are there. Raises RemoteError."""
        missing = sorted(set(names) - self._there)
        if not missing:
            return
        async with self._lock:
            for name in missing:
                if name not in self._there:
                    await self._ensure(name)
                    self._there.add(name)

    async def _ensure(self, name: str) -> None:
        try:
            await self._client.get(self._caller, "alloweduserfield", name)
        except MissingError:
            try:
                await self._client.post(self._caller, "alloweduserfield", {"name": name})
            except ConflictError:
                return  # somebody was quicker
