"""The examples for cron, Airflow, Dagster and dbt, as they are: each trains for real, and exports for real."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import polars as pl
import pytest
import yaml  # type: ignore[import-untyped]
from croniter import croniter

from tests.support.paths import ROOT
from tests.support.servers.services import Services

EXAMPLES = ROOT / "examples"
ROWS = [(user, item) for user in range(30) for item in range(12) if (user * 7 + item * 5) % 3]


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the examples export to. Stand-ins are found as the packages that they stand for, until the test ends."""
    known = set(sys.modules)
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "support" / "stand_ins"))
    path = tmp_path / "lists.duckdb"
    monkeypatch.setenv("CALL_LARDER", f"{sys.executable} -m trainer")
    monkeypatch.setenv("LISTS_TO", f"duckdb:///{path}")
    monkeypatch.setenv("LISTS", str(path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield path
    for name in set(sys.modules) - known:
        if name.partition(".")[0] in ("airflow", "dagster"):
            del sys.modules[name]


@pytest.fixture
def stack(services: Callable[..., Services], lists: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    source = tmp_path / "events.csv"
    pl.DataFrame(ROWS, schema=["user_id", "item_id"], orient="row").write_csv(source)
    made = services(interactions=source, k=5)
    made.start("trainer", "serve")
    made.start("worker")
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    return made


def exported(lists: Path) -> tuple[str, int]:
    """Generation and users of what is there."""
    with duckdb.connect(str(lists), read_only=True) as database:
        found = database.execute("SELECT generation, users FROM larder_exports").fetchall()
        assert len(found) == 1
        assert database.execute("SELECT count(DISTINCT user_id), min(rank) FROM recommendations").fetchone() == (30, 1)
        return str(found[0][0]), int(found[0][1])


def of_airflow() -> Any:
    runpy.run_path(str(EXAMPLES / "airflow_nightly.py"))
    return sys.modules["airflow.sdk"].made[-1]


def of_dagster() -> Any:
    return runpy.run_path(str(EXAMPLES / "dagster_nightly.py"))["defs"]


@pytest.mark.long
def test_each_trains_and_exports(stack: Services, lists: Path) -> None:
    for said in ("all lists are exported", "what has changed is exported"):
        night = subprocess.run([str(EXAMPLES / "nightly.sh")], capture_output=True, text=True, check=False)
        assert night.returncode == 0, night.stderr + stack.logs()
        assert said in night.stdout
        assert exported(lists) == (served(stack), 30)

    dag = of_airflow()
    returned = dag.test()
    assert dag.tried == ["train", "export"]
    assert exported(lists) == (returned["train"], 30) == (served(stack), 30)

    job = of_dagster().jobs[0]
    results = job.execute_in_process()
    assert job.tried == ["larder_generation", "larder_lists"]
    assert exported(lists) == (results["larder_generation"], 30) == (served(stack), 30)
    assert results["larder_lists"].metadata["generation"] == served(stack)

    check_models(lists, served(stack))


def served(stack: Services) -> str:
    pointer = stack.generations.current()
    assert pointer is not None
    return pointer.generation


def check_models(lists: Path, generation: str) -> None:
    """dbt's models as views of the exported file, each after those that it refers to."""
    models = EXAMPLES / "dbt" / "models"
    project, sources = (yaml.safe_load((models.parent / name).read_text()) for name in ("dbt_project.yml", "models/sources.yml"))
    assert project["models"]["larder"]["+materialized"] == "view"
    (source,) = sources["sources"]
    columns = {table["name"]: [column["name"] for column in table.get("columns", [])] for table in source["tables"]}
    waiting = {path.stem: path.read_text() for path in models.glob("*.sql")}
    assert set(waiting) == {model["name"] for model in sources["models"]}
    with duckdb.connect(str(lists)) as database:
        assert columns["recommendations"] == [row[0] for row in database.execute("DESCRIBE recommendations").fetchall()]
        while waiting:
            refers: list[str] = []

            def ref(name: str, refers: list[str] = refers) -> str:
                refers.append(name)
                return name

            for name, text in list(waiting.items()):
                refers.clear()
                rendered = jinja2.Template(text).render(source=lambda _of, table: f"{source['schema']}.{table}", ref=ref)
                if not set(refers) & waiting.keys():
                    database.execute(f"CREATE VIEW {name} AS {rendered}")
                    del waiting[name]
        found = database.execute("SELECT count(*), max(rank), any_value(generation) FROM top_recommendations").fetchone()
        assert found == (90, 3, generation)
        shares = database.execute(
            "SELECT sum(lists), sum(lists_that_begin_with_it), max(share_of_users) <= 1 FROM recommended_items"
        ).fetchone()
        total = database.execute("SELECT count(*) FROM recommendations").fetchone()
        assert total is not None
        assert shares == (total[0], 30, True)


@pytest.mark.usefixtures("stack")
@pytest.mark.long
def test_a_bad_source_is_not_tried_again(lists: Path, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("nonsense\n")
    dag = of_airflow()
    with pytest.raises(Exception, match="larder run ended with 3, and would again") as raised:
        dag.test()
    assert (type(raised.value).__name__, dag.tried) == ("AirflowFailException", ["train"])
    job = of_dagster().jobs[0]
    with pytest.raises(Exception, match="larder run ended with 3"):
        job.execute_in_process()
    assert job.tried == ["larder_generation"]
    night = subprocess.run([str(EXAMPLES / "nightly.sh")], capture_output=True, text=True, check=False)
    assert night.returncode == 3
    assert not lists.exists()


@pytest.mark.long
def test_what_may_pass_is_tried_again(lists: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LARDER_REDIS_URL", "unix:///nowhere/redis.sock")
    dag, job = of_airflow(), of_dagster().jobs[0]
    for make, tried in ((dag.test, dag.tried), (job.execute_in_process, job.tried)):
        with pytest.raises(Exception, match=r"status 6|ended with 6"):
            make()
        assert len(tried) == 3
    assert not lists.exists()


def test_the_schedules_are_nightly(lists: Path) -> None:
    assert lists.parent.is_dir()
    for schedule in (of_airflow().options["schedule"], of_dagster().schedules[0].cron_schedule):
        assert croniter.is_valid(schedule)
        assert schedule == "0 3 * * *"


def test_the_script_can_be_started() -> None:
    assert os.access(EXAMPLES / "nightly.sh", os.X_OK)
