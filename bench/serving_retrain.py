"""How long a steady 300 requests a second take while a retrain runs on the same cores, niced as `make up` does it."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import psutil

from bench.pipeline import ROOT, environment, processes, write_interactions
from bench.serving_load import Found, Gunicorn
from contract.formats.keys import Keys
from contract.store.generations import Generations
from contract.store.runs import Runs
from stack.supervision.programs import NICENESS
from trainer.sources.synthetic import SHAPES

RATE = 300
CLIENTS = 6
ENDED = ("current", "complete", "failed")


def under_retrain(shape: str) -> Found:
    """One retrain from its start until its lists are served."""
    with write_interactions(shape, "parquet") as folder:
        environ = environment(folder, "parquet", workers=2)
        train = ["nice", "-n", str(NICENESS), sys.executable, "-m", "trainer", "run", "--here"]
        with processes(folder, environ) as (redis, worker), _api(environ) as api:
            step_back(worker)
            generations, runs = Generations(redis, Keys()), Runs(redis, Keys())
            subprocess.run(train, cwd=ROOT, env=environ, check=True, capture_output=True)
            await_end(generations, runs, None)
            load = SteadyLoad(api.url, SHAPES[shape][0])
            before = runs.latest()
            with subprocess.Popen(train, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL) as trainer:
                trainer.wait()
                await_end(generations, runs, before.run if before else None)
            return load.stop()


def step_back(worker: int) -> None:
    """Give the worker and its children the niceness that `make up` gives them."""
    for process in (psutil.Process(worker), *psutil.Process(worker).children(recursive=True)):
        process.nice(NICENESS)


def _api(environ: dict[str, str]) -> Gunicorn:
    return Gunicorn("api.app:create_app()", "", environ["LARDER_REDIS_URL"], bare=False)


def await_end(generations: Generations, runs: Runs, after: str | None) -> None:
    """Until a run later than `after` has come to its end."""
    while True:
        latest = runs.latest()
        if latest is not None and latest.run != after and generations.state(latest.run) in ENDED:
            return
        time.sleep(0.05)


class SteadyLoad:
    """Requests at fixed times; each latency counts from when its request was due, so that a stall is not left out."""

    def __init__(self, url: str, users: int) -> None:
        self._address = urlsplit(url).netloc
        self._users = users
        self._done = threading.Event()
        self._latencies: list[float] = []
        self._errors: list[int] = []
        self._start = time.perf_counter()
        self._threads = [threading.Thread(target=self._client, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> Found:
        self._done.set()
        for thread in self._threads:
            thread.join()
        seconds, found = time.perf_counter() - self._start, sorted(self._latencies)
        p50, p99 = (round(1000 * found[int(len(found) * part)], 3) for part in (0.5, 0.99))
        return Found(len(found) / seconds, p50, p99, len(self._errors))

    def _client(self, number: int) -> None:
        connection, rng = http.client.HTTPConnection(self._address, timeout=10), random.Random(number)
        due = self._start + number / RATE
        while not self._done.wait(max(0.0, due - time.perf_counter())):
            body = json.dumps({"user_id": rng.randrange(1, self._users + 1)})
            connection.request("POST", "/recommendations", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            self._latencies.append(time.perf_counter() - due)
            if answer.status not in (200, 404):  # made-up data may leave a user out
                self._errors.append(answer.status)
            due += CLIENTS / RATE
        connection.close()
