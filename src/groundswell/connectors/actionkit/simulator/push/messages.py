"""Messages of SNS: confirmations, notifications raw and in an envelope, and what is signed of them (D by AWS)."""

import uuid
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from groundswell.connectors.actionkit.simulator.calls.answers import Json
from groundswell.connectors.actionkit.simulator.calls.shapes import shown_by_id
from groundswell.connectors.actionkit.simulator.push.signing import signing_key
from groundswell.connectors.actionkit.simulator.state.moments import kept
from groundswell.connectors.actionkit.simulator.state.world import World

AMAZON: Final = "https://sns.us-east-1.amazonaws.com"
LOCAL_PATH: Final = "/_sns"
CERTIFICATE: Final = "SimpleNotificationService-0123456789abcdef.pem"
AGENT: Final = "Amazon Simple Notification Service Agent"
_SIGNED: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
_BRIEF_ACTION: Final = ("id", "type", "page", "fields", "created_user", "subscribed_user", "source", "created_at")
_BRIEF_USER: Final = ("id", "email", "first_name", "last_name", "zip", "fields", "phones")


class Message(Struct, frozen=True):
    """One message, the same at every try."""

    id: str
    kind: str
    """"Notification", "SubscriptionConfirmation" or "UnsubscribeConfirmation"."""
    body: bytes
    headers: dict[str, str]
    action_id: int | None = None


class Topic:
    """What an endpoint is subscribed to."""

    def __init__(self, world: World, random: Random, name: str) -> None:
        self._world = world
        self._random = random
        self.arn = f"arn:aws:sns:us-east-1:111122223333:ak-push-{name}"
        self.subscription_arn = f"{self.arn}:{self._uuid()}"
        self.token = f"{random.getrandbits(512):0128x}"

    @property
    def host(self) -> str:
        """Where addresses in messages lead."""
        return AMAZON if self._world.behaviour.sns_hosts == "amazon" else f"{self._world.root}{LOCAL_PATH}"

    def confirmation(self, kind: str = "SubscriptionConfirmation") -> Message:
        """Asks the receiver to GET `SubscribeURL`; also what comes when an endpoint is taken away."""
        query = urlencode({"Action": "ConfirmSubscription", "TopicArn": self.arn, "Token": self.token})
        text = f"You have chosen to subscribe to the topic {self.arn}."
        body = {"Token": self.token, "Message": text, "SubscribeURL": f"{self.host}/?{query}"}
        return self._enveloped(kind, body)

    def notification(self, action_id: int) -> Message | None:
        """What happened; None when it is not there any more."""
        pushed = _pushed(self._world, action_id)
        if pushed is None:
            return None
        text = msgspec.json.encode(pushed)
        if not self._world.behaviour.pushes_are_raw:
            query = urlencode({"Action": "Unsubscribe", "SubscriptionArn": self.subscription_arn})
            body = {"Message": text.decode(), "UnsubscribeURL": f"{self.host}/?{query}"}
            return self._enveloped("Notification", body, action_id)
        id_ = self._uuid()
        headers = self._headers("Notification", id_) | {"x-amz-sns-rawdelivery": "true"}
        return Message(id_, "Notification", text, headers, action_id)

    def _enveloped(self, kind: str, own: Json, action_id: int | None = None) -> Message:
        world, version = self._world, self._world.behaviour.signature_version
        id_ = self._uuid()
        stamp = kept(world.moment(), micros=True).replace(" ", "T")[:23] + "Z"
        body = {"Type": kind, "MessageId": id_, "TopicArn": self.arn, **own, "Timestamp": stamp}
        signed = _SIGNED.get(kind, _SIGNED["SubscriptionConfirmation"])
        text = "".join(f"{name}\n{body[name]}\n" for name in signed if name in body)
        body |= {
            "SignatureVersion": version,
            "Signature": signing_key(world.seed).sign(text.encode(), version),
            "SigningCertURL": f"{self.host}/{CERTIFICATE}",
        }
        return Message(id_, kind, msgspec.json.encode(body), self._headers(kind, id_), action_id)

    def _headers(self, kind: str, id_: str) -> dict[str, str]:
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": AGENT,
            "x-amz-sns-message-type": kind,
            "x-amz-sns-message-id": id_,
            "x-amz-sns-topic-arn": self.arn,
        }
        if kind == "Notification":
            headers["x-amz-sns-subscription-arn"] = self.subscription_arn
        return headers

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def _pushed(world: World, action_id: int) -> Json | None:
    """The keys are those of the one receiver there is to read (C); what is in them is as in the API (I)."""
    row = world.db.get("core_action", action_id)
    if row is None or world.db.get("core_user", row["user_id"]) is None:
        return None
    action, user = shown_by_id(world, "action", action_id), shown_by_id(world, "user", row["user_id"])
    if not world.behaviour.push_is_full:
        action = {name: action[name] for name in _BRIEF_ACTION}
        user = {name: user[name] for name in _BRIEF_USER}
    stamp: Any = kept(world.moment()).replace(" ", "T") + "Z"
    return {"type": "action", "timestamp": stamp, "action": action, "user": user}
