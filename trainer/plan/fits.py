"""What the fit of a model would cost, and what a plan proposes in its place; nothing is refused here."""

from __future__ import annotations

from typing import NamedTuple

from contract.artifacts.artifact import TILE
from contract.settings.family import MATRIXLESS
from contract.settings.settings import ModelSettings
from engine.fit.similarity import Similarity
from engine.linear.matrix import Limits, Shape
from engine.models import ease
from engine.weighing.rows import rows_of_events
from trainer.fitting.family import cost_of, gram_affinity
from trainer.fitting.fit_model import sar_rows
from trainer.interactions.interactions import Interactions
from trainer.plan.calibration import Rates

SMALL_SYSTEMS = 1 / 15  # speed of many small systems in one thread, against one product of large matrices
REGRESSIONS = ("ease", "edlae", "slit")
_GIB = 2**30


class Fit(NamedTuple):
    """`peak_bytes`: beyond the rows. `row_work`: multiply-adds that one interaction costs when scores are made. `seconds` of counting
    and of linear algebra. `neighbors_that_fit`: of sar, 0 for none; `advice`: "" where there is none."""

    model: str
    n_pairs: int
    layout: str
    similarity_bytes: int
    row_work: float
    peak_bytes: float
    counting_steps: float
    algebra: float
    seconds: float
    neighbors_that_fit: int
    advice: str


def fit_of(interactions: Interactions, model: ModelSettings, threads: int, limit_bytes: float, rates: Rates) -> Fit:
    if model.model == "sar":
        return _of_sar(interactions, model, threads, limit_bytes, rates)
    n_users, n_items = len(interactions.user_ids), len(interactions.item_ids)
    pairs = rows_of_events(interactions.user_idx, interactions.item_idx, interactions.weight, interactions.time, n_users, n_items)
    limits, shape = Limits(limit_bytes, threads), Shape.of(pairs)
    cost = cost_of(shape, model, limits, has_target=interactions.target is not None)
    is_dense = not model.neighbors and model.model not in MATRIXLESS
    half_life = gram_affinity(pairs, model).half_life_days if model.fit_decay_days and pairs.timestamps is not None else 0.0
    width = n_items if is_dense else 0.0 if model.model in MATRIXLESS else min(model.neighbors, n_items)
    return Fit(
        model=_text(model, half_life) + _told(interactions, model),
        n_pairs=pairs.n_pairs,
        layout="dense" if is_dense else "sparse",
        similarity_bytes=4 * TILE * -(-n_items // TILE) * n_items if is_dense else int(cost.matrix_bytes),
        row_work=width * (2 if model.blend and not is_dense else 1),
        peak_bytes=cost.peak_bytes,
        counting_steps=cost.counting_steps,
        algebra=cost.multiply_adds,
        seconds=cost.counting_steps / rates.count / threads + _algebra_s(model, cost.multiply_adds, threads, rates),
        neighbors_that_fit=0,
        advice=_advice(shape, model, limits, cost.peak_bytes, threads, rates),
    )


def _of_sar(interactions: Interactions, model: ModelSettings, threads: int, limit_bytes: float, rates: Rates) -> Fit:
    rows = sar_rows(interactions, model)
    similarity = Similarity(rows.indptr, rows.indices, len(interactions.item_ids), model)
    choice, steps = similarity.choose(limit_bytes), similarity.counting_steps()
    fitting = similarity.neighbors_in(limit_bytes)
    above = (
        f"The similarity is above LARDER_MAX_MEMORY_GB ({limit_bytes / _GIB:g}): a run would refuse it. --neighbors {fitting} would fit."
        if choice.n_bytes > limit_bytes
        else ""
    )
    return Fit(
        model=f"sar, {model.similarity}{_told(interactions, model)}",
        n_pairs=int(rows.indices.size),
        layout=choice.layout,
        similarity_bytes=choice.n_bytes,
        row_work=choice.row_work,
        peak_bytes=choice.n_bytes // 8 if choice.layout == "dense" else choice.n_bytes if model.neighbors else 0,
        counting_steps=steps,
        algebra=0.0,
        seconds=steps / rates.count / threads,
        neighbors_that_fit=fitting,
        advice=above,
    )


def _algebra_s(model: ModelSettings, multiply_adds: float, threads: int, rates: Rates) -> float:
    """BLAS uses its own threads; small systems are solved in ours."""
    return multiply_adds / (rates.linear * SMALL_SYSTEMS * threads if model.neighbors else rates.linear)


def _advice(shape: Shape, model: ModelSettings, limits: Limits, peak_bytes: float, threads: int, rates: Rates) -> str:
    is_above = peak_bytes > limits.memory_bytes
    limit = f"LARDER_MAX_MEMORY_GB ({limits.memory_bytes / _GIB:g})"
    said = [f"The fit would take {peak_bytes / _GIB:.2f} GiB, above {limit}: a run would refuse it."]
    proposes = not model.neighbors and model.model not in MATRIXLESS and (is_above or _is_large(shape, model))
    other = model.model_copy(update={"neighbors": ease.NEIGHBORS})
    if proposes:
        cost = cost_of(shape, other, limits)
        seconds = cost.counting_steps / rates.count / threads + _algebra_s(other, cost.multiply_adds, threads, rates)
        fits = "" if cost.peak_bytes <= limits.memory_bytes else ", which is above the limit too"
        said.append(f"--neighbors {ease.NEIGHBORS} would take {seconds:,.0f} s and {cost.peak_bytes / _GIB:.2f} GiB{fits}.")
    return " ".join(said[0 if is_above else 1 :])


def _is_large(shape: Shape, model: ModelSettings) -> bool:
    return shape.n_items > ease.WHOLE_ITEMS and not {model.model, model.blend}.isdisjoint(REGRESSIONS)


def _told(interactions: Interactions, model: ModelSettings) -> str:
    """With a target, `sar` counts less than is said here: of each user's items, with those that were bought."""
    told = ", with a target" if interactions.target is not None else ""
    return told + (", seconds of one host without Spark" if model.engine == "spark" else "")


def _text(model: ModelSettings, half_life: float) -> str:
    """The model with what it is fitted on, for people."""
    name = f"{model.model} and {model.blend}" if model.blend else model.model
    nearest = f", {model.neighbors} neighbors" if model.neighbors else ""
    decay = f", half-life of the fit {half_life:g} days" if half_life and model.model not in MATRIXLESS else ""
    return f"{name}{nearest}{decay}"
