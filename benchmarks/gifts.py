"""ActBlue contributions of 1.7 KB, as its webhooks send them, no two alike.

Every body has its own line item, order, donor, email and phone, so nothing downstream can drop one as a duplicate or
merge two people. Only fixed-width fields change from one body to the next, so making one costs about a microsecond.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

LINEITEM_FIRST: Final = 100_000_000
NUMBERS_BELOW: Final = 800_000_000
_ID: Final = re.compile(rb'"id":"actblue:contribution/(\d{9})"')
_PHONES: Final = 790 * 10_000


def body(number: int, due_ns: int, events: int = 1) -> bytes:
    """The contribution `number`, below 800 million; the same number makes the same body.

    Args:
        due_ns: not in it: ActBlue's times are whole seconds, and nothing here is timed beyond the answer.
        events: 1, as ActBlue sends one contribution in a request.
    """
    token, phone = b"%09d" % number, number % _PHONES
    return _TEMPLATE % (token, token, 200 + phone // 10_000, phone % 10_000, token, LINEITEM_FIRST + number)


def numbers_in(delivered: bytes) -> Iterator[int]:
    """The number of every contribution in what somebody sent on, as records in JSON."""
    return (int(found) - LINEITEM_FIRST for found in _ID.findall(delivered))


def _template() -> bytes:
    """A body with a place for each field that varies, in the order `body` fills them."""
    gift = {
        "donor": {
            "firstname": "ROSALIND",
            "lastname": "OKAFOR",
            "addr1": "{token} Larkspur Lane",
            "city": "Duluth",
            "state": "MN",
            "zip": "55802",
            "country": "United States",
            "isEligibleForExpressLane": True,
            "employerData": {
                "employer": "Not employed",
                "occupation": "Not employed",
                "employerAddr1": None,
                "employerCity": None,
                "employerState": None,
                "employerZip": None,
                "employerCountry": None,
            },
            "email": "rosa.{token}@example.org",
            "phone": "218{exchange}{line}",
        },
        "contribution": {
            "createdAt": "2026-08-03T09:14:07-04:00",
            "orderNumber": "AB{token}",
            "contributionForm": "harbor-fund-sms",
            "refcodes": {"refcode": "sms_20260803", "refcode2": "seg_b"},
            "refcode": "sms_20260803",
            "refcode2": "seg_b",
            "creditCardExpiration": "11/2029",
            "recurringPeriod": "once",
            "recurringDuration": 1,
            "weeklyRecurringSunset": None,
            "abTestName": None,
            "abTestVariation": None,
            "isRecurring": False,
            "isPaypal": False,
            "isMobile": True,
            "isExpress": True,
            "withExpressLane": False,
            "expressSignup": False,
            "uniqueIdentifier": "0b6c1d5e-0000-4000-8000-5f2a9c7e1d44",
            "status": "approved",
            "thanksUrl": "https://secure.actblue.example/thanks/AB700000123",
            "textMessageOption": "opt_in",
            "giftDeclined": None,
            "giftIdentifier": None,
            "shippingName": None,
            "shippingAddr1": None,
            "shippingCity": None,
            "shippingState": None,
            "shippingZip": None,
            "shippingCountry": None,
            "smartBoostAmount": None,
            "customFields": [{"label": "Would you host an event?", "answer": "Maybe"}],
            "merchandise": [],
            "bumpYourRecurring": None,
        },
        "lineitems": [
            {
                "sequence": 0,
                "entityId": 90210,
                "fecId": None,
                "committeeName": "Harbor Fund",
                "amount": "15.0",
                "recurringAmount": None,
                "amountLessAbFees": "14.41",
                "paidAt": "2026-08-03T09:14:11-04:00",
                "paymentId": 880011223,
                "lineitemId": "{lineitem}",
            }
        ],
        "form": {
            "name": "harbor-fund-sms",
            "kind": "page",
            "ownerEmail": "digital@harborfund.example",
            "managingEntityName": "Harbor Fund",
            "managingEntityCommitteeName": "Harbor Fund",
        },
    }
    text = json.dumps(gift, separators=(",", ":")).replace("%", "%%")
    places = (("{token}", "%b"), ("{exchange}", "%03d"), ("{line}", "%04d"), ('"{lineitem}"', "%09d"))
    for name, place in places:
        text = text.replace(name, place)
    return text.encode()


_TEMPLATE: Final = _template()
