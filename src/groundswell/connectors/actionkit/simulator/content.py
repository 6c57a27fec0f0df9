"""What an ActionKit has before anybody signs up: pages, lists, fields, groups, a campaign, things to buy."""

from random import Random
from typing import Final

from groundswell.connectors.actionkit.simulator.calls import pages, processing, writing
from groundswell.connectors.actionkit.simulator.calls.answers import Json
from groundswell.connectors.actionkit.simulator.calls.donations import ACTBLUE
from groundswell.connectors.actionkit.simulator.calls.subscribing import CHANGES
from groundswell.connectors.actionkit.simulator.state.catalogue import RESOURCES
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.population import Population
from groundswell.connectors.actionkit.simulator.state.world import World

ALLOWED_FIELDS: Final = ("sms_opt_in", "favorite_color", "employer", "occupation", "express_lane")
PAGES: Final = (
    ("signup", "signup"), ("signup", "newsletter"), ("petition", "save_the_crossing"), ("survey", "what_matters"),
    ("letter", "write_the_mayor"), ("call", "call_the_council"), ("import", "groundswell_import"),
    ("import", "strive_import"), ("unsubscribe", "unsubscribe"), ("donation", "donate"),
    ("donation", "your_donation_page"),
)  # fmt: skip
OLD_PAGE: Final = "gone_since_2017"
_STUB: Final = "Default Import Stub"
_TAGS: Final = ("climate", "housing", "volunteers")
_GROUPS: Final = ("speaks french", "marshals", "phone bankers")


def fill(world: World, users: int) -> None:
    """Everything, from the seed."""
    db = world.db
    with db.changing():
        for name, (number, description, is_subscribed) in CHANGES.items():
            db.insert(
                "core_subscriptionchangetype",
                id=number,
                name=name,
                description=description,
                subscribed=int(is_subscribed),
            )
        writing.create(world, RESOURCES["language"], {"iso_code": "en", "name": "English"})
        db.run("UPDATE core_language SET id = 100")
        writing.create(world, RESOURCES["language"], {"iso_code": "es", "name": "Español"})
        list_id = writing.create(world, RESOURCES["list"], {"name": "Riverside Action", "is_default": True})
        writing.create(world, RESOURCES["list"], {"name": "Texts from Riverside"})
        for name in ALLOWED_FIELDS:
            writing.create(world, RESOURCES["alloweduserfield"], {"name": name, "display_name": name})
        for name in _TAGS:
            writing.create(world, RESOURCES["tag"], {"name": name})
        groups = [writing.create(world, RESOURCES["usergroup"], {"name": name}) for name in _GROUPS]
        page_ids = _pages(world, list_id)
        _things(world)
    Population(world, users, page_ids, list_id, groups).fill()
    with db.changing():
        _campaign(world, list_id)
        if users:
            _events(world)
            _donations(world, users)
    if world.behaviour.dangling_pages:
        db.run("DELETE FROM core_page WHERE name = ?", OLD_PAGE)
    db.index_disorder(world.seed)


def _pages(world: World, list_id: int) -> list[int]:
    """Those the users acted on."""
    ids = {}
    for kind, name in PAGES:
        own: Json = {"list": list_id} if kind not in ("import", "unsubscribe") else {}
        if kind == "donation":
            own["payment_account"] = _STUB
        ids[name] = pages.make(world, kind, name, **own)
    ids[OLD_PAGE] = pages.make(world, "petition", OLD_PAGE, list=list_id)
    names = ("signup", "newsletter", "save_the_crossing", "what_matters", "write_the_mayor", "groundswell_import")
    return [ids[name] for name in (*names, OLD_PAGE)]


def _things(world: World) -> None:
    for name, price in (("Shirt", "20.00"), ("Mug", "12.50")):
        writing.create(world, RESOURCES["product"], {"name": name, "price": price, "shippable": True})
    for name in ("R. Okafor for Council", "A. Quill for Mayor"):
        writing.create(world, RESOURCES["candidate"], {"name": name})
    writing.create(world, RESOURCES["mailer"], {"subject": "The crossing", "status": "sent"})
    report = {"name": "Users", "short_name": "users", "sql": "SELECT count(*) FROM core_user"}
    writing.create(world, RESOURCES["queryreport"], report)


def _campaign(world: World, list_id: int) -> None:
    campaign = writing.create(world, RESOURCES["campaign"], {"name": "street_festivals", "title": "Street festivals"})
    pages.make(world, "eventcreate", "host_a_festival", list=list_id, campaign=campaign)
    pages.make(world, "eventsignup", "come_to_a_festival", list=list_id, campaign=campaign)


def _events(world: World) -> None:
    """Two, and the first user is their host."""
    page = processing.page_named(world, "host_a_festival")
    for title in ("Alder Street", "Birch Street"):
        event = {"event_title": title, "event_city": "Dayton", "event_state": "OH", "event_zip": "45402"}
        starts = {"event_starts_at": "2026-12-05 14:00:00", "event_max_attendees": "50"}
        _let_act(world, page, 1, event | starts)


def _donations(world: World, users: int) -> None:
    """A few users gave: one in a hundred, two hundred at most."""
    random = Random(f"donations {world.seed}")
    page = processing.page_named(world, "donate")
    chosen = random.sample(range(1, users + 1), max(1, min(200, users // 100)))
    for number in chosen:
        given = {
            "card_num": "4111111111111111",
            "card_code": world.behaviour.card_code,
            "amount_other": random.choice(("5.00", "10.00", "25.00")),
            "payment_account": random.choice((_STUB, ACTBLUE)),
        }
        _let_act(world, page, number, given)


def _let_act(world: World, page: Row, user_id: int, body: Row) -> None:
    """A user did something at the time of their last change, which stays their last."""
    user = world.db.get("core_user", user_id)
    assert user is not None
    who = {"email": user["email"], "name": "Ada Quill", "created_at": user["updated_at"], "suppress_subscribe": "1"}
    processing.take_action(world, page, who | body)
    world.db.update("core_user", user_id, **{name: value for name, value in user.items() if name != "id"})
