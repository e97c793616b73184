"""Logs as JSON, one object a line: on stderr what happens, on stdout one line for each request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from api.http.request_ids import KEY_NAME, REQUEST_ID
from api.http.request_traces import RequestTraces
from api.http.route import ROUTE

_HEALTH_CHECKS = ("/health/live", "/health/ready")


class AccessLogger(Logger):  # type: ignore[misc]
    """gunicorn's logger, whose line about a request is JSON whatever stands in the request."""

    traces: RequestTraces | None = None
    """Makes spans of requests, if anybody asks for them."""

    def access(self, resp: Any, _req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        if line := self.line(int(str(resp.status).partition(" ")[0]), resp.sent, environ, request_time.total_seconds()):
            self.access_log.info(line)

    def write(self, lines: Sequence[str]) -> None:
        """Several of `line` at once."""
        if lines:
            self.access_log.info("\n".join(lines))

    def line(self, status: int, n_bytes: int, environ: dict[str, Any], seconds: float) -> str:
        """Health checks come every few seconds, get no line and are not traced by chance: what fails is logged where it fails."""
        path = environ["RAW_URI"]
        is_check = path in _HEALTH_CHECKS or environ.get(ROUTE) in _HEALTH_CHECKS
        trace_id = "" if self.traces is None else self.traces.answered(environ, status, seconds, by_chance=not is_check)
        if not self.access_log_enabled or is_check:
            return ""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "remote": environ.get("REMOTE_ADDR", ""),
            "method": environ["REQUEST_METHOD"],
            "path": path,
            "request_id": environ.get(REQUEST_ID, ""),
            "status": status,
            "bytes": n_bytes,
            "ms": round(seconds * 1000, 2),
        }
        if name := environ.get(KEY_NAME):
            line["key"] = name
        if trace_id:
            line["trace_id"] = trace_id
        return json.dumps(line)


def logging_config(level: str) -> dict[str, Any]:
    """For logging.config: lines of `level` and above. The access log is on from INFO down."""

    def console(stream: str, formatter: str) -> dict[str, str]:
        return {"class": "logging.StreamHandler", "stream": f"ext://sys.{stream}", "formatter": formatter}

    def logger(level: str, handler: str) -> dict[str, object]:
        return {"level": level, "handlers": [handler], "propagate": False}

    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "contract.telemetry.logs.JsonFormatter"}, "plain": {"format": "%(message)s"}},
        "handlers": {"events": console("stderr", "json"), "requests": console("stdout", "plain")},
        "root": {"level": "WARNING", "handlers": ["events"]},
        "loggers": {
            "api": logger(level, "events"),
            "gunicorn.error": logger(level, "events"),
            "gunicorn.access": logger("INFO" if level in ("DEBUG", "INFO") else "CRITICAL", "requests"),
        },
    }
