"""Two models on the same held-out events of the same users: the new one beside popularity, and beside the one that is served."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, get_args

import numpy as np

from contract.errors import DataError, SettingsError
from contract.formats.beyond import Third
from contract.formats.evaluation import GATE_DEPTH, Against, Errors, SideBySide
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.ranking.ranked import Ranking
from trainer.evaluation.paired import paired
from trainer.evaluation.per_user import PerUser

DECIMALS = 8
UNMEASURED = ("exclude_seen", "k", "depth", "similar_depth", "explain_depth")
RULES = ("exclude_items", "exclude_categories", "max_per_category", "boosts")
"""Settings in which the two may differ and make the same lists: all lists of an evaluation leave out what was seen, or none, as the new
settings say; they are as long as it asks for, and know no rules. The pool of a diverse
list, and the items that one explores, follow from `depth`."""


class Served(NamedTuple):
    """The generation that is served, and what its model was fitted with."""

    generation: str
    settings: ModelSettings


def against(
    new: ModelSettings, served: Served, measured: PerUser, measure: Callable[[ModelSettings], PerUser], thirds: Array | None = None
) -> Against:
    """The served model beside the new one, `measured` at GATE_DEPTH. `measure` fits settings on the same training part. `thirds`: for each
    user the third, 0 to 2; each is compared by itself as well.

    Settings that make the same lists are not fitted again: the difference is 0.
    """
    if _that_count(new) == _that_count(served.settings):
        return _against(served, measured, measured, thirds)
    try:
        old = measure(served.settings)
    except (SettingsError, DataError) as error:
        return Against(generation=served.generation, reason=str(error))
    return _against(served, measured, old, thirds)


def _against(served: Served, new: PerUser, old: PerUser, thirds: Array | None) -> Against:
    parts: dict[Third, SideBySide] = {}
    for at, name in enumerate(get_args(Third)):
        if thirds is not None and (of_third := thirds == at).sum() > 1:  # one user says nothing of others
            parts[name] = _beside(new.ndcg[of_third], old.ndcg[of_third], GATE_DEPTH)
    return Against(generation=served.generation, ndcg=beside(new, old, GATE_DEPTH), thirds=parts)


def beside(new: PerUser, old: PerUser, depth: int) -> SideBySide:
    """nDCG of both at `depth`, user by user. Of a single user the error is as large as the metric can be: one says nothing of others."""
    return _beside(new.ndcg, old.ndcg, depth)


def _beside(new: Array, old: Array, depth: int) -> SideBySide:
    found = paired(new, old)
    figures = {name: getattr(found, name) for name in ("new", "old", "difference", "standard_error", "low", "high")}
    bounded = {name: round(float(np.clip(figure, -1.0, 1.0)), DECIMALS) for name, figure in figures.items()}
    return SideBySide(depth=depth, n_users=found.n_users, **bounded)


def errors_of(measured: PerUser) -> Errors:
    """Standard errors of the means."""
    return Errors(**{name: _error(getattr(measured, name)) for name in Errors.model_fields})


def _error(values: Array) -> float:
    return round(float(values.std(ddof=1) / np.sqrt(values.size)), DECIMALS) if values.size > 1 else 1.0


def _that_count(settings: ModelSettings) -> dict[str, object]:
    how = Ranking.of(settings)
    own = {"pooled": how.pooled if settings.diversity else 0, "window": how.window}
    return {**settings.model_dump(exclude={*UNMEASURED, *RULES}), **own}
