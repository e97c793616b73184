from __future__ import annotations

import stat
from pathlib import Path

import pytest

from contract.errors import SettingsError
from contract.settings.run_sources import RUN_OPTIONS
from contract.settings.settings import Settings
from trainer.run import vouching


def settings_of(folder: Path, **fields: object) -> Settings:
    return Settings(artifacts=folder.as_uri(), **fields)


def test_a_command_vouches_for_its_own_run_and_for_nothing_else(tmp_path: Path) -> None:
    settings, options = settings_of(tmp_path / "a"), {"interactions": "/any/where.csv", "k": "5"}
    mark = vouching.vouch(settings, "r1", options)
    vouching.check(settings, "r1", options, mark)
    for run, changed, given in (
        ("r2", options, mark),
        ("r1", {**options, "interactions": "/etc/passwd"}, mark),
        ("r1", options, ""),
        ("r1", options, "é"),
        ("r1", options, vouching.vouch(settings_of(tmp_path / "b"), "r1", options)),
    ):
        with pytest.raises(SettingsError, match="LARDER_RUN_SOURCES"):
            vouching.check(settings, run, changed, given)


@pytest.mark.parametrize("name", sorted({*Settings.model_fields, "no_such_setting"} - RUN_OPTIONS))
def test_no_run_chooses_the_settings_of_the_trainer(tmp_path: Path, name: str) -> None:
    """Whoever writes to the queue may ask for anything: where artifacts go, which Redis, which secret. Vouched for or not."""
    settings, options = settings_of(tmp_path, run_sources="/"), {name: "x"}
    for mark in ("", vouching.vouch(settings, "r1", {**options, "interactions": "/x.csv"})):
        with pytest.raises(SettingsError, match=name):
            vouching.check(settings, "r1", options, mark)


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    vouching.vouch(settings_of(tmp_path), "r1", {"items": "x.csv"})
    assert [path.name for path in tmp_path.iterdir()] == [vouching.KEY_FILE]
    assert stat.S_IMODE((tmp_path / vouching.KEY_FILE).stat().st_mode) == 0o600


def test_who_can_not_vouch_is_told_before_anything_is_queued(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="where the trainer service runs"):
        vouching.vouch(settings_of(tmp_path / "file" / "artifacts"), "r1", {"items": "x.csv"})


def test_nobody_needs_to_vouch_for_the_model(tmp_path: Path) -> None:
    assert vouching.vouch(settings_of(tmp_path), "r1", {"k": "5"}) == ""
    vouching.check(settings_of(tmp_path), "r1", {"k": "5"}, "")


@pytest.mark.parametrize("configured", [True, False])
def test_standard_input_is_refused_in_a_job_whoever_vouches(tmp_path: Path, configured: bool) -> None:
    settings, options = (settings_of(tmp_path, interactions="-"), {}) if configured else (settings_of(tmp_path), {"interactions": "-"})
    with pytest.raises(SettingsError, match="standard input"):
        vouching.check(settings, "r1", options, vouching._mark(vouching._key(settings), "r1", options))


def test_a_link_in_a_listed_folder_leads_nowhere(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "a.csv").write_text("user,item\n1,2\n")
    settings = settings_of(tmp_path / "artifacts", run_sources=str(inside))
    vouching.check(settings, "r1", {"interactions": str(inside)}, "")
    (tmp_path / "secret.csv").write_text("user,item\n1,2\n")
    (inside / "b.csv").symlink_to(tmp_path / "secret.csv")
    for place in (inside, inside / "*.csv", inside / "b.csv"):
        with pytest.raises(SettingsError, match="LARDER_RUN_SOURCES"):
            vouching.check(settings, "r1", {"interactions": str(place)}, "")
