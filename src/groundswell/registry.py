"""Every component there is, in tables one can read. A component exists when it is listed here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from groundswell.connectors.actblue.account import ActBlueAccount, ActBlueAccountSettings
from groundswell.connectors.actblue.csv import ActBlueCsv, ActBlueCsvSettings
from groundswell.connectors.actblue.webhook import ActBlueWebhook, ActBlueWebhookSettings
from groundswell.connectors.action_network.account import ActionNetworkAccount, ActionNetworkAccountSettings
from groundswell.connectors.action_network.people_sink import ActionNetworkPeople, ActionNetworkPeopleSettings
from groundswell.connectors.action_network.poll import ActionNetworkPoll, ActionNetworkPollSettings
from groundswell.connectors.action_network.records_sink import ActionNetworkRecords, ActionNetworkRecordsSettings
from groundswell.connectors.action_network.sync_sink import ActionNetworkSync, ActionNetworkSyncSettings
from groundswell.connectors.action_network.tags_sink import ActionNetworkTags, ActionNetworkTagsSettings
from groundswell.connectors.action_network.unique_id_list_sink import (
    ActionNetworkUniqueIdList,
    ActionNetworkUniqueIdListSettings,
)
from groundswell.connectors.action_network.webhook import ActionNetworkWebhook, ActionNetworkWebhookSettings
from groundswell.connectors.actionkit.account import ActionKitAccount, ActionKitAccountSettings
from groundswell.connectors.actionkit.actblue_sink import ActionKitActBlue, ActionKitActBlueSettings
from groundswell.connectors.actionkit.actions_settings import ActionKitActionsSettings
from groundswell.connectors.actionkit.actions_sink import ActionKitActions
from groundswell.connectors.actionkit.donations_settings import ActionKitDonationsSettings
from groundswell.connectors.actionkit.donations_sink import ActionKitDonations
from groundswell.connectors.actionkit.poll import ActionKitPoll, ActionKitPollSettings
from groundswell.connectors.actionkit.push import ActionKitPush, ActionKitPushSettings
from groundswell.connectors.actionkit.sync_sink import ActionKitSync, ActionKitSyncSettings
from groundswell.connectors.actionkit.upload_sink import ActionKitUpload, ActionKitUploadSettings
from groundswell.connectors.actionkit.users_sink import ActionKitUsers, ActionKitUsersSettings
from groundswell.connectors.http.sink import HttpSink, HttpSinkSettings
from groundswell.connectors.http.webhook import HttpWebhook, HttpWebhookSettings
from groundswell.connectors.jsonl.sink import JsonlSink, JsonlSinkSettings
from groundswell.connectors.jsonl.source import JsonlSource, JsonlSourceSettings
from groundswell.settings import Settings
from groundswell.sync.stage import SyncStage, SyncStageSettings
from groundswell.transforms.dedupe_phone import DedupePhone, DedupePhoneSettings
from groundswell.transforms.filter import Filter, FilterSettings
from groundswell.transforms.map_fields import MapFields, MapFieldsSettings
from groundswell.transforms.normalise_opt_in import NormaliseOptIn, NormaliseOptInSettings
from groundswell.transforms.normalise_phone import NormalisePhone, NormalisePhoneSettings


@dataclass(frozen=True, slots=True)
class ComponentType:
    """A type a configuration may name: its settings, and what builds it from (settings, context).

    The settings of a type that needs an account have a field `account`, its name; None where it can do without.
    """

    settings: type[Settings]
    build: Any
    account: str | None = None
    """The type of account it needs, named by its setting `account`."""


ACCOUNTS: Final[dict[str, ComponentType]] = {
    "actblue": ComponentType(ActBlueAccountSettings, ActBlueAccount),
    "action_network": ComponentType(ActionNetworkAccountSettings, ActionNetworkAccount),
    "actionkit": ComponentType(ActionKitAccountSettings, ActionKitAccount),
}
SOURCES: Final[dict[str, ComponentType]] = {
    "actblue.csv": ComponentType(ActBlueCsvSettings, ActBlueCsv, account="actblue"),
    "actblue.webhook": ComponentType(ActBlueWebhookSettings, ActBlueWebhook),
    "action_network.poll": ComponentType(ActionNetworkPollSettings, ActionNetworkPoll, account="action_network"),
    "action_network.webhook": ComponentType(ActionNetworkWebhookSettings, ActionNetworkWebhook),
    "actionkit.push": ComponentType(ActionKitPushSettings, ActionKitPush, account="actionkit"),
    "actionkit.poll": ComponentType(ActionKitPollSettings, ActionKitPoll, account="actionkit"),
    "http.webhook": ComponentType(HttpWebhookSettings, HttpWebhook),
    "jsonl": ComponentType(JsonlSourceSettings, JsonlSource),
}
TRANSFORMS: Final[dict[str, ComponentType]] = {
    "dedupe_phone": ComponentType(DedupePhoneSettings, DedupePhone),
    "filter": ComponentType(FilterSettings, Filter),
    "map_fields": ComponentType(MapFieldsSettings, MapFields),
    "normalise_opt_in": ComponentType(NormaliseOptInSettings, NormaliseOptIn),
    "normalise_phone": ComponentType(NormalisePhoneSettings, NormalisePhone),
}
SINKS: Final[dict[str, ComponentType]] = {
    "action_network.people": ComponentType(ActionNetworkPeopleSettings, ActionNetworkPeople, account="action_network"),
    "action_network.records": ComponentType(
        ActionNetworkRecordsSettings, ActionNetworkRecords, account="action_network"
    ),
    "action_network.tags": ComponentType(ActionNetworkTagsSettings, ActionNetworkTags, account="action_network"),
    "action_network.unique_id_list": ComponentType(
        ActionNetworkUniqueIdListSettings, ActionNetworkUniqueIdList, account="action_network"
    ),
    "actionkit.actions": ComponentType(ActionKitActionsSettings, ActionKitActions, account="actionkit"),
    "actionkit.users": ComponentType(ActionKitUsersSettings, ActionKitUsers, account="actionkit"),
    "actionkit.actblue": ComponentType(ActionKitActBlueSettings, ActionKitActBlue, account="actionkit"),
    "actionkit.donations": ComponentType(ActionKitDonationsSettings, ActionKitDonations, account="actionkit"),
    "actionkit.upload": ComponentType(ActionKitUploadSettings, ActionKitUpload, account="actionkit"),
    "http": ComponentType(HttpSinkSettings, HttpSink),
    "jsonl": ComponentType(JsonlSinkSettings, JsonlSink),
}

SYNC_STAGE: Final = ComponentType(SyncStageSettings, SyncStage)
SYNC_SINKS: Final[dict[str, ComponentType]] = {
    "action_network.sync": ComponentType(ActionNetworkSyncSettings, ActionNetworkSync, account="action_network"),
    "actionkit.sync": ComponentType(ActionKitSyncSettings, ActionKitSync, account="actionkit"),
}
"""What `[sync.NAME]` is made of, besides sources; no configuration names them."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The tables together: every type a configuration may name, by role."""

    accounts: Mapping[str, ComponentType]
    sources: Mapping[str, ComponentType]
    transforms: Mapping[str, ComponentType]
    sinks: Mapping[str, ComponentType]
    sync_sinks: Mapping[str, ComponentType] = field(default_factory=dict)


REGISTRY: Final = Registry(
    accounts=ACCOUNTS, sources=SOURCES, transforms=TRANSFORMS, sinks=SINKS, sync_sinks=SYNC_SINKS
)
