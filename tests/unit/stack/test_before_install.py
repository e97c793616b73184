from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.http import api_keys
from stack import before_install
from stack.before_install import what_is_wrong
from tests.support.paths import ROOT


@pytest.fixture
def port() -> Iterator[int]:
    """One that is taken."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield int(server.getsockname()[1])


def test_a_port_that_is_taken_is_told_with_one_that_is_free(port: int, tmp_path: Path) -> None:
    told = what_is_wrong({before_install.PORT: str(port)}, tmp_path)
    assert told.startswith(f"port {port} is taken: free it, or choose another, as in `make up LARDER_API_PORT=")
    free = int(told.rstrip("`").rpartition("=")[2])
    assert what_is_wrong({before_install.PORT: str(free)}, tmp_path) == ""


def test_the_port_of_ones_own_stack_is_no_reason(port: int, tmp_path: Path) -> None:
    (tmp_path / "var" / "run").mkdir(parents=True)
    assert what_is_wrong({before_install.PORT: str(port)}, tmp_path) == ""


@pytest.mark.parametrize("value", ["", "0", "65536", "http", "²", "-1"])
def test_what_is_not_a_port(value: str, tmp_path: Path) -> None:
    assert (
        what_is_wrong({before_install.PORT: value}, tmp_path)
        == f"LARDER_API_PORT: a port is a number from 1 to 65535, and this is {value!r}"
    )


@pytest.mark.parametrize("host", ["ä" * 64, "x..ä", "no.such.host.invalid"])
def test_a_host_that_can_not_be_bound_is_told_by_up_itself(host: str, tmp_path: Path) -> None:
    assert what_is_wrong({before_install.HOST: host, before_install.PORT: "5000"}, tmp_path) == ""


@pytest.mark.parametrize("name", before_install.KEYS)
def test_keys_that_are_too_short(name: str, tmp_path: Path) -> None:
    (tmp_path / "var" / "run").mkdir(parents=True)
    told = what_is_wrong({name: f"{'k' * before_install.MIN_KEY_LENGTH}, letmein"}, tmp_path)
    assert told == f"{name}: a key has at least 16 characters"
    assert "letmein" not in told
    assert what_is_wrong({name: f"{'k' * before_install.MIN_KEY_LENGTH}, "}, tmp_path) == ""
    assert before_install.MIN_KEY_LENGTH == api_keys.MIN_KEY_LENGTH


def test_nothing_has_to_be_installed() -> None:
    """-S: without site-packages."""
    subprocess.run([sys.executable, "-S", "-c", "import stack.bootstrap, stack.before_install"], cwd=ROOT, check=True)
