"""`python -m bench tenants`: what many small catalogues cost on one trainer service, one worker and one process of the API.

Memory is the proportional share of a process (PSS): what it holds alone, and its part of what it shares. Tenants have tables of made-up
interactions, and no keys; none has events, notices or outcomes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import requests
from redis import Redis
from rich.console import Console
from rich.table import Table

from bench.results import MIB, machine
from bench.serving import API
from bench.serving_data import own_redis
from bench.serving_load import ROOT, Gunicorn
from contract.formats.keys import Keys
from contract.store.connections import connect
from contract.store.generations import Generations

SOURCE = "synthetic:60x40x600"
POLL_S = 0.2
MOST_S_A_TENANT = 30.0  # more, and something is wrong
MANY = 60.0  # for the first of all


@dataclass(frozen=True, slots=True)
class Found:
    """`_mib`: of one process. `_share`: of a core, while nobody asks. `first_s`: the longest first request of a tenant."""

    tenants: int
    trained_s: float
    api_before_mib: float
    api_after_mib: float
    api_threads: int
    first_s: float
    trainer_mib: float
    trainer_threads: int
    worker_mib: float
    redis_mib: float
    api_share: float
    trainer_share: float
    worker_share: float


def run(n_tenants: int, seconds: float, json_file: Path | None) -> None:
    found = measured([f"shop-{number:04}" for number in range(n_tenants)], seconds)
    show(found)
    if json_file is not None:
        json_file.write_text(json.dumps({"machine": machine(), "figures": asdict(found)}, indent=2) + "\n")


def measured(names: Sequence[str], seconds: float) -> Found:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="larder-bench-")))
        url = stack.enter_context(own_redis(folder))
        file = folder / "tenants.toml"
        file.write_text("".join(f'[{name}]\ninteractions = "{SOURCE}"\n' for name in names))
        shared = {"LARDER_TENANTS": str(file), "LARDER_REDIS_URL": url, "LARDER_ARTIFACTS": f"file://{folder}/artifacts"}
        shared |= {"LARDER_EVALUATE": "false", "LARDER_PROCESSES": "1"}
        redis = stack.enter_context(connect(url))
        worker = stack.enter_context(service(folder, shared, "worker"))
        since = time.perf_counter()
        trainer = stack.enter_context(service(folder, shared, "trainer", "serve"))
        wait_until_trained(redis, names, (worker, trainer), folder)
        trained_s = time.perf_counter() - since
        api = stack.enter_context(Gunicorn(API, "", url, bare=False, more=shared | {"LARDER_API_WORKERS": "1"}))
        (asked,) = api.workers()
        before = held_mib(asked)
        first_s = max(first_request_s(api.url, name) for name in names)
        after = held_mib(asked)
        parts = (asked, trainer, worker)
        api_share, trainer_share, worker_share = idle_shares(parts, seconds)
        return Found(
            tenants=len(names),
            trained_s=round(trained_s, 1),
            api_before_mib=before,
            api_after_mib=after,
            api_threads=asked.num_threads(),
            first_s=round(first_s, 3),
            trainer_mib=held_mib(trainer),
            trainer_threads=trainer.num_threads(),
            worker_mib=held_mib(worker),
            redis_mib=round(int(redis.info("memory")["used_memory"]) / MIB, 1),
            api_share=api_share,
            trainer_share=trainer_share,
            worker_share=worker_share,
        )


@contextmanager
def service(folder: Path, settings: dict[str, str], *module: str) -> Iterator[psutil.Process]:
    """`python -m MODULE...`, with the settings and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LARDER_")}
    with open(folder / f"{module[0]}.log", "wb") as log:
        process = psutil.Popen([sys.executable, "-m", *module], cwd=ROOT, env=kept | settings, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def wait_until_trained(redis: Redis, names: Sequence[str], services: Sequence[psutil.Process], folder: Path) -> None:
    """Raises RuntimeError, with the end of the logs, when a service ends or it takes too long."""
    deadline = time.monotonic() + MANY + MOST_S_A_TENANT * len(names)
    waits = list(names)
    while waits := [name for name in waits if Generations(redis, Keys(name)).current() is None]:
        ended = [process.pid for process in services if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE]
        if ended or time.monotonic() > deadline:
            logs = "".join(path.read_text()[-3000:] for path in sorted(folder.glob("*.log")))
            raise RuntimeError(f"{len(waits)} tenants are not trained:\n{logs}")
        time.sleep(POLL_S)


def first_request_s(url: str, name: str) -> float:
    """Seconds of a request to a tenant."""
    start = time.perf_counter()
    answer = requests.post(f"{url}/t/{name}/recommendations", json={"user_id": 1, "k": 5}, timeout=60)
    seconds = time.perf_counter() - start
    if answer.status_code != 200 or len(answer.json()["items"]) != 5:
        raise RuntimeError(f"{name} has no list for its user 1: {answer.status_code} {answer.text[:300]}")
    return seconds


def family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def held_mib(process: psutil.Process) -> float:
    """Of the process and of those that it has started."""
    return round(sum(one.memory_full_info().pss for one in family(process)) / MIB, 1)


def idle_shares(processes: Sequence[psutil.Process], seconds: float) -> list[float]:
    """What each takes of a core, with those that it has started and has waited for."""

    def spent(process: psutil.Process) -> float:
        times = process.cpu_times()
        return sum(sum(one.cpu_times()[:2]) for one in family(process)) + times.children_user + times.children_system

    before = [spent(process) for process in processes]
    since = time.perf_counter()
    time.sleep(seconds)
    took = time.perf_counter() - since
    return [round((spent(process) - was) / took, 4) for process, was in zip(processes, before, strict=True)]


def show(found: Found) -> None:
    n = found.tenants
    table = Table("", "MiB", "of a core, idle", "threads", title=f"{n} tenants, {SOURCE} each, on {machine()}")
    table.add_row("API process, before any was asked for", f"{found.api_before_mib}", "", "")
    table.add_row("API process, after all were", f"{found.api_after_mib}", f"{found.api_share:.2%}", str(found.api_threads))
    table.add_row("trainer service", f"{found.trainer_mib}", f"{found.trainer_share:.2%}", str(found.trainer_threads))
    table.add_row("worker service, one process", f"{found.worker_mib}", f"{found.worker_share:.2%}", "")
    table.add_row("Redis, all it holds", f"{found.redis_mib}", "", "")
    console = Console()
    console.print(table)
    console.print(
        f"all trained {found.trained_s} s after the trainer service was started ({found.trained_s / n:.2f} s each)", highlight=False
    )
    console.print(f"the longest first request to a tenant: {found.first_s} s", highlight=False)
