"""What measures the API runs, and its JSON has its shape. No figure of time is judged, and a machine without CI may lack wrk.

These run beside no other tests: an API that is starved answers 503.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.tools import require

FIELDS = {"case", "worker_class", "requests_per_s", "users_per_s", "p50_ms", "p99_ms", "errors", "cpu_us"}


def test_every_case_is_measured_without_errors(tmp_path: Path) -> None:
    require("wrk")
    options = ["--worker-classes", "gthread", "--users", "500", "--seconds", "1", "--rounds", "1", "--retrain", ""]
    command = [sys.executable, "-m", "bench", "serving", *options, "--json", str(tmp_path / "out.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=290, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "out.json").read_text())
    cases = ["hello", "hello_middleware", "single", "single_zipf", "single_key", "single_events", "get", "filtered2", "batch100"]
    assert [row["case"] for row in found["rows"]] == cases
    assert all(set(row) == FIELDS and row["errors"] == 0 for row in found["rows"])
    assert found["bytes_a_user"]["depth 10"] < 200


def test_slow_clients_cost_nobody_an_answer(tmp_path: Path) -> None:
    options = ["--clients", "16", "--rate", "50", "--seconds", "1", "--json", str(tmp_path / "out.json")]
    command = [sys.executable, "-m", "bench", "slow-clients", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=290, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "out.json").read_text())
    assert len(found["rows"]) == 7
    assert all((row["requests"], row["errors"]) == (50, 0) for row in found["rows"])
    assert found["far_requests_per_s"] > 0


def test_events_beside_lists(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "events", "--shape", "100k", "--seconds", "1", "--json", str(tmp_path / "out.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=290, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["events_per_s"] > 0
    assert 0 < found["anew_p50_s"] <= found["anew_p99_s"]
