"""Where interactions and items come from: the built-in set, recommenders' MovieLens, a made-up set, files, a database."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from contract.artifacts.artifact import EVENTS_FOLDER, READ_FOLDER
from contract.errors import DataError
from contract.settings.settings import SourceSettings, hide_password
from contract.settings.source import STDIN, without_events
from trainer.interactions.doubts import doubts
from trainer.interactions.id_types import IdTypes
from trainer.interactions.interactions import Interactions, from_frames
from trainer.interactions.profile import Profile
from trainer.interactions.targets import KINDS, Targets
from trainer.kept.packed import Packed
from trainer.rows.batches import Table
from trainer.rows.doubt import Doubt
from trainer.rows.ledger import Ledger
from trainer.rows.problems import Problems
from trainer.sources import built_in
from trainer.sources.erased_rows import ErasedRows
from trainer.sources.identity import can_be_kept
from trainer.sources.remembered import Memory
from trainer.sources.shapes.reshaped import Reshaped
from trainer.sources.tables.columns import resolve_columns
from trainer.sources.tables.open import Files, open_table, parts_of
from trainer.sources.tables.since import grows
from trainer.sources.values.convert import Converter
from trainer.sources.values.times import Clock, clock_for, present

logger = logging.getLogger(__name__)

BUILT_IN = "movielens-small"
MOVIELENS = ("movielens-100k", "movielens-1m", "movielens-10m", "movielens-20m")


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """`events`: frames of user, item, weight and perhaps time, or Packed, read as they are asked for; `problems` fills meanwhile.

    `items`: item (text), title and more, or None.
    """

    events: Iterable[Any]
    items: pl.DataFrame | None
    problems: Problems = field(default_factory=Problems)
    columns: Mapping[str, str] = field(default_factory=dict)
    ids: IdTypes | None = None
    events_until: str = ""


@dataclass(frozen=True, slots=True)
class LoadedSource:
    """Interactions, cleaned; items as in Raw; and what was wrong or remarkable on the way."""

    interactions: Interactions
    items: pl.DataFrame | None
    problems: Problems
    profile: Profile
    doubts: tuple[Doubt, ...] = ()


def load(source: SourceSettings, cache: Path, left_out: ErasedRows | None = None) -> LoadedSource:
    """Read and clean all that the settings name. What was assumed is logged. Raises DataError.

    With `left_out`, the list of erased users, files are read incrementally where the settings say so.
    """
    loaded = gather(read(source, cache, left_out), source)
    for note in loaded.problems.notes:
        logger.info("%s: %s", label_of(source), note)
    for doubt in loaded.doubts:
        logger.warning("%s: %s. %s", label_of(source), doubt.what, doubt.advice)
    if dropped := loaded.interactions.dropped:
        logger.warning("%s: left out %s", label_of(source), ", ".join(f"{n:,} with {reason}" for reason, n in dropped.items()))
    return loaded


def gather(raw: OpenedSource, source: SourceSettings, *, validate: bool = False) -> LoadedSource:
    """Index and clean what was opened. `validate` also holds every batch to the schema (trainer/interactions/schema.py)."""
    problems, events = raw.problems, raw.events
    if validate:
        from trainer.interactions import schema  # pandera takes a second to import

        events = (schema.validate(frame, label_of(source)) for frame in events)
    targets = Targets(source.target) if source.target else None
    made = from_frames(events, label_of(source), source, problems.dropped, raw.ids, targets)
    profile = Profile.of(made)
    found = tuple(doubts(made, raw.columns, profile, problems))
    reading = {
        "rows": problems.n_rows,
        "columns": dict(raw.columns),
        "notes": list(problems.notes),
        "doubts": [doubt.what for doubt in found],
        "clock": " and ".join(problems.clocks),
        "dropped": dict(made.dropped),
        "profile": profile.model_dump(mode="json", exclude_none=True),
    }
    if targets:
        named = dict(targets.met.most_common(KINDS))
        reading |= {"target": targets.target, "events": named, "n_events": targets.met.total()}
    if raw.events_until:
        reading["events_until"] = raw.events_until
    return LoadedSource(replace(made, reading=reading), raw.items, problems, profile, found)


def label_of(source: SourceSettings) -> str:
    """The source as it may be shown: no password."""
    return "standard input" if source.interactions == STDIN else hide_password(source.interactions)


def read(source: SourceSettings, cache: Path, left_out: ErasedRows | None = None) -> OpenedSource:
    """Open what the settings name. Raises DataError, now or as the events are read, for what can't be used."""
    name, has_events = without_events(source.interactions)
    if has_events:
        return _with_events(read(source.model_copy(update={"interactions": name}), cache, left_out) if name else None, source, cache)
    if name == BUILT_IN:
        events, items = built_in.load()
        return _counted(OpenedSource([events], items))
    if name in MOVIELENS:
        from trainer.sources.movielens import load  # recommenders takes a second to import: only for those who ask for it

        events, items = load(name, cache)
        return _counted(OpenedSource([events], items))
    if name.startswith("movielens"):
        raise DataError(f"{name} is not a known set; there are {', '.join((BUILT_IN, *MOVIELENS))}")
    if name.startswith("synthetic:"):
        from trainer.sources import synthetic

        return _counted(OpenedSource([synthetic.load(name)], None))
    keeps = left_out is not None and (source.incremental or source.since_column)
    return _table(source, Memory(cache.parent / READ_FOLDER, source, left_out, again=source.full) if left_out and keeps else None)


def _with_events(raw: OpenedSource | None, source: SourceSettings, cache: Path) -> OpenedSource:
    """The events that are in files, behind another source or alone."""
    from trainer.sources import events

    problems = raw.problems if raw else Problems()
    found = events.read(cache.parent / EVENTS_FOLDER, source)
    problems.note(f"{found.n_read:,} events of POST /events, up to {found.last}")
    frames = events.behind(raw.events if raw else (), found, problems)
    if raw is None:
        raw = OpenedSource((), None, problems, ids=IdTypes(problems, asked={"user": source.user_id_type, "item": source.item_id_type}))
    return replace(raw, events=frames, events_until=found.last)


def _counted(raw: OpenedSource) -> OpenedSource:
    raw.problems.n_rows = sum(frame.height for frame in raw.events)
    return raw


def _table(source: SourceSettings, memory: Memory | None) -> OpenedSource:
    """A table of any kind: columns are chosen now, rows are converted as they come, or come as they were kept."""
    table = open_table(source.interactions, source)
    where = getattr(table, "said_of", table.where)
    chosen = table.chosen if isinstance(table, Reshaped) else resolve_columns(table.names, source, where, named=table.named)
    columns, problems = chosen.of, Problems()
    for note in (*table.notes, *chosen.notes):
        problems.note(note)
    ids = IdTypes(problems, columns, {"user": source.user_id_type, "item": source.item_id_type})
    converter = Converter(source, columns, None, problems, ids, table.named)
    converter.use(_clock(table, columns, source))
    several = problems.several = isinstance(table, Files)

    def begin(part: Table) -> list[str]:
        """Make ready for a file; the roles that hold numbers in it."""
        if several and "time" in columns:
            converter.look_at_clock(part.sample(columns["time"]), part.where)
        return ["weight", "time"] if converter.clock and converter.clock.numbers else ["weight"]

    def events() -> Iterator[pl.DataFrame | Packed]:
        ledger = Ledger(table.where, problems)
        for part in memory.slices(table) if memory and grows(table) else parts_of(table, columns, problems):
            if memory and can_be_kept(part):
                yield from memory.rows(part, columns, begin, converter)
                continue
            for batch in part.batches(columns, begin(part), problems):
                frame = converter.convert(batch, part.where)
                ledger.enter(batch, frame.height)
                yield frame
        problems.check_share(table.where, source.max_broken_rows)
        if memory:
            memory.close(table.where)

    return OpenedSource(events(), None, problems, columns, ids)


def _clock(table: Table, columns: Mapping[str, str], source: SourceSettings) -> Clock | None:
    """The clock of a table's times by its beginning; None if no time stands there."""
    if "time" not in columns:
        return None
    sample = table.sample(columns["time"])
    return None if present(sample, source).is_empty() else clock_for(sample, source, table.where)
