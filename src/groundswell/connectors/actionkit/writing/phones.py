"""Phones of a user, each once: they keep several of one kind, and take the same number as often as it is sent (W)."""

import re
from typing import Final

from groundswell.clock import Clock
from groundswell.connectors.actionkit.client import LIMIT_MAX, ActionKit, Resource
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.uris import of
from groundswell.connectors.common.unsettled import Unsettled

_NO_DIGIT: Final = re.compile(r"[^0-9]")
_WITH_ONE: Final = 11


def digits_of(phone: str) -> str:
    """What two ways of writing a number have in common: the digits, without the 1 of North America (W).

    How they write others is not known: if they drop a country code, a number is taken for another one, once.
    """
    digits = _NO_DIGIT.sub("", phone)
    return digits[1:] if len(digits) == _WITH_ONE and digits.startswith("1") else digits


class Phones:
    """Adds numbers that are not there. None is ever changed or taken away."""

    def __init__(self, client: ActionKit, caller: Caller, clock: Clock, kind: str, settle_s: float) -> None:
        self._client = client
        self._caller = caller
        self._kind = kind
        self._unsettled = Unsettled(clock, caller.component, settle_s, shows_at_once=True)

    async def add(self, user: Resource, phone: str) -> bool:
        """Give a user this number, unless it is theirs already, as whatever kind; whether anything was written.

        Raises:
            NotYetError: it may have been added a moment ago, by a try nobody heard of again.
        """
        number, digits = user.get("id"), digits_of(phone)
        if not isinstance(number, int) or not digits or await self._is_there(user, number, digits):
            return False
        key = f"{number}:{digits}"
        self._unsettled.check(key, "adding a phone")
        body = {"user": of("user", number), "type": self._kind, "phone": phone}
        with self._unsettled.trying(key):
            await self._client.post(self._caller, "phone", body)
        return True

    async def _is_there(self, user: Resource, number: int, digits: str) -> bool:
        if user.get("phones") == []:
            return False
        page = await self._client.page(
            self._caller, "phone", order_by="id", where=[("user", str(number))], limit=LIMIT_MAX
        )
        written = [one.get(name) for one in page.objects for name in ("phone", "normalized_phone")]
        return any(digits_of(phone) == digits for phone in written if isinstance(phone, str))
