from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import IO, Any

import pytest

from stack.paths import StackPaths
from stack.supervision.processes import alive, end, holder_of, of_stack
from stack.supervision.supervisor_client import mark

STUBBORN = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


@pytest.fixture
def stubborn(prepared: StackPaths) -> Iterator[subprocess.Popen[str]]:
    """A process of the stack, in a group of its own, that does not care for SIGTERM."""
    environ = {**os.environ, "SUPERVISOR_SERVER_URL": mark(prepared)}
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], env=environ, stdout=subprocess.PIPE, text=True, start_new_session=True)
    with process:
        output: IO[Any] | None = process.stdout
        assert output is not None
        output.readline()
        yield process
        process.kill()


def test_the_stacks_own_are_found_and_ended_and_no_others(
    stubborn: subprocess.Popen[str], prepared: StackPaths, places: StackPaths
) -> None:
    other = StackPaths(places.root, places.var / "other")
    assert of_stack(other) == []
    found = of_stack(prepared)
    assert [process.pid for process in found] == [stubborn.pid]
    name = found[0].name()
    assert end(found, patience_s=0.5) == [f"{name} ({stubborn.pid})"]
    assert alive(found) == []
    assert of_stack(prepared) == []
    assert end(found) == []


def test_nobody_holds_a_free_port() -> None:
    assert holder_of(1) == ""
