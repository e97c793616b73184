"""Files of items: what their columns mean, and what is wrong with them."""

from __future__ import annotations

import datetime
import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

from contract.errors import DataError
from contract.formats.manifest import IdType
from contract.settings.settings import ModelSettings, SourceSettings
from contract.store.item_revisions import MAX_UNAVAILABLE
from trainer.items.exclusions import excluded_ids, unavailable_ids
from trainer.items.file import read_items
from trainer.items.items import NOTHING, Items, cleaned
from trainer.items.revision import snapshot_of
from trainer.sources import load as sources


def read(path: Path, **fields: Any) -> Items:
    return read_items(str(path), SourceSettings(**fields))


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def metadata(items: Items) -> dict[str, Any]:
    return {item_id: json.loads(text) for item_id, text in items.rows()}


def refusal(path: Path, **fields: Any) -> str:
    with pytest.raises(DataError) as caught:
        list(read(path, **fields).rows())
    return str(caught.value)


def test_a_csv_with_all_that_has_a_meaning(tmp_path: Path) -> None:
    path = written(
        tmp_path / "items.csv",
        "itemID,title,categories,url,available,colour\n"
        '1,"Seven, or so",Crime | Thriller||Crime,https://shop/1,yes,red\n'
        "2,Žluť,,,No,\n"
        "054,,Drama,,0,\n"
        ",nobody,,,1,\n"
        "5,five,,,,\n"
        "5,five again,,,TRUE,\n",
    )
    items = read(path)
    assert metadata(items) == {
        "1": {"title": "Seven, or so", "categories": ["Crime", "Thriller"], "url": "https://shop/1", "colour": "red"},
        "2": {"title": "Žluť"},
        "054": {"categories": ["Drama"]},
        "5": {"title": "five again"},
    }
    assert items.unavailable() == ["2", "054"]
    assert items.doubled == (
        "1 items stand on rows that differ, and the last row counts (item '5', lines 6 and 7: title 'five' and 'five again')",
        "",
    )
    assert items.left_out == "1 rows of items were left out: 1 with no id"
    assert items.categories() == {"1": ["Crime", "Thriller"], "054": ["Drama"]}
    assert items.category_names() == {"Crime", "Thriller", "Drama"}
    assert items.in_categories(frozenset({"Drama", "Horror"})) == ["054"]


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("items.csv", "sku;name"),
        ("items.tsv", "asin\tname"),
        ("items.csv", "id|name"),
        ("items.csv", "movieId,name"),
        ("i.csv", "Item_ID,name"),
    ],
)
def test_separators_and_well_known_names_of_the_id(tmp_path: Path, name: str, head: str) -> None:
    between = next(character for character in head if character in ";\t|,")
    items = read(written(tmp_path / name, f"{head}\n7{between}seven\n"))
    assert metadata(items) == {"7": {"name": "seven"}}


def test_without_a_header_columns_are_id_and_title(tmp_path: Path) -> None:
    path = written(tmp_path / "items.csv", "7,seven\n8,eight\n")
    assert metadata(read(path, header=False)) == {"7": {"title": "seven"}, "8": {"title": "eight"}}


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    pl.DataFrame(
        {
            "item_id": [1, 2],
            "available": [True, None],
            "genres": [["a", None, " b ", "a"], []],
            "price": [9.5, float("nan")],
            "since": [datetime.date(2026, 1, 2), None],
            "sizes": [{"s": 1}, {"s": 2}],
        }
    ).write_parquet(path)
    items = read(path)
    assert metadata(items) == {
        "1": {"categories": ["a", "b"], "price": 9.5, "since": "2026-01-02", "sizes": {"s": 1}},
        "2": {"sizes": {"s": 2}},
    }
    assert items.unavailable() == []


def test_items_on_several_rows_are_told_with_places_and_values(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    pl.DataFrame(
        {
            "item_id": ["1", "", "2", "1", "3", "2", "3", "3", "4", "5", "4", "5"],
            "available": [True, True, True, False, True, True, None, True, True, True, True, True],
            "genres": [["a"], [], ["a"], ["a"], ["a"], ["a", "b"], ["a"], ["a"], [], [], [], []],
            "price": [float("nan"), 0, 1, None, 2, 1, 2, 2, 3, 1, 4, None],
        }
    ).write_parquet(path)
    items = read(path)
    assert items.unavailable() == ["1"]
    assert items.doubled.differ == (
        "4 items stand on rows that differ, and the last row counts (item '1', rows 1 and 4: available 'True' and 'False'; "
        "item '2', rows 3 and 6: categories 'a' and 'a, b'; item '4', rows 9 and 11: price '3.0' and '4.0')"
    )
    assert items.doubled.same == "1 items stand on several rows that are the same"
    assert read(written(tmp_path / "ids.csv", "itemID\n7\n7\n")).doubled.told == "1 items stand on several rows that are the same"


def test_json_lines(tmp_path: Path) -> None:
    path = written(
        tmp_path / "items.jsonl",
        '{"id": "x y", "title": "X", "categories": ["A"], "available": false}\n{"id": "z", "title": 7, "available": true, "n": 3}\n',
    )
    items = read(path)
    assert metadata(items) == {"x y": {"title": "X", "categories": ["A"]}, "z": {"title": "7", "n": 3}}
    assert items.unavailable() == ["x y"]


@pytest.mark.parametrize(("column", "expected"), [([1, 0, None], ["2"]), ([1.0, 0.0, None], ["2"]), (["yes", " NO ", ""], ["2"])])
def test_available_by_many_names(column: list[Any], expected: list[str]) -> None:
    assert cleaned(pl.DataFrame({"item": ["1", "2", "3"], "available": column}), "a test").unavailable() == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("itemID,available\n1,yes\n2,maybe\n3,2\n", r"column 'available' holds 2 value(s) that are neither true, 1, yes nor false, 0, no (line 3: 'maybe'; line 4: '2')"),  # noqa: E501
        ("itemId2,title\n1,a\n", "has no column 'itemID'; it has 'itemId2', 'title'. Perhaps 'itemId2'? Name it with --item-column"),
        ("itemID,titel\n1,a\n", "has no column 'title'; it has 'itemID', 'titel'. Perhaps 'titel'? Name it with --title-column"),  # codespell:ignore  # noqa: E501
        ("itemID,title\n1,a\n2,b,c\n", "1 of 2 rows are broken, more than --max-broken-rows 0.05 allows: 1 with more fields"),
        ("", "is empty"),
    ],
)  # fmt: skip
def test_bad_files_say_what_is_wrong_and_where(tmp_path: Path, text: str, reason: str) -> None:
    path = written(tmp_path / "items.csv", text)
    told = refusal(path)
    assert str(path) in told
    assert reason in told


def test_other_bad_files(tmp_path: Path) -> None:
    assert "there is no file" in refusal(tmp_path / "none.csv")
    assert "there is no file" in refusal(tmp_path / "none.parquet")
    assert "can't be read" in refusal(written(tmp_path / "broken.parquet", "no parquet"))
    assert "can't be read" in refusal(written(tmp_path / "broken.jsonl", "{"))
    pl.DataFrame({"item_id": [1.5]}).write_parquet(tmp_path / "floats.parquet")
    assert "the id column holds Float64" in refusal(tmp_path / "floats.parquet")
    pl.DataFrame({"item_id": [1], "picture": [b"x"]}).write_parquet(tmp_path / "bytes.parquet")
    assert "column 'picture' holds Binary" in refusal(tmp_path / "bytes.parquet")
    pl.DataFrame({"item_id": [1], "available": [[1]]}).write_parquet(tmp_path / "nested.parquet")
    assert "where true or false are needed" in refusal(tmp_path / "nested.parquet")
    pl.DataFrame({"item_id": [1], "categories": [[[1]]]}).write_parquet(tmp_path / "deep.parquet")
    assert "where lists of texts are needed" in refusal(tmp_path / "deep.parquet")
    pl.DataFrame({"item_id": [1], "list": [[float("inf")]]}).write_parquet(tmp_path / "infinite.parquet")
    assert "the metadata of item 1" in refusal(tmp_path / "infinite.parquet")


def test_broken_rows_below_the_limit_are_left_out_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path / "items.csv", "itemID,title\n" + "".join(f"{item},t\n" for item in range(40)) + "40,a,b\n")
    items = read(path)
    assert (items.n_items, items.dropped) == (40, {"more fields than columns": 1})


FILMS = '{"movieId":318,"categories":["Crime","Adult"],"year":1994}\n{"movieId":54,"categories":[]}\n'


@pytest.mark.parametrize("name", ["films.json", "films.jsonl.gz", "films.jsonl.zst", "films.ndjson", "films"])
def test_json_lines_keep_their_types_whatever_their_name_and_packing(tmp_path: Path, name: str) -> None:
    data = FILMS.encode()
    packed = gzip.compress(data) if name.endswith("gz") else zstandard.compress(data) if name.endswith("zst") else data
    (tmp_path / name).write_bytes(packed)
    assert metadata(read(tmp_path / name)) == {"318": {"categories": ["Crime", "Adult"], "year": 1994}, "54": {}}


def test_a_byte_order_mark_and_a_broken_line_are_no_trouble(tmp_path: Path) -> None:
    lines = "".join(f'{{"id":{item},"title":"t"}}\n' for item in range(40))
    path = written(tmp_path / "items.jsonl", "\ufeff" + lines + "broken\n\n")
    items = read(path)
    assert (items.n_items, items.dropped) == (40, {"no JSON object on the line": 1})
    assert "(line 41: 'broken')" in refusal(path, max_broken_rows=0)


def ids(path: Path, id_type: IdType | None = None, **fields: Any) -> list[str]:
    found: list[str] = read_items(str(path), SourceSettings(**fields), id_type).frame["item"].to_list()
    return found


def test_ids_are_spelled_as_the_generation_spells_them(tmp_path: Path) -> None:
    path = written(tmp_path / "items.csv", "itemID\n318.0\n 54 \n0318\nx\nNULL\nnan\n")
    assert ids(path, "int") == ["318", "54", "0318", "x"]
    assert ids(path, "str") == ids(path) == ["318.0", "54", "0318", "x"]
    assert ids(path, missing="x") == ["318.0", "54", "0318", "NULL", "nan"]
    assert read(path).dropped == {"no id": 2}
    assert ids(written(tmp_path / "whole.csv", "itemID\n318.0\n54.0\n")) == ["318", "54"]
    floats = tmp_path / "floats.parquet"
    pl.DataFrame({"itemID": [318.0, None, float("nan")]}).write_parquet(floats)
    assert ids(floats) == ids(floats, "int") == ["318"]


def test_ids_that_are_too_long_are_left_out_and_many_of_them_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "items.csv", "itemID\n" + "".join(f"{item}\n" for item in range(40)) + "x" * 513 + "\n")
    assert read(path).dropped == {"an id longer than 512 bytes": 1}
    assert "1 rows have an id longer than 512 bytes, more than --max-broken-rows 0 allows" in refusal(path, max_broken_rows=0)


def test_an_ambiguous_id_column_is_asked_for(tmp_path: Path) -> None:
    assert "may be any of 'asin', 'isbn'; choose one with --item-column" in refusal(written(tmp_path / "items.csv", "asin,isbn\n1,2\n"))
    assert metadata(read(tmp_path / "items.csv", item_column="isbn")) == {"2": {"asin": "1"}}
    assert metadata(read(written(tmp_path / "more.csv", "product,product_id\nx,2\n"))) == {"2": {"product": "x"}}


def test_a_file_without_rows_describes_nothing(tmp_path: Path) -> None:
    items = read(written(tmp_path / "items.csv", "itemID,title,available,categories\n"))
    assert (items.n_items, list(items.rows()), items.unavailable(), items.category_names()) == (0, [], [], frozenset())
    assert (NOTHING.n_items, list(NOTHING.rows()), NOTHING.unavailable()) == (0, [], [])


def test_the_built_in_set_brings_titles_and_categories(tmp_path: Path) -> None:
    source = SourceSettings()
    snapshot = snapshot_of(source, sources.read(source, tmp_path).items, ModelSettings())
    assert snapshot.items is not None
    assert metadata(snapshot.items)["1"] == {
        "title": "Toy Story",
        "year": 1995,
        "categories": ["Adventure", "Animation", "Children", "Comedy", "Fantasy"],
    }
    assert (snapshot.items.n_items, snapshot.unavailable) == (9_066, frozenset())


def test_excluded_items_by_list_and_by_file(tmp_path: Path) -> None:
    assert excluded_ids("") == frozenset()
    assert excluded_ids(" 1, 054 ,,a b") == {"1", "054", "a b"}
    assert excluded_ids(str(written(tmp_path / "gone.txt", "1\n\n a,b \r\n"))) == {"1", "a,b"}
    with pytest.raises(DataError, match=r"none\.txt can't be read: No such file"):
        excluded_ids(str(tmp_path / "none.txt"))


def test_what_is_unavailable_is_marked_excluded_or_of_an_excluded_category(caplog: pytest.LogCaptureFixture) -> None:
    frame = pl.DataFrame({"item": ["1", "2", "3"], "available": [False, True, True], "categories": ["A", "A|B", "C"]})
    items = cleaned(frame, "a test")
    assert unavailable_ids(items, ModelSettings()) == {"1"}
    assert unavailable_ids(items, ModelSettings(exclude_items="9", exclude_categories="B, Z")) == {"1", "2", "9"}
    assert "the category 'Z', which no item has" in caplog.text
    with pytest.raises(DataError, match="no item has one"):
        unavailable_ids(NOTHING, ModelSettings(exclude_categories="B"))


def test_more_unavailable_items_than_the_api_holds_are_refused() -> None:
    frame = pl.DataFrame({"item": pl.Series(range(MAX_UNAVAILABLE + 1)).cast(pl.String), "available": False})
    with pytest.raises(DataError, match="1,000,001 items are not available, and the API holds up to 1,000,000"):
        unavailable_ids(cleaned(frame, "a test"), ModelSettings())
