"""`python -m bench serving`: requests a second of the API against a hello-world of the same size, under each gunicorn worker class.

All cases of a class get the same load: wrk, 16 connections that stay open, random users in the body of a POST. The hello-worlds answer
the same POST without looking at it. Rounds interleave the cases, so that what else the machine does falls on all of them; the best
round of each counts. `single_zipf` draws users by a Zipf law with exponent 1; `single_events` is `single` with events on, of which every
tenth user has sent some; `filtered2` has a filter of two conditions that leaves four items of ten; processor time is that of gunicorn's
processes, and says the most on a machine that others use.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.results import machine
from bench.serving_data import fill, fill_events, fill_items, own_redis
from bench.serving_load import KEY, Gunicorn, Load
from bench.serving_retrain import under_retrain

CONNECTIONS = 16
K = 10
BATCH = 100
BYTES_USERS = 200_000
CLASSES = {"own": "", "sync": "sync", "gthread": "gthread", "gevent": "gevent"}
"""gunicorn's worker classes; own: the API's, beside which the hello-worlds have gthread."""


@dataclass(frozen=True, slots=True)
class Row:
    case: str
    worker_class: str
    requests_per_s: float
    users_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_us: float = 0.0
    """Of all processes of gunicorn, a request."""


@dataclass(frozen=True, slots=True)
class Case:
    """`application` is what gunicorn serves; `users` are those of one request; `more`: settings."""

    name: str
    application: str
    users: int = 1
    bare: bool = False
    more: Mapping[str, str] = field(default_factory=dict)


API = "api.app:create_app()"
CASES = (
    Case("hello", "bench.serving_apps:hello()", bare=True),
    Case("hello_middleware", "bench.serving_apps:hello_middleware()"),
    Case("single", API),
    Case("single_zipf", API),
    Case("single_key", API, more={"LARDER_API_READ_KEYS": KEY}),
    Case("single_events", API, more={"LARDER_EVENTS": "true"}),
    Case("get", API),
    Case("filtered2", API),
    Case("batch100", API, users=BATCH),
)
RATIOS = {
    "single": "hello",
    "single_zipf": "hello",
    "single_key": "single",
    "single_events": "single",
    "get": "single",
    "filtered2": "single",
}


def run(classes: list[str], users: int, seconds: float, rounds: int, retrain: str, json_file: Path | None) -> None:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name, own_redis(Path(name)) as redis_url:
        bytes_a_user = {depth: fill(redis_url, BYTES_USERS, depth, K) for depth in (K, 3 * K)}
        fill(redis_url, users, 3 * K, K)
        fill_items(redis_url)
        fill_events(redis_url, users)
        for worker_class in classes:
            rows += _of_class(worker_class, redis_url, Path(name), users, seconds, rounds)
    ratios = _ratios(rows)
    if retrain:
        found = under_retrain(retrain)
        figures = round(found.requests_per_s, 1), round(found.requests_per_s, 1), found.p50_ms, found.p99_ms, found.errors
        rows.append(Row("single_under_retrain", "own", *figures))
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
            with Gunicorn(case.application, CLASSES[worker_class], redis_url, bare=case.bare, more=case.more) as server:
                load = Load(folder, case.name, users, case.users)
                load.run(server.url, CONNECTIONS, min(1.0, seconds))  # connections, caches
                before = server.cpu_s()
                found = load.run(server.url, CONNECTIONS, seconds)
                cpu_s = server.cpu_s() - before
            measured[case.name].append(
                Row(
                    case.name,
                    worker_class,
                    round(found.requests_per_s, 1),
                    round(found.requests_per_s * case.users, 1),
                    found.p50_ms,
                    found.p99_ms,
                    found.errors,
                    round(1e6 * cpu_s / (found.requests_per_s * max(1, round(seconds))), 1),
                )
            )
    return (max(found, key=lambda row: row.requests_per_s) for found in measured.values())


def _ratios(rows: list[Row]) -> dict[str, float]:
    ratios: dict[str, float] = {}
    for worker_class in dict.fromkeys(row.worker_class for row in rows):
        of = {row.case: row for row in rows if row.worker_class == worker_class}
        for case, other in RATIOS.items():
            ratios[f"{worker_class}: {case} / {other}"] = of[case].requests_per_s / of[other].requests_per_s
            ratios[f"{worker_class}: processor time, {case} / {other}"] = of[case].cpu_us / of[other].cpu_us
        ratios[f"{worker_class}: users a second, batch100 / single"] = of["batch100"].users_per_s / of["single"].users_per_s
        ratios[f"{worker_class}: p99, single / hello"] = of["single"].p99_ms / of["hello"].p99_ms
    return {name: round(ratio, 3) for name, ratio in ratios.items()}


def _print(rows: list[Row], ratios: dict[str, float], bytes_a_user: dict[int, float]) -> None:
    table = Table("workers", "case", "requests/s", "users/s", "p50 ms", "p99 ms", "errors", "CPU µs", title=machine())
    for row in rows:
        figures = (
            f"{row.requests_per_s:,.0f}",
            f"{row.users_per_s:,.0f}",
            f"{row.p50_ms:.2f}",
            f"{row.p99_ms:.2f}",
            str(row.errors),
            f"{row.cpu_us:.0f}",
        )
        table.add_row(row.worker_class, row.case, *figures)
    console = Console()
    console.print(table)
    for name, ratio in ratios.items():
        console.print(f"{name}: {ratio:.3g}")
    for depth, figure in bytes_a_user.items():
        console.print(f"Redis, bytes a user at depth {depth}: {figure:.1f}")
