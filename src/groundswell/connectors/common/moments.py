"""Moments in settings of those who go and look, and lists in which nothing stands twice."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, WithJsonSchema

N = TypeVar("N", bound=Sequence[str])


def _parse_moment(value: Any) -> Any:
    """A date is its first moment; a time that says no offset is UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            value = None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise ValueError('is not a time; write "2026-05-02" or "2026-05-02T11:00:09Z"')  # noqa: TRY004 # for pydantic
    return value if value.tzinfo else value.replace(tzinfo=UTC)


Moment = Annotated[
    datetime,
    BeforeValidator(_parse_moment),
    WithJsonSchema({"title": "time", "type": "string", "examples": ["2026-05-02", "2026-05-02T11:00:09Z"]}),
]


def check_once(names: N) -> N:
    """A validator: each collection once."""
    if len(set(names)) < len(names):
        raise ValueError("names a collection twice")
    return names
