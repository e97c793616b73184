"""Times as epoch seconds: what unit numbers are in, what format texts have. Found out once from a sample, and said."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from contract.settings.source import TimeUnit
from trainer.rows.doubt import MIXED_ZONES
from trainer.rows.notes import Kind
from trainer.rows.problems import shortened
from trainer.sources.values.number_times import (
    COUNTS,
    DIGITS,
    YEAR_2100,
    digits,
    digits_format,
    is_digits,
    padded,
    refuse_days_first,
    refuse_far,
    unit_of,
)
from trainer.sources.values.time_formats import FORMATS, YEAR_1000, other_order, parsed, refuse_years_first

SAMPLE = 2000  # values, of those that are not empty
_GOOD = 0.5  # part of a sample that a format must read to be the one
_MODERN = 0.25  # part of a sample that tells of our days: the others are in another unit then, or none
_MODERN_AT_LEAST = 20
_NONE = ("0", "0.0", "-1", "-1.0", "00000000", "0000-00-00", "0000-00-00 00:00:00")  # what programs write where there is no time
_UTC = r"(Z|[+-]00:?00|UTC|GMT)$"
_1980 = 315_532_800
_1973 = 100_000_000
_1901 = -2_177_366_400  # databases begin at 1899-12-30 or 1900-01-01


@dataclass(frozen=True, slots=True)
class Clock:
    """How to read a column of times: in a unit, or by the formats of texts, best first.

    `note`: what was found out. `words`: the same for the gate, which compares it. `modern`: many times are of 1980 or later, so
    that one of 1970 is none. `kind`: of the note.
    """

    unit: TimeUnit = "s"
    formats: tuple[str, ...] = ()
    note: str = ""
    words: str = COUNTS["s"].words
    modern: bool = False
    kind: Kind = ""

    @property
    def numbers(self) -> bool:
        return not self.formats

    def seconds(self, times: pl.Series) -> pl.Series:
        """Epoch seconds, Float64 or Int64; null for what is no time."""
        if times.dtype == pl.Date or isinstance(times.dtype, pl.Datetime):
            return times.dt.epoch("s")
        if times.dtype == pl.Null:
            return times.cast(pl.Int64)
        if self.numbers:
            texts = times.dtype == pl.String
            return COUNTS[self.unit].to_seconds(times.str.strip_chars().cast(pl.Float64, strict=False) if texts else times)
        whole = is_digits(self.formats[0])
        left = padded(digits(times), self.formats[0]) if whole or times.dtype != pl.String else times.str.strip_chars()
        if whole and self.formats[0] in DIGITS:
            left = left.set(left.str.len_bytes() != DIGITS[self.formats[0]][0], None)
        read = pl.Series(times.name, [None], dtype=pl.Int64).new_from_index(0, times.len())
        for form in self.formats:
            read = read.zip_with(read.is_not_null(), parsed(left, form))
            if read.null_count() == times.null_count():
                break
        return read

    def none_written(self, times: pl.Series) -> pl.Series | None:
        """Which values are a 0 that stands for no time, or None where 0 may be a time."""
        if not self.modern or times.dtype in (pl.Null, pl.Date) or isinstance(times.dtype, pl.Datetime):
            return None
        return times.str.strip_chars().is_in(_NONE) if times.dtype == pl.String else times.cast(pl.Float64).is_in([0.0, -1.0])

    def strays(self, seconds: pl.Series) -> pl.Series | None:
        """Which times are decades before the others: in another unit, or the first day that a database knows. None: no telling."""
        if not self.modern:
            return None
        if self.numbers and self.unit in ("s", "ms", "us", "ns"):
            return seconds < _1973
        return (seconds < _1901) | (seconds == 0)

    def reads(self, sample: pl.Series) -> bool:
        """Whether every value of a sample is a time by this clock, and none astray."""
        return self.n_read(sample) == len(sample)

    def n_read(self, sample: pl.Series) -> int:
        seconds = self.seconds(sample)
        good = seconds.is_between(YEAR_1000, YEAR_2100).fill_null(False)
        strays = self.strays(seconds)
        return int((good if strays is None else good & ~strays.fill_null(False)).sum())


def present(times: pl.Series, source: SourceSettings) -> pl.Series:
    """The first values that are not empty, by which a clock is chosen."""
    values = times.drop_nulls()
    if values.dtype == pl.String:
        values = values.filter(~values.str.strip_chars().is_in(["", *source.missing_values]))
    elif values.dtype.is_float():
        values = values.filter(values.is_finite())
    return values.head(SAMPLE)


def clock_for(sample: pl.Series, source: SourceSettings, where: str) -> Clock:
    """What the settings say, or what fits most of the sample. Raises DataError where nothing fits, and where two readings do."""
    values = present(sample, source)
    if values.dtype == pl.Date or isinstance(values.dtype, pl.Datetime):
        zone = getattr(values.dtype, "time_zone", None)
        note = "" if zone or values.dtype == pl.Date else "times without a zone are taken as UTC"
        return _whole(Clock(formats=("%+",), note=note, words="dates with the year first"), values)
    if source.time_format:
        note = f"times have the format {source.time_format!r}"
        return _whole(Clock(formats=(source.time_format,), note=note, words=_order(source.time_format)), values)
    numbers = values.str.strip_chars().cast(pl.Float64, strict=False) if values.dtype == pl.String else values.cast(pl.Float64)
    if values.is_empty() or numbers.null_count() < len(values) * (1 - _GOOD) or source.time_unit != "auto":
        return _whole(_of_numbers(numbers.drop_nulls(), source, where), values)
    return _whole(_of_texts(values.str.strip_chars(), where), values)


def _whole(clock: Clock, sample: pl.Series) -> Clock:
    """The clock, which now knows whether it reads times of our days."""
    seconds = clock.seconds(sample)
    if (none := Clock(modern=True).none_written(sample)) is not None:
        seconds = seconds.filter(~none)
    n_modern = (seconds >= _1980).sum()
    return replace(clock, modern=n_modern > min(_GOOD * len(seconds), max(_MODERN * len(seconds), _MODERN_AT_LEAST)))


def _of_numbers(numbers: pl.Series, source: SourceSettings, where: str) -> Clock:
    finite = numbers.filter(numbers.is_finite() & (numbers != 0) & (numbers != -1))
    if source.time_unit != "auto":
        unit = source.time_unit
    elif form := digits_format(finite):
        example = f"dates such as {DIGITS[form][1]}"
        return Clock(formats=(form,), note=f"times are {example}", words=example)
    else:
        refuse_days_first(finite, where)
        unit = unit_of(finite, where)
        refuse_far(finite, unit, where)
    words = COUNTS[unit].words
    return Clock(unit, note="" if unit == "s" else f"times are in {words}", words=words)


def _of_texts(texts: pl.Series, where: str) -> Clock:
    read = {form: len(texts) - parsed(texts, form).null_count() for form in FORMATS}
    best = max(read.values())
    if best < len(texts) * _GOOD:
        raise DataError(
            f"{where}: times such as {shortened(texts[0])!r} have no format that is known; name it with --time-format, "
            "as in %d/%m/%Y %H:%M, or leave times out with --time-column ''"
        )
    formats = [form for form, n in read.items() if n == best]
    first = formats[0]
    twin = other_order(first)
    if twin in formats and parsed(texts, first).to_list() != parsed(texts, twin).to_list():
        raise DataError(f"{where}: times such as {shortened(texts[0])!r} may be {first} or {twin}; say which with --time-format")
    refuse_years_first(texts, first, where)
    others = sorted((form for form, n in read.items() if n and form not in (first, twin)), key=lambda form: -read[form])
    zone = "" if _says_zone(first) else ", taken as UTC"
    more = _beside(texts.filter(parsed(texts, first).is_null()), others, where) if best < len(texts) else ""
    with_zone = texts.filter(parsed(texts, next(filter(_says_zone, (first, *others)), first)).is_not_null())
    mixed = bool(more) and len({_says_zone(form) for form in (first, *others)}) > 1 and not with_zone.str.contains(_UTC).all()
    note = f"times have the format {first!r}{zone}{more}{f'; {MIXED_ZONES}' if mixed else ''}"
    return Clock(formats=(first, *others), note=note, words=_order(first), kind="zones" if mixed else "")


def _beside(texts: pl.Series, forms: list[str], where: str) -> str:
    """What is said of texts that the first format does not read. Raises DataError where day and month can't be told apart in them."""
    read = {form: len(texts) - parsed(texts, form).null_count() for form in forms}
    best = max(read.values(), default=0)
    if not best:
        return ""
    form = next(form for form, n in read.items() if n == best)
    twin = other_order(form)
    if read.get(twin) == best and twin != form and parsed(texts, form).to_list() != parsed(texts, twin).to_list():
        raise DataError(f"{where}: times such as {shortened(texts[0])!r}, beside others, may be {form} or {twin}; write all in one format")
    return f"; {best:,} of the first {SAMPLE:,} have {form!r}{'' if _says_zone(form) else ', taken as UTC'}"


def _order(form: str) -> str:
    """A format in words, by what is lost when two are mixed up: which of year, month and day comes first."""
    if form in DIGITS:
        return f"dates such as {DIGITS[form][1]}"
    names = {"%Y": "year", "%y": "year", "%m": "month", "%b": "month", "%B": "month", "%d": "day"}
    first = min((letter for letter in names if letter in form), key=form.index, default="")
    return f"dates with the {names[first]} first" if first else f"the format {form!r}"


def _says_zone(form: str) -> bool:
    return any(zone in form for zone in ("z", "UTC", "GMT"))
