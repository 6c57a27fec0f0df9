"""The `jsonl` sink: appends records to a file, one a line, safely on disk before they count as delivered."""

from collections.abc import Sequence

import anyio.to_thread
from pydantic import Field

from groundswell.component import Context, Delivered, Delivery, Outcome
from groundswell.connectors.jsonl.append import AppendFile
from groundswell.errors import UnavailableError
from groundswell.settings import BatchSettings, SinkSettings, Size


class JsonlSinkSettings(SinkSettings):
    """Appends records to a file, one JSON object a line."""

    path: str = Field(description="The file, relative to the configuration file.", min_length=1)
    rotate: Size = Field(
        100 * 2**20, ge=4096, description="A file that would grow past this is renamed to PATH.1, and a new one begun."
    )
    keep_files: int = Field(
        10, ge=1, le=10_000, description="Renamed files kept, PATH.1 being the newest. The oldest is deleted."
    )
    concurrency: int = Field(1, ge=1, le=1, description="Always 1: there is one end of a file to write at.")
    batch: BatchSettings = Field(
        BatchSettings(records=500), description="How many deliveries travel together; they share one flush to disk."
    )


class JsonlSink:
    """Each call writes its lines at once and flushes them to the disk."""

    def __init__(self, settings: JsonlSinkSettings, context: Context) -> None:
        self._name = context.name
        self._shown_path = settings.path
        self._file = AppendFile(context.directory / settings.path, settings.rotate, settings.keep_files, context.name)

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        lines = b"".join([delivery.body + b"\n" for delivery in deliveries])
        try:
            await anyio.to_thread.run_sync(self._file.append, lines)
        except OSError as exc:
            raise UnavailableError(
                f"{self._name}: writing {len(deliveries)} records to {self._shown_path}: "
                f"{exc.strerror or type(exc).__name__}; nothing of it was kept, it will be tried again"
            ) from exc
        return [Delivered()] * len(deliveries)

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(self._file.close)
