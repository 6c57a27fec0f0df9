"""Whether the state file is where it was opened: what is written to one that was deleted goes with the process."""

from pathlib import Path

from groundswell.errors import StoreError
from groundswell.store.database import log_of


class Whereabouts:
    """The files of an open state file, known by device and inode. Asking costs a few microseconds."""

    def __init__(self, path: Path) -> None:
        """Take note of the files there are. Raises OSError."""
        self._path = path
        self._known = {file: _identity(file) for file in (path, log_of(path)) if file.exists()}

    def check(self) -> None:
        """Raises StoreError: one of them is gone, or another file stands in its place."""
        for file, known in self._known.items():
            try:
                found = _identity(file)
            except OSError as exc:
                raise self._error(f"{file} is gone ({exc.strerror})") from exc
            if found != known:
                raise self._error(f"{file} is another file than the one that was opened")

    def _error(self, what: str) -> StoreError:
        return StoreError(
            f"{what}: it was moved, deleted or replaced while groundswell was using it, and nothing more is accepted. "
            f"Put the state file back, {self._path.name} with what stood beside it under that name, or restore the "
            "last backup; then start groundswell. Started without, it begins with an empty one"
        )


def _identity(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_dev, found.st_ino
