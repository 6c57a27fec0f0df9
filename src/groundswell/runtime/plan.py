"""The graph of one configuration, compiled: for each source, the steps its records go through.

Pure: arrivals in, deliveries and dead letters out. A record reaches each transform and each sink at most once, through
the first of its inputs (in the order they are written) that lets it through.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from groundswell.component import Arrival, Delivery, Source, Transform
from groundswell.config.model import Component, Config
from groundswell.errors import RecordError
from groundswell.record import Record, lane_of, to_json
from groundswell.store.dead_letters import DeadLetter
from groundswell.store.inbox import InboxEntry


class Made(Struct):
    """What processing made of some arrivals."""

    deliveries: list[tuple[str, int, Delivery]] = field(default_factory=list)
    """(sink, inbox_seq, delivery), in order."""
    dead: list[DeadLetter] = field(default_factory=list)
    processed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(source, kind) -> records."""
    filtered: Counter[str] = field(default_factory=Counter)
    """Transform -> records it dropped."""


class _Step(Struct, frozen=True):
    """One node of the graph, as seen from one source: where its input may come from, and what it does."""

    name: str
    inputs: tuple[int, ...]
    """Slots of what it takes from, in order; slot 0 is the source, slot n the n-th transform."""
    transform: Transform | None
    """None: a sink."""


class Plan:
    """What happens to the records of each source."""

    def __init__(self, config: Config, sources: Mapping[str, Source], transforms: Mapping[str, Transform]) -> None:
        self._sources = sources
        self._steps = {name: _steps_from(name, config, transforms) for name in config.of_role("source")}
        self.transforms = transforms

    def process(self, entries: Sequence[InboxEntry], at: int) -> Made:
        """Read, transform and address these arrivals. What fails becomes a dead letter; the rest goes on.

        A record goes to all its sinks or to none: where one transform fails, nothing is delivered, so that a later
        retry of the dead letter delivers to each sink once.
        """
        made = Made()
        for entry in entries:
            self._process(entry, at, made)
        return made

    def _process(self, entry: InboxEntry, at: int, made: Made) -> None:
        steps = self._steps.get(entry.source)
        if steps is None:
            made.dead.append(_dead(entry, entry.source, _no_source(entry.source), at))
            return
        try:
            record = self._sources[entry.source].read(entry.arrival)
        except Exception as exc:
            made.dead.append(_dead(entry, entry.source, exc, at))
            return
        made.processed[entry.source, record.kind] += 1
        slots: list[Record | None] = [record]
        written, delivery = None, None
        for step in steps:
            given = _given(step, slots)
            if step.transform is None:
                if given is None:
                    continue
                if given is not written or delivery is None:
                    written, delivery = given, Delivery(given.id, given.kind, lane_of(given), to_json(given))
                made.deliveries.append((step.name, entry.seq, delivery))
                continue
            if given is None:
                slots.append(None)
                continue
            try:
                result = step.transform.apply(given)
            except Exception as exc:
                made.dead.append(_dead(entry, step.name, exc, at, given))
                return  # all transforms come before the first sink: nothing of this record has been addressed
            if result is None:
                made.filtered[step.name] += 1
            slots.append(result)

    def trace(self, source: str, arrival: Arrival) -> dict[str, Record | RecordError]:
        """What each transform lets through and what reaches each sink, by name; absent is filtered.

        Where a transform fails, that is the end, as in `process`.
        """
        record = self._sources[source].read(arrival)
        slots: list[Record | None] = [record]
        seen: dict[str, Record | RecordError] = {source: record}
        for step in self._steps[source]:
            given = _given(step, slots)
            result = given
            if given is not None and step.transform is not None:
                try:
                    result = step.transform.apply(given)
                except RecordError as exc:
                    seen[step.name] = exc
                    return seen
            if result is not None:
                seen[step.name] = result
            if step.transform is not None:
                slots.append(result)
        return seen


def _given(step: _Step, slots: Sequence[Record | None]) -> Record | None:
    """What a step takes: from the first of its inputs that let the record through."""
    for slot in step.inputs:
        record = slots[slot]
        if record is not None:
            return record
    return None


def _steps_from(source: str, config: Config, transforms: Mapping[str, Transform]) -> tuple[_Step, ...]:
    """The transforms a source's records reach, each after its inputs, then the sinks."""
    slots = {source: 0}
    steps = []
    waiting = list(config.of_role("transform").values())
    while progressed := [c for c in waiting if _is_ready(c, slots, waiting)]:
        for component in progressed:
            steps.append(_Step(component.name, _slots_of(component, slots), transforms[component.name]))
            slots[component.name] = len(slots)
            waiting.remove(component)
    steps += [
        _Step(sink.name, _slots_of(sink, slots), None)
        for sink in config.of_role("sink").values()
        if any(name in slots for name in sink.inputs)
    ]
    return tuple(steps)


def _is_ready(component: Component, slots: Mapping[str, int], waiting: Sequence[Component]) -> bool:
    """Reached by this source, and nothing it takes from is still to be placed."""
    if not any(name in slots for name in component.inputs):
        return False
    placed_later = _reachable(slots, waiting)
    return all(name in slots or name not in placed_later for name in component.inputs)


def _reachable(slots: Mapping[str, int], waiting: Sequence[Component]) -> set[str]:
    """The waiting components that records in these slots will reach."""
    reached = set(slots)
    grew = True
    while grew:
        more = {c.name for c in waiting if c.name not in reached and any(name in reached for name in c.inputs)}
        reached |= more
        grew = bool(more)
    return reached - set(slots)


def _slots_of(component: Component, slots: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(slots[name] for name in component.inputs if name in slots)


def _no_source(name: str) -> RecordError:
    return RecordError(
        f'the configuration no longer has a source "{name}", so nobody can read this; put it back, then '
        "`groundswell dead retry`",
        "no_source",
    )


def _dead(entry: InboxEntry, component: str, exc: Exception, at: int, record: Record | None = None) -> DeadLetter:
    if isinstance(exc, RecordError):
        reason, message = exc.reason, str(exc)
    else:
        # A defect of ours. The text of a stranger's exception may hold personal data; its type does not.
        reason, message = "defect", f"{component} failed with {type(exc).__name__}; this is a defect, please report it"
    return DeadLetter(
        stage="process",
        component=component,
        reason=reason,
        message=message,
        inbox_seq=entry.seq,
        record_id=entry.arrival.id,
        kind=None if record is None else record.kind,
        created_at=at,
    )
