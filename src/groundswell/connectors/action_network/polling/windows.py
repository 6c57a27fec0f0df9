"""A stretch of time cut into windows of some sixteen pages each, whatever is in it. Pure: no network, no clock.

Deep pages are slow, and Action Network advises against them [D]; short windows cost a call each. So the length of a
window follows how much the last ones held: empty years go by in a few calls, busy days in many.
"""

from typing import Final, Literal

from msgspec import Struct

from groundswell.connectors.action_network.filters import Condition, modified_within

PAGES_AIM: Final = 16
PAGES_MAX: Final = 24
"""A window with more pages is halved before it is read, unless it is a single second."""
RECORDS_AIM: Final = PAGES_AIM * 25
AHEAD_MAX: Final = 32
"""Windows that may be done behind one that is not: what is read again after a crash."""
_GROWTH: Final = 8.0
"""By how much the length may change from one window to the next."""


class Window(Struct, frozen=True):
    """From `start` (included) to `end` (not), seconds since 1970. Their stamps have whole seconds [L]."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        return self.end - self.start

    @property
    def where(self) -> tuple[Condition, ...]:
        """The filter for what was last changed in it."""
        return modified_within(self.start, self.end)

    def split_at(self, moment: int) -> tuple["Window", "Window"]:
        return Window(self.start, moment), Window(moment, self.end)


class Task(Struct, eq=False):
    """One window to be read."""

    window: Window
    pages: int | None = None
    """About how many it has, if it is as those before; None when nobody knows."""
    is_deep_likely: bool = False
    """Whether it may well have too many: it is half of one that had."""
    state: Literal["waiting", "taken", "done"] = "waiting"
    is_begun: bool = False
    """Whether somebody had it: its window stays as it is, as some of its pages may be read."""

    @property
    def can_be_split(self) -> bool:
        return self.window.seconds > 1


class Plan:
    """The windows of a span, in order. `take` one, read it, then `finish` it, `split` it, or `give_back`.

    Together they are always exactly the span: no gap, no overlap.
    """

    def __init__(self, span: Window, pages: int | None = None) -> None:
        """`pages`: about how many the whole span has; None when nobody knows."""
        self.span = span
        self.done_to = span.start
        """Everything before is done."""
        is_deep = pages is not None and pages > PAGES_MAX
        self._tasks = [Task(span, None if is_deep else pages, is_deep)] if span.seconds > 0 else []
        self._stride_s: float | None = None
        """How long a window of PAGES_AIM pages probably is."""

    @property
    def is_done(self) -> bool:
        return not self._tasks

    @property
    def windows(self) -> list[Window]:
        """Those from `done_to` on."""
        return [task.window for task in self._tasks]

    @property
    def ahead(self) -> int:
        """How many are done behind one that is not."""
        return sum(task.state == "done" for task in self._tasks)

    def take(self) -> Task | None:
        """The first that nobody has, cut to a good length; None when there is none."""
        for number, task in enumerate(self._tasks):
            if task.state == "waiting":
                if number and self.ahead >= AHEAD_MAX:
                    return None
                if not task.is_begun:
                    self._cut(number, task)
                task.state, task.is_begun = "taken", True
                return task
        return None

    def give_back(self, task: Task) -> None:
        """It was not read to its end; it waits again, as it is."""
        task.state = "waiting"

    def split(self, task: Task, pages: int | None = None) -> None:
        """Two halves instead. Not for a single second.

        Args:
            pages: How many the whole has; None when it has too many.
        """
        number = self._tasks.index(task)
        halves = task.window.split_at(task.window.start + task.window.seconds // 2)
        each = None if pages is None else (pages + 1) // 2
        self._tasks[number : number + 1] = [Task(half, each, pages is None) for half in halves]

    def end_after(self, task: Task) -> int | None:
        """What `done_to` will be when this one is finished; None if it does not move."""
        if self._tasks[0] is not task:
            return None
        end = task.window.end
        for other in self._tasks[1:]:
            if other.state != "done":
                break
            end = other.window.end
        return end

    def finish(self, task: Task, records: int) -> None:
        """It is read, and held so many."""
        self._learn(task, records)
        task.state = "done"
        while self._tasks and self._tasks[0].state == "done":
            self.done_to = self._tasks.pop(0).window.end

    def _cut(self, number: int, task: Task) -> None:
        """What is much longer than it should be waits in part."""
        if self._stride_s is None:
            return
        window, length = task.window, max(1, int(self._stride_s))
        if window.seconds > length + length // 2:
            first, rest = window.split_at(window.start + length)
            task.window = first
            self._tasks.insert(number + 1, Task(rest))
            window, task.pages, task.is_deep_likely = first, None, False
        if task.pages is None:
            task.pages = min(round(PAGES_AIM * window.seconds / self._stride_s), PAGES_MAX)

    def _learn(self, task: Task, records: int) -> None:
        """A single second that holds very many says nothing about its neighbours."""
        seconds = task.window.seconds
        if seconds == 1 and records > RECORDS_AIM:
            return
        before = self._stride_s
        if records == 0:
            if before is not None:
                self._stride_s = max(before, seconds * _GROWTH)
            return
        stride_s = seconds * RECORDS_AIM / records
        if before is not None:
            stride_s = min(max(stride_s, before / _GROWTH), before * _GROWTH)
        self._stride_s = max(1.0, stride_s)
