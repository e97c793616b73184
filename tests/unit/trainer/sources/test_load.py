"""Sources by name, and items that come from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import requests

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.interactions.interactions import from_frames
from trainer.sources import load as sources
from trainer.sources.text import files as text_files


def read(tmp_path: Path, interactions: str | Path, **settings: Any) -> sources.OpenedSource:
    return sources.read(SourceSettings(interactions=str(interactions), **settings), tmp_path / "cache")


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "events.csv"
    path.write_text("userID,itemID,rating,timestamp\n1,10,3,5\n2,20,4,6\n")
    return path


def test_the_built_in_set(tmp_path: Path) -> None:
    raw = read(tmp_path, "movielens-small")
    made = from_frames(raw.events, "movielens-small")
    assert (len(made.user_ids), len(made.item_ids), made.weight.size) == (671, 9_066, 100_004)
    assert dict(made.dropped) == {}
    assert made.data_until == "2016-10-16T17:57:24Z"
    assert raw.items is not None
    assert raw.items["item"].n_unique() == raw.items.height == 9_066
    film = raw.items.row(by_predicate=pl.col("item") == "1", named=True)
    assert film == {"item": "1", "title": "Toy Story", "genres": "Adventure|Animation|Children|Comedy|Fantasy", "year": 1995}


@pytest.mark.parametrize("name", ["movielens", "movielens-1k", "movielens-small.csv"])
def test_an_unknown_movielens_set_is_answered_with_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=f"^{name} is not a known set; .*movielens-small.*movielens-20m"):
        read(tmp_path, name)


def test_without_a_network_a_download_is_refused_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_args: object, **_options: object) -> requests.Response:
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(requests, "head", unreachable)
    with pytest.raises(
        DataError, match=r"movielens-1m has to be downloaded once from https://\S+, which can't be reached .* movielens-small"
    ):
        read(tmp_path, "movielens-1m")


def test_a_file_as_interactions(tmp_path: Path, csv: Path) -> None:
    raw = read(tmp_path, csv)
    assert pl.concat(raw.events).rows() == [(1, 10, 3.0, 5), (2, 20, 4.0, 6)]
    assert raw.items is None


def test_without_a_weight_column_every_interaction_weighs_one(tmp_path: Path, csv: Path) -> None:
    made = from_frames(read(tmp_path, csv, weight_column="").events, "a test")
    assert made.weight.tolist() == [1.0, 1.0]


def test_without_a_time_column_there_are_no_times(tmp_path: Path, csv: Path) -> None:
    assert from_frames(read(tmp_path, csv, time_column="").events, "a test").time is None


def test_batches_make_the_same_interactions_as_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "many.csv"
    path.write_text("userID,itemID,rating,timestamp\n" + "".join(f"{n % 70},{n % 41},{1 + n % 5},{n}\n" for n in range(1000)))
    whole = from_frames(read(tmp_path, path).events, "a test")
    monkeypatch.setattr(text_files, "CHUNK_BYTES", 1000)
    frames = list(read(tmp_path, path).events)
    assert len(frames) > 10
    parts = from_frames(frames, "a test")
    assert (parts.user_ids, parts.item_ids) == (whole.user_ids, whole.item_ids)
    assert (parts.user_idx.tolist(), parts.item_idx.tolist()) == (whole.user_idx.tolist(), whole.item_idx.tolist())
    assert (parts.weight.tolist(), parts.data_until) == (whole.weight.tolist(), whole.data_until)


def test_a_synthetic_source(tmp_path: Path) -> None:
    (frame,) = read(tmp_path, "synthetic:10x40x100").events
    assert frame.height == 100
