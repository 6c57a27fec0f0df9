"""Gifts that would count twice: which sinks write the same ones down at one place, and which come back as others.

What the daemon cannot see is not checked: whether ActBlue, or anybody else, reports to that place by itself.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from groundswell.config.model import Account, Component
from groundswell.config.problems import Findings
from groundswell.settings import SinkSettings, SourceSettings

FILTER: Final = "filter"
"""The transform that can keep gifts apart. What it lets through is not looked into: where there is one, it is meant."""
Place = tuple[str, str]
"""A type of account, and where that account is: the host where it has one, since two staff users are one place."""


@dataclass(frozen=True, slots=True)
class _Writer:
    """A sink that writes gifts down."""

    name: str
    vendor: str
    account: str
    place: Place
    only: str | None
    """The one vendor whose gifts it takes."""


def check_gifts(
    components: Mapping[str, Component],
    accounts: Mapping[str, Account],
    vendors: Collection[str],
    file_of: Mapping[str, str],
    findings: Findings,
) -> None:
    """Warn of gifts that come to one place in two ways.

    Args:
        components: Those whose settings are right, by name.
        accounts: Likewise.
        vendors: What types of components begin with that are one vendor's.
        file_of: The file each component stands in, by name.
        findings: Where to report.
    """
    check = _Check(components, accounts, vendors)
    for sink, message in [*check.doubled(), *check.returning()]:
        findings.warning(file_of[sink], ("sinks", sink, "inputs"), message)


class _Check:
    def __init__(
        self, components: Mapping[str, Component], accounts: Mapping[str, Account], vendors: Collection[str]
    ) -> None:
        self._components = components
        self._accounts = accounts
        self._vendors = vendors
        self._writers = list(self._find_writers())

    def doubled(self) -> Iterator[tuple[str, str]]:
        """Sinks of one place that get the same gifts."""
        for first, second in combinations(self._writers, 2):
            if first.place != second.place:
                continue
            one, other = self._ways(first.name), self._ways(second.name)
            open_one = self._ways(first.name, self._filters(first.name) - self._filters(second.name))
            open_other = self._ways(second.name, self._filters(second.name) - self._filters(first.name))
            for source in one.keys() & other.keys():
                apart = source not in open_one and source not in open_other
                if apart or not (self._brings(source, first) and self._brings(source, second)):
                    continue
                ways = f"{open_one.get(source, one[source])}; {open_other.get(source, other[source])}"
                accounts = " and ".join(f"accounts.{name}" for name in sorted({first.account, second.account}))
                message = (
                    f"bring gifts of sources.{source} that sinks.{first.name} gets too ({ways}), and both write to the "
                    f"same place ({accounts}): each may count twice. Keep one of the two sinks, or give each a filter "
                    "of its own, so that no gift passes both"
                )
                yield second.name, message
                break

    def returning(self) -> Iterator[tuple[str, str]]:
        """Gifts that come straight, and once more as those of a place they were written to."""
        for writer in self._writers:
            ways = self._ways(writer.name, self._filters(writer.name))
            for back in ways:
                place = self._read_at(back)
                if place is None or place == writer.place or not self._brings(back, writer):
                    continue
                for through in (one for one in self._writers if one.place == place):
                    fed = self._ways(through.name)
                    straight = next((one for one in ways if one != back and one in fed), None)
                    if straight is not None and self._brings(straight, through) and self._brings(straight, writer):
                        message = (
                            f"bring a gift of sources.{straight} twice: straight ({ways[straight]}), and as one of "
                            f"sources.{back} ({fed[straight]}, read there again: {ways[back]}). Leave one way out, or "
                            "put a filter on it that lets no such gift pass"
                        )
                        yield writer.name, message

    def _find_writers(self) -> Iterator[_Writer]:
        for name, component in self._components.items():
            settings = component.settings
            if isinstance(settings, SinkSettings) and settings.writes_gifts:
                place = self._place_of(settings)
                if place is not None:
                    account = str(getattr(settings, "account", ""))
                    yield _Writer(name, _vendor(component), account, place, settings.gifts_of)

    def _place_of(self, settings: SinkSettings | SourceSettings) -> Place | None:
        account = self._accounts.get(str(getattr(settings, "account", None)))
        if account is None:
            return None
        return account.type, str(getattr(account.settings, "host", None) or account.name).casefold()

    def _read_at(self, source: str) -> Place | None:
        """The place whose gifts a source reads."""
        settings = self._components[source].settings
        return self._place_of(settings) if isinstance(settings, SourceSettings) and settings.has_gifts else None

    def _brings(self, source: str, writer: _Writer) -> bool:
        """Whether gifts of this source can be written by it: none are written back to the vendor they were read at."""
        component = self._components[source]
        if not component.settings.has_gifts or _vendor(component) == writer.vendor:
            return False
        return writer.only in (None, _vendor(component)) or _vendor(component) not in self._vendors

    def _ways(self, sink: str, avoiding: Collection[str] = ()) -> dict[str, str]:
        """Every source that reaches a sink around these components, with the shortest way as it is shown."""
        found: dict[str, str] = {}
        seen, edge = {sink}, [(sink, sink)]
        while edge:
            name, way = edge.pop(0)
            component = self._components[name]
            if component.role == "source":
                found[name] = way
            for giver in component.inputs:
                if giver in self._components and giver not in seen and giver not in avoiding:
                    seen.add(giver)
                    edge.append((giver, f"{giver} -> {way}"))
        return found

    def _filters(self, sink: str) -> set[str]:
        """All that stand before a sink."""
        seen, edge = {sink}, [sink]
        while edge:
            new = [one for one in self._components[edge.pop()].inputs if one in self._components and one not in seen]
            seen.update(new)
            edge += new
        return {name for name in seen if self._components[name].type == FILTER}


def _vendor(component: Component) -> str:
    return component.type.partition(".")[0]
