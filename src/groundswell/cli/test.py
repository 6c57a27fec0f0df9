"""`groundswell test`: the `[[tests]]` of a configuration."""

from pathlib import Path
from typing import Annotated

import anyio
import msgspec
import typer
from rich.console import Console
from rich.text import Text

from groundswell.cli.options import FILES, load_or_exit
from groundswell.clock import SystemClock
from groundswell.config.model import Config
from groundswell.config.pipeline_tests import TestResult, run_test
from groundswell.config.problems import counted
from groundswell.runtime.build import built
from groundswell.runtime.plan import Plan


def command(
    files: FILES = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Run the [[tests]] of the configuration: what goes in at a source, and what must come out where.

    Nothing is sent, nothing is stored. Exit codes: 0 all passed, 1 one failed, 78 the configuration is wrong.

    Examples: groundswell test; groundswell test /etc/groundswell --json
    """
    config = load_or_exit(files or [Path("pipeline.toml")])
    results = anyio.run(_results, config)
    if as_json:
        typer.echo(msgspec.json.encode([_as_data(result) for result in results]))
    else:
        _show(results)
    if not all(result.passed for result in results):
        raise typer.Exit(1)


async def _results(config: Config) -> list[TestResult]:
    sources, transforms = config.of_role("source"), config.of_role("transform")
    async with built(config, [*sources, *transforms], SystemClock()) as parts:
        plan = Plan(config, {name: parts[name] for name in sources}, {name: parts[name] for name in transforms})
    return [run_test(test, plan) for test in config.tests]


def _show(results: list[TestResult]) -> None:
    console = Console(soft_wrap=True)
    for result in results:
        mark = Text("passed", style="green") if result.passed else Text("FAILED", style="bold red")
        console.print(mark + Text(f"  {result.name}"))
        for difference in result.differences:
            console.print(Text(f"          {difference}"))
    failed = sum(not result.passed for result in results)
    if results:
        console.print(Text(f"{counted(len(results), 'test')}: {len(results) - failed} passed, {failed} failed"))
    else:
        console.print(Text("There are no [[tests]] in this configuration; see docs/configuration.md."))


def _as_data(result: TestResult) -> dict[str, object]:
    return {"name": result.name, "passed": result.passed, "differences": result.differences}
