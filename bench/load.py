"""`python -m bench load`: a CSV file read, validated and indexed, against the time that polars alone needs to parse it.

With --incremental: a folder of files that gets one more, of which only that is read, against reading all.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from bench.results import MIB, Row, report
from contract.artifacts.artifact import READ_FOLDER
from contract.settings.settings import SourceSettings
from trainer.kept.entries import size_of
from trainer.kept.files import YOUNG_S
from trainer.sources import load as sources
from trainer.sources import synthetic
from trainer.sources.erased_rows import ErasedRows
from trainer.sources.warm import warm

ROOT = Path(__file__).parents[1]
ROUNDS = 3
POLL_S = 0.01
USERS_ITEMS = 138_493, 26_744  # of MovieLens 20M
N_FILES = 20
NEW_ROWS = 100_000
STAGES = ("full", "first", "second")
"""Without keeping anything; the first time with it; and again with one file more, which alone is read."""


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


def run_incremental(rows: int, json_file: Path | None) -> None:
    """Each in a process of its own, in turn; the best of each counts."""
    shape = (min(USERS_ITEMS[0], max(1, rows // 100)), USERS_ITEMS[1], rows)
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name:
        home, days = Path(name), Path(name) / "days"
        days.mkdir()
        user, item, weight, stamp = synthetic.generate(*shape)
        frame = pl.DataFrame({"userID": user, "itemID": item, "rating": weight, "timestamp": stamp})
        for at in range(N_FILES):
            frame[at * rows // N_FILES : (at + 1) * rows // N_FILES].write_csv(days / f"{at:02}.csv")
        frame.sample(min(rows, NEW_ROWS), seed=1).write_csv(home / "new.csv")
        del frame, user, item, weight, stamp
        time.sleep(YOUNG_S)  # what was written before the run is older than that
        found: dict[str, list[dict[str, float]]] = {stage: [] for stage in STAGES}
        for _ in range(ROUNDS):
            shutil.rmtree(home / READ_FOLDER, ignore_errors=True)
            for stage in STAGES:
                if stage == "second":
                    shutil.copy(home / "new.csv", days / "new.csv")
                done = subprocess.run(
                    [sys.executable, "-m", "bench.load", stage, str(days)], cwd=ROOT, capture_output=True, text=True, check=True
                )
                found[stage].append(json.loads(done.stdout))
            (days / "new.csv").unlink()
        kept = size_of(home / READ_FOLDER)
    best = {stage: min(measured, key=lambda one: one["seconds"]) for stage, measured in found.items()}
    notes = {"full": "nothing kept", "first": f"{kept / MIB:,.0f} MiB kept", "second": f"{NEW_ROWS:,} rows new"}
    table = [Row("larder", stage, best[stage]["seconds"], int(best[stage]["peak"]), *shape, 0, note=notes[stage]) for stage in STAGES]
    ratios = {
        f"{what}, {stage} / full": best[stage][what] / best["full"][what] for stage in STAGES[1:] for what in ("seconds", "processor")
    }
    report(f"{rows:,} rows in {N_FILES} files of CSV", table, ratios, json_file)


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


def _parse(path: Path) -> int:
    return int(pl.read_csv(path).estimated_size())


def _load(path: Path, incremental: bool) -> int:
    source = SourceSettings(interactions=str(path), incremental=incremental)
    made = sources.load(source, path.parent / ".datasets", ErasedRows()).interactions
    arrays = (made.user_idx, made.item_idx, made.weight, made.time)
    return sum(array.nbytes for array in arrays if array is not None)


if __name__ == "__main__":
    which, place = sys.argv[1], Path(sys.argv[2])
    if which != "polars":
        sources.load(SourceSettings(), place.parent)  # compiles and imports what a service has long done
        warm()
    print(json.dumps(_measured(lambda: _parse(place) if which == "polars" else _load(place, which in STAGES[1:]))))
