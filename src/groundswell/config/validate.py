"""One table into its settings: variables and secrets looked up, every field checked, problems in plain words."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from groundswell.config.environment import Resolved, names_variable, resolve
from groundswell.config.problems import Findings, TomlPath
from groundswell.config.secrets import SecretFiles
from groundswell.config.tables import Table
from groundswell.config.wording import complaints
from groundswell.settings import Private, Secret, Settings

S = TypeVar("S", bound=Settings)


class Validator:
    """Makes settings of tables; what is wrong goes to the findings."""

    def __init__(self, environ: Mapping[str, str], findings: Findings) -> None:
        self._environ = environ
        self._findings = findings
        self._secrets: dict[Path, SecretFiles] = {}

    def resolved(self, table: Table) -> Resolved:
        """What the table says with every `${NAME}` replaced."""
        resolved = resolve(table.values, self._environ)
        for path, message in resolved.unresolved.items():
            self._findings.problem(table.file.name, (*table.path, *path), message)
        return resolved

    def settings(self, table: Table, resolved: Resolved, model: type[S], what: str) -> S | None:
        """The settings, or None when something is wrong with them. `what` is what people call such a table."""
        directory = table.file.directory
        secrets = self._secrets.setdefault(directory, SecretFiles(directory, self._environ))
        try:
            settings = model.model_validate(resolved.value, context=secrets)
        except ValidationError as error:
            hidden = resolved.touched | set(resolved.unresolved)
            for complaint in complaints(error, model, resolved.value, what, hidden):
                if not any(_is_about(complaint.path, path) for path in resolved.unresolved):
                    origin = "; the value comes from the environment" if complaint.path in resolved.touched else ""
                    self._findings.problem(table.file.name, (*table.path, *complaint.path), complaint.message + origin)
            return None
        for path in _secrets_written_out(settings, table.values, ()):
            self._findings.warning(
                table.file.name,
                (*table.path, *path),
                'is a secret written out in the file; "${NAME}" or { file = "..." } keeps it out of git and backups',
            )
        for name, message in settings.warnings():
            self._findings.warning(table.file.name, (*table.path, name), message)
        for warning in secrets.warnings:
            if warning not in self._findings.warnings:
                self._findings.warnings.append(warning)
        return None if resolved.unresolved else settings


def _is_about(path: TomlPath, unresolved: TomlPath) -> bool:
    """Whether a complaint may only be there because a variable is not set."""
    return path[: len(unresolved)] == unresolved or unresolved[: len(path)] == path


def _secrets_written_out(value: Any, written: Any, path: TomlPath) -> Iterator[TomlPath]:
    """Paths of secrets whose text is in the file."""
    if isinstance(value, Secret):
        if isinstance(written, str) and not names_variable(written) and not isinstance(value, Private):
            yield path
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            key = field.alias or name
            if isinstance(written, Mapping) and key in written:
                yield from _secrets_written_out(getattr(value, name), written[key], (*path, key))
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(written, Mapping) and name in written:
                yield from _secrets_written_out(inner, written[name], (*path, name))
    elif isinstance(value, (list, tuple)) and isinstance(written, list):
        for place, (inner, text) in enumerate(zip(value, written, strict=False)):
            yield from _secrets_written_out(inner, text, (*path, place))
