"""Which model a run fits where its settings leave that open: the winner that was kept, or that of a tune which the run makes."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from contract.errors import DataError
from contract.formats.manifest import Manifest
from contract.formats.reports.tuned import Tuned
from contract.machine import n_cores
from contract.settings.family import AUTO
from contract.settings.settings import Settings
from contract.store.tunings import Tunings
from engine.arrays import Report
from trainer.interactions.interactions import Interactions
from trainer.run.spec import RunSpec

log = logging.getLogger("larder.trainer")
ALIKE = 2.0  # times as large or as small: other data than those that were tuned on


def settled(order: RunSpec, interactions: Interactions, tunings: Tunings, report: Report) -> RunSpec:
    """The order with a model that can be fitted. Of `auto`: the kept winner, or, where there is none for these data, a new one."""
    if order.settings.model != AUTO:
        return order
    kept = tunings.latest()
    because = why_anew(kept, interactions, order.settings)
    if kept is None or because:
        log.info("run %s tunes: %s", order.run, because)
        try:
            kept = search(order.settings, interactions, report)
        except DataError as error:  # too few interactions to hold one out: a tiny catalogue must train
            log.warning("run %s keeps to the default model: %s", order.run, error)
            return replace(order, settings=with_options(order.settings, {}))
    return replace(order, settings=with_options(order.settings, kept.winner.options), tuned=kept.model_copy(update={"tried": ()}))


def instead(order: RunSpec, interactions: Interactions, evaluation: dict[str, Any], report: Report) -> RunSpec | None:
    """The order of a first run with another model, where popularity alone is better than `sar`, by more than chance; else None."""
    settings = order.settings
    if not (order.is_first and settings.tune_unasked and settings.model == "sar" and _is_below_popularity(evaluation)):
        return None
    found = search(settings, interactions, report)
    if not (found.loses_to_popularity and found.is_better):
        return None
    said = (
        f"popularity alone is better than sar on these data by {found.popularity.errors:.1f} standard errors "
        f"(nDCG@10 {found.popularity.ndcg:.4f} and {found.default.ndcg:.4f}), so this first run has gone on with model auto"
    )
    log.warning("run %s: %s", order.run, said)
    tuned = found.model_copy(update={"tried": (), "because": said})
    return replace(order, settings=with_options(settings, found.winner.options), tuned=tuned)


def remember(manifest: Manifest, tunings: Tunings) -> None:
    """Keep what chose the settings of this manifest, unless it is what was kept before, or older."""
    if manifest.tuning:
        tuned, kept = Tuned.model_validate(manifest.tuning), tunings.latest()
        if kept is None or kept.tuned_at < tuned.tuned_at or (kept.source != tuned.source):
            tunings.keep(tuned)


def search(settings: Settings, interactions: Interactions, report: Report) -> Tuned:
    from trainer.tuning.tune import tune  # recommenders' splitters take a second to import

    return tune(
        *(interactions, settings.model_settings),
        budget_s=settings.tune_budget_s,
        threads=n_cores(),
        limit_bytes=settings.max_memory_gb * 2**30,
        report=report,
    )


def with_options(settings: Settings, options: dict[str, Any]) -> Settings:
    """The settings with those of a winner in place of all that a choice sets."""
    from trainer.tuning.grid import Candidate

    model = Candidate(options).settings(settings.model_settings)
    return settings.model_copy(update=model.model_dump())


def why_anew(kept: Tuned | None, interactions: Interactions, settings: Settings) -> str:
    """Why the kept winner does not do; "" where it does."""
    if kept is None:
        return "nothing was tuned before"
    if settings.retune:
        return "it was told to"
    if kept.source != interactions.source:
        return f"the last winner is of {kept.source}"
    if kept.target != settings.target:
        return f"the last winner is of {f'events of the type {kept.target!r}' if kept.target else 'events of all types'}"
    if kept.exclude_seen != settings.exclude_seen:
        return f"the last winner is of lists {'without' if kept.exclude_seen else 'with'} what users had before"
    if not kept.ranks_as(settings):
        strengths = f"--diversity {kept.diversity:g} --popularity-penalty {kept.popularity_penalty:g} --explore {kept.explore:g}"
        return f"the last winner is of lists with {strengths}"
    counts = (kept.n_users, len(interactions.user_ids)), (kept.n_items, len(interactions.item_ids))
    if any(max(then, now) > ALIKE * min(then, now) for then, now in (*counts, (kept.n_interactions, interactions.user_idx.size))):
        return f"the last winner is of data of another size: {kept.n_interactions:,} interactions"
    age = datetime.now(UTC) - datetime.fromisoformat(kept.tuned_at)
    if settings.tune_days and age > timedelta(days=settings.tune_days):
        return f"the last winner is {age.days} days old (LARDER_TUNE_DAYS={settings.tune_days:g})"
    return ""


def _is_below_popularity(evaluation: dict[str, Any]) -> bool:
    model, popularity = (evaluation.get(name) or {} for name in ("model", "popularity"))
    return bool(model) and float(model["ndcg"]) < float(popularity["ndcg"])
