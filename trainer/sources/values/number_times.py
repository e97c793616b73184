"""Times that are numbers: counted in some unit since some day, or dates whose digits follow each other (20240131)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from contract.errors import DataError
from contract.settings.source import TimeUnit
from trainer.sources.values.time_formats import parsed


@dataclass(frozen=True, slots=True)
class Count:
    """`per_s`: units in a second; `seconds` of one unit where it is longer; `origin`: its zero, in epoch seconds."""

    words: str
    per_s: int = 1
    seconds: int = 1
    origin: int = 0

    def to_seconds(self, numbers: pl.Series) -> pl.Series:
        """Epoch seconds; Int64 where the numbers are integers, else Float64."""
        if self.seconds != 1:
            return (numbers.cast(pl.Float64) * self.seconds).round() + self.origin
        if self.per_s == 1:
            return numbers + self.origin if self.origin else numbers
        whole = numbers // self.per_s if numbers.dtype.is_integer() else numbers.cast(pl.Float64) / self.per_s
        return whole + self.origin if self.origin else whole


COUNTS: dict[TimeUnit, Count] = {
    "s": Count("seconds since 1970"),
    "ms": Count("ms since 1970", 1_000),
    "us": Count("us since 1970", 1_000_000),
    "ns": Count("ns since 1970", 1_000_000_000),
    "days": Count("days since 1970", seconds=86_400),
    "excel": Count("days of a spreadsheet, since 1899-12-30", seconds=86_400, origin=-2_209_161_600),
    "julian": Count("Julian days", seconds=86_400, origin=-210_866_760_000),
    "ticks": Count(".NET ticks, 100 ns since the year 1", 10_000_000, origin=-62_135_596_800),
    "filetime": Count("Windows file times, 100 ns since 1601", 10_000_000, origin=-11_644_473_600),
    "apple": Count("seconds since 2001", origin=978_307_200),
}
_LONGEST: dict[TimeUnit, float] = {"s": 1e11, "ms": 1e14, "us": 1e17}  # beyond it (the year 5138) a number is in the next smaller unit
_ASKED: dict[TimeUnit, tuple[float, float, TimeUnit]] = {
    # Between these (1980 to 2069, or what is served as days: to 2028) a number may as well be in the unit that its size suggests.
    "excel": (29_219, 62_093, "s"),
    "days": (14_610, 21_550, "s"),
    "julian": (2_444_239, 2_476_000, "s"),
    "ticks": (6.245e17, 6.54e17, "ns"),
    "filetime": (1.197e17, 1.48e17, "ns"),
}
YEAR_2100 = 4_102_444_800
_NEARLY_ALL = 0.9
_MOST = 0.5
DIGITS: dict[str, tuple[int, str]] = {
    # format → digits, example; the first year must be 1900 to 2100
    "%Y%m%d": (8, "20240131"),
    "%Y%m%d%H%M%S": (14, "20240131235900"),
    "%Y%m%d%H%M": (12, "202401312359"),
    "%Y%m%d%H": (10, "2024013123"),
    "%Y%j": (7, "2024031"),
    "%Y%m": (6, "202401"),
    "%Y": (4, "2024"),
}
_NEEDED = {"%Y%m": _NEARLY_ALL, "%Y": _NEARLY_ALL}  # part of the numbers; chance makes few dates of eight digits, and many years
DAYS_FIRST = ("%d%m%Y", "%m%d%Y")
_COUNTER = 4096  # ids of one ms, of those that hold a time
_FEW = 4  # numbers, of which chance makes such ends now and then
_FIRST = 256  # of them: to so many floats of 64 bits round, and few ids have a higher count
_YEARS = "^(19|20)[0-9]{2}|^2100"


def unit_of(numbers: pl.Series, where: str) -> TimeUnit:
    """The unit by the size of most numbers. Raises DataError where two are as likely. `numbers` are finite, and not 0."""
    size = float(np.median(np.abs(numbers.to_numpy()))) if len(numbers) else 0.0
    for unit, (low, high, other) in _ASKED.items():
        if low <= size <= high and numbers.is_between(low, high).mean() >= _NEARLY_ALL:  # type: ignore[operator]
            raise DataError(
                f"{where}: times such as {shown(numbers[0])} may be {COUNTS[unit].words}, or {COUNTS[other].words}; "
                f"say which with --time-unit {unit} or --time-unit {other}"
            )
    by_size: TimeUnit = next((unit for unit, most in _LONGEST.items() if size < most), "ns")
    if by_size == "ns" and _are_snowflakes(numbers):
        raise DataError(
            f"{where}: times such as {shown(numbers[0])} may be ids in which a time stands, as of posts (snowflakes), or "
            f"{COUNTS['ns'].words}; name another column of times, say --time-unit ns, or leave times out with --time-column ''"
        )
    return by_size


def _are_snowflakes(numbers: pl.Series) -> bool:
    """Whether most numbers end as ids do whose last 12 bits count from 0 in each ms (X, Discord); of ns, one in 16 does."""
    whole = numbers.cast(pl.Int64, strict=False).drop_nulls()
    first, seconds = whole % _COUNTER < _FIRST, whole % COUNTS["ns"].per_s == 0
    return len(whole) >= _FEW and 2 * seconds.sum() < len(whole) and first.sum() > _NEARLY_ALL * len(whole)


def digits_format(numbers: pl.Series) -> str:
    """The format by which most numbers are dates, or "". `numbers` are finite, and not 0."""
    texts = digits(numbers).drop_nulls()
    for form, (length, _) in DIGITS.items():
        like = texts.filter((texts.str.len_bytes() == length) & texts.str.contains(_YEARS))
        enough = _NEEDED.get(form, _MOST) * len(numbers)
        if len(like) > enough and len(like) - parsed(like, form).null_count() > enough:
            return form
    return ""


def digits(times: pl.Series) -> pl.Series:
    """Whole numbers as texts without a point: 20240131.0, from a column with holes, is 20240131."""
    if times.dtype == pl.String:
        return times.str.strip_chars().str.replace(r"^(\d+)\.0+$", "$1")
    whole = times if times.dtype.is_integer() else times.set(~times.is_finite() | (times != times.floor()), None)
    return whole.cast(pl.Int64, strict=False).cast(pl.String)


def padded(texts: pl.Series, form: str) -> pl.Series:
    """With the zeros that numbers lose where a format does not begin with %Y: of %d%m%Y, 5012024 is 05012024."""
    width = 0 if form.startswith("%Y") else sum({"Y": 4, "j": 3}.get(letter, 2) for letter in form.replace("%", ""))
    return texts.str.zfill(width) if width else texts


def refuse_days_first(numbers: pl.Series, where: str) -> None:
    """Raises DataError where most numbers are dates that end with a year: nothing else tells them from seconds, or day from month."""
    texts = digits(numbers).drop_nulls().str.zfill(8)
    like = texts.filter((texts.str.len_bytes() == 8) & texts.str.contains(r"(19[89]|20[0-6])[0-9]$"))
    fitting = [form for form in DAYS_FIRST if len(like) - parsed(like, form).null_count() > _NEARLY_ALL * len(numbers)]
    if fitting:
        options = " or ".join(f"--time-format {form}" for form in fitting)
        raise DataError(f"{where}: times such as {shown(numbers[0])} may be dates, or seconds since 1970; say {options}, or --time-unit s")


def refuse_far(numbers: pl.Series, unit: TimeUnit, where: str) -> None:
    """Raises DataError where most numbers would be centuries ahead: they are in a unit that nothing tells."""
    seconds = COUNTS[unit].to_seconds(numbers)
    if 2 * int((seconds > YEAR_2100).sum()) > len(seconds):
        raise DataError(
            f"{where}: times such as {shown(numbers[0])} would be after the year 2100 as {COUNTS[unit].words}, and are no dates that are "
            "known; name their unit with --time-unit, or leave times out with --time-column ''"
        )


def shown(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else f"{number:.15g}"


def is_digits(form: str) -> bool:
    """Whether texts of the format are digits alone."""
    return not re.sub(r"%[YmdHMSyj]", "", form)
