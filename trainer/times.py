"""Times as epoch seconds: what unit numbers are in, what format texts have. Found out once from a sample, and said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from contract.errors import DataError
from contract.settings import SourceSettings

Unit = Literal["s", "ms", "us", "ns"]
UNITS: dict[Unit, int] = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_LONGEST: dict[Unit, float] = {"s": 1e11, "ms": 1e14, "us": 1e17}  # beyond it (the year 5138) a number is in the next smaller unit
_DAY_NUMBERS = (19_000_101, 21_001_231)  # 20240131: a date written as one number
_EPOCH_S = 6e7  # a median beyond it, 1971, tells seconds from day numbers
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%Y%m%d")
CLOCKS = ("%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
FORMATS = (
    *("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f %#z", "%Y-%m-%d %H:%M:%S%.f UTC"),
    *("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M%#z"),
    *DATES,
    *(f"{date} {clock}" for date in DATES for clock in CLOCKS),
    *("%m %d, %Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%Y %b %d"),
    *("%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %z %Y", "%d/%b/%Y:%H:%M:%S %z"),
)
_YEAR_1000 = -30_610_224_000  # before it, %Y has read a year of two digits
_GOOD = 0.5  # part of a sample that a format must read to be the one


@dataclass(frozen=True, slots=True)
class Clock:
    """How to read a column of times: `divisor` of numbers, or `formats` of texts, best first. `note`: what was found out."""

    divisor: int = 1
    formats: tuple[str, ...] = ()
    note: str = ""

    @property
    def numbers(self) -> bool:
        return not self.formats

    def seconds(self, times: pl.Series) -> pl.Series:
        """Epoch seconds, Float64 or Int64; null for what is no time."""
        if times.dtype == pl.Date or isinstance(times.dtype, pl.Datetime):
            return times.dt.epoch("s")
        if times.dtype != pl.String:
            return self._from_numbers(times)
        if self.numbers:
            return self._from_numbers(times.str.strip_chars().cast(pl.Float64, strict=False))
        left, read = times.str.strip_chars(), pl.Series(times.name, [None], dtype=pl.Int64).new_from_index(0, times.len())
        for form in self.formats:
            read = read.zip_with(read.is_not_null(), _parsed(left, form))
            if read.null_count() == times.null_count():
                break
        return read

    def _from_numbers(self, times: pl.Series) -> pl.Series:
        if self.divisor == 1:
            return times
        return times // self.divisor if times.dtype.is_integer() else times.cast(pl.Float64) / self.divisor


def clock_for(sample: pl.Series, source: SourceSettings, where: str) -> Clock:
    """What the settings say, or what fits most of the sample. Raises DataError where nothing fits, and where two readings do."""
    values = sample.drop_nulls()
    if values.dtype == pl.Date or isinstance(values.dtype, pl.Datetime):
        zone = getattr(values.dtype, "time_zone", None)
        return Clock(note="" if zone or values.dtype == pl.Date else "times without a zone are taken as UTC")
    if source.time_format:
        return Clock(formats=(source.time_format,), note=f"times have the format {source.time_format!r}")
    if values.dtype != pl.String:
        return _of_numbers(values.cast(pl.Float64), source)
    texts = values.filter(~values.str.strip_chars().is_in(["", *source.missing_values])).str.strip_chars()
    numbers = texts.cast(pl.Float64, strict=False)
    if texts.is_empty() or numbers.null_count() < texts.len() * (1 - _GOOD) or source.time_unit != "auto":
        return _of_numbers(numbers.drop_nulls(), source, texts=True)
    return _of_texts(texts, where)


def _of_numbers(numbers: pl.Series, source: SourceSettings, *, texts: bool = False) -> Clock:
    finite = numbers.filter(numbers.is_finite())
    size = float(np.median(np.abs(finite.to_numpy()))) if len(finite) else 0.0
    if source.time_unit != "auto":
        unit: Unit = source.time_unit
    elif texts and len(finite) and finite.is_between(*_DAY_NUMBERS).all() and size < _EPOCH_S and _all_parsed(finite):
        return Clock(formats=("%Y%m%d",), note="times are dates such as 20240131")
    else:
        unit = next((unit for unit, most in _LONGEST.items() if size < most), "ns")
    return Clock(divisor=UNITS[unit], note="" if unit == "s" else f"times are in {unit} since 1970")


def _all_parsed(numbers: pl.Series) -> bool:
    return _parsed(numbers.cast(pl.Int64).cast(pl.String), "%Y%m%d").null_count() == 0


def _of_texts(texts: pl.Series, where: str) -> Clock:
    read = {form: len(texts) - _parsed(texts, form).null_count() for form in FORMATS}
    best = max(read.values())
    if best < len(texts) * _GOOD:
        raise DataError(
            f"{where}: times such as {texts[0]!r} have no format that is known; name it with --time-format, as in %d/%m/%Y %H:%M, "
            "or leave times out with --time-column ''"
        )
    formats = [form for form, n in read.items() if n == best]
    first = formats[0]
    twin = _other_order(first)
    if twin in formats and _parsed(texts, first).to_list() != _parsed(texts, twin).to_list():
        raise DataError(f"{where}: times such as {texts[0]!r} may be {first} or {twin}; say which with --time-format")
    others = sorted((form for form, n in read.items() if n and form not in (first, twin)), key=lambda form: -read[form])
    zone = "" if "z" in first or "UTC" in first else ", taken as UTC"
    return Clock(formats=(first, *others), note=f"times have the format {first!r}{zone}")


def _other_order(form: str) -> str:
    """The format with day and month exchanged."""
    return form.replace("%m", "%0").replace("%d", "%m").replace("%0", "%d")


def _parsed(texts: pl.Series, form: str) -> pl.Series:
    if "%H" in form or "%I" in form:
        seconds = texts.str.to_datetime(form, strict=False, time_unit="us").dt.epoch("s")
    else:
        seconds = texts.str.to_date(form, strict=False).dt.epoch("s")
    return seconds.set(seconds < _YEAR_1000, None)
