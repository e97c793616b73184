"""Logs of trainer and workers: a line each, to read or as JSON, with what the process works on; and their level, changed while they run."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from contract.settings.notices import TelemetrySettings
from contract.telemetry.tracing import trace_id

_works_on: dict[str, str | int] = {}
"""Of this process: a job is a process of its own."""


class JsonFormatter(logging.Formatter):
    """A record as one line; a traceback is a field of it."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
            **_works_on,
        }
        if trace := trace_id():
            line["trace_id"] = trace
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_to_stdout(settings: TelemetrySettings) -> None:
    """What a service has to say, a line each, where whoever runs it looks."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        JsonFormatter() if settings.log_format == "json" else logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    )
    logging.basicConfig(level=settings.log_level, handlers=[handler])


@contextmanager
def working_on(**names: str | int) -> Iterator[None]:
    """Lines of JSON say so, for as long as it lasts."""
    before = dict(_works_on)
    _works_on.update(names)
    try:
        yield
    finally:
        _works_on.clear()
        _works_on.update(before)
