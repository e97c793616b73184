"""What the stack runs, and the configuration that tells supervisor so."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from contract.settings.settings import PREFIX
from stack.paths import StackPaths

KEYS_OF_API = tuple(f"{PREFIX}API_{kind}_KEYS{end}" for kind in ("READ", "ADMIN", "WRITE") for end in ("", "_FILE"))
SECRET_OF_ERASURES = (f"{PREFIX}ERASURE_SECRET",)
KEYS_OF_SOURCES = (
    *("PGPASSWORD", "PGPASSFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCOUNT_KEY"),
    *("MYSQL_PWD", "CLICKHOUSE_PASSWORD", "SNOWFLAKE_PASSWORD", "MSSQL_PASSWORD"),
    *("AZURE_STORAGE_SAS_TOKEN", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_APPLICATION_CREDENTIALS"),
)
KEYS_OF_NOTICES = tuple(f"{PREFIX}{name}" for name in ("NOTICE_SECRET", "ON_PROMOTED", "ON_REFUSED", "ON_FAILED", "ON_STOPPED"))
REDIS, TRAINER, WORKER, API = "redis", "trainer", "worker", "api"
GUNICORN = ("-m", "gunicorn", "--config", "api/gunicorn.conf.py", "api.app:create_app()")
PATIENT = 500  # a day and a half: a trainer that starts while a Redis of your own is away ends at once
LOG_BYTES = 10 * 2**20
NICENESS = 15  # of trainer and workers, which take every core: a request must not wait for them
LOG_BACKUPS = 3


@dataclass(frozen=True, slots=True)
class Program:
    """One process under supervisor. The lowest `priority` starts first and stops last."""

    name: str
    command: tuple[str, ...]
    priority: int
    stop_s: int  # from SIGTERM to SIGKILL
    start_s: int = 3  # one that ends sooner has failed to start
    start_retries: int = 4  # after which it is given up for good; before each there is a second more


def programs(places: StackPaths, redis_server: Path | None) -> list[Program]:
    """Everything in the order of its start. `redis_server` is None when LARDER_REDIS_URL names another server."""
    python = sys.executable
    nice = ("nice", "-n", str(NICENESS))
    listed = [
        Program(TRAINER, (*nice, *_without(KEYS_OF_API), python, "-m", "trainer", "serve"), priority=20, stop_s=20, start_retries=PATIENT),
        # A shard takes about LARDER_SHARD_TARGET_S; who is not done by then is killed, and its shard is scored again.
        Program(WORKER, (*nice, *_without(KEYS_OF_API, KEYS_OF_SOURCES, KEYS_OF_NOTICES), python, "-m", "worker"), priority=30, stop_s=30),
        Program(API, (*_without(SECRET_OF_ERASURES, KEYS_OF_SOURCES, KEYS_OF_NOTICES), python, *GUNICORN), priority=40, stop_s=25),
    ]
    if redis_server is not None:
        alone = _without(KEYS_OF_API, SECRET_OF_ERASURES, KEYS_OF_SOURCES, KEYS_OF_NOTICES)
        listed.insert(0, Program(REDIS, (*alone, str(redis_server), str(places.redis_config)), priority=10, stop_s=30, start_s=1))
    return listed


def _without(*groups: tuple[str, ...]) -> tuple[str, ...]:
    """The beginning of a command that must not see these variables, which every process inherits from supervisord."""
    return ("env", *(part for group in groups for name in group for part in ("-u", name)))


def configuration(places: StackPaths, listed: list[Program]) -> str:
    """supervisord.conf. Nothing starts by itself, since the others wait for Redis to answer, not only to run.

    The environment is not in it: processes inherit that of supervisord.
    """
    sections: list[tuple[str, dict[str, object]]] = [
        ("unix_http_server", {"file": places.supervisor_socket, "chmod": "0700"}),
        ("rpcinterface:supervisor", {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"}),
        (
            "supervisord",
            {
                "identifier": "larder",
                "logfile": places.log_of("supervisord"),
                "logfile_maxbytes": LOG_BYTES,
                "logfile_backups": LOG_BACKUPS,
                "pidfile": places.supervisor_pid,
                "childlogdir": places.log,
                **({"user": "root"} if os.getuid() == 0 else {}),  # said aloud, or supervisor warns
            },
        ),
        *((f"program:{program.name}", _section(program, places)) for program in listed),
    ]
    return "\n".join(f"[{title}]\n" + "".join(f"{name}={_escaped(value)}\n" for name, value in body.items()) for title, body in sections)


def _section(program: Program, places: StackPaths) -> dict[str, object]:
    return {
        "command": shlex.join(program.command),
        "directory": places.root,
        "priority": program.priority,
        "autostart": "false",
        "autorestart": "true",
        "startsecs": program.start_s,
        "startretries": program.start_retries,
        "stopsignal": "TERM",
        "stopwaitsecs": program.stop_s,
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _escaped(places.log_of(program.name)),  # supervisor expands this one twice
        "stdout_logfile_maxbytes": LOG_BYTES,
        "stdout_logfile_backups": LOG_BACKUPS,
    }


def _escaped(value: object) -> str:
    """supervisor expands %(name)s in every value."""
    return str(value).replace("%", "%%")
