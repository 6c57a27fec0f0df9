"""What Action Network will not take, so that it is not sent again and again.

Addresses are geocoded and come back rewritten [L], unknown languages and custom fields are dropped [C], null may empty
nothing [L]. Without this memory the same difference would be written at every delivery, each time moving the person's
`modified_date`, which pollers see.
"""

from typing import Final

import structlog

from groundswell.clock import Clock
from groundswell.connectors.action_network.writing.changes import Shown
from groundswell.connectors.action_network.writing.outgoing import CUSTOM
from groundswell.connectors.common.recent import Recent

REFUSALS_MAX: Final = 200_000
REFUSAL_S: Final = 6 * 3600.0
NO_FIELD_S: Final = 3600.0
"""A custom field they do not have is sent for nobody for so long. It may have been made meanwhile."""

log = structlog.get_logger()


class Refusals:
    """Differences that stay, whatever is written."""

    def __init__(self, clock: Clock, component: str) -> None:
        self._component = component
        self._noted: Recent[tuple[str, str, str | None, str | None], bool] = Recent(
            clock, most=REFUSALS_MAX, for_s=REFUSAL_S
        )
        """Person, field, what we want, and what they have instead: as soon as one changes, it is tried again."""
        self._no_field: Recent[str, bool] = Recent(clock, most=1_000, for_s=NO_FIELD_S)

    def note(self, shown: Shown, name: str, value: str | None) -> None:
        """This was written, or cannot be, and they keep what they show."""
        self._noted.put((shown.id, name, value, shown.values.get(name)), True)
        if name.startswith(CUSTOM) and value is not None and name not in shown.values:
            if not self.is_no_field(name):
                log.warning(
                    "no_such_custom_field",
                    component=self._component,
                    field=name,
                    then="not sent for an hour; make the field at Action Network, or take it out of `fields`",
                )
            self._no_field.put(name, True)

    def knows(self, shown: Shown, name: str, value: str | None) -> bool:
        """Whether there is no use in writing this."""
        return self.is_no_field(name) or self._noted.get((shown.id, name, value, shown.values.get(name))) is not None

    def is_no_field(self, name: str) -> bool:
        """Whether this is a custom field they do not have."""
        return self._no_field.get(name) is not None
