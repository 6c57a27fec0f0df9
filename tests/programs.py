"""Programs of the system that some tests need. `.ci/run` installs them; elsewhere, who lacks one is told of it."""

import os
from shutil import which

import pytest


def found(program: str) -> str | None:
    """Where it is; root's own programs, too, which others may run as well."""
    return which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Skips without it, but for in CI, where it has to be there. `package`: of Debian."""
    return pytest.mark.skipif(
        found(program) is None and "CI" not in os.environ,
        reason=f"{program} is not installed (Debian package {package})",
    )
