"""What a record costs between the body and the delivery, in microseconds, each step by itself, in one process.

    python benchmarks/transform_cost.py pipeline.toml

Every record is a different person, so that no cache of phone numbers helps. The steps take turns, round by round.
"""

import argparse
import gc
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final, cast

import msgspec

import events
from accept_only import KEYS
from groundswell.clock import SystemClock
from groundswell.component import Arrival, Transform, WebhookRequest, WebhookSource
from groundswell.config.load import load
from groundswell.config.model import Config
from groundswell.http.client import Client
from groundswell.record import Record, to_json
from groundswell.runtime.build import Builder

RECORDS: Final = 2_000
ROUNDS: Final = 7


class Pipeline:
    """The source and the transforms of a configuration, in the order of the file, which must be a single chain."""

    def __init__(self, config: Config) -> None:
        no_network = cast("Client", None)
        builder = Builder(SystemClock(), Random(0), no_network, KEYS)
        (source,) = config.of_role("source").values()
        self.source = cast("WebhookSource", builder.build(source, {}))
        transforms = config.of_role("transform").values()
        self._transforms: list[Transform] = [builder.build(component, {}) for component in transforms]

    def accept(self, body: bytes) -> Arrival:
        (arrival,) = self.source.arrivals(WebhookRequest(self.source.path, {}, body, 0.0))
        return arrival

    def transform(self, record: Record) -> Record:
        for transform in self._transforms:
            changed = transform.apply(record)
            if changed is None:
                raise ValueError("the pipeline under measurement must not drop records")
            record = changed
        return record


def costs(pipeline: Pipeline) -> dict[str, float]:
    """Microseconds a record: median of the rounds, each over records of its own.

    `parse` is the body to Python values, what the rest is compared with; `accept` holds a parse and makes the arrival;
    `read` makes the canonical record of what was parsed; `write` makes the JSON that is delivered.
    """
    samples: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        made: Sequence[Any] = [events.body(number * RECORDS + n, 0) for n in range(RECORDS)]
        samples.setdefault("parse", []).append(_timed(msgspec.json.decode, made)[0])
        for name, step in (
            ("accept", pipeline.accept),
            ("read", pipeline.source.read),
            ("transform", pipeline.transform),
            ("write", to_json),
        ):
            took_us, made = _timed(step, made)
            samples.setdefault(name, []).append(took_us)
    return {name: round(statistics.median(rounds), 3) for name, rounds in samples.items()}


def _timed(step: Callable[[Any], Any], inputs: Sequence[Any]) -> tuple[float, Sequence[Any]]:
    """Microseconds for each of `inputs`, and what the step made of them."""
    gc.collect()
    begun_ns = time.perf_counter_ns()
    made = [step(each) for each in inputs]
    return (time.perf_counter_ns() - begun_ns) / len(inputs) / 1e3, made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    print(json.dumps(costs(Pipeline(load([options.file], os.environ)))))


if __name__ == "__main__":
    main()
