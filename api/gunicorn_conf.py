"""gunicorn's settings, from Larder's: `gunicorn --config python:api.gunicorn_conf "api.app:create_app()"`.

A setting that gunicorn does not know is ignored by it, so the other names here do no harm. The root filesystem may be read-only:
nothing is written but a heartbeat file per worker.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from api.logs import AccessLogger, logging_config
from api.store import Store
from contract.errors import SettingsError
from contract.settings import Settings

try:
    _settings = Settings.from_environ(os.environ)
    Store.of(_settings)  # says now, in one line, what would be a trace in create_app
except SettingsError as error:
    sys.stderr.write(f"{error}\n")
    raise SystemExit(error.exit_code) from None

_host = f"[{_settings.api_host}]" if ":" in _settings.api_host else _settings.api_host
bind = [f"{_host}:{_settings.api_port}"]
workers = _settings.api_workers
threads = _settings.api_threads
worker_class = "api.server.Worker"
# Imported once and shared by the workers; no connection is made before the fork (api.store).
preload_app = True
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (a heartbeat on a disk can block)
graceful_timeout = 20  # below the stop grace period of the container
keepalive = 30
# No header of a client may change where the application believes to be mounted.
forwarder_headers = ""
# On by default: a socket in the home directory for `gunicornc`.
control_socket_disable = True
logger_class = AccessLogger
logconfig_dict = logging_config(_settings.log_level)
