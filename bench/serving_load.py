"""What `bench serving` needs around it: a Redis with lists, a gunicorn, and wrk."""

from __future__ import annotations

import http.client
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from redis import Redis
from redis.exceptions import RedisError

from contract.formats import payload
from contract.formats.keys import Keys, bucket_of
from contract.formats.manifest import Pointer
from stack.redis_server import candidates, choose

ROOT = Path(__file__).parents[1]
USERS_A_BUCKET = 64
N_ITEMS = 26_744
START_S = 30.0
WORKERS, THREADS = 2, 4
_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@contextmanager
def own_redis(folder: Path) -> Iterator[str]:
    """A server on a Unix socket, with the limits that keep a bucket small."""
    path = folder / "redis.sock"
    limits = ["--hash-max-ziplist-value", "2048", "--hash-max-ziplist-entries", "512"]
    options = ["--port", "0", "--unixsocket", str(path), "--save", "", *limits]
    process = subprocess.Popen([choose(candidates()).path, *options], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        url = f"unix://{path}?db=0"
        with Redis.from_url(url) as redis:
            _await(lambda: _answers(redis), "Redis answers")
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except RedisError:
        return False


def _await(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {START_S:.0f} s")
        time.sleep(0.02)


def fill(redis_url: str, users: int, depth: int, k: int) -> float:
    """Serve lists of random items to users 1 to `users`; bytes of Redis' memory a user, in all."""
    keys, generation, rng = Keys(), f"bench-{depth}", random.Random(depth)
    n_buckets = -(-users // USERS_A_BUCKET)
    buckets: dict[int, dict[str, bytes]] = {}
    for user_id in range(1, users + 1):
        scores = sorted((rng.random() * 5 for _ in range(depth)), reverse=True)
        items = struct.pack(f"<{depth}i", *(rng.randrange(1, N_ITEMS) for _ in range(depth)))
        text = payload.HEADER.pack(payload.FORMAT, payload.INT32, depth) + struct.pack(f"<{depth}f", *scores) + items
        buckets.setdefault(bucket_of(user_id, n_buckets), {})[str(user_id)] = text
    pointer = Pointer(
        generation=generation, n_user_buckets=n_buckets, n_item_buckets=1, user_id_type="int", item_id_type="int",
        payload_format=payload.FORMAT, items_revision=generation, n_users=users, n_items=N_ITEMS, k=k, depth=depth,
        trained_at="2026-01-02T03:04:05Z", data_until="2026-01-01T00:00:00Z",
    )  # fmt: skip
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        before = _used_bytes(redis)
        with redis.pipeline(transaction=False) as pipe:
            for bucket, lists in buckets.items():
                pipe.hset(keys.recs(generation, bucket), mapping=lists)
                if len(pipe) >= 100:
                    pipe.execute()
            pipe.set(keys.current, pointer.model_dump_json())
            pipe.execute()
        return round((_used_bytes(redis) - before) / users, 1)


def _used_bytes(redis: Redis) -> int:
    return int(cast("dict[str, int]", redis.info("memory"))["used_memory"])


class Gunicorn:
    """The API's gunicorn settings with another application or worker class; `bare`: the same without log, metrics and error shape."""

    def __init__(self, application: str, worker_class: str, redis_url: str, *, bare: bool) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        threads = 1 if worker_class == "sync" else THREADS  # more make gunicorn take gthread
        settings = {"API_HOST": "127.0.0.1", "API_PORT": self.port, "API_WORKERS": WORKERS, "API_THREADS": threads, "REDIS_URL": redis_url}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LARDER_")}
        environment = kept | {f"LARDER_{name}": str(value) for name, value in settings.items()}
        options = ["--config", "api/gunicorn.conf.py"]
        if bare:
            options = ["--bind", f"127.0.0.1:{self.port}", "--workers", str(WORKERS), "--threads", str(threads), "--keep-alive", "30"]
            options += ["--preload", "--worker-class", worker_class or "gthread"]
        elif worker_class:
            options += ["--worker-class", worker_class]
        command = [sys.executable, "-m", "gunicorn", *options, application]
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Gunicorn:
        _await(self._is_up, "gunicorn answers")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def _is_up(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError("gunicorn has ended; start it by hand to see why")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status < 500
        except OSError:
            return False
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Found:
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int


class Load:
    """wrk with a script that asks for random users."""

    def __init__(self, folder: Path, case: str, users: int, batch: int) -> None:
        if shutil.which("wrk") is None:
            raise RuntimeError("wrk is not installed: apt install wrk")
        self._script = folder / f"{case}.lua"
        self._script.write_text(_script(case, users, batch))

    def run(self, url: str, connections: int, seconds: float) -> Found:
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency", "-s", str(self._script), url]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
        broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", told)
        if rate is None:
            raise RuntimeError(told)
        errors = int(refused[1] if refused else 0) + sum(map(int, broken.groups() if broken else ()))
        return Found(float(rate[1]), _percentile(told, 50), _percentile(told, 99), errors)


def _percentile(told: str, percent: int) -> float:
    found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s)$", told, re.MULTILINE)
    return round(float(found[1]) * _UNITS_MS[found[2]], 3) if found else float("nan")


def _script(case: str, users: int, batch: int) -> str:
    if case == "single_get":
        return f"request = function() return wrk.format('GET', '/users/' .. math.random(1, {users}) .. '/recommendations') end\n"
    if batch > 1:
        path = "/recommendations/batch"
        body = f"local ids = {{}} for i = 1, {batch} do ids[i] = math.random(1, {users}) end "
        body += """local body = '{"user_ids": [' .. table.concat(ids, ",") .. ']}'"""
    else:
        path = "/recommendations"
        body = f"""local body = '{{"user_id": ' .. math.random(1, {users}) .. '}}'"""
    head = "local headers = {['Content-Type'] = 'application/json'}\n"
    return f"{head}request = function() {body} return wrk.format('POST', '{path}', headers, body) end\n"
