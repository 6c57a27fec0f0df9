"""What a `[sync.NAME]` is made of: a source that reads the account, the stage, and a sink that writes to it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from groundswell.config.model import Component, Role
from groundswell.registry import Registry
from groundswell.sync.settings import SyncSettings
from groundswell.sync.sides import SIDES, Side
from groundswell.sync.stage import SyncStageSettings


def parts_of(
    syncs: Mapping[str, tuple[SyncSettings, str, Path]], registry: Registry
) -> Iterator[tuple[str, Component]]:
    """(sync, component) for each that is switched on. `syncs`: settings, type of account, and directory, by name."""
    settings = {name: one for name, (one, _, _) in syncs.items() if one.enabled}
    vendors = {name: syncs[name][1] for name in settings}
    for name, one in settings.items():
        side, directory = SIDES[vendors[name]], syncs[name][2]
        (read, *_), _, (write, *_) = names_of(name, side)
        poll = registry.sources[side.poll].settings.model_validate(_poll(one, side))
        yield name, Component(read, "source", side.poll, poll, (), directory)
        stage = SyncStageSettings(own=name, syncs=settings, vendors=vendors)
        yield name, Component(name, "transform", "sync", stage, (read,), directory)
        sink = registry.sync_sinks[side.write].settings.model_validate(_sink(name, one, side))
        yield name, Component(write, "sink", side.write, sink, (), directory, written_by=tuple(settings))


def names_of(sync: str, side: Side) -> Iterator[tuple[str, Role, str]]:
    """(name, role, type) of each part of a sync."""
    yield f"{sync}_read", "source", side.poll
    yield sync, "transform", "sync"
    yield f"{sync}_write", "sink", side.write


def _poll(sync: SyncSettings, side: Side) -> dict[str, Any]:
    wants_actions = bool(sync.pages or sync.groups)
    return {
        "type": side.poll,
        "account": sync.account,
        "collections": [side.people, *(side.actions if wants_actions else ())],
        "every": sync.every,
    }


def _sink(name: str, sync: SyncSettings, side: Side) -> dict[str, Any]:
    remote = {field: sync.remote_name(field) for field in sync.fields if sync.remote_name(field) != field}
    common = {"type": side.write, "inputs": [name], "account": sync.account, "remote": remote, "rate": sync.rate}
    if side.vendor != "actionkit":
        return common
    return common | {
        "import_page": sync.import_page,
        "opt_in_field": sync.opt_in_field,
        "member_field": sync.member_field,
        "former_field": sync.former_field,
        "phone_type": sync.phone_types[0],
        "country": sync.region,
    }
