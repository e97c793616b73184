"""Incremental reading: a file that is as it was is not read again, one that has grown is read on. Its rows, and what was said, are kept.

A file is converted by itself, from a state (columns, clock, settings, Larder's own code) into rows and findings. Both are kept under
that state; whatever differs is read anew, so that a run has what reading all gives. What depends on all rows (types of ids, positions,
cleaning) is done anew by every run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from contract.settings.settings import SourceSettings
from trainer.kept import entries
from trainer.kept.entries import DamagedError, EntryWriter
from trainer.kept.forgetting import names_in
from trainer.kept.packed import Packed
from trainer.rows.batches import Table
from trainer.rows.distinct import coded
from trainer.sources import identity
from trainer.sources.doubted import doubted
from trainer.sources.erased_rows import ErasedRows
from trainer.sources.findings import Begin, Findings
from trainer.sources.pieces import pieces
from trainer.sources.state import state_of
from trainer.sources.tables.since import Growing, Slice, slices
from trainer.sources.values.convert import FUTURE, Converter

logger = logging.getLogger(__name__)

_NAMED = 3


@dataclass(slots=True)
class Memory:
    """What is kept of one source. `again`: read all anew. Used once, from the first file to `close`."""

    root: Path
    source: SourceSettings
    left_out: ErasedRows
    again: bool = False
    began: float = field(default_factory=time.time)
    """Before the first file was opened: one that changed later may have been opened as it was before."""
    n_replayed: int = 0
    n_read: int = 0
    why: list[str] = field(default_factory=list)
    _used: set[str] = field(default_factory=set)
    _failed: bool = False
    _n_rows: int = 0

    @property
    def folder(self) -> Path:
        table = "\n".join(("", self.source.sql_table, self.source.since_column)) if self.source.since_column else ""
        return self.root / entries.name_of(str(Path(self.source.interactions).absolute()) + table)

    def slices(self, table: Growing) -> Iterator[Slice]:
        """A table that grows, in parts that can be kept; each is to be read before the next is asked for."""
        row = 1
        kept, rejected = identity.kept_of(table, self.folder, self.why, again=self.again)
        try:
            for folder in rejected:
                entries.remove(folder)
        except OSError as error:  # then nothing is kept beside it
            self._warn(error)
        for part in slices(table, kept):
            part.first_row = row
            yield part
            row += self._n_rows

    def rows(self, part: Table, columns: Mapping[str, str], begin: Begin, converter: Converter) -> Iterator[pl.DataFrame | Packed]:
        """The converted rows of a file, as they were kept or by reading it; what was found goes to the converter's problems and ids."""
        known = "time" not in columns or converter.clock  # else the first rows with a time choose the clock
        for piece in (pieces(part, self.folder, self.why, again=self.again) if known else None) or [part]:
            yield from self._rows(piece, columns, begin, converter)

    def _rows(self, part: Table, columns: Mapping[str, str], begin: Begin, converter: Converter) -> Iterator[pl.DataFrame | Packed]:
        state = state_of(part, columns, converter, self.source)
        kept = None if self.again or identity.is_new(part) else self._kept(part, state, converter)
        if kept is None:
            yield from self._read(part, columns, begin, converter, state)
            return
        self.n_replayed += 1
        findings, frames = kept
        self._n_rows = findings.n_rows
        findings.enter(converter)
        yield from frames

    def close(self, where: str) -> None:
        """Say what was read; forget what the source no longer has."""
        read = f"; read anew: {'; '.join(self.why[:_NAMED])}{'; ...' if len(self.why) > _NAMED else ''}" if self.why else ""
        logger.info("%s: %s parts as they were kept, %s read%s", where, f"{self.n_replayed:,}", f"{self.n_read:,}", read)
        try:
            if self.folder.is_dir() and (gone := {one.name for one in self.folder.iterdir()} - self._used):
                logger.info("%s: what was kept of %s parts that are no longer there, or can't be kept, is removed", where, f"{len(gone):,}")
            entries.tidy(self.root, self.folder, self._used)
        except OSError as error:
            self._warn(error)

    def _kept(self, part: Table, state: dict[str, Any], converter: Converter) -> tuple[Findings, list[pl.DataFrame | Packed]] | None:
        """What is kept of a file, if it holds still."""
        folder = self.folder / identity.name_of(part)
        try:
            entry = entries.read_entry(folder)
            if entry is None:
                return None
            if reason := doubted(entry, part, state, converter.now, self.left_out):
                self.why.append(f"{identity.label_of(part)}, {reason}")
                return None
            entry.check()
            frames = [one if isinstance(one, Packed) else one.with_columns(map(coded, one["user", "item"])) for one in entry.frames()]
            if entry.said["erased"]["revision"] < self.left_out.revision:
                if self.left_out.has_some_in(entry):
                    self.why.append(f"{identity.label_of(part)}, which names erased users")
                    entries.remove(folder)
                    return None
                entries.write_said(folder, {**entry.said, "erased": self._erased(entry.said["erased"]["n"])}, entry.files)
            self._used.add(folder.name)
            return Findings.from_json(entry.said["found"]), frames
        except (DamagedError, OSError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
            self.why.append(f"{identity.label_of(part)}, of which what is kept can't be used ({error})")
            return None

    def _read(
        self, part: Table, columns: Mapping[str, str], begin: Begin, converter: Converter, state: dict[str, Any]
    ) -> Iterator[pl.DataFrame]:
        folder, before = self.folder / identity.name_of(part), identity.look(part)
        writer = EntryWriter(folder) if before is not None and not self._failed else None
        findings, erased, n_erased = Findings(), set[str](), 0
        self.n_read += 1
        try:
            for frame in findings.gather(part, columns, begin, converter):
                kept, gone, unclear = self.left_out.sift(frame)
                erased |= gone
                n_erased += frame.height - kept.height
                writer = writer and self._add(writer, kept)
                if unclear and writer:
                    writer.discard()
                    writer = None
                if kept.height:
                    yield kept
            findings.leave_out(erased, n_erased)
            findings.enter(converter)
            told = findings.told()
            self._n_rows = findings.n_rows
            held = before and identity.was_same(part, before, self.began, findings.n_rows)
            if writer and held and not (FUTURE in findings.dropped or names_in(told, erased) or self.left_out.told(told)):
                said = {
                    "part": identity.said_of(part, before),
                    "state": state,
                    "now": converter.now,
                    "erased": self._erased(n_erased),
                    "told": told,
                }
                self._keep(writer, {**said, "found": findings.as_json()})
        finally:
            if writer:
                writer.discard()

    def _add(self, writer: EntryWriter, frame: pl.DataFrame) -> EntryWriter | None:
        try:
            writer.add(frame)
        except OSError as error:
            writer.discard()
            self._warn(error)
            return None
        return writer

    def _keep(self, writer: EntryWriter, said: dict[str, Any]) -> None:
        try:
            writer.keep(said)
            self._used.add(writer.folder.name)
            if (now := self.left_out.as_it_is_now()) is not self.left_out:  # whoever erased somebody meanwhile could not see this yet
                self._check(writer.folder, now)
        except OSError as error:
            self._warn(error)

    def _check(self, folder: Path, now: ErasedRows) -> None:
        """Remove what has just been kept if it has somebody who was erased since the run began."""
        try:
            entry = entries.read_entry(folder)
            if entry is None or not now.has_some_in(entry):
                return
        except (DamagedError, pl.exceptions.PolarsError):
            pass
        entries.remove(folder)

    def _erased(self, n: int) -> dict[str, Any]:
        return {"who": self.left_out.who, "revision": self.left_out.revision, "n": n}

    def _warn(self, error: OSError) -> None:
        if not self._failed:
            logger.warning("%s: what was read can't be kept for the next run: %s", self.root, error)
        self._failed = True
