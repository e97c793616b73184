"""Spark from the first job that needs it to the end of a run: the session, its folder, and what went wrong, in a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from contract.artifacts.artifact import folder_of
from contract.errors import SettingsError, SparkError
from contract.own_folder import OwnFolder
from contract.settings.engines.spark import SparkSettings
from contract.settings.settings import Settings
from engine.arrays import Report
from engine.kernel_cache import ROOT
from trainer.spark import machine
from trainer.spark.said import said_by

FOLDER = ".spark"  # beside the artifacts
_GROUP = "larder"
_LOOKS_EVERY_S = 0.25
_ENDS_WITHIN_S = 20
_LOG = (
    "rootLogger.level=warn\nrootLogger.appenderRef.f.ref=f\nappender.f.type=File\nappender.f.name=f\nappender.f.fileName={}\n"
    "appender.f.layout.type=PatternLayout\nappender.f.layout.pattern=%d{{ISO8601}} %p %c: %m%n%ex\n"
)
T = TypeVar("T")


class Cluster:
    """Spark as the settings name it. It is started by the first `session`, so that a run that fits nothing starts no JVM."""

    def __init__(self, settings: SparkSettings, beside: Path) -> None:
        self._settings, self._base = settings, Path(settings.spark_folder) if settings.spark_folder else beside / FOLDER
        self._session: Any = None
        self._gateway: Any = None
        self._own: OwnFolder | None = None

    @property
    def folder(self) -> Path:
        """For files of this run, while the session is there."""
        assert self._own is not None  # noqa: S101 (made by the session)
        return self._own.path

    def session(self) -> Any:
        """Raises SettingsError for what Spark lacks here, SparkError where it does not start."""
        if self._session is None:
            machine.check()
            try:
                self._own = OwnFolder(self._base, shared=bool(self._settings.spark_folder))
            except OSError as error:
                raise SettingsError(
                    f"Spark's folder {self._base} can't be used: {error.strerror}: make it, or name another by LARDER_SPARK_FOLDER"
                ) from None
            with _told(self.folder / "spark.log"):
                self._session = self._started()
        return self._session

    def _started(self) -> Any:
        from pyspark import SparkConf, SparkContext
        from pyspark.java_gateway import launch_gateway
        from pyspark.sql import SparkSession

        told = self.folder / "log4j2.properties"
        told.write_text(_LOG.format(self.folder / "spark.log"), encoding="utf-8")
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        own = {
            "spark.master": self._settings.spark_master,
            "spark.app.name": "larder",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.executorEnv.PYTHONPATH": os.pathsep.join((str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")]))),
            "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={told.as_uri()}",
            "spark.sql.warehouse.dir": str(self.folder / "warehouse"),
            "spark.sql.adaptive.enabled": "false",  # blocks are of about equal work: none is to be put together with another
            "spark.sql.execution.arrow.maxRecordsPerBatch": "4",  # packs are large
        }
        if self._settings.spark_master.startswith("local"):
            here = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
            own |= {**here, "spark.local.dir": str(self.folder)}  # executors elsewhere have disks of their own
        conf = SparkConf().setAll((own | dict(self._settings.spark_pairs)).items())
        with open(self.folder / "spark.log", "ab") as log:  # what Java says before and beside its log, too
            self._gateway = launch_gateway(conf, {"stdout": log, "stderr": log})
        return SparkSession(SparkContext(conf=conf, gateway=self._gateway))

    @property
    def n_cores(self) -> int:
        return int(self.session().sparkContext.defaultParallelism)

    def run(self, job: Callable[[], T], report: Report) -> T:
        """Call `job`, which waits for Spark, and report its tasks meanwhile; where `report` raises, the job is ended."""
        context, found = self.session().sparkContext, list[T]()
        failed = list[BaseException]()

        def work() -> None:
            try:
                found.append(job())
            except BaseException as error:  # noqa: BLE001 (raised below)
                failed.append(error)

        from pyspark import InheritableThread

        context.setJobGroup(_GROUP, "a fit", interruptOnCancel=True)
        thread: threading.Thread = InheritableThread(target=work, daemon=True)
        with _told(self.folder / "spark.log"):
            thread.start()
            try:
                while thread.is_alive():
                    thread.join(_LOOKS_EVERY_S)
                    report(*_progress(context))
            except BaseException:
                context.cancelAllJobs()
                thread.join(_ENDS_WITHIN_S)
                raise
            if failed:
                raise failed[0]
        return found[0]

    def close(self) -> None:
        """End the JVM, and remove the folder."""
        if self._session is not None:
            with suppress(Exception):
                self._session.stop()
            self._session = None
        if self._gateway is not None:
            _end(self._gateway)
            self._gateway = None
        if self._own is not None:
            self._own.remove()
            self._own = None

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def cluster_of(settings: Settings) -> Iterator[Cluster | None]:
    """None where another engine fits."""
    if settings.engine != "spark":
        yield None
        return
    machine.check()  # before anything takes time
    with Cluster(settings.spark, folder_of(settings.artifacts)) as cluster:
        yield cluster


@contextmanager
def _told(log: Path) -> Iterator[None]:
    """What Spark, Java and the bridge to it raise becomes SparkError; what is ours stays what it is."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        raise SparkError(f"the engine spark: {said_by(str(error), log)}") from None


def _progress(context: Any) -> tuple[int, int]:
    """Tasks that are done, and all, of the stages that Spark knows of."""
    tracker = context.statusTracker()
    jobs = [job for job in map(tracker.getJobInfo, tracker.getJobIdsForGroup(_GROUP)) if job is not None]
    stages = [stage for job in jobs for stage in map(tracker.getStageInfo, job.stageIds) if stage is not None]
    return sum(stage.numCompletedTasks for stage in stages), max(1, sum(stage.numTasks for stage in stages))


def _end(gateway: Any) -> None:
    """End the JVM, which would else stay until this process ends."""
    from pyspark import SparkContext

    with suppress(Exception):
        gateway.shutdown()
    SparkContext._gateway = SparkContext._jvm = None
    with suppress(OSError):
        gateway.proc.stdin.close()
    try:
        gateway.proc.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()
        gateway.proc.wait()
