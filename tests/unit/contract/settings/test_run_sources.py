from __future__ import annotations

from pathlib import Path

import pytest

from contract.settings.run_sources import SOURCE_OPTIONS, is_listed, refusal
from contract.settings.settings import ModelSettings, Settings
from contract.settings.source import CleaningSettings


def test_model_and_cleaning_options_are_for_everybody_who_may_start_a_run() -> None:
    options = {**ModelSettings(k=7).model_dump(), **CleaningSettings(duplicates="max").model_dump()}
    assert refusal(Settings(), options) == ""
    assert not SOURCE_OPTIONS & options.keys()


@pytest.mark.parametrize("name", sorted(SOURCE_OPTIONS))
def test_no_option_of_the_source_is_for_the_asking(name: str) -> None:
    reason = refusal(Settings(), {name: "something else"})
    assert name in reason
    assert "LARDER_RUN_SOURCES" in reason


def test_the_configured_source_is_always_allowed() -> None:
    settings = Settings(interactions="/data/a.csv", items="/data/b.csv", separator=";")
    assert refusal(settings, {"interactions": "/data/a.csv", "items": "/data/b.csv", "separator": ";"}) == ""
    assert refusal(settings, {"items": "/data/a.csv"}) != ""
    assert refusal(settings, {"separator": ","}) != ""


@pytest.mark.parametrize("listed", ["", "/,-"])
@pytest.mark.parametrize("name", ["interactions", "items"])
def test_standard_input_is_nobodys_source(name: str, listed: str) -> None:
    assert "standard input" in refusal(Settings(run_sources=listed), {name: "-"})


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ("/data/shops", "/data/shops/a.csv"),
        ("/data/shops/", "/data/shops"),
        ("/data/shops", "/data/shops/2024-*/*.csv"),
        ("/data/shops", "sqlite:////data/shops/a.db"),
        ("s3://bucket/shops", "s3://bucket/shops/a.parquet"),
        ("s3://bucket", "s3://bucket/a/*.parquet"),
        ("https://host.example/x/", "https://host.example/x/y.csv?day=1"),
        ("postgresql://host/shop", "postgresql://me@host:5432/shop"),
        ("postgresql://host:6432", "postgresql+psycopg://host:6432/any"),
        ("movielens-100k", "movielens-100k"),
        ("synthetic:", "synthetic:10x10x50"),
    ],
)
def test_what_is_listed_may_be_read(entry: str, place: str) -> None:
    assert is_listed(place, [entry])
    assert refusal(Settings(run_sources=f" {entry} ,/elsewhere"), {"interactions": place}) == ""


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ("/data/shops", "/data/shops2/a.csv"),
        ("/data/shops", "/data/shops/../secret.csv"),
        ("/data/shops", "/data/shops/*/../../../etc/passwd"),
        ("/data/shops", "data/shops/a.csv"),
        ("/data/shops", "/data/shops/a\x00b"),
        ("/data/shops", "/proc/self/environ"),
        ("/data/shops", "sqlite:////etc/passwd"),
        ("/data/shops", "sqlite:////data/shops/../x.db"),
        ("/data/shops", "sqlite:////data/shops/a.db?mode=rw"),
        ("/data/shops", "sqlite:////data/shops/a.db#/etc"),
        ("/data/shops", "s3:///data/shops/a.csv"),
        ("s3://bucket/shops", "s3://bucket/shops-of-others/a.csv"),
        ("s3://bucket/shops", "s3://bucket/shops/../a.csv"),
        ("s3://bucket/shops", "s3://bucket/shops/%2e%2e/a.csv"),
        ("s3://bucket/shops", "s3://bucket2/shops/a.csv"),
        ("s3://bucket/shops", "/s3://bucket/shops/a.csv"),
        ("https://host.example/x", "http://host.example/x/y.csv"),
        ("https://host.example/x", "https://host.example.evil/x/y.csv"),
        ("https://host.example/x", "https://host.example@evil/x/y.csv"),
        ("https://host.example/x", "https://host.example:8443/x/y.csv"),
        ("https://host.example/x", "https://host.example\\@evil/x/y.csv"),
        ("postgresql://host/shop", "postgresql://host/other"),
        ("postgresql://host/shop", "postgresql://host:1/shop"),
        ("postgresql://host/shop", "postgresql://host2/shop"),
        ("postgresql://host/shop", "postgresql://host/shop?host=evil"),
        ("postgresql://host/shop", "postgresql://host,evil/shop"),
        ("postgresql://me@host/shop", "postgresql://root@host/shop"),
        ("postgresql://host/shop", "mysql://host/shop"),
        ("postgresql://host", "postgresql:///shop"),
        ("postgresql://host/shop", "postgresql://host:x/shop"),
        ("movielens-100k", "movielens-20m"),
    ],
)
def test_what_only_looks_listed_may_not(entry: str, place: str) -> None:
    assert not is_listed(place, [entry])
    assert "not among" in refusal(Settings(run_sources=entry), {"interactions": place})


def test_links_count_by_where_they_lead(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.csv").write_text("x")
    (tmp_path / "in" / "link.csv").symlink_to(tmp_path / "secret.csv")
    (tmp_path / "alias").symlink_to(tmp_path / "in")
    listed = [str(tmp_path / "in")]
    assert not is_listed(str(tmp_path / "in" / "link.csv"), listed)
    assert is_listed(str(tmp_path / "alias" / "a.csv"), listed)


def test_a_query_needs_a_database_that_is_listed() -> None:
    settings = Settings(interactions="postgresql://host/shop", sql_table="orders", run_sources="/data")
    assert refusal(settings, {"sql_query": "select * from passwords", "sql_table": ""}) != ""


def test_a_long_place_is_not_said_back_whole() -> None:
    assert len(refusal(Settings(run_sources="/data"), {"interactions": "/" + "x" * 5000})) < 250
