"""MovieLens 100k to 20m through recommenders' own loader and cache."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import requests

from contract.errors import DataError

os.environ.setdefault("DISABLE_PANDERA_IMPORT_WARNING", "True")
from recommenders.datasets import movielens

_CONNECT_S = 5


def load(name: str, cache: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events and items (title) of `name`, say movielens-1m; downloaded into `cache` once. Raises DataError without a network."""
    size = name.removeprefix("movielens-")
    data_format = movielens.DATA_FORMAT[size]
    archive = cache / f"ml-{size}.zip"
    if not archive.exists():
        _require_network(name, f"https://files.grouplens.org/datasets/movielens/ml-{size}.zip")
    cache.mkdir(parents=True, exist_ok=True)
    header = ["user", "item", "weight", "time"]
    try:
        events = movielens.load_pandas_df(size, header=header, local_cache_path=str(cache))
        titles = movielens.load_item_df(size, local_cache_path=str(cache), movie_col="item", title_col="title")
    except Exception as error:  # whatever a download or a broken archive raises there
        raise DataError(f"{name} can't be loaded from {archive} ({data_format.path}): {error}; delete that file and try again") from error
    return (
        pl.DataFrame(
            {
                "user": pl.Series(events["user"].to_numpy()),
                "item": pl.Series(events["item"].to_numpy()),
                "weight": pl.Series(events["weight"].to_numpy()).cast(pl.Float64),
                "time": pl.Series(events["time"].to_numpy()).cast(pl.Float64),
            }
        ),
        pl.DataFrame({"item": [str(value) for value in titles["item"]], "title": [str(value) for value in titles["title"]]}),
    )


def _require_network(name: str, url: str) -> None:
    try:
        requests.head(url, timeout=_CONNECT_S).raise_for_status()
    except requests.RequestException as error:
        raise DataError(
            f"{name} has to be downloaded once from {url}, which can't be reached ({type(error).__name__}); "
            "use movielens-small, which is built in, or a CSV file"
        ) from error
