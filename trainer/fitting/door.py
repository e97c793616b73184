"""One door to every model: interactions → rows of users in memory, a similarity where `allocate` puts it, a prior if there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from contract.errors import SettingsError
from contract.settings.family import AUTO
from contract.settings.settings import ModelSettings
from engine.arrays import Allocate, Array, Report
from engine.fit import rows as sar
from engine.fit.similarity import Fitted
from engine.linear.matrix import Limits
from trainer.fitting.newcomers import Similar, fit_sar, known_of
from trainer.interactions.interactions import Interactions

__all__ = ["NOTHING", "Made", "Similar", "fit_model", "sar_rows"]

NOTHING: Mapping[str, Array] = {}


class Made(NamedTuple):
    """A fitted model. `prior` and `similar`: arrays by the names that an artifact gives them, or nothing; `learnt_from`: what its numbers
    follow from besides the settings, the ids, the rows and the prior."""

    rows: sar.Rows
    fitted: Fitted
    prior: Mapping[str, Array] = NOTHING
    similar: Mapping[str, Array] = NOTHING
    learnt_from: Mapping[str, Array] = NOTHING

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
) -> Made:
    """Fit what the settings name, and the `similar` items where they are not what the rows of the similarity say.

    Raises SettingsError and DataError for a model that these interactions, or the memory, can't have.
    """
    if model.model == AUTO:
        raise SettingsError("the model auto is chosen in a run, or by `larder tune`: name the model that is meant here")
    n_items = len(interactions.item_ids)
    if model.engine == "recommenders":
        from trainer.fitting import recommenders_sar as reference  # a second of imports, only for those who ask for it

        return Made(reference.fit(interactions, model, allocate), Fitted("dense", n_items))
    if model.model != "sar" or model.affinity or model.prior_gain:
        from trainer.fitting import family  # SciPy, which SAR does without

        return family.fit(interactions, model, allocate, threads, limit_bytes, report, similar)
    rows = sar_rows(interactions, model)
    fitted, near = fit_sar(interactions, rows, model, allocate, Limits(limit_bytes, threads), report, similar)
    return Made(rows, fitted, similar=near, learnt_from=known_of(interactions))


def sar_rows(interactions: Interactions, model: ModelSettings) -> sar.Rows:
    columns = (interactions.user_idx, interactions.item_idx, interactions.weight, interactions.time)
    return sar.fit_rows(*columns, len(interactions.user_ids), len(interactions.item_ids), model)
