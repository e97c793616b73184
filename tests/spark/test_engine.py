"""The engine spark in a real Spark: the same bytes as our own engine makes, and what it says and leaves when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.errors import RunCancelledError, SparkError
from contract.settings.engines.spark import SparkSettings
from contract.settings.settings import ModelSettings, Settings
from tests.support.models.fitting import Memory, interactions_of
from tests.support.models.samples import many
from trainer.fitting.fit_model import fit_model
from trainer.interactions.interactions import Interactions
from trainer.sources import load as sources
from trainer.spark.cluster import Cluster

CONF = "spark.driver.memory=512m"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(SparkSettings(spark_master="local[2]", spark_conf=CONF), tmp_path_factory.mktemp("spark")) as spark:
        yield spark


@pytest.fixture(scope="module")
def films() -> Interactions:
    """A hundred thousand ratings of 610 people."""
    return sources.load(Settings().source, Path("/nowhere")).interactions


def fitted(interactions: Interactions, model: ModelSettings, spark: Cluster | None) -> dict[str, bytes]:
    memory = Memory()
    fit_model(interactions, model, memory.allocate, threads=2, limit_bytes=2**33, report=lambda *_: None, spark=spark)
    return {name: array.tobytes() for name, array in memory.items()}


def assert_same(interactions: Interactions, model: ModelSettings, spark: Cluster) -> None:
    ours = fitted(interactions, model, None)
    assert ours
    assert fitted(interactions, model, spark) == ours


@pytest.mark.parametrize(
    "model",
    [
        ModelSettings(engine="spark", neighbors=50),
        ModelSettings(engine="spark", similarity="lexicographers mutual information", threshold=3),
        ModelSettings(engine="spark", neighbors=50, affinity="binary:rank:0.9", prior_gain=0.1, normalize=False),
        ModelSettings(engine="spark", model="ease", neighbors=30),
        ModelSettings(engine="spark", model="itemknn", weighting="tfidf", neighbors=50),
        ModelSettings(engine="spark", model="rp3beta", neighbors=50, blend="itemknn"),
    ],
    ids=["nearest", "sparse", "sar with a prior", "ease", "itemknn", "a blend"],
)
def test_the_bytes_of_our_own_engine(model: ModelSettings, films: Interactions, cluster: Cluster) -> None:
    assert_same(films, model, cluster)


@pytest.mark.parametrize("name", ["sar", "ease", "edlae", "itemknn"])
def test_dense_tiles(name: str, cluster: Cluster) -> None:
    model = ModelSettings(engine="spark", model=name, neighbors=0)
    names = fitted(interactions_of(many()), model, None)
    assert [name for name in names if name.startswith("similarity")] == ["similarity"]
    assert_same(interactions_of(many()), model, cluster)


def test_a_task_that_fails_is_told_in_a_sentence(cluster: Cluster) -> None:
    def job() -> object:
        def broken(_batches: object) -> object:
            raise MemoryError("no room for a block")

        return cluster.session().range(0, 1, 1, 1).mapInArrow(broken, "id long").collect()

    with pytest.raises(SparkError, match=r"^the engine spark: a task failed: MemoryError: no room for a block$"):
        cluster.run(job, lambda *_: None)


def test_a_cancelled_run_ends_its_job(cluster: Cluster) -> None:
    def job() -> object:
        def endless(batches: object) -> object:
            import time

            for _ in range(3600):
                time.sleep(1)
            return batches

        return cluster.session().range(0, 2, 1, 2).mapInArrow(endless, "id long").collect()

    def cancelled(_done: int, _total: int) -> None:
        raise RunCancelledError("run r is cancelled")

    with pytest.raises(RunCancelledError):
        cluster.run(job, cancelled)
    assert list(cluster.session().sparkContext.statusTracker().getActiveJobsIds()) == []
