"""The plan of a run, against a run."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from contract.formats.artifact import folder_of
from contract.settings.settings import ModelSettings, Settings
from tests.support.fitting import Event, interactions_of
from trainer.interactions.interactions import Interactions, from_frame
from trainer.plan import plan
from trainer.plan.calibration import Rates, calibrate
from trainer.plan.plan import Plan, make_plan, plan_table, table_of
from trainer.run.pipeline import make_artifact
from trainer.run.spec import Order
from trainer.sources import synthetic

RATES = Rates(load=1e6, count=1e8, multiply=1e9, write=1e8)


def plan_of(interactions: Interactions, *, limit_bytes: float = 1e9, workers: int = 1, **model: object) -> Plan:
    settings = ModelSettings.model_validate(model)
    return make_plan(interactions, settings, workers=workers, threads=1, limit_bytes=limit_bytes, rates=RATES)


@pytest.fixture(scope="module")
def crowded() -> Interactions:
    """So many interactions an item that the similarity is dense."""
    return from_frame(synthetic.load("synthetic:700x300x30000"), "a test")


@pytest.fixture(scope="module")
def scattered() -> Interactions:
    """Pairs of items that meet no others: the similarity is sparse. Ids are text."""
    events: list[Event] = [(f"user{user}", f"item{2 * user + side}", 1.0, user) for user in range(3000) for side in range(2)]
    return interactions_of(events)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("name", ["crowded", "scattered"])
def test_bytes_are_those_of_an_artifact(name: str, normalize: bool, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    interactions: Interactions = request.getfixturevalue(name)
    settings = Settings(artifacts=tmp_path.as_uri(), normalize=normalize, evaluate=False)
    manifest = make_artifact(Order("g1", settings), interactions, lambda *_: None)
    planned = plan_of(interactions, normalize=normalize)
    assert planned.layout == manifest.similarity_layout == ("dense" if name == "crowded" else "sparse")
    assert (planned.n_users, planned.n_items, planned.n_interactions) == (manifest.n_users, manifest.n_items, manifest.n_interactions)
    similarity = sum(spec.n_bytes for array, spec in manifest.arrays.items() if array.startswith("similarity"))
    on_disk = sum(path.stat().st_size for path in (folder_of(settings.artifacts) / "g1").glob("*.npy"))
    assert planned.similarity_bytes == pytest.approx(similarity, rel=0.01)
    assert planned.artifact_bytes == pytest.approx(on_disk, rel=0.01)


def test_work_is_counted(crowded: Interactions) -> None:
    planned = plan_of(crowded)
    assert planned.multiply_adds == planned.n_interactions * planned.n_items
    assert planned.counting_steps > planned.n_items**2
    assert planned.whole_s == pytest.approx(planned.load_s + planned.fit_s + planned.write_s + planned.score_s)


def test_neighbors_bound_the_similarity_and_the_work(crowded: Interactions) -> None:
    planned = plan_of(crowded, neighbors=5)
    assert (planned.layout, planned.multiply_adds) == ("sparse", planned.n_interactions * 6)
    assert planned.similarity_bytes == 8 * (planned.n_items + 1) + 8 * planned.n_items * 6


def test_more_workers_score_faster(crowded: Interactions) -> None:
    assert plan_of(crowded, workers=4).score_s < plan_of(crowded, workers=1).score_s


def test_nothing_is_refused(crowded: Interactions) -> None:
    assert plan_of(crowded, limit_bytes=1).neighbors_that_fit == 0


def test_neighbors_that_fit_do_fit(crowded: Interactions) -> None:
    limit = 60_000
    assert plan_of(crowded).similarity_bytes > limit
    n = plan_of(crowded, limit_bytes=limit).neighbors_that_fit
    assert plan_of(crowded, neighbors=n).similarity_bytes <= limit < plan_of(crowded, neighbors=n + 1).similarity_bytes


def shown(table: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_shows_the_plan(crowded: Interactions) -> None:
    text = shown(table_of(plan_of(crowded), 3))
    assert "700 users, 300 items, 30,000 interactions" in text
    assert "3 worker(s)" in text
    for row in ("similarity", "artifact on disk", "trainer, peak memory", "one worker, peak memory", "lists in Redis", "whole run"):
        assert row in text


def test_above_the_limit_the_table_names_the_neighbors_that_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "calibrate", lambda _folder: RATES)  # it would take a second, and decides nothing here
    settings = Settings(artifacts=tmp_path.as_uri(), interactions="synthetic:700x300x30000")
    assert "--neighbors" not in shown(plan_table(settings, 1))
    limit_gb = 60_000 / 2**30
    text = shown(plan_table(settings.model_copy(update={"max_memory_gb": limit_gb}), 1))
    fits = (60_000 - 8 * 301) // (8 * 300) - 1
    assert "a run would refuse it" in text
    assert f"--neighbors {fits} would fit" in " ".join(text.split())


def test_calibration_measures_this_machine(tmp_path: Path) -> None:
    rates = calibrate(tmp_path)
    assert all(rate > 0 for rate in (rates.load, rates.count, rates.multiply, rates.write))
    assert list(tmp_path.iterdir()) == []
