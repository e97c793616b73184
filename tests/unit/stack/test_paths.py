from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from redis import Redis

from contract.errors import SettingsError
from stack import paths as places_module
from stack.paths import SOCKET_PATH_LIMIT, StackPaths


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_all_is_under_one_folder_and_sockets_are_private(prepared: StackPaths) -> None:
    assert all(folder.is_dir() and folder.parent == prepared.var for folder in prepared.folders)
    assert {mode_of(folder) for folder in prepared.folders} == {0o700}


def test_folders_of_an_earlier_version_are_closed_to_others(places: StackPaths) -> None:
    places.artifacts.mkdir(parents=True, mode=0o755)
    places.prepare()
    assert mode_of(places.artifacts) == 0o700


def test_sockets_stand_in_var_where_their_path_fits() -> None:
    places = StackPaths(Path("/larder"), Path("/larder/var"))
    assert places.sockets == Path("/larder/var/run")


def test_sockets_of_a_deep_folder_get_a_short_path_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places_module, "SHORT", Path("/tmp"))
    one, two = (StackPaths(Path("/"), Path("/") / ("a" * 100) / name) for name in ("one", "two"))
    assert one.sockets != two.sockets
    assert all(len(str(places.supervisor_socket)) < SOCKET_PATH_LIMIT for places in (one, two))


@pytest.mark.parametrize("name", ["my data", "a=b", "ü", "50%"])
def test_a_name_that_clients_of_redis_trip_over_is_kept_out_of_sockets(name: str) -> None:
    assert StackPaths(Path("/"), Path("/") / name).sockets.parent == places_module.SHORT


def test_a_short_folder_that_somebody_else_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StackPaths, "sockets", property(lambda _: tmp_path / "taken"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "taken").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="belongs to somebody else"):
        StackPaths(tmp_path, tmp_path / "var").prepare()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"can't make .*file.*: Not a directory; choose another folder with --var"):
        StackPaths(tmp_path, tmp_path / "file" / "var").prepare()


def test_the_url_of_a_path_with_odd_letters_leads_back_to_it() -> None:
    places = StackPaths(Path("/"), Path("/my data/50% ü?"))
    with Redis.from_url(places.redis_url) as client:
        assert client.connection_pool.connection_kwargs["path"] == os.fspath(places.redis_socket)
