"""From columns as they are to columns that can be indexed: ids, weights as numbers, times as epoch seconds. What can't be is counted."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.interactions.dislikes import NOT_LIKED
from trainer.interactions.external_ids import MAX_ID_BYTES
from trainer.interactions.id_types import IdTypes
from trainer.interactions.limits import IN_FUTURE, MAX_WEIGHT, TIMES
from trainer.rows.batches import Batch
from trainer.rows.distinct import any_value, by_value, coded, is_text
from trainer.rows.notes import Note
from trainer.rows.problems import Problems
from trainer.rows.row_filter import RowFilter
from trainer.sources.tables.columns import KNOWN_NAMES
from trainer.sources.values.times import Clock, clock_for, present

NOT_POSITIVE = "weight not positive"
TOO_HEAVY = f"a weight above {MAX_WEIGHT:g}"
NO_NUMBER = "a weight that is no number"
NO_TIME = "a time that can't be read"
NO_DATE = "a time outside the years 1 to 9999"
LONG_ID = f"an id longer than {MAX_ID_BYTES} bytes"
FUTURE = IN_FUTURE
ZERO_TIME = "a time of 0 where others are dates"
STRAY_TIME = "a time decades before the others"
UNKNOWN_EVENT = "event without a weight"
_NAMES = {
    role: [*KNOWN_NAMES[role], *(f"{name[:-2]}_id" for name in KNOWN_NAMES[role] if name.endswith("id"))] for role in ("user", "item")
}
AHEAD_S = 86_400  # a clock elsewhere may be ahead by a time zone


@dataclass(slots=True)
class Converter:
    """Converts the batches of a source. `columns` names its columns for messages."""

    source: SourceSettings
    columns: dict[str, str]
    clock: Clock | None
    """None: not known yet."""
    problems: Problems
    ids: IdTypes
    named: bool = True
    """Whether `columns` are names that the table has, which may stand in it again."""
    now: float = field(default_factory=time.time)

    def convert(self, batch: Batch, where: str) -> pl.DataFrame:
        """user, item (integers or texts), weight and, where the table has them, time (epoch seconds): only rows that can be used."""
        batch = replace(batch, frame=batch.frame.with_columns(coded(batch.frame[role]) for role in ("user", "item")))
        sieve = RowFilter(batch, self.problems, where, self.columns)
        sieve.drop_no_rows(named=self.named, known=_NAMES)
        made = [self._ids("user", sieve), self._ids("item", sieve), self._weights(sieve)]
        if "time" in batch.frame.columns:
            made.append(self._times(sieve))
        if self.source.target:
            made.append(self._events(sieve))
        frame = pl.DataFrame(made)
        return frame if sieve.kept is None else frame.filter(sieve.kept)

    def _ids(self, role: str, sieve: RowFilter) -> pl.Series:
        ids = self.ids.read(role, sieve, self.source.missing_values)
        if is_text(ids) and any_value(ids, _is_long):
            sieve.drop(LONG_ID, by_value(ids, _is_long).fill_null(False), role, broken=True)
        sieve.drop_missing(ids, role)
        return ids

    def _weights(self, sieve: RowFilter) -> pl.Series:
        raw = sieve.batch.frame
        if self.source.event_weights and "event" in raw.columns:
            return self._in_range(self._of_events(raw["event"].cast(pl.String), sieve), "event", sieve)
        if "weight" not in raw.columns:
            return pl.repeat(1.0, raw.height, dtype=pl.Float64, eager=True).alias("weight")
        weight = raw["weight"]
        if weight.dtype == pl.String:
            text = weight.str.strip_chars()
            weight = (_with_points(text) if self.source.decimal == "," else text).cast(pl.Float64, strict=False)
            sieve.drop(NO_NUMBER, self._present(text) & weight.is_null(), "weight", broken=True)
        else:
            weight = weight.cast(pl.Float64)
        return self._in_range(weight, "weight", sieve)

    def _in_range(self, weight: pl.Series, role: str, sieve: RowFilter) -> pl.Series:
        """Finite weights as float32, of 0 or less where that is a dislike. `role`: the column that they come from."""
        lowest, highest = _ends(weight)
        if np.isnan(lowest):
            weight = weight.set(weight.is_nan(), None)
            lowest, highest = _ends(weight)
        sieve.drop_missing(weight, role)
        if highest > MAX_WEIGHT:
            heavy = (weight > MAX_WEIGHT).fill_null(False)
            sieve.drop(TOO_HEAVY, heavy, role, broken=True)
            weight = weight.set(heavy, 1.0)
        in_float32 = weight.cast(pl.Float32)
        if not np.float32(np.clip(lowest, -1, 1)) > 0:  # as float32 has it, in which the least numbers are 0
            disliked = ((weight <= 0) & weight.is_finite()).fill_null(False)
            if self.source.negative == "drop":
                disliked &= False
            sieve.drop(NOT_POSITIVE, ~(in_float32 > 0).fill_null(False) & ~disliked, role)
            sieve.point_out(NOT_LIKED, disliked, role)
            in_float32 = in_float32.clip(lower_bound=-MAX_WEIGHT)
        return in_float32

    def _of_events(self, events: pl.Series, sieve: RowFilter) -> pl.Series:
        known = self.source.weights_by_event
        weights = events.str.strip_chars().replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.Float64)
        unknown = self._present(events) & weights.is_null()
        if unknown.any() and self.source.unknown_events == "error":
            name = events.filter(unknown)[0]
            raise DataError(f"{sieve.where}: event {name!r} has no weight; name it in --event-weights, or say --unknown-events drop")
        sieve.drop(UNKNOWN_EVENT, unknown, "event")
        return weights.alias("weight")

    def _events(self, sieve: RowFilter) -> pl.Series:
        """Types of events as texts."""
        events = sieve.batch.frame["event"].cast(pl.String).str.strip_chars()
        events = events.set(~self._present(events), None)
        sieve.drop_missing(events, "event")
        return events

    def _times(self, sieve: RowFilter) -> pl.Series:
        raw = sieve.batch.frame["time"]
        clock = self._clock_of(raw, sieve.where)
        if raw.dtype == pl.Float32:
            self.problems.note(f"column {self.columns['time']!r} holds floats of 32 bits, which round a time by up to a minute or two")
        if (none := clock.none_written(raw)) is not None:
            sieve.drop(ZERO_TIME, none.fill_null(False), "time")
        seconds = clock.seconds(raw)
        if raw.dtype == pl.String or not clock.numbers:
            present = self._present(raw.str.strip_chars()) if raw.dtype == pl.String else raw.is_not_null()
            sieve.drop(NO_TIME, present & seconds.is_null(), "time", broken=True)
        earliest, latest = _ends(seconds)
        if not (earliest >= TIMES[0] and latest <= TIMES[1]):
            if seconds.dtype.is_float():
                seconds = seconds.set(~seconds.is_finite(), None)
            outside = (~seconds.is_between(*TIMES)).fill_null(False)
            sieve.drop(NO_DATE, outside, "time", broken=True)
            seconds = seconds.set(outside, 0)
        sieve.drop_missing(seconds, "time")
        if (strays := clock.strays(seconds)) is not None:
            sieve.drop(STRAY_TIME, strays.fill_null(False), "time", broken=True)
        if self.source.future_times == "drop" and not latest <= self.now + AHEAD_S:
            sieve.drop(FUTURE, (seconds > self.now + AHEAD_S).fill_null(False), "time")
        return seconds.cast(pl.Int64).alias("time")

    def _clock_of(self, raw: pl.Series, where: str) -> Clock:
        """The clock; where the sample had no times at all, it is chosen by the first batch that has some."""
        if self.clock is None and not present(raw, self.source).is_empty():
            self.use(clock_for(raw, self.source, where))
        return self.clock or Clock()

    def look_at_clock(self, sample: pl.Series, file: str) -> None:
        """Choose another clock for a file of several whose times the last one does not read as well."""
        sample, now = present(sample, self.source), self.clock
        if sample.is_empty() or (now and now.reads(sample)):
            return
        try:
            clock = clock_for(sample, self.source, file)
        except DataError:
            if now and not now.seconds(sample).null_count():
                return
            raise
        if now is None or clock.n_read(sample) > now.n_read(sample):
            self.use(clock, file)

    def use(self, clock: Clock | None, file: str = "") -> None:
        """Read times by `clock` from now on, and say so. `file`: the one of several that it is for."""
        if clock is not None and clock.words not in self.problems.clocks:
            self.problems.clocks.append(clock.words)
            if clock.note:
                self.problems.note(Note(f"{file}: {clock.note}" if file and self.clock else clock.note, clock.kind))
        self.clock = clock

    def _present(self, text: pl.Series) -> pl.Series:
        return text.is_not_null() & ~text.is_in(["", *self.source.missing_values]).fill_null(True)


def _with_points(texts: pl.Series) -> pl.Series:
    """Numbers of decimal commas: a point in them parts thousands, as in 1.234,5, or they are none."""
    if texts.str.contains(".", literal=True).any():
        whole = texts.str.replace_all(".", "", literal=True)
        texts = whole.zip_with(texts.str.contains(r"^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$"), texts.set(texts.str.contains(".", literal=True), ""))
    return texts.str.replace(",", ".", literal=True)


def _is_long(ids: pl.Series) -> pl.Series:
    return ids.str.len_bytes() > MAX_ID_BYTES


def _ends(values: pl.Series) -> tuple[float, float]:
    """The least and the greatest value; NaN where there is one, or none at all. Nulls count as nothing."""
    array = values.drop_nulls().to_numpy() if values.null_count() else values.to_numpy()
    return (float(array.min()), float(array.max())) if array.size else (np.nan, np.nan)
