"""Read opt-in words: true, false, or unknown. Nobody is opted in, or out, by a word nobody agreed on."""

from collections import Counter
from typing import Annotated, Any, Final, Self

from msgspec import UNSET
from pydantic import AfterValidator, Field, model_validator

from groundswell.component import Context
from groundswell.members.words import FALSE_WORDS, TRUE_WORDS
from groundswell.record import Record
from groundswell.settings import TransformSettings
from groundswell.transforms.changes import Set, setter
from groundswell.transforms.paths import FieldPath, TargetPath, parse_target
from groundswell.transforms.values import plain_text

_WORD_MAX: Final = 256
"""Characters; nothing longer is looked up as a word."""


def _opt_in_field(path: FieldPath) -> FieldPath:
    if path.holds not in ("opt_in", "anything"):
        raise ValueError(f'"{path}" cannot hold an opt-in; name "sms_opt_in", "email_opt_in" or a custom field')
    return path


class NormaliseOptInSettings(TransformSettings):
    """Reads opt-in words as true, false or unknown; see docs/transforms.md."""

    fields: list[Annotated[TargetPath, AfterValidator(_opt_in_field)]] = Field(
        ["sms_opt_in", "email_opt_in"],
        validate_default=True,
        min_length=1,
        description="The fields that hold an opt-in.",
    )
    true_words: list[str] = Field([], description=f"Words that mean true, besides {', '.join(TRUE_WORDS)}.")
    false_words: list[str] = Field([], description=f"Words that mean false, besides {', '.join(FALSE_WORDS)}.")
    keep_as: str = Field(
        "custom.unknown_{field}",
        description="The custom field that keeps words that are neither; {field} is `sms_opt_in` or `email_opt_in`.",
    )

    @model_validator(mode="after")
    def _words_have_one_meaning(self) -> Self:
        true, false = _words(TRUE_WORDS, self.true_words), _words(FALSE_WORDS, self.false_words)
        if "" in true | false:
            raise ValueError("a word is empty; an empty opt-in is always unknown, so leave it out")
        if both := sorted(true & false):
            raise ValueError(f'"{both[0]}" would mean both true and false; take it out of true_words or false_words')
        return self

    @model_validator(mode="after")
    def _words_are_kept_apart(self) -> Self:
        kept = [path for path in self.kept_fields() if path is not None]
        if any(path.slot != "custom" for path in kept):
            raise ValueError('keep_as is not a custom field; write "custom." and a name')
        names = Counter(path.text for path in (*self.fields, *kept))
        if repeated := [name for name, times in names.items() if times > 1]:
            raise ValueError(f'"{repeated[0]}" is named twice in fields and keep_as; write {{field}} in keep_as')
        return self

    def kept_fields(self) -> list[FieldPath | None]:
        """For each field, the one that keeps its words when they are neither; None where it keeps them itself."""
        return [
            parse_target(self.keep_as.replace("{field}", path.text)) if path.holds == "opt_in" else None
            for path in self.fields
        ]


class NormaliseOptIn:
    """Makes each opt-in true, false or unknown, by the words.

    A word in neither list leaves `sms_opt_in` or `email_opt_in` unknown; the word is kept in the custom field
    `keep_as`, and it is counted. In any other field it stays where it is, and is counted.
    """

    def __init__(self, settings: NormaliseOptInSettings, context: Context) -> None:
        self.counts: Counter[str] = Counter()
        meanings = {
            **dict.fromkeys(_words(TRUE_WORDS, settings.true_words), True),
            **dict.fromkeys(_words(FALSE_WORDS, settings.false_words), False),
        }
        # Also as they are mostly written, so that most need no folding.
        self._meanings = {word.capitalize(): meaning for word, meaning in meanings.items()} | meanings
        self._fields = tuple(
            (path.get, setter(path), None if kept is None else setter(kept))
            for path, kept in zip(settings.fields, settings.kept_fields(), strict=True)
        )

    def apply(self, record: Record) -> Record | None:
        changed = record
        for get, write, keep in self._fields:
            written = get(record)
            if written is UNSET or written is True or written is False:
                continue
            meaning = self._meaning(written)
            changed = (
                self._without_meaning(changed, written, write, keep) if meaning is None else write(changed, meaning)
            )
        return changed

    def _without_meaning(self, record: Record, written: Any, write: Set, keep: Set | None) -> Record:
        is_empty = written is None or (isinstance(written, str) and not written.strip())
        if not is_empty:
            self.counts["unknown_opt_in"] += 1
        if keep is None:
            return record
        return write(record if is_empty else keep(record, written), UNSET)

    def _meaning(self, written: Any) -> bool | None:
        if type(written) is str and (usual := self._meanings.get(written)) is not None:
            return usual
        try:
            word = plain_text(written)
        except ValueError:
            return None
        return self._meanings.get(_folded(word)) if len(word) <= _WORD_MAX else None


def _words(known: tuple[str, ...], more: list[str]) -> set[str]:
    return {_folded(word) for word in (*known, *more)}


def _folded(word: str) -> str:
    """Any case and spacing: " OPT  In" and "opt in" are one word, "optin" is another."""
    return " ".join(word.split()).casefold()
