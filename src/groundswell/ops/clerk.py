"""The clerk: has the desk do what a caller asks, if they may, and writes down who changed what."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, NoReturn, TypeVar

import anyio
import msgspec
import structlog
from msgspec import Struct

from groundswell.clock import Clock, milliseconds
from groundswell.errors import ConfigError, RefusedError, RequestError, StoreFullError
from groundswell.logs import mask
from groundswell.ops.caller import Caller
from groundswell.ops.desk import Desk
from groundswell.ops.operations import Operation, Stream
from groundswell.ops.tap_messages import AskTap
from groundswell.store.audit import Act, ActEnded, AuditLog, Outcome

NOTE_MAX: Final = 300
"""Letters of why something was not done."""

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)

log = structlog.get_logger()


class Clerk:
    """Every operation goes through here, whoever asks and however."""

    def __init__(self, desk: Desk, audit: AuditLog, clock: Clock, *, tells_log: bool = True) -> None:
        """`tells_log`: the log of the daemon says it, too."""
        self._desk = desk
        self._audit = audit
        self._clock = clock
        self._tells_log = tells_log

    def check(self, caller: Caller, operation: Operation[Any, Any]) -> None:
        """Raises RefusedError (403) when this caller may not have this done, whatever they ask."""
        if not may(caller, operation):
            what = "changes something" if caller.may_see_people or not operation.shows_people else "shows personal data"
            self._refuse(caller, operation.name, what)

    async def run(self, caller: Caller, operation: Operation[Q, A], asked: Q) -> A:
        """Have it done. Raises what the operation raises, and RefusedError (403)."""
        self.check(caller, operation)
        if operation.only_looks:
            return await operation.run(self._desk, asked)
        number = await self._begin(caller, operation.name, audited(operation, asked))
        try:
            answer = await operation.run(self._desk, asked)
        except (RefusedError, RequestError, ConfigError) as exc:
            await self._end(number, caller, operation.name, "refused", str(exc))
            raise
        except Exception as exc:  # its own text may be about people
            await self._end(number, caller, operation.name, "failed", type(exc).__name__)
            raise
        await self._end(number, caller, operation.name, "done", None)
        return answer

    @asynccontextmanager
    async def watching(self, caller: Caller, stream: Stream, asked: AskTap) -> AsyncIterator[None]:
        """While a caller looks. That they see personal data is written down. Raises RefusedError (403)."""
        if not asked.reveal:
            yield
            return
        if not caller.may_see_people:
            self._refuse(caller, stream.name, "with `reveal` shows personal data")
        number = await self._begin(caller, stream.name, audited(stream, asked))
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await self._end(number, caller, stream.name, "done", None)

    def _refuse(self, caller: Caller, name: str, what: str) -> NoReturn:
        if self._tells_log:
            log.warning("operation_refused", operation=name, way=caller.way, place=caller.place)
        raise RefusedError(403, f"{name} {what}, and this login is only for looking; log in with another")

    async def _begin(self, caller: Caller, name: str, arguments: dict[str, Any]) -> int | None:
        now = milliseconds(self._clock.now())
        act = Act(now, caller.way, caller.name, caller.place, name, msgspec.json.encode(arguments))
        try:
            return await self._audit.begin(act)
        except StoreFullError:  # dropping something may be just what makes room
            if self._tells_log:
                log.error("audit_not_written", operation=name, why="the state file has no room")
            return None

    async def _end(self, number: int | None, caller: Caller, name: str, outcome: Outcome, said: str | None) -> None:
        note = None if said is None else mask(said)[:NOTE_MAX]
        if self._tells_log:
            who = {"way": caller.way, "user": caller.name, "place": caller.place}
            log.info("operation", operation=name, outcome=outcome, **who)
        if number is not None:
            try:
                await self._audit.end(ActEnded(number, outcome, note))
            except StoreFullError:
                log.error("audit_not_written", operation=name, why="the state file has no room")


def may(caller: Caller, operation: Operation[Any, Any]) -> bool:
    """Whether this caller may have this done at all."""
    return (caller.may_change or operation.only_looks) and (caller.may_see_people or not operation.shows_people)


def audited(operation: Operation[Any, Any] | Stream, asked: Struct) -> dict[str, Any]:
    """What may be written down of a request: the fields its operation names, where they say something."""
    given = msgspec.to_builtins(asked)
    found = {name: given[name] for name in operation.audited if given.get(name) not in (None, False)}
    return {name: mask(value) if isinstance(value, str) else value for name, value in found.items()}
