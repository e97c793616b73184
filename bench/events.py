"""`python -m bench events`: events that the API takes beside a steady load, and how soon a user's list is made anew.

A model is trained and served, by workers as nice as `make up` makes them; then, with 300 requests for lists a second all the while,
throughput: one client sends calls of 1,000 events as fast as they are answered, which the trainer service's process writes to files;
latency: 200 events a second, each of another user, from the answer to POST /events until the user's new list is in Redis, which the next
request gets.
"""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from redis import Redis
from rich.console import Console

from bench.pipeline import ROOT, environment, processes, write_interactions
from bench.results import machine
from bench.serving_load import KEY, Gunicorn
from bench.serving_retrain import SteadyLoad, await_end, step_back
from contract.formats.freshness import is_list
from contract.formats.keys import Keys
from contract.store.generations import Generations
from contract.store.runs import Runs
from trainer.sources.synthetic import SHAPES

PER_CALL = 1000
PER_S = 200
ON = {"LARDER_EVENTS": "true", "LARDER_API_WRITE_KEYS": KEY}
PATIENCE_S = 30.0


def run(shape: str, seconds: float, json_file: Path | None) -> None:
    n_users, n_items, _ = SHAPES[shape]
    with write_interactions(shape, "parquet") as folder:
        environ = environment(folder, "parquet", workers=2) | ON | {"LARDER_EVALUATE": "false"}
        with processes(folder, environ) as (redis, worker), _writer(environ), _api(environ) as api:
            step_back(worker)
            subprocess.run([sys.executable, "-m", "trainer", "run", "--here"], cwd=ROOT, env=environ, check=True, capture_output=True)
            await_end(Generations(redis, Keys()), Runs(redis, Keys()), None)
            load = SteadyLoad(api.url, n_users)
            latencies = _latencies(api, redis, n_users, n_items, seconds)
            per_s = _throughput(api, n_users, n_items, seconds)
            served = load.stop()
    result = {
        "machine": machine(),
        "events_per_s": round(per_s),
        "anew_p50_s": round(float(np.median(latencies)), 3),
        "anew_p99_s": round(float(np.quantile(latencies, 0.99)), 3),
        "lists_per_s": round(served.requests_per_s),
        "list_p99_ms": served.p99_ms,
        "errors": served.errors,
    }
    console = Console()
    for name, value in result.items():
        console.print(f"{name}: {value}")
    if json_file is not None:
        json_file.write_text(json.dumps(result, indent=2) + "\n")


def _api(environ: dict[str, str]) -> Gunicorn:
    return Gunicorn("api.app:create_app()", "", environ["LARDER_REDIS_URL"], bare=False, more=ON)


@contextmanager
def _writer(environ: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "trainer.events"], cwd=ROOT, env=environ, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _post(connection: http.client.HTTPConnection, events: Sequence[dict[str, object]]) -> None:
    connection.request("POST", "/events", json.dumps({"events": events}), {"Content-Type": "application/json", "X-API-Key": KEY})
    answer = connection.getresponse()
    said = json.loads(answer.read())
    if answer.status != 202 or said["accepted"] != len(events):
        raise RuntimeError(f"{answer.status}: {str(said)[:300]}")


def _throughput(api: Gunicorn, n_users: int, n_items: int, seconds: float) -> float:
    rng, connection = random.Random(1), http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=PATIENCE_S)
    n, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        _post(
            connection, [{"user_id": rng.randint(1, n_users), "item_id": rng.randint(1, n_items), "type": "buy"} for _ in range(PER_CALL)]
        )
        n += PER_CALL
    return n / (time.perf_counter() - start)


def _latencies(api: Gunicorn, redis: Redis, n_users: int, n_items: int, seconds: float) -> list[float]:
    rng, connection = random.Random(2), http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=PATIENCE_S)
    users = rng.sample(range(1, n_users + 1), min(n_users, round(PER_S * seconds)))
    waiting: dict[int, float] = {}
    found: list[float] = []
    start, looked, sent = time.perf_counter(), 0.0, 0
    while sent < len(users) or waiting:
        now = time.perf_counter()
        while sent < len(users) and now >= start + sent / PER_S:
            _post(connection, [{"user_id": users[sent], "item_id": rng.randint(1, n_items), "type": "buy"}])
            waiting[users[sent]] = time.perf_counter()
            sent += 1
        if now - looked >= 0.02:
            looked = now
            for user in _anew(redis, list(waiting)):
                found.append(time.perf_counter() - waiting.pop(user))
        if now - start > seconds + PATIENCE_S:
            raise RuntimeError(f"{len(waiting)} users of {len(users)} have no new list after {PATIENCE_S:.0f} s")
        time.sleep(0.002)
    return found


def _anew(redis: Redis, users: Sequence[int]) -> list[int]:
    """Those whose list was made anew."""
    with redis.pipeline(transaction=False) as pipe:
        for user in users:
            pipe.hkeys(Keys().fresh(user))
        answers = pipe.execute()
    return [user for user, fields in zip(users, answers, strict=True) if any(map(is_list, fields))]
