"""Rows of an upload. Pure. A blank cell would erase what is there (C), so no file has one: rows that say different
things go in different files."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from groundswell.connectors.actionkit.donating.gifts import donor_of, moment_of
from groundswell.record import Action, Person, Record

Cells = Mapping[str, str]


class File(Struct, frozen=True):
    """Rows that say the same things."""

    columns: Sequence[str]
    rows: Sequence[Cells]

    def csv(self) -> bytes:
        """UTF-8, with a header; the first row is line 2 of it."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue().encode()


def cells_of(
    record: Record,
    *,
    key_field: str,
    address: bool,
    country: str,
    phone_column: str | None,
    user_fields: Mapping[str, str],
) -> dict[str, str]:
    """What a record says, by column. `key_field`: the action field that holds the record's id.

    Raises:
        RecordError: with reason `no_person` or `no_email`: rows are for people with an address.
    """
    person = donor_of(record, with_address=address, country=country, user_fields=user_fields)
    cells = {name: value if isinstance(value, str) else ", ".join(value) for name, value in person.items()}
    cells[f"action_{key_field}"] = record.id
    moment, code = moment_of(record), _code_of(record)
    if moment is not None:
        cells["created_at"] = moment
    if code is not None:
        cells["source"] = code
    phone = record.person.phone if isinstance(record.person, Person) else None
    if phone_column is not None and isinstance(phone, str):
        cells[phone_column] = phone
    return {name: value for name, value in cells.items() if value.strip()}


def files_of(rows: Iterable[Cells]) -> list[File]:
    """So many files that none has a blank cell; each keeps the order of its rows."""
    files: dict[tuple[str, ...], list[Cells]] = {}
    for row in rows:
        files.setdefault(tuple(sorted(row)), []).append(row)
    return [File(columns, found) for columns, found in files.items()]


def _code_of(record: Record) -> str | None:
    code = record.action.source_code if isinstance(record.action, Action) else None
    return code if isinstance(code, str) else None
