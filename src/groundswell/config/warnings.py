"""What `check` warns of: what is in the files, and what only the calendar knows."""

from pathlib import Path

from groundswell.config.model import Config
from groundswell.http.certificate import CertificateError, read_pair


def warnings_of(config: Config, now: float) -> list[str]:
    """The warnings of a configuration; `now` in seconds since 1970."""
    warnings = list(config.warnings)
    for name, served in (("webhooks", config.webhooks), ("ops", config.ops)):
        if served.certificate is None or served.key is None:
            continue
        try:
            ended = read_pair(Path(served.certificate), Path(served.key)).warning(now)
        except CertificateError as exc:  # gone since, while a daemon runs with it
            ended = str(exc)
        if ended:
            warnings.append(f"{name}.certificate {ended}")
    return warnings
