"""`python -m bench spark`: a model by Spark on one executor and on two, beside our own engine; the bytes must be the same.

As a program it is one of these: `python -m bench.deployment.spark FOLDER MASTER NEIGHBORS MODEL`, with an empty master for our own engine.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil

from bench.results import Row, report
from engine import kernel_cache
from engine.arrays import Array
from trainer.sources import synthetic
from trainer.sources.synthetic import SHAPES

COLUMNS = ("user", "item", "weight", "time")
ONE, TWO = "local-cluster[1,1,1024]", "local-cluster[2,1,1024]"
NAMES = {"": "larder, 2 threads", ONE: "spark, 1 executor", TWO: "spark, 2 executors"}
STAGES = ("start", "first fit", "fit")
MODELS = ("sar", "ease", "edlae", "itemknn", "rp3beta")


def run(shape: str, neighbors: int, json_file: Path | None, model: str) -> None:
    """Raises RuntimeError where the bytes differ."""
    rows, ratios, found = list[Row](), dict[str, float](), dict[str, dict[str, float | str]]()
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name:
        folder = Path(name)
        for column, values in zip(COLUMNS, synthetic.generate(*SHAPES[shape]), strict=True):
            np.save(folder / f"{column}.npy", np.asarray(values))
        for master, label in NAMES.items():
            found[master], peak = _measured(folder, master, neighbors, model)
            rows += [Row(label, stage, float(found[master][stage]), peak, *SHAPES[shape], neighbors) for stage in STAGES]
    if len({said["bytes"] for said in found.values()}) != 1:
        raise RuntimeError(f"the bytes differ: { {NAMES[master]: said['bytes'] for master, said in found.items()} }")
    ratios["two executors / one, seconds of a fit"] = float(found[TWO]["fit"]) / float(found[ONE]["fit"])
    ratios["two executors / larder, seconds of a fit"] = float(found[TWO]["fit"]) / float(found[""]["fit"])
    report(shape, rows, ratios, json_file)


def _measured(folder: Path, master: str, neighbors: int, model: str) -> tuple[dict[str, float | str], int]:
    """What a program says, and the peak of the memory of it and of all that it has started; pages that several map count once."""
    command, peak = [sys.executable, "-m", "bench.deployment.spark", str(folder), master, str(neighbors), model], 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(0.1)
        assert process.stdout is not None
        said = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"{NAMES[master]} has failed: see above")
    found: dict[str, float | str] = json.loads(said)
    return found, peak


def _memory(pid: int) -> int:
    total = 0
    with suppress(psutil.NoSuchProcess):
        for process in (main := psutil.Process(pid)), *main.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                total += process.memory_full_info().pss
    return total


def main(folder: Path, master: str, neighbors: int, name: str) -> dict[str, float | str]:
    from contract.settings.engines.spark import SparkSettings
    from contract.settings.settings import ModelSettings
    from engine.fit import rows as sar
    from engine.linear.matrix import Dense, Limits
    from engine.models.family import MODELS
    from engine.weighing.rows import rows_of_events
    from trainer.fitting.counts import Counts, counts_of
    from trainer.interactions import indexing
    from trainer.spark.cluster import Cluster

    user, item, weight, when = (np.load(folder / f"{column}.npy") for column in COLUMNS)
    item_ids, item_idx = indexing.factorize([item])
    user_ids, user_idx, _ = indexing.by_bucket(*indexing.factorize([user]))
    columns, shape = (user_idx, item_idx, weight, when), (len(user_ids), len(item_ids))
    model = ModelSettings(neighbors=neighbors, engine="spark" if master else "larder")
    rows: Any = sar.fit_rows(*columns, shape[0], model) if name == "sar" else rows_of_events(*columns, *shape)
    del columns, user, item, weight, when, user_idx, item_idx
    made: dict[str, Array] = {}

    def allocate(name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array:
        made[name] = np.zeros(shape, dtype)
        return made[name]

    def fit(counts: Counts) -> None:
        if name == "sar":
            counts.similarity(rows, shape[1], model, allocate, threads=2, limit_bytes=2.0**40, report=lambda *_: None)
            return
        matrix = MODELS[name].fit(rows, MODELS[name].parameters(neighbors=neighbors), Limits(2.0**40, 2, counts.gram)).matrix
        arrays = (matrix.values,) if isinstance(matrix, Dense) else (matrix.indptr, matrix.item_idx, matrix.values)
        made.update({str(at): array for at, array in enumerate(arrays)})

    said = dict[str, float | str]()
    settings = SparkSettings(spark_master=master or "local[1]", spark_conf="spark.driver.memory=512m")
    with Cluster(settings, folder) as cluster:
        began = time.monotonic()
        if master:
            cluster.session()
        else:
            sar.warm()
        for stage in STAGES:
            said[stage] = time.monotonic() - began
            began = time.monotonic()
            if stage == STAGES[-1]:
                break
            fit(counts_of(model, cluster if master else None, lambda *_: None))
    digest = hashlib.sha256()
    for name in sorted(made):
        digest.update(made[name].tobytes())
    return {**said, "bytes": digest.hexdigest()}


if __name__ == "__main__":
    kernel_cache.use(os.environ)  # before Numba is imported
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])))
