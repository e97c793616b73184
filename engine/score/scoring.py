"""Exact top-k lists of a range of users, from an artifact's arrays. No Redis here, and no users × items matrix anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.score import scoring_kernels as kernels
from engine.score import sparse_kernels
from engine.score.vector_code import TILE


@dataclass(frozen=True, slots=True)
class TopK:
    """Lists of n users, best first. `items` int32 (n, depth) item_idx, `scores` float32 (n, depth), `lengths` int32 (n)."""

    items: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]
    lengths: npt.NDArray[np.int32]


def score_users(
    arrays: Mapping[str, npt.NDArray[Any]],
    start: int,
    end: int,
    *,
    n_items: int,
    depth: int,
    normalize: bool,
    exclude_seen: bool,
    weight_min: float,
    weight_max: float,
) -> TopK:
    """Lists of user_idx `start` to `end`, at most `depth` items with a positive score each.

    `arrays` as contract/formats/artifact.py names them, with a dense ("similarity") or a sparse ("similarity_indptr", ...) similarity;
    items of "excluded", if that is there, are in no list, those of "disliked_indices" not in their user's; "prior", if that is there, is
    added to everybody's sums, which then have no exponent. Memory: (depth · 8 + 24) bytes a user beyond the mapped arrays.
    """
    n_users, depth = end - start, min(depth, n_items)
    items = np.zeros((n_users, depth), np.int32)
    scores = np.zeros((n_users, depth), np.float32)
    lengths = np.zeros(n_users, np.int32)
    low, high = np.zeros(n_users, np.float32), np.zeros(n_users, np.float32)
    unity = arrays["unity"] if normalize else np.empty(0, np.float32)
    rows = [plain(array) for array in (arrays["indptr"], arrays["indices"], arrays["affinity"], unity)]
    how = (start, end, exclude_seen, excluded_mask(arrays, n_items), prior_of(arrays), *disliked_rows(arrays))
    out = (items, scores, lengths, low, high)
    if "similarity" in arrays:
        kernels.score_dense(plain(arrays["similarity"]), n_items, *rows, *how, *out)
    else:
        similarity = [plain(arrays[f"similarity_{part}"]) for part in ("indptr", "indices", "data")]
        sparse_kernels.score_sparse(*similarity, n_items, *rows, *how, *out)
    exponent = np.ascontiguousarray(arrays["exponent"][start:end])
    kernels.finish(items, scores, lengths, low, high, exponent, weight_min, weight_max, normalize)
    return TopK(items, scores, lengths)


def excluded_mask(arrays: Mapping[str, npt.NDArray[Any]], n_items: int) -> npt.NDArray[np.bool_]:
    """Of each item, whether it is in no list."""
    mask = np.zeros(n_items, np.bool_)
    if "excluded" in arrays:
        mask[arrays["excluded"]] = True
    return mask


def prior_of(arrays: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
    """What is added to everybody's sums; empty where nothing is."""
    return plain(arrays["prior"]) if "prior" in arrays else plain(np.empty(0, np.float32))


def disliked_rows(arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """CSR rows of what users disliked; both empty where nobody did."""
    if "disliked_indptr" not in arrays:
        return plain(np.empty(0, np.int64)), plain(np.empty(0, np.int32))
    return plain(arrays["disliked_indptr"]), plain(arrays["disliked_indices"])


def warm() -> None:
    """Compile, or load from Numba's cache, all that `score_users` calls."""
    rows: dict[str, npt.NDArray[Any]] = {
        "indptr": np.array([0, 1], np.int64),
        "indices": np.zeros(1, np.int32),
        "affinity": np.ones(1, np.float32),
        "unity": np.ones(1, np.float32),
        "exponent": np.zeros(1, np.int32),
    }
    dense: dict[str, npt.NDArray[Any]] = {"similarity": np.ones((1, 1, TILE), np.float32)}
    sparse: dict[str, npt.NDArray[Any]] = {
        "similarity_indptr": np.array([0, 1], np.int64),
        "similarity_indices": np.zeros(1, np.int32),
        "similarity_data": np.ones(1, np.float32),
    }
    how = {"normalize": True, "exclude_seen": False, "weight_min": 1.0, "weight_max": 1.0}
    for similarity in (dense, sparse):
        score_users({**rows, **similarity}, 0, 1, n_items=1, depth=1, **how)  # type: ignore[arg-type]


def plain(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same memory as a read-only plain array, so that mapped and ordinary arrays share one compiled signature."""
    plain = np.asarray(array).view()
    plain.flags.writeable = False
    return plain
