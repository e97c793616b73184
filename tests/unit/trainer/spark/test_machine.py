"""What Spark needs of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import SettingsError
from contract.settings.settings import Settings
from trainer.spark import cluster, machine


def java(folder: Path, script: str) -> dict[str, str]:
    (folder / "bin").mkdir()
    program = folder / "bin" / "java"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"JAVA_HOME": str(folder)}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "how_to_install", lambda _name: "")


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as raised:
        machine.check(environ)
    return str(raised.value)


@pytest.mark.usefixtures("installed")
def test_a_java_that_is_new_enough(tmp_path: Path) -> None:
    machine.check(java(tmp_path, """echo 'openjdk version "17.0.15" 2025-04-15' >&2"""))


@pytest.mark.usefixtures("installed")
def test_a_java_that_is_too_old(tmp_path: Path) -> None:
    said = refusal(java(tmp_path, """echo 'openjdk version "11.0.2" 2019-01-15' >&2"""))
    assert said.startswith(f"Spark needs a JDK 17 or newer; JAVA_HOME is {tmp_path}, which is Java 11: install one")


@pytest.mark.usefixtures("installed")
def test_no_java(tmp_path: Path) -> None:
    assert f"JAVA_HOME is {tmp_path}, where no java runs: install one" in refusal({"JAVA_HOME": str(tmp_path)})
    assert "JAVA_HOME is not set, and no java is on PATH: install one (apt install" in refusal({"PATH": str(tmp_path)})


def test_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "how_to_install", lambda name: f"it needs the driver {name}")
    assert refusal({}) == "the engine spark: it needs the driver spark"


def test_other_engines_need_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "how_to_install", lambda _name: "it is asked")
    with cluster.cluster_of(Settings()) as none:
        assert none is None
    with pytest.raises(SettingsError, match="it is asked"), cluster.cluster_of(Settings(engine="spark")):
        pass
