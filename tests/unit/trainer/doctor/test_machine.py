"""What the doctor says of machines that are not this one, and of clocks that differ."""

from __future__ import annotations

import re
import time
import tomllib
from typing import cast

import pytest
from redis import Redis

from tests.support.paths import ROOT
from trainer.doctor.machine import NEEDED, NEWEST, OLDEST, look_at_cpu, look_at_libraries, look_at_machine, look_at_python
from trainer.doctor.server import look_at_server


@pytest.mark.parametrize(
    ("found", "level"), [((3, 10), "fail"), ((3, 11), "ok"), ((3, 14), "ok"), ((3, 15), "warn"), ((4, 0), "warn"), ((2, 7), "fail")]
)
def test_python(found: tuple[int, int], level: str) -> None:
    assert look_at_python(found).level == level


@pytest.mark.parametrize(
    ("version", "level"), [("2.0.0", "ok"), ("2", "ok"), ("10.1", "ok"), ("1.26.4", "fail"), (None, "fail"), ("2.5.0rc1", "ok")]
)
def test_libraries(version: str | None, level: str) -> None:
    finding = look_at_libraries({"numpy": version})
    assert finding.level == level
    assert "numpy" in finding.what


@pytest.mark.parametrize(
    ("machine", "features", "level"),
    [
        ("x86_64", {"avx2": True, "fma": True}, "ok"),
        ("AMD64", {"avx2": True, "fma": True}, "ok"),
        ("x86_64", {"avx2": True, "fma": False}, "warn"),
        ("x86_64", {}, "warn"),
        ("aarch64", {"neon": True}, "ok"),
        ("riscv64", {"v": True}, "warn"),
    ],
)
def test_cpu(machine: str, features: dict[str, bool], level: str) -> None:
    assert look_at_cpu(machine, "a CPU", features).level == level


def test_what_is_needed_is_what_the_project_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["trainer"]]
    floors = {match[1]: match[2] for text in declared if (match := re.match(r"([\w-]+)>=([\d.]+)", text))}
    assert {name: floors[name] for name in NEEDED} == dict(NEEDED)
    assert project["requires-python"] == f">={OLDEST[0]}.{OLDEST[1]}"
    assert f"Programming Language :: Python :: {NEWEST[0]}.{NEWEST[1]}" == project["classifiers"][-2]


def test_this_machine_is_looked_at() -> None:
    found = list(look_at_machine())
    assert [finding.subject for finding in found] == ["Python", "libraries", "CPU"]
    assert "fail" not in [finding.level for finding in found]


class Server:
    """As much of a server as is asked for, so that its clock and version can be others."""

    def __init__(self, ahead_s: float = 0.0, **info: object) -> None:
        self._ahead_s = ahead_s
        self._info = {"redis_version": "7.2.4", "maxmemory_policy": "noeviction", "aof_enabled": 1, **info}

    def info(self, _section: str) -> dict[str, object]:
        return self._info

    def time(self) -> tuple[int, int]:
        seconds, rest = divmod(time.time() + self._ahead_s, 1)
        return int(seconds), int(rest * 1e6)


def levels(server: Server) -> dict[str, str]:
    return {finding.subject: finding.level for finding in look_at_server(cast("Redis", server), "Redis")}


@pytest.mark.parametrize(("ahead_s", "level"), [(0, "ok"), (30, "warn"), (-30, "warn"), (3600, "fail"), (-3600, "fail")])
def test_clock(ahead_s: float, level: str) -> None:
    assert levels(Server(ahead_s))["Redis: its clock"] == level


@pytest.mark.parametrize(
    ("info", "level"),
    [
        ({"redis_version": "6.0.20"}, "fail"),
        ({"redis_version": "6.2.0"}, "ok"),
        ({"redis_version": "10.0.1"}, "ok"),
        ({"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "9.1.0"}, "ok"),
    ],
)
def test_version(info: dict[str, object], level: str) -> None:
    assert levels(Server(0.0, **info))["Redis"] == level
