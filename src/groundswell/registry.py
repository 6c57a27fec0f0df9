"""Every component there is, in tables one can read. A component exists when it is listed here."""

from dataclasses import dataclass
from typing import Any, Final

from groundswell.settings import Settings


@dataclass(frozen=True, slots=True)
class ComponentType:
    """A type a configuration may name: its settings, and what builds it from (settings, context)."""

    settings: type[Settings]
    build: Any


SOURCES: Final[dict[str, ComponentType]] = {}
TRANSFORMS: Final[dict[str, ComponentType]] = {}
SINKS: Final[dict[str, ComponentType]] = {}
SIMULATORS: Final[dict[str, Any]] = {}
