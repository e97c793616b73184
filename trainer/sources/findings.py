"""What the conversion of one file said beside its rows: gathered apart, so that it can be kept, then entered as if read in line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from trainer.interactions.id_types import IdTypes
from trainer.rows.batches import Table
from trainer.rows.ledger import Ledger
from trainer.rows.notes import Note
from trainer.rows.problems import SHOWN, Example, Problems
from trainer.sources.erased_rows import ERASED
from trainer.sources.values.convert import Converter
from trainer.sources.values.times import Clock

Begin = Callable[[Table], Sequence[str]]
"""Makes ready for a file, by its beginning; the roles that hold numbers in it."""
Odd = dict[str, list[tuple[str, int, str]]]


@dataclass(slots=True)
class Findings:
    """Of a whole file. `clocks` are those that it added, `clock` is the one after it."""

    n_rows: int = 0
    n_dropped: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[Example]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    clocks: list[str] = field(default_factory=list)
    clock: Clock | None = None
    trimmed: dict[str, int] = field(default_factory=dict)
    odd: Odd = field(default_factory=dict)

    def gather(self, part: Table, columns: Mapping[str, str], begin: Begin, converter: Converter) -> Iterator[pl.DataFrame]:
        """The rows of a file, converted with problems and types of ids of its own."""
        problems, ids = converter.problems, converter.ids
        own = Problems(several=problems.several, clocks=list(problems.clocks))
        own_ids = IdTypes(own, ids.columns, ids.asked)
        ledger = Ledger(part.where, own)
        converter.problems, converter.ids = own, own_ids
        try:
            for batch in part.batches(columns, begin(part), own):
                frame = converter.convert(batch, part.where)
                ledger.enter(batch, frame.height)
                yield frame
        finally:
            converter.problems, converter.ids = problems, ids
        self.n_rows, self.n_dropped = own.n_rows, own.n_dropped
        self.dropped, self.broken = dict(own.dropped), dict(own.broken)
        self.examples, self.notes = own.examples, own.notes
        self.clocks, self.clock = own.clocks[len(problems.clocks) :], converter.clock
        self.trimmed, self.odd = dict(own_ids.trimmed), own_ids.odd

    def leave_out(self, erased: set[str], n_rows: int) -> None:
        """Count the rows of erased users, and name none of them."""
        if n_rows:
            self.dropped[ERASED] = n_rows
        if "user" in self.odd:
            self.odd["user"] = [one for one in self.odd["user"] if one[2] not in erased]

    def enter(self, converter: Converter) -> None:
        """Into the problems and types of ids of the source, as if its rows had come one after another."""
        problems, ids = converter.problems, converter.ids
        problems.n_rows += self.n_rows
        problems.n_dropped += self.n_dropped
        problems.dropped.update(self.dropped)
        if n_erased := problems.dropped.pop(ERASED, 0):
            problems.dropped[ERASED] = n_erased  # behind all others, however many pieces were read
        problems.broken.update(self.broken)
        for reason, found in self.examples.items():
            kept = problems.examples.setdefault(reason, [])
            kept += found[: max(0, SHOWN - len(kept))]
        for note in self.notes:
            problems.note(note)
        problems.clocks += self.clocks
        converter.clock = self.clock
        ids.trimmed.update(self.trimmed)
        for role, rows in self.odd.items():
            odd = ids.odd.setdefault(role, [])
            odd += rows[: max(0, SHOWN - len(odd))]

    def told(self) -> list[str]:
        """The texts among it that may hold what the file holds."""
        values = [example.value for found in self.examples.values() for example in found]
        return [*self.notes, *values, *(value for rows in self.odd.values() for _, _, value in rows)]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "notes": [(str(note), note.kind if isinstance(note, Note) else "") for note in self.notes]}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Findings:
        clock = kept["clock"] and Clock(**{**kept["clock"], "formats": tuple(kept["clock"]["formats"])})
        examples = {reason: [Example(**one) for one in found] for reason, found in kept["examples"].items()}
        notes = [Note(*one) for one in kept["notes"]]
        odd: Odd = {role: [(where, line, value) for where, line, value in rows] for role, rows in kept["odd"].items()}
        return cls(**{**kept, "clock": clock, "examples": examples, "notes": notes, "odd": odd})
