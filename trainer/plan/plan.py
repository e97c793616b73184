"""What a run would cost, before it is begun: bytes on disk, in memory and in Redis, and seconds on this machine.

Bytes follow from formulas whose constants were measured (docs/performance.md); seconds from operation counts and the rates of a
short calibration on the machine that asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.table import Table

from contract.artifacts.artifact import folder_of
from contract.errors import SettingsError
from contract.formats.keys import Id
from contract.formats.shard_record import SHARD_USERS
from contract.machine import n_cores
from contract.settings.family import AUTO
from contract.settings.settings import ModelSettings, Settings
from engine.fit.similarity import SPARSE_PER_S
from trainer.evaluation.evaluate import IN_MEMORY_BYTES
from trainer.interactions.interactions import Interactions
from trainer.plan.calibration import Rates, calibrate
from trainer.plan.capacity import api_bytes, lists_bytes, named_bytes
from trainer.plan.fits import Fit, fit_of
from trainer.sources import load as sources

MIB = 2**20
# Resident memory beyond the arrays that the formulas count.
TRAINER_BASE = 223 * MIB  # Python, NumPy, Numba's compiler, polars
EVALUATION_BASE = 140 * MIB  # recommenders and what it imports
WORKER_BASE = 105 * MIB
# Bytes of own memory an interaction: while columns are gathered and indexed; while a model is fitted on them, whose rows lie in
# mapped files; and while one part of them is held out, and the rows of the other lie in memory.
LOADED, FITTED, EVALUATED = 38, 31, 62


@dataclass(frozen=True, slots=True)
class Plan:
    model: str
    n_users: int
    n_items: int
    n_interactions: int
    layout: str
    similarity_bytes: int
    artifact_bytes: int
    trainer_peak_bytes: int
    worker_peak_bytes: int
    redis_bytes: int
    counting_steps: float
    algebra: float
    multiply_adds: float
    load_s: float
    fit_s: float
    write_s: float
    score_s: float
    diverse_s: float
    neighbors_that_fit: int
    advice: str
    api_bytes: int = 0
    api_more_bytes: int = 0

    @property
    def whole_s(self) -> float:
        return self.load_s + self.fit_s + self.write_s + self.score_s + self.diverse_s


def make_plan(
    interactions: Interactions,
    model: ModelSettings,
    *,
    workers: int,
    threads: int,
    limit_bytes: float,
    rates: Rates,
    evaluate: bool = False,
) -> Plan:
    """Count what a run on `interactions` would do; nothing is refused. Seconds are those of a run that does not `evaluate`."""
    n_users, n_items = len(interactions.user_ids), len(interactions.item_ids)
    fit = fit_of(interactions, model, threads, limit_bytes, rates)
    n, layout, similarity_bytes, row_work = fit.n_pairs, fit.layout, fit.similarity_bytes, fit.row_work
    row_bytes = 12 if model.normalize else 8
    user_id, item_id = _mean_id_bytes(interactions.user_ids), _mean_id_bytes(interactions.item_ids)
    artifact = (
        similarity_bytes + n * row_bytes + int(n_users * (12 + user_id) + n_items * (4 + 8 * (interactions.time is not None) + item_id))
    )
    if model.model != "sar":  # similar items in rows of their own
        artifact += n_items * (8 + 8 * min(model.similar_depth, n_items))
    artifact += 4 * n_items * ((model.diversity > 0) + (model.popularity_penalty > 0))
    depth, passes = min(model.stored_depth, n_items), 2 if model.explore else 1
    shard_users = min(n_users, SHARD_USERS)
    return Plan(
        model=fit.model,
        n_users=n_users,
        n_items=n_items,
        n_interactions=n,
        layout=layout,
        similarity_bytes=similarity_bytes,
        artifact_bytes=artifact,
        trainer_peak_bytes=trainer_bytes(interactions.user_idx.size, fit, evaluate=evaluate),
        worker_peak_bytes=WORKER_BASE + similarity_bytes + n * row_bytes * shard_users // n_users + shard_users * (depth * 8 + 220),
        redis_bytes=lists_bytes(interactions, model),
        counting_steps=fit.counting_steps,
        algebra=fit.algebra,
        multiply_adds=passes * n * row_work,
        load_s=n / rates.load,
        fit_s=fit.seconds + n / rates.load,
        write_s=artifact / rates.write,
        score_s=passes
        * (n * row_work + n_users * n_items * model.has_prior)
        / (rates.multiply if layout == "dense" else SPARSE_PER_S)
        / workers
        + n_users / 150_000,
        diverse_s=n_users * rates.diverse_s / workers if model.diversity else 0.0,
        neighbors_that_fit=fit.neighbors_that_fit,
        advice=fit.advice,
    )


def trainer_bytes(n_events: int, fit: Fit, *, evaluate: bool) -> int:
    """Of the trainer at its peak, without pages of mapped files, which the system takes back. Of an evaluation, a similarity that is
    small lies in memory, others in mapped files."""
    largest = fit.similarity_bytes if fit.layout == "dense" else fit.similarity_bytes // 2
    evaluated = EVALUATION_BASE + n_events * EVALUATED + int(fit.peak_bytes) + (fit.similarity_bytes if largest <= IN_MEMORY_BYTES else 0)
    return TRAINER_BASE + max(n_events * LOADED, n_events * FITTED + int(fit.peak_bytes), evaluated if evaluate else 0)


def _mean_id_bytes(ids: Sequence[Id]) -> float:
    """Of an id in an artifact: an int64, or text and its end."""
    return 8.0 if isinstance(ids[0], int) else 8.0 + float(np.mean([len(str(value).encode()) for value in ids[:10_000]]))


def plan_table(settings: Settings, workers: int) -> Table:
    """Load what the settings name, calibrate, and make the plan."""
    if settings.model == AUTO:
        raise SettingsError("--model=auto: a run chooses it, or `larder tune` shows it: plan a model by its name")
    folder = folder_of(settings.artifacts)
    interactions = sources.load(settings.source, folder / ".datasets").interactions
    threads, limit = n_cores(), settings.max_memory_gb * 2**30
    model = settings.model_settings
    plan = make_plan(
        interactions, model, workers=workers, threads=threads, limit_bytes=limit, rates=calibrate(folder, model), evaluate=settings.evaluate
    )
    api, more = api_bytes(len(interactions.item_ids), settings)
    redis_bytes = plan.redis_bytes + named_bytes(interactions, settings)
    plan = replace(plan, redis_bytes=redis_bytes, api_bytes=api, api_more_bytes=more)
    table = table_of(plan, workers)
    table.caption = plan.advice or None
    return table


def table_of(plan: Plan, workers: int) -> Table:
    """The plan for people: each figure with what it follows from."""
    table = Table("", "", "follows from", title=f"{plan.n_users:,} users, {plan.n_items:,} items, {plan.n_interactions:,} interactions")
    table.add_row("model", plan.model, "settings (docs/models.md)")
    table.add_row("similarity", _size(plan.similarity_bytes), f"{plan.layout} layout")
    table.add_row("artifact on disk", _size(plan.artifact_bytes), "similarity, rows of users, ids")
    table.add_row(
        "trainer, peak memory", _size(plan.trainer_peak_bytes), "interactions; besides, pages of mapped files, which the system takes back"
    )
    table.add_row("one worker, peak memory", _size(plan.worker_peak_bytes), "the mapped similarity (clean pages) and one shard")
    table.add_row("lists in Redis", _size(plan.redis_bytes), "payloads in buckets; twice while a new generation is written")
    if plan.api_bytes:
        follows = f"columns to filter by, titles; {_size(plan.api_more_bytes)} more while items are replaced" if plan.api_more_bytes else ""
        table.add_row("one process of the API", _size(plan.api_bytes), follows or "no columns to filter by, and no titles")
    table.add_row("load", f"{plan.load_s:.1f} s", "interactions")
    table.add_row(
        "fit",
        f"{plan.fit_s:.1f} s",
        f"{plan.counting_steps:.3g} counting steps" + (f", {plan.algebra:.3g} multiply-adds" if plan.algebra else ""),
    )
    table.add_row("write", f"{plan.write_s:.1f} s", "bytes of the artifact")
    table.add_row("score", f"{plan.score_s:.1f} s", f"{plan.multiply_adds:.3g} multiply-adds, {workers} worker(s)")
    if plan.diverse_s:
        table.add_row("diverse lists", f"{plan.diverse_s:.1f} s", f"pools and lists of this depth and --diversity, {workers} worker(s)")
    table.add_row("whole run", f"{plan.whole_s:.1f} s", "")
    return table


def _size(n_bytes: float) -> str:
    return f"{n_bytes / MIB:,.1f} MiB" if n_bytes < 2**30 else f"{n_bytes / 2**30:,.2f} GiB"
