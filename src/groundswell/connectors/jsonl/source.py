"""The `jsonl` source: a file of JSON, one object a line, read once or followed as it grows."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal

import anyio.to_thread
import msgspec
import structlog
from msgspec import UNSET, Struct, UnsetType
from pydantic import Field

from groundswell.component import NOTHING_NEW, Arrival, Batch, Context, Cursor, Emit
from groundswell.connectors.common.objects import Objects, ObjectSettings, parse_object
from groundswell.connectors.common.rest import Rest
from groundswell.connectors.jsonl.lines import LINE_BYTES_MAX, Line, LineFile
from groundswell.errors import RecordError, UnavailableError
from groundswell.record import Record
from groundswell.settings import Duration, SourceSettings

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

log = structlog.get_logger()


class JsonlSourceSettings(SourceSettings, ObjectSettings):
    """Reads a file with one JSON object a line."""

    path: str = Field(description="The file, relative to the configuration file.", min_length=1)
    format: Literal["json", "record"] = Field(
        "record",
        description='What a line is. "record": a record as the jsonl sink writes it, which keeps its id. "json": '
        "anything; `map_fields` reads it at `raw`.",
    )
    follow: bool = Field(
        False, description="Wait at the end for more, and go over to a new file when the file is replaced."
    )
    every: Duration = Field(
        timedelta(seconds=1), gt=timedelta(0), description="With `follow`: how often to look for more."
    )


class JsonlSource:
    """Hands over every line exactly once, across restarts.

    A line nobody can read becomes a dead letter that says where it is, and never stops the others.
    """

    def __init__(self, settings: JsonlSourceSettings, context: Context) -> None:
        self._name = context.name
        self._rest = Rest(context.clock)
        self._shown_path = settings.path
        self._path = context.directory / settings.path
        self._follow = settings.follow
        self._every_s = settings.every.total_seconds()
        self._objects = Objects(context.name, settings)
        self._bad_prefix = f"{context.name}:!"
        """How the ids of lines begin that nobody can read."""

    async def run(self, cursor: Cursor | None, emit: Emit) -> None:
        try:
            file = await anyio.to_thread.run_sync(LineFile, self._path, cursor)
            with file:
                if file.is_another:
                    self._say_anew("the file is not the one read before")
                is_replaced = await self._read(file, emit)
            while is_replaced:
                self._say_anew("the file was replaced or cut short")
                with await anyio.to_thread.run_sync(LineFile, self._path, None) as file:
                    is_replaced = await self._read(file, emit)
        except OSError as exc:
            raise UnavailableError(
                f"{self._name}: {self._shown_path} cannot be read: {exc.strerror or type(exc).__name__}; "
                "it will be tried again"
            ) from exc

    def look_now(self) -> bool:
        return self._rest.end()

    def read(self, arrival: Arrival) -> Record:
        bad_line = self._bad_line(arrival)
        return self._objects.read(arrival) if bad_line is None else self._read_again(arrival, bad_line)

    async def _read(self, file: LineFile, emit: Emit) -> bool:
        """Hand over a file's lines. True when another file took its place, False at the end of one not followed."""
        while True:
            await self._hand_over_lines(file, emit)
            is_replaced = await anyio.to_thread.run_sync(file.was_replaced)
            if is_replaced:
                await self._hand_over_lines(file, emit)  # what was written between the last look and the change
            if is_replaced or not self._follow:
                if rest := await anyio.to_thread.run_sync(file.rest):
                    await self._hand_over([rest], file, emit)
                return is_replaced
            await emit(NOTHING_NEW)
            await self._rest.take(self._every_s)

    async def _hand_over_lines(self, file: LineFile, emit: Emit) -> None:
        while lines := await anyio.to_thread.run_sync(file.next_lines):
            await self._hand_over(lines, file, emit)

    async def _hand_over(self, lines: Sequence[Line], file: LineFile, emit: Emit) -> None:
        arrivals = [self._arrival(line) for line in lines if line.text.strip()]
        if arrivals:
            await emit(Batch(arrivals, file.cursor))

    def _arrival(self, line: Line) -> Arrival:
        if line.is_too_long:
            return self._unreadable(line, f"it is longer than {LINE_BYTES_MAX} bytes; only its beginning is kept here")
        text = (line.text if line.offset else line.text.removeprefix(_BYTE_ORDER_MARK)).strip()
        try:
            return self._objects.arrival(text, parse_object(text))
        except RecordError as exc:
            return self._unreadable(line, str(exc))

    def _unreadable(self, line: Line, problem: str) -> Arrival:
        """An arrival that stands for a line which is no object or has no id. Its id is not one that any object gets."""
        digest = hashlib.sha256(line.text).hexdigest()[:16]
        bad_line = _BadLine(self._shown_path, line.offset, line.size, problem, is_whole=not line.is_too_long)
        try:
            bad_line.text = line.text.decode()
        except UnicodeDecodeError:
            bad_line.base64 = base64.b64encode(line.text).decode()
        return Arrival(f"{self._bad_prefix}{line.offset}.{digest}", msgspec.json.encode(bad_line), bad_line)

    def _bad_line(self, arrival: Arrival) -> "_BadLine | None":
        if isinstance(arrival.seen, _BadLine):
            return arrival.seen
        if not arrival.id.startswith(self._bad_prefix):
            return None
        try:
            return msgspec.json.decode(arrival.raw, type=_BadLine)
        except msgspec.ValidationError:
            return None  # a record that came with such an id

    def _read_again(self, arrival: Arrival, bad_line: "_BadLine") -> Record:
        """A line may have no id because `id_field` was wrong; once that is mended, its dead letter can be retried."""
        try:
            if bad_line.text is UNSET or not bad_line.is_whole:
                raise RecordError(bad_line.problem)
            text = bad_line.text.strip().encode()
            seen = parse_object(text)
            self._objects.arrival(text, seen)
            return self._objects.read(Arrival(arrival.id, text, seen))
        except RecordError as exc:
            where = f"the line at byte {bad_line.offset} of {bad_line.file}"
            raise RecordError(f"{where} cannot be read: {exc}", exc.reason) from None

    def _say_anew(self, why: str) -> None:
        log.warning(
            "file_read_from_the_start",
            component=self._name,
            path=self._shown_path,
            why=why,
            then="lines that were taken before are known by their ids",
        )


class _BadLine(Struct, omit_defaults=True):
    """What the arrival of an unreadable line holds instead of an object."""

    file: str
    offset: int
    size: int
    problem: str
    is_whole: bool = True
    """Whether all of the line is here."""
    text: str | UnsetType = UNSET
    base64: str | UnsetType = UNSET
    """The line, when it is not UTF-8."""
