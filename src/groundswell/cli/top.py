"""`groundswell top`: everything at a glance, as it goes on, in a whole window."""

import signal
from contextlib import suppress
from typing import Final

import anyio
import typer
from rich.live import Live
from rich.text import Text

from groundswell.cli.asking import place_or_exit
from groundswell.cli.interrupt import interrupted
from groundswell.cli.keyboard import keys, unbuffered
from groundswell.cli.options import CONFIG
from groundswell.cli.pace import Pace
from groundswell.cli.screen import new_console, shown
from groundswell.cli.top_view import KEYS, in_order, plain, view
from groundswell.clock import SystemClock
from groundswell.errors import GroundswellError
from groundswell.ops import reach
from groundswell.ops.messages import NameComponent, Nothing, Status
from groundswell.ops.operations import PAUSE, RESUME, STATUS
from groundswell.ops.place import Place

EVERY_S: Final = 1.0


def command(config: CONFIG = None) -> None:
    """Watch all components: how many records a second, what waits and for how long, and what needs a person.

    Keys: q leaves; the arrows choose a component, p pauses it, r resumes it. Where stdout is no terminal, it prints a
    line for each component every second.

    Examples: groundswell top; groundswell top --config /etc/groundswell
    """
    anyio.run(_until_interrupted, place_or_exit(config))


async def _until_interrupted(place: Place) -> None:
    console = new_console()
    is_whole = console.is_terminal and not console.is_dumb_terminal
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            if is_whole:
                await _Window(place).run()
            else:
                await _print_lines(place)
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch)
        await interrupted(signal.SIGHUP)
        tasks.cancel_scope.cancel()


async def _print_lines(place: Place) -> None:
    clock, pace = SystemClock(), Pace()
    while True:
        try:
            status = await reach.ask(place, clock, STATUS, Nothing())
        except GroundswellError as exc:
            typer.echo(str(exc), err=True)
        else:
            pace.note(status)
            typer.echo("\n".join(plain(status, pace)))
        await clock.sleep(EVERY_S)


class _Window:
    """The window, and who types in it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._clock = SystemClock()
        self._pace = Pace()
        self._console = new_console()
        self._live = Live(console=self._console, screen=True, auto_refresh=False)
        self._status: Status | None = None
        self._chosen: str | None = None
        self._said = ""
        self._can_type = False

    async def run(self) -> None:
        """Until somebody leaves."""
        with unbuffered() as keyboard, self._live:
            self._can_type = keyboard is not None
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._look)
                if keyboard is not None:
                    await self._heed(keyboard)
                    tasks.cancel_scope.cancel()

    async def _look(self) -> None:
        while True:
            await self._look_once()
            await self._clock.sleep(EVERY_S)

    async def _look_once(self) -> None:
        try:
            status = await reach.ask(self._place, self._clock, STATUS, Nothing())
        except GroundswellError as exc:  # it may be starting, and whoever watches wants to see it come
            self._status, self._said = None, shown(str(exc))
        else:
            if self._status is None:
                self._said = ""
            self._status = status
            self._pace.note(status)
        self._draw()

    def _draw(self) -> None:
        keys_there = KEYS if self._can_type else "Ctrl-C leaves"
        if self._status is None:
            self._live.update(Text(f"{self._said}\n\n{keys_there}"), refresh=True)
            return
        names = [component.name for component in in_order(self._status)]
        if self._chosen not in names:
            self._chosen = names[0] if names and self._can_type else None
        columns, rows = self._console.size
        drawn = view(
            self._status,
            self._pace,
            chosen=self._chosen,
            said=self._said,
            rows=rows,
            columns=columns,
            keys=keys_there,
        )
        self._live.update(drawn, refresh=True)

    async def _heed(self, keyboard: int) -> None:
        async for key in keys(keyboard):
            match key:
                case "q":
                    return
                case "up" | "k":
                    self._choose(-1)
                case "down" | "j":
                    self._choose(+1)
                case "p" | "r" if self._chosen is not None:
                    await self._hold(self._chosen, is_held=key == "p")

    def _choose(self, steps: int) -> None:
        if self._status is None:
            return
        names = [component.name for component in in_order(self._status)]
        with suppress(ValueError):
            place = names.index(self._chosen or "") + steps
            self._chosen = names[max(0, min(place, len(names) - 1))]
        self._said = ""
        self._draw()

    async def _hold(self, name: str, *, is_held: bool) -> None:
        operation = PAUSE if is_held else RESUME
        try:
            done = await reach.ask(self._place, self._clock, operation, NameComponent(name))
        except GroundswellError as exc:
            self._said = shown(str(exc))
        else:
            self._said = f"{done.name} is {done.state}" if is_held else f"{done.name} goes on"
        await self._look_once()
