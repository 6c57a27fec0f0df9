"""Action Network signatures of 1.4 KB, as its webhooks send them, no two alike.

Every event has its own identifier, person, email, phone and idempotency key, so nothing downstream can drop one as a
duplicate or merge two people. Its comment ends in a mark with the time it was due and its number, which survives any
mapping: whoever receives the record, in whatever shape, finds the mark and knows how long it took (see `marks`).

Only fixed-width fields change from one event to the next, so making one costs about a microsecond.
"""

import json
from collections.abc import Iterator
from typing import Final

MARK: Final = b"~sent:"
_MARK_BYTES: Final = len(MARK) + 16 + 8

_SCATTER: Final = 2_654_435_761
"""Odd, so that multiplying by it modulo 2**32 gives every number a different one: identifiers arrive in no order,
as real ones do, which is the harder case for an index."""
_EXCHANGES: Final = tuple(e for e in range(200, 1000) if e % 100 != 11 and e != 555)
_AREAS: Final = (202, 206, 212, 213, 215, 303, 305, 312, 313, 404, 412, 415, 503, 510, 512, 602, 612, 617, 702, 718)
_PHONES: Final = len(_AREAS) * len(_EXCHANGES) * 10_000

_PETITION: Final = "https://actionnetwork.org/api/v2/petitions/77ab90c4-52de-4f0b-8b8e-0a54c2f5f0d1"
_SIGNATURE: Final = "{token}-3c1e-4b7a-9d20-5be1c0ffee01"
_PERSON: Final = "{token}-9f42-4c55-a7d3-0dd5ba11ad02"


def body(number: int, due_ns: int, events: int = 1) -> bytes:
    """A webhook body holding the events `number`, `number + 1`, ... (`events` of them), due at `due_ns`.

    Args:
        number: below 2**32; the same number makes the same event.
        due_ns: nanoseconds of the machine's monotonic clock, which all its processes share.
        events: 1 in nearly all that Action Network sends; more is what a batched outreach looks like.
    """
    if events == 1:
        return b"[" + _event(number, due_ns) + b"]"
    return b"[" + b",".join([_event(n, due_ns) for n in range(number, number + events)]) + b"]"


def marks(delivered: bytes) -> Iterator[tuple[int, int]]:
    """Every (number, due_ns) found in a body somebody sent on, whatever its format."""
    at = delivered.find(MARK)
    while at >= 0:
        end = at + _MARK_BYTES
        yield int(delivered[end - 8 : end], 16), int(delivered[at + len(MARK) : end - 8], 16)
        at = delivered.find(MARK, end)


def _event(number: int, due_ns: int) -> bytes:
    token = b"%08x" % (number * _SCATTER & 0xFFFFFFFF)
    return _TEMPLATE % (token, due_ns, number, token, _phone(number), token, token, token)


def _phone(number: int) -> int:
    """Ten digits, valid in the North American plan, different for 158 million events in a row."""
    prefix, line = divmod(number % _PHONES, 10_000)
    area, exchange = divmod(prefix, len(_EXCHANGES))
    return _AREAS[area] * 10_000_000 + _EXCHANGES[exchange] * 10_000 + line


def _template() -> bytes:
    """One event with a place for each field that varies, in the order `_event` fills them."""
    event = {
        "osdi:signature": {
            "identifiers": ["action_network:" + _SIGNATURE],
            "created_date": "2026-05-02T11:00:09Z",
            "modified_date": "2026-05-02T11:00:09Z",
            "comments": "Please fix the crossing before school starts. " + MARK.decode() + "{due}{number}",
            "person": {
                "created_date": "2026-05-02T11:00:09Z",
                "modified_date": "2026-05-02T11:00:09Z",
                "given_name": "Rosa",
                "family_name": "Okafor",
                "postal_addresses": [
                    {
                        "primary": True,
                        "region": "Oregon",
                        "postal_code": "97201",
                        "country": "US",
                        "location": {"latitude": 45.5, "longitude": -122.7, "accuracy": "Approximate"},
                    }
                ],
                "email_addresses": [{"primary": True, "address": "rosa.{token}@example.org", "status": "subscribed"}],
                "phone_numbers": [
                    {"primary": True, "number": "1{phone}", "number_type": "Mobile", "status": "subscribed"}
                ],
                "languages_spoken": ["en"],
                "custom_fields": {"Shirt size": "M", "Text me": "Yes"},
            },
            "action_network:referrer_data": {"source": "may-email"},
            "add_tags": ["volunteer"],
            "_links": {
                "self": {"href": _PETITION + "/signatures/" + _SIGNATURE},
                "osdi:petition": {"href": _PETITION},
                "osdi:person": {"href": "https://actionnetwork.org/api/v2/people/" + _PERSON},
            },
        },
        "action_network:sponsor": {"title": "Riverside Action", "url": "https://actionnetwork.org/groups/riverside"},
        "idempotency_key": "{token}" + "b9e0f6a1c2d3475586970a1b",
    }
    text = json.dumps(event, separators=(",", ":")).replace("%", "%%")
    for name, place in (("{token}", "%b"), ("{due}", "%016x"), ("{number}", "%08x"), ("{phone}", "%010d")):
        text = text.replace(name, place)
    return text.encode()


_TEMPLATE: Final = _template()
