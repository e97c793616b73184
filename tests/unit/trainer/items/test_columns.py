"""Columns for filters: types are found out where they are certain, and said where they are not."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import polars as pl
import pytest

from contract.errors import DataError, PayloadError
from contract.formats.columns import Column, decode_column, decode_rows, encode_column, hash_of
from contract.settings.settings import ModelSettings, Settings, SourceSettings
from trainer.items.columns import filter_columns
from trainer.items.items import cleaned
from trainer.items.revision import snapshot_of


def made(values: list[Any], kind: Any = None, ids: list[str] | None = None, missing: tuple[str, ...] = ("NA",)) -> Column:
    frame = pl.DataFrame({"item": ids or [str(at) for at in range(len(values))], "x": values})
    _, columns = filter_columns(cleaned(frame, "a test"), {"x": kind}, missing)
    return decode_column(columns["x"])


@pytest.mark.parametrize(
    ("values", "kind", "typecode", "held"),
    [
        ([1, None, 3], "number", "b", [1, -128, 3, -128]),
        ([1, -128], "number", "h", [1, -128, -(2**15)]),
        ([70000], "number", "i", [70000, -(2**31)]),
        ([2**62], "number", "q", [2**62, -(2**63)]),
        (["12", "-3", "", "NA", None], "number", "b", [12, -3, -128, -128, -128, -128]),
        (["4.50", "3"], "number", "d", [4.5, 3.0]),
        ([True, None, False], "flag", "b", [2, 0, 1, 0]),
        (["b", None, "a", "b"], "text", "H", [2, 0, 1, 2, 0]),
        (["007", "8"], "text", "H", [1, 2, 0]),
        (["1e5"], "text", "H", [1, 0]),
        (["true", "false"], "text", "H", [2, 1, 0]),
        ([dt.date(2024, 5, 1), dt.date(2023, 1, 2)], "text", "H", [2, 1, 0]),
        ([["b", "a"], [], ["b"]], "texts", "H", [2, 1, 2]),
        ([None, None], "text", "H", [0, 0, 0]),
    ],
)
def test_what_a_column_holds_is_found_out(values: list[Any], kind: str, typecode: str, held: list[Any]) -> None:
    found = made(values)
    assert (found.kind, found.values.typecode, found.values.tolist()[: len(held)]) == (kind, typecode, held)
    assert found.kind != "texts" or (found.starts is not None and found.starts.tolist() == [0, 2, 2, 3, 3])


def test_or_said() -> None:
    assert made(["12", "3"], "text").kind == "text"
    assert made(["007", " 1e5 "], "number").values.tolist()[:2] == [7.0, 1e5]
    assert made(["True", "false", ""], "flag").values.tolist() == [2, 1, 0, 0]
    with pytest.raises(DataError, match=r"column 'x' holds 1 value\(s\) that are not a number \('cheap' of item '1'\)"):
        made(["5", "cheap"], "number")
    with pytest.raises(DataError, match="holds String where lists of texts are needed"):
        made(["a"], "texts")
    with pytest.raises(DataError, match="are not true or false"):
        made(["yes"], "flag")


def test_a_column_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(DataError, match=r"no column 'prise' to filter by; it has .*Perhaps 'price'\? Correct LARDER_FILTER_COLUMNS"):
        filter_columns(cleaned(pl.DataFrame({"item": ["1"], "price": [1]}), "a test"), {"prise": None}, [])


@pytest.mark.parametrize(
    ("frame", "has"),
    [
        ({"item": ["1"], "price": [1]}, "it has 'price'. Perhaps 'price'? "),
        ({"item": ["1"], "genres": ["a|b"], "available": [1]}, "it has 'available', 'categories'. Perhaps "),
        ({"item": ["1"]}, "it has ids of items alone. Correct"),
    ],
)
def test_no_column_is_named_that_the_file_lacks(frame: dict[str, list[Any]], has: str) -> None:
    with pytest.raises(DataError, match=re.escape(has)):
        filter_columns(cleaned(pl.DataFrame(frame), "a test"), {"prise": None}, [])


@pytest.mark.parametrize("ids", [["30", "10", "-20"], ["b", "a", "10"]])
def test_items_are_found_by_their_ids_whatever_they_are(ids: list[str]) -> None:
    raw, columns = filter_columns(cleaned(pl.DataFrame({"item": ids, "x": [3, 1, 2]}), "a test"), {"x": None}, [])
    rows, column = decode_rows(raw), decode_column(columns["x"])
    assert [column.values[rows.of(item)] for item in ids] == [3, 1, 2]
    assert column.values[rows.of("10")] == column.values[rows.of(10)]
    assert [rows.of("nobody"), rows.of(11), rows.of(2**70), rows.of("010")] == [-1] * 4
    assert hash_of("a") != hash_of("b")


@pytest.mark.parametrize(
    "spoil", [lambda raw: raw[:-1], lambda raw: raw[:0], lambda raw: raw + b"x", lambda raw: raw.replace(b'"number"', b'"rows"')]
)
def test_damaged_bytes_are_refused(spoil: Any) -> None:
    raw = encode_column(made([1, 2]))
    assert decode_column(raw) == made([1, 2])
    with pytest.raises(PayloadError, match="damaged"):
        decode_column(spoil(raw))
    with pytest.raises(PayloadError, match="upgrade the API"):
        decode_column(raw.replace(b'"format": 1', b'"format": 9'))


def test_the_setting_names_columns_and_what_they_hold() -> None:
    found = SourceSettings(filter_columns="categories, price:number ,sku:text,")
    assert found.filter_kinds == {"categories": None, "price": "number", "sku": "text"}
    assert SourceSettings().filter_kinds == {}
    for bad in ("price:money", ":number", "a,a", ",".join(f"c{number}" for number in range(17))):
        with pytest.raises(ValueError, match="expected"):
            Settings(filter_columns=bad)


def test_a_stock_has_the_columns_of_the_items_that_the_source_brought() -> None:
    frame = pl.DataFrame({"item": ["1"], "title": ["One"]})
    assert snapshot_of(SourceSettings(), frame, ModelSettings()).columns == {}
    assert snapshot_of(SourceSettings(filter_columns="title"), frame, ModelSettings()).columns.keys() == {"", "title"}
    assert snapshot_of(SourceSettings(filter_columns="title"), None, ModelSettings()).columns == {}
