"""What the gate lets pass and what it stops, on MovieLens small: other samples of the same data, and data that are spoilt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from contract.artifacts.artifact import open_artifact
from contract.formats.evaluation import Figures
from contract.settings.settings import GateSettings, Settings, SourceSettings
from engine.arrays import Array
from tests.support.depth import FULL
from trainer.evaluation.drift.profiles import drifted
from trainer.evaluation.drift.reading import Reading
from trainer.evaluation.gate import Judgement, judge
from trainer.evaluation.known_items import known_items
from trainer.interactions.interactions import Interactions, from_frame
from trainer.interactions.profile import Profile
from trainer.run.pipeline import make_artifact
from trainer.run.spec import RunSpec
from trainer.sources import load as sources

NOW = datetime(2026, 1, 31, tzinfo=UTC)
SAMPLES = 20 if FULL else 5
WIDELY_SEEN = 8  # fewer items, for speed


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """MovieLens small, without what few have seen; `categories` of each row's item."""
    raw = sources.read(SourceSettings(), tmp_path_factory.mktemp("cache"))
    assert raw.items is not None
    items = raw.items.select("item", categories=pl.col("genres").str.split("|"))
    found: pl.DataFrame = pl.concat(raw.events).with_columns(pl.col("item").cast(pl.String))
    return found.filter(pl.len().over("item") >= WIDELY_SEEN).join(items, on="item", how="left")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Interactions, Interactions], Judgement]:
    """The verdict on one against the other, as a run comes to it."""
    folder = tmp_path_factory.mktemp("artifacts")
    settings = Settings.from_environ({}, artifacts=folder.as_uri(), evaluate_users=300, similar_depth=0)
    made: list[Interactions] = []

    def name_of(interactions: Interactions) -> str:
        for at, known in enumerate(made):
            if known is interactions:
                return f"g{at}"
        made.append(interactions)
        make_artifact(RunSpec(f"g{len(made) - 1}", settings), interactions, lambda *_: None)
        return f"g{len(made) - 1}"

    def verdict(new: Interactions, old: Interactions) -> Judgement:
        one, other = (open_artifact(settings.artifacts, name_of(each)) for each in (new, old))
        found = judge(Figures.of(one.manifest), Figures.of(other.manifest), GateSettings(), NOW, known_items(one, other))
        drift = tuple(
            finding
            for severity, finding in drifted(Reading.of(one.manifest), Reading.of(other.manifest), GateSettings())
            if severity == "refuse"
        )
        return found.model_copy(update={"failures": (*found.failures, *drift)})

    return verdict


def interactions(events: pl.DataFrame) -> Interactions:
    made = from_frame(events.select("user", "item", "weight", "time"), "a test")
    return replace(made, reading={"profile": Profile.of(made).model_dump(mode="json", exclude_none=True)})


@pytest.fixture(scope="module")
def honest(events: pl.DataFrame) -> Interactions:
    return interactions(events)


@pytest.mark.depth
def test_other_samples_of_the_same_data_pass(events: pl.DataFrame, judged: Callable[[Interactions, Interactions], Judgement]) -> None:
    """At most one false refusal in a hundred pairs: four fifths of the users each."""
    users = events["user"].unique(maintain_order=True).to_numpy()
    samples = [interactions(events.filter(pl.col("user").is_in(sample(users, seed)))) for seed in range(SAMPLES)]
    pairs = [(new, old) for new in range(SAMPLES) for old in range(SAMPLES) if new != old]
    refused = [(new, old, found.because) for new, old in pairs if not (found := judged(samples[new], samples[old])).passed]
    assert 100 * len(refused) <= len(pairs), refused


def sample(users: Array, seed: int) -> list[object]:
    kept: list[object] = np.random.default_rng(seed).choice(users, 4 * users.size // 5, replace=False).tolist()
    return kept


def test_shuffled_items_are_refused(honest: Interactions, judged: Callable[[Interactions, Interactions], Judgement]) -> None:
    for seed in range(SAMPLES if FULL else 2):
        shuffled = replace(honest, item_idx=np.random.default_rng(seed).permutation(honest.item_idx))
        limits = {finding.limit for finding in judged(shuffled, honest).failures}
        assert "gate_max_metric_drop" in limits


@pytest.mark.parametrize(
    ("half", "limit"),
    [
        (pl.col("user").hash(1) % 2 == 0, "gate_max_users_drop"),
        (pl.col("item").hash(1) % 2 == 0, "gate_max_items_drop"),
        (pl.int_range(pl.len()) % 2 == 0, "gate_max_rows_drop"),
        (pl.col("time") < pl.col("time").median(), "gate_max_rows_drop"),
    ],
)
def test_half_of_the_data_are_refused(
    half: pl.Expr, limit: str, events: pl.DataFrame, honest: Interactions, judged: Callable[[Interactions, Interactions], Judgement]
) -> None:
    assert limit in {finding.limit for finding in judged(interactions(events.filter(half)), honest).failures}


def test_a_category_that_is_missing_is_refused(
    events: pl.DataFrame, honest: Interactions, judged: Callable[[Interactions, Interactions], Judgement]
) -> None:
    sizes = events.select("item", "categories").unique("item").explode("categories")["categories"].value_counts()
    names = [name for name, n in sizes.iter_rows() if name and n >= 20]
    assert len(names) > 15
    for name in names if FULL else ("Western", "Film-Noir", "Drama"):
        without = interactions(events.filter(~pl.col("categories").list.contains(name).fill_null(value=False)))
        found = judged(without, honest)
        assert "gate_max_known_items_drop" in {finding.limit for finding in found.failures}, name


def test_items_that_have_run_out_may_go(
    events: pl.DataFrame, honest: Interactions, judged: Callable[[Interactions, Interactions], Judgement]
) -> None:
    """Whose last event lies before the first of the new data: a window that moves takes them along."""
    late = interactions(events.filter(pl.col("time") > pl.col("time").median()))
    assert "gate_max_known_items_drop" not in {finding.limit for finding in judged(late, honest).failures}
