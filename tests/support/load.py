"""Clients that ask the API at a steady rate, from a process of their own, and check that no answer mixes generations.

Every item id of a generation begins with that generation's tag and a dash: an answer, or two answers that name one generation,
with two tags is a mix. So is a user in two arms of an experiment.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from multiprocessing.connection import Connection
from typing import Any

N_CLIENTS = 8
BATCH = 20
BATCH_EVERY = 5  # of this many requests one is a batch
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that got no lists. `status`: 0 where no answer came."""

    at: float
    user_ids: tuple[int, ...]
    status: int


@dataclass
class Report:
    """What the clients saw. `refused`: those of `failures` that are of whole requests.

    `latencies_s` are pairs of the time of the request (time.time) and how long its answer took.
    """

    n_requests: int = 0
    n_batches: int = 0
    failures: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    arms: dict[int, str] = field(default_factory=dict)
    latencies_s: list[tuple[float, float]] = field(default_factory=list)

    def p99_ms(self, start: float, end: float) -> float:
        """Of requests that were sent between two times."""
        some = sorted(took for at, took in self.latencies_s if start <= at < end)
        return 1000 * some[int(0.99 * (len(some) - 1))] if some else float("nan")

    def rate(self, start: float, end: float) -> float:
        return sum(1 for at, _ in self.latencies_s if start <= at < end) / (end - start)


@contextmanager
def under_load(port: int, user_ids: list[int], requests_per_s: float) -> Iterator[Report]:
    """Ask while the block runs; the report is filled at its end."""
    report, (ours, theirs) = Report(), multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_ask_until_told, args=(port, user_ids, requests_per_s, theirs))
    process.start()
    try:
        assert ours.recv() == "asking"
        yield report
        ours.send("stop")
        report.__dict__.update(ours.recv().__dict__)
    finally:
        process.join(TIMEOUT_S)
        process.kill()


def _ask_until_told(port: int, user_ids: list[int], requests_per_s: float, told: Connection) -> None:
    report, lock, stop = Report(), threading.Lock(), threading.Event()
    clients = [
        threading.Thread(target=_client, args=(port, user_ids, N_CLIENTS / requests_per_s, report, lock, stop, seed))
        for seed in range(N_CLIENTS)
    ]
    for client in clients:
        client.start()
    told.send("asking")
    told.recv()
    stop.set()
    for client in clients:
        client.join()
    told.send(report)


def _client(port: int, user_ids: list[int], every_s: float, report: Report, lock: threading.Lock, stop: threading.Event, seed: int) -> None:
    choose, connection, due = random.Random(seed), HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S), time.monotonic()
    counts: Counter[str] = Counter()
    while not stop.wait(max(0.0, due - time.monotonic())):
        due = max(due + every_s, time.monotonic() - 1)  # who is late catches up, but for more than a second
        counts["all"] += 1
        is_batch = counts["all"] % BATCH_EVERY == 0
        users = choose.sample(user_ids, BATCH if is_batch else 1)
        path, body = ("/recommendations/batch", {"user_ids": users}) if is_batch else ("/recommendations", {"user_id": users[0]})
        at = time.time()
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, HTTPException) as error:
            with lock:
                report.failures.append(f"{path}: {type(error).__name__}: {error}")
                report.refused.append(Refused(at, tuple(users), 0))
            connection.close()
            continue
        with lock:
            report.latencies_s.append((at, time.time() - at))
            report.n_requests += 1
            report.n_batches += is_batch
            if answer.status != 200:
                report.failures.append(f"{path}: {answer.status} {text[:200]!r}")
                report.refused.append(Refused(at, tuple(users), answer.status))
            else:
                _check(json.loads(text), report)
    connection.close()


def _check(answer: dict[str, Any], report: Report) -> None:
    parts = answer.get("results", [answer])
    problems = [part for part in parts if "items" not in part]
    seen: dict[str, set[str]] = {}
    for part in parts:
        tags = {str(item["item_id"]).partition("-")[0] for item in part.get("items", [])}
        seen.setdefault(part.get("generation", answer["generation"]), set()).update(tags)
        if (arm := part.get("arm")) and report.arms.setdefault(part["user_id"], arm) != arm:
            report.mixed.append(f"user {part['user_id']} was in {report.arms[part['user_id']]}, and is in {arm}")
    if problems:
        report.failures.append(f"a batch of {answer['generation']} has {problems[0]}")
    for generation, tags in seen.items():
        tags.add(report.tags.setdefault(generation, next(iter(tags), "")))
        if len(tags) > 1:
            report.mixed.append(f"{generation}: {sorted(tags)}")
