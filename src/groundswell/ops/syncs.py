"""The syncs as operators ask about them: each field's mode, the settings, how far they are, and how to change them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from groundswell.clock import Clock
from groundswell.config.model import Config
from groundswell.config.problems import meant, quoted
from groundswell.errors import NotFoundError
from groundswell.members.modes import MODES
from groundswell.ops.amounts import lasting
from groundswell.ops.messages import SourceProgress
from groundswell.ops.people_shown import counts_of
from groundswell.ops.place import Outline, SyncPart, outline_of
from groundswell.ops.progress import progress_of
from groundswell.ops.sync_messages import AskSyncs, SyncField, Syncs, SyncShown
from groundswell.runtime.daemon import Daemon
from groundswell.store.filled import Filled
from groundswell.store.people import People
from groundswell.sync.settings import FieldSettings, SyncSettings

SAMPLE: Final = 1_000
"""Members that are looked at for how many have a value in a field."""


class SyncDesk:
    """Answers what is asked about syncs."""

    def __init__(
        self,
        people: People,
        clock: Clock,
        outline: Callable[[], Outline],
        config: Callable[[], Config],
        daemon: Daemon | None,
    ) -> None:
        """`config` is all of the configuration; raises ConfigError."""
        self._people = people
        self._clock = clock
        self._outline = outline
        self._config = config
        self._daemon = daemon

    async def syncs(self, asked: AskSyncs) -> Syncs:
        outline = self._outline()
        if any(sync.settings is None for sync in outline.syncs.values()):
            outline = outline_of(self._config())
        if asked.name is not None and asked.name not in outline.syncs:
            raise NotFoundError(f"there is no sync called {quoted(asked.name)}; {meant(asked.name, outline.syncs)}")
        names = outline.syncs if asked.name is None else [asked.name]
        counts = await self._people.counts()
        filled = await self._people.filled(SAMPLE)
        return Syncs([self._shown(name, outline, counts, filled) for name in names])

    def _shown(self, name: str, outline: Outline, counts: Mapping[str, Any], filled: Filled) -> SyncShown:
        part = outline.syncs[name]
        assert part.settings is not None
        counted = counts_of(part.account, counts.get(part.account, {}))
        return SyncShown(
            name=name,
            account=part.account,
            type=outline.accounts.get(part.account),
            state="on" if part.is_on else "off",
            synced=counted.states["synced"],
            total=counted.total - counted.states["gone"],
            states=counted.states,
            progress=self._progress(name),
            fields=[_field(field, part.settings, filled) for field in part.settings.fields],
            looked_at=filled.looked_at,
            is_all=filled.is_all,
            settings=dict(_settings(part)),
            toml=toml_of(name, part.settings),
        )

    def _progress(self, name: str) -> SourceProgress | None:
        source = None if self._daemon is None else self._daemon.supervisor.running_sources.get(f"{name}_read")
        if source is None:
            return None
        return progress_of(source.progress, self._clock.now(), is_running=source.state == "running")


def _field(name: str, settings: SyncSettings, filled: Filled) -> SyncField:
    given = settings.field(name)
    mode = MODES[given.mode]
    return SyncField(
        name=name,
        remote=given.remote or name,
        mode=mode.name,
        fills_member=mode.fills_member,
        overwrites_member=mode.overwrites_member,
        fills_remote=mode.fills_remote,
        overwrites_remote=mode.overwrites_remote,
        clear=given.clear,
        have=filled.fields.get(name, 0),
    )


def _settings(part: SyncPart) -> Iterator[tuple[str, str]]:
    """What is there beside the fields, where it means something."""
    sync = part.settings
    assert sync is not None
    yield "enabled", "true" if sync.enabled else "false"
    yield "every", _span(sync.every.total_seconds())
    yield "rate", f"{sync.rate.calls:,} in {_span(sync.rate.per_s)}"
    if sync.import_page is not None:  # ActionKit, which needs one
        yield "opt_in_field", sync.opt_in_field
        yield "phone_types", ", ".join(sync.phone_types)
        yield "import_page", sync.import_page
    yield "region", sync.region
    yield "prefer", sync.prefer
    yield "first_contact", sync.first_contact
    yield "create_users", "true" if sync.create_users else "false"
    if sync.create_users:
        yield "create_for", sync.create_for
    if sync.primary_group is not None:
        yield "primary_group", sync.primary_group


def _span(seconds: float) -> str:
    return lasting(seconds).removesuffix(" 0s").removesuffix(" 0m")


# ---- the file ----


def toml_of(name: str, settings: SyncSettings) -> str:
    """The fields of a sync as the file has them."""
    keys = {field: _key(field) for field in settings.fields}
    width = max(map(len, keys.values()), default=0)
    lines = [f"{key:{width}} = {_value(settings.field(field))}" for field, key in keys.items()]
    return "\n".join([f"[sync.{_key(name)}.fields]", *lines, ""])


def _value(field: FieldSettings) -> str:
    if field.remote is None and not field.clear:
        return text_of(field.mode)
    parts = [f"remote = {text_of(field.remote)}"] if field.remote is not None else []
    parts.append(f"mode = {text_of(field.mode)}")
    return f"{{ {', '.join([*parts, *(['clear = true'] if field.clear else [])])} }}"


def _key(name: str) -> str:
    is_bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if is_bare else text_of(name)


def text_of(text: str) -> str:
    """As TOML writes text: as JSON does, and DEL may not stand in it either."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
