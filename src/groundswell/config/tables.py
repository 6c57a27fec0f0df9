"""The tables of all the files together: one for each component, each test, and `[daemon]`, `[webhooks]`, `[ops]`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from groundswell.config.files import ConfigFile
from groundswell.config.problems import Findings, TomlPath, meant, path_text, quoted

SINGLE: Final = ("daemon", "webhooks", "ops")
"""Tables that stand once, in one file."""
NAMED: Final = ("accounts", "sources", "transforms", "sinks", "sync")
"""Tables that hold tables with names."""
TABLES: Final = (*SINGLE, *NAMED, "tests")


@dataclass(frozen=True, slots=True)
class Table:
    """One table, where it stands, and what it says."""

    file: ConfigFile
    path: TomlPath
    values: dict[str, Any]

    @property
    def kind(self) -> str:
        """The word it starts with, one of TABLES."""
        return str(self.path[0])

    @property
    def name(self) -> str:
        """The name of the component, or the word it starts with."""
        return str(self.path[-1])


def tables_of(files: Sequence[ConfigFile], findings: Findings) -> list[Table]:
    """The tables of these files, in order. Of two with one name only the first counts, and the second is a problem."""
    tables: dict[tuple[str, TomlPath], Table] = {}
    for file in files:
        for table in _tables_in(file, findings):
            # Tests have places, not names: the first test of one file is not the first of another.
            key = (file.name if table.kind == "tests" else "", table.path)
            first = tables.setdefault(key, table)
            if first is not table:
                message = f"also stands in {first.file.name}; {path_text(table.path)} may stand in only one file"
                findings.problem(file.name, table.path, message)
    return list(tables.values())


def _tables_in(file: ConfigFile, findings: Findings) -> Iterator[Table]:
    for word, value in file.tables.items():
        path = (word,)
        if word not in TABLES:
            findings.problem(file.name, path, f"is not a table of a configuration; {meant(word, TABLES)}")
        elif word == "tests":
            yield from _tests_in(file, value, findings)
        elif not isinstance(value, dict):
            findings.problem(file.name, path, f"must be a table; write [{word if word in SINGLE else f'{word}.name'}]")
        elif word in SINGLE:
            yield Table(file, path, value)
        else:
            yield from _named_in(file, word, value, findings)


def _tests_in(file: ConfigFile, value: Any, findings: Findings) -> Iterator[Table]:
    if not isinstance(value, list):
        findings.problem(file.name, ("tests",), "must be a list of tables; write [[tests]], with two brackets")
        return
    for place, test in enumerate(value):
        if isinstance(test, dict):
            yield Table(file, ("tests", place), test)
        else:
            findings.problem(file.name, ("tests", place), "must be a table")


def _named_in(file: ConfigFile, word: str, value: dict[str, Any], findings: Findings) -> Iterator[Table]:
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield Table(file, (word, name), inner)
        else:
            example = f"[{word}.{name}]" if name.isidentifier() else f"[{word}.{quoted(name)}]"
            message = f"must be a table; is this line missing a heading such as {example}?"
            findings.problem(file.name, (word, name), message)
