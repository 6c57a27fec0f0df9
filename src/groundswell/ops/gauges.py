"""The gauges of /metrics that have to be asked of the disk: read before an answer, at most once a second."""

from collections.abc import Iterator
from typing import Final

import anyio

from groundswell.metrics import Sample
from groundswell.runtime.daemon import Daemon

FRESH_S: Final = 1.0


class Gauges:
    """Everything /metrics shows that is not counted where it happens."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._of_disk: list[Sample] = []
        self._read_at: float | None = None
        self._lock = anyio.Lock()
        daemon.metrics.observe(self._samples)

    async def refresh(self) -> None:
        """Have what /metrics shows be no older than FRESH_S."""
        async with self._lock:
            now = self._daemon.clock.monotonic()
            if self._read_at is None or now - self._read_at >= FRESH_S:
                self._of_disk = await self._ask_disk()
                self._read_at = now
        metrics = self._daemon.metrics
        metrics.committed(self._daemon.store.commits)
        for name, transform in self._daemon.supervisor.processor.plan.transforms.items():
            metrics.noted(name, getattr(transform, "counts", {}))

    def _samples(self) -> Iterator[Sample]:
        yield from self._daemon.supervisor.samples()
        for name, seen in self._daemon.connections.look(self._daemon.supervisor).items():
            yield "groundswell_account_state", (name, seen.state), 1.0
        yield "groundswell_config_reloaded_timestamp_seconds", (), self._daemon.config_read_at
        yield "groundswell_config_reload_failed", (), float(self._daemon.reloaded.error is not None)
        yield from self._of_disk

    async def _ask_disk(self) -> list[Sample]:
        store, supervisor = self._daemon.store, self._daemon.supervisor
        now = self._daemon.clock.now()
        backlogs = await store.backlogs()
        oldest = {name: backlog.oldest_at for name, backlog in backlogs.items()}
        samples: list[Sample] = [
            ("groundswell_inbox_waiting_records", (), (await store.inbox_waiting())[0]),
            ("groundswell_state_file_bytes", (), await store.size()),
        ]
        for name in sorted(supervisor.sinks.keys() | backlogs.keys()):
            at = oldest.get(name)
            age_s = 0.0 if at is None else max(0.0, now - at / 1000)
            samples.append(("groundswell_sink_oldest_waiting_seconds", (name,), age_s))
        gone = sorted(backlogs.keys() - supervisor.sinks.keys())  # sinks the configuration no longer has
        samples += [("groundswell_sink_waiting_records", (name,), backlogs[name].records) for name in gone]
        groups = await store.dead_groups()
        samples += [("groundswell_dead_letters", (group.component, group.reason), group.count) for group in groups]
        return samples
