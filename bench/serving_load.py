"""What `bench serving` needs around it: a gunicorn, and wrk."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psutil

ROOT = Path(__file__).parents[1]
START_S = 30.0
WORKERS, THREADS = 2, 4
KEY = "k" * 16
_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {START_S:.0f} s")
        time.sleep(0.02)


class Gunicorn:
    """The API's gunicorn settings with another application or worker class; `bare`: the same without log, metrics and error shape."""

    def __init__(
        self, application: str, worker_class: str, redis_url: str, *, bare: bool, more: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        threads = 1 if worker_class == "sync" else THREADS  # more make gunicorn take gthread
        settings = {"API_HOST": "127.0.0.1", "API_PORT": self.port, "API_WORKERS": WORKERS, "API_THREADS": threads, "REDIS_URL": redis_url}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LARDER_")}
        environment = kept | {f"LARDER_{name}": str(value) for name, value in settings.items()} | dict(more)
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

    def workers(self) -> list[psutil.Process]:
        """The processes that answer."""
        return list(psutil.Process(self._process.pid).children())

    def cpu_s(self) -> float:
        """Processor time of all its processes so far."""
        process = psutil.Process(self._process.pid)
        return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))

    def __enter__(self) -> Gunicorn:
        wait_for(self._is_up, "gunicorn answers")
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
    # By a Zipf law with exponent 1, the logarithm of a user's rank is uniform.
    user = f"math.floor(math.exp(math.random() * math.log({users} + 1)))" if case == "single_zipf" else f"math.random(1, {users})"
    if case == "get":
        return f"request = function() return wrk.format('GET', '/users/' .. {user} .. '/recommendations') end\n"
    head, path = "local headers = {['Content-Type'] = 'application/json'}\n", "/recommendations"
    if case == "single_key":
        head += f"headers['X-API-Key'] = '{KEY}'\n"
    body = f"""local body = '{{"user_id": ' .. {user} .. '}}'"""
    if case == "filtered2":
        body = f"""local body = '{{"user_id": ' .. {user} .. ', "filter": "kind = \\'a\\' and price < 80"}}'"""
    if batch > 1:
        path = "/recommendations/batch"
        body = f"local ids = {{}} for i = 1, {batch} do ids[i] = {user} end "
        body += """local body = '{"user_ids": [' .. table.concat(ids, ",") .. ']}'"""
    return f"{head}request = function() {body} return wrk.format('POST', '{path}', headers, body) end\n"
