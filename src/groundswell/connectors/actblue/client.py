"""ActBlue's CSV API: ask for a file, ask whether it is ready, fetch it. Knows nothing of rows.

Where a fact is from: (D) their documentation, (C) seen in the code of others who use it, (I) inferred.
"""

import re
from datetime import date
from ipaddress import ip_address
from typing import Any, BinaryIO, Final

from yarl import URL

from groundswell.connectors.actblue.transport import Caller, InvalidError, Transport
from groundswell.errors import UnavailableError
from groundswell.http.download import Downloaded, download
from groundswell.settings import is_loopback

PAID: Final = "paid_contributions"
REFUNDED: Final = "refunded_contributions"
MANAGED: Final = "managed_form_contributions"
CANCELLED: Final = "cancelled_recurring_contributions"
CSV_TYPES: Final = (PAID, REFUNDED, MANAGED, CANCELLED)

FILE_BYTES_MAX: Final = 8 * 2**30
"""Of one file. A row is about a kilobyte, so eight million gifts."""
IN_PROGRESS: Final = "in_progress"
COMPLETE: Final = "complete"
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_ADDRESS: Final = re.compile(r"https?://[!-~]{1,8000}")
_PUBLIC_NAME: Final = re.compile(
    r"(?:[a-z0-9_-]+\.)+(?!(?:localhost|local|internal|lan|home|intranet|corp|arpa)\b)[a-z][a-z0-9-]*", re.IGNORECASE
)
"""With a dot, and letters behind the last: "2130706433", "127.1" and "0x7f.1" are this machine to a resolver, and so is
"localhost.", and what has no dot is a name of somebody's own network."""
_STATUS: Final = re.compile(r"[A-Za-z_ -]{1,40}")


class FailedFileError(UnavailableError):
    """They will not make this file any more; another one can be asked for."""


class ExpiredError(UnavailableError):
    """The address of a file is good for some ten minutes only (D); another file can be asked for."""


class ActBlue:
    """Calls for the sources of one account."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.host = transport.host

    async def create(self, caller: Caller, csv_type: str, first: date, end: date) -> str:
        """Ask for a file of these days, Eastern, `end` not included; at most six months (C). The file's id.

        Raises:
            InvalidError: they do not give that.
        """
        what = f"asking for {csv_type}"
        body = {"csv_type": csv_type, "date_range_start": first.isoformat(), "date_range_end": end.isoformat()}
        _, answer = await self._transport.call(caller, "POST", "csvs", what, body)
        file_id = answer.get("id") if isinstance(answer, dict) else None
        if isinstance(file_id, int) and not isinstance(file_id, bool):
            file_id = str(file_id)
        if not isinstance(file_id, str) or not _PLAIN_ID.fullmatch(file_id):
            raise UnavailableError(
                f"{caller.component}: {what}: {self.host} did not say which file it is making; it will be tried again"
            )
        return file_id

    async def address(self, caller: Caller, file_id: str) -> URL | None:
        """Where a file is; None while they are making it.

        Raises:
            FailedFileError: it will never be ready, or they say what we do not know: only `in_progress` and `complete`
                were ever seen (C).
        """
        what = "asking whether a file is ready"
        _, answer = await self._transport.call(caller, "GET", f"csvs/{file_id}", what)
        status = answer.get("status") if isinstance(answer, dict) else None
        if status == IN_PROGRESS:
            return None
        who = f"{caller.component}: {what}: {self.host}"
        if status != COMPLETE:
            raise FailedFileError(f"{who} {_not_ready(status)}; another file will be asked for")
        url = answer.get("download_url")
        if not isinstance(url, str) or not url:
            raise FailedFileError(f"{who} says it is complete, and not where it is; another file will be asked for")
        address = file_address(url, self._transport.url)
        if address is None:
            raise FailedFileError(
                f"{who} named an address for the file that is not fetched from: only https, to a public host; another "
                "file will be asked for"
            )
        return address

    async def fetch(self, caller: Caller, url: URL, into: BinaryIO) -> Downloaded:
        """Fetch a file that is ready, without credentials: the address is all that is needed (C).

        Raises:
            ExpiredError: the address is good no more.
            UnavailableError: it did not come whole.
            OSError: `into` cannot be written to.
        """
        what = f"{caller.component}: fetching a file"
        # A name is public by its letters, and may lead anywhere; an account that is not public itself is a simulator.
        only_public = _leads_out(self._transport.url)
        got = await download(
            self._transport.http, url, into, what=what, bytes_max=FILE_BYTES_MAX, only_public=only_public
        )
        if got.status in (401, 403, 404, 410):
            raise ExpiredError(f"{what}: its address is good no more ({got.status}); another file will be asked for")
        if 300 <= got.status < 500 and got.status not in (408, 429):
            raise FailedFileError(f"{what}: {url.host} answered {got.status}; another file will be asked for")
        if not 200 <= got.status < 300:
            raise UnavailableError(f"{what}: {url.host} answered {got.status}; it will be tried again")
        return got

    async def check(self, caller: Caller) -> str:
        """Try the credentials: a range that ends before it begins is refused with 422 where they are good (C)."""
        try:
            await self.create(caller, PAID, date(2020, 1, 2), date(2020, 1, 1))
        except InvalidError:
            return "client UUID and secret are good"
        raise UnavailableError(
            f"{caller.component}: trying the credentials: {self.host} took dates in the wrong order, which ActBlue "
            "never does; check `host` of the account"
        )


def file_address(text: str, account: URL) -> URL | None:
    """The address of a file, where it is one that a file may be fetched from.

    It is theirs to choose, and must not lead our requests to where they cannot reach themselves: only https, to a name
    or a public address. From this machine only where the account is on it, too: a simulator.
    """
    try:
        url = URL(text if _ADDRESS.fullmatch(text) else "", encoded=True)  # it is signed as it is written
    except ValueError:
        return None
    stays_here = account.scheme == "http" and all(is_loopback(one.host or "") for one in (account, url))
    has_login = url.user is not None or url.password is not None
    return url if (_leads_out(url) or stays_here) and not has_login else None


def _leads_out(url: URL) -> bool:
    if url.scheme != "https" or not url.host:
        return False
    try:
        address = ip_address(url.host)
    except ValueError:
        return _PUBLIC_NAME.fullmatch(url.host) is not None
    return address.version == 4 and address.is_global  # an IPv6 address may have any IPv4 address in it


def _not_ready(status: Any) -> str:
    if isinstance(status, str) and _STATUS.fullmatch(status):
        return f'says "{status}"'
    return "says nothing we know"
