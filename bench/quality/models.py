"""`python -m bench models`: what each model of the family would find of held-out interactions of a source."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from contract.errors import SettingsError
from contract.formats.evaluation import NotEvaluated
from contract.machine import n_cores
from contract.settings.settings import Settings
from trainer.evaluation.evaluate import evaluate
from trainer.sources import load as sources

K = 10
CASES: tuple[dict[str, object], ...] = (
    {},
    {"model": "ease"},
    {"model": "ease", "fit_decay_days": 0, "affinity": "binary"},
    {"model": "ease", "neighbors": 200},
    {"model": "ease", "affinity": "binary:rank:0.9"},
    {"model": "ease", "prior_gain": 0.1},
    {"model": "edlae"},
    {"model": "itemknn", "neighbors": 200},
    {"model": "itemknn", "neighbors": 200, "weighting": "bm25"},
    {"model": "rp3beta"},
    {"model": "slit"},
    {"model": "ease", "blend": "slit"},
    {"model": "ease", "blend": "slit", "affinity": "binary:rank:0.9"},
    {"model": "popularity"},
    {"model": "trending"},
)
HEAD = ("settings", "own last: nDCG", "coverage", "stratified: nDCG", "precision", "recall", "coverage")


def run(interactions: str, header: bool, users: int, json_file: Path | None) -> None:
    """Print a table in Markdown. Raises SettingsError for a source without times."""
    with TemporaryDirectory() as folder:
        settings = Settings.from_environ({}, interactions=interactions, header=header, artifacts=Path(folder).as_uri())
        found = sources.load(settings.source, Path(folder)).interactions
        print("|", " | ".join(HEAD), "|\n|", "---|" * len(HEAD), sep="")
        rows = []
        for case in CASES:
            model = Settings.from_environ({}, **case).model_settings
            measured = [
                evaluate(
                    *(found, model),
                    k=K,
                    sample_users=users,
                    threads=n_cores(),
                    limit_bytes=settings.max_memory_gb * 2**30,
                    report=lambda *_: None,
                    split=split,
                )
                for split in ("time", "stratified")
            ]
            late, mixed = measured
            name = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in case.items()) or "(default)"
            if isinstance(late, NotEvaluated) or isinstance(mixed, NotEvaluated):
                raise SettingsError(f"{interactions} can't be measured: {late if isinstance(late, NotEvaluated) else mixed}")
            figures = (
                late.model.ndcg,
                late.model.coverage,
                mixed.model.ndcg,
                mixed.model.precision,
                mixed.model.recall,
                mixed.model.coverage,
            )
            print(f"| `{name}` |", " | ".join(f"{figure:.3f}" for figure in figures), "|", flush=True)
            rows.append({"settings": case, "time": late.model_dump(mode="json"), "stratified": mixed.model_dump(mode="json")})
    if json_file is not None:
        json_file.write_text(json.dumps(rows, indent=2))
