"""Starting a run: it is entered as queued, and its job is put on the queue; both, or it is said to have failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from contract.errors import StoreError
from contract.formats.states import RunState
from contract.store.runs import Runs


class AtRuns(Protocol):
    """Calls `do` with the runs; the API's goes through its breaker."""

    def __call__(self, do: Callable[[Runs], object]) -> object: ...


def enter_and_enqueue(run: str, at_runs: AtRuns, enqueue: Callable[[], object]) -> None:
    """Enter `run` as the latest, then call `enqueue`. Where that raises, the run failed, and the error goes on.

    It is entered first, so that a trainer that takes the job at once finds it. Lists and queue may be two servers.
    """
    at_runs(lambda runs: runs.queued(run))
    try:
        enqueue()
    except Exception as error:
        why = f"{StoreError.__name__}: the queue did not take it ({type(error).__name__})"
        at_runs(lambda runs: runs.set(run, RunState.FAILED, message=why))
        raise
