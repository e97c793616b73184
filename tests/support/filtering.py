"""Filters and items for tests, and a filter in plain Python over whole rows, which shares nothing with the API's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from hypothesis import strategies as st

WORDS = ["Drama", "Crime", "Été", "it's", 'the "best"', "zz", "a", ""]
COLUMNS = ("categories", "price", "stock", "brand", "new", "on sale")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """The text of a filter, and what it means of a row."""

    text: str
    means: Any


def quoted(text: str, mark: str) -> str:
    return mark + text.replace(mark, mark * 2) + mark


def spelled(value: Any, mark: str) -> str:
    return quoted(value, mark) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)


@st.composite
def comparisons(draw: st.DrawFn) -> Asked:
    name, kind = draw(st.sampled_from(list(KINDS.items())))
    values = st.lists(KIND_VALUES[kind], min_size=1, max_size=3)
    mark = draw(st.sampled_from("'\""))
    column = f"`{name}`" if " " in name or draw(st.booleans()) else name
    ordered = kind in ("number", "text")
    sign = draw(st.sampled_from(["=", "!=", "in", "not in", *(["<", "<=", ">", ">="] if ordered else [])]))
    if sign.endswith("in"):
        wanted = draw(values)
        text = f"{column} {sign} ({', '.join(spelled(value, mark) for value in wanted)})"
        return Asked(text, lambda row: has_any(row.get(name), wanted) == (sign == "in"))
    value = draw(KIND_VALUES[kind])
    return Asked(f"{column} {sign} {spelled(value, mark)}", lambda row: compares(row.get(name), sign, value))


def has_any(held: Any, wanted: list[Any]) -> bool:
    return any(one in wanted for one in held) if isinstance(held, list) else held is not None and held in wanted


def compares(held: Any, sign: str, value: Any) -> bool:
    if sign in ("=", "!="):
        return has_any(held, [value]) == (sign == "=")
    if held is None:
        return False
    left, right = (held.encode(), value.encode()) if isinstance(held, str) else (held, value)
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign])


def not_(one: Asked) -> Asked:
    return Asked(f"not ({one.text})", lambda row: not one.means(row))


def all_of(several: Sequence[Asked]) -> Asked:
    return Asked(" AND ".join(f"({one.text})" for one in several), lambda row: all(one.means(row) for one in several))


def any_of(several: Sequence[Asked]) -> Asked:
    return Asked(" or ".join(f"({one.text})" for one in several), lambda row: any(one.means(row) for one in several))


def with_pairs(several: Sequence[Asked]) -> list[Asked]:
    """Them, and each two of them joined: many filters for the price of drawing a few."""
    pairs = list(combinations(several, 2))
    return [*several, *map(not_, several), *map(all_of, pairs), *map(any_of, pairs)]


def _joined(children: st.SearchStrategy[Asked]) -> st.SearchStrategy[Asked]:
    several = st.lists(children, min_size=2, max_size=4)
    return st.one_of(
        children.map(not_), children.map(lambda one: Asked(f"({one.text})", one.means)), several.map(all_of), several.map(any_of)
    )


KINDS = {"categories": "texts", "price": "number", "stock": "number", "brand": "text", "new": "flag", "on sale": "flag"}
KIND_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "texts": st.sampled_from(WORDS),
    "text": st.sampled_from([*WORDS, "b", "Drame"]),
    "number": st.one_of(st.integers(-130, 130), st.integers(-(2**63), 2**63 - 1), st.floats(-130, 130, allow_subnormal=False)),
    "flag": st.booleans(),
}
# A filter has at most 1,000 characters, also where two are joined.
FILTERS = st.recursive(comparisons(), _joined, max_leaves=6).filter(lambda one: len(one.text) <= 490)


@st.composite
def rows(draw: st.DrawFn, n: int = 12) -> list[Row]:
    """Items 1 to n. The prices are of one kind, as a column's are: all narrow, all wide, or with fractions."""
    prices = draw(
        st.sampled_from([st.integers(-128, 127), st.integers(-(2**63) + 1, 2**63 - 1), st.floats(-130, 130, allow_subnormal=False)])
    )
    maybe = {
        "price": st.none() | prices,
        "stock": st.none() | st.integers(0, 3),
        "brand": st.none() | st.sampled_from([word for word in WORDS if word]),
        "new": st.none() | st.booleans(),
        "on sale": st.none() | st.booleans(),
        "categories": st.lists(st.sampled_from([word for word in WORDS if word]), max_size=3, unique=True),
    }
    return [{name: draw(strategy) for name, strategy in maybe.items()} for _ in range(n)]
