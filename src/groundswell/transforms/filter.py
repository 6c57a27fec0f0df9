"""Let records through, or not, by their fields."""

from collections import Counter
from typing import Literal

from pydantic import Field

from groundswell.component import Context
from groundswell.record import Record
from groundswell.settings import TransformSettings
from groundswell.transforms.conditions import Condition


class FilterSettings(TransformSettings):
    """Only records that meet the conditions go on; see docs/transforms.md."""

    where: list[Condition] = Field(min_length=1, description="The conditions.")
    mode: Literal["all", "any"] = Field("all", description='Whether "all" conditions must hold, or "any" one of them.')


class Filter:
    """Lets a record through when its conditions hold; what does not pass is counted by the runtime, not kept."""

    def __init__(self, settings: FilterSettings, context: Context) -> None:
        self.counts: Counter[str] = Counter()
        self._conditions = tuple((one.field.get, one.test(), not one.negate) for one in settings.where)
        self._decides = settings.mode == "any"

    def apply(self, record: Record) -> Record | None:
        """One condition that holds decides under "any", one that does not under "all"."""
        decides = self._decides
        for get, test, wanted in self._conditions:
            if (test(get(record)) is wanted) is decides:
                return record if decides else None
        return None if decides else record
