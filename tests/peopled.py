"""A state file with people in it, as syncs leave it: linked, refused, shared, in groups, and what they said."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from groundswell.members.book import Changes
from groundswell.members.member import Link, Member, Sent, Statement, Value
from groundswell.runtime.daemon import Daemon
from groundswell.store.outbox import Processed
from groundswell.store.store import Store
from tests.pipelines.ops_pipeline import receiving, with_ops
from tests.running import running

SYNCS = """
[accounts.actionkit]
type = "actionkit"
host = "http://127.0.0.1:9"
username = "x"
password = "y"
[sync.kit]
account = "actionkit"
import_page = "import"
primary_group = "Everybody"
pages = ["*"]
usergroups = ["Organisers"]
groups = [{ name = "Drivers", field = "can_drive", value = "yes" }]
[sync.kit.fields]
first_name = "populate"
last_name = "populate"
email = "populate"
city = "populate_to_member"
state = "to_member"
zip = "two_way"
"custom.shirt size" = { remote = "user_shirt", mode = "to_remote", clear = true }
"""
NOW = 1_777_719_609_000
AT_S = NOW / 1000
PHONE, EMAIL = "+15035550144", "Rosa@example.org"
ROSA = Member(
    7,
    PHONE,
    {
        "email": Value(EMAIL, AT_S - 900, "kit"),
        "first_name": Value("Rosa", AT_S - 900, "kit"),
        "last_name": Value("Quintanilla", AT_S - 900, "kit"),
        "city": Value("Portland", AT_S - 800, "kit"),
        "zip": Value("97202", AT_S - 100, "signups"),
        "custom.shirt size": Value("M", AT_S - 50, "signups"),
    },
    "no",
    AT_S - 300,
    AT_S - 1_000,
    AT_S - 50,
)
LINKS = [
    Link(
        "actionkit",
        "4411",
        7,
        "pending",
        email=EMAIL,
        remote_at=AT_S - 500,
        seen={
            "email": EMAIL,
            "first_name": "Rose",
            "last_name": "Quintanilla",
            "city": "portland",
            "state": None,
            "zip": "97201",
            "custom.shirt size": None,
            "sms_opt_in": "true",
        },
        base={
            "email": EMAIL.casefold(),
            "last_name": "Quintanilla",
            "city": "portland",
            "zip": "97201",
            "custom.shirt size": None,
        },
        pending={"zip": (Sent("97202", 2),)},
    ),
    Link("actionkit", "4500", None, "duplicate", "duplicate", of=7, email="other@example.org"),
    Link("actionkit", "4600", None, "ineligible", "no_phone", email="sam@example.org", seen={"last_name": "Ng"}),
]
SAID = [
    Statement(PHONE, "unknown", "yes", "yes", "Y", "changed", "kit", "r/1", AT_S - 900, AT_S - 890),
    Statement(PHONE, "yes", "no", "no", 'STOP, "now"', "changed", "signups", "r/2", AT_S - 300, AT_S - 299),
    Statement(PHONE, "no", "no", "yes", "=cmd()", "older", "kit", "r/4", AT_S - 400, AT_S - 200),
    Statement("+15035550145", "yes", "yes", "unknown", "TBD", "unknown", "kit", "r/3", AT_S - 301, AT_S - 100),
]
SAM = Member(8, "+15035550145", {"first_name": Value("Sam", AT_S, "kit")}, "yes", AT_S, AT_S, AT_S)
GROUPS = {("Everybody", 7): True, ("Everybody", 8): True, ("Tax the rich", 7): True}


async def fill(store: Store, member: Member = ROSA, links: list[Link] = LINKS) -> None:
    """Rosa, who is linked, those beside her, what they said, and their groups."""
    changes = Changes(
        {member.id: member, 8: SAM}, {(link.account, link.remote_id): link for link in links}, SAID, GROUPS
    )
    await store.process(Processed(NOW, None, changes=changes))


@asynccontextmanager
async def peopled(directory: Path, *ops: str) -> AsyncIterator[Daemon]:
    """A daemon that knows them, with these lines under [ops]."""
    async with receiving() as (_, pipeline), running(with_ops(pipeline, *ops) + SYNCS, directory) as daemon:
        await fill(daemon.store)
        yield daemon
