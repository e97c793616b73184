from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from api.metrics.files import fold, make_folder

COUNT = """
from prometheus_client import Counter, Histogram
Counter("asked", "Asked.", ["of"]).labels("a").inc({n})
Histogram("took", "Took.", buckets=(1, 2)).observe({n})
import os; print(os.getpid())
"""


def ended_worker(folder: Path, n: int) -> int:
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    return int(subprocess.run([sys.executable, "-c", COUNT.format(n=n)], env=environ, capture_output=True, check=True).stdout)


def totals(folder: Path) -> dict[str, float | None]:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    samples = [("asked_total", {"of": "a"}), ("took_sum", {}), ("took_count", {}), ("took_bucket", {"le": "1.0"})]
    return {name: registry.get_sample_value(name, labels) for name, labels in samples}


def test_the_counts_of_workers_that_have_ended_stay_in_one_file_a_kind(tmp_path: Path) -> None:
    processes = [ended_worker(tmp_path, n) for n in (1, 2, 3)]
    expected = {"asked_total": 6.0, "took_sum": 6.0, "took_count": 3.0, "took_bucket": 1.0}
    assert totals(tmp_path) == expected
    for process in processes:
        fold(tmp_path, process)
        assert totals(tmp_path) == expected
    assert sorted(file.name for file in tmp_path.iterdir()) == ["counter_ended.db", "histogram_ended.db"]


def test_a_folder_is_removed_once_nobody_has_it(tmp_path: Path) -> None:
    code = f"from api.metrics.files import make_folder; print(make_folder({str(tmp_path)!r}))"
    left = Path(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.strip())
    assert left.exists()
    first = make_folder(str(tmp_path))
    second = make_folder(str(tmp_path))
    assert sorted(tmp_path.iterdir()) == sorted([first, second])
