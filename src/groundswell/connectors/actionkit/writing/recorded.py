"""Looks for actions of ours by the key they carry: whether a try that was never answered was recorded."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from groundswell.connectors.actionkit.client import ActionKit
from groundswell.connectors.actionkit.transport import Caller
from groundswell.errors import RejectedError, UnauthorizedError, UnavailableError

Look = Literal["sql", "actionfield"]
AT_ONCE_MAX: Final = 100
"""Keys in one query."""


class Doer(Struct, frozen=True):
    """Who is said to have done it: one of the two, or both."""

    email: str | None = None
    user_id: int | None = None


class Recorded:
    """Which keys are there.

    The query begins with the users, so that every step of it has an index: `core_actionfield` holds every answer
    anybody ever gave, and is not searched by value.
    """

    def __init__(self, client: ActionKit, caller: Caller, key_field: str, look: Look) -> None:
        self._client = client
        self._caller = caller
        self._key_field = key_field
        self._look = look

    async def among(self, sought: Mapping[str, Doer]) -> set[str]:
        """Those of these keys that an action of their doer carries.

        Raises:
            UnauthorizedError: the staff account may not look; nothing is written before it may.
        """
        if not sought:
            return set()
        try:
            return await (self._by_sql(sought) if self._look == "sql" else self._by_field(sought))
        except RejectedError as exc:
            what = "run reports" if self._look == "sql" else 'filter "actionfield" by name and value'
            other = "actionfield" if self._look == "sql" else "sql"
            raise UnauthorizedError(
                f"{self._caller.component}: looking for what is recorded already was refused ({exc.reason}); let the "
                f'staff account {what}, or set `look = "{other}"`'
            ) from exc
        except UnavailableError as exc:
            # Whatever breaks them, it is no delivery of ours: those have all the tries there are.
            raise UnavailableError(str(exc)) from exc

    async def _by_sql(self, sought: Mapping[str, Doer]) -> set[str]:
        found: set[str] = set()
        keys = list(sought)
        for start in range(0, len(keys), AT_ONCE_MAX):
            query, values = report({key: sought[key] for key in keys[start : start + AT_ONCE_MAX]}, self._key_field)
            rows = await self._client.sql(self._caller, query, values, "looking for what is recorded already")
            found |= {str(row[0]) for row in rows if row}
        return found & sought.keys()  # their database takes "A" and "a" for one

    async def _by_field(self, sought: Mapping[str, Doer]) -> set[str]:
        found = set()
        for key in sought:
            page = await self._client.page(
                self._caller, "actionfield", order_by="id", where=[("name", self._key_field), ("value", key)]
            )
            if any(one.get("value") == key for one in page.objects):
                found.add(key)
        return found


def report(sought: Mapping[str, Doer], key_field: str) -> tuple[str, dict[str, Any]]:
    """The query, and the values for the places in it."""
    values: dict[str, Any] = {"field": key_field}

    def places(prefix: str, found: list[Any]) -> str:
        values.update({f"{prefix}{number}": value for number, value in enumerate(found)})
        return ", ".join(f"{{{{ {prefix}{number} }}}}" for number in range(len(found)))

    emails = sorted({doer.email for doer in sought.values() if doer.email is not None})
    ids = sorted({doer.user_id for doer in sought.values() if doer.user_id is not None})
    who = [f"u.email IN ({places('e', emails)})"] if emails else []
    who += [f"u.id IN ({places('u', ids)})"] if ids else []
    query = (
        "SELECT f.value FROM core_user u JOIN core_action a ON a.user_id = u.id "  # noqa: S608 - places, no values
        "JOIN core_actionfield f ON f.parent_id = a.id "
        f"WHERE ({' OR '.join(who) or '1 = 0'}) AND f.name = {{{{ field }}}} "
        f"AND f.value IN ({places('k', list(sought))})"
    )
    return query, values
