"""Bodies of ActBlue's webhooks for tests: the documented shape with invented values, and changes to it."""

from typing import Any

LINEITEM = 990011223
ORDER = "AB700000123"
ENTITY = 90210
PAID_AT = "2026-08-03T09:14:11-04:00"
PAID_AT_UTC = "2026-08-03T13:14:11Z"

Body = dict[str, Any]


def lineitem(number: Any = LINEITEM, **changes: Any) -> Body:
    """One line item, as all clients know them."""
    return {
        "sequence": 0,
        "entityId": ENTITY,
        "fecId": None,
        "committeeName": "Harbor Fund",
        "amount": "15.0",
        "recurringAmount": "10.0",
        "amountLessAbFees": "14.41",
        "paidAt": PAID_AT,
        "paymentId": 880011223,
        "lineitemId": number,
    } | changes


def donor(**changes: Any) -> Body:
    """Who gave, with all that is known to be sent."""
    return {
        "firstname": "ROSALIND",
        "lastname": "OKAFOR",
        "addr1": "77 Larkspur Lane",
        "city": "Duluth",
        "state": "MN",
        "zip": "55802",
        "country": "United States",
        "isEligibleForExpressLane": True,
        "employerData": {
            "employer": "Harbor School",
            "occupation": "Teacher",
            "employerAddr1": None,
            "employerCity": None,
            "employerState": None,
            "employerZip": None,
            "employerCountry": None,
        },
        "email": "r.okafor@example.org",
        "phone": "2185550147",
    } | changes


def contribution(**changes: Any) -> Body:
    """What was given, with all that is known to be sent."""
    return {
        "createdAt": "2026-08-03T09:14:07-04:00",
        "orderNumber": ORDER,
        "contributionForm": "harbor-fund-sms",
        "refcodes": {"refcode": "sms_20260803", "refcode2": "seg_b"},
        "refcode": "sms_20260803",
        "refcode2": "seg_b",
        "creditCardExpiration": "11/2029",
        "recurringPeriod": "monthly",
        "recurringDuration": "infinite",
        "weeklyRecurringSunset": None,
        "abTestName": None,
        "abTestVariation": None,
        "isRecurring": True,
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
        "bumpYourRecurring": {"recurringUpsellSeen": True, "recurringUpsellAccepted": False},
    } | changes


FORM: Body = {
    "name": "harbor-fund-sms",
    "kind": "page",
    "ownerEmail": "digital@harborfund.example",
    "managingEntityName": "Harbor Fund",
    "managingEntityCommitteeName": "Harbor Fund",
}


def gift(*lineitems: Body, donor: Body | None = None, **changes: Any) -> Body:
    """A contribution of these line items, else of one. `changes` are of the contribution."""
    return {
        "donor": globals()["donor"]() if donor is None else donor,
        "contribution": contribution(**changes),
        "lineitems": list(lineitems) or [lineitem()],
        "form": FORM,
    }


def refund(**changes: Any) -> Body:
    """Money that went back. `changes` are of the line item."""
    came = {"refundedAt": "2026-08-05T10:00:00-04:00", "disbursedAt": None, "recoveredAt": None}
    return gift(lineitem(**(came | changes)))


def cancellation(**changes: Any) -> Body:
    """A series that was stopped. It says no status."""
    stopped = {
        "cancelledAt": "2026-11-02T18:20:00-05:00",
        "recurringType": "initially forever",
        "recurCompleted": 3,
        "recurPledged": 4,
        "cancellationReason": "Budget",
        "cancellationType": "Active",
    }
    body = gift(**(stopped | changes))
    del body["contribution"]["status"]
    return body


def without(part: Body, *names: str) -> Body:
    """The part without these keys."""
    return {name: value for name, value in part.items() if name not in names}
