"""Named lists: who counts, how long, and of which items and users."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from contract.errors import DataError
from contract.formats import payload
from contract.settings.settings import Settings, SourceSettings
from contract.store.lists import CATEGORY, CHUNK, INDEX, SEGMENT, Index, Listed, decode_names, fields_of
from engine.arrays import Array
from tests.support.models.fitting import interactions_of
from trainer.items.items import cleaned
from trainer.items.named_lists import cook
from trainer.items.revision import ItemsSnapshot
from trainer.items.users import Segments, read_segments

DAY = 86_400
NOW = 1_000 * DAY
EVENTS = [
    (1, 10, 5.0, NOW - 100 * DAY), (1, 10, 5.0, NOW - 60 * DAY), (2, 10, 1.0, NOW - 90 * DAY), (3, 10, 1.0, NOW - 80 * DAY),
    (1, 20, 1.0, NOW - 7 * DAY), (2, 20, 1.0, NOW),
    (1, 30, 9.0, NOW - 7 * DAY), (4, 30, 1.0, NOW - 40 * DAY), (1, 30, 1.0, NOW - 50 * DAY),
    (4, 40, 1.0, NOW - 1 * DAY),
]  # fmt: skip
ITEMS = pl.DataFrame({"item": ["10", "20", "30", "40"], "categories": ["a|b", "a", "b", ""]})


def lists(
    segments: dict[str, str], unavailable: frozenset[str] = frozenset(), times: bool = True, **settings: object
) -> dict[Listed, list[tuple[int, float]]]:
    found = interactions_of(EVENTS, times=times)
    made = cook(found, ItemsSnapshot(cleaned(ITEMS, "a test"), unavailable), segments, Settings.model_validate(settings))
    return read(made, list(found.item_ids)) if made else {}


def read(made: dict[str, Array], item_ids: list[Any]) -> dict[Listed, list[tuple[int, float]]]:
    found: dict[Listed, list[tuple[int, float]]] = {}
    start = 0
    for listed, end in zip(decode_names(made["lists_names"].tobytes()), made["lists_ends"].tolist(), strict=True):
        items, scores = made["lists_items"][start:end].tolist(), made["lists_scores"][start:end].tolist()
        found[listed] = [(item_ids[item], score) for item, score in zip(items, scores, strict=True)]
        start = end
    return found


def test_users_are_counted_once_and_count_less_with_time() -> None:
    found = lists({})
    assert found[Listed("popular")] == [(10, 3), (20, 2), (30, 2), (40, 1)]
    assert found[Listed("trending")] == [(20, 1.5), (40, pytest.approx(0.5 ** (1 / 7))), (30, 0.5)]
    assert found[Listed("new")] == [(40, 999), (20, 993), (30, 950), (10, 900)]
    assert [item for item, _ in lists({}, trending_half_life_days=1.0, trending_days=5.0)[Listed("trending")]] == [20, 40]


def test_by_category_and_by_segment() -> None:
    found = lists({"1": "SE", "2": "SE", "3": "NO", "4": "", "9": "SE"})
    assert [item for item, _ in found[Listed("popular", CATEGORY, "a")]] == [10, 20]
    assert [item for item, _ in found[Listed("trending", CATEGORY, "b")]] == [30]
    assert found[Listed("popular", SEGMENT, "SE")] == [(10, 2), (20, 2), (30, 1)]
    assert {listed.value for listed in found if listed.kind == SEGMENT} == {"SE"}, "NO has one user"


def test_what_is_unavailable_is_in_none() -> None:
    found = lists({"1": "SE", "2": "SE"}, frozenset({"10", "40"}))
    assert [item for item, _ in found[Listed("popular")]] == [20, 30]
    assert all(item not in (10, 40) for entries in found.values() for item, _ in entries)


def test_only_what_is_wanted_and_possible() -> None:
    assert {listed.name for listed in lists({}, lists="new")} == {"new"}
    assert lists({}, lists="") == {}
    assert {listed.name for listed in lists({}, times=False)} == {"popular"}
    for wrong in ("latest", "popular,popular"):
        with pytest.raises(ValueError, match="expected names of lists"):
            Settings(lists=wrong)


def test_lists_are_cut_into_chunks() -> None:
    n = 2 * CHUNK + 1
    names = [Listed("popular"), Listed("popular", CATEGORY, "a"), Listed("new", SEGMENT, "b")]
    found = dict(fields_of(names, [*range(n), 3], np.ones(n + 1).tolist(), [n, n, n + 1], range(n)))
    assert Index.model_validate_json(found.pop(INDEX)) == Index(categories=("a",), segments=("b",))
    assert {field: len(payload.decode(raw)[0]) for field, raw in found.items()} == {
        Listed("popular").field(0): CHUNK,
        Listed("popular").field(1): CHUNK,
        Listed("popular").field(2): 1,
        names[2].field(0): 1,
    }


def users_file(path: Path, text: str, **fields: object) -> Mapping[str, str]:
    return segments_in(path, text, **fields).of


def segments_in(path: Path, text: str, **fields: object) -> Segments:
    (path / "users.csv").write_text(text)
    return read_segments(str(path / "users.csv"), SourceSettings.model_validate(fields), "int")


def test_users_on_several_rows_are_told_by_lines_and_not_by_name(tmp_path: Path) -> None:
    assert segments_in(tmp_path, "userID,country\n77,SE\n78,NO\n77,\n78,NO\n,DK\n,SE\n").doubled == (
        "1 users stand on rows that differ, and the last row counts (lines 2 and 4: segment 'SE' and nothing)",
        "1 users stand on several rows that are the same",
    )
    assert segments_in(tmp_path, "userID,country\n77,SE\n78,NO\n").doubled.told == ""


def test_a_users_file(tmp_path: Path) -> None:
    assert users_file(tmp_path, "userID,country\n1,SE\n2,\n3,NA\n 4 ,NO\n1,DK\n5.0,SE\n") == {"1": "DK", "4": "NO", "5": "SE"}
    assert users_file(tmp_path, "id;age;country\n1;30;SE\n") == {"1": "SE"}
    assert users_file(tmp_path, "member,age,tier\n1,30,gold\n", segment_column="tier") == {"1": "gold"}
    with pytest.raises(DataError, match=r"may be any of 'age', 'tier': name it in LARDER_SEGMENT_COLUMN"):
        users_file(tmp_path, "userID,age,tier\n1,30,gold\n")
    with pytest.raises(DataError, match=r"no column 'teir'.*Perhaps 'tier'"):
        users_file(tmp_path, "userID,age,tier\n1,30,gold\n", segment_column="teir")
    with pytest.raises(DataError, match="no column of user ids"):
        users_file(tmp_path, "x,y\n1,30\n")
