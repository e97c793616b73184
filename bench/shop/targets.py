"""`python -m bench targets`: purchases that are found by models with a target, and by those with one weight for all types of events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.shop.visits import visits
from contract.artifacts.artifact import Array
from contract.errors import SettingsError
from contract.machine import n_cores
from contract.settings.settings import ModelSettings, Settings
from trainer.evaluation.holdout import HeldOut, hold_out
from trainer.evaluation.lists import best_lists, renumbered
from trainer.evaluation.paired import paired
from trainer.evaluation.per_user import per_user
from trainer.fitting.fit_model import Seen
from trainer.sources import load as sources
from trainer.tuning.fit import fit_in_memory

K, USERS, LIMIT_BYTES = 10, 5000, 4.0 * 2**30
MADE_UP_USERS, MADE_UP_ITEMS = 600, 180
MODELS: tuple[Mapping[str, Any], ...] = ({}, {"model": "ease"}, {"model": "ease", "ridge": 30.0}, {"model": "popularity"})
HEAD = ("model", "with the target", "one weight for all", "errors", "the same, may list what was viewed", "errors")


def run(interactions: str, event_weights: str, target: str, json_file: Path | None) -> None:
    """Print nDCG at K in Markdown, with paired differences in standard errors. `interactions`: "" for the made-up shop.

    Raises SettingsError for a source of which nothing can be held out.
    """
    with TemporaryDirectory() as folder:
        if not interactions:
            visits(MADE_UP_USERS, MADE_UP_ITEMS).write_csv(Path(folder) / "shop.csv")
        place = interactions or str(Path(folder) / "shop.csv")
        settings = Settings.from_environ({}, interactions=place, event_weights=event_weights, target=target)
        held = hold_out(sources.load(settings.source, Path(folder)).interactions, "time", USERS)
    if held is None:
        raise SettingsError(f"nothing can be held out: nobody has an event of the type {target!r}, and others before that visit")
    print(f"{np.unique(held.user_idx).size:,} users\n\n|", " | ".join(HEAD), "|\n|", "---|" * len(HEAD), sep="")
    rows = []
    for case in MODELS:
        own, union, wider = _measured(held, ModelSettings.model_validate(case))
        errors = [paired(own, other, resamples=2).errors for other in (union, wider)]
        figures = [f"{union.mean():.4f}", f"{errors[0]:+.1f}", f"{wider.mean():.4f}", f"{errors[1]:+.1f}"]
        said = " ".join(f"--{name} {value}" for name, value in case.items()) or "(default)"
        print(f"| `{said}` | {own.mean():.4f} |", " | ".join(figures), "|", flush=True)
        rows.append({"settings": said, "target": float(own.mean()), "union": float(union.mean()), "viewed": float(wider.mean())})
    if json_file is not None:
        json_file.write_text(json.dumps(rows, indent=2))


def _measured(held: HeldOut, model: ModelSettings) -> tuple[Array, Array, Array]:
    """nDCG of the same users: with the target; without it; without it, and with lists that leave out only what was bought."""
    threads, users = n_cores(), np.unique(held.user_idx)
    with_target, without = (
        fit_in_memory(train, model, threads=threads, limit_bytes=LIMIT_BYTES) for train in (held.train, replace(held.train, target=None))
    )
    taken = with_target.made.seen

    def ndcg(fit: Any, seen: Seen | None) -> Array:
        arrays = {**fit.arrays, **fit.made.prior}
        lists = best_lists(fit.made.rows, arrays, users, K, threads, normalize=model.normalize, seen=seen)
        return per_user(held.user_idx, held.item_idx, users, renumbered(lists, held.items)).ndcg

    return ndcg(with_target, taken), ndcg(without, None), ndcg(without, taken)
