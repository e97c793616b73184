"""`python -m bench serving`: requests a second of the API against a hello-world of the same size, under each gunicorn worker class.

All cases of a class get the same load: wrk, 16 connections that stay open, random users in the body of a POST. The hello-worlds answer
the same POST without looking at it. Rounds interleave the cases, so that what else the machine does falls on all of them; the best
round of each counts.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.results import machine
from bench.serving_load import Gunicorn, Load, fill, own_redis
from bench.serving_retrain import under_retrain

CONNECTIONS = 16
K = 10
BATCH = 100
BYTES_USERS = 200_000
CLASSES = {"sync": "sync", "gthread": "", "gevent": "gevent"}  # "": the API's own, which is gthread


@dataclass(frozen=True, slots=True)
class Row:
    case: str
    worker_class: str
    requests_per_s: float
    users_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int


@dataclass(frozen=True, slots=True)
class Case:
    """`application` is what gunicorn serves; `users` are those of one request."""

    name: str
    application: str
    users: int = 1
    bare: bool = False


CASES = (
    Case("hello", "bench.serving_apps:hello()", bare=True),
    Case("hello_middleware", "bench.serving_apps:hello_middleware()"),
    Case("single", "api.app:create_app()"),
    Case("single_get", "api.app:create_app()"),
    Case("batch100", "api.app:create_app()", users=BATCH),
)


def run(classes: list[str], users: int, seconds: float, rounds: int, retrain: str, json_file: Path | None) -> None:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name, own_redis(Path(name)) as redis_url:
        bytes_a_user = {depth: fill(redis_url, BYTES_USERS, depth, K) for depth in (K, 3 * K)}
        fill(redis_url, users, 3 * K, K)
        for worker_class in classes:
            rows += _of_class(worker_class, redis_url, Path(name), users, seconds, rounds)
    ratios = _ratios(rows)
    if retrain:
        found = under_retrain(retrain)
        figures = round(found.requests_per_s, 1), round(found.requests_per_s, 1), found.p50_ms, found.p99_ms, found.errors
        rows.append(Row("single_under_retrain", "gthread", *figures))
    _print(rows, ratios, bytes_a_user)
    if json_file is not None:
        result = {
            "machine": machine(),
            "rows": [asdict(row) for row in rows],
            "ratios": ratios,
            "bytes_a_user": {f"depth {depth}": figure for depth, figure in bytes_a_user.items()},
        }
        json_file.write_text(json.dumps(result, indent=2) + "\n")


def _of_class(worker_class: str, redis_url: str, folder: Path, users: int, seconds: float, rounds: int) -> Iterator[Row]:
    measured: dict[str, list[Row]] = {case.name: [] for case in CASES}
    for _ in range(rounds):
        for case in CASES:
            with Gunicorn(case.application, CLASSES[worker_class], redis_url, bare=case.bare) as server:
                load = Load(folder, case.name, users, case.users)
                load.run(server.url, CONNECTIONS, min(1.0, seconds))  # connections, caches
                found = load.run(server.url, CONNECTIONS, seconds)
            measured[case.name].append(
                Row(
                    case.name,
                    worker_class,
                    round(found.requests_per_s, 1),
                    round(found.requests_per_s * case.users, 1),
                    found.p50_ms,
                    found.p99_ms,
                    found.errors,
                )
            )
    return (max(found, key=lambda row: row.requests_per_s) for found in measured.values())


def _ratios(rows: list[Row]) -> dict[str, float]:
    ratios: dict[str, float] = {}
    for worker_class in dict.fromkeys(row.worker_class for row in rows):
        of = {row.case: row for row in rows if row.worker_class == worker_class}
        single = of["single"]
        ratios |= {
            f"{worker_class}: single / hello": single.requests_per_s / of["hello"].requests_per_s,
            f"{worker_class}: single / hello_middleware": single.requests_per_s / of["hello_middleware"].requests_per_s,
            f"{worker_class}: users a second, batch100 / single": of["batch100"].users_per_s / single.users_per_s,
            f"{worker_class}: p99, single / hello": single.p99_ms / of["hello"].p99_ms,
        }
    return {name: round(ratio, 3) for name, ratio in ratios.items()}


def _print(rows: list[Row], ratios: dict[str, float], bytes_a_user: dict[int, float]) -> None:
    table = Table("workers", "case", "requests/s", "users/s", "p50 ms", "p99 ms", "errors", title=machine())
    for row in rows:
        figures = (f"{row.requests_per_s:,.0f}", f"{row.users_per_s:,.0f}", f"{row.p50_ms:.2f}", f"{row.p99_ms:.2f}", str(row.errors))
        table.add_row(row.worker_class, row.case, *figures)
    console = Console()
    console.print(table)
    for name, ratio in ratios.items():
        console.print(f"{name}: {ratio:.3g}")
    for depth, figure in bytes_a_user.items():
        console.print(f"Redis, bytes a user at depth {depth}: {figure:.1f}")
