"""Offline evaluation of a model, before it is promoted: hold out, fit on the rest, list, compare with what was held out."""

from __future__ import annotations

import time
from math import prod
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from contract.artifacts.artifact_writer import reserve
from contract.errors import ArtifactError
from contract.formats.evaluation import GATE_DEPTH, Evaluation, NotEvaluated, Split
from contract.settings.settings import ModelSettings
from engine.arrays import Array, Report
from engine.ranking.ranked import Ranking, ranking_arrays
from trainer.evaluation.lists import best_lists, popular_lists, renumbered
from trainer.evaluation.metrics import metrics_of
from trainer.evaluation.per_user import PerUser, per_user
from trainer.evaluation.side_by_side import Served, against, beside, errors_of
from trainer.fitting.fit_model import Made, fit_model
from trainer.interactions.interactions import Interactions
from trainer.spark.cluster import Cluster

IN_MEMORY_BYTES = 2**28  # arrays of the similarity that are larger are mapped


def evaluate(
    interactions: Interactions,
    settings: ModelSettings,
    *,
    k: int,
    sample_users: int,
    threads: int,
    limit_bytes: float,
    report: Report,
    split: Literal["auto", Split] = "auto",
    scratch: Path | None = None,
    rows_as_read: bool = False,
    served: Served | None = None,
    spark: Cluster | None = None,
) -> Evaluation | NotEvaluated:
    """Measure lists of `k` items that a model with these settings would give to at most `sample_users` users.

    The model is measured at GATE_DEPTH as well, where the gate compares models whose `k` differs.

    A quarter of those users' events is held out: the latest ("time"; "auto" where there are times), or a random one ("stratified").
    With a target, only events of it are held out and found, and what the users did in that visit and later is not known (holdout.py).
    The model is fitted on all other events, and now is the latest of their times; popularity, the baseline, is counted in the same.
    Lists hold unseen items, and those are to be found; where `settings.exclude_seen` is off, all are. They are those
    that would be served, by diversity, popularity_penalty and explore too, but for the rules of items. What exploring costs is told beside.

    The same data in another order of rows give the same figures. `rows_as_read`: the stratified split takes the rows as they come, as
    recommenders' published figures do.

    `served`: the model that is served is fitted on the same training part, and both are compared user by user at GATE_DEPTH.

    Costs one fit, whose progress `report` follows, and some seconds; one fit more for a served model whose settings make other lists.
    Memory: that of a fit, and the similarity, which lies in a nameless file in the folder `scratch` (None: the system's) if it is large.

    NotEvaluated, no error, where nobody has three interactions or more, or nothing new is held out: a tiny catalogue must train.
    Raises SettingsError and DataError where the fit does, ArtifactError where `scratch` can't be written to.
    """
    from trainer.evaluation import beyond, holdout  # recommenders takes a second to import: only for those who ask for it

    started = time.monotonic()
    if split == "auto":
        split = "time" if interactions.time is not None else "stratified"
    if split == "time" and interactions.time is None:
        return NotEvaluated(reason="the interactions have no times, so none of them is the latest")
    held = holdout.hold_out(interactions, split, sample_users, rows_as_read, exclude_seen=settings.exclude_seen)
    if held is None:
        return NotEvaluated(reason=holdout.nobody(interactions))
    users, n_items = np.unique(held.user_idx), held.items.size

    def lists_of(model: ModelSettings, depth: int, is_new: bool = False) -> _Listed:
        store, model = _Store(scratch), model.model_copy(update={"exclude_seen": settings.exclude_seen})
        made = fit_model(held.train, model, store.allocate, threads=threads, limit_bytes=limit_bytes, report=report, spark=spark)
        ranked = ranking_arrays(model, store.arrays, np.bincount(made.counted.indices, minlength=n_items))
        arrays = {**store.arrays, **made.prior, **ranked}

        def listed(how: Ranking) -> Array:
            lists = best_lists(made.rows, arrays, users, depth, threads, normalize=model.normalize, ranking=how, seen=made.seen)
            return renumbered(lists, held.items)

        how = Ranking.of(model)
        plain = listed(how._replace(every=0)) if how.every and is_new else None
        return _Listed(listed(how), made._replace(prior={}), plain)

    def measured(lists: Array) -> PerUser:
        return per_user(held.user_idx, held.item_idx, users, lists)

    best, made, plain = lists_of(settings, max(k, GATE_DEPTH), is_new=True)
    popular = renumbered(popular_lists(made.counted, n_items, users, k, exclude_seen=settings.exclude_seen), held.items)
    deepest, baseline = measured(best), measured(popular)
    model, at_ten = deepest.at(k), deepest.at(GATE_DEPTH)
    active = beyond.by_activity(made.counted, users)
    return Evaluation(
        k=k,
        split=split,
        sample_users=sample_users,
        n_users_evaluated=users.size,
        n_users_total=len(interactions.user_ids),
        n_train=held.train.user_idx.size,
        n_test=held.user_idx.size,
        model=metrics_of(model, best[:, :k], n_items),
        popularity=metrics_of(baseline, popular, n_items),
        at_gate_depth=None if k == GATE_DEPTH else metrics_of(at_ten, best[:, :GATE_DEPTH], n_items),
        errors=errors_of(model),
        errors_at_gate_depth=None if k == GATE_DEPTH else errors_of(at_ten),
        **beyond.figures(held, made.counted, model, best[:, :k], baseline, popular),
        beside_popularity=beside(model, baseline, k),
        exploration=None if plain is None else beside(model, measured(plain).at(k), k),
        against=against(settings, served, at_ten, lambda other: measured(lists_of(other, GATE_DEPTH).lists), active) if served else None,
        seconds=round(time.monotonic() - started, 2),
    )


class _Listed(NamedTuple):
    """`plain`: the same lists without exploration, where they explore."""

    lists: Array
    made: Made
    plain: Array | None


class _Store:
    """Zeroed arrays by name: in memory, or mapped into files without a name, which go when the arrays or the process do."""

    def __init__(self, scratch: Path | None) -> None:
        self.arrays: dict[str, Array] = {}
        self._scratch = scratch

    def allocate(self, name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array:
        if prod(shape) * np.dtype(dtype).itemsize <= IN_MEMORY_BYTES:
            self.arrays[name] = np.zeros(shape, dtype)
        else:
            try:
                if self._scratch is not None:
                    self._scratch.mkdir(parents=True, exist_ok=True)
                with TemporaryFile(dir=self._scratch) as file:  # the mapping keeps it open
                    self.arrays[name] = np.memmap(file, dtype, "w+", shape=shape)
                    reserve(file)
            except OSError as error:
                raise ArtifactError(f"can't evaluate with a file in {self._scratch}: {error.strerror}; set LARDER_ARTIFACTS") from error
        return self.arrays[name]
