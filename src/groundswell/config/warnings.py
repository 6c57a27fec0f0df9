"""What `check` warns of: what is in the files, and what only the calendar knows."""

from pathlib import Path

from groundswell.config.model import Config
from groundswell.http.certificate import CertificateError, read_pair


def warnings_of(config: Config, now: float) -> list[str]:
    """The warnings of a configuration; `now` in seconds since 1970."""
    warnings = list(config.warnings)
    if config.ops.certificate is not None and config.ops.key is not None:
        try:
            ended = read_pair(Path(config.ops.certificate), Path(config.ops.key)).warning(now)
        except CertificateError as exc:  # gone since, while a daemon runs with it
            ended = str(exc)
        if ended:
            warnings.append(f"ops.certificate {ended}")
    return warnings
