"""`python -m bench pipeline`: a file, through trainer, queue and worker processes, to a promoted generation in Redis."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import psutil
from redis import Redis

from bench.results import Row, report
from contract.formats.keys import Keys
from contract.formats.states import GenerationState
from contract.store.connections import connect
from contract.store.generations import Generations
from contract.store.runs import Runs
from stack.redis_server import candidates, find_redis_server
from trainer.sources import synthetic
from trainer.sources.synthetic import SHAPES

ROOT = Path(__file__).parents[1]
POLL_S = 0.02
STAGES = ("load", "evaluate", "fit", "write", "dispatch", "score")


class Memory(threading.Thread):
    """Watches processes and all that they fork: the most that any one held, by role."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.roles: dict[str, int] = {}
        self.resident: dict[str, int] = defaultdict(int)
        self.anonymous: dict[str, int] = defaultdict(int)
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(POLL_S):
            for role, pid in list(self.roles.items()):
                try:
                    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
                except psutil.Error:
                    continue
                for process in family:
                    self._look(role, process.pid)

    def _look(self, role: str, pid: int) -> None:
        try:
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        except OSError:
            return
        for peaks, field in ((self.resident, "VmHWM"), (self.anonymous, "RssAnon")):
            if field in status:
                peaks[role] = max(peaks[role], int(status[field].split()[0]) * 1024)

    def stop(self) -> None:
        self._done.set()
        self.join()


def run(shape: str, source: str, workers: int, depth: int, neighbors: int, limit_gb: float, json_file: Path | None) -> None:
    counts = (*SHAPES[shape], 10)
    with write_interactions(shape, source) as folder:
        environ = environment(folder, source, workers, depth, neighbors)
        limit = int(limit_gb * 2**30) if limit_gb else resource.RLIM_INFINITY
        memory = Memory()
        with processes(folder, environ, limit) as (redis, worker):
            memory.roles["worker"] = worker
            memory.start()
            seconds, bytes_in_redis, served = _one_run(redis, environ, limit, memory)
            memory.stop()
        artifact = sum(file.stat().st_size for file in (folder / "artifacts").rglob("*.npy"))
    rows = [Row("larder", stage, seconds[stage], memory.resident["trainer" if stage != "score" else "worker"], *counts) for stage in STAGES]
    rows.append(Row("larder", "whole", sum(seconds.values()), max(memory.resident.values()), *counts, note=f"{workers} workers"))
    ratios = {
        "trainer, anonymous memory, MiB": memory.anonymous["trainer"] / 2**20,
        "worker, anonymous memory, MiB": memory.anonymous["worker"] / 2**20,
        "artifact, MiB": artifact / 2**20,
        "Redis, bytes a user": bytes_in_redis / served,
    }
    report(f"{shape}, {source}", rows, ratios, json_file)


@contextmanager
def write_interactions(shape: str, source: str) -> Iterator[Path]:
    """A folder, gone afterwards, that holds the made-up interactions as interactions.parquet or .csv."""
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name:
        folder = Path(name)
        user, item, weight, stamp = synthetic.generate(*SHAPES[shape])
        frame = pl.DataFrame({"userID": user, "itemID": item, "rating": weight, "timestamp": stamp})
        if source == "parquet":
            frame.write_parquet(folder / "interactions.parquet")
        else:
            frame.write_csv(folder / "interactions.csv")
        yield folder


def environment(folder: Path, source: str, workers: int, depth: int = 0, neighbors: int = 0) -> dict[str, str]:
    """For trainer and workers."""
    return {
        **os.environ,
        "LARDER_REDIS_URL": f"unix://{folder}/redis.sock",
        "LARDER_ARTIFACTS": f"file://{folder}/artifacts",
        "LARDER_INTERACTIONS": f"{folder}/interactions.{source}",
        "LARDER_PROCESSES": str(workers),
        "LARDER_DEPTH": str(depth),
        "LARDER_NEIGHBORS": str(neighbors),
        "LARDER_MAX_MEMORY_GB": "16",
    }


@contextmanager
def processes(folder: Path, environ: dict[str, str], limit: int = resource.RLIM_INFINITY) -> Iterator[tuple[Redis, int]]:
    """Redis and the workers, warm and waiting: a client, and the process id of `python -m worker`."""
    options = ["--port", "0", "--unixsocket", f"{folder}/redis.sock", "--save", "", "--dir", str(folder)]
    options += ["--hash-max-ziplist-value", "2048", "--hash-max-ziplist-entries", "512"]
    health = [sys.executable, "-m", "worker", "health"]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen([find_redis_server(candidates()).path, *options], stdout=log, stderr=log)
        worker = subprocess.Popen(
            [sys.executable, "-m", "worker"], cwd=ROOT, env=environ, stdout=log, stderr=log, preexec_fn=lambda: _limited(limit)
        )
    try:
        while subprocess.run(health, cwd=ROOT, env=environ, capture_output=True, check=False).returncode:
            time.sleep(POLL_S)
        yield connect(environ["LARDER_REDIS_URL"]), worker.pid
    except BaseException:
        print((folder / "log").read_text()[-5000:], file=sys.stderr)
        raise
    finally:
        worker.terminate()
        worker.wait()
        server.terminate()
        server.wait()


def _one_run(redis: Redis, environ: dict[str, str], limit: int, memory: Memory) -> tuple[dict[str, float], int, int]:
    """Seconds by stage, bytes that the generation takes in Redis, and its users."""
    runs, generations = Runs(redis, Keys()), Generations(redis, Keys())
    before = int(redis.info("memory")["used_memory"])
    trainer = subprocess.Popen(
        [sys.executable, "-m", "trainer", "run", "--here"],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: _limited(limit),
    )
    memory.roles["trainer"] = trainer.pid
    seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)
    stage, since = "", time.perf_counter()
    while True:
        latest = runs.latest()
        progress = generations.progress(latest.run) if latest else None
        now = "score" if progress else (latest.stage if latest else "")
        if now != stage:
            if stage:
                seconds[stage] += time.perf_counter() - since
            stage, since = now, time.perf_counter()
        if progress and progress.state == GenerationState.CURRENT:
            seconds["score"] += time.perf_counter() - since
            break
        if trainer.poll() or (progress and progress.state == GenerationState.FAILED):
            raise RuntimeError(f"the run failed: {progress.reason if progress else trainer.returncode}")
        time.sleep(POLL_S)
    trainer.wait()
    pointer = generations.current()
    assert pointer is not None
    return seconds, int(redis.info("memory")["used_memory"]) - before, pointer.n_users


def _limited(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
