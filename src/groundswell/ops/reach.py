"""Getting an answer wherever it is: from the daemon while one runs, else from the state file itself."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from groundswell.clock import Clock
from groundswell.errors import NotFoundError, RefusedError, RequestError, StoreError, StoreLockedError
from groundswell.ops import token_file
from groundswell.ops.caller import of_command_line
from groundswell.ops.clerk import Clerk
from groundswell.ops.client import OpsError, ask_daemon
from groundswell.ops.desk import Desk
from groundswell.ops.operations import Operation
from groundswell.ops.place import Place
from groundswell.ops.requests import words_of
from groundswell.store.database import Lock
from groundswell.store.store import Store

PATIENCE_S: Final = 3.0
"""How long a daemon may take from holding the state file to answering: it may be starting."""
LOOK_AGAIN_S: Final = 0.1

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)


async def ask(place: Place, clock: Clock, operation: Operation[Q, A], request: Q) -> A:
    """Have an operation done.

    Raises:
        RefusedError: the request holds what no such request can hold.
        OpsError: the running daemon refused, or cannot be reached.
        RequestError: it cannot be done as asked (without a daemon).
        StoreError: the state file cannot be used.
    """
    request = _checked(operation, request)
    began = clock.monotonic()
    while True:
        try:
            if Lock(place.state).is_held():
                return await _ask_running(place, operation, request)
            return await _ask_file(place, clock, operation, request)
        except StoreLockedError:
            error: Exception = _unreachable(place)
        except OpsError as exc:
            if exc.was_asked:
                raise
            error = exc
        if clock.monotonic() - began > PATIENCE_S:
            raise error
        await clock.sleep(LOOK_AGAIN_S)


def _checked(operation: Operation[Q, A], request: Q) -> Q:
    """The request as the API would read it, so that nothing gets further on one way than on the other."""
    try:
        return msgspec.json.decode(msgspec.json.encode(request), type=operation.request)
    except msgspec.ValidationError as exc:
        raise RefusedError(400, f"this cannot be asked: {words_of(exc)}") from None
    except UnicodeEncodeError:
        raise RefusedError(400, "this cannot be asked: it holds bytes that are not UTF-8 text") from None


async def _ask_running(place: Place, operation: Operation[Q, A], request: Q) -> A:
    reach = token_file.read(place.token_file)
    if reach is None:
        raise _unreachable(place)
    return await ask_daemon(reach, operation, request)


def _unreachable(place: Place) -> OpsError:
    return OpsError(
        f"a groundswell is using {place.state}, but {place.token_file}, where it says how to reach it, is not there. "
        "It may still be starting; if it stays so, look at its log, and restart it",
        was_asked=False,
    )


async def _ask_file(place: Place, clock: Clock, operation: Operation[Q, A], request: Q) -> A:
    if operation.needs_daemon:
        raise RequestError(f"no groundswell runs on {place.state}; start one with `groundswell run`")
    store = Store(place.state, size_max=place.daemon.state_max, disk_free_min=place.daemon.disk_free_min)
    if operation.only_looks:
        if not _is_there(place.state):
            raise NotFoundError(
                f"no groundswell runs here, and there is no state file {place.state} yet; `groundswell run` makes it"
            )
        await store.open_to_read()
    else:
        is_new = not _is_there(place.state)
        await store.open()
        if is_new:
            _give_to_owner_of_directory(place.state)
    try:
        clerk = Clerk(Desk(store, clock, place), store.audit, clock, tells_log=False)
        return await clerk.run(of_command_line(), operation, request)
    finally:
        await store.close()


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as exc:
        raise StoreError(
            f"cannot look at {path}: {exc.strerror}; run this as the user groundswell runs as, or as root"
        ) from exc


def _give_to_owner_of_directory(state: Path) -> None:
    """What root makes here (a key, before the first start) the daemon could not open, if it runs as somebody else."""
    if os.geteuid() != 0:
        return
    owner = state.parent.stat()
    for ending in ("", "-wal", "-shm", ".lock"):
        with suppress(OSError):
            os.chown(f"{state}{ending}", owner.st_uid, owner.st_gid, follow_symlinks=False)
