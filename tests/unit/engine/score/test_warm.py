"""What a worker has compiled before it forks is all that its jobs run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.arrays import Array
from engine.score import explain_kernels, rule_kernels, scoring_kernels, similar_kernels, sparse_kernels
from engine.score.explain import encode_contributors, explain_users
from engine.score.rules import score_by_rules
from engine.score.scoring import score_users
from engine.score.similar import similar_items
from engine.score.warm import warm
from engine.similarity_matrix import CsrSimilarity, DenseTiles, similarity_of
from tests.support.models.arrays import random_case

KERNELS = {
    "dense": (scoring_kernels.score_dense, rule_kernels.sums_dense, explain_kernels.explain_dense, similar_kernels.top_dense),
    "sparse": (sparse_kernels.score_sparse, rule_kernels.sums_sparse, explain_kernels.explain_sparse, similar_kernels.top_sparse),
}
PRIOR: dict[str, Array] = {"prior": np.zeros(130, np.float32)}
DISLIKED: dict[str, Array] = {"disliked_indptr": np.zeros(13, np.int64), "disliked_indices": np.empty(0, np.int32)}
BOTH = (scoring_kernels.finish, rule_kernels.take_under_rules, explain_kernels.pack)


def mapped(arrays: dict[str, Array], folder: Path) -> dict[str, Array]:
    """As a worker sees an artifact."""
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in arrays}


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_no_job_compiles(tmp_path: Path, layout: str, normalize: bool) -> None:
    warm()
    kernels = (*KERNELS[layout], *BOTH)
    before = [len(kernel.signatures) for kernel in kernels]
    assert all(before)
    case = random_case(130).but(normalize=normalize)
    arrays = mapped({**case.arrays(layout), **PRIOR, **DISLIKED, "excluded": np.array([3], np.int32)}, tmp_path)
    top = score_users(arrays, 2, 9, case.scale, depth=5, exclude_seen=True)
    encode_contributors(explain_users(arrays, 2, 9, top, explain_depth=2), list(range(130)))
    similar_items(arrays, np.arange(7, dtype=np.int32), depth=4)
    rules = mapped({"category_indptr": np.arange(131, dtype=np.int64), "category_indices": np.zeros(130, np.int32)}, tmp_path)
    ruled = score_by_rules({**arrays, **rules}, 2, 9, case.scale, depth=5, exclude_seen=True, max_per_category=2)
    explain_users(arrays, 2, 9, ruled, explain_depth=2)
    assert [len(kernel.signatures) for kernel in kernels] == before


def test_the_layout_is_told_in_one_place() -> None:
    case = random_case(70)
    assert [type(similarity_of(case.arrays(layout))) for layout in ("dense", "sparse")] == [DenseTiles, CsrSimilarity]
    assert {similarity_of(case.arrays(layout)).n_items for layout in ("dense", "sparse")} == {70}
