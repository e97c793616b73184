"""Spans of requests: which are traced, and what is there when the first one is."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]

from api.http.request_traces import RequestTraces
from api.serving.logs import AccessLogger
from contract.settings.settings import Settings
from tests.support.paths import ROOT
from tests.support.servers.otlp_server import OtlpServer

TRACE, CALLER = "a" * 32, "b" * 16
ENVIRON = {"REQUEST_METHOD": "GET", "RAW_URI": "/", "PATH_INFO": "/"}
LOADED = """
import sys, threading
from api.serving import gunicorn_conf
print("opentelemetry.exporter.otlp.proto.http.trace_exporter" in sys.modules, threading.active_count())
"""


def traces(address: str, ratio: float) -> RequestTraces:
    return RequestTraces(Settings(otlp_endpoint=address, trace_ratio=ratio))


def n_senders() -> int:
    return sum("Otel" in thread.name for thread in threading.enumerate())


def test_first_requests_at_once_share_what_sends() -> None:
    before = n_senders()
    with OtlpServer() as server:
        made, together = traces(server.url, 1), threading.Barrier(8)

        def answered(_number: int) -> str:
            together.wait()
            return made.answered(ENVIRON, 200, 0.001)

        with ThreadPoolExecutor(8) as pool:
            ids = set(pool.map(answered, range(8)))
        assert n_senders() == before + 1
        made.close()
    assert {span.trace for span in server.spans} == ids
    assert len(ids) == 8


@pytest.mark.parametrize(
    "given",
    ["", "nonsense", f"00-{TRACE}-{CALLER}", f"00-{'0' * 32}-{CALLER}-01", f"ff-{TRACE}-{CALLER}-01", f"00-{TRACE}-{CALLER}-01-more",
     f"00-{TRACE.upper()}-{CALLER}-00", f"00-{TRACE}-{CALLER}-01,00-{TRACE}-{CALLER}-01"],
)  # fmt: skip
def test_a_traceparent_that_is_none_counts_as_absent(given: str) -> None:
    """So that it hides nothing, and chooses no trace."""
    with OtlpServer() as server:
        for ratio, is_traced in ((0, False), (1, True)):
            made = traces(server.url, ratio)
            found = made.answered({**ENVIRON, "HTTP_TRACEPARENT": given}, 200, 0.001)
            assert bool(found) == is_traced
            assert found != TRACE
            made.close()
    assert [span.parent for span in server.spans] == [""]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_checks_are_traced_for_who_asks_and_not_by_chance(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {**ENVIRON, "RAW_URI": path, "PATH_INFO": path}
    log = AccessLogger.__new__(AccessLogger)  # without handlers, which would stay
    log.cfg = Config()
    with OtlpServer() as server:
        monkeypatch.setattr(AccessLogger, "traces", traces(server.url, 1))
        assert log.traces is not None
        assert log.line(200, 2, environ, 0.001) == ""
        assert log.line(200, 2, {**environ, "HTTP_TRACEPARENT": f"00-{TRACE}-{CALLER}-01"}, 0.001) == ""
        log.traces.close()
    assert [(span.trace, span.parent) for span in server.spans] == [(TRACE, CALLER)]


@pytest.mark.parametrize(("endpoint", "said"), [("", "False 1"), ("http://127.0.0.1:1", "True 1")])
def test_what_sends_is_imported_before_the_fork_and_made_after_it(endpoint: str, said: str) -> None:
    environ = {**os.environ, "LARDER_OTLP_ENDPOINT": endpoint}
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, timeout=100, env=environ, cwd=ROOT)
    assert done.stdout.strip() == said
