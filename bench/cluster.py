"""`python -m bench cluster`: the API's requests a second where lists lie in a Redis Cluster, against one node of the same kind.

Both have the same lists and are asked in turn, over TCP, the cluster with three primaries on this machine; the best round of each counts.
"""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from redis import Redis
from rich.console import Console
from rich.table import Table

from bench.results import machine
from bench.serving import API, BATCH, CONNECTIONS, Case, K, Row
from bench.serving_data import answers, fill, own_redis
from bench.serving_load import Gunicorn, Load, wait_for
from contract.store.cluster.address import N_SLOTS
from stack.redis_server import candidates, find_redis_server

PRIMARIES = 3
CASES = (Case("single", API), Case("get", API), Case("batch100", API, users=BATCH))
LEAST = {"single": 0.95, "get": 0.95, "batch100": 0.9}


def run(users: int, seconds: float, rounds: int, json_file: Path | None) -> None:
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name, own_redis(Path(name)) as queue, own_nodes(Path(name)) as urls:
        for url in urls.values():
            fill(url, users, 3 * K, K)
        found = {(case.name, store): list[Row]() for case in CASES for store in urls}
        for _ in range(rounds):
            for case in CASES:
                for store, url in urls.items():
                    found[case.name, store].append(_measured(case, store, url, queue, Path(name), users, seconds))
    rows = [max(some, key=lambda row: row.requests_per_s) for some in found.values()]
    ratios = {case.name: _best(rows, case.name, "cluster") / _best(rows, case.name, "one node") for case in CASES}
    _print(rows, ratios)
    if json_file is not None:
        json_file.write_text(json.dumps({"machine": machine(), "rows": [asdict(row) for row in rows], "ratios": ratios}, indent=2) + "\n")


@contextmanager
def own_nodes(folder: Path) -> Iterator[dict[str, str]]:
    """One server, and a cluster, by what they are called: their addresses."""
    ports = [_free_port() for _ in range(2 * PRIMARIES + 1)]
    alone, nodes, buses = ports[0], ports[1 : PRIMARIES + 1], ports[PRIMARIES + 1 :]
    processes = [_start(folder, alone), *(_start(folder, port, bus) for port, bus in zip(nodes, buses, strict=True))]
    try:
        for port in (alone, *nodes):
            with Redis(port=port) as redis:
                wait_for(lambda redis=redis: answers(redis), "Redis answers")  # type: ignore[misc]
        _form(nodes, buses)
        yield {"one node": f"redis://127.0.0.1:{alone}/0", "cluster": f"cluster://127.0.0.1:{nodes[0]}"}
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def _start(folder: Path, port: int, bus: int = 0) -> subprocess.Popen[bytes]:
    place = folder / str(port)
    place.mkdir()
    options = ["--port", str(port), "--save", "", "--hash-max-listpack-value", "2048", "--hash-max-listpack-entries", "512"]
    if bus:
        options += ["--cluster-enabled", "yes", "--cluster-port", str(bus)]
    return subprocess.Popen([find_redis_server(candidates()).path, *options], cwd=place, stdout=subprocess.DEVNULL)


def _form(nodes: list[int], buses: list[int]) -> None:
    share = N_SLOTS / len(nodes)
    for at, port in enumerate(nodes):
        _tell(port, "CLUSTER", "ADDSLOTSRANGE", round(at * share), round((at + 1) * share) - 1)
        _tell(port, "CLUSTER", "SET-CONFIG-EPOCH", at + 1)
        if at:
            _tell(nodes[0], "CLUSTER", "MEET", "127.0.0.1", port, buses[at])
    wait_for(lambda: all(_tell(port, "CLUSTER INFO")["cluster_slots_ok"] == str(N_SLOTS) for port in nodes), "the cluster is whole")
    wait_for(lambda: all(_tell(port, "CLUSTER INFO")["cluster_state"] == "ok" for port in nodes), "the cluster is well")


def _tell(port: int, *words: object) -> Any:
    with Redis(port=port) as redis:
        return redis.execute_command(*words)


def _measured(case: Case, store: str, url: str, queue: str, folder: Path, users: int, seconds: float) -> Row:
    with Gunicorn(case.application, "", url, bare=False, more={"LARDER_QUEUE_URL": queue}) as server:
        load = Load(folder, case.name, users, case.users)
        load.run(server.url, CONNECTIONS, min(1.0, seconds))
        before = server.cpu_s()
        found = load.run(server.url, CONNECTIONS, seconds)
        cpu_us = 1e6 * (server.cpu_s() - before) / (found.requests_per_s * max(1, round(seconds)))
    rate = round(found.requests_per_s, 1)
    return Row(case.name, store, rate, round(rate * case.users, 1), found.p50_ms, found.p99_ms, found.errors, round(cpu_us, 1))


def _best(rows: list[Row], case: str, store: str) -> float:
    return next(row.requests_per_s for row in rows if (row.case, row.worker_class) == (case, store))


def _print(rows: list[Row], ratios: dict[str, float]) -> None:
    table = Table("", "store", "requests/s", "p50 ms", "p99 ms", "CPU us", "errors")
    for row in rows:
        table.add_row(
            row.case,
            row.worker_class,
            f"{row.requests_per_s:,.0f}",
            f"{row.p50_ms:g}",
            f"{row.p99_ms:g}",
            f"{row.cpu_us:g}",
            f"{row.errors}",
        )
    console = Console()
    console.print(table)
    for name, ratio in ratios.items():
        console.print(f"{name}: {ratio:.2f} x of one node (asked for: {LEAST[name]:g})", highlight=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
