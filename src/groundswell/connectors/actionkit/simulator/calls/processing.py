"""Action processing: what becomes of a form that is sent, whoever sends it and however (D)."""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from groundswell.connectors.actionkit.simulator.calls import donations, events, phones, subscribing, users
from groundswell.connectors.actionkit.simulator.calls.answers import Answer, Call, Json, RefusedCallError
from groundswell.connectors.actionkit.simulator.calls.messages import message
from groundswell.connectors.actionkit.simulator.calls.posted import Posted, split_name, texts
from groundswell.connectors.actionkit.simulator.calls.shapes import shown
from groundswell.connectors.actionkit.simulator.calls.writing import refuse_errors, replace_fields
from groundswell.connectors.actionkit.simulator.state.catalogue import RESOURCES
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.moments import kept, parse_moment
from groundswell.connectors.actionkit.simulator.state.world import Happening, World

_NAMES: Final = ("prefix", "first_name", "middle_name", "last_name", "suffix")
_ADDRESS: Final = ("address1", "address2", "city", "state", "zip", "plus4", "region", "postal")
_PHONES: Final = ("home", "work", "mobile", "home_fax", "work_fax", "emergency")
_RESERVED: Final = ("user_id",)
_ZIP_LENGTH: Final = 5
_PLUS4_LENGTH: Final = 4


@dataclass(slots=True)
class Taken:
    """An action on its way: who, where, what was sent, and what came of it so far."""

    page: Row
    posted: Posted
    is_staff: bool
    ip: str
    email: str = ""
    user: Row | None = None
    """Known before."""
    is_by_token: bool = False
    mailing_id: int | None = None
    errors: dict[str, str] = field(default_factory=dict)


def process(world: World, call: Call) -> Answer:
    """POST /action/: 201 with all of the action for staff, with a little of it for anybody else.

    Raises:
        RefusedCallError: 400 with errors to show, or the one for a page that is not there.
    """
    taken = _read(world, call)
    _identify(world, taken)
    _validate(world, taken)
    if taken.errors:
        raise refuse_errors(taken.errors)
    action_id, user_id = _carry_out(world, taken)
    if not call.is_staff:
        world.counts.anonymous_actions += 1
    return _answer(world, taken, action_id, user_id, is_staff=call.is_staff)


def take_action(world: World, page: Row, body: Json, *, ip: str = "127.0.0.1") -> int:
    """The same for what happens without a call: an import, a receiver, life. The id of the action."""
    taken = Taken(page, Posted(body), is_staff=True, ip=ip)
    _identify(world, taken)
    _validate(world, taken)
    if taken.errors:
        raise refuse_errors(taken.errors)
    return _carry_out(world, taken)[0]


def record_action(world: World, page: Row, body: Json) -> int:
    """An action whose kind does nothing more: the money of a donation is recorded by who calls."""
    taken = Taken(page | {"type": "Signup"}, Posted(body), is_staff=True, ip="127.0.0.1")
    _identify(world, taken)
    _validate(world, taken)
    if taken.errors:
        raise refuse_errors(taken.errors)
    action_id, _ = _carry_out(world, taken, kind=page["type"])
    return action_id


def page_named(world: World, name: str) -> Row:
    """Raises RefusedCallError: an error without an envelope (W)."""
    page = world.db.row("SELECT * FROM core_page WHERE name = ?", name)
    if page is None:
        text = f"Unable to find a page for processing. You sent page={name}."
        raise RefusedCallError(world.behaviour.unknown_page_status, {"page": text})
    return page


def _read(world: World, call: Call) -> Taken:
    posted = Posted(call.body)
    return Taken(page_named(world, posted.get("page")), posted, call.is_staff, call.ip)


def _say(world: World, word: str) -> str:
    return message(world.behaviour.language, word)


def _identify(world: World, taken: Taken) -> None:
    posted = taken.posted
    token = posted.get("akid")
    if token:
        found = world.user_of_token(token)
        taken.user = world.db.get("core_user", found[0]) if found else None
        if taken.user is not None and found is not None:
            taken.is_by_token, taken.mailing_id = True, found[1]
        elif not posted.get("email"):
            taken.errors["akid"] = _say(world, "akid")
            return
    if posted.get("email"):
        taken.email = users.clean_email(posted.get("email"))
        if not users.is_email(taken.email):
            taken.errors["email"] = _say(world, "email")
            return
        if not taken.is_by_token or (taken.user is not None and taken.user["email"].lower() != taken.email):
            taken.user, taken.is_by_token = world.user_by_email(taken.email), False
    elif taken.user is not None:
        taken.email = taken.user["email"]
    else:
        taken.errors["email"] = _say(world, "required")
    if posted.get("mailing_id"):
        id_ = posted.get("mailing_id")
        mailing = world.db.get("core_mailing", int(id_)) if id_.isascii() and id_.isdigit() and len(id_) < 18 else None
        if mailing is None:
            taken.errors["mailing_id"] = _say(world, "mailing")
        else:
            taken.mailing_id = mailing["id"]


def _validate(world: World, taken: Taken) -> None:
    posted, errors = taken.posted, taken.errors
    for name in _required(taken):
        is_known = taken.is_by_token and taken.user is not None and bool(taken.user.get(name))
        if not is_known and not _is_there(posted, name):
            errors.setdefault(name, _say(world, "required"))
    if (posted.get("country") or users.US) == users.US:
        key = "zip" if posted.get("zip") else "postal"
        code = posted.get(key)
        if code and not (len(code) == _ZIP_LENGTH and code.isascii() and code.isdigit()):
            errors[key] = _say(world, "zip")
        if posted.get("plus4") and len(posted.get("plus4")) != _PLUS4_LENGTH:
            errors["plus4"] = _say(world, "plus4")
    for name in _user_fields(posted):
        if not users.is_allowed_field(world, name):
            errors[f"user_{name}"] = _say(world, "user_field")
    if not taken.page["allow_multiple_responses"] and taken.user and not errors:
        before = world.db.value(
            "SELECT 1 FROM core_action WHERE page_id = ? AND user_id = ?", taken.page["id"], taken.user["id"]
        )
        if before and world.behaviour.repeat_where_forbidden == "refused":
            errors["email"] = _say(world, "twice")
    match taken.page["type"]:
        case "Donation":
            errors |= donations.errors(world, taken.page, posted, is_new=taken.user is None)
        case "EventSignup":
            errors |= events.signup_errors(world, taken.page, posted)


def _required(taken: Taken) -> list[str]:
    page_fields = msgspec.json.decode(taken.page["required_fields"], type=list[str])
    return [name for name in (*page_fields, *taken.posted.all("required")) if name and name != "email"]


def _is_there(posted: Posted, name: str) -> bool:
    if name in ("first_name", "last_name", "name"):
        return bool(posted.get(name) or posted.get("name"))
    return bool(posted.get(name) or posted.get(f"action_{name}") or posted.get(f"user_{name}"))


def _user_fields(posted: Posted) -> dict[str, list[str]]:
    return {name: values for name, values in posted.prefixed("user_").items() if f"user_{name}" not in _RESERVED}


def _carry_out(world: World, taken: Taken, *, kind: str = "") -> tuple[int, int]:
    """Make or update the user, write the action, and do what the kind of page does."""
    is_new = taken.user is None
    user_id = _save_user(world, taken)
    action_id = _save_action(world, taken, user_id, kind or taken.page["type"], is_new=is_new)
    _save_parts(world, taken, user_id, action_id)
    match taken.page["type"]:
        case "Donation":
            donations.take(world, taken.page, taken.posted, user_id, action_id)
        case "EventCreate":
            events.create(world, taken.page, taken.posted, user_id, action_id)
        case "EventSignup":
            events.sign_up(world, taken.page, taken.posted, user_id, action_id)
    _change_lists(world, taken, user_id, action_id)
    world.happened(Happening(action_id, kind or taken.page["type"], taken.page["id"]))
    return action_id, user_id


def _save_user(world: World, taken: Taken) -> int:
    """What is not blank overwrites (I). The US are the default of somebody new, or of an address (D)."""
    posted = taken.posted
    named = split_name(posted.get("name")) if posted.get("name") else {}
    sent = {name: posted.get(name) or named.get(name, "") for name in _NAMES}
    sent |= {name: posted.get(name) for name in _ADDRESS}
    is_placed = any(sent[name] for name in _ADDRESS)
    sent["country"] = posted.get("country") or (users.US if is_placed or taken.user is None else "")
    values: Row = {name: value for name, value in sent.items() if value}
    if taken.user is None:
        source = posted.get("source") or "restful_api"
        return users.insert(world, {"email": taken.email, "source": source, **values})
    values = users.complete_address(world, values, taken.user)
    changed = {name: value for name, value in values.items() if taken.user.get(name) != value}
    user_id: int = taken.user["id"]
    if changed:
        world.db.update("core_user", user_id, updated_at=world.now(), **changed)
    return user_id


def _save_action(world: World, taken: Taken, user_id: int, kind: str, *, is_new: bool) -> int:
    posted, page, now = taken.posted, taken.page, world.now()
    created = parse_moment(posted.get("created_at")) if posted.get("created_at") else None
    referring = world.user_of_token(posted.get("referring_akid")) if posted.get("referring_akid") else None
    friends = len(posted.all("taf_emails"))
    return world.db.insert(
        "core_action",
        user_id=user_id,
        page_id=page["id"],
        type=kind,
        mailing_id=taken.mailing_id,
        source=posted.get("source") or "restful_api",
        opq_id=posted.get("opq_id"),
        created_user=int(is_new),
        referring_user_id=referring[0] if referring else None,
        referring_mailing_id=referring[1] if referring else None,
        taf_emails_sent=friends or None,
        ip_address=taken.ip,
        created_at=world.kept(created) if created else now,
        updated_at=now,
    )


def _save_parts(world: World, taken: Taken, user_id: int, action_id: int) -> None:
    posted = taken.posted
    fields = {name: texts(values) for name, values in posted.prefixed("action_").items()}
    replace_fields(world, "core_actionfield", action_id, fields, is_merging=False)
    own = {name: texts(values) for name, values in _user_fields(posted).items()}
    if own:
        users.write_fields(world, user_id, own, is_merging=True, action_id=action_id)
    if posted.get("phone"):
        kind = posted.get("phone_type").lower()
        phones.take(world, user_id, kind if kind in phones.TYPES else "home", posted.get("phone"))
    for kind in _PHONES:
        number = posted.get(f"{kind}_phone")
        if number:
            phones.take(world, user_id, kind, number)


def _change_lists(world: World, taken: Taken, user_id: int, action_id: int) -> None:
    """Any action subscribes, again if need be, unless told otherwise (D)."""
    posted, page = taken.posted, taken.page
    if page["type"] == "Unsubscribe":
        chosen = _ids(posted.all("unsub_lists")) if posted.is_true("have_unsub_lists") else None
        subscribing.unsubscribe(world, user_id, chosen, "unsubscribe", action_id)
        return
    if posted.is_true("suppress_subscribe") and world.behaviour.suppresses_subscribe:
        return
    lists = _ids(posted.all("lists"))
    if not posted.is_true("opt_in") and "lists" not in posted and page["list_id"] is not None:
        lists = [page["list_id"]]
    change: subscribing.Change = "subscribe_import" if page["type"] == "Import" else "subscribe"
    if subscribing.subscribe(world, user_id, lists, change, action_id):
        world.db.update("core_action", action_id, subscribed_user=1)


def _ids(written: list[str]) -> list[int]:
    return [int(text) for text in written if text.isascii() and text.isdigit() and len(text) < 18]


def _answer(world: World, taken: Taken, action_id: int, user_id: int, *, is_staff: bool) -> Answer:
    row = world.db.get("core_action", action_id)
    assert row is not None
    total = world.db.value("SELECT total FROM core_order WHERE action_id = ?", action_id)
    akid = world.token(user_id, row["mailing_id"])
    redirect = f"/cms/thanks/{taken.page['name']}?action_id={action_id}&akid={akid}&ar=1&rd=1"
    if total is not None:
        redirect += f"&total={total}"
    location = world.action_uri(action_id)
    if not is_staff:
        brief: Json = {"action_id": action_id, "akid": akid, "rd": 1, "redirect_url": redirect}
        return Answer(201, brief, location, root="response")
    body = shown(world, RESOURCES["action"], row) | {"redirect_url": redirect}
    return Answer(201, with_micros(world, body, taken.posted.get("created_at")), location, root="object")


def with_micros(world: World, body: Json, created_at: str = "") -> Json:
    """Times of something just made have six digits of a second, which GET does not show (W)."""
    now = kept(world.moment(), micros=True).replace(" ", "T")
    stamps: dict[str, Any] = {"updated_at": now}
    if not created_at:
        stamps["created_at"] = now
    return body | stamps
