from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from contract.errors import LarderError, SettingsError, StoreError
from contract.settings.settings import Settings
from stack.paths import StackPaths
from stack.preflight import answers, check, check_disk, check_port, check_python


def test_python_of_another_version_is_named() -> None:
    check_python((3, 11))
    check_python((3, 14))
    with pytest.raises(LarderError, match=r"this is Python 3.10, and Larder needs 3.11 to 3.14: install one"):
        check_python((3, 10))


def test_too_little_disk_says_how_much_and_where() -> None:
    check_disk(Path("/var"), 10**12)
    with pytest.raises(LarderError, match=r"/data has 40 MB free, and Larder needs 500: free some"):
        check_disk(Path("/data"), 40 * 2**20)


def test_a_taken_port_names_its_holder_and_a_free_one() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(SettingsError) as caught:
            check_port("127.0.0.1", port)
    message = str(caught.value)
    assert f"port {port} is taken by" in message
    assert f"(pid {os.getpid()})" in message
    check_port("127.0.0.1", int(message.rpartition("=")[2].rstrip("`")))
    check_port("127.0.0.1", port)


def test_a_strange_address_names_its_variable() -> None:
    with pytest.raises(SettingsError, match=r"can't listen on 192\.0\.2\.1, port 5000: .*; set LARDER_API_HOST"):
        check_port("192.0.2.1", 5000)


def test_the_users_redis_must_answer(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is LARDER_REDIS_URL right"):
        answers(f"unix://{tmp_path}/none.sock")


def test_several_catalogues_are_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="`make up` runs one catalogue"):
        check(StackPaths(tmp_path, tmp_path), Settings(tenants="/etc/tenants.toml"))
