"""recommenders' SAR as the judge of our lists, mended where it is known to be wrong.

Mended: a similarity that is not finite counts as none. Information measures give -inf for items that never met, and a threshold
0/0 for items that fell below it. Its lexicographers' mutual information multiplies matrices where the formula multiplies
elements; its own helper on a dense matrix is right, and is used here. test_library_bugs.py shows all of these.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd
from recommenders.utils.python_utils import lexicographers_mutual_information

from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.score.scoring import TopK
from trainer.fitting.recommenders_sar import ITEM, SAR, USER, frame_of, new_sar
from trainer.interactions.interactions import Interactions

RTOL = 1e-5
ROUNDING = 1e-6  # of float32 sums, relative to the sum of the absolute values of what is added


@contextmanager
def quiet() -> Iterator[None]:
    """The library divides by zero and takes logarithms of it; here that is no news."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def fitted(interactions: Interactions, model: ModelSettings) -> SAR:
    """The library's SAR on positions, as it comes."""
    sar = new_sar(model, decays=interactions.time is not None and model.time_decay_days > 0)
    with quiet():
        sar.fit(frame_of(interactions))
    return sar


@dataclass(frozen=True, slots=True)
class Oracle:
    """What the library says of every user and item, by position: users × items unless said otherwise, float64.

    `scores` are its own, -inf for what it leaves out, NaN where it can't map a user's scores to the scale; `raw` = affinity @
    similarity. `score_error` and `raw_error` are what float32 may differ by. `top`: its recommend_k_items, user -> scores.
    """

    similarity: Array
    scores: Array
    raw: Array
    score_error: Array
    raw_error: Array
    allowed: Array
    top: dict[int, list[float]]


def ask(interactions: Interactions, model: ModelSettings) -> Oracle:
    sar, n_items = fitted(interactions, model), len(interactions.item_ids)
    everyone = pd.DataFrame({USER: np.arange(len(interactions.user_ids))})
    users = np.array([sar.user2index[user] for user in everyone[USER]])
    items = np.array([sar.item2index[item] for item in range(n_items)])
    similarity = sar.item_similarity = _mended(sar, model)
    affinity = sar.user_affinity.toarray()[users]
    raw, sizes = (affinity @ similarity)[:, items], (affinity @ np.abs(similarity))[:, items]
    with quiet():
        scores = np.array(sar.score(everyone, remove_seen=model.exclude_seen))[:, items]
        top = sar.recommend_k_items(everyone, top_k=model.stored_depth, remove_seen=model.exclude_seen)
        score_error = RTOL * np.abs(scores) + ROUNDING * sizes
    if model.normalize:
        unity = sar.unity_user_affinity.toarray()[users]
        scale, span_error = _scale(sar, unity @ similarity, (unity @ np.abs(similarity)).max(axis=1))
        with quiet():
            score_error = RTOL * np.abs(scores) + (ROUNDING * sizes + span_error) * scale
        scores[np.isnan(scale[:, 0])] = np.nan
    seen = np.zeros(raw.shape, dtype=bool)
    seen[interactions.user_idx, interactions.item_idx] = model.exclude_seen
    return Oracle(
        similarity=similarity[np.ix_(items, items)],
        scores=scores,
        raw=raw,
        score_error=score_error,
        raw_error=ROUNDING * sizes,
        allowed=~seen,
        top={user: _positive(part, scores[user], raw[user]) for user, part in top.groupby(USER)},
    )


def _scale(sar: SAR, counts: Array, sizes: Array) -> tuple[Array, Array]:
    """How much a user's scores stretch raw ones, NaN where all are one point or the order is turned round; error of the ends."""
    span = counts.max(axis=1) * sar.rating_max - counts.min(axis=1) * sar.rating_min
    error = ROUNDING * sizes * sar.rating_max
    span = np.where(span > error, span, np.nan)
    return ((sar.rating_max - sar.rating_min) / span)[:, None], error[:, None]


def _mended(sar: SAR, model: ModelSettings) -> Array:
    similarity = sar.item_similarity
    if model.similarity == "lexicographers mutual information":
        hits = (sar.user_affinity > 0).astype(np.float64)
        counts = (hits.T @ hits).toarray()
        with quiet():
            similarity = lexicographers_mutual_information(np.where(counts >= model.threshold, counts, 0.0))
    dense = np.asarray(similarity.todense() if hasattr(similarity, "todense") else similarity, dtype=np.float64)
    return np.where(np.isfinite(dense), dense, 0.0)


def _positive(part: pd.DataFrame, scores: Array, raw: Array) -> list[float]:
    """The library's own list of a user without the padding of items that nothing speaks for."""
    return [float(scores[item]) for item in part[ITEM] if raw[item] > 0]


def assert_lists_agree(top: TopK, oracle: Oracle, depth: int) -> None:
    """Every user's list is the library's order, up to scores that float32 can't tell apart, of the items that score above zero."""
    for user, n in enumerate(top.lengths.tolist()):
        listed, raw, allowed = top.items[user, :n].tolist(), oracle.raw[user], oracle.allowed[user]
        assert len(set(listed)) == n
        assert allowed[listed].all(), "a seen item is listed"
        surely, perhaps = raw > oracle.raw_error[user], raw > -oracle.raw_error[user]
        assert perhaps[listed].all(), "an item is listed that nothing speaks for"
        assert min(depth, (surely & allowed).sum()) <= n <= min(depth, (perhaps & allowed).sum())
        best = np.argsort(np.where(allowed, -raw, np.inf), kind="stable")[:n]
        margin = oracle.raw_error[user][best] + oracle.raw_error[user][listed] + RTOL * np.abs(raw[best])
        assert (np.abs(raw[best] - raw[listed]) <= margin).all(), f"user {user}: {listed} in place of {best.tolist()}"
        scores = oracle.scores[user]
        if np.isnan(scores).any():
            continue
        off = np.abs(top.scores[user, :n] - scores[listed])
        assert (off <= oracle.score_error[user][listed]).all(), f"user {user}: {top.scores[user, :n]} in place of {scores[listed]}"
        theirs = oracle.top.get(user, [])[:n]
        margin = oracle.score_error[user][listed][: len(theirs)] * 2
        assert (np.abs(np.array(theirs) - top.scores[user, : len(theirs)]) <= margin).all()
