"""`python -m bench tracing`: requests a second without traces, with none by chance, and with one request in a hundred traced.

All three APIs are up, and asked in turn for a second each, every other round in reverse: what the machine does meanwhile meets all of
them. Spans go to a server of this process that counts them.
"""

from __future__ import annotations

import gzip
import http.server
import json
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.results import machine
from bench.serving import API, CONNECTIONS, K
from bench.serving_data import fill, own_redis
from bench.serving_load import Gunicorn, Load

OFF, NONE, SOME = "off", "on, none by chance", "on, 1 in 100"
RATIOS = {NONE: 0.0, SOME: 0.01}
SECONDS = 1.0
LEAST = 0.97


@dataclass
class Taker:
    """Takes traces by OTLP over HTTP."""

    n_batches: int = 0
    n_bytes: int = 0


def run(users: int, rounds: int, json_file: Path | None) -> None:
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name, own_redis(Path(name)) as redis_url, taking() as (url, taker):
        fill(redis_url, users, 3 * K, K)
        load = Load(Path(name), "single", users, 1)
        more = {OFF: dict[str, str]()} | {
            case: {"LARDER_OTLP_ENDPOINT": url, "LARDER_TRACE_RATIO": str(ratio)} for case, ratio in RATIOS.items()
        }
        with ExitStack() as stack:
            apis = {case: stack.enter_context(Gunicorn(API, "", redis_url, bare=False, more=given)) for case, given in more.items()}
            found = measured(apis, load, rounds)
    shares = {
        case: {
            "requests": round(statistics.median(one.rate / off.rate for one, off in zip(found[case], found[OFF], strict=True)), 3),
            "processor time": round(
                statistics.median(one.cpu_us / off.cpu_us for one, off in zip(found[case], found[OFF], strict=True)), 3
            ),
        }
        for case in RATIOS
    }
    show(found, shares, taker)
    if json_file is not None:
        rates = {case: [[round(one.rate, 1), round(one.cpu_us, 1)] for one in some] for case, some in found.items()}
        json_file.write_text(json.dumps({"machine": machine(), "rounds": rates, "shares": shares, "bytes": taker.n_bytes}, indent=2) + "\n")


@dataclass(frozen=True, slots=True)
class Round:
    rate: float
    cpu_us: float
    errors: int


def measured(apis: dict[str, Gunicorn], load: Load, rounds: int) -> dict[str, list[Round]]:
    """Of each API; those of one round follow each other."""
    found: dict[str, list[Round]] = {case: [] for case in apis}
    for api in apis.values():
        load.run(api.url, CONNECTIONS, SECONDS)
    for at in range(rounds):
        for case in list(apis) if at % 2 == 0 else reversed(list(apis)):
            before = apis[case].cpu_s()
            told = load.run(apis[case].url, CONNECTIONS, SECONDS)
            spent = apis[case].cpu_s() - before
            found[case].append(Round(told.requests_per_s, 1e6 * spent / (told.requests_per_s * SECONDS), told.errors))
    return found


@contextmanager
def taking() -> Iterator[tuple[str, Taker]]:
    """The address of a server that takes traces, and what it was sent."""
    taker = Taker()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taker.n_batches += 1
            taker.n_bytes += len(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", taker
    finally:
        server.shutdown()
        server.server_close()


def show(found: dict[str, list[Round]], shares: dict[str, dict[str, float]], taker: Taker) -> None:
    table = Table("traces", "requests/s, best", "median", "CPU µs, median", "errors", title=machine())
    for case, some in found.items():
        rates = [one.rate for one in some]
        figures = f"{max(rates):,.0f}", f"{statistics.median(rates):,.0f}", f"{statistics.median(one.cpu_us for one in some):.1f}"
        table.add_row(case, *figures, str(sum(one.errors for one in some)))
    console = Console()
    console.print(table)
    for case, share in shares.items():
        told = f"{share['requests']:.3f} x of the requests, {share['processor time']:.3f} x of the processor's time"
        console.print(f"{case}: {told} without traces, by the median round (asked for: {LEAST:g} of the requests)", highlight=False)
    console.print(f"{taker.n_batches:,} batches of spans, {taker.n_bytes:,} bytes", highlight=False)
