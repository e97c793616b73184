"""`python -m bench spark`: SAR's similarity by Spark on one executor and on two, beside our own engine; the bytes must be the same.

As a program it is one of these: `python -m bench.deployment.spark FOLDER MASTER`, with an empty master for our own engine.
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


def run(shape: str, neighbors: int, json_file: Path | None) -> None:
    """Raises RuntimeError where the bytes differ."""
    rows, ratios, found = list[Row](), dict[str, float](), dict[str, dict[str, float | str]]()
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name:
        folder = Path(name)
        for column, values in zip(COLUMNS, synthetic.generate(*SHAPES[shape]), strict=True):
            np.save(folder / f"{column}.npy", np.asarray(values))
        for master, label in NAMES.items():
            found[master], peak = _measured(folder, master, neighbors)
            rows += [Row(label, stage, float(found[master][stage]), peak, *SHAPES[shape], neighbors) for stage in STAGES]
    if len({said["bytes"] for said in found.values()}) != 1:
        raise RuntimeError(f"the bytes differ: { {NAMES[master]: said['bytes'] for master, said in found.items()} }")
    ratios["two executors / one, seconds of a fit"] = float(found[TWO]["fit"]) / float(found[ONE]["fit"])
    ratios["two executors / larder, seconds of a fit"] = float(found[TWO]["fit"]) / float(found[""]["fit"])
    report(shape, rows, ratios, json_file)


def _measured(folder: Path, master: str, neighbors: int) -> tuple[dict[str, float | str], int]:
    """What a program says, and the peak of the memory of it and of all that it has started; pages that several map count once."""
    command, peak = [sys.executable, "-m", "bench.deployment.spark", str(folder), master, str(neighbors)], 0
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


def main(folder: Path, master: str, neighbors: int) -> dict[str, float | str]:
    from contract.settings.engines.spark import SparkSettings
    from contract.settings.settings import ModelSettings
    from engine.fit import rows as sar
    from trainer.interactions import indexing
    from trainer.spark.cluster import Cluster
    from trainer.spark.similarity import fit_similarity

    user, item, weight, when = (np.load(folder / f"{column}.npy") for column in COLUMNS)
    item_ids, item_idx = indexing.factorize([item])
    user_ids, user_idx, _ = indexing.by_bucket(*indexing.factorize([user]))
    model, n_items = ModelSettings(neighbors=neighbors), len(item_ids)
    rows = sar.fit_rows(user_idx, item_idx, weight, when, len(user_ids), model)
    del user, item, weight, when, user_idx, item_idx
    made: dict[str, Array] = {}

    def allocate(name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array:
        made[name] = np.zeros(shape, dtype)
        return made[name]

    said, how = dict[str, float | str](), {"limit_bytes": 2.0**40, "report": lambda *_: None}
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
            if master:
                fit_similarity(cluster, rows, n_items, model, allocate, threads=1, **how)  # type: ignore[arg-type]
            else:
                sar.fit_similarity(rows, n_items, model, allocate, threads=2, **how)  # type: ignore[arg-type]
    digest = hashlib.sha256()
    for name in sorted(made):
        digest.update(made[name].tobytes())
    return {**said, "bytes": digest.hexdigest()}


if __name__ == "__main__":
    kernel_cache.use(os.environ)  # before Numba is imported
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
