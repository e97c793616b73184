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

from bench.engine import SHAPES
from bench.results import Row, report
from contract.connections import connect
from contract.generations import Generations
from contract.keys import Keys
from contract.runs import Runs
from stack.redis_server import candidates, choose
from trainer import synthetic

ROOT = Path(__file__).parents[1]
POLL_S = 0.02
STAGES = ("load", "fit", "write", "dispatch", "score")


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
    n_users, n_items, n = SHAPES[shape]
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name:
        folder = Path(name)
        path = folder / f"interactions.{source}"
        user, item, weight, stamp = synthetic.generate(n_users, n_items, n)
        frame = pl.DataFrame({"userID": user, "itemID": item, "rating": weight, "timestamp": stamp})
        frame.write_parquet(path) if source == "parquet" else frame.write_csv(path)
        del frame, user, item, weight, stamp
        environ = {
            **os.environ,
            "LARDER_REDIS_URL": f"unix://{folder}/redis.sock",
            "LARDER_ARTIFACTS": f"file://{folder}/artifacts",
            "LARDER_INTERACTIONS": str(path),
            "LARDER_PROCESSES": str(workers),
            "LARDER_DEPTH": str(depth),
            "LARDER_NEIGHBORS": str(neighbors),
            "LARDER_MAX_MEMORY_GB": "16",
        }
        limit = int(limit_gb * 2**30) if limit_gb else resource.RLIM_INFINITY
        with _processes(folder, environ, limit) as (redis, memory):
            seconds, bytes_in_redis, served = _one_run(redis, environ, limit, memory)
        artifact = sum(file.stat().st_size for file in (folder / "artifacts").rglob("*.npy"))
    counts = (n_users, n_items, n, 10)
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
def _processes(folder: Path, environ: dict[str, str], limit: int) -> Iterator[tuple[Redis, Memory]]:
    """Redis and the workers, warm and waiting."""
    options = ["--port", "0", "--unixsocket", f"{folder}/redis.sock", "--save", "", "--dir", str(folder)]
    options += ["--hash-max-ziplist-value", "2048", "--hash-max-ziplist-entries", "512"]
    memory = Memory()
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen([choose(candidates()).path, *options], stdout=log, stderr=log)
        worker = subprocess.Popen(
            [sys.executable, "-m", "worker"], cwd=ROOT, env=environ, stdout=log, stderr=log, preexec_fn=lambda: _limited(limit)
        )
    redis = connect(environ["LARDER_REDIS_URL"], retries=20)
    try:
        memory.roles["worker"] = worker.pid
        memory.start()
        while subprocess.run(
            [sys.executable, "-m", "worker", "health"], cwd=ROOT, env=environ, capture_output=True, check=False
        ).returncode:
            time.sleep(POLL_S)
        yield redis, memory
    except BaseException:
        print((folder / "log").read_text()[-5000:], file=sys.stderr)
        raise
    finally:
        memory.stop()
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
        if progress and progress.state == "current":
            seconds["score"] += time.perf_counter() - since
            break
        if trainer.poll() or (progress and progress.state == "failed"):
            raise RuntimeError(f"the run failed: {progress.reason if progress else trainer.returncode}")
        time.sleep(POLL_S)
    trainer.wait()
    pointer = generations.current()
    assert pointer is not None
    return seconds, int(redis.info("memory")["used_memory"]) - before, pointer.n_users


def _limited(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
