"""The plan of a run, against a run."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from contract.artifacts.artifact import folder_of
from contract.settings.settings import ModelSettings, Settings
from engine.score.scoring import TopK, score_users
from tests.support.models.fitting import Event, interactions_of
from trainer.interactions.interactions import Interactions, from_frame
from trainer.plan import plan
from trainer.plan.calibration import ROUNDS, Rates, best_of, calibrate
from trainer.plan.capacity import api_bytes
from trainer.plan.fits import Fit
from trainer.plan.plan import Plan, make_plan, plan_table, table_of, trainer_bytes
from trainer.run.pipeline import make_artifact
from trainer.run.spec import RunSpec
from trainer.sources import synthetic

NPY_HEADER = 128  # bytes of each array's file before its values
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
    manifest = make_artifact(RunSpec("g1", settings), interactions, lambda *_: None)
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


def test_neighbors_of_rare_items_cost_what_they_meet_not_the_catalogue(scattered: Interactions) -> None:
    """Pairs that meet no others: each item has one user, and takes two increments."""
    planned = plan_of(scattered, neighbors=5)
    assert 2 * planned.n_items <= planned.counting_steps <= 20 * planned.n_items
    assert plan_of(scattered).counting_steps > planned.n_items**2


def test_diverse_lists_take_time_of_their_own_which_workers_share(crowded: Interactions) -> None:
    rates = replace(RATES, diverse_s=0.01)
    one, three, plain = (
        make_plan(crowded, ModelSettings(diversity=share), workers=workers, threads=1, limit_bytes=1e9, rates=rates)
        for share, workers in ((0.3, 1), (0.3, 3), (0.0, 1))
    )
    assert (one.diverse_s, three.diverse_s, plain.diverse_s) == pytest.approx((7.0, 7 / 3, 0.0))
    assert one.whole_s == pytest.approx(plain.whole_s + 7.0, rel=1e-4)
    row = next(line for line in shown(table_of(three, 3)).splitlines() if "diverse lists" in line)
    assert "2.3 s" in row
    assert "3 worker(s)" in row
    assert "diverse lists" not in shown(table_of(plain, 1))


@pytest.mark.parametrize(
    "settings", [{"diversity": 0.3}, {"popularity_penalty": 0.2}, {"diversity": 0.3, "popularity_penalty": 0.2}], ids=str
)
def test_what_a_ranking_adds_to_an_artifact_is_planned_to_the_byte(settings: dict[str, Any], crowded: Interactions, tmp_path: Path) -> None:
    def on_disk(**model: Any) -> int:
        given = Settings.from_environ({}, artifacts=(tmp_path / str(len(model))).as_uri(), evaluate=False, **model)
        manifest = make_artifact(RunSpec("g1", given), crowded, lambda *_: None)
        return sum(spec.n_bytes - NPY_HEADER for spec in manifest.arrays.values())

    assert plan_of(crowded, **settings).artifact_bytes - plan_of(crowded).artifact_bytes == on_disk(**settings) - on_disk()


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


def test_a_process_of_the_api_is_planned_by_what_it_holds() -> None:
    """Figures of a million items as they were measured: 78 MiB with two columns, 131 with titles, too, and 203 while they are replaced."""
    mib = 2**20
    filtered, more = api_bytes(1_000_000, Settings(filter_columns="categories,price", find_items=False))
    assert (filtered // mib, more // mib) == (90, 30)
    whole, more = api_bytes(1_000_000, Settings(filter_columns="categories,price"))
    assert (whole // mib, (whole + more) // mib) == (142, 199)
    assert api_bytes(1_000_000, Settings(find_items=False)) == (60 * mib, 0)


MEASURED = [
    # interactions, items, neighbors, evaluated, MiB: what a run's process held itself, with its libraries, at the most
    (1_000_000, 3_706, 0, False, 283),
    (1_000_000, 3_706, 0, True, 475),
    (10_000_000, 10_639, 0, False, 623),
    (10_000_000, 10_639, 0, True, 990),
    (10_000_000, 10_639, 100, False, 623),
    (100_000_000, 478_065, 100, False, 3_430),
]


@pytest.mark.parametrize(("n", "n_items", "neighbors", "evaluate", "mib"), MEASURED)
def test_the_trainers_memory_is_that_which_was_measured(n: int, n_items: int, neighbors: int, evaluate: bool, mib: int) -> None:
    similarity = 8 * n_items * (neighbors + 1) if neighbors else 4 * n_items * n_items
    fit = Fit(
        model="sar",
        n_pairs=n,
        layout="sparse" if neighbors else "dense",
        similarity_bytes=similarity,
        row_work=0.0,
        peak_bytes=similarity if neighbors else similarity // 8,
        counting_steps=0.0,
        algebra=0.0,
        seconds=0.0,
        neighbors_that_fit=0,
        advice="",
    )
    assert trainer_bytes(n, fit, evaluate=evaluate) / 2**20 == pytest.approx(mib, rel=0.2)


def test_an_evaluation_is_in_the_plan_of_who_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "calibrate", lambda *_: RATES)
    settings = Settings(artifacts=tmp_path.as_uri(), interactions="synthetic:700x300x30000")
    table, without = (plan_table(settings.model_copy(update={"evaluate": evaluate}), 1) for evaluate in (True, False))

    def peak(shown_table: Any) -> float:
        labels, sizes = ([*column.cells] for column in shown_table.columns[:2])
        return float(sizes[labels.index("trainer, peak memory")].removesuffix(" MiB"))

    assert peak(table) > peak(without) + 100


def test_the_table_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "calibrate", lambda *_: RATES)
    table = plan_table(Settings(artifacts=tmp_path.as_uri(), interactions="synthetic:70x30x1000"), 1)
    labels, sizes = ([*column.cells] for column in table.columns[:2])
    assert sizes[labels.index("one process of the API")] == "60.0 MiB"


def test_above_the_limit_the_table_names_the_neighbors_that_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "calibrate", lambda *_: RATES)  # it would take a second, and decides nothing here
    settings = Settings(artifacts=tmp_path.as_uri(), interactions="synthetic:700x300x30000")
    assert "--neighbors" not in shown(plan_table(settings, 1))
    limit_gb = 60_000 / 2**30
    text = shown(plan_table(settings.model_copy(update={"max_memory_gb": limit_gb}), 1))
    fits = (60_000 - 8 * 301) // (8 * 300) - 1
    assert "a run would refuse it" in text
    assert f"--neighbors {fits} would fit" in " ".join(text.split())


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "ease"},
        {"model": "edlae", "neighbors": 20},
        {"model": "itemknn", "neighbors": 20, "blend": "rp3beta"},
        {"model": "popularity"},
        {"model": "ease", "prior_gain": 0.1},
    ],
    ids=str,
)
def test_bytes_of_each_model_are_those_of_an_artifact(settings: dict[str, Any], crowded: Interactions, tmp_path: Path) -> None:
    """Columns are planned full, and may come out shorter."""
    given = Settings.from_environ({}, artifacts=tmp_path.as_uri(), evaluate=False, **settings)
    manifest = make_artifact(RunSpec("g1", given), crowded, lambda *_: None)
    planned = plan_of(crowded, **settings)
    assert planned.layout == manifest.similarity_layout
    similarity = sum(spec.n_bytes for array, spec in manifest.arrays.items() if array.startswith("similarity"))
    assert similarity <= 1.01 * planned.similarity_bytes + 400
    assert similarity >= 0.5 * planned.similarity_bytes
    assert planned.advice == ""
    assert planned.fit_s > 0


def test_a_whole_inverse_that_does_not_fit_is_said_with_what_would(crowded: Interactions) -> None:
    advice = plan_of(crowded, model="ease", limit_bytes=100_000).advice
    assert "a run would refuse it" in advice
    assert "--neighbors 200 would take" in advice
    assert plan_of(crowded, model="popularity", limit_bytes=1).advice.endswith("a run would refuse it.")


def test_a_large_catalogue_is_proposed_its_nearest_items(monkeypatch: pytest.MonkeyPatch, crowded: Interactions) -> None:
    monkeypatch.setattr("engine.models.ease.WHOLE_ITEMS", 100)
    assert plan_of(crowded, model="slit").advice.startswith("--neighbors 200 would take")
    assert plan_of(crowded, model="slit", neighbors=9).advice == ""
    assert plan_of(crowded, model="rp3beta").advice == ""


def test_the_plan_names_the_half_life_that_leaves_enough() -> None:
    """Events over ten years, of which a half-life of 120 days would leave little."""
    events: list[Event] = [(user, item, 1.0, 86400 * (9 * user + item)) for user in range(400) for item in range(6)]
    assert "half-life of the fit 960 days" in plan_of(interactions_of(events), model="ease").model


def test_calibration_measures_this_machine(tmp_path: Path) -> None:
    rates = calibrate(tmp_path, ModelSettings(diversity=0.5))
    assert all(rate > 0 for rate in (rates.load, rates.count, rates.multiply, rates.write, rates.linear, rates.diverse_s))
    assert list(tmp_path.iterdir()) == []


def test_what_is_timed_has_run_before() -> None:
    """A first round compiles kernels: a plan that counted it promised hours for a run of half a minute."""
    seconds, now, done = iter([1000.0, 3.0, 2.0, 4.0]), [0.0], []

    def work() -> int:
        now[0] += next(seconds)
        done.append(now[0])
        return len(done)

    assert best_of(work, rounds=3, clock=lambda: now[0]) == (2.0, 4)


def test_scoring_is_timed_as_the_rest_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []

    def scored(*args: Any, **kwargs: Any) -> TopK:
        called.append(args)
        return score_users(*args, **kwargs)

    monkeypatch.setattr("trainer.plan.calibration.score_users", scored)
    assert calibrate(tmp_path, ModelSettings()).diverse_s == 0
    assert len(called) == 1 + ROUNDS
