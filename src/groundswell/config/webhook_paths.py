"""Where webhook sources listen: each on its own path, hard to guess where nothing else keeps strangers out."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from groundswell.config.model import Component
from groundswell.config.problems import Findings
from groundswell.settings import WebhookSourceSettings

_RANDOM_LETTERS_MIN: Final = 6
_RANDOM_RUNS_MIN: Final = 4


def check_webhook_paths(components: Iterable[Component], file_of: Mapping[str, str], findings: Findings) -> None:
    """Report two sources on one path, and warn of a path anybody could guess where it is the only secret.

    A path that somebody set may be such a secret, and what is reported here is logged and shown: so none is in it.

    Args:
        components: Those whose settings are right.
        file_of: The file each of them stands in, by name.
        findings: Where to report.
    """
    listening: dict[str, str] = {}
    for component in components:
        settings = component.settings
        if not isinstance(settings, WebhookSourceSettings):
            continue
        file, place = file_of[component.name], ("sources", component.name, "path")
        path = settings.path_for(component.name)
        other = listening.setdefault(path.rstrip("/"), component.name)
        if other != component.name:
            message = f"is the path of sources.{other} already; give one of them another"
            findings.problem(file, place, message)
        # The name of a source is shown in many places: as a path it is no secret, however random.
        if not settings.sender_can_sign and (settings.path is None or is_guessable(path)):
            what = f"is not set, so it is {path}" if settings.path is None else "is easy to guess"
            findings.warning(
                file,
                place,
                f"{what}, and whoever knows it can send records: {component.type} cannot tell who is sending. Set one "
                "that ends with something random, such as what `openssl rand -hex 16` prints",
            )


def is_guessable(path: str) -> bool:
    """Whether no part of the path looks random: six letters or more that keep changing between kinds, like "3f7c0d"."""
    return not any(_is_random(part.replace("-", "").replace("_", "")) for part in path.split("/"))


def _is_random(part: str) -> bool:
    runs = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+", part)  # "May" is one
    return len(part) >= _RANDOM_LETTERS_MIN and len(runs) >= _RANDOM_RUNS_MIN
