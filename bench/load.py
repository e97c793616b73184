"""`python -m bench load`: a CSV file read, validated and indexed, against the time that polars alone needs to parse it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from bench.results import MIB, Row, report
from contract.settings.settings import SourceSettings
from trainer.sources import load as sources
from trainer.sources import synthetic

ROOT = Path(__file__).parents[1]
ROUNDS = 3
POLL_S = 0.01
USERS_ITEMS = 138_493, 26_744  # of MovieLens 20M


def run(rows: int, json_file: Path | None) -> None:
    """Both in turn, each in a process of its own, so that neither finds warm memory; the best of each counts."""
    n_users = min(USERS_ITEMS[0], max(1, rows // 100))
    shape = (n_users, USERS_ITEMS[1], rows)
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name:
        path = Path(name) / "interactions.csv"
        user, item, weight, stamp = synthetic.generate(*shape)
        pl.DataFrame({"userID": user, "itemID": item, "rating": weight, "timestamp": stamp}).write_csv(path)
        del user, item, weight, stamp
        found: dict[str, list[dict[str, float]]] = {"polars": [], "larder": []}
        for _ in range(ROUNDS):
            for system, measured in found.items():
                done = subprocess.run(
                    [sys.executable, "-m", "bench.load", system, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
                )
                measured.append(json.loads(done.stdout))
    best = {system: min(measured, key=lambda one: one["seconds"]) for system, measured in found.items()}
    table = [
        Row(system, stage, best[system]["seconds"], int(best[system]["peak"]), *shape, 0, note=note)
        for system, stage, note in (
            ("polars", "parse", "read_csv"),
            ("larder", "load", f"{best['larder']['arrays'] / MIB:,.0f} MiB of arrays"),
        )
    ]
    ratios = {
        "seconds, larder / polars": best["larder"]["seconds"] / best["polars"]["seconds"],
        "processor seconds, larder / polars": best["larder"]["processor"] / best["polars"]["processor"],
        "anonymous memory / final arrays": best["larder"]["peak"] / best["larder"]["arrays"],
    }
    report(f"{rows:,} rows of CSV", table, ratios, json_file)


def _measured(work: Callable[[], int]) -> dict[str, float]:
    """Seconds, processor seconds, bytes of the result, and the most anonymous memory, which is what a limit counts."""
    peak, ended = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(POLL_S):
            peak = max(peak, _anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    began, processor = time.perf_counter(), time.process_time()
    arrays = work()
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    ended.set()
    watcher.join()
    return {"seconds": seconds, "processor": processor, "peak": float(peak), "arrays": float(arrays)}


def _anonymous() -> int:
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024


def _parse(path: str) -> int:
    return int(pl.read_csv(path).estimated_size())


def _load(path: str) -> int:
    made = sources.load(SourceSettings(interactions=path), Path(path).parent).interactions
    arrays = (made.user_idx, made.item_idx, made.weight, made.time)
    return sum(array.nbytes for array in arrays if array is not None)


if __name__ == "__main__":
    which, file = sys.argv[1:]
    if which == "larder":
        sources.load(SourceSettings(), Path(file).parent)  # compiles and imports what a service has long done
    print(json.dumps(_measured(lambda: (_load if which == "larder" else _parse)(file))))
