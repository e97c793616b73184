"""The trainer service reads incrementally, run after run: each in a fork, in which polars must not wait for threads of its parent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.servers.services import Services, await_that

PATIENCE_S = 60.0


@pytest.mark.parametrize("name", ["", "user-"], ids=["numbers", "texts"])
def test_runs_of_a_service_that_reads_incrementally_end(services: Callable[..., Services], tmp_path: Path, name: str) -> None:
    days = tmp_path / "days"
    days.mkdir()
    rows = "".join(f"{name}{user},{(user * at) % 61},{at % 5 + 1}\n" for user in range(120) for at in range(1, 13))
    (days / "1.csv").write_text(f"userID,itemID,rating\n{rows}")
    stack = services(interactions=str(days), time_column="", incremental=True)
    stack.start("worker")
    stack.start("trainer", "serve")
    first = await_that(stack.generations.current, stack.logs, PATIENCE_S).generation
    (days / "2.csv").write_text(f"userID,itemID,rating\n{rows[: len(rows) // 2].rpartition(chr(10))[0]}\n")
    assert stack.run("run").returncode == 0
    second = await_that(lambda: next((each for each in stack.generations.ids() if each != first), None), stack.logs, PATIENCE_S)
    assert stack.await_state(second, "current", "complete", "failed") != "failed"
