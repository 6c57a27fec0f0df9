"""What one sees of the demo: a live table on a terminal, a line every two seconds elsewhere, a summary at the end."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table

from groundswell.connectors.action_network.simulator.sender import Ledger
from groundswell.connectors.http.simulator import Received
from groundswell.errors import NotFoundError
from groundswell.runtime.daemon import Daemon

LINE_EVERY_S: Final = 2.0
COUNTS: Final = ("accepted", "duplicates", "processed", "filtered", "delivered", "waiting", "retried", "dead")


class DemoView:
    """Shows one daemon at work."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._console = Console(highlight=False, soft_wrap=True)
        self._began = daemon.clock.monotonic()
        self._told = self._began - LINE_EVERY_S
        self._live: Live | None = None

    def say(self, text: str = "") -> None:
        self._console.print(text)

    def live(self) -> AbstractContextManager[object]:
        """While inside, `refresh` shows how things stand."""
        if not self._console.is_terminal:
            return nullcontext()
        self._live = Live(self._table(), console=self._console, refresh_per_second=8)
        return self._live

    def refresh(self) -> None:
        if self._live is not None:
            self._live.update(self._table())
        elif self._daemon.clock.monotonic() - self._told >= LINE_EVERY_S:
            self._told += LINE_EVERY_S
            self.say(self._line())

    def waiting(self) -> int:
        """Records somewhere between accepted and settled."""
        supervisor = self._daemon.supervisor
        in_hand = supervisor.accept.records + len(supervisor.inbox) + supervisor.processor.in_hand
        return in_hand + sum(sink.waiting for sink in supervisor.sinks.values())

    def _elapsed(self) -> str:
        return f"{self._daemon.clock.monotonic() - self._began:4.1f} s"

    def _rows(self) -> Iterator[tuple[str, str, list[int]]]:
        supervisor = self._daemon.supervisor
        totals, states = self._daemon.metrics.totals(), supervisor.states()
        for name in self._daemon.config.components:
            counts = totals.get(name, {})
            if name in supervisor.sinks:
                counts["waiting"] = supervisor.sinks[name].waiting
            yield name, states[name], [int(counts.get(word, 0)) for word in COUNTS]

    def _table(self) -> Table:
        table = Table(title=self._elapsed(), title_justify="left")
        table.add_column("component")
        table.add_column("state")
        for heading in COUNTS:
            table.add_column(heading, justify="right")
        for name, state, counts in self._rows():
            cells = [f"{count:,}" if count else "" for count in counts]
            table.add_row(name, state, *cells, style="" if state == "running" else "yellow")
        return table

    def _line(self) -> str:
        rows = list(self._rows())
        summed = {word: sum(counts[i] for _, _, counts in rows) for i, word in enumerate(COUNTS)}
        trouble = "".join(f"  {name}: {state}" for name, state, _ in rows if state != "running")
        return (
            f"{self._elapsed()}  accepted {summed['accepted']:,}  duplicates {summed['duplicates']:,}  "
            f"delivered {summed['delivered']:,}  waiting {self.waiting():,}  dead letters {summed['dead']:,}{trouble}"
        )

    async def conclude(self, ledger: Ledger, received: Received) -> None:
        """What came in, what went out, and whether anything is missing."""
        totals = self._daemon.metrics.totals()
        chain = ("signups", "tidy", "phone", "opt_in", "reachable", "crm", "archive")
        summed = {word: int(sum(totals.get(name, {}).get(word, 0) for name in chain)) for word in COUNTS}
        unexplained = await self._unexplained(ledger.ids_taken() - set(received.times))
        self.say("\n[bold]Action Network's webhooks to a receiver[/bold]")
        self.say(
            f"  {ledger.events:,} events in {ledger.posts:,} POSTs, {ledger.posts - ledger.messages:,} of them repeats"
        )
        self.say(f"  {summed['accepted']:,} records accepted, {summed['duplicates']:,} known already")
        twice = received.records - received.distinct
        replaced = int(totals.get("crm", {}).get("coalesced", 0))
        self.say(
            f"  {received.distinct:,} records at the receiver, {twice:,} of them more than once; {replaced:,} gave way "
            "to a newer one about the same person"
        )
        waiting = sum(self._daemon.supervisor.sinks[name].waiting for name in ("crm", "archive"))
        self.say(f"  {summed['filtered']:,} filtered, {summed['dead']:,} dead letters, {waiting:,} still waiting")
        self.say(f"  {len(unexplained):,} lost")

    def say_where_to_look(self) -> None:
        self.say("[bold]Where to look next[/bold]")
        self.say("  groundswell demo --keep: the same, and it stays up for a look around at the dashboard")
        self.say("  pipeline.toml: a pipeline to begin with. Change it, then: groundswell check && groundswell run")
        self.say("  docs/: first steps and whole set-ups, operating, configuration, architecture")

    async def _unexplained(self, missing: set[str]) -> list[str]:
        """Of the records that were answered 200 and did not arrive, those nothing accounts for."""
        return [record_id for record_id in missing if not await self._is_accounted_for(record_id)]

    async def _is_accounted_for(self, record_id: str) -> bool:
        """A dead letter, waiting still, filtered on purpose, or taken along by a later one about the same person."""
        try:
            trace = await self._daemon.store.trace(record_id)
        except NotFoundError:
            return False
        over_http = [
            outcome for sink, outcome, *_ in trace.settled if self._daemon.config.components[sink].type == "http"
        ]
        return bool(trace.dead or trace.waiting) or (trace.is_processed and "delivered" not in over_http)
