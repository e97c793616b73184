from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from supervisor.options import ServerOptions

from stack.paths import StackPaths
from stack.supervision.programs import LOG_BACKUPS, LOG_BYTES, PATIENT, configuration, programs


def parsed(places: StackPaths, redis_server: Path | None) -> ServerOptions:
    """The configuration as supervisor itself reads it."""
    places.prepare()
    places.supervisor_config.write_text(configuration(places, programs(places, redis_server)), encoding="utf-8")
    options = ServerOptions()
    options.realize(["-c", str(places.supervisor_config)])
    return options


def unset(command: list[str]) -> set[str]:
    """Which kinds of secrets a process does not get, as the shell itself would say."""
    secrets = {
        "LARDER_API_ADMIN_KEYS": "keys",
        "LARDER_API_READ_KEYS": "keys",
        "LARDER_API_WRITE_KEYS": "keys",
        "LARDER_ERASURE_SECRET": "erasure",
        "PGPASSWORD": "source",
        "MYSQL_PWD": "source",
        "LARDER_NOTICE_SECRET": "notices",
    }
    starts = [at for at, word in enumerate(command) if word == "env"]
    assert len(starts) == 1
    end = starts[0] + 1
    while command[end] == "-u":
        end += 2
    given = {**dict.fromkeys(secrets, "x"), "PATH": os.environ["PATH"], "LARDER_K": "5"}
    seen = subprocess.run([*command[starts[0] : end], "env"], env=given, capture_output=True, text=True, check=True).stdout
    assert "LARDER_K=5" in seen
    return {kind for name, kind in secrets.items() if f"{name}=" not in seen}


def test_supervisor_reads_it_and_redis_comes_first(tmp_path: Path) -> None:
    places = StackPaths(tmp_path, tmp_path / "50% of my data" / "var")
    options = parsed(places, Path("/opt/my redis/redis-server"))
    groups = sorted(options.process_group_configs, key=lambda group: int(group.priority))
    commands = {group.name: shlex.split(group.process_configs[0].command) for group in groups}
    assert list(commands) == ["redis", "trainer", "worker", "api"]
    assert commands["redis"][-2:] == ["/opt/my redis/redis-server", str(places.redis_config)]
    assert commands["worker"][:2] == ["nice", "-n"]
    assert {name: unset(command) for name, command in commands.items()} == {
        "redis": {"keys", "erasure", "source", "notices"},
        "trainer": {"keys"},
        "worker": {"keys", "source", "notices"},
        "api": {"erasure", "source", "notices"},
    }
    assert commands["api"][-1] == "api.app:create_app()"
    retries = {group.name: group.process_configs[0].startretries for group in groups}
    assert retries == {"redis": 4, "trainer": PATIENT, "worker": 4, "api": 4}, "a trainer ends where a Redis of one's own is away"
    logs = {(one.stdout_logfile_maxbytes, one.stdout_logfile_backups) for group in groups for one in group.process_configs}
    assert logs == {(LOG_BYTES, LOG_BACKUPS)}, "logs are rotated"
    config = groups[-1].process_configs[0]
    assert (config.stdout_logfile, config.redirect_stderr, config.autostart) == (str(places.log / "api.log"), True, False)
    assert config.directory == str(tmp_path)


def test_the_users_own_redis_is_not_started(places: StackPaths) -> None:
    assert [program.name for program in programs(places, None)] == ["trainer", "worker", "api"]
