"""What diverse lists and a penalty on popularity cost in nDCG, and what they gain: one fit, and its lists by each of a few strengths."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel, ConfigDict

from contract.errors import DataError
from contract.settings.settings import ModelSettings
from engine.arrays import Array, Report
from engine.ranking.ranked import Ranking, ranking_arrays
from trainer.evaluation.beyond import figures
from trainer.evaluation.holdout import nobody
from trainer.evaluation.lists import best_lists, popular_lists, renumbered
from trainer.evaluation.moment import How, cut
from trainer.evaluation.paired import paired
from trainer.evaluation.per_user import per_user
from trainer.interactions.interactions import Interactions
from trainer.tuning.fit import fit_in_memory
from trainer.tuning.grid import unchosen

GRID = ((0.0, 0.0), (0.1, 0.0), (0.2, 0.0), (0.3, 0.0), (0.5, 0.0), (0.7, 0.0), (0.0, 0.1), (0.0, 0.2), (0.0, 0.4), (0.3, 0.2))
"""Diversity and penalty on popularity; the first is what the others are compared with. Where the settings explore, all others do."""
MOST_USERS = 5000


class Strength(BaseModel):
    """Lists by one diversity, one penalty and one share that explores. `change`: of nDCG, as a part of that of plain lists; `errors`: it in
    standard errors."""

    model_config = ConfigDict(frozen=True)

    diversity: float
    popularity_penalty: float
    explore: float = 0.0
    ndcg: float
    change: float
    errors: float
    coverage: float
    list_diversity: float
    long_tail: float
    popularity: float

    @property
    def arguments(self) -> str:
        named = (("--diversity", self.diversity), ("--popularity-penalty", self.popularity_penalty), ("--explore", self.explore))
        return " ".join(f"{name} {value:g}" for name, value in named if value)


class Strengths(BaseModel):
    """At k, of the model that the settings name. `tried`: the plain lists first."""

    model_config = ConfigDict(frozen=True)

    source: str
    model: str
    how: How
    k: int
    n_users_measured: int
    seconds: float
    tried: tuple[Strength, ...]


def measure_strengths(
    interactions: Interactions, base: ModelSettings, *, threads: int, limit_bytes: float, report: Report = lambda *_: None
) -> Strengths:
    """Fit the model of `base` on what came before one moment of time, as a tune does, and measure its lists by each strength of the grid.

    Costs one fit, and the lists of at most MOST_USERS users for each strength. Memory: that of the fit and of its similarity. Raises
    DataError where nothing can be held out, and what a fit raises.
    """
    started, base = time.monotonic(), unchosen(base)
    found = cut(interactions, MOST_USERS, exclude_seen=base.exclude_seen)
    if found is None:
        raise DataError(f"{interactions.source}: nothing can be held out: {nobody(interactions)}")
    held = found.held
    made, arrays = fit_in_memory(held.train, base, threads=threads, limit_bytes=limit_bytes)
    users, n_items = np.unique(held.user_idx), held.items.size
    n_users, known = np.bincount(made.counted.indices, minlength=n_items), {**arrays, **made.prior}
    popular = renumbered(popular_lists(made.counted, n_items, users, base.k, exclude_seen=base.exclude_seen), held.items)
    baseline = per_user(held.user_idx, held.item_idx, users, popular)
    plain: Array | None = None
    tried = []
    grid = [(*GRID[0], 0.0), *((*each, base.explore) for each in (GRID if base.explore else GRID[1:]))]
    for done, (diversity, penalty, share) in enumerate(grid):
        report(done, len(grid))
        model = base.model_copy(update={"diversity": diversity, "popularity_penalty": penalty, "explore": share})
        everything: Mapping[str, Array] = {**known, **ranking_arrays(model, known, n_users)}
        how = {"normalize": model.normalize, "ranking": Ranking.of(model), "seen": made.seen}
        lists = best_lists(made.rows, everything, users, base.k, threads, **how)  # type: ignore[arg-type]
        named = renumbered(lists, held.items)
        each = per_user(held.user_idx, held.item_idx, users, named)
        plain = each.ndcg if plain is None else plain
        pair, beyond = paired(each.ndcg, plain, resamples=2), figures(held, made.counted, each, named, baseline, popular)["beyond"]
        tried.append(
            Strength(
                diversity=diversity,
                popularity_penalty=penalty,
                explore=share,
                ndcg=round(pair.new, 6),
                change=round(pair.relative, 6) if np.isfinite(pair.relative) else 0.0,
                errors=round(pair.errors, 2) if np.isfinite(pair.errors) else 0.0,
                coverage=round(np.unique(lists[lists >= 0]).size / n_items, 6),
                list_diversity=beyond.diversity,
                long_tail=beyond.long_tail,
                popularity=beyond.popularity,
            )
        )
    report(len(grid), len(grid))
    return Strengths(
        source=interactions.source,
        model=base.model,
        how=found.how,
        k=base.k,
        n_users_measured=users.size,
        seconds=round(time.monotonic() - started, 1),
        tried=tuple(tried),
    )
