"""What the trainer service keeps for each tenant: nothing of one reaches another."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from contract.larder import Larder
from contract.settings.settings import Settings
from contract.tenants.file import TenantsFile
from trainer.service import tenants as service
from trainer.service.guarding import Guarding
from trainer.service.keeping import Keeping

NO_REDIS = "redis://127.0.0.1:1/0"


@pytest.mark.parametrize("bad", ["s3://bucket/x?no=1", f"file:///{'x' * 300}"])
def test_a_tenant_whose_artifacts_can_not_be_there_stops_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture, bad: str) -> None:
    path, now = tmp_path / "tenants.toml", 10
    path.write_text(f'[bad]\nartifacts = "{bad}"\n[good]\n')
    environ = {"LARDER_REDIS_URL": NO_REDIS, "LARDER_ARTIFACTS": tmp_path.as_uri()}
    file = TenantsFile(str(path), environ, lambda: now)
    tended = service.Tended(file, Larder(Settings(redis_url=NO_REDIS)))
    tended.look()
    assert list(tended.turns()) == ["good-train"]
    assert [record.message.partition(":")[0] for record in caplog.records] == ["the tenant bad"]
    was = tended.turns()["good-train"]
    for text, expected in (
        (f'[bad]\n[good]\nartifacts = "{bad}"\n', {"bad-train", "good-train"}),
        ("[bad]\n", {"bad-train"}),
    ):
        path.write_text(text)
        os.utime(path, ns=(now, now))
        now += 10
        tended.look()
        assert set(tended.turns()) == expected
        assert tended.turns().get("good-train", was) is was  # a broken table changes nothing


def test_processes_that_prune_and_judge_have_the_environment_of_the_tenant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    begun: list[tuple[str, Any]] = []
    ended: list[subprocess.Popen[bytes]] = []
    run = subprocess.Popen

    def start(command: list[str], env: Any = None, **_: Any) -> subprocess.Popen[bytes]:
        begun.append((command[3], env))
        ended.append(run(["sleep", "0"]))
        return ended[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    larder = Larder(Settings(redis_url=NO_REDIS, artifacts=f"s3://bucket/x?cache={tmp_path}"))
    environ = {"LARDER_NAMESPACE": "shop-a"}
    keeping = Keeping(larder, environ)
    assert keeping._remote is not None
    keeping._remote.tick({"a"})
    Guarding(larder, environ=environ)._start("clicks")
    for process in ended:
        process.wait()
    assert begun == [("prune", environ), ("experiment", environ)]
