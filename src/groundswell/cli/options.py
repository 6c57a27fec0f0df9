"""What many verbs share: the configuration files, and how a wrong configuration is shown."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from groundswell.config.load import load
from groundswell.config.model import Config
from groundswell.config.problems import rendered
from groundswell.errors import ConfigError

EXIT_CONFIG = 78
"""EX_CONFIG: systemd does not restart on it (RestartPreventExitStatus)."""

FILES = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE", help="Configuration files, or a directory of them.", show_default="pipeline.toml"),
]

CONFIG = Annotated[
    list[Path] | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="A configuration file of the daemon, or a directory of them; may be repeated.",
        show_default="pipeline.toml",
    ),
]
JSON = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


def load_or_exit(paths: Sequence[Path]) -> Config:
    """The configuration; when it is wrong, every problem on stderr and exit 78."""
    try:
        config = load(paths, os.environ)
    except ConfigError as exc:
        sys.stderr.write(rendered(exc))
        raise typer.Exit(EXIT_CONFIG) from exc
    for warning in config.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    return config
