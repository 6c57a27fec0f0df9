"""One table into its settings: variables and secrets looked up, every field checked, problems in plain words."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from groundswell.config.environment import Resolved, names_variable, resolve
from groundswell.config.problems import Findings, TomlPath
from groundswell.config.secrets import SecretFiles
from groundswell.config.tables import Table
from groundswell.config.wording import Complaint, complaints
from groundswell.settings import Private, Secret, SecretReader, Settings

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
        secrets = self._secrets_of(table)
        try:
            settings = model.model_validate(resolved.value, context=secrets)
        except ValidationError as error:
            self._complain(table, resolved, complaints(error, model, resolved.value, what, _hidden(resolved)))
            return None
        self._warn_of_secrets(table, secrets, _secrets_written_out(settings, table.values, ()))
        for name, message in settings.warnings():
            self._findings.warning(table.file.name, (*table.path, name), message)
        return None if resolved.unresolved else settings

    def given(
        self, table: Table, resolved: Resolved, model: type[S], what: str, secret: Collection[str]
    ) -> dict[str, Any] | None:
        """What a table says whose missing settings come later, secrets read; None when something is wrong with it.

        `secret`: the names of settings that nobody prints.
        """
        secrets = self._secrets_of(table)
        reader = _NotingReader(secrets)
        try:
            model.model_validate(resolved.value, context=reader)
        except ValidationError as error:
            found = complaints(error, model, resolved.value, what, _hidden(resolved), is_whole=False)
            if found:
                self._complain(table, resolved, found)
                return None
        self._warn_of_secrets(table, secrets, _texts_written_out(table.values, secret))
        return None if resolved.unresolved else reader.filled(resolved.value)

    def _secrets_of(self, table: Table) -> SecretFiles:
        directory = table.file.directory
        return self._secrets.setdefault(directory, SecretFiles(directory, self._environ))

    def _complain(self, table: Table, resolved: Resolved, found: Iterable[Complaint]) -> None:
        for complaint in found:
            if not any(_is_about(complaint.path, path) for path in resolved.unresolved):
                origin = "; the value comes from the environment" if complaint.path in resolved.touched else ""
                self._findings.problem(table.file.name, (*table.path, *complaint.path), complaint.message + origin)

    def _warn_of_secrets(self, table: Table, secrets: SecretFiles, written_out: Iterable[TomlPath]) -> None:
        for path in written_out:
            self._findings.warning(
                table.file.name,
                (*table.path, *path),
                'is a secret written out in the file; "${NAME}" or { file = "..." } keeps it out of git and backups',
            )
        for warning in secrets.warnings:
            if warning not in self._findings.warnings:
                self._findings.warnings.append(warning)


class _NotingReader:
    """Reads secrets as another does, and remembers them."""

    def __init__(self, reader: SecretReader) -> None:
        self._reader = reader
        self._read: list[tuple[Any, Secret]] = []

    def __call__(self, where: Mapping[str, Any]) -> str:
        text = self._reader(where)
        self._read.append((where, Secret(text)))
        return text

    def filled(self, value: Any) -> Any:
        """The same values, with the secrets in their places."""
        for where, secret in self._read:
            if value == where:
                return secret
        if isinstance(value, dict):
            return {name: self.filled(inner) for name, inner in value.items()}
        return [self.filled(inner) for inner in value] if isinstance(value, list) else value


def _hidden(resolved: Resolved) -> set[TomlPath]:
    """What is not to be shown."""
    return resolved.touched | set(resolved.unresolved)


def _texts_written_out(written: Mapping[str, Any], secret: Collection[str]) -> Iterator[TomlPath]:
    """Paths of these settings whose text is in the file."""
    for name, value in written.items():
        if name in secret and isinstance(value, str) and not names_variable(value):
            yield (name,)


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
