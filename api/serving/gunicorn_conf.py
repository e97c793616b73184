"""gunicorn's settings, from Larder's: `gunicorn --config python:api.serving.gunicorn_conf "api.app:create_app()"`.

A setting that gunicorn does not know is ignored by it, so the other names here do no harm. The root filesystem may be read-only:
nothing is written but a heartbeat file and a file of metrics per worker.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

from api.http.api_keys import ApiKeys
from api.http.request_traces import RequestTraces
from api.lists.clients import Clients
from api.lists.store import Store
from api.metrics import files
from api.serving import forking
from api.serving.logs import AccessLogger, logging_config
from contract.errors import SettingsError
from contract.formats.keys import Keys
from contract.machine import give_large_memory_back
from contract.settings.settings import Settings
from contract.store.connections import connect
from contract.telemetry import level, tracing
from contract.tenants.file import chosen, read_tenants
from contract.tenants.tenant import TENANT

try:
    if os.environ.get(TENANT) and (_tenant := chosen(os.environ)):
        _tenant.become()
    _settings = Settings.from_environ(os.environ)
    if _settings.tenants:
        for _each in read_tenants(Path(_settings.tenants), os.environ).values():
            ApiKeys.of(_each.settings)
    # These say now, in one line, what would be a trace in create_app.
    Store.of(_settings)
    Clients.of(_settings.rq_url, "LARDER_QUEUE_URL")
    ApiKeys.of(_settings)
    tracing.check(_settings)
except SettingsError as error:
    sys.stderr.write(f"{error}\n")
    raise SystemExit(error.exit_code) from None

give_large_memory_back()
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 (a heartbeat, or a metric, on a disk can block)
_METRICS = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client looks at it when it is imported, which create_app does
_ours = _METRICS not in os.environ
if _ours:
    os.environ[_METRICS] = str(files.make_folder(_MEMORY))

_host = f"[{_settings.api_host}]" if ":" in _settings.api_host else _settings.api_host
bind = [f"{_host}:{_settings.api_port}"]
workers = _settings.api_workers
threads = _settings.api_threads
worker_class = "api.serving.worker_class.Worker"
# Imported once and shared by the workers; no connection is made before the fork (api.lists.clients).
preload_app = True
worker_tmp_dir = _MEMORY
limit_request_line = 8190  # the most that gunicorn takes: a path may hold 512 characters, of 12 bytes each when quoted
graceful_timeout = 20  # below the stop grace period of the container
keepalive = _settings.api_keepalive_s
worker_connections = _settings.api_connections
# No header of a client may change where the application believes to be mounted: api/serving/proxy_headers.py believes those of
# proxies that are named. Without one, gunicorn itself takes the scheme from a proxy on this machine.
forwarder_headers = ""
if _settings.api_trusted_proxies:
    forwarded_allow_ips = ""
# On by default: a socket in the home directory for `gunicornc`.
control_socket_disable = True
AccessLogger.traces = None
if _settings.otlp_endpoint:
    tracing.load()
    AccessLogger.traces = RequestTraces(_settings)
logger_class = AccessLogger
logconfig_dict = logging_config(_settings.log_level)


def on_starting(_server: Any) -> None:
    """What an earlier gunicorn left in a folder that was given would be counted again; a stop just after a fork is heard."""
    forking.hold()
    folder = Path(os.environ[_METRICS])
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink()


def post_worker_init(_worker: Any) -> None:
    """The process has its handlers, whatever its class: it hears that it is to end. Another level of logs counts without a restart; what
    sends traces is there before the first request."""
    forking.hear()
    if AccessLogger.traces is not None:
        AccessLogger.traces.open()
    redis, keys = connect(_settings.redis_url), Keys(_settings.namespace)

    def follow() -> None:
        while True:
            level.follow(redis, keys, _settings)
            time.sleep(level.EVERY_S)

    threading.Thread(target=follow, name="log-level", daemon=True).start()


def worker_exit(_server: Any, _worker: Any) -> None:
    if AccessLogger.traces is not None:
        AccessLogger.traces.close()


def child_exit(_server: Any, worker: Any) -> None:
    files.fold(Path(os.environ[_METRICS]), worker.pid)


def on_exit(_server: Any) -> None:
    if _ours:
        shutil.rmtree(os.environ[_METRICS], ignore_errors=True)
