"""The bodies of Action Network's webhooks, made up from a seed: what one POST brings, one after another.

Everything the documentation and the field say about them is in here: all eight types, persons who hold only what was
typed in, letters that come several at once, letters nobody finished, people without a phone who have a phone status,
uploads and actions without a number of their own, foreign identifiers before theirs.
"""

import copy
import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, Final

from groundswell.connectors.action_network.mapping import TEST_KEY, TEST_PERSON, TEST_PETITION, TEST_SIGNATURE
from groundswell.connectors.action_network.simulator.crowd import Crowd, Supporter, random_uuid
from groundswell.record import utc_stamp

Event = dict[str, Any]
Message = list[Event]
"""The array one POST brings."""

API: Final = "https://actionnetwork.org/api/v2"
START: Final = datetime(2026, 5, 2, 11, 0, tzinfo=UTC)

MIX: Final[Mapping[str, float]] = {
    "osdi:signature": 45,
    "osdi:submission": 14,
    "osdi:attendance": 12,
    "osdi:donation": 11,
    "osdi:outreach": 8,
    "action_network:response": 4,
    "action_network:upload": 4,
    "action_network:action": 2,
}
"""How often each type happens, against the others."""
UPLOADS_ONLY: Final[Mapping[str, float]] = {"action_network:upload": 1}
"""A list was uploaded: thousands of these a minute, and nothing else for a while."""

_SPONSORS: Final = (
    {"title": "Riverside Action", "url": "https://actionnetwork.org/groups/riverside-action"},
    {"title": "Riverside Action: Eastside", "url": "https://actionnetwork.org/groups/riverside-action-eastside"},
)
_SOURCES: Final = ("may-email", "homepage", "instagram", "text-0501", "partner-newsletter")
_TAGS: Final = ("volunteer", "member", "housing", "transit", "spring 2026")
_COMMENTS: Final = (
    "Fix the crossing before somebody is hurt there.",
    "My children walk that way every single day of the week, and so do their friends.",
    "¡Ya basta!",
    "I have lived on this street for thirty years.\nPlease do the right thing.",
)
OFFICIALS: Final = (
    {"title": "Senator", "given_name": "Ada", "family_name": "Quill", "ocdid": "ocd-division/country:us/state:or"},
    {"title": "Senator", "given_name": "Bo", "family_name": "Sample", "ocdid": "ocd-division/country:us/state:or"},
    {"title": "Representative", "given_name": "Cy", "family_name": "Pattern", "ocdid": "ocd-division/country:us/cd:3"},
)


def events(
    seed: int | str,
    *,
    count: int | None = None,
    start: datetime = START,
    every_s: float = 1.5,
    mix: Mapping[str, float] = MIX,
    twins: float = 0.0,
) -> Iterator[Message]:
    """Message after message: the same again for the same arguments.

    Args:
        count: Stop after so many events, exactly (a message may hold several); None never stops.
        start: When the first happens.
        every_s: Seconds from one to the next, on average.
        mix: How often each type happens, against the others.
        twins: Share of messages a second webhook sends too: the same event under another idempotency key.
    """
    made = Messages(Random(seed), start, every_s, mix, twins)
    left = count
    for message in made:
        if left is None:
            yield message
            continue
        if left <= 0:
            return
        yield message[:left]
        left -= len(message)


class Messages:
    """An endless iterator of messages."""

    def __init__(
        self, random: Random, start: datetime, every_s: float, mix: Mapping[str, float] = MIX, twins: float = 0.0
    ) -> None:
        self._random = random
        self._now = start
        self._every_s = every_s
        self._crowd = Crowd(random)
        self._types, self._weights = tuple(mix), tuple(mix.values())
        self._twins = twins
        self._row = random.randrange(10**8, 10**9)
        self._twin: Message | None = None
        self._pages = {
            name: [random_uuid(random) for _ in range(3)]
            for name in ("petitions", "events", "forms", "fundraising_pages", "advocacy_campaigns", "surveys")
        }

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        if self._twin is not None:
            twin, self._twin = self._twin, None
            return twin
        self._now += timedelta(seconds=self._every_s * self._random.expovariate(1.0))
        message = self._message(self._random.choices(self._types, self._weights)[0])
        if self._twins and self._random.random() < self._twins:
            self._twin = copy.deepcopy(message)
            for event in self._twin:
                event["idempotency_key"] = self._key()
        return message

    def _message(self, name: str) -> Message:
        sponsor = self._random.choices(_SPONSORS, (4, 1))[0]
        bodies = _BODIES[name](self)
        # Whether the letters of one POST share a key is not documented: some do here, some do not.
        shared = self._key() if self._random.random() < 0.5 else None
        return [
            {name: body, "action_network:sponsor": dict(sponsor), "idempotency_key": shared or self._key()}
            for body in bodies
        ]

    def _key(self) -> str:
        """Theirs look like the MD5 of a row number."""
        self._row += self._random.randrange(1, 9)
        return hashlib.md5(str(self._row).encode(), usedforsecurity=False).hexdigest()

    def _signature(self) -> list[Event]:
        body = self._numbered("petitions", "osdi:petition", "signatures")
        if self._random.random() < 0.6:
            body["comments"] = self._random.choice(_COMMENTS)
        return [body]

    def _submission(self) -> list[Event]:
        return [self._numbered("forms", "osdi:form", "submissions")]

    def _response(self) -> list[Event]:
        return [self._numbered("surveys", "action_network:survey", "responses")]

    def _attendance(self) -> list[Event]:
        body = self._numbered("events", "osdi:event", "attendances") | {"status": "accepted"}
        if self._random.random() < 0.1:
            # Ticketed events are not on the API, so nothing links to them.
            del body["_links"]["osdi:event"]
            body["_links"]["self"]["href"] = f"{API}/attendances/{body['identifiers'][-1].partition(':')[2]}"
            body["tickets"] = [{"title": "General admission", "amount": "15.00", "currency": "USD"}]
        return [body]

    def _donation(self) -> list[Event]:
        random = self._random
        body = self._numbered("fundraising_pages", "osdi:fundraising_page", "donations")
        cents = [random.choice((500, 1000, 1500, 2500, 5000, 10000)) + random.choice((0, 0, 0, 150))]
        if random.random() < 0.2:
            cents.append(random.choice((100, 500)))
        is_recurring = random.random() < 0.3
        return [
            body
            | {
                "currency": random.choices(("USD", "usd"), (4, 1))[0],
                "amount": _dollars(sum(cents)),
                "recipients": [
                    {"display_name": name, "amount": _dollars(part)}
                    for name, part in zip(("Riverside Action", "Bail Fund"), cents, strict=False)
                ],
                "payment": {
                    "method": "Credit Card",
                    "reference_number": random_uuid(random),
                    "authorization_stored": is_recurring,
                },
                "action_network:recurrence": (
                    {"recurring": True, "period": random.choice(("Monthly", "Weekly", "Yearly"))}
                    if is_recurring
                    else {"recurring": False}
                ),
            }
        ]

    def _outreach(self) -> list[Event]:
        """A call; letters, one to each official; or a form left after the first step, with nobody to write to."""
        random = self._random
        first = self._numbered("advocacy_campaigns", "osdi:advocacy_campaign", "outreaches")
        chance = random.random()
        if chance < 0.2:
            return [first | {"type": "phone", "duration": random.randrange(20, 600), "targets": [OFFICIALS[0]]}]
        if chance < 0.35:
            return [first | ({"type": "email"} if random.random() < 0.5 else {})]
        letter = {"type": "email", "subject": "The crossing on Alder St", "message": random.choice(_COMMENTS)}
        written = []
        for official in random.sample(OFFICIALS, random.randrange(1, 4)):
            one = copy.deepcopy(first)
            self._number(one, f"{one['_links']['osdi:advocacy_campaign']['href']}/outreaches")
            written.append(one | letter | {"targets": [dict(official)]})
        return written

    def _upload(self) -> list[Event]:
        """A line of an uploaded file, or the echo of somebody's signup helper call: without tags and custom fields."""
        body = self._unnumbered(is_whole=True)
        if self._random.random() < 0.3:
            body["person"].pop("custom_fields", None)
            body["add_tags"] = []
        return [body]

    def _action(self) -> list[Event]:
        """Added by hand, subscribed in a report: says who, and not whether they subscribed."""
        body = self._unnumbered(is_whole=True)
        body["person"].pop("custom_fields", None)
        for address in body["person"].get("email_addresses", ()):
            address.pop("status", None)
        body["add_tags"] = []
        return [body]

    def _numbered(self, collection: str, link: str, records: str) -> Event:
        body = self._unnumbered(is_whole=False)
        referrer = {"source": self._random.choice(_SOURCES)} if self._random.random() < 0.5 else {}
        if referrer and self._random.random() < 0.3:
            referrer |= {"website": "https://example.org/act", "referrer": "group-riverside-action"}
        body["action_network:referrer_data"] = referrer
        page = f"{API}/{collection}/{self._random.choice(self._pages[collection])}"
        body["_links"] = {"self": {"href": ""}, link: {"href": page}, **body["_links"]}
        self._number(body, f"{page}/{records}")
        return body

    def _number(self, body: Event, records: str) -> None:
        number = random_uuid(self._random)
        foreign = [f"memberdb:{self._random.randrange(10_000)}"] if self._random.random() < 0.1 else []
        body["identifiers"] = [*foreign, f"action_network:{number}"]
        body["_links"]["self"]["href"] = f"{records}/{number}"

    def _unnumbered(self, *, is_whole: bool) -> Event:
        who = self._crowd.someone()
        stamp = utc_stamp(self._now)
        return {
            "created_date": stamp,
            "modified_date": stamp,
            "person": _person(self._random, who, stamp, is_whole=is_whole),
            "action_network:referrer_data": {},
            "add_tags": self._random.sample(_TAGS, self._random.randrange(3)),
            "_links": {"osdi:person": {"href": f"{API}/people/{who.uuid}"}},
        }


_BODIES: Final = {
    "osdi:signature": Messages._signature,
    "osdi:attendance": Messages._attendance,
    "osdi:submission": Messages._submission,
    "osdi:donation": Messages._donation,
    "osdi:outreach": Messages._outreach,
    "action_network:response": Messages._response,
    "action_network:upload": Messages._upload,
    "action_network:action": Messages._action,
}
"""What makes the bodies of each type."""


def _person(random: Random, who: Supporter, stamp: str, *, is_whole: bool) -> Event:
    """What was typed in for this event; `is_whole`: all that is known, as uploads and actions have it."""

    def typed(share: float) -> bool:
        return is_whole or random.random() < share

    person: Event = {"created_date": stamp, "modified_date": stamp}
    if typed(0.85):
        person |= {"given_name": who.given_name, "family_name": who.family_name}
    if typed(0.85):
        person["postal_addresses"] = [_postal_address(who, has_street=typed(0.2))]
    elif random.random() < 0.2:
        person["postal_addresses"] = [{"primary": True, "region": "", "country": "US"}]
    if who.email is not None:
        person["email_addresses"] = [{"primary": True, "address": who.email, **_email_status(random)}]
    if who.phone is not None and (who.email is None or typed(0.6)):
        person["phone_numbers"] = [
            {"primary": True, "number": who.phone, "number_type": "Mobile", **_phone_status(who.is_texting)}
        ]
    elif random.random() < 0.3:
        person["phone_numbers"] = [{"primary": True, "number_type": "Mobile", "status": "unsubscribed"}]
    if typed(0.7):
        person["languages_spoken"] = [who.language]
    if typed(0.35):
        person["custom_fields"] = {"Shirt size": who.shirt, "How did you hear about us?": random.choice(_SOURCES)}
    return person


def _postal_address(who: Supporter, *, has_street: bool) -> Event:
    """With the region's name in full, where the API has its code."""
    address: Event = {"primary": True}
    if has_street:
        address |= {"address_lines": [who.street], "locality": who.place.city}
    return address | {
        "region": who.place.region,
        "postal_code": who.zip,
        "country": who.place.country,
        "location": {"latitude": 45.5, "longitude": -122.7, "accuracy": "Approximate"},
    }


def _email_status(random: Random) -> Event:
    status = random.choices(("subscribed", None, "unsubscribed", "bouncing"), (90, 6, 3, 1))[0]
    return {} if status is None else {"status": status}


def _phone_status(is_texting: bool | None) -> Event:
    return {} if is_texting is None else {"status": "subscribed" if is_texting else "unsubscribed"}


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def ids_of(message: Message) -> tuple[str, ...]:
    """The ids of the records a receiver must have made of this message."""
    found = []
    for event in message:
        (name,) = event.keys() - {"action_network:sponsor", "idempotency_key"}
        numbers = [one for one in event[name].get("identifiers", ()) if one.startswith("action_network:")]
        number = numbers[0].partition(":")[2] if numbers else event["idempotency_key"]
        found.append(f"action_network:{name.partition(':')[2]}/{number}")
    return tuple(found)


def upload_storm(seed: int, count: int, start: datetime = START) -> Iterator[Message]:
    """An uploaded list: one event a line, of other people than `events` with the same seed has."""
    return islice(events(f"storm {seed}", start=start, every_s=0.01, mix=UPLOADS_ONLY), count)


def send_test_message() -> Message:
    """What the "Send Test" button sends, the same each time."""
    petition = f"{API}/petitions/{TEST_PETITION}"
    return [
        {
            "osdi:signature": {
                "identifiers": [f"action_network:{TEST_SIGNATURE}"],
                "comments": "An example",
                "person": {
                    "given_name": "John",
                    "family_name": "Smith",
                    "postal_addresses": [{"primary": True, "postal_code": "20009"}],
                    "email_addresses": [{"primary": True, "address": "jsmith@mail.com"}],
                    "phone_numbers": [{"primary": True, "number": "11234567890", "number_type": "Mobile"}],
                    "custom_fields": {"age": "31"},
                },
                "action_network:referrer_data": {},
                "add_tags": ["volunteer", "member"],
                "_links": {
                    "self": {"href": f"{petition}/signatures/{TEST_SIGNATURE}"},
                    "osdi:petition": {"href": petition},
                    "osdi:person": {"href": f"{API}/people/{TEST_PERSON}"},
                },
            },
            "action_network:sponsor": {
                "title": "Progressive Action Now",
                "url": "https://actionnetwork.org/groups/progressive-action-now",
            },
            "idempotency_key": TEST_KEY,
        }
    ]
