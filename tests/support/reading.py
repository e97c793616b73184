"""Reads files as a run does, for the tests of everything between a file and indexed interactions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.rows.problems import Problems
from trainer.sources import load as sources

HEADER = "userID,itemID,rating,timestamp\n"


def settings(source: str | Path, **given: Any) -> SourceSettings:
    return SourceSettings(interactions=str(source), **given)


def read(source: str | Path, **given: Any) -> tuple[list[tuple[Any, ...]], Problems]:
    """The rows that are left, and what was said about the others."""
    raw = sources.read(settings(source, **given), Path("no cache"))
    frames = [frame.with_columns(pl.selectors.enum().cast(pl.String)) for frame in raw.events]
    return pl.concat(frames, how="vertical_relaxed").rows(), raw.problems


def rows(source: str | Path, **given: Any) -> list[tuple[Any, ...]]:
    return read(source, **given)[0]


def load(source: str | Path, **given: Any) -> sources.LoadedSource:
    return sources.load(settings(source, **given), Path("no cache"))


def dropped(source: str | Path, **given: Any) -> dict[str, list[str]]:
    """The first rows that were dropped, as they are shown, by reason."""
    problems = read(source, **given)[1]
    return {reason: [str(example) for example in examples] for reason, examples in problems.examples.items()}


def refusal(source: str | Path, **given: Any) -> str:
    """The one sentence with which a source is refused."""
    with pytest.raises(DataError) as caught:
        load(source, **given)
    message = str(caught.value)
    assert str(source) in message
    assert "\n" not in message
    return message
