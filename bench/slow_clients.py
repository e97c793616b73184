"""`python -m bench slow-clients`: what the others notice while many clients send half a request, nothing, or never leave.

Requests come at a fixed rate over connections that stay open. A request's time runs from when it was due, so that one that had to wait for
another counts as late. Slow clients come back when the API has closed them. At last, clients that are far away ask and have the API close.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.results import machine
from bench.serving_data import fill, own_redis
from bench.serving_load import Gunicorn

CONNECTIONS = 32
USERS, DEPTH, K = 10_000, 30, 10
FAR_CLIENTS, FAR_S = 64, 0.1
HEAD = b"POST /recommendations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
KINDS = {
    "none": b"",
    "one byte": b"P",
    "half a head": b"POST /recommendations HTTP/1.1\r\nHost: a\r\nX-",
    "half a body": HEAD + b'Content-Length: 15\r\n\r\n{"user',
    "half a chunk": HEAD + b'Transfer-Encoding: chunked\r\n\r\nf\r\n{"user',
    "nothing": b"",
    "never closes": b"GET /health/live HTTP/1.0\r\n\r\n",
}


@dataclass(frozen=True, slots=True)
class Row:
    slow: str
    requests: int
    errors: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def run(clients: int, rate: float, seconds: float, json_file: Path | None) -> None:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name, own_redis(Path(name)) as redis_url:
        fill(redis_url, USERS, DEPTH, K)
        with Gunicorn("api.app:create_app()", "", redis_url, bare=False) as api:
            for kind, sent in KINDS.items():
                rows.append(asyncio.run(_measure(api.port, kind, sent, 0 if kind == "none" else clients, rate, seconds)))
            far = asyncio.run(_ask_from_afar(api.port, seconds))
    table = Table(
        "slow clients", "requests", "errors", "p50 ms", "p99 ms", "longest ms", title=f"{clients} of each kind, {rate:.0f} requests/s"
    )
    for row in rows:
        figures = (f"{row.p50_ms:.1f}", f"{row.p99_ms:.1f}", f"{row.max_ms:.1f}")
        table.add_row(row.slow, f"{row.requests:,}", f"{row.errors:,}", *figures)
    Console().print(table)
    Console().print(f"{FAR_CLIENTS} clients {1000 * FAR_S:.0f} ms away, each connection closed by the API: {far:.0f} requests/s")
    if json_file is not None:
        json_file.write_text(
            json.dumps({"machine": machine(), "rows": [asdict(row) for row in rows], "far_requests_per_s": far}, indent=2) + "\n"
        )


async def _measure(port: int, kind: str, sent: bytes, clients: int, rate: float, seconds: float) -> Row:
    slow = [asyncio.create_task(_stay(port, sent)) for _ in range(clients)]
    await asyncio.sleep(1.0 if clients else 0.0)  # until all of them are there
    due: asyncio.Queue[float | None] = asyncio.Queue()
    answers: list[float] = []
    users = [asyncio.create_task(_ask(port, due, answers)) for _ in range(CONNECTIONS)]
    start, n = time.perf_counter(), int(rate * seconds)
    for number in range(n):
        at = start + number / rate
        if (wait := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        due.put_nowait(at)
    for _ in users:
        due.put_nowait(None)
    errors = sum(await asyncio.gather(*users))
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    times = sorted(answers)
    p50, p99 = (1000 * times[int(part * (len(times) - 1))] for part in (0.5, 0.99))
    return Row(kind, n, errors, round(p50, 2), round(p99, 2), round(1000 * times[-1], 2))


async def _stay(port: int, sent: bytes) -> None:
    """A slow client. It comes back a moment after the API has closed it, but for the one that never closes its own end."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(sent)
                await reader.read(-1)
                if sent == KINDS["never closes"]:
                    await asyncio.Event().wait()
            finally:
                writer.close()
        await asyncio.sleep(0.1)


async def _ask_from_afar(port: int, seconds: float) -> float:
    """Requests a second of clients whose bytes take half of FAR_S each way: so much later the API sees their question, and their end."""
    body = b'{"user_id":1}'
    request = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    end = time.perf_counter() + seconds

    async def client() -> int:
        answered = 0
        while time.perf_counter() < end:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(FAR_S / 2)
            writer.write(request)
            answer = await reader.read(-1)
            await asyncio.sleep(FAR_S / 2)
            writer.close()
            answered += answer.startswith(b"HTTP/1.1 200 ")
        return answered

    return sum(await asyncio.gather(*(client() for _ in range(FAR_CLIENTS)))) / seconds


async def _ask(port: int, due: asyncio.Queue[float | None], answers: list[float]) -> int:
    """Ask when it is due, over one connection as long as it lives; how many requests got no list."""
    errors, rng, stream = 0, random.Random(), None
    while (at := await due.get()) is not None:
        try:
            stream = stream or await asyncio.open_connection("127.0.0.1", port)
            reader, writer = stream
            body = b'{"user_id":%d}' % rng.randint(1, USERS)
            writer.write(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line.split(b":")[1]) for line in head.lower().splitlines() if line.startswith(b"content-length:"))
            await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 200 "):
                errors += 1
        except (OSError, asyncio.IncompleteReadError):
            errors, stream = errors + 1, None
        answers.append(time.perf_counter() - at)
    if stream is not None:
        stream[1].close()
    return errors
