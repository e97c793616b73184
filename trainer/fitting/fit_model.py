"""One door to every model: interactions → rows of users in memory, a similarity where `allocate` puts it, a prior if there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from contract.errors import SettingsError
from contract.settings.family import AUTO
from contract.settings.settings import ModelSettings
from engine.arrays import Allocate, Array, Report
from engine.fit import rows as sar
from engine.fit.similarity import Fitted
from engine.linear.matrix import Limits
from trainer.fitting.counts import counts_of
from trainer.fitting.newcomers import Similar, fit_sar, known_of
from trainer.interactions.interactions import Interactions
from trainer.spark.cluster import Cluster

__all__ = ["NOTHING", "Made", "Seen", "Similar", "fit_model", "sar_rows"]

NOTHING: Mapping[str, Array] = {}


class Seen(NamedTuple):
    """What users have taken, where that is not all that their rows hold: CSR rows, indptr int64, indices int32, rising within a row."""

    indptr: Array
    indices: Array

    def arrays(self, disliked: Mapping[str, Array]) -> Mapping[str, Array]:
        """As an artifact names them: together with what users `disliked`, by its names."""
        if not disliked:
            return {"seen_indptr": self.indptr, "seen_indices": self.indices}
        parts = ((self.indptr, self.indices), (disliked["disliked_indptr"], disliked["disliked_indices"]))
        users = np.concatenate([np.repeat(np.arange(ends.size - 1), np.diff(ends)) for ends, _ in parts])
        items = np.concatenate([items for _, items in parts])
        order = np.lexsort((items, users))
        users, items = users[order], items[order]
        first = np.append(True, (users[1:] != users[:-1]) | (items[1:] != items[:-1]))
        ends = np.cumsum(np.bincount(users[first], minlength=self.indptr.size - 1), dtype=np.int64)
        return {"seen_indptr": np.concatenate((np.zeros(1, np.int64), ends)), "seen_indices": items[first].astype(np.int32)}


class Made(NamedTuple):
    """A fitted model. `prior` and `similar`: arrays by the names that an artifact gives them, or nothing; `learnt_from`: what its numbers
    follow from besides the settings, the ids, the rows and the prior; `seen`: what was taken, where the interactions have a target."""

    rows: sar.Rows
    fitted: Fitted
    prior: Mapping[str, Array] = NOTHING
    similar: Mapping[str, Array] = NOTHING
    learnt_from: Mapping[str, Array] = NOTHING
    seen: Seen | None = None

    @property
    def counted(self) -> Seen | sar.Rows:
        """The pairs that count for popularity, and as seen."""
        return self.seen or self.rows

    def arrays(self, normalize: bool) -> Mapping[str, Array]:
        """What an artifact holds of it besides the similarity."""
        return {**self.rows.arrays(normalize), **self.prior, **self.similar}


def fit_model(
    interactions: Interactions,
    model: ModelSettings,
    allocate: Allocate,
    *,
    threads: int,
    limit_bytes: float,
    report: Report,
    similar: Similar | None = None,
    spark: Cluster | None = None,
) -> Made:
    """Fit what the settings name, and the `similar` items where they are not what the rows of the similarity say.

    `spark`: where the engine spark fits. Without one this process fits the same bytes.

    Raises SettingsError and DataError for a model that these interactions, or the memory, can't have.
    """
    if model.model == AUTO:
        raise SettingsError("the model auto is chosen in a run, or by `larder tune`: name the model that is meant here")
    n_items, counts = len(interactions.item_ids), counts_of(model, spark, report)
    if interactions.target is not None:
        from trainer.fitting import targets  # SciPy

        return targets.fit(interactions, model, allocate, threads, limit_bytes, report, similar)
    if model.engine == "recommenders":
        from trainer.fitting import recommenders_sar as reference  # a second of imports, only for those who ask for it

        return Made(reference.fit(interactions, model, allocate), Fitted("dense", n_items))
    if model.model != "sar" or model.affinity or model.prior_gain:
        from trainer.fitting import family  # SciPy, which SAR does without

        return family.fit(interactions, model, allocate, threads, limit_bytes, report, similar, counts)
    rows = sar_rows(interactions, model, threads, allocate)
    fitted, near = fit_sar(interactions, rows, model, allocate, Limits(limit_bytes, threads), report, similar, counts)
    return Made(rows, fitted, similar=near, learnt_from=known_of(interactions))


def sar_rows(interactions: Interactions, model: ModelSettings, threads: int = 1, allocate: Allocate | None = None) -> sar.Rows:
    columns = (interactions.user_idx, interactions.item_idx, interactions.weight, interactions.time)
    return sar.fit_rows(*columns, len(interactions.user_ids), model, threads=threads, allocate=allocate)
