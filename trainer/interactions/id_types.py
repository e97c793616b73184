"""Whether the ids of a column are integers or texts: decided by most of them, once all are there. What does not fit is dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from contract.errors import DataError
from contract.settings.source import IdSetting
from trainer.interactions.external_ids import infer_id_type
from trainer.rows.distinct import by_value, categories, coded, is_text
from trainer.rows.problems import SHOWN, Problems, shortened
from trainer.rows.row_filter import RowFilter

ODD_ID = "an id that is not a whole number of 64 bits where the others are"
MOSTLY = 0.99  # part of a column's ids that makes them integers
REMARKED = 0.1  # part of integers from which texts are worth a word
REFUSED = 0.5  # part of fractions among numbers that makes a column no ids
SPACES = " \t\r\n\x0b\x0c\ufeff"
_EXACT, _EXACT_32 = 2.0**53, 2.0**24  # a float above it, of 64 or of 32 bits, may be another integer than was meant


@dataclass(slots=True)
class IdTypes:
    """The ids of both roles as they come. `asked`: auto, integer or text for each role."""

    problems: Problems = field(default_factory=Problems)
    columns: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, IdSetting] = field(default_factory=dict)
    trimmed: Counter[str] = field(default_factory=Counter)
    odd: dict[str, list[tuple[str, int, str]]] = field(default_factory=dict)
    """The first ids that are no integers: file, line and value."""

    def read(self, role: str, sieve: RowFilter, missing: list[str]) -> pl.Series:
        """The ids of a batch, Int64 where all are integers, else texts; without spaces around them, null where there is none."""
        ids = sieve.batch.frame[role]
        if isinstance(ids.dtype, pl.Decimal) and (exact := _of_decimals(ids)) is not None:
            ids = exact
        elif ids.dtype.is_float() or isinstance(ids.dtype, pl.Decimal):
            ids = self._of_floats(role, ids, sieve.where)
        ids = infer_id_type(ids)
        if ids.dtype == pl.Int64:
            return ids
        some = ids if (every := categories(ids)) is None else every
        text = some.str.strip_chars(SPACES)
        if ((text.str.len_bytes() != some.str.len_bytes()) | text.is_in(["", *missing])).any():
            text = by_value(ids, lambda texts: texts.str.strip_chars(SPACES))
            trimmed = text.str.len_bytes() != by_value(ids, lambda texts: texts.str.len_bytes())
            self.trimmed[role] += int((trimmed if sieve.kept is None else trimmed & sieve.kept).sum())
            ids = infer_id_type(coded(text.set(text.is_in(["", *missing]), None)))
        if is_text(ids) and (self._asked(role) == "integer" or len(self.odd.get(role, ())) < SHOWN):
            self._look(role, ids, sieve)
        return ids

    def _look(self, role: str, ids: pl.Series, sieve: RowFilter) -> None:
        odd = by_value(ids, lambda texts: texts.is_not_null() & as_integers(texts).is_null()).fill_null(False)
        if self._asked(role) == "integer":
            sieve.drop(ODD_ID, odd, role, broken=True)
            return
        rows = odd.arg_true()[:SHOWN].to_list()
        found = self.odd.setdefault(role, [])
        found += [(sieve.where, line, ids[row]) for row, line in zip(rows, sieve.batch.places(rows), strict=True)][: SHOWN - len(found)]

    def _of_floats(self, role: str, ids: pl.Series, where: str) -> pl.Series:
        exact = _EXACT_32 if ids.dtype == pl.Float32 else _EXACT
        ids = ids.cast(pl.Float64).fill_nan(None)
        whole = (ids == ids.floor()) & (ids.abs() <= exact)
        if (~whole).sum() > REFUSED * ids.len():
            odd = ids.filter(~whole)[0]
            why = ": floats so large are rounded, and different ids become one" if abs(odd) > exact else ""
            raise DataError(
                f"{where}: column {self.columns.get(role, role)!r} holds numbers such as {odd} where integers or texts are needed{why}"
            )
        if whole.any():
            self.problems.note(f"{role} ids are written as floats, as {ids.filter(whole)[0]} is: read as integers")
        integers = ids.set(~whole, None).cast(pl.Int64)
        return integers if whole.all() else integers.cast(pl.String).zip_with(whole | ids.is_null(), ids.cast(pl.String))

    def settle(self, role: str, parts: list[pl.Series]) -> list[pl.Series] | None:
        """Make the parts of one type. Where rows have to go for it, what is to be kept of each part; else None."""
        asked, where = self._asked(role), self.columns.get(role, role)
        if n := self.trimmed[role]:
            self.problems.note(f"spaces around {n:,} {role} ids (column {where!r}) are left out")
        if asked == "text":
            parts[:] = [part if is_text(part) else part.cast(pl.String) for part in parts]
            return None
        if all(part.dtype == pl.Int64 for part in parts):
            return None
        whole = [by_value(part, as_integers) if is_text(part) else part for part in parts]
        n_all, n_odd = sum(map(len, whole)), sum(part.null_count() for part in whole)
        few = n_odd <= (1 - MOSTLY) * n_all
        if asked == "auto" and (not few or _codes(parts, whole)):
            if _beyond(parts):
                self.problems.note(f"{role} ids are texts, since they are whole numbers of more than 64 bits")
            elif n_odd < (1 - REMARKED) * n_all:
                part = "most" if n_odd < n_all / 2 else f"{100 - 100 * n_odd / n_all:.0f} %"
                self.problems.note(
                    f"{role} ids are texts, though {part} are whole numbers{self._because(role)}; --{role}-id-type integer drops others"
                )
            return None
        floats = sum(int((was.cast(pl.String) != now.cast(pl.String)).sum()) for was, now in zip(parts, whole, strict=True) if is_text(was))
        if floats:
            self.problems.note(f"{floats:,} {role} ids are written as floats, as 5.0 is: read as integers")
        masks = [part.is_not_null() for part in whole]
        parts[:] = [part.drop_nulls() for part in whole]
        if not n_odd:
            return None
        examples = self.odd.get(role, [])[:n_odd]
        for file, line, value in examples:
            self.problems.add(ODD_ID, 1, file, where, [(line, value)])
        self.problems.dropped[ODD_ID] += n_odd - len(examples)
        self.problems.note(f"{role} ids are whole numbers but for {n_odd:,}, which are left out; --{role}-id-type text would keep them")
        return masks

    def _asked(self, role: str) -> IdSetting:
        return self.asked.get(role, "auto")

    def _because(self, role: str) -> str:
        if not (found := self.odd.get(role)):
            return ""
        _, line, value = found[0]
        return f": {f'line {line:,} has ' if line else 'as for '}{shortened(value)!r}"


def as_integers(text: pl.Series) -> pl.Series:
    """Int64 where a text is an integer in canonical form, or one with zeros behind a point, as 5.0; else null."""
    if text.str.contains(".0", literal=True).any():
        text = text.str.replace(r"^(-?\d+)\.0+$", "$1")
    numbers = text.cast(pl.Int64, strict=False)
    return numbers.set(numbers.cast(pl.String) != text, None)


def _of_decimals(ids: pl.Series) -> pl.Series | None:
    """Whole numbers exactly as they are, texts where they have more than 64 bits; None of fractions that floats hold as well."""
    integers = ids.cast(pl.Int64, strict=False)
    if getattr(ids.dtype, "scale", 0) == 0 and integers.null_count() == ids.null_count():
        return integers
    texts = ids.cast(pl.String).str.replace(r"\.0+$", "")
    return None if texts.str.contains(".", literal=True).any() or (ids.cast(pl.Float64).abs() <= _EXACT).all() else texts


def _beyond(parts: list[pl.Series]) -> bool:
    """Whether ids are integers beyond 64 bits, be it some of many."""
    texts = next((part for part in parts if is_text(part) and part.len()), pl.Series([""])).head(1000).cast(pl.String)
    large = texts.filter(texts.str.contains(r"^-?[1-9]\d{18,}$") & texts.cast(pl.Int64, strict=False).is_null())
    return len(large) > (1 - MOSTLY) * len(texts)


def _codes(parts: list[pl.Series], whole: list[pl.Series]) -> bool:
    """Whether the ids are codes of one width, some of which begin with 0: 00417 beside 31905."""
    texts = pl.concat([part.cast(pl.String) for part in parts if is_text(part)])
    padded = texts.filter(texts.str.contains(r"^0\d+$"))
    if padded.is_empty():
        return False
    integers = pl.concat([part.drop_nulls().cast(pl.String).str.len_bytes() for part in whole])
    return bool(len(integers)) and bool((integers == padded.str.len_bytes().max()).mean() >= MOSTLY)  # type: ignore[operator]
