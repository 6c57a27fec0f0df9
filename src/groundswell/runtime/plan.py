"""The graph of one configuration, compiled: for each source, the steps its records go through.

Arrivals in, deliveries and dead letters out, and what stages write into the book of members; nothing else. A record
reaches each transform and each sink at most once, through the first of its inputs (in the order they are written) that
lets it through.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from msgspec import Struct, field

from groundswell.component import Arrival, Delivery, Source, Transform
from groundswell.config.model import Component, Config
from groundswell.errors import RecordError
from groundswell.members.book import Book
from groundswell.members.stage import Stage
from groundswell.record import Record, lane_of, to_json
from groundswell.runtime.taps import Passed
from groundswell.store.dead_letters import DeadLetter
from groundswell.store.inbox import InboxEntry

Wanted = Callable[[InboxEntry, Record], bool]
"""Whether this arrival, which makes this record, is to go on."""


class Made(Struct):
    """What processing made of some arrivals."""

    deliveries: list[tuple[str, int, Delivery]] = field(default_factory=list)
    """(sink, inbox_seq, delivery), in order."""
    dead: list[DeadLetter] = field(default_factory=list)
    processed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(source, kind) -> records."""
    filtered: Counter[str] = field(default_factory=Counter)
    """Transform -> records it dropped."""
    passed: list[Passed] | None = None
    """What came out of sources and transforms, where somebody looks."""


class _Step(Struct, frozen=True):
    """One node of the graph, as seen from one source: where its input may come from, and what it does."""

    name: str
    inputs: tuple[int, ...]
    """Slots of what it takes from, in order; slot 0 is the source, slot n the n-th transform."""
    apply: Callable[[Record, Book], Sequence[Record]] | None
    """None: a sink."""
    is_told: bool = False
    """A stage that this source does not reach: it is told what the record has changed about members."""


class Plan:
    """What happens to the records of each source."""

    def __init__(
        self, config: Config, sources: Mapping[str, Source], transforms: Mapping[str, Transform | Stage]
    ) -> None:
        self._sources = sources
        self._steps = {name: _steps_from(name, config, transforms) for name in config.of_role("source")}
        self._sinks = list(config.of_role("sink").values())
        self.transforms = transforms
        self.knows_members = any(isinstance(transform, Stage) for transform in transforms.values())
        """Whether `process` looks into the book."""

    def sinks_behind(self, source: str) -> list[str]:
        """The sinks that get something because of this source's records: by the wiring, or from a sync on the way."""
        steps = self._steps.get(source)
        reached = set() if steps is None else {source, *(step.name for step in steps if step.apply is not None)}
        return [sink.name for sink in self._sinks if reached.intersection(sink.takes_from)]

    def sinks_addressed_by(self, source: str) -> list[str]:
        """Those of them that get the records themselves. What a sync writes is a record of its own."""
        return [step.name for step in self._steps.get(source, ()) if step.apply is None]

    def process(
        self,
        entries: Sequence[InboxEntry],
        at: int,
        book: Book,
        wanted: Wanted | None = None,
        *,
        is_tapped: bool = False,
    ) -> Made:
        """Read, transform and address these arrivals. What fails becomes a dead letter; the rest goes on.

        Of what is not `wanted` nothing is made.

        A record goes to all its sinks or to none: where one transform fails, nothing is delivered, so that a later
        retry of the dead letter delivers to each sink once.
        """
        made = Made(passed=[] if is_tapped else None)
        for entry in entries:
            book.seq = entry.seq
            if self._process(entry, at, book, made, wanted):
                made.deliveries += [(sink, entry.seq, delivery_of(record)) for sink, record in book.keep()]
            else:
                book.undo()
        return made

    def _process(self, entry: InboxEntry, at: int, book: Book, made: Made, wanted: Wanted | None) -> bool:
        """Whether it went through."""
        steps = self._steps.get(entry.source)
        if steps is None:
            made.dead.append(_dead(entry, entry.source, _no_source(entry.source), at))
            return False
        try:
            record = self._sources[entry.source].read(entry.arrival)
        except Exception as exc:
            made.dead.append(_dead(entry, entry.source, exc, at))
            return False
        if wanted is not None and not wanted(entry, record):
            return True
        made.processed[entry.source, record.kind] += 1
        slots: list[Sequence[Record]] = [(record,)]
        is_through = self._follow(steps, slots, entry, at, book, made)
        if made.passed is not None:
            made.passed += _passed(entry, steps, slots, at, None if is_through else made.dead[-1].reason)
        return is_through

    def _follow(
        self,
        steps: Sequence[_Step],
        slots: list[Sequence[Record]],
        entry: InboxEntry,
        at: int,
        book: Book,
        made: Made,
    ) -> bool:
        """Through the steps, one after the other; `slots` gets what came out of each transform."""
        written: Sequence[Record] = ()
        deliveries: list[Delivery] = []
        for step in steps:
            given = _given(step, slots)
            if step.apply is None:
                if given is not written:
                    written, deliveries = given, [delivery_of(one) for one in given]
                made.deliveries += [(step.name, entry.seq, delivery) for delivery in deliveries]
                continue
            results: list[Record] = []
            for one in given:
                try:
                    result = step.apply(one, book)
                except Exception as exc:
                    made.dead.append(_dead(entry, step.name, exc, at, one))
                    return False  # all transforms come before the first sink: nothing of this has been addressed
                if not result and not step.is_told:
                    made.filtered[step.name] += 1
                results += result
            slots.append(results)
        return True

    def trace(self, source: str, arrival: Arrival, book: Book) -> dict[str, Sequence[Record] | RecordError]:
        """What each transform lets through and what reaches each sink, by name; absent is filtered.

        Where a transform fails, that is the end, as in `process`.
        """
        record = self._sources[source].read(arrival)
        slots: list[Sequence[Record]] = [(record,)]
        seen: dict[str, Sequence[Record] | RecordError] = {source: (record,)}
        for step in self._steps[source]:
            results = _given(step, slots)
            if step.apply is not None:
                try:
                    results = [result for one in results for result in step.apply(one, book)]
                except RecordError as exc:
                    book.undo()
                    return seen | {step.name: exc}
                slots.append(results)
            if results:
                seen[step.name] = results
        for sink, written in book.keep():
            seen[sink] = [*cast("Sequence[Record]", seen.get(sink, ())), written]
        return seen


def _passed(
    entry: InboxEntry, steps: Sequence[_Step], slots: Sequence[Sequence[Record]], at: int, failed: str | None
) -> Iterator[Passed]:
    """What came out of the source and each transform: slot n is the n-th, and where one failed, no slot follows."""
    size = len(entry.arrival.raw)
    (first,) = slots[0]
    yield Passed(at, entry.source, "passed", first, size)
    for step, results in zip(steps, slots[1:], strict=False):  # the sinks are behind, and have no slots
        for result in results:
            yield Passed(at, step.name, "passed", result, size)
        if not results and not step.is_told and (given := _given(step, slots)):
            yield Passed(at, step.name, "filtered", given[0], size)
    if failed is not None:
        step = steps[len(slots) - 1]
        yield Passed(at, step.name, "failed", _given(step, slots)[0], size, failed)


def _given(step: _Step, slots: Sequence[Sequence[Record]]) -> Sequence[Record]:
    """What a step takes: from the first of its inputs that let something through."""
    for slot in step.inputs:
        if slots[slot]:
            return slots[slot]
    return ()


def delivery_of(record: Record) -> Delivery:
    return Delivery(record.id, record.kind, lane_of(record), to_json(record))


def _applying(transform: Transform | Stage) -> Callable[[Record, Book], Sequence[Record]]:
    if isinstance(transform, Stage):
        return transform.apply
    apply = transform.apply

    def applied(record: Record, _: Book) -> Sequence[Record]:
        result = apply(record)
        return () if result is None else (result,)

    return applied


def _steps_from(source: str, config: Config, transforms: Mapping[str, Transform | Stage]) -> tuple[_Step, ...]:
    """The transforms a source's records reach, each after its inputs, then the sinks."""
    slots = {source: 0}
    steps = list(_placed(slots, list(config.of_role("transform").values()), transforms))
    if any(isinstance(transforms[step.name], Stage) for step in steps):
        steps += _told_after(slots, config, transforms)
    steps += [
        _Step(sink.name, _slots_of(sink, slots), None)
        for sink in config.of_role("sink").values()
        if any(name in slots for name in sink.inputs)
    ]
    return tuple(steps)


def _placed(
    slots: dict[str, int], waiting: list[Component], transforms: Mapping[str, Transform | Stage]
) -> Iterator[_Step]:
    """Those of the waiting that these slots reach, each after its inputs, with a slot of its own."""
    while progressed := [c for c in waiting if _is_ready(c, slots, waiting)]:
        for component in progressed:
            yield _Step(component.name, _slots_of(component, slots), _applying(transforms[component.name]))
            slots[component.name] = len(slots)
            waiting.remove(component)


def _told_after(slots: dict[str, int], config: Config, transforms: Mapping[str, Transform | Stage]) -> Iterator[_Step]:
    """The stages that are not reached, which are told what became of the members, and what takes from them."""
    waiting = [c for c in config.of_role("transform").values() if c.name not in slots]
    for component in list(waiting):
        stage = transforms[component.name]
        if isinstance(stage, Stage):
            yield _Step(component.name, (0,), _telling(stage), is_told=True)
            slots[component.name] = len(slots)
            waiting.remove(component)
    yield from _placed(slots, waiting, transforms)


def _telling(stage: Stage) -> Callable[[Record, Book], Sequence[Record]]:
    def told(_: Record, book: Book) -> Sequence[Record]:
        changed = book.changed()
        return stage.told(changed, book) if changed else ()

    return told


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
