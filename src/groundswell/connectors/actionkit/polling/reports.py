"""Numbers of what has changed, from an SQL report: the way where a collection cannot be filtered by `updated_at`."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from groundswell.connectors.actionkit.client import ROWS_MAX, ActionKit
from groundswell.connectors.actionkit.faults import ForbiddenError
from groundswell.connectors.actionkit.polling.feeds import Feed
from groundswell.connectors.actionkit.times import seconds_of, written_for_sql
from groundswell.connectors.actionkit.transport import Caller
from groundswell.errors import RejectedError, UnavailableError

ROWS_ASKED: Final = 1_000
"""At a time: what was changed since is asked for one by one, so more would only be a longer wait."""
PAGES_MAX: Final = 10_000
assert ROWS_ASKED <= ROWS_MAX


class NoReportsError(RejectedError):
    """Their answer to a report is that we may not, that there is none, or that a table has another name."""


async def changed_numbers(
    client: ActionKit, caller: Caller, feed: Feed, since: int, until: int, after: int, *, with_main: bool = True
) -> AsyncIterator[Mapping[int, int | None]]:
    """What changed from `since` to before `until`, or had something beside it change: numbers above `after`, rising,
    and when that was, in seconds since 1970; None where it may have been only looked at.

    Asked for until there are no more, not until an answer is short: how many rows a report may have, differs (C).

    Args:
        with_main: Also look at the table of the things themselves.

    Raises:
        NoReportsError: they do not take such a report.
    """
    query = query_of(feed, with_main=with_main)
    what = f"asking which {feed.resource}s have changed"
    for _ in range(PAGES_MAX):
        values = {"since": written_for_sql(since), "until": written_for_sql(until), "after": after}
        try:
            rows = await client.sql(caller, query, values, what)
        except (RejectedError, ForbiddenError) as exc:
            raise NoReportsError(str(exc)) from exc
        if not rows:
            return
        found = {int(row[0]): seconds_of(row[1]) for row in rows if len(row) == 2 and str(row[0]).isdigit()}
        if len(found) < len(rows) or min(found) <= after:
            raise UnavailableError(
                f"{caller.component}: {what}: {client.host} sent other rows than were asked for; it will be tried again"
            )
        yield dict(sorted(found.items()))
        after = max(found)
    raise UnavailableError(f"{caller.component}: {what}: {client.host} sent more than {PAGES_MAX} pages of rows")


def query_of(feed: Feed, *, with_main: bool) -> str:
    """One query over the table and those beside it. All names in it are ours; values travel apart."""
    tables = [(feed.table, "id", feed.stamp, feed.stamp)] if with_main else []
    tables += [(side.table, side.column, side.stamp, side.stamp if side.is_change else "NULL") for side in feed.sides]
    parts = [
        f"SELECT {column} AS id, {moment} AS moment FROM {table} "  # noqa: S608 # from the table in feeds.py
        f"WHERE {stamp} >= {{{{ since }}}} AND {stamp} < {{{{ until }}}}"
        for table, column, stamp, moment in tables
    ]
    return (
        f"SELECT id, MAX(moment) FROM ({' UNION ALL '.join(parts)}) AS changed "  # noqa: S608 # the same
        f"WHERE id > {{{{ after }}}} GROUP BY id ORDER BY id LIMIT {ROWS_ASKED}"
    )
