"""dedupe_phone in a daemon: source, phone, opt-in, one person per phone, file; killed with -9 on the way."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import anyio
import msgspec
import pytest

from groundswell.record import Person, Record, from_json, to_json, utc_stamp
from tests.faults.process import Process
from tests.running import FREE_PORTS, post, running, until

CHAIN = """
[transforms.phone]
type = "normalise_phone"
inputs = ["people"]

[transforms.opt_in]
type = "normalise_opt_in"
inputs = ["phone"]

[transforms.one]
type = "dedupe_phone"
inputs = ["opt_in"]
duplicates = "drop"

[sinks.texts]
type = "jsonl"
inputs = ["one"]
path = "texts.jsonl"
"""
FROM_FILE = '[sources.people]\ntype = "jsonl"\npath = "people.jsonl"\nfollow = true\nevery = "10ms"\n' + CHAIN
FROM_WEB = (
    FREE_PORTS
    + '[sources.people]\ntype = "http.webhook"\nauth = "none"\nid_field = "id"\n'
    + CHAIN.replace('"people"', '"mapped"')
    + """
[transforms.mapped]
type = "map_fields"
inputs = ["people"]
fields = { kind = "raw.kind", phone = "raw.phone", sms_opt_in = "raw.opt_in", occurred_at = "raw.at" }
"""
)
PHONES = [f"(503) 555-01{number}" for number in range(40, 60)]
RECORDS = 400
KILLS = 3


def traffic(random: Random) -> Iterator[Record]:
    """States of 30 people with 20 phones, and what they do; some say yes, some say stop, some not in their order."""
    for second in range(RECORDS):
        who = random.randrange(30)
        at = utc_stamp(_moment(second - random.choice([0, 0, 0, 40])))
        person = Person(
            phone=PHONES[who % len(PHONES)],
            zip=random.choice(["97201", "97202"]),
            sms_opt_in=random.choice(["Yes", "no", "STOP?", "y"]),
            ids={"network": str(who)},
        )
        if random.random() < 0.6:
            yield Record(f"network:person/{who}@{at}.{second}", "person", "in", at, person)
        else:
            yield Record(f"network:signature/{second}", "action", "in", at, person)


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(1_700_000_000 + second, UTC)


def _lines(directory: Path) -> list[Record]:
    file = directory / "texts.jsonl"
    return [from_json(line) for line in file.read_bytes().splitlines()] if file.exists() else []


def _what_they_have(directory: Path) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """By phone, what was passed on of each, later values over earlier ones; and what people did."""
    people: dict[str, dict[str, Any]] = {}
    done: set[str] = set()
    for record in _lines(directory):
        assert isinstance(record.person, Person)
        people.setdefault(str(record.person.phone), {}).update(msgspec.to_builtins(record.person))
        if record.kind == "action":
            done.add(record.id)
    return people, done


async def _read(process: Process, records: int) -> None:
    with anyio.fail_after(30):
        while process.rows("SELECT count(*) FROM inbox") != [(records,)]:
            await anyio.sleep(0.02)
    await process.drained()


def _kept(process: Process) -> Mapping[str, Sequence[Any]]:
    """What is known of everybody, and the ledger, but for when it was learnt."""
    return {
        "ledger": process.rows("SELECT phone, before, after, said, decision, record_id, said_at FROM consents"),
        "links": process.rows("SELECT account, remote_id, member, kin, state FROM links ORDER BY 1, 2"),
        "members": process.rows("SELECT id, phone FROM members ORDER BY 1"),
    }


@pytest.mark.timeout(60)
async def test_killed_again_and_again_it_knows_and_passes_on_what_it_does_undisturbed(tmp_path: Path) -> None:
    records = [to_json(record) + b"\n" for record in traffic(Random(7))]
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    processes = {}
    for directory in (calm, killed):
        directory.mkdir()
        processes[directory] = Process(directory, FROM_FILE)
    (calm / "people.jsonl").write_bytes(b"".join(records))
    await processes[calm].start()
    await _read(processes[calm], RECORDS)
    assert await processes[calm].stop() == 0

    random, process = Random(8), processes[killed]
    with (killed / "people.jsonl").open("ab") as file:
        for turn in range(KILLS):
            part = records[turn * RECORDS // KILLS : (turn + 1) * RECORDS // KILLS]
            file.write(b"".join(part[: len(part) // 2]))
            file.flush()
            await process.start()
            file.write(b"".join(part[len(part) // 2 :]))
            file.flush()
            with anyio.move_on_after(random.uniform(0.0, 0.1)):
                await process.drained()
            process.kill()
    await process.start()
    await _read(process, RECORDS)
    assert await process.stop() == 0

    assert process.rows("SELECT count(*) FROM dead_letters") == [(0,)]
    assert _kept(process) == _kept(processes[calm])
    assert _what_they_have(killed) == _what_they_have(calm)
    for phone, person in _what_they_have(killed)[0].items():
        ((consent,),) = process.rows("SELECT after FROM consents WHERE phone = ? ORDER BY id DESC LIMIT 1", phone)
        assert person["sms_opt_in"] is (consent == "yes")


async def test_a_stop_finds_whoever_was_passed_on_before_the_daemon_was_started_anew(tmp_path: Path) -> None:
    yes = {"kind": "action", "phone": "503 555 0144", "opt_in": "Yes", "at": "2026-05-02T11:00:09Z"}
    stop = {"kind": "action", "phone": "503 555 0144", "opt_in": "no", "at": "2026-05-03T11:00:09Z"}
    async with running(FROM_WEB, tmp_path) as daemon:
        await post(daemon, "people", {"id": 1, **yes})
        await until(lambda: len(_lines(tmp_path)) == 1)
    async with running(FROM_WEB, tmp_path) as daemon:
        late = {**yes, "at": "2026-05-03T10:00:00Z"}
        await post(daemon, "people", {"id": 2, **stop})
        await post(daemon, "people", {"id": 3, **late})
        await post(daemon, "people", {"id": 4, **stop, "phone": "503 555 0199"})
        await post(daemon, "people", {"id": 5, **yes, "phone": "503 555 0145"})
        await until(lambda: len(_lines(tmp_path)) == 3)
    people = [record.person for record in _lines(tmp_path)]
    assert [(one.phone, one.sms_opt_in) for one in people if isinstance(one, Person)] == [
        ("+15035550144", True),
        ("+15035550144", False),
        ("+15035550145", True),
    ]


TESTS = """
[[tests]]
name = "a stop is passed on once"
source = "people"
input = [
  { id = 1, kind = "action", phone = "503 555 0144", opt_in = "yes", at = "2026-05-02T11:00:09Z" },
  { id = 2, kind = "action", phone = "503 555 0144", opt_in = "no", at = "2026-05-03T11:00:09Z" },
  { id = 3, kind = "action", phone = "503 555 0144", opt_in = "yes", at = "2026-05-03T10:00:00Z" },
]

[[tests.expect.texts]]
person = { phone = "+15035550144", sms_opt_in = true, ids = { groundswell = "1" } }

[[tests.expect.texts]]
person = { phone = "+15035550144", sms_opt_in = SAID }
"""


@pytest.mark.parametrize(("said", "exit_code"), [("false", 0), ("true", 1)])
def test_the_tests_of_a_configuration_remember_from_input_to_input(said: str, exit_code: int, tmp_path: Path) -> None:
    process = Process(tmp_path, FROM_WEB.replace(FREE_PORTS, "") + TESTS.replace("SAID", said))
    assert process.cli("test").returncode == exit_code
