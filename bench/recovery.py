"""`python -m bench recovery`: what kill -9 of a worker in the middle of a run costs, over an undisturbed run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from bench.pipeline import POLL_S, ROOT, environment, processes, write_interactions
from bench.results import Row, report
from contract.formats.keys import Keys
from contract.formats.states import GenerationState
from contract.store.generations import Generations
from contract.store.runs import Runs
from trainer.sources.synthetic import SHAPES

CASES = ("undisturbed", "work-horse", "its parent", "both")


def run(shape: str, json_file: Path | None) -> None:
    """Kill one of two worker processes when the first shard is recorded, with default settings; seconds from dispatch to promotion."""
    rows = []
    with write_interactions(shape, "parquet") as folder:
        environ = environment(folder, "parquet", workers=2)
        for case in CASES:
            seconds = _one_run(folder, environ, case)
            rows.append(Row("larder", f"kill -9: {case}", seconds, None, *SHAPES[shape], 10))
    undisturbed = rows[0].seconds or 0.0
    ratios = {f"{row.stage}, seconds more": (row.seconds or 0.0) - undisturbed for row in rows[1:]}
    report(shape, rows, ratios, json_file)


def _one_run(folder: Path, environ: dict[str, str], case: str) -> float:
    with processes(folder, environ) as (redis, worker):
        runs, generations = Runs(redis, Keys()), Generations(redis, Keys())
        subprocess.run([sys.executable, "-m", "trainer", "run", "--here"], cwd=ROOT, env=environ, check=True, capture_output=True)
        start, killed = time.perf_counter(), case == "undisturbed"
        latest = runs.latest()
        assert latest is not None
        while (progress := generations.progress(latest.run)) is None or progress.state == GenerationState.SCORING:
            if not killed and progress is not None and progress.shards_recorded:
                killed = _kill(worker, case)
            time.sleep(POLL_S)
        assert progress.state == GenerationState.CURRENT, progress
        return time.perf_counter() - start


def _kill(worker: int, case: str) -> bool:
    """Kill what `case` names of a worker process that is at work; False when none is just now."""
    for parent in psutil.Process(worker).children():
        for horse in parent.children():
            for victim in {"work-horse": (horse,), "its parent": (parent,), "both": (parent, horse)}[case]:
                os.kill(victim.pid, signal.SIGKILL)
            return True
    return False
