"""SQL reports: at once, saved ones, and in the background. What a poller reads where a filter is missing."""

import csv
import io
import re
import zipfile
from typing import Any, Final

import msgspec

from groundswell.connectors.actionkit.simulator.calls.answers import Answer, Call, Json, RefusedCallError, not_found
from groundswell.connectors.actionkit.simulator.calls.writing import text_of
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.moments import shown_time
from groundswell.connectors.actionkit.simulator.state.reader import ReportError, bound
from groundswell.connectors.actionkit.simulator.state.world import API, World

_PLACE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_OWN: Final = ("query", "refresh", "cache_duration", "format")
_CACHED_MAX: Final = 200
Table = tuple[list[str], list[list[Any]]]


def run(world: World, call: Call, name: str) -> Answer:
    """POST or GET of `report/run/NAME/`; NAME is "sql" for one that is not saved."""
    asked = {**dict(call.query), **call.body}
    table = _cached(world, _sql(world, asked, name), asked)
    return _answer(table, is_csv=call.wants == "csv")


def in_background(world: World, call: Call, name: str) -> Answer:
    """201, and where to ask how it goes."""
    asked = {**dict(call.query), **call.body}
    sql = _sql(world, asked, name)
    now = world.now()
    parameters = msgspec.json.encode(asked | {"query": sql}).decode()
    task = world.db.insert(
        "core_backgroundtask",
        short_name=name,
        parameters=parameters,
        due=world.clock.monotonic() + world.behaviour.background_s,
        is_zipped=int(text_of(asked.get("zip")).lower() in ("true", "1")),
        is_csv=int(asked.get("format") == "csv"),
        created_at=now,
        updated_at=now,
    )
    return Answer(201, location=world.uri("backgroundtask", task))


def task(world: World, key: str) -> Answer:
    row = _task(world, key)
    is_done = row["due"] <= world.clock.monotonic()
    status = "new"
    if is_done:
        try:
            _result(world, row)
            status = "complete"
        except RefusedCallError:
            status = "failed"
    return Answer(
        body={
            "id": row["id"],
            "resource_uri": world.uri("backgroundtask", row["id"]),
            "completed": is_done,
            "details": {"status": status, "download": f"{API}/report/download/{row['id']}/" if is_done else None},
            "created_at": shown_time(row["created_at"]),
            "updated_at": shown_time(row["updated_at"]),
        }
    )


def download(world: World, key: str) -> Answer:
    row = _task(world, key)
    if row["due"] > world.clock.monotonic():
        raise not_found()
    made = _answer(_result(world, row), is_csv=bool(row["is_csv"]))
    if not row["is_zipped"]:
        return made
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        name = f"{row['short_name']}.{'csv' if row['is_csv'] else 'json'}"
        archive.writestr(name, made.text if made.text is not None else msgspec.json.encode(made.body))
    return Answer(text=packed.getvalue(), content_type="application/zip")


def _sql(world: World, asked: Json, name: str) -> str:
    if name != "sql":
        saved = world.db.value("SELECT sql FROM core_queryreport WHERE short_name = ?", name)
        if saved is None:
            raise not_found()
        return str(saved)
    sql = asked.get("query")
    if not isinstance(sql, str) or not sql.strip():
        raise RefusedCallError(400, {"query": ["This field is required."]})
    return sql


def _cached(world: World, sql: str, asked: Json) -> Table:
    """An earlier answer, unless the call says how old it may be, or `refresh`: then it is run (D)."""
    values = {name: value for name, value in asked.items() if name not in _OWN}
    key = msgspec.json.encode([sql, sorted((name, text_of(value)) for name, value in values.items())])
    now = world.clock.monotonic()
    kept = world.reports.get(key)
    if kept is not None and now - kept[0] < _age(world, asked):
        world.counts.reports["from cache"] += 1
        table: Table = kept[1]
        return table
    table = _run(world, sql, values)
    world.reports[key] = (now, table)
    while len(world.reports) > _CACHED_MAX:
        del world.reports[next(iter(world.reports))]
    return table


def _age(world: World, asked: Json) -> float:
    if text_of(asked.get("refresh")).lower() in ("true", "1"):
        return -1.0
    if asked.get("cache_duration") in (None, ""):
        return world.behaviour.report_cache_s
    try:
        return float(text_of(asked["cache_duration"]))
    except ValueError:
        raise RefusedCallError(400, {"cache_duration": ["Enter a whole number."]}) from None


def _run(world: World, sql: str, values: Json) -> Table:
    world.counts.reports["run"] += 1
    filled, found = _fill(sql, values)
    try:
        return world.reader.run(filled, found, world.behaviour.report_rows_max)
    except ReportError as exc:
        raise RefusedCallError(400, {"error": f"Error running report: {exc}"}) from None


def _fill(sql: str, values: Json) -> tuple[str, Json]:
    """Each `{{ name }}` becomes a bound value, and a list of them one for each."""
    found: Json = {}

    def place(match: re.Match[str]) -> str:
        name = match[1]
        if name not in values:
            raise RefusedCallError(400, {name: ["This parameter is required."]})
        value = values[name]
        if isinstance(value, list):
            names = [f"p{len(found) + at}" for at in range(len(value))]
            found.update(zip(names, (_plain(one) for one in value), strict=True))
            return f"({', '.join(f':{one}' for one in names)})"
        key = f"p{len(found)}"
        found[key] = _plain(value)
        return f":{key}"

    return _PLACE.sub(place, sql), found


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | float | bool):
        return bound(value)
    return value if isinstance(value, int) and abs(value) < 2**63 else text_of(value)


def _task(world: World, key: str) -> Row:
    row = world.db.get("core_backgroundtask", int(key) if key.isascii() and key.isdigit() and len(key) < 18 else None)
    if row is None:
        raise not_found()
    return row


def _result(world: World, row: Row) -> Table:
    asked = msgspec.json.decode(row["parameters"], type=dict)
    return _cached(world, asked["query"], asked)


def _answer(table: Table, *, is_csv: bool) -> Answer:
    """Rows as lists, without a header; a CSV has one (C)."""
    columns, rows = table
    if not is_csv:
        return Answer(body=rows)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return Answer(text=text.getvalue().encode(), content_type="text/csv")
