"""`python -m bench engine`: Larder's fit and scoring against other systems on the same arrays, each in a process of its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bench.results import Row, report
from bench.systems import COLUMNS, Task
from trainer.sources import synthetic
from trainer.sources.synthetic import SHAPES

LIMIT_BYTES = 16 * 2**30  # address space of one system
TOLERANCE = 1e-5  # relative difference of scores that are equal
NEIGHBORS = 50


def run(shape: str, peers: list[str], json_file: Path | None) -> None:
    n_users, n_items, n = SHAPES[shape]
    rows: list[Row] = []
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name:
        folder = Path(name)
        for column, values in zip(COLUMNS, synthetic.generate(n_users, n_items, n), strict=True):
            np.save(folder / f"{column}.npy", np.asarray(values))
        exact = Task(similarity="jaccard", neighbors=0, decay_days=30.0, normalize=True, k=10)
        nearest = Task(similarity="cosine", neighbors=NEIGHBORS, decay_days=0.0, normalize=False, k=10)
        for peer, task, label in (("recommenders", exact, "exact"), ("implicit", nearest, f"{NEIGHBORS} neighbors")):
            if peer not in peers and task is not exact:
                continue
            for old in folder.glob("similarity*.npy"):
                old.unlink()
            ours = _measure("larder-fit", f"larder, {label}", folder, task, SHAPES[shape])
            ours += _measure("larder-recommend", f"larder, {label}", folder, task, SHAPES[shape])
            rows += ours
            if peer in peers:
                theirs = _measure(peer, peer, folder, task, SHAPES[shape])
                rows += theirs
                ratios |= _compare(peer, ours, theirs)
                if task is exact and (folder / f"{peer}-items.npy").exists():
                    ratios |= _agreement(folder, peer)
    report(shape, rows, ratios, json_file)


def _measure(system: str, label: str, folder: Path, task: Task, shape: tuple[int, int, int]) -> list[Row]:
    """Rows of one system; a stage that it did not live to finish has no figures."""
    command = [sys.executable, "-m", "bench.systems", system, str(folder), json.dumps(asdict(task))]
    environment = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES)),
    )
    found = {line["stage"]: line for line in map(json.loads, done.stdout.splitlines())}
    if done.returncode and system.startswith("larder"):
        raise RuntimeError(done.stderr)
    why = done.stderr.strip().splitlines()[-1][:120] if done.returncode else ""
    rows = []
    for stage in ("cold start", "fit", "recommend"):
        if stage in found:
            rows.append(Row(label, stage, found[stage]["seconds"], found[stage]["peak_bytes"], *shape, task.k))
        elif done.returncode and stage != "cold start" and not system.startswith("larder"):
            rows.append(Row(label, stage, None, None, *shape, task.k, note=why))
            break
    return rows


def _compare(peer: str, ours: list[Row], theirs: list[Row]) -> dict[str, float]:
    ratios: dict[str, float] = {}
    by_stage = {row.stage: row for row in theirs}
    for row in ours:
        other = by_stage.get(row.stage)
        if row.stage == "cold start" or other is None or not row.seconds or not row.peak_bytes:
            continue
        if other.seconds and other.peak_bytes:
            ratios[f"{row.stage}: {peer} / larder, seconds"] = other.seconds / row.seconds
            ratios[f"{row.stage}: larder / {peer}, peak memory"] = row.peak_bytes / other.peak_bytes
        elif fit := by_stage.get("fit"):
            ratios[f"{peer}'s fit alone / larder's {row.stage}, seconds"] = (fit.seconds or 0.0) / row.seconds
    return ratios


def _agreement(folder: Path, peer: str) -> dict[str, float]:
    """Share of users whose lists are equal up to ties, and the greatest relative difference of scores at the same rank."""
    items = {system: np.load(folder / f"{system}-items.npy") for system in ("larder", peer)}
    scores = {system: np.load(folder / f"{system}-scores.npy") for system in ("larder", peer)}
    full = (items["larder"] > 0) & (items[peer] > 0)
    difference = np.where(full, np.abs(scores["larder"] - scores[peer]) / np.maximum(np.abs(scores[peer]), 1e-30), 0.0)
    same_items = np.array([_same_up_to_ties(*row) for row in zip(items["larder"], items[peer], scores[peer], strict=True)])
    return {
        f"users with {peer}'s list, up to ties": float(same_items.mean()),
        f"users with {peer}'s list, in its order": float((items["larder"] == items[peer]).all(axis=1).mean()),
        f"greatest relative difference from {peer}'s scores": float(difference.max()),
    }


def _same_up_to_ties(ours: np.ndarray, theirs: np.ndarray, scores: np.ndarray) -> bool:
    """Whether items differ only where the peer's scores are within TOLERANCE, or at the end of the list."""
    for place in np.flatnonzero(ours != theirs):
        near = np.abs(scores - scores[place]) <= TOLERANCE * abs(scores[place])
        if ours[place] not in theirs[near] and not near[-1]:
            return False
    return True
