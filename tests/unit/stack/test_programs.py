from __future__ import annotations

import shlex
from pathlib import Path

from supervisor.options import ServerOptions

from stack.places import Places
from stack.programs import configuration, programs


def parsed(places: Places, redis_server: Path | None) -> ServerOptions:
    """The configuration as supervisor itself reads it."""
    places.prepare()
    places.supervisor_config.write_text(configuration(places, programs(places, redis_server)), encoding="utf-8")
    options = ServerOptions()
    options.realize(["-c", str(places.supervisor_config)])
    return options


def test_supervisor_reads_it_and_redis_comes_first(tmp_path: Path) -> None:
    places = Places(tmp_path, tmp_path / "50% of my data" / "var")
    options = parsed(places, Path("/opt/my redis/redis-server"))
    groups = sorted(options.process_group_configs, key=lambda group: int(group.priority))
    commands = {group.name: shlex.split(group.process_configs[0].command) for group in groups}
    assert list(commands) == ["redis", "trainer", "worker", "api"]
    assert commands["redis"] == ["/opt/my redis/redis-server", str(places.redis_config)]
    assert commands["worker"][:2] == ["nice", "-n"]
    assert commands["api"][-1] == "api.app:create_app()"
    config = groups[-1].process_configs[0]
    assert (config.stdout_logfile, config.redirect_stderr, config.autostart) == (str(places.log / "api.log"), True, False)
    assert config.directory == str(tmp_path)


def test_the_users_own_redis_is_not_started(places: Places) -> None:
    assert [program.name for program in programs(places, None)] == ["trainer", "worker", "api"]
