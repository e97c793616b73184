"""What a reader finds wrong or remarkable in a source: counts by reason, and the first rows of each kind with line and value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from contract.errors import DataError
from contract.text import CUT
from trainer.rows.notes import Kind, Note

SHOWN = 20  # rows that are kept of each kind
NAMED = 3  # rows in an error message
VALUE_LENGTH = 60
WRITTEN_WHOLE = (1e6, 1e16)  # a whole number between them is a time or an id, and is shown without a point


class EmptySourceError(DataError):
    """A file without a row: alone it can't be used, among others it is a day on which nothing happened."""


class NoNamesError(DataError):
    """A file that begins with a row where names of columns must be: alone it can't be used, behind another part of it, it can."""


class UnknownColumnsError(DataError):
    """Columns whose names say nothing, or too much: what they hold may say it."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row that can't be used. `line` counts from 1: the line of a text file, or the row of another source; 0 where it is not known."""

    source: str
    line: int
    column: str
    value: str
    one_of_several: bool = False
    """Whether the source is one file of several, so that a line alone says little."""

    @property
    def place(self) -> str:
        parts = [self.source if self.one_of_several else "", f"line {self.line:,}" if self.line else ""]
        return ", ".join(part for part in parts if part)

    def __str__(self) -> str:
        return f"{self.place + ': ' if self.place else ''}{self.column + ' ' if self.column else ''}{self.value!r}"


@dataclass(slots=True)
class Problems:
    """Rows read and dropped so far. `broken` are those reasons that mean an unreadable row; `notes` is what was assumed.

    `dropped` is by reason, and a run adds what its policies leave out; `n_dropped` is by reading alone.
    """

    n_rows: int = 0
    n_dropped: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Example]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    several: bool = False
    """Whether rows come from several files."""
    clocks: list[str] = field(default_factory=list)
    """By which clocks times were read, in words."""

    def add(self, reason: str, n: int, source: str, column: str, rows: Sequence[tuple[int, Any]], *, broken: bool = False) -> None:
        """Count `n` rows; `rows` are the line and value of the first of them, as many as are to be had cheaply."""
        if n <= 0:
            return
        self.dropped[reason] += n
        self.n_dropped += n
        if broken:
            self.broken[reason] += n
        self.show(reason, source, column, rows)

    def show(self, reason: str, source: str, column: str, rows: Sequence[tuple[int, Any]]) -> None:
        """Keep the first rows of a reason, which are counted elsewhere."""
        kept = self.examples.setdefault(reason, [])
        kept += [Example(source, line, column, shortened(value), self.several) for line, value in rows[: max(0, SHOWN - len(kept))]]

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def has_note(self, kind: Kind) -> bool:
        return any(isinstance(note, Note) and note.kind == kind for note in self.notes)

    @property
    def n_broken(self) -> int:
        return self.broken.total()

    def check_share(self, source: str, most: float) -> None:
        """Raises DataError, with the first lines, when more than the part `most` of all rows is broken."""
        if self.n_broken <= most * self.n_rows:
            return
        reasons = "; ".join(
            f"{n:,} with {reason} ({', '.join(str(one) for one in self.examples[reason][:NAMED])})"
            for reason, n in self.broken.most_common()
        )
        raise DataError(
            f"{source}: {self.n_broken:,} of {self.n_rows:,} rows are broken, more than --max-broken-rows {most:g} allows: {reasons}; "
            "correct or remove them"
        )


def shortened(value: Any) -> str:
    if isinstance(value, float) and WRITTEN_WHOLE[0] <= abs(value) < WRITTEN_WHOLE[1] and value.is_integer():
        value = int(value)
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= VALUE_LENGTH else text[: VALUE_LENGTH - 1] + CUT
