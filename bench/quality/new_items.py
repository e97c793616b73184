"""`python -m bench new-items`: items hidden as if they were new; what lists find of them by metadata, and what that costs the others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from contract.artifacts.artifact import Array
from contract.errors import SettingsError
from contract.machine import n_cores
from contract.settings.settings import ModelSettings, Settings
from engine.ranking.ranked import Ranking, ranking_arrays
from trainer.evaluation.holdout import HeldOut, hold_out
from trainer.evaluation.lists import best_lists
from trainer.evaluation.per_user import per_user
from trainer.interactions.interactions import Interactions
from trainer.items.new_items import with_content
from trainer.items.revision import snapshot_of
from trainer.sources import load as sources
from trainer.tuning.fit import fit_in_memory

SHARE, SEED, DEPTH, K = 0.05, 42, 50, 10
EXPLORE = 0.1
MODELS: tuple[dict[str, object], ...] = ({}, {"model": "ease"}, {"model": "ease", "neighbors": 200}, {"model": "itemknn", "neighbors": 200})
HEAD = ("settings", "nDCG@10 of the others", "recall@50 of the new", "among the new alone")


def run(interactions: str, items: str, users: float, json_file: Path | None) -> None:
    """Print a table in Markdown. `users`: new_items of the models that know metadata. Raises SettingsError for a source without times."""
    with TemporaryDirectory() as folder:
        settings = Settings.from_environ({}, interactions=interactions, items=items, artifacts=Path(folder).as_uri())
        loaded = sources.load(settings.source, Path(folder))
    on = ModelSettings(new_items=users)
    known = with_content(loaded.interactions, snapshot_of(settings.source, loaded.items, on).items, on)
    hidden, held, pairs = _hide(known)
    n_new = int(hidden.sum())
    print(f"{n_new} of {hidden.size} items are new. By chance a list of {DEPTH} has {DEPTH / hidden.size:.4f} of what is to be found")
    print(f"of them, and {min(1.0, DEPTH / n_new):.3f} where it holds new items alone.\n")
    print("|", " | ".join(HEAD), "|\n|", "---|" * len(HEAD), sep="")
    rows = []
    for case in MODELS:
        for more in ({}, {"new_items": users}, {"new_items": users, "explore": EXPLORE}):
            figures = _measured(held, hidden, pairs, ModelSettings.model_validate({**case, **more}))
            options = (f"--{key.replace('_', '-')} {value}" for key, value in {**case, **more}.items())
            said = " ".join([*([] if case else ["(default)"]), *options])
            print(f"| `{said}` |", " | ".join(f"{figure:.4f}" for figure in figures), "|", flush=True)
            rows.append({"settings": said, **dict(zip(HEAD[1:], figures, strict=True))})
    if json_file is not None:
        json_file.write_text(json.dumps(rows, indent=2))


def _hide(known: Interactions) -> tuple[Array, HeldOut, Array]:
    """Which items are hidden; what is held out of the others; the pairs (user, item) of the hidden ones, all to be found."""
    n_items = len(known.item_ids)
    met = np.unique(known.item_idx)
    hidden = np.zeros(n_items, bool)
    hidden[np.random.default_rng(SEED).choice(met, round(SHARE * met.size), replace=False)] = True
    held = hold_out(known, "time", len(known.user_ids))
    if held is None or known.time is None:
        raise SettingsError("the source can't be measured: it needs times, and users with three interactions or more")
    train = held.train
    kept = ~hidden[train.item_idx]
    time = None if train.time is None else train.time[kept]
    train = replace(train, user_idx=train.user_idx[kept], item_idx=train.item_idx[kept], weight=train.weight[kept], time=time)
    others = ~hidden[held.item_idx]
    some = np.bincount(train.user_idx, minlength=len(known.user_ids)) > 0
    others &= some[held.user_idx]
    of_hidden = hidden[known.item_idx] & some[known.user_idx]
    pairs = np.unique(np.stack((known.user_idx[of_hidden], known.item_idx[of_hidden])), axis=1)
    return hidden, HeldOut(train, held.items, held.user_idx[others], held.item_idx[others]), pairs


def _measured(held: HeldOut, hidden: Array, pairs: Array, model: ModelSettings) -> tuple[float, float, float]:
    threads = n_cores()
    fitted = fit_in_memory(held.train, model, threads=threads, limit_bytes=4.0 * 2**30)
    made, arrays = fitted.made, fitted.arrays

    def lists(users: Array, depth: int, left_out: Array) -> Array:
        excluded = np.flatnonzero(left_out).astype(np.int32)
        known = {**arrays, **made.prior, "excluded": excluded}
        known |= ranking_arrays(model, known, np.bincount(made.rows.indices, minlength=hidden.size))
        return best_lists(made.rows, known, users, depth, threads, normalize=model.normalize, ranking=Ranking.of(model))

    nobody = np.zeros_like(hidden)
    others, finders = np.unique(held.user_idx), np.unique(pairs[0])
    ndcg = float(per_user(held.user_idx, held.item_idx, others, lists(others, K, nobody)).ndcg.mean())
    found = [float(per_user(pairs[0], pairs[1], finders, lists(finders, DEPTH, which)).recall.mean()) for which in (nobody, ~hidden)]
    return ndcg, found[0], found[1]
