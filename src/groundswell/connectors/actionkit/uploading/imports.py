"""Uploads at one import page: handing over files, waiting for them, and which rows have landed."""

from collections.abc import Sequence
from typing import Final

from groundswell.clock import Clock
from groundswell.connectors.actionkit.client import ActionKit, Resource
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.uploading.rows import File
from groundswell.connectors.actionkit.uris import id_at
from groundswell.errors import NotYetError, UnauthorizedError
from groundswell.http.said import shown

RECENT: Final = 100
"""So many of the latest uploads are looked through for one of ours that goes on."""
KEYS_AT_ONCE: Final = 500
"""In one query."""
ASK_EVERY_S: Final = 2.0
WAIT_S: Final = 30.0
"""Until it is looked again whether an upload that takes long is done."""


class Imports:
    """One import page."""

    def __init__(
        self, client: ActionKit, caller: Caller, clock: Clock, page: str, key_field: str, patience_s: float
    ) -> None:
        """`patience_s`: how long an upload is waited for at a time."""
        self._client = client
        self._caller = caller
        self._clock = clock
        self._page = page
        self._key_field = key_field
        self._patience_s = patience_s
        self._page_id: str | None = None

    async def check_page(self, *, subscribes: bool) -> None:
        """Raises UnauthorizedError: there is no such page, or it would subscribe everybody. Asked for with each batch:
        staff may give a page a list any day."""
        page = await self._client.find(self._caller, "importpage", "name", self._page)
        if page is None:
            raise UnauthorizedError(
                f'{self._caller.component}: {self._client.host} has no import page "{self._page}"; make it, or check '
                "`page`"
            )
        if page.get("list") and not subscribes:
            raise UnauthorizedError(
                f'{self._caller.component}: the import page "{self._page}" has a list, so everybody who is uploaded '
                "would be put on it, whoever left it too; take the list off the page, or set `subscribe = true`"
            )
        self._page_id = id_at(page.get("resource_uri")) or str(page["id"])

    async def check_idle(self) -> None:
        """Raises NotYetError while an upload at this page goes on: what it will land cannot be seen yet."""
        latest = await self._client.page(self._caller, "upload", order_by="-id", limit=RECENT)
        for upload in latest.objects:
            if id_at(upload.get("page")) == self._page_id and not upload.get("is_completed"):
                raise self.not_yet()

    async def landed(self, ids: Sequence[str]) -> set[str]:
        """Which of these records have an action at the page."""
        found: set[str] = set()
        for at in range(0, len(ids), KEYS_AT_ONCE):
            part = ids[at : at + KEYS_AT_ONCE]
            values = {f"k{number}": id_ for number, id_ in enumerate(part)}
            values |= {"page": self._page, "key_field": self._key_field}
            places = ", ".join(f"{{{{ k{number} }}}}" for number in range(len(part)))
            query = f"{_LANDED} ({places})"
            rows = await self._client.sql(self._caller, query, values, "looking for rows that were uploaded")
            found.update(str(row[0]) for row in rows)
        return found

    async def run(self, file: File, *, autocreate: bool) -> Resource:
        """Hand over a file and wait until it is done.

        Raises:
            NotYetError: it is not done in time. It goes on, and `check_idle` knows of it.
        """
        upload = await self._client.upload(self._caller, self._page, file.csv(), autocreate_user_fields=autocreate)
        until = self._clock.monotonic() + self._patience_s
        while True:
            state = await self._client.get(self._caller, "upload", upload.id)
            if state.get("is_completed"):
                return state
            if self._clock.monotonic() >= until:
                raise self.not_yet()
            await self._clock.sleep(ASK_EVERY_S)

    async def errors(self, upload: Resource) -> dict[int, str]:
        """What they say about rows, by line of the file: the first row is line 2. Lines are not always said (C)."""
        said: dict[int, str] = {}
        where = [("upload", str(upload["id"]))]
        async for page in self._client.after(self._caller, "uploaderror", where=where):
            for one in page.objects:
                line = one.get("row")
                said[line if isinstance(line, int) else 0] = shown(str(one.get("message") or ""))
        return said

    def not_yet(self) -> NotYetError:
        return NotYetError(
            f"{self._caller.component}: an upload is still being worked through at {self._client.host}; looked at "
            f"again in {WAIT_S:.0f} s",
            WAIT_S,
        )


_LANDED: Final = (
    "SELECT f.value FROM core_actionfield f JOIN core_action a ON a.id = f.parent_id JOIN core_page p "
    "ON p.id = a.page_id WHERE p.name = {{ page }} AND f.name = {{ key_field }} AND f.value IN"
)
