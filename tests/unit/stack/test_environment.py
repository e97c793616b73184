from __future__ import annotations

import stat
from pathlib import Path

import pytest

from contract.errors import LarderError, SettingsError
from contract.machine import n_cores
from contract.settings.settings import Settings
from stack.environment import refuse_other_settings, save, saved, secret_of, stack_environment
from stack.paths import StackPaths


def test_defaults_are_settings_of_one_machine(places: StackPaths) -> None:
    settings = Settings.from_environ(stack_environment({}, places))
    assert settings.redis_url == settings.rq_url == places.redis_url
    assert settings.artifacts == places.artifacts.as_uri()
    assert settings.processes == n_cores()
    assert (settings.api_host, settings.api_port) == ("127.0.0.1", 5000)


def test_the_manual_is_served_once_it_is_made(tmp_path: Path) -> None:
    places = StackPaths(tmp_path, tmp_path / "var")
    assert Settings.from_environ(stack_environment({}, places)).manual == ""
    (tmp_path / "site").mkdir()
    assert Settings.from_environ(stack_environment({}, places)).manual == str(tmp_path / "site")
    assert Settings.from_environ(stack_environment({"LARDER_MANUAL": "/other"}, places)).manual == "/other"


def test_the_users_variables_win(places: StackPaths) -> None:
    environment = stack_environment({"LARDER_API_PORT": "5001", "LARDER_PROCESSES": "1", "NUMBA_CACHE_DIR": "/n", "HOME": "/h"}, places)
    settings = Settings.from_environ(environment)
    assert (settings.api_port, settings.processes) == (5001, 1)
    assert (environment["NUMBA_CACHE_DIR"], environment["HOME"]) == ("/n", "/h")


def test_what_runs_is_remembered_whatever_the_shell_says_now(prepared: StackPaths) -> None:
    started = stack_environment({"LARDER_API_PORT": "5001", "SECRET": "s", "PATH": "/old"}, prepared)
    save(started, prepared)
    later = saved({"LARDER_API_PORT": "7", "LARDER_K": "3", "PATH": "/new"}, prepared)
    assert Settings.from_environ(later) == Settings.from_environ(started)
    assert later["PATH"] == "/new"
    assert "SECRET" not in prepared.environment.read_text()
    assert stat.S_IMODE(prepared.environment.stat().st_mode) == 0o600


def test_a_lost_memory_says_what_to_do(prepared: StackPaths) -> None:
    with pytest.raises(LarderError, match="`make down`, then `make up`"):
        saved({}, prepared)


@pytest.mark.parametrize("given", [{}, {"LARDER_API_PORT": "5001"}, {"LARDER_K": "10"}, {"LARDER_TEST_ANY": "x", "PORT": "1"}])
def test_the_same_settings_join_the_stack_that_runs(places: StackPaths, given: dict[str, str]) -> None:
    refuse_other_settings(given, stack_environment({"LARDER_API_PORT": "5001"}, places), "do this")


def test_other_settings_are_named_not_ignored(places: StackPaths) -> None:
    running = stack_environment({}, places)
    with pytest.raises(SettingsError, match=r"LARDER_K=10 \(you gave 20\), LARDER_API_PORT=5000 \(you gave 5001\): do this"):
        refuse_other_settings({"LARDER_API_PORT": "5001", "LARDER_K": "20"}, running, "do this")


def test_the_secret_of_erased_users_is_made_once_and_for_its_owner_alone(prepared: StackPaths) -> None:
    secret = secret_of(prepared)
    assert len(bytes.fromhex(secret)) == 32
    assert secret_of(prepared) == secret
    assert prepared.erasure_secret.stat().st_mode & 0o777 == 0o600


def test_other_addresses_are_named_without_their_passwords(places: StackPaths) -> None:
    running = stack_environment({"LARDER_REDIS_URL": "redis://:old-secret@localhost/0"}, places)
    with pytest.raises(SettingsError) as told:
        refuse_other_settings({"LARDER_REDIS_URL": "redis://:new-secret@127.0.0.1:1/0"}, running, "do this")
    assert "127.0.0.1:1" in str(told.value)
    assert "secret" not in str(told.value)
