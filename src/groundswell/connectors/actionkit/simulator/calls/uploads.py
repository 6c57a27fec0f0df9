"""Bulk imports: a file that is taken at once, worked through bit by bit, and whose bad rows are kept as errors."""

import csv
import gzip
import io
import zipfile
import zlib
from typing import Any, Final

import msgspec

from groundswell.connectors.actionkit.simulator.calls import processing, users
from groundswell.connectors.actionkit.simulator.calls.answers import Answer, Call, Json, RefusedCallError
from groundswell.connectors.actionkit.simulator.calls.donations import converted, detail_of, sale
from groundswell.connectors.actionkit.simulator.calls.writing import create, money, text_of
from groundswell.connectors.actionkit.simulator.state.catalogue import RESOURCES
from groundswell.connectors.actionkit.simulator.state.database import ConstraintError, Row
from groundswell.connectors.actionkit.simulator.state.moments import parse_moment
from groundswell.connectors.actionkit.simulator.state.world import World

IDENTITY: Final = ("email", "user_id", "akid")
BYTES_MAX: Final = 128 * 2**20
ROWS_AT_ONCE: Final = 1_000
"""Done between two calls, at most: nobody waits longer than that takes."""
_BLANKED: Final = (
    "prefix", "first_name", "middle_name", "last_name", "suffix", "address1", "address2", "city", "state", "region",
    "zip", "plus4", "postal",
)  # fmt: skip
_HTML: Final = b"<html><head><title>500</title></head><body><h1>Server Error (500)</h1></body></html>"


def take(world: World, call: Call) -> Answer:
    """201 and where to look how it goes. What makes no sense is refused, often with a 500 (C)."""
    try:
        page, rows = _checked(world, call)
    except ValueError as exc:
        if world.behaviour.upload_500_for_400:
            return Answer(500, text=_HTML, content_type="text/html")
        raise RefusedCallError(400, {"upload": [str(exc)]}) from None
    now = world.now()
    id_ = world.db.insert(
        "core_upload",
        page_id=page["id"],
        line_count=len(rows),
        autocreate_user_fields=int(_is_true(call.body.get("autocreate_user_fields"))),
        user_fields_only=int(_is_true(call.body.get("user_fields_only"))),
        started_at=now,
        created_at=now,
        updated_at=now,
    )
    world.uploads[id_] = (world.clock.monotonic(), rows)
    return Answer(201, location=world.uri("upload", id_))


def work(world: World) -> None:
    """Go on with what is not done yet, as far as the time since it came allows."""
    for id_, (began, rows) in list(world.uploads.items()):
        upload = world.db.get("core_upload", id_)
        if upload is None:
            del world.uploads[id_]
            continue
        done = upload["rows_done"]
        due = min(
            len(rows), int((world.clock.monotonic() - began) * world.behaviour.upload_rows_per_s), done + ROWS_AT_ONCE
        )
        with world.db.changing():
            errors = sum(not _do_row(world, upload, number, rows[number]) for number in range(done, due))
            is_done = due >= len(rows)
            world.db.update(
                "core_upload",
                id_,
                rows_done=max(due, done),
                has_errors=upload["has_errors"] + errors,
                is_completed=int(is_done),
                status="completed" if is_done else "processing",
                finished_at=world.now() if is_done else None,
                updated_at=world.now(),
            )
        if is_done:
            del world.uploads[id_]


def _checked(world: World, call: Call) -> tuple[Row, list[dict[str, str]]]:
    """Raises ValueError for what makes no sense."""
    page = world.db.row("SELECT * FROM core_page WHERE name = ?", text_of(call.body.get("page")))
    if page is None or page["type"] != "Import":
        raise ValueError("There is no import page with this name.")
    if call.upload is None:
        raise ValueError("There is no file named upload.")
    text = _unpacked(call.upload)
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter="\t" if "\t" in first else ",", restval="")
    try:
        rows = [{str(name).strip(): value for name, value in row.items() if name is not None} for row in reader]
    except csv.Error as exc:
        raise ValueError(str(exc)) from None
    columns = [str(name).strip() for name in reader.fieldnames or ()]
    if not set(IDENTITY) & set(columns):
        raise ValueError("One column must be email, user_id or akid.")
    if _is_true(call.body.get("user_fields_only")):
        others = [name for name in columns if name not in IDENTITY and not name.startswith("user_")]
        is_packed = call.upload[:2] in (b"PK", b"\x1f\x8b")
        if others or (is_packed and world.behaviour.user_fields_only_with_zip_fails):
            raise ValueError("Only user fields can be imported like this.")
    return page, rows


def _unpacked(upload: bytes) -> str:
    try:
        if upload[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(upload)) as packed:
                upload = packed.read(BYTES_MAX)
        elif upload[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(upload)) as archive, archive.open(archive.namelist()[0]) as inside:
                upload = inside.read(BYTES_MAX)
        return upload.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, IndexError, RuntimeError, NotImplementedError) as exc:
        raise ValueError(f"The file cannot be unpacked: {exc}") from None
    except UnicodeDecodeError:
        raise ValueError("The file is not UTF-8.") from None


def _do_row(world: World, upload: Row, number: int, row: dict[str, str]) -> bool:
    """Whether it could be taken; else there is an error for it."""
    try:
        with world.db.changing():
            _import(world, upload, {name: value for name, value in row.items() if name})
    except RefusedCallError as exc:
        message = _said(exc)
    except (ConstraintError, ValueError) as exc:
        message = str(exc)
    else:
        world.counts.uploads["done"] += 1
        return True
    now = world.now()
    world.counts.uploads["failed"] += 1
    raw = msgspec.json.encode(row).decode()
    world.db.insert(
        "core_uploaderror", upload_id=upload["id"], row=number + 2, message=message, raw=raw,
        exception="ValidationError", created_at=now, updated_at=now,
    )  # fmt: skip
    return False


def _import(world: World, upload: Row, row: dict[str, str]) -> None:
    if upload["autocreate_user_fields"]:
        for name in row:
            own = name.removeprefix("user_")
            if name.startswith("user_") and name != "user_id" and not users.is_allowed_field(world, own):
                create(world, RESOURCES["alloweduserfield"], {"name": own})
    body: Json = dict(row)
    user = _known(world, row)
    if user is not None:
        body["email"] = user["email"]
        body.pop("akid", None)
    if upload["user_fields_only"]:
        if user is None:
            raise ValueError("There is no such user.")
        own_fields = {name[5:]: value for name, value in row.items() if name.startswith("user_") and name != "user_id"}
        users.write_fields(world, user["id"], own_fields, is_merging=True)
        return
    body.pop("user_id", None)
    import_id = row.get("donation_import_id", "")
    if import_id and world.db.value("SELECT 1 FROM core_order WHERE import_id = ?", import_id):
        raise ValueError("Duplicate donation_import_id")
    page = world.db.get("core_page", upload["page_id"])
    if page is None:
        raise ValueError("The page is gone.")
    action_id = processing.take_action(world, page, {name: value for name, value in body.items() if value != ""})
    _blank(world, action_id, row)
    if row.get("donation_amount"):
        _donate(world, action_id, row)


def _known(world: World, row: dict[str, str]) -> Row | None:
    if row.get("user_id"):
        id_ = row["user_id"]
        user = world.db.get("core_user", int(id_)) if id_.isascii() and id_.isdigit() and len(id_) < 18 else None
        if user is None:
            raise ValueError(f"There is no user with the id {id_}.")
        return user
    if row.get("akid"):
        found = world.user_of_token(row["akid"])
        user = world.db.get("core_user", found[0]) if found else None
        if user is None:
            raise ValueError("There is no user with this akid.")
        return user
    return world.user_by_email(row.get("email", ""))


def _blank(world: World, action_id: int, row: dict[str, str]) -> None:
    """A blank cell overwrites what was there with a blank (C)."""
    user_id = world.db.value("SELECT user_id FROM core_action WHERE id = ?", action_id)
    blanks = {name: "" for name in _BLANKED if name in row and not row[name].strip()}
    world.db.update("core_user", user_id, **blanks)
    for name, value in row.items():
        if name.startswith("user_") and name != "user_id" and not value.strip():
            world.db.run("DELETE FROM core_userfield WHERE parent_id = ? AND name = ?", user_id, name[5:])


def _donate(world: World, action_id: int, row: dict[str, str]) -> None:
    """Raises ValueError for an amount that is none."""
    amount = money(row["donation_amount"])
    currency = (row.get("donation_currency") or "USD").upper()[:3]
    moment = parse_moment(row.get("donation_date") or row.get("created_at") or "")
    made = world.kept(moment) if moment else world.now()
    user_id = world.db.value("SELECT user_id FROM core_action WHERE id = ?", action_id)
    order_id = world.db.insert(
        "core_order",
        action_id=action_id,
        user_id=user_id,
        user_detail_id=detail_of(world, user_id),
        account=row.get("donation_payment_account") or "Default Import Stub",
        import_id=row.get("donation_import_id") or None,
        currency=currency,
        total=amount,
        total_converted=converted(amount, currency),
        created_at=made,
        updated_at=world.now(),
    )
    sale(world, order_id, created_at=made)


def _said(refused: RefusedCallError) -> str:
    body: Any = refused.body
    errors = body.get("errors", body) if isinstance(body, dict) else body
    if isinstance(errors, dict):
        return "; ".join(f"{name}: {', '.join(map(text_of, _listed(texts)))}" for name, texts in errors.items())
    return text_of(errors)


def _listed(texts: Any) -> list[Any]:
    return texts if isinstance(texts, list) else [texts]


def _is_true(value: Any) -> bool:
    return text_of(value).lower() in ("1", "true", "yes", "on")
