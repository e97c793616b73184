"""Whole artifacts by the engine spark, and what is left of it when its process is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from contract.artifacts.artifact import open_artifact
from contract.formats.manifest import Manifest
from contract.settings.engines.spark import SparkSettings
from contract.settings.settings import Settings
from tests.support.paths import ROOT
from trainer.run.pipeline import make_artifact
from trainer.run.spec import RunSpec
from trainer.sources import load as sources
from trainer.spark.cluster import Cluster

CONF = "spark.driver.memory=512m"


@pytest.mark.parametrize(("model", "evaluate"), [("sar", False), ("ease", True)])
def test_a_whole_artifact_on_two_executors(model: str, evaluate: bool, tmp_path: Path) -> None:
    films = sources.load(Settings().source, tmp_path).interactions

    def made(engine: str) -> tuple[Manifest, dict[str, bytes]]:
        url = (tmp_path / engine).as_uri()
        settings = Settings(
            artifacts=url,
            engine=engine,
            model=model,
            normalize=model == "sar",
            neighbors=30,
            evaluate=evaluate,
            spark_master="local-cluster[2,1,1024]",
            spark_conf=CONF,
        )
        manifest = make_artifact(RunSpec("g1", settings), films, lambda *_: None)
        return manifest, {name: array.tobytes() for name, array in open_artifact(url, "g1").arrays.items()}

    (ours, our_arrays), (theirs, their_arrays) = made("larder"), made("spark")
    assert their_arrays == our_arrays
    assert (theirs.digest, theirs.settings.engine) == (ours.digest, "spark")
    measured = [{**(manifest.evaluation or {}), "seconds": 0} for manifest in (ours, theirs)]
    assert measured[0] == measured[1]
    assert {name: spec.crc32 for name, spec in theirs.arrays.items()} == {name: spec.crc32 for name, spec in ours.arrays.items()}
    assert list((tmp_path / "spark" / ".spark").iterdir()) == []


KILLED = """
import sys, os
from pathlib import Path
from contract.settings.engines.spark import SparkSettings
from trainer.spark.cluster import Cluster
cluster = Cluster(SparkSettings(spark_master="local[1]", spark_conf="spark.driver.memory=512m"), Path(sys.argv[1]))
cluster.session().range(0, 1, 1, 1).count()
print(cluster.folder, flush=True)
sys.stdin.read()
"""


def test_a_killed_process_leaves_no_jvm_and_the_next_removes_its_folder(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        children = psutil.Process(process.pid).children(recursive=True)
        assert any("java" in child.name() for child in children)
        process.send_signal(signal.SIGKILL)
    assert psutil.wait_procs(children, timeout=60)[1] == []
    assert folder.is_dir()
    with Cluster(SparkSettings(spark_master="local[1]", spark_conf=CONF), tmp_path) as following:
        following.session()
        assert not folder.exists()
