"""`python -m bench choosing`: whether a tune ends within its budget, chooses the same again, and comes near the best of the whole grid."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from contract.errors import DataError
from contract.formats.reports.tuned import Tuned
from contract.machine import n_cores
from contract.settings.settings import ModelSettings, Settings
from trainer.evaluation.moment import cuts
from trainer.interactions.interactions import Interactions
from trainer.sources import load as sources
from trainer.tuning.grid import Candidate, grid
from trainer.tuning.score import Score
from trainer.tuning.trial import Trial
from trainer.tuning.tune import tune

SHOWN = 5


def run(interactions: str, header: bool, budget_s: float, users: int, json_file: Path | None) -> None:
    """Print two tunes, and where their winner stands among all candidates of the grid, measured on the same users."""
    with TemporaryDirectory() as folder:
        settings = Settings.from_environ({}, interactions=interactions, header=header, artifacts=Path(folder).as_uri())
        data = sources.load(settings.source, Path(folder)).interactions
    limits = {"threads": n_cores(), "limit_bytes": settings.max_memory_gb * 2**30}
    found: list[Tuned] = [tune(data, ModelSettings(), budget_s=budget_s, **limits) for _ in range(2)]  # type: ignore[arg-type]
    for one in found:
        print(f"{one.seconds:.1f} s of {budget_s:g}: `{one.winner.arguments or '(default)'}`{', ' * bool(one.cut_short)}{one.cut_short}")
    winner = Candidate(found[0].winner.options)
    scores = _whole_grid(data, users, [winner], threads=n_cores(), limit_bytes=settings.max_memory_gb * 2**30)
    best, won = scores[0], next(score for score in scores if score.candidate.arguments == found[0].winner.arguments)
    gap = 1 - won.level / best.level
    print(f"\nOf {len(scores)} candidates, on {best.values[0].size:,} users, {gap:.1%} below the best:\n")
    print("| candidate | nDCG@10 | times the default, all parts |\n|---|---|---|")
    for score in [*scores[:SHOWN], *([] if any(score is won for score in scores[:SHOWN]) else [won])]:
        print(
            f"| `{score.candidate.arguments or '(default)'}`{' (chosen)' if score is won else ''} | {score.ndcg:.4f} | {score.level:.3f} |"
        )
    if json_file is not None:
        tunes = [one.model_dump(mode="json", exclude={"tried"}) for one in found]
        everything = [{"candidate": score.candidate.arguments, "ndcg": score.ndcg, "level": score.level} for score in scores]
        json_file.write_text(json.dumps({"tunes": tunes, "gap": gap, "grid": everything}, indent=2))


def _whole_grid(data: Interactions, users: int, also: Sequence[Candidate], *, threads: int, limit_bytes: float) -> list[Score]:
    """Every matrix with every affinity and prior, the best first, `also` among them, which a budget may have given nearest items."""
    base, parts = ModelSettings(), cuts(data, users)
    if not parts:
        raise DataError(f"{data.source}: nothing can be held out")
    trials = [Trial(part.held, base, threads=threads, limit_bytes=limit_bytes) for part in parts]
    whole = grid(base, has_times=data.time is not None, whole=True)
    candidates = [whole.default, *whole.apart, *(each for matrix in whole.matrices for each in whole.variants(matrix, first=False))]
    known = {candidate.arguments for candidate in candidates}
    candidates += [candidate for candidate in also if candidate.arguments not in known]
    default = tuple(trial.ndcg(whole.default, users) for trial in trials)

    def scored(candidate: Candidate) -> Score:
        return Score(candidate, tuple(trial.ndcg(candidate, users) for trial in trials), default)

    return sorted(map(scored, candidates), key=lambda score: -score.level)
