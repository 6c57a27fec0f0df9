"""Dead letters, as operators ask about them and set them going again."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

import msgspec
from msgspec import Raw

from groundswell.clock import Clock, milliseconds
from groundswell.errors import RequestError
from groundswell.ops.messages import (
    Letter,
    LetterGroup,
    Letters,
    LettersDropped,
    LetterShown,
    LettersRetried,
    ListLetters,
    PickLetters,
    ShowLetter,
    moment,
)
from groundswell.ops.place import Part
from groundswell.ops.record_messages import EditLetter, LetterEdited
from groundswell.record import UNREADABLE, Record, fault_in, from_json
from groundswell.runtime.daemon import Daemon
from groundswell.store.dead_letters import Selection
from groundswell.store.editing import Edit
from groundswell.store.store import DeadLetterRow, Store


class LettersDesk:
    """Answers what is asked about dead letters."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        parts: Callable[[], Mapping[str, Part]],
        daemon: Daemon | None,
        between_batches: Callable[[], AbstractAsyncContextManager[None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._parts = parts
        self._daemon = daemon
        self._between_batches = between_batches

    async def list_letters(self, asked: ListLetters) -> Letters:
        selection = Selection(component=asked.component, reason=asked.reason)
        groups = [
            group
            for group in await self._store.dead_groups()
            if asked.component in (None, group.component) and asked.reason in (None, group.reason)
        ]
        rows = await self._store.dead_list(selection, asked.limit + 1, asked.after)
        letters = [letter_of(row) for row in rows[: asked.limit]]
        return Letters(
            total=sum(group.count for group in groups),
            groups=[LetterGroup(group.component, group.reason, group.count) for group in groups],
            letters=letters,
            next_after=letters[-1].id if len(rows) > asked.limit else None,
            newest=max((group.newest for group in groups), default=0),
        )

    async def show(self, asked: ShowLetter) -> LetterShown:
        row = await self._store.dead_show(asked.id)
        body = row.letter.body or b""
        if is_json(body):
            return LetterShown(letter_of(row), body=Raw(body), unreadable=None)
        return LetterShown(letter_of(row), body=Raw(b"null"), unreadable=body)

    async def retry(self, picked: PickLetters) -> LettersRetried:
        selection = _selection(picked)
        async with self._between_batches():
            retried = await self._store.retry_dead(selection, self._now())
            gone = [name for name, count in retried.deliver.items() if self._is_gone_after(name, count)]
            if self._daemon is not None and retried.process:
                self._daemon.supervisor.processor.look_for_replays()
        return LettersRetried(retried.process, retried.deliver, gone)

    async def edit(self, asked: EditLetter) -> LetterEdited:
        record = _record_of(asked.record)
        async with self._between_batches():
            edited = await self._store.edit_dead(Edit(asked.id, record, self._now()))
            is_gone = self._is_gone_after(edited.sink, 1)
        return LetterEdited(asked.id, edited.sink, edited.changed, is_gone)

    async def drop(self, picked: PickLetters) -> LettersDropped:
        return LettersDropped(await self._store.drop_dead(_selection(picked)))

    def _is_gone_after(self, sink: str, count: int) -> bool:
        """Tell a sink of deliveries nobody offered it; whether there is none to be told.

        Nothing may come between the commit and this: what is committed later is offered to the sinks, and they would
        look for these only behind it.
        """
        runner = self._daemon.supervisor.sinks.get(sink) if self._daemon else None
        if runner is not None:
            runner.look_on_disk(count)
        return runner is None and sink not in self._parts()

    def _now(self) -> int:
        return milliseconds(self._clock.now())


def _selection(picked: PickLetters) -> Selection:
    """The store's way to say the same. Raises RequestError unless it is said in one way."""
    by_kind = picked.component is not None or picked.reason is not None
    if [picked.ids is not None, by_kind, picked.all].count(True) != 1:
        raise RequestError("say which dead letters in one way: by ids, by component and reason, or all")
    if picked.ids is not None and picked.up_to is not None:
        raise RequestError("up_to is for dead letters that are not named one by one; leave it out beside ids")
    return Selection(picked.ids, picked.component, picked.reason, picked.up_to)


def _record_of(text: str) -> Record:
    """Raises RequestError, whose words name the place and never what stands there."""
    try:
        return from_json(text)
    except msgspec.ValidationError as exc:
        raise RequestError(f"this is not a record: {fault_in(exc)}; {_WHOLE}") from None
    except UNREADABLE as exc:
        raise RequestError(f"this is {fault_in(exc)}; {_WHOLE}") from None


_WHOLE: Final = "write the whole record, as `groundswell dead show` shows it"


def letter_of(row: DeadLetterRow) -> Letter:
    """A dead letter as it is told of, without what people wrote."""
    letter = row.letter
    return Letter(
        id=row.id,
        stage=letter.stage,
        component=letter.component,
        reason=letter.reason,
        message=letter.message,
        record_id=letter.record_id,
        kind=letter.kind,
        source=row.source,
        attempts=letter.attempts,
        created_at=moment(letter.created_at),
        received_at=None if row.received_at is None else moment(row.received_at),
    )


def is_json(body: bytes) -> bool:
    """Whether it can go out as it is, in an answer that is JSON."""
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True
