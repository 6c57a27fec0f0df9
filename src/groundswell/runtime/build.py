"""From a configuration to components that run."""

from random import Random
from typing import Any

from groundswell import registry
from groundswell.clock import Clock
from groundswell.component import Context, Keys
from groundswell.config.model import Component
from groundswell.http.client import Client

_TABLES = {"source": registry.SOURCES, "transform": registry.TRANSFORMS, "sink": registry.SINKS}


class Builder:
    """Builds components, handing each what it may reach for."""

    def __init__(self, clock: Clock, random: Random, http: Client, keys: Keys) -> None:
        self._clock = clock
        self._random = random
        self._http = http
        self._keys = keys

    def build(self, component: Component) -> Any:
        """The source, transform or sink this component describes."""
        context = Context(
            name=component.name,
            clock=self._clock,
            random=self._random,
            http=self._http,
            keys=self._keys,
            directory=component.directory,
        )
        return _TABLES[component.role][component.type].build(component.settings, context)
