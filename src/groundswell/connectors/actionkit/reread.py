"""What a push is about, read anew: a push is a trigger, unordered, and of a shape nobody wrote down."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio
import structlog

from groundswell.connectors.actionkit.client import ActionKit, Resource
from groundswell.connectors.actionkit.faults import MissingError
from groundswell.connectors.actionkit.pushed import Push, user_id_of
from groundswell.connectors.actionkit.transport import Caller
from groundswell.errors import RateLimitedError, RemoteError, UnavailableError

REREAD_S: Final = 8.0
"""For all calls together, waiting for their turn included. SNS waits 15 s for its answer, as is generally known (I)."""
TRIES: Final = 3
"""Of each call, in that time: what is taken as it was pushed stays so, as its id is known then."""

T = TypeVar("T")

log = structlog.get_logger()


class Reread:
    """Reads actions and users anew over one account."""

    def __init__(self, client: ActionKit, component: str) -> None:
        self._client = client
        self._caller = Caller(component)
        self._is_in_trouble = False

    async def of(self, push: Push, action_id: str) -> Push | None:
        """The push with action and user as the API shows them now; None when they cannot be had in time.

        The push itself where they will never be had: then it is all there is.
        """
        try:
            fresh = await self._read(push, action_id)
        except MissingError:  # deleted since
            return push
        except RemoteError as exc:
            self._trouble(exc)
            return None
        if self._is_in_trouble:
            self._is_in_trouble = False
            log.warning("pushes_are_read_anew_again", component=self._caller.component)
        return fresh

    async def _read(self, push: Push, action_id: str) -> Push:
        with anyio.move_on_after(REREAD_S):
            action = await _tried(lambda: self._client.get(self._caller, "action", action_id))
            user_id = user_id_of({"action": action, "user": push.get("user")})
            if user_id is None:
                return {**push, "action": action}
            user = await _tried(lambda: self._client.get(self._caller, "user", user_id))
            if user.get("phones"):
                user["phones"] = await _tried(lambda: self._phones(user_id))
            return {**push, "action": action, "user": user}
        raise UnavailableError(
            f"{self._caller.component}: reading what a push is about: {self._client.host} did not answer, or its rate "
            f"left no turn, within {REREAD_S:g} s"
        )

    async def _phones(self, user_id: str) -> list[Resource]:
        """Users show addresses of phones (W), which say no number."""
        page = await self._client.page(self._caller, "phone", order_by="id", where=[("user", user_id)])
        return list(page.objects)

    def _trouble(self, error: RemoteError) -> None:
        if not self._is_in_trouble:
            self._is_in_trouble = True
            log.warning("pushes_are_not_read_anew", component=self._caller.component, error=str(error))


async def _tried(call: Callable[[], Awaitable[T]]) -> T:
    """A call that may fail for a moment: again at once, as the account's limiter sees to the pause they want."""
    for _ in range(TRIES - 1):
        try:
            return await call()
        except (UnavailableError, RateLimitedError):
            continue
    return await call()
