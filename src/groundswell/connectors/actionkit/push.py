"""The `actionkit.push` source: takes what ActionKit's Push API sends, which travels by Amazon SNS (C).

SNS tries again after 5xx, 429 and silence, for an hour at most; any other 4xx drops the message for good (D by AWS). So
what we cannot take now is answered 503, which gives a person an hour to mend what is in the way, and what cannot be
understood is accepted and becomes a dead letter when it is read. 401 is answered to who shows no key (SNS asks so
first, and then comes with it), 403 to what claims to be of SNS and is not.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Final

import anyio
import msgspec
import structlog
from pydantic import Field, StringConstraints
from yarl import URL

from groundswell.component import Arrival, Batch, Context, Cursor, Emit, WebhookRequest
from groundswell.connectors.actionkit import sns
from groundswell.connectors.actionkit.mapping import read_arrival
from groundswell.connectors.actionkit.pushed import UNKNOWN, Push, action_id_of, arrival_id, says_who
from groundswell.connectors.actionkit.reread import Reread
from groundswell.connectors.actionkit.sns import RETRY_AFTER_S
from groundswell.connectors.common.objects import parse_object
from groundswell.errors import NotNowError, RecordError, RemoteError, UnreadableError
from groundswell.http.auth import BasicAuth, authenticator
from groundswell.record import Record
from groundswell.settings import WebhookPath, WebhookSourceSettings

DEFAULT_PATH: Final = "/webhooks/action_kit/v1/signup"
FETCH_S: Final = 5.0
"""For a certificate, and for a confirmation."""
KEEP_S: Final = 3.0
"""To note the topic on disk. A batch waits while there is no room; a sender does not."""
CERTIFICATES_MAX: Final = 8

log = structlog.get_logger()


class ActionKitPushSettings(WebhookSourceSettings):
    """Takes what ActionKit's Push API sends. The URL in ActionKit holds an API key of `groundswell keys create`."""

    path: WebhookPath | None = Field(None, description=f'Where it listens. Without it: "{DEFAULT_PATH}".')
    account: str | None = Field(
        None,
        description="Account whose API action and user are read from when a push came. Without it the push is used as "
        "far as it goes.",
    )
    topic: Annotated[str, StringConstraints(pattern=f"^{sns.TOPIC}$")] | None = Field(
        None,
        description='The SNS topic pushes must come from ("arn:aws:sns:..."). Without it: the first that comes.',
    )
    enabled: bool = Field(
        True,
        description="false answers 503 to every push, so that ActionKit tries again while the set-up is not done.",
    )

    @property
    def has_gifts(self) -> bool:
        return False  # what is pushed of one is an action, without the money

    def path_for(self, name: str) -> str:
        return self.path or DEFAULT_PATH


class ActionKitPush:
    """Keeps each push as it came, or with action and user read anew; `read` makes the record.

    It runs, too: only so it has a cursor, where the topic is kept over restarts. While it does not (not started yet,
    paused) pushes are answered 503.
    """

    content_types: Sequence[str] | None = None

    def __init__(self, settings: ActionKitPushSettings, context: Context) -> None:
        self.path = settings.path_for(context.name)
        self.is_enabled = settings.enabled
        self.counts: Counter[str] = Counter()
        """What was met, for `status`."""
        self._name = context.name
        self._clock = context.clock
        self._http = context.http
        self._check_key = authenticator(BasicAuth(type="basic"), context.keys, context.clock)
        self._reread = None if context.account is None else Reread(context.account.client, context.name)
        self._is_topic_given = settings.topic is not None
        self._topic = settings.topic
        self._keeping = anyio.Lock()
        self._emit: Emit | None = None
        self._certificates: dict[URL, bytes] = {}

    async def run(self, cursor: Cursor | None, emit: Emit) -> None:
        """Keep the topic; the cursor is its name, "" when there is none any more."""
        if not self._is_topic_given:
            self._topic = cursor or None
        self._emit = emit
        try:
            await anyio.sleep_forever()
        finally:
            self._emit = None

    async def authenticate(self, request: WebhookRequest) -> None:
        await self._check_key(request)
        if not self.is_enabled:
            raise NotNowError("not now: this source is switched off (enabled = false)", RETRY_AFTER_S)
        if self._emit is None:
            raise NotNowError("not now: this source is starting, or paused", RETRY_AFTER_S)

    async def arrivals(self, request: WebhookRequest) -> Sequence[Arrival]:
        body = request.body.removeprefix(b"\xef\xbb\xbf").strip()
        parsed = _parsed(body)
        message = sns.message_of(request.headers, parsed)
        if message is None:
            if (topic := request.headers.get(sns.TOPIC_HEADER)) is not None:
                await self._pin(sns.topic_in(topic))
            return [await self._arrival(parsed, body)]
        self._check_topic(message.topic)
        await self._verify(message)
        if message.kind == "SubscriptionConfirmation":
            await self._confirm(message)
            return ()
        if message.kind == "UnsubscribeConfirmation":
            await self._unsubscribed(message.topic)
            return ()
        await self._pin(message.topic)
        body = message.text.encode(errors="replace")
        return [await self._arrival(_parsed(body), body)]

    def read(self, arrival: Arrival) -> Record:
        if arrival.id.startswith(UNKNOWN):
            raise RecordError("actionkit: a push without the number of an action: no shape we know", "unknown_push")
        return read_arrival(arrival, self._name)

    # ---- pushes ----

    async def _arrival(self, push: Push, body: bytes) -> Arrival:
        record_id, number = arrival_id(push), action_id_of(push)
        if self._reread is None or number is None:
            return Arrival(record_id, body)
        fresh = await self._reread.of(push, number)
        if fresh is not None and fresh is not push:
            self.counts["read_anew"] += 1
            return Arrival(record_id, msgspec.json.encode(fresh))
        if fresh is None and not says_who(push):
            raise NotNowError("not now: who did it is not in the push, and ActionKit cannot be asked", RETRY_AFTER_S)
        self.counts["taken_as_pushed"] += 1
        return Arrival(record_id, body)

    # ---- topics ----

    def _check_topic(self, topic: str) -> None:
        if self._topic not in (None, topic):
            self.counts["of_another_topic"] += 1
            raise NotNowError(
                "not now: it is of another topic than the one this source goes with; if that is meant, set `topic` of "
                "the source",
                RETRY_AFTER_S,
            )

    async def _pin(self, topic: str) -> None:
        """Take this topic alone from now on, over restarts."""
        self._check_topic(topic)
        if self._topic is None:
            await self._keep(topic)

    async def _keep(self, topic: str | None) -> None:
        with anyio.move_on_after(KEEP_S):
            async with self._keeping:
                if self._emit is None:
                    raise NotNowError("not now: this source was paused a moment ago", RETRY_AFTER_S)
                if topic is not None:  # another may have been first, while this one waited
                    self._check_topic(topic)
                await self._emit(Batch((), cursor=topic or ""))
                self._topic = topic
                return
        raise NotNowError("not now: there is no room to note the topic", RETRY_AFTER_S)

    async def _confirm(self, message: sns.Message) -> None:
        await self._fetch(message.subscribe_url, "confirming the subscription of pushes")
        await self._pin(message.topic)
        self.counts["confirmed"] += 1
        log.info("push_confirmed", component=self._name, topic=message.topic)

    async def _unsubscribed(self, topic: str) -> None:
        """The endpoint was taken away. The next one may have another topic, so this one is let go."""
        self.counts["unsubscribed"] += 1
        log.warning(
            "push_unsubscribed",
            component=self._name,
            topic=topic,
            then="ActionKit sends no more; if nobody meant that, add the Push API endpoint again",
        )
        if self._topic == topic and not self._is_topic_given:
            await self._keep(None)

    # ---- Amazon ----

    async def _verify(self, message: sns.Message) -> None:
        certificate = await self._certificate(message)
        try:
            sns.verify(message, certificate, self._clock.now())
        except NotNowError as exc:
            self._certificates.pop(message.certificate_url, None)
            self.counts["certificate_not_usable"] += 1
            log.warning("certificate_not_usable", component=self._name, error=str(exc), then="answered 503")
            raise

    async def _certificate(self, message: sns.Message) -> bytes:
        url = message.certificate_url
        known = self._certificates.get(url)
        if known is None:
            known = await self._fetch(url, "reading the certificate of a push")
            if len(self._certificates) >= CERTIFICATES_MAX:
                self._certificates.pop(next(iter(self._certificates)))
            self._certificates[url] = known
        return known

    async def _fetch(self, url: URL, what: str) -> bytes:
        try:
            answer = await self._http.request("GET", url, what=f"{self._name}: {what}", timeout_s=FETCH_S)
        except RemoteError as exc:
            self.counts["amazon_not_reached"] += 1
            log.warning("amazon_not_reached", component=self._name, error=str(exc), then="answered 503")
            raise NotNowError("not now: Amazon SNS could not be asked", RETRY_AFTER_S) from exc
        return answer.body


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        return parse_object(body)
    except RecordError as exc:
        raise UnreadableError(f"a push must be a JSON object: {exc}") from None
