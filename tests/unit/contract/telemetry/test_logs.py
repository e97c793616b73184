"""Lines of logs as JSON, with what the process works on."""

from __future__ import annotations

import json
import logging
import sys

from contract.telemetry.logs import JsonFormatter, working_on


def line(message: str, *arguments: object, error: bool = False) -> dict[str, object]:
    try:
        raise ValueError("inside") if error else StopIteration
    except (ValueError, StopIteration):
        record = logging.LogRecord("larder.worker", logging.INFO, __file__, 1, message, arguments, sys.exc_info() if error else None)
    found = JsonFormatter().format(record)
    assert "\n" not in found
    return dict(json.loads(found))


def test_a_line_says_what_it_is_about() -> None:
    with working_on(job="score-a-3"):
        with working_on(run="a", shard=3):
            inner = line("shard %d of %s\nis done", 3, "a")
        outer = line("x")
    assert inner.items() >= {"message": "shard 3 of a\nis done", "level": "INFO", "logger": "larder.worker"}.items()
    assert (inner["job"], inner["run"], inner["shard"]) == ("score-a-3", "a", 3)
    assert "shard" not in outer
    assert "job" in outer
    assert "job" not in line("x")
    assert str(inner["time"]).endswith("+00:00")


def test_a_traceback_is_a_field() -> None:
    assert "ValueError: inside" in str(line("it failed", error=True)["trace"])
    assert "trace" not in line("it did not")
    assert line('"quoted"\n')["message"] == '"quoted"\n'
