"""The grid: only settings that exist, fits that are shared, and a copy of what people set beside the model."""

from __future__ import annotations

import pytest

from contract.settings.family import FOR_TARGETS, unfit_for_target
from contract.settings.settings import ModelSettings
from engine.linear.matrix import Limits, Shape
from trainer.tuning import budget
from trainer.tuning.grid import Candidate, default_of, grid, matrix_of


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("has_times", [True, False])
def test_every_candidate_is_a_model_that_a_run_can_fit_with_the_arguments_that_are_shown(has_times: bool, whole: bool) -> None:
    found = grid(ModelSettings(k=7, exclude_seen=False), has_times=has_times, whole=whole)
    candidates = [*found.apart, *(each for matrix in found.matrices for each in found.variants(matrix, first=False))]
    arguments = [each.arguments for each in candidates]
    assert len(set(arguments)) == len(arguments) > 10
    for each in candidates:
        model = each.settings(found.default.settings(ModelSettings(k=7, exclude_seen=False)))
        assert (model.k, model.exclude_seen, model.normalize) == (7, False, False)
        words = each.arguments.split()
        said = {words[at].removeprefix("--").replace("-", "_"): words[at + 1] for at in range(0, len(words), 2)}
        assert ModelSettings.model_validate({"k": 7, "exclude_seen": False, **said}) == model


def test_regressions_of_large_catalogues_are_solved_on_nearest_items() -> None:
    matrices = grid(ModelSettings(), has_times=True, whole=False).matrices
    assert all(matrix["neighbors"] == 200 for matrix in matrices)
    assert not any("neighbors" in matrix for matrix in grid(ModelSettings(), has_times=True, whole=True).matrices if "ridge" in matrix)


def test_popularity_is_always_tried_and_without_times_nothing_that_needs_them() -> None:
    for has_times in (True, False):
        assert grid(ModelSettings(), has_times=has_times, whole=True).apart[0].options == {"model": "popularity"}
    timeless = grid(ModelSettings(), has_times=False, whole=True)
    names = {name for matrix in timeless.matrices for name in (matrix["model"], matrix.get("blend"))}
    assert not names & {"slit", "trending"}
    assert {each.options.get("affinity") for matrix in timeless.matrices for each in timeless.variants(matrix, first=False)} == {None}


def test_what_decays_with_time_is_not_said_without_times() -> None:
    timeless = grid(ModelSettings(), has_times=False, whole=True)
    assert not any("fit_decay_days" in matrix for matrix in timeless.matrices)
    assert len({Candidate(matrix).arguments for matrix in timeless.matrices}) == len(timeless.matrices)


def test_where_lists_may_hold_what_was_had_how_often_counts_and_what_it_says_for_itself() -> None:
    found = grid(ModelSettings(exclude_seen=False), has_times=True, whole=True)
    kinds = {each.settings(ModelSettings()).affinity.partition(":")[0] for each in found.variants(found.matrices[0], first=True)}
    assert kinds == {"", "log"}
    assert {matrix.get("repeat_gain") for matrix in found.matrices} == {None, 0.0, 0.3}
    assert not any("repeat_gain" in matrix for matrix in grid(ModelSettings(), has_times=True, whole=True).matrices)


def test_a_few_first_variants_are_among_all_variants() -> None:
    found = grid(ModelSettings(), has_times=True, whole=True)
    first, every = (found.variants(found.matrices[0], first=which) for which in (True, False))
    assert 1 < len(first) < len(every)
    assert {each.arguments for each in first} < {each.arguments for each in every}


def test_what_shares_a_matrix_differs_in_what_scores_are_made_from_alone() -> None:
    ease = Candidate({"model": "ease"}).settings(ModelSettings())
    same: list[dict[str, object]] = [{"affinity": "binary:rank:0.9"}, {"prior_gain": 0.1}, {"prior_gain": 0.1, "prior_days": 3.0}]
    assert {matrix_of(Candidate({"model": "ease", **more}).settings(ModelSettings())) for more in same} == {matrix_of(ease)}
    others: list[dict[str, object]] = [
        {"ridge": 30.0},
        {"neighbors": 200},
        {"blend": "slit"},
        {"affinity": "weights"},
        {"fit_decay_days": 0.0},
    ]
    assert len({matrix_of(Candidate({"model": "ease", **more}).settings(ModelSettings())) for more in others} | {matrix_of(ease)}) == 6
    days = [matrix_of(Candidate({"model": "trending", "prior_days": days}).settings(ModelSettings())) for days in (3.0, 14.0)]
    assert days[0] != days[1]


def test_the_default_is_what_a_run_would_fit() -> None:
    base = ModelSettings(model="ease", ridge=30.0, normalize=False, k=5)
    default = default_of(base)
    assert default.settings(base) is base
    assert "--model ease" in default.arguments
    assert "--ridge 30" in default.arguments
    assert default_of(ModelSettings(k=50)).arguments == ""


def plan(shape: Shape, budget_s: float, memory_bytes: float = 4 * 2**30) -> budget.Plan:
    return budget.plan(ModelSettings(), shape, has_times=True, cuts=1, budget_s=budget_s, limits=Limits(memory_bytes, threads=2))


def test_a_larger_budget_tries_more_and_what_it_leaves_out_is_named() -> None:
    shape = Shape(1500, 9000, 100_000, 4e7)
    small, large = plan(shape, 20), plan(shape, 2000)
    assert 1 <= len(small.grid.matrices) < len(large.grid.matrices)
    assert len(small.left_out) + len(small.grid.matrices) == len(large.grid.matrices)
    assert (small.share, large.share, large.left_out) == (1.0, 1.0, ())


def test_many_users_are_a_sample_where_time_is_short_and_small_data_are_whole() -> None:
    assert plan(Shape(1_000_000, 5000, 100_000_000, 1e11), 60).share < 0.5
    assert plan(Shape(6040, 3706, 1_000_000, 3.4e8), 120).share == 1.0


def test_what_no_memory_holds_is_solved_on_nearest_items_or_left_out() -> None:
    shape = Shape(5000, 12_000, 300_000, 3e7)
    assert all(matrix.get("neighbors") for matrix in plan(shape, 5000, 2**29).grid.matrices)
    assert not all(matrix.get("neighbors") for matrix in plan(shape, 5000, 2**34).grid.matrices)
    assert len(plan(shape, 5000, 2**20).left_out) >= 6


def test_with_a_target_only_models_that_know_one_are_tried() -> None:
    found = grid(ModelSettings(), has_times=True, whole=True, has_target=True)
    candidates = [*found.apart, *(each for matrix in found.matrices for each in found.variants(matrix, first=False))]
    models = [each.settings(ModelSettings()) for each in candidates]
    assert {model.model for model in models} == {"popularity", "trending", "ease"} < set(FOR_TARGETS)
    assert not any(unfit_for_target(model) or model.neighbors for model in models)
    assert grid(ModelSettings(), has_times=True, whole=False, has_target=True).matrices == ()


def test_with_a_target_a_regression_is_planned_as_what_it_takes() -> None:
    shape, limits = Shape(100_000, 9_000, 2_000_000, 9e7), Limits(2**30, 2)
    plain, target = (
        budget.plan(ModelSettings(), shape, has_times=True, cuts=1, budget_s=1e5, limits=limits, has_target=which)
        for which in (False, True)
    )
    assert any(matrix["model"] == "ease" for matrix in plain.grid.matrices)
    assert not target.grid.matrices, "three matrices of 9,000 items are within no 1 GiB"
    assert budget.plan(ModelSettings(), shape, has_times=True, cuts=1, budget_s=1e5, limits=Limits(2**32, 2), has_target=True).grid.matrices
